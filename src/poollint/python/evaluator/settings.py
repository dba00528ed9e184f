"""Fields of settings classes: pydantic v1 and v2, dataclasses, named tuples.

    BaseSettings   constructor argument, else variable (by alias, prefix and name, in any case), else default
    BaseModel      constructor argument, else the variable its settings object reads (`DB__POOL_SIZE`), else default
    dataclass      constructor argument, else default

Types and validators have the last word: see `validation`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import branching, calls, constructors, containers, enums, environment, expressions, flow
from poollint.python.evaluator import objects, settings_files, validation
from poollint.python.evaluator.values import (
    NO_ARGUMENTS,
    Arguments,
    ClassRef,
    FunctionRef,
    Instance,
    LibraryRef,
    Listing,
    Open,
    Pending,
    Table,
    Text,
    Value,
    failing,
    origin_of,
    shortened,
)
from poollint.python.libraries.file_functions import of_json
from poollint.python.source import names
from poollint.python.source.modules import Module
from poollint.python.source.scopes import FUNCTIONS

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World

Bases = list[ClassRef | str]

SECOND = "pydantic_settings.BaseSettings"  # of pydantic 2; in pydantic 1 it was part of pydantic
SETTINGS = frozenset({"pydantic.BaseSettings", SECOND})
MODELS = SETTINGS | {"pydantic.BaseModel", "pydantic.main.BaseModel", "sqlmodel.SQLModel"}
# Class methods that make a model of a dict, or of JSON.
MADE_OF_DICTS = frozenset({"model_validate", "parse_obj", "model_validate_json", "parse_raw"})
_FIELDS = frozenset(
    "pydantic.Field sqlmodel.Field dataclasses.field attr.ib attr.field attrs.field msgspec.field".split()
)
_DATACLASSES = frozenset(
    "dataclasses.dataclass pydantic.dataclasses.dataclass attr.s attr.attrs attr.dataclass attr.define attr.mutable "
    "attr.frozen attrs.define attrs.mutable attrs.frozen".split()
)
_WITH_FIELDS = frozenset({"typing.NamedTuple", "msgspec.Struct"})  # classes whose subclasses are made as dataclasses are


def is_settings(bases: Bases) -> bool:
    return any(base in MODELS for base in bases if isinstance(base, str))


def reads_environment(bases: Bases) -> bool:
    return any(base in SETTINGS for base in bases if isinstance(base, str))


@dataclass(frozen=True, slots=True)
class Field:
    """One annotated name of a class body, and what its `Field(...)` says.

    call   Field(...), also inside Annotated
    type   the annotation, or what it is a name for: `PoolSize = Annotated[int, Field(ge=1)]`
    types  the module in which that stands
    """

    name: str
    cls: ClassRef
    annotation: ast.expr | None
    value: ast.expr | None
    call: ast.Call | None
    type: ast.expr | None
    types: Module

    @property
    def module(self) -> Module:
        return self.cls.module

    @property
    def called_in(self) -> Module:
        """Return the module in which `Field(...)` stands."""
        return self.types if self.call is not None and self.call is not self.value else self.module

    def option(self, *options: str) -> ast.expr | None:
        """Return a keyword of `Field(...)`."""
        keywords = self.call.keywords if self.call else ()
        return next((keyword.value for option in options for keyword in keywords if keyword.arg == option), None)


def field(world: World, owner: Instance, bases: Bases, name: str) -> Value | None:
    """Return what a field of an instance holds, None when it is no field of a settings class."""
    if not has_dict(bases):
        return None
    found = field_named(bases, name)
    if found is None or _is_init_var(found):
        return None
    if name.startswith("_") and is_settings(bases):  # a private attribute: nobody passes it, and no variable sets it
        return _default(world, owner, found)
    owner = _handed_on(world, owner, bases)
    passed = _passed(world, owner, bases, found)
    passed = _as_model(world, owner, found, passed) if is_settings(bases) else passed
    is_weak = reads_environment(bases) and settings_files.comes_before(world, bases, "env_settings", "init_settings")
    if passed is not None and (owner.prefixes or is_weak):
        # `db: Database = Database(size=8)`: an argument of the default, which DB__SIZE replaces.
        return _from_environment(world, owner, bases, found, passed)
    if passed is not None:
        is_model = is_settings(bases)
        return validation.validated(world, owner, bases, found, passed) if is_model else _converted(world, found, passed)
    default = _default(world, owner, found)
    if reads_environment(bases) or owner.prefixes:
        return _from_environment(world, owner, bases, found, default)
    if owner.arguments is None:
        return _from_callers(world, owner, found, default)
    if default is None:
        return Unknown(f"{name} is not passed to {owner.cls.node.name}", owner.origin)
    if not is_settings(bases):
        return _converted(world, found, default)
    is_checked = validation.checks_default(world, owner, bases, found)
    return validation.validated(world, owner, bases, found, default) if is_checked else default


def _converted(world: World, found: Field, value: Value) -> Value:
    """Return a value as the converter of an attrs field makes it."""
    converter = found.option("converter")
    if converter is None:
        return value
    function = expressions.evaluate(world, converter, found.called_in, None)
    at = ast.copy_location(ast.Call(converter, [], []), converter)
    return calls.call(world, function, Arguments((world.pending(value),)), at, found.called_in, None)


def _as_model(world: World, owner: Instance, found: Field, value: Value | None) -> Value | None:
    """Return a dict that is given to a field of a model's type as that model, any other value as it is."""
    if not isinstance(value, Table):
        return value
    cls = annotated_class(found)
    if cls is None or not is_settings(objects.lineage(world, cls)):
        return value
    entries = {key: each for key, each in value.entries.items() if isinstance(key, str)}
    given = Arguments((), entries, value.complete, value.reason)
    return Instance(cls, given, value.origin, shortened(f"{owner.symbol}.{found.name}"), rests=world.rests.so_far())


def field_named(bases: Bases, name: str) -> Field | None:
    return next((found for found in _fields(bases) if found.name == name), None)


def from_value(world: World, owner: Instance, bases: Bases, found: Field, value: Value) -> Value:
    """Return a field that is given a value: a dict is the model of its type, text is read as the annotation says."""
    made = _as_model(world, owner, found, value) or value
    return validation.validated(world, owner, bases, found, made)


def given_to(world: World, owner: Instance, bases: Bases, wanted: set[str]) -> Table:
    """Return the dict that a settings class is made of, with some of its keys: what is passed, and what variables set."""
    origin = Origin(f"what {owner.cls.node.name} is made of", owner.origin.location)
    absent = failing(KeyError, origin, "is not passed")
    entries: dict[str, Value] = dict.fromkeys(wanted, absent)
    for found in _fields(bases):
        if found.name in wanted:
            value = _passed(world, owner, bases, found)
            entries[found.name] = value if value is not None else _set_or_absent(world, owner, bases, found, absent)
    return Table(entries, origin, False, "not all that is passed is known")


def _set_or_absent(world: World, owner: Instance, bases: Bases, found: Field, absent: Unknown) -> Value:
    """Return the variable that sets a field; where nobody knows whether any does, one that fails as a missing key."""
    variables = _variables(world, owner, bases, found) if reads_environment(bases) or owner.prefixes else ()
    present = _present(world, owner, bases, variables)
    if present is not None:
        return world.variable(present)
    if not variables or world.environment.complete:
        return absent
    value = world.variable(variables[0].upper())
    return replace(value, failure=absent.failure) if isinstance(value, Open) else value


def _handed_on(world: World, owner: Instance, bases: Bases) -> Instance:
    """Return an instance with what an `__init__` of its own hands on to the library's: `super().__init__(size=8)`."""
    method = objects.method_of(world, owner.cls, "__init__") if is_settings(bases) else None
    call = constructors.inner_call(method) if method is not None else None
    if method is None or call is None:
        return owner
    given = calls.arguments(world, call, method.module, objects.frame_of(world, owner, method))
    if owner.arguments is None:  # nobody knows who makes it, and what is spread may be nothing
        given = replace(given, complete=True, reason="")
    return replace(owner, arguments=given, symbol=shortened(f"{owner.symbol}.__init__"))


# -- finding fields ----------------------------------------------------------------------------------------------------


def _is_dataclass(bases: Bases) -> bool:
    return any(isinstance(base, ClassRef) and _is_decorated(base) for base in bases)


def _is_decorated(cls: ClassRef) -> bool:
    for decorator in cls.node.decorator_list:
        target = names.resolve(cls.module, decorator.func if isinstance(decorator, ast.Call) else decorator)
        if isinstance(target, LibraryRef) and target.name in _DATACLASSES:
            return True
    return False


def _declaring(bases: Bases) -> list[ClassRef]:
    """Return the classes whose bodies say fields: of dataclasses those that are decorated themselves."""
    every = is_settings(bases) or not _is_dataclass(bases)
    return [base for base in bases if isinstance(base, ClassRef) and (every or _is_decorated(base))]


def has_field(bases: Bases, name: str) -> bool:
    return any(found.name == name for found in _fields(bases))


def _fields(bases: Bases) -> Iterator[Field]:
    for cls in _declaring(bases):
        yield from _fields_of(cls)


def _fields_of(cls: ClassRef) -> Iterator[Field]:
    for stmt in cls.node.body:
        match stmt:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                if not _is_classvar(annotation):
                    yield _annotated_field(name, cls, annotation, value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name not in ("model_config", "Config"):
                yield Field(name, cls, None, value, _field_call(cls.module, None, value), None, cls.module)


def _annotated_field(name: str, cls: ClassRef, annotation: ast.expr, value: ast.expr | None) -> Field:
    spelled_out, types = annotation, cls.module
    while (found := names.assigned(types, plain_annotation(spelled_out))) is not None:
        types, spelled_out = found
    call = _field_call(cls.module, annotation, value) or _field_call(types, spelled_out, None)
    return Field(name, cls, annotation, value, call, spelled_out, types)


def _in_order(bases: Bases) -> dict[str, Field]:
    """Return the fields by name in the order of the constructor; a subclass's own definition wins."""
    return {found.name: found for cls in reversed(_declaring(bases)) for found in _fields_of(cls)}


def order_of(bases: Bases) -> list[str]:
    """Return the names of the fields that are passed by position, in their order."""
    return [name for name, found in _in_order(bases).items() if _is_positional(found)]


def names_of(bases: Bases) -> list[str]:
    """Return the names of all fields that are annotated, in their order."""
    return [name for name, found in _in_order(bases).items() if found.annotation is not None and not _is_init_var(found)]


def has_dict(bases: Bases) -> bool:
    """Say whether an instance can be turned into the dict of its fields."""
    return is_settings(bases) or _is_dataclass(bases) or not _WITH_FIELDS.isdisjoint(bases)


def as_dict(world: World, owner: Instance, given: Arguments, node: ast.AST, module: Module) -> Table:
    """Return what `model_dump()`, `dict()` or `asdict()` makes of an instance, with what the arguments leave out."""
    bases = objects.lineage(world, owner.cls)
    names_of = {name: found for name, found in _in_order(bases).items() if found.annotation and name[:1] != "_"}
    names_of = {name: found for name, found in names_of.items() if not _is_true(found.option("exclude")) and not _is_init_var(found)}
    computed = [name for cls in bases if isinstance(cls, ClassRef) for name in _computed(cls)]
    entries = {name: objects.attribute(world, owner, name, node, module, None) for name in (*names_of, *computed)}
    reason = "" if configured(world, owner, bases, "extra") != "allow" else "the model takes further fields"
    for option, value in given.keywords.items():
        chosen = _names_in(world, value)
        if option == "include" and chosen is not None:
            entries = {name: entry for name, entry in entries.items() if name in chosen}
        elif option == "exclude" and chosen is not None:
            entries = {name: entry for name, entry in entries.items() if name not in chosen}
        elif option == "exclude_none" and isinstance(value, Known) and value.value:
            entries = {name: entry for name, entry in entries.items() if not _is_nothing(entry)}
        elif option != "mode" and not (isinstance(value, Known) and not value.value):
            reason = f"{option} decides what is left out"
    return Table({} if reason.endswith("left out") else entries, owner.origin, not reason, reason)


COPIES = frozenset({"model_copy", "copy", "_replace"})  # methods that copy an instance, with other values for some fields


def copied(world: World, owner: Instance, changed: Mapping[str, Value | Pending], node: ast.AST, module: Module) -> Value:
    """Return a copy of an instance in which some fields have other values."""
    if owner.arguments is None or owner.holder is not None:
        return Unknown(f"a copy of {owner.cls.node.name}, of which not all is known", owner.origin)
    order = order_of(objects.lineage(world, owner.cls))
    passed = {**dict(zip(order, owner.arguments.positional)), **owner.arguments.keywords, **changed}
    given = replace(owner.arguments, positional=(), keywords=passed, rests=None)
    symbol = shortened(f"{owner.symbol}|{expressions.place(module, node, None)}")
    return replace(owner, arguments=given, symbol=symbol, rests=world.rests.so_far())


def _computed(cls: ClassRef) -> Iterator[str]:
    for stmt in cls.node.body:
        if isinstance(stmt, FUNCTIONS) and "computed_field" in objects.decorators(stmt):
            yield stmt.name


def _names_in(world: World, value: Value) -> set[object] | None:
    items = containers.items_of(world, value)
    return {item.value for item in items if isinstance(item, Known)} if items is not None else None


def _is_true(option: ast.expr | None) -> bool:
    return isinstance(option, ast.Constant) and option.value is True


def _is_nothing(value: Value) -> bool:
    return isinstance(value, Known) and value.value is None


def _is_classvar(annotation: ast.expr) -> bool:
    return _outer(annotation) == "ClassVar"


def _is_init_var(found: Field) -> bool:
    """Say whether a field of a dataclass is only passed on to `__post_init__`."""
    return found.annotation is not None and _outer(found.annotation) == "InitVar"


def _outer(annotation: ast.expr) -> str:
    """Return the last word of an annotation without what is in its brackets."""
    target = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


def init_variables(world: World, owner: Instance) -> list[Value]:
    """Return what `__post_init__` of a dataclass is given: its `InitVar`s in their order."""
    bases = objects.lineage(world, owner.cls)
    variables = [found for found in _in_order(bases).values() if _is_init_var(found)]
    given = [_passed(world, owner, bases, found) or _default(world, owner, found) for found in variables]
    return [value or Unknown(f"{found.name} is not passed", owner.origin) for found, value in zip(variables, given)]


def _field_call(module: Module, annotation: ast.expr | None, value: ast.expr | None) -> ast.Call | None:
    candidates = [value]
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.slice, ast.Tuple):
        candidates.extend(annotation.slice.elts[1:])
    for candidate in candidates:
        if isinstance(candidate, ast.Call):
            target = names.resolve(module, candidate.func)
            if isinstance(target, LibraryRef) and target.name in _FIELDS:
                return candidate
    return None


# -- where the value comes from ----------------------------------------------------------------------------------------


def _passed(world: World, owner: Instance, bases: Bases, found: Field) -> Value | None:
    """Return the constructor's argument for a field."""
    given = owner.arguments
    if given is None:
        return None
    for name in _accepted(world, owner, bases, found):
        if name in given.keywords:
            return given.keywords[name]
    if given.positional and not is_settings(bases):
        order = order_of(bases)
        position = order.index(found.name) if found.name in order else len(given.positional)
        if position < len(given.positional):
            return given.positional[position]
    return None if given.complete else Unknown(given.reason or f"{found.name} may be passed by a spread", owner.origin)


def _is_positional(found: Field) -> bool:
    """Say whether a field of a dataclass or tuple is filled by position."""
    is_false = (isinstance(option := found.option("init"), ast.Constant) and option.value is False)
    return found.annotation is not None and not is_false and not _is_true(found.option("kw_only"))


_ALIASES = ("validation_alias", "alias")
_BY_NAME = ("populate_by_name", "validate_by_name", "allow_population_by_field_name")


def _accepted(world: World, owner: Instance, bases: Bases, found: Field) -> tuple[str, ...]:
    """Return the names by which a field is passed: an alias takes the place of the field's own name."""
    aliases = _names_of(world, found, *_ALIASES)
    if not aliases:
        return (found.name,)
    by_name = any(configured(world, owner, bases, option) for option in _BY_NAME)
    return (*aliases, found.name) if by_name or not is_settings(bases) else aliases


def _names_of(world: World, found: Field, *options: str) -> tuple[str, ...]:
    """Return the names that an option of `Field(...)` gives a field."""
    option = found.option(*options)
    if option is None:
        return ()
    if isinstance(option, ast.Call):  # AliasChoices("A", "B"), AliasPath("a", 0)
        values = [expressions.evaluate(world, argument, found.called_in, None) for argument in option.args]
    else:
        value = expressions.evaluate(world, option, found.called_in, None)
        values = list(value.items) if isinstance(value, Listing) else [value]
    return tuple(value.value for value in values if isinstance(value, Known) and isinstance(value.value, str))


def _part_of(world: World, owner: Instance, bases: Bases, found: Field) -> str | None:
    """Return a variable that is set and of which a field takes a part: `validation_alias=AliasPath("DATABASE", "size")`."""
    option = found.option("validation_alias")
    for call in ast.walk(option) if isinstance(option, ast.Call) else ():
        if isinstance(call, ast.Call) and call.args and getattr(call.func, "id", getattr(call.func, "attr", "")) == "AliasPath":
            name = expressions.evaluate(world, call.args[0], found.called_in, None)
            if isinstance(name, Known) and (present := _present(world, owner, bases, (str(name.value),))) is not None:
                return present
    return None


def assigned_to(world: World, owner: Instance, bases: Bases, name: str, value: Value | None) -> Value | None:
    """Return what is assigned to an attribute as the model checks it, where it is told to: `validate_assignment=True`."""
    found = field_named(bases, name) if value is not None and is_settings(bases) else None
    if found is None or value is None or not configured(world, owner, bases, "validate_assignment"):
        return value
    return from_value(world, owner, bases, found, value)


def _default(world: World, owner: Instance, found: Field) -> Value | None:
    """Return a field's default, None when it has none."""
    expression = found.value
    if found.call is not None and (found.value is found.call or found.value is None):
        factory = found.option("default_factory", "factory")
        if factory is not None:
            return _made_by(world, factory, owner, found)
        positional = found.call.args[0] if found.call.args else None
        expression = found.option("default") or positional
    if expression is None or (isinstance(expression, ast.Constant) and expression.value is ...):
        return _by_default_method(world, owner, found)
    home = found.module if expression is found.value else found.called_in
    return expressions.evaluate(world, expression, home, None)


def _by_default_method(world: World, owner: Instance, found: Field) -> Value | None:
    """Return what a method that attrs takes for a field's default makes of the instance: `@size.default`."""
    for stmt in found.cls.node.body if found.call is not None else ():
        for decorator in stmt.decorator_list if isinstance(stmt, FUNCTIONS) else ():
            if isinstance(decorator, ast.Attribute) and decorator.attr == "default" and getattr(decorator.value, "id", "") == found.name:
                method = FunctionRef(found.module, stmt, found.cls.frame, owner)
                at = ast.copy_location(ast.Call(decorator, [], []), decorator)
                return calls.call(world, method, NO_ARGUMENTS, at, found.module, None)
    return None


def _made_by(world: World, factory: ast.expr, owner: Instance, found: Field) -> Value:
    """Return what `default_factory` makes; pydantic passes the fields before this one to a factory with a parameter."""
    function = expressions.evaluate(world, factory, found.called_in, None)
    takes_data = isinstance(function, FunctionRef) and len(function.node.args.args) == 1 + (function.owner is not None)
    given = Arguments((owner,)) if takes_data and not function.node.args.defaults else NO_ARGUMENTS  # type: ignore[union-attr]
    return calls.call(world, function, given, ast.copy_location(ast.Call(factory, [], []), factory), found.called_in, None)


_NOBODY = Known(True, Origin("whoever makes it may pass something else"), "fallback")
MOST_MAKERS = 12


def _from_callers(world: World, owner: Instance, found: Field, default: Value | None) -> Value:
    """Return the field as those pass it who make the class; its default where nobody is seen to."""
    sites = calls.callers_of(world, owner.cls.module, owner.cls.node)
    origin = Origin(found.name, found.module.location(found.annotation or found.cls.node))
    if not sites and default is not None:
        return branching.as_sure_as(default, _NOBODY)  # a library makes it: of a file, of a request
    agreed: Value | None = None
    for module, call in sites if len(sites) <= MOST_MAKERS else ():
        symbol = f"made {module.path}:{call.lineno}:{call.col_offset}"
        given = world.arguments(call, module)
        made = Instance(owner.cls, given, owner.origin, symbol, rests=given.rests or world.rests.so_far())
        value = objects.attribute(world, made, found.name, call, module, None)
        if len(sites) == 1:
            return value
        if not isinstance(value, Known) or (agreed is not None and agreed != value):
            agreed = None
            break
        agreed = value
    if agreed is not None:
        return agreed
    return world.unknown(
        f"{found.name} is given by whoever makes {owner.cls.node.name}", origin, f"{owner.symbol}.{found.name}"
    )


def _from_environment(world: World, owner: Instance, bases: Bases, found: Field, default: Value | None) -> Value:
    reads_variables, reads_nothing_else = settings_files.reads(world, bases)
    if (generator := config_option(world, owner, bases, "alias_generator")) is not None and not _names_of(world, found, *_ALIASES):
        if not (isinstance(generator, Known) and generator.value is None):
            return Unknown(f"the variable of {found.name} is named by alias_generator", owner.origin)
    variables = _variables(world, owner, bases, found) if reads_variables else ()
    if (whole := _part_of(world, owner, bases, found)) is not None:
        return Unknown(f"{found.name} is a part of {whole}", owner.origin)
    if (by_file := settings_files.replaced_by_file(world, owner, bases, found, variables)) is not None:
        if annotated_class(found) is not None:  # of a model, any part
            return by_file
        default = by_file
    files = settings_files.from_files(world, owner, bases, found, _accepted(world, owner, bases, found))
    if files.value is not None:
        default = _as_model(world, owner, found, files.value)
    value = _read(world, owner, bases, found, default, () if files.is_strong else variables, files.value is not None)
    return value if reads_nothing_else and files.is_sure else branching.as_sure_as(value, _NOBODY)  # a file may hold something else


def _read(
    world: World,
    owner: Instance,
    bases: Bases,
    found: Field,
    default: Value | None,
    variables: tuple[str, ...],
    is_joined: bool = False,
) -> Value:
    """Return a field as its variables set it, else its default.

    is_joined  variables for parts of a model leave the other parts of the default as they are
    """
    nested = _nested(world, owner, bases, found, default, variables, is_joined)
    if nested is not None:
        return nested
    present = _present(world, owner, bases, variables)
    name = present or next(iter(variables), found.name)
    if present is None and not configured(world, owner, bases, "case_sensitive"):
        name = name.upper()
    origin = Origin(found.name, found.module.location(found.annotation or found.cls.node))
    # A variable that is set but does not count, as one in other letters or an empty one, replaces nothing.
    is_open = bool(variables) and (present is not None or name not in world.environment.variables)
    raw = default
    if is_open and (present is not None or default is None or isinstance(default, (Known, Unknown, Text))):
        raw = world.variable(name, default, origin)
    if default is None and isinstance(raw, Open) and raw.absent:
        raw = replace(raw, absent=False)  # pydantic refuses to start without it
    elif raw is None or (default is None and isinstance(raw, Known) and raw.value is None):
        raw = Unknown(f"{name} has to be set, and nothing sets it", origin)
    raw = _named(raw, found.name) if present is None else raw
    if present is None and not validation.checks_default(world, owner, bases, found):
        return raw
    return validation.of_server(found, validation.validated(world, owner, bases, found, raw))


def _named(value: Value, name: str) -> Value:
    """A default stands in its class under the field's name."""
    if isinstance(value, (Known, Unknown)):
        return replace(value, origin=replace(value.origin, says=name))
    return value


def _present(world: World, owner: Instance, bases: Bases, variables: tuple[str, ...]) -> str | None:
    """Return the variable that sets a field, as the environment spells it."""
    is_exact = bool(configured(world, owner, bases, "case_sensitive"))
    found = environment.lookup(world, variables, is_exact=is_exact)
    if found is not None and configured(world, owner, bases, "env_ignore_empty"):
        setting = world.environment.variables[found]
        return None if isinstance(setting, Known) and setting.value == "" else found
    return found


def _variables(world: World, owner: Instance, bases: Bases, found: Field) -> tuple[str, ...]:
    """Return the names of the variables a field is read from, the first that is set wins."""
    inner = [name for name in _accepted(world, owner, bases, found) if not owner.delimiter or owner.delimiter not in name]
    inside = tuple(prefix + name for prefix in owner.prefixes for name in inner)
    if not reads_environment(bases):
        return inside
    if SECOND in bases:
        aliases = _names_of(world, found, *_ALIASES)
    else:
        aliases = _names_of(world, found, "env") or _of_fields_option(world, owner, bases, found)
    prefix = configured(world, owner, bases, "env_prefix") or ""
    if not aliases:
        return (*inside, f"{prefix}{found.name}")
    by_name = SECOND in bases and any(configured(world, owner, bases, option) for option in _BY_NAME)
    return (*inside, *aliases, f"{prefix}{found.name}") if by_name else (*inside, *aliases)


def _of_fields_option(world: World, owner: Instance, bases: Bases, found: Field) -> tuple[str, ...]:
    """Return the variable of `class Config: fields = {"size": {"env": "POOL_SIZE"}}`."""
    fields = config_option(world, owner, bases, "fields")
    entry = fields.get(found.name) if isinstance(fields, Table) else None
    entry = entry.get("env") if isinstance(entry, Table) else entry
    return (entry.value,) if isinstance(entry, Known) and isinstance(entry.value, str) else ()


def configured(world: World, owner: Instance, bases: Bases, option: str) -> Any:
    """Return a plain option of `model_config` or `class Config`, None when it is not set."""
    value = config_option(world, owner, bases, option)
    return value.value if isinstance(value, Known) else None


def config_option(world: World, owner: Instance, bases: Bases, option: str) -> Value | None:
    if owner.arguments is not None and (given := owner.arguments.keywords.get(f"_{option}")) is not None:
        return world.pending(given)  # `Settings(_env_prefix="X_")`
    for cls in bases:
        if not isinstance(cls, ClassRef):
            continue
        for keyword in cls.node.keywords:
            if keyword.arg == option:
                return expressions.evaluate(world, keyword.value, cls.module, cls.frame)
        for name in ("model_config", "Config"):
            scope = names.scope_for(cls.module, cls.node)
            if name not in scope.binds:
                continue
            config = flow.name_in(world, scope, name, None, cls.module, None, None)
            if isinstance(config, ClassRef):
                value: Value | None = objects.class_attribute(world, config, option, Origin(option))
            else:
                value = _option_of(config, option)
            if value is not None and not isinstance(value, Unknown):
                return value
    return None


def _option_of(config: Value, option: str) -> Value | None:
    if isinstance(config, Table):
        return config.get(option)
    arguments = getattr(config, "arguments", None)  # SettingsConfigDict(env_prefix="APP_")
    return arguments.keywords.get(option) if isinstance(arguments, Arguments) else None


def _nested(
    world: World,
    owner: Instance,
    bases: Bases,
    found: Field,
    default: Value | None,
    variables: tuple[str, ...],
    is_joined: bool,
) -> Value | None:
    """Return the settings object that a field holds, which reads variables of its own: `DB__POOL_SIZE`."""
    cls = default.cls if isinstance(default, Instance) else annotated_class(found)
    if cls is None:
        return None
    inner = objects.lineage(world, cls)
    if enums.is_enum(inner):
        return None
    if not is_settings(inner):
        return default
    is_whole = reads_environment(inner)
    delimiter = owner.delimiter or ("" if owner.prefixes else configured(world, owner, bases, "env_nested_delimiter") or "")
    prefixes = tuple(f"{name}{delimiter}" for name in variables) if delimiter else ()
    if configured(world, owner, bases, "env_nested_max_split") == 1:
        delimiter = ""  # what is inside may hold it, and nothing is nested deeper
    given = _given_whole(world, owner, bases, variables)
    if isinstance(given, Unknown):
        return given
    is_given = given is not None or _is_any_set(world, prefixes)
    if isinstance(default, Known) and default.value is None and not is_given:
        return _perhaps_none(world, default)
    is_joined = is_joined or bool(configured(world, owner, bases, "nested_model_default_partial_update"))
    if is_given and not is_joined:
        default = None  # what the variables give is all that is passed
    arguments = given or (default.arguments if isinstance(default, Instance) else NO_ARGUMENTS)
    if not is_whole and configured(world, owner, bases, "case_sensitive"):  # what reads no variables itself follows
        arguments = replace(arguments, keywords={**arguments.keywords, "_case_sensitive": _NOBODY})
    symbol = shortened(f"{owner.symbol}.{found.name}")
    if is_whole and isinstance(default, Instance):
        return replace(default, prefixes=prefixes, delimiter=delimiter) if prefixes else default
    origin = origin_of(default) if default else owner.origin
    return Instance(cls, arguments, origin, symbol, prefixes, delimiter, rests=world.rests.so_far())


def _given_whole(world: World, owner: Instance, bases: Bases, variables: tuple[str, ...]) -> Arguments | Unknown | None:
    """Return what one variable gives a nested model as JSON, None when it is not set."""
    present = _present(world, owner, bases, variables)
    if present is None:
        return None
    text = world.variable(present)
    table = of_json(text) if isinstance(text, Known) and isinstance(text.value, str) else None
    if not isinstance(table, Table):
        return Unknown(f"no JSON in {present}", origin_of(text))
    return Arguments((), {key: value for key, value in table.entries.items() if isinstance(key, str)})


def _is_any_set(world: World, prefixes: tuple[str, ...]) -> bool:
    """Say whether any variable begins so."""
    lowered = tuple(prefix.lower() for prefix in prefixes)
    for prefix in lowered:
        world.rests_on_variable(f"{prefix}*")
    return any(name.lower().startswith(lowered) for name in world.environment.variables) if lowered else False


def _perhaps_none(world: World, default: Known) -> Value:
    """Return the None of `db: Database | None = None`, which variables that nobody sees may replace."""
    return default if world.environment.complete else branching.as_sure_as(default, _NOBODY)


def annotated_class(found: Field) -> ClassRef | None:
    target = names.resolve(found.types, plain_annotation(found.type)) if found.type is not None else None
    return target if isinstance(target, ClassRef) else None


def plain_annotation(annotation: ast.expr) -> ast.expr:
    """Return X of `X | None`, `Optional[X]` and `Annotated[X, ...]`."""
    for _ in range(5):
        match annotation:
            case ast.BinOp(op=ast.BitOr(), left=left, right=ast.Constant(value=None)):
                annotation = left
            case ast.BinOp(op=ast.BitOr(), left=ast.Constant(value=None), right=right):
                annotation = right
            case ast.Subscript(value=ast.Name(id="Optional") | ast.Attribute(attr="Optional"), slice=inner):
                annotation = inner
            case ast.Subscript(
                value=ast.Name(id="Annotated") | ast.Attribute(attr="Annotated"), slice=ast.Tuple(elts=[first, *_])
            ):
                annotation = first
            case _:
                break
    return annotation


def parsed_annotation(annotation: ast.Constant, module: Module) -> ast.expr:
    """Return an annotation that is written as text: `settings: "Settings"`."""
    try:
        parsed = ast.parse(annotation.value, mode="eval").body if len(annotation.value) < 200 else annotation
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return annotation
    if not isinstance(parsed, (ast.Name, ast.Attribute)):
        return annotation
    for node in ast.walk(parsed):
        module.adopt(node, annotation)
    return parsed
