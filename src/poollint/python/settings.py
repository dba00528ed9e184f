"""Fields of settings classes: pydantic v1 and v2, dataclasses, named tuples.

    BaseSettings   constructor argument, else variable (by alias, prefix and name, in any case), else default
    BaseModel      constructor argument, else the variable its settings object reads (`DB__POOL_SIZE`), else default
    dataclass      constructor argument, else default

A validator has the last word: its function is followed like any other; what cannot be followed is Unknown.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown
from poollint.python import branching, calls, enums, expressions, flow, names, objects, returns
from poollint.python.environment import lookup_ignoring_case, url_of_dialect
from poollint.python.file_functions import of_json
from poollint.python.modules import Module
from poollint.python.scopes import FUNCTIONS
from poollint.python.values import (
    NO_ARGUMENTS,
    Arguments,
    ClassRef,
    FunctionRef,
    Instance,
    LibraryRef,
    Listing,
    Open,
    Table,
    Traced,
    Value,
    derived,
    origin_of,
    shortened,
)

if TYPE_CHECKING:
    from poollint.python.evaluate import World

Bases = list[ClassRef | str]

SETTINGS = frozenset({"pydantic.BaseSettings", "pydantic_settings.BaseSettings"})
MODELS = SETTINGS | {"pydantic.BaseModel", "pydantic.main.BaseModel", "sqlmodel.SQLModel"}
MADE_OF_DICTS = frozenset({"model_validate", "parse_obj"})  # class methods that make a model of a dict
_FIELDS = frozenset({"pydantic.Field", "dataclasses.field", "attr.ib", "attr.field", "attrs.field", "sqlmodel.Field"})
_DATACLASSES = frozenset(
    {
        "dataclasses.dataclass",
        "pydantic.dataclasses.dataclass",
        "attr.s",
        "attr.define",
        "attrs.define",
        "attr.dataclass",
    }
)
_TRUE, _FALSE = frozenset("true 1 yes y on t".split()), frozenset("false 0 no n off f".split())


def is_settings(bases: Bases) -> bool:
    return any(base in MODELS for base in bases if isinstance(base, str))


def reads_environment(bases: Bases) -> bool:
    return any(base in SETTINGS for base in bases if isinstance(base, str))


@dataclass(frozen=True, slots=True)
class _Field:
    """One annotated name of a class body, and what its `Field(...)` says."""

    name: str
    cls: ClassRef
    annotation: ast.expr | None
    value: ast.expr | None
    call: ast.Call | None  # Field(...), also inside Annotated

    @property
    def module(self) -> Module:
        return self.cls.module

    def option(self, *options: str) -> ast.expr | None:
        """Return a keyword of `Field(...)`."""
        keywords = self.call.keywords if self.call else ()
        return next((keyword.value for option in options for keyword in keywords if keyword.arg == option), None)


def field(world: World, owner: Instance, bases: Bases, name: str) -> Value | None:
    """Return what a field of an instance holds, None when it is no field of a settings class."""
    if not (is_settings(bases) or _is_dataclass(bases) or "typing.NamedTuple" in bases):
        return None
    found = next((found for found in _fields(bases) if found.name == name), None)
    if found is None:
        return None
    passed = _passed(world, owner, bases, found)
    if passed is not None and owner.prefixes:
        # `db: Database = Database(size=8)`: an argument of the default, which DB__SIZE replaces.
        return _from_environment(world, owner, bases, found, passed)
    if passed is not None:
        return _validated(world, owner, bases, found, _cast(world, found, passed))
    default = _default(world, owner, bases, found)
    if reads_environment(bases) or owner.prefixes:
        return _from_environment(world, owner, bases, found, default)
    if owner.arguments is None:
        return _from_callers(world, owner, found, default)
    return default if default is not None else Unknown(f"{name} is not passed to {owner.cls.node.name}", owner.origin)


# -- finding fields ----------------------------------------------------------------------------------------------------


def _is_dataclass(bases: Bases) -> bool:
    for base in bases:
        if isinstance(base, ClassRef):
            for decorator in base.node.decorator_list:
                target = names.resolve(base.module, decorator.func if isinstance(decorator, ast.Call) else decorator)
                if isinstance(target, LibraryRef) and target.name in _DATACLASSES:
                    return True
    return False


def has_field(bases: Bases, name: str) -> bool:
    return any(found.name == name for found in _fields(bases))


def _fields(bases: Bases) -> Iterator[_Field]:
    for cls in bases:
        if not isinstance(cls, ClassRef):
            continue
        for stmt in cls.node.body:
            match stmt:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                    if not _is_classvar(annotation):
                        yield _Field(name, cls, annotation, value, _field_call(cls.module, annotation, value))
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if name not in ("model_config", "Config"):
                    yield _Field(name, cls, None, value, _field_call(cls.module, None, value))


def _in_order(bases: Bases) -> dict[str, _Field]:
    """Return the fields by name in the order of the constructor; a subclass's own definition wins."""
    return {found.name: found for base in reversed(bases) if isinstance(base, ClassRef) for found in _fields([base])}


def has_dict(bases: Bases) -> bool:
    """Say whether an instance can be turned into the dict of its fields."""
    return is_settings(bases) or _is_dataclass(bases) or "typing.NamedTuple" in bases


def as_dict(world: World, owner: Instance, given: Arguments, node: ast.AST, module: Module) -> Table:
    """Return what `model_dump()`, `dict()` or `asdict()` makes of an instance, with what the arguments leave out."""
    bases = objects.lineage(world, owner.cls)
    names_of = {name: found for name, found in _in_order(bases).items() if found.annotation and name[:1] != "_"}
    names_of = {name: found for name, found in names_of.items() if not _is_true(found.option("exclude"))}
    computed = [name for cls in bases if isinstance(cls, ClassRef) for name in _computed(cls)]
    entries = {name: objects.attribute(world, owner, name, node, module, None) for name in (*names_of, *computed)}
    reason = "" if _configured(world, owner, bases, "extra") != "allow" else "the model takes further fields"
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


def _computed(cls: ClassRef) -> Iterator[str]:
    for stmt in cls.node.body:
        if isinstance(stmt, FUNCTIONS) and "computed_field" in objects.decorators(stmt):
            yield stmt.name


def _names_in(world: World, value: Value) -> set[object] | None:
    items = objects.items_of(world, value)
    return {item.value for item in items if isinstance(item, Known)} if items is not None else None


def _is_true(option: ast.expr | None) -> bool:
    return isinstance(option, ast.Constant) and option.value is True


def _is_nothing(value: Value) -> bool:
    return isinstance(value, Known) and value.value is None


def _is_classvar(annotation: ast.expr) -> bool:
    target = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return (target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")) == "ClassVar"


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


def _passed(world: World, owner: Instance, bases: Bases, found: _Field) -> Value | None:
    """Return the constructor's argument for a field."""
    given = owner.arguments
    if given is None:
        return None
    for name in (found.name, *_aliases(world, found)):
        if name in given.keywords:
            return given.keywords[name]
    if given.positional and not is_settings(bases):
        position = list(_in_order(bases)).index(found.name)
        if position < len(given.positional):
            return given.positional[position]
    return None if given.complete else Unknown(given.reason or f"{found.name} may be passed by a spread", owner.origin)


def _aliases(world: World, found: _Field) -> tuple[str, ...]:
    """Return the names that `alias`, `validation_alias` or `env` give a field."""
    option = found.option("validation_alias", "env", "alias")
    if option is None:
        return ()
    if isinstance(option, ast.Call):  # AliasChoices("A", "B"), AliasPath("a", 0)
        values = [expressions.evaluate(world, argument, found.module, None) for argument in option.args]
    else:
        value = expressions.evaluate(world, option, found.module, None)
        values = list(value.items) if isinstance(value, Listing) else [value]
    return tuple(value.value for value in values if isinstance(value, Known) and isinstance(value.value, str))


def _default(world: World, owner: Instance, bases: Bases, found: _Field) -> Value | None:
    """Return a field's default, None when it has none."""
    expression = found.value
    if found.call is not None and (found.value is found.call or found.value is None):
        factory = found.option("default_factory", "factory")
        if factory is not None:
            return _made_by(world, factory, found)
        positional = found.call.args[0] if found.call.args else None
        expression = found.option("default") or positional
    if expression is None or (isinstance(expression, ast.Constant) and expression.value is ...):
        return None
    return expressions.evaluate(world, expression, found.module, None)


def _made_by(world: World, factory: ast.expr, found: _Field) -> Value:
    function = expressions.evaluate(world, factory, found.module, None)
    return calls.call(
        world, function, NO_ARGUMENTS, ast.copy_location(ast.Call(factory, [], []), factory), found.module, None
    )


_NOBODY = Known(True, Origin("whoever makes it may pass something else"), "fallback")
MOST_MAKERS = 12


def _from_callers(world: World, owner: Instance, found: _Field, default: Value | None) -> Value:
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


def _from_environment(world: World, owner: Instance, bases: Bases, found: _Field, default: Value | None) -> Value:
    variables = _variables(world, owner, bases, found)
    nested = _nested(world, owner, bases, found, default, variables)
    if nested is not None:
        return nested
    present = lookup_ignoring_case(world, variables)
    name = present or variables[0].upper()
    origin = Origin(found.name, found.module.location(found.annotation or found.cls.node))
    if default is not None and not isinstance(default, (Known, Unknown)) and present is None:
        raw: Value = (
            default
            if not hasattr(default, "symbol") or not hasattr(default, "parts")
            else world.variable(name, default, origin)
        )
    else:
        raw = world.variable(name, default, origin)
    if default is None and isinstance(raw, Open) and raw.absent:
        raw = replace(raw, absent=False)  # pydantic refuses to start without it
    elif default is None and isinstance(raw, Known) and raw.value is None:
        raw = Unknown(f"{name} has to be set, and nothing sets it", raw.origin)
    raw = _named(raw, found.name) if present is None else raw
    return _of_server(found, _validated(world, owner, bases, found, _cast(world, found, raw)))


def _named(value: Value, name: str) -> Value:
    """A default stands in its class under the field's name."""
    if isinstance(value, (Known, Unknown)):
        return replace(value, origin=replace(value.origin, says=name))
    return value


def _variables(world: World, owner: Instance, bases: Bases, found: _Field) -> tuple[str, ...]:
    """Return the names of the variables a field is read from, the first that is set wins."""
    if owner.prefixes:
        inner = (*_aliases(world, found), found.name)
        return tuple(prefix + name for prefix in owner.prefixes for name in inner)
    aliases = _aliases(world, found)
    if aliases and found.option("validation_alias", "alias", "env") is not None:
        return aliases
    prefix = _configured(world, owner, bases, "env_prefix")
    return (f"{prefix}{found.name}",)


def _configured(world: World, owner: Instance, bases: Bases, option: str) -> str:
    """Return an option of `model_config` or `class Config`, "" when it is not set."""
    for cls in bases:
        if not isinstance(cls, ClassRef):
            continue
        for keyword in cls.node.keywords:
            if keyword.arg == option and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
        for name in ("model_config", "Config"):
            scope = names.scope_for(cls.module, cls.node)
            if name not in scope.binds:
                continue
            config = flow.name_in(world, scope, name, None, cls.module, None, None)
            if isinstance(config, ClassRef):
                value = objects.class_attribute(world, config, option, Origin(option))
            else:
                value = _option_of(config, option)
            if isinstance(value, Known) and isinstance(value.value, str):
                return value.value
    return ""


def _option_of(config: Value, option: str) -> Value | None:
    if isinstance(config, Table):
        return config.get(option)
    arguments = getattr(config, "arguments", None)  # SettingsConfigDict(env_prefix="APP_")
    return arguments.keywords.get(option) if isinstance(arguments, Arguments) else None


def _nested(
    world: World, owner: Instance, bases: Bases, found: _Field, default: Value | None, variables: tuple[str, ...]
) -> Value | None:
    """Return the settings object that a field holds, which reads variables of its own: `DB__POOL_SIZE`."""
    cls = default.cls if isinstance(default, Instance) else _annotated_class(found)
    if cls is None:
        return None
    inner = objects.lineage(world, cls)
    if enums.is_enum(inner):
        return None
    if not is_settings(inner):
        return default
    if reads_environment(inner):
        return (
            default
            if default is not None
            else Instance(cls, NO_ARGUMENTS, owner.origin, shortened(f"{owner.symbol}.{found.name}"))
        )
    delimiter = owner.delimiter or _configured(world, owner, bases, "env_nested_delimiter")
    prefixes = tuple(f"{name}{delimiter}" for name in variables) if delimiter else ()
    arguments = default.arguments if isinstance(default, Instance) else NO_ARGUMENTS
    symbol = shortened(f"{owner.symbol}.{found.name}")
    origin = origin_of(default) if default else owner.origin
    return Instance(cls, arguments, origin, symbol, prefixes, delimiter, rests=world.rests.so_far())


def _annotated_class(found: _Field) -> ClassRef | None:
    target = names.resolve(found.module, plain_annotation(found.annotation)) if found.annotation is not None else None
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
        module.parents[node] = annotation
    return parsed


# -- types and validators ----------------------------------------------------------------------------------------------


def _cast(world: World, found: _Field, value: Value) -> Value:
    """Return a text as the annotation reads it: variables are text, fields are not."""
    if not (isinstance(value, Known) and isinstance(value.value, str)) or found.annotation is None:
        return value
    cls = _annotated_class(found)
    if cls is not None and enums.is_enum(objects.lineage(world, cls)):
        return enums.member_of(world, cls, value, found.annotation, found.module)
    annotation = plain_annotation(found.annotation)
    target = annotation.func if isinstance(annotation, ast.Call) else annotation
    kind = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
    text = value.value.strip()
    try:
        match kind:
            case "int" | "PositiveInt" | "NonNegativeInt" | "conint" | "NegativeInt" | "NonPositiveInt":
                return derived(int(text), value, symbol=value.symbol if isinstance(value, Traced) else "")
            case "float" | "PositiveFloat" | "NonNegativeFloat" | "confloat":
                return derived(float(text), value, symbol=value.symbol if isinstance(value, Traced) else "")
            case "bool" | "StrictBool":
                if text.lower() not in _TRUE | _FALSE:
                    return Unknown("not a boolean", value.origin)
                return derived(text.lower() in _TRUE, value, symbol=value.symbol if isinstance(value, Traced) else "")
            case "list" | "List" | "dict" | "Dict" | "set" | "tuple":
                return of_json(value) or Unknown(f"no JSON in {value.origin.says}", value.origin)
    except ValueError:
        return Unknown(f"not a number: {value.origin.says}", value.origin)
    return value


# Types that pydantic lets only URLs of one server through.
_SERVERS = {"PostgresDsn": "postgresql", "MySQLDsn": "mysql", "MariaDBDsn": "mariadb", "CockroachDsn": "cockroachdb"}


def _of_server(found: _Field, value: Value) -> Value:
    """Return what is not known of a URL with the server that its type names: `url: PostgresDsn`."""
    if not isinstance(value, Open) or found.annotation is None:
        return value
    annotation = plain_annotation(found.annotation)
    kind = annotation.attr if isinstance(annotation, ast.Attribute) else getattr(annotation, "id", "")
    if kind not in _SERVERS:
        return value
    url = url_of_dialect(_SERVERS[kind], value, certainty="exact")
    return replace(url, dialect=Known(_SERVERS[kind], Origin(kind, found.module.location(annotation))))


def _validated(world: World, owner: Instance, bases: Bases, found: _Field, value: Value) -> Value:
    """Return a field's value after its validators."""
    for function in _validators(bases, found.name):
        bindings = _validator_arguments(function, owner, value)
        running = calls.frame_for(world, function, bindings, function.node, function.module, None)
        if running is None:
            return Unknown("validators nested too deeply", origin_of(value))
        key = f"{running.path}|{owner.symbol}.{found.name}"
        result = returns.returned(world, function, replace(running, path=shortened(key)))
        if isinstance(result, Unknown) and not isinstance(result, Open):
            if not isinstance(value, Known):
                return value
            return Unknown(f"{found.name} goes through the validator {function.name}()", origin_of(value))
        value = _cast(world, found, result)
    return value


def _validators(bases: Bases, name: str) -> Iterator[FunctionRef]:
    for cls in bases:
        if not isinstance(cls, ClassRef):
            continue
        for stmt in cls.node.body:
            if isinstance(stmt, FUNCTIONS) and any(_validates(decorator, name) for decorator in stmt.decorator_list):
                yield FunctionRef(cls.module, stmt, cls.frame, cls)


def _validates(decorator: ast.expr, name: str) -> bool:
    if not isinstance(decorator, ast.Call):
        return False
    target = decorator.func
    kind = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
    fields = {argument.value for argument in decorator.args if isinstance(argument, ast.Constant)}
    return kind in ("validator", "field_validator") and bool(fields & {name, "*"})


def _validator_arguments(function: FunctionRef, owner: Instance, value: Value) -> Arguments:
    """A validator gets the value, and by name or position the other fields: the instance stands for them."""
    args = function.node.args
    count = len(args.posonlyargs) + len(args.args) - 1
    keywords = {arg.arg: owner for arg in args.kwonlyargs}
    return Arguments((value, *((owner,) * (count - 1))), keywords)


def after_validators(world: World, owner: Instance, name: str, value: Value | None) -> Value | None:
    """Return a field after validators of the whole model: `self.url = ...`, or keys of the dict they get."""
    for cls in objects.lineage(world, owner.cls):
        for stmt in cls.node.body if isinstance(cls, ClassRef) else ():
            if not (isinstance(stmt, FUNCTIONS) and is_validator(stmt)):
                continue
            assert isinstance(cls, ClassRef)
            method = FunctionRef(cls.module, stmt, cls.frame, owner)
            if objects.is_classmethod(stmt) or "classmethod" in objects.decorators(stmt):
                if value is not None and _writes_key(stmt, name):
                    value = Unknown(f"{name} goes through the validator {stmt.name}()", origin_of(value))
            else:
                value = flow.attribute_set_in(world, method, name, objects.frame_of(world, owner, method), value)
    return value


def is_validator(function: ast.AST) -> bool:
    """Say whether a method looks after the whole model when an instance is made."""
    return bool({"model_validator", "root_validator"} & objects.decorators(function))


def _writes_key(function: ast.AST, name: str) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and isinstance(node.slice, ast.Constant):
            if node.slice.value == name:
                return True
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("setdefault", "update"):
            if any(isinstance(inner, ast.Constant) and inner.value == name for inner in ast.walk(node)):
                return True
            if any(keyword.arg == name for keyword in node.keywords):
                return True
    return False
