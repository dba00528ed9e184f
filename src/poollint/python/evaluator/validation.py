"""What a settings class makes of a field's value: the annotation reads the text of variables, validators have the last word.

    before validators     get the text as it is: `@validator("x", pre=True)`, `@field_validator("x", mode="before")`
    the annotation        "7" is 7 for `int`, JSON for `list[int]`, a member for an enum
    after validators      get what the annotation made of it
    of the whole model    `@model_validator`, `@root_validator`: `after_validators`

A validator's function is followed like any other; what cannot be followed is Unknown.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import calls, enums, environment, expressions, flow, objects, returns, settings
from poollint.python.evaluator.values import (
    Arguments,
    ClassRef,
    FunctionRef,
    Instance,
    LibraryRef,
    Listing,
    Member,
    Open,
    Table,
    Traced,
    Value,
    derived,
    origin_of,
    shortened,
)
from poollint.python.libraries.file_functions import of_json
from poollint.python.source import names
from poollint.python.source.scopes import FUNCTIONS

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World
    from poollint.python.evaluator.settings import Bases, Field

_TRUE, _FALSE = frozenset("true 1 yes y on t".split()), frozenset("false 0 no n off f".split())
_INTEGER = re.compile(r"[+-]?\d+(_\d+)*(\.0+)?")
_KINDS = {
    **dict.fromkeys("int PositiveInt NonNegativeInt conint NegativeInt NonPositiveInt StrictInt".split(), "int"),
    **dict.fromkeys("float PositiveFloat NonNegativeFloat confloat".split(), "float"),
    **dict.fromkeys("bool StrictBool".split(), "bool"),
    **dict.fromkeys("list List dict Dict set Set tuple Tuple frozenset Sequence Mapping".split(), "json"),
}


def checks_default(world: World, owner: Instance, bases: Bases, found: Field) -> bool:
    """Say whether validators and the annotation see a field's default: those of settings do, unless told otherwise."""
    option = found.option("validate_default")
    if isinstance(option, ast.Constant):
        return bool(option.value)
    by_class = settings.configured(world, owner, bases, "validate_default")
    if by_class is None:
        by_class = settings.configured(world, owner, bases, "validate_all")
    if by_class is None:
        by_class = settings.reads_environment(bases)
    return bool(by_class) or any(each.is_always for each in _validators(world, bases, found))


def validated(world: World, owner: Instance, bases: Bases, found: Field, value: Value) -> Value:
    """Return a field's value after its annotation and its validators."""
    validators = list(_validators(world, bases, found))
    for validator in reversed([each for each in validators if each.when == "before"]):
        value = _after(world, owner, found, validator, value)
    if not any(each.when == "instead" for each in validators):
        value = cast(world, found, value)
        if isinstance(value, Member) and settings.configured(world, owner, bases, "use_enum_values"):
            value = value.own_value
    for validator in (each for each in validators if each.when != "before"):
        value = _after(world, owner, found, validator, value)
    return value


def _after(world: World, owner: Instance, found: Field, validator: _Validator, value: Value) -> Value:
    function = validator.function
    says = f"{found.name} goes through the validator {getattr(function, 'name', 'of its annotation')}()"
    if not isinstance(function, FunctionRef) or validator.when == "around":
        return Unknown(says, origin_of(value)) if isinstance(value, Known) else value
    running = calls.frame_for(world, function, _arguments(function, owner, value), function.node, function.module, None)
    if running is None:
        return Unknown("validators nested too deeply", origin_of(value))
    key = f"{running.path}|{owner.symbol}.{found.name}"
    result = returns.returned(world, function, replace(running, path=shortened(key)))
    if isinstance(result, Unknown) and not isinstance(result, Open):
        return Unknown(says, origin_of(value)) if isinstance(value, Known) else value
    return result


# -- annotations -------------------------------------------------------------------------------------------------------


def cast(world: World, found: Field, value: Value) -> Value:
    """Return a text as the annotation reads it: variables are text, fields are not."""
    if not (isinstance(value, Known) and isinstance(value.value, str)):
        return value
    if found.type is None:  # pydantic 1 takes the type of the default
        default = found.value.value if isinstance(found.value, ast.Constant) else None
        kind = type(default).__name__
        return _plain(kind, value) if kind in ("int", "float", "bool") else value
    cls = settings.annotated_class(found)
    if cls is not None and enums.is_enum(objects.lineage(world, cls)):
        return enums.member_of(world, cls, value, found.type, found.types)
    return as_annotated(settings.plain_annotation(found.type), value)


def as_annotated(annotation: ast.expr, value: Known) -> Value:
    """Return a text as a type reads it; as it is where that type is none that is known."""
    match annotation:
        case ast.Call(func=func):  # conint(ge=1)
            return _plain(_KINDS.get(_last(func), ""), value)
        case ast.Subscript(value=outer, slice=inner) if _last(outer) == "Union":
            return _one_of(inner.elts if isinstance(inner, ast.Tuple) else [inner], value)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _one_of([left, right], value)
        case ast.Subscript(value=outer, slice=inner):
            return _items(inner, _plain(_KINDS.get(_last(outer), ""), value))
    return _plain(_KINDS.get(_last(annotation), ""), value)


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _one_of(kinds: list[ast.expr], value: Known) -> Value:
    """Return a text as the first of some types that takes it; where text is one of them it stays text."""
    todo, members = list(kinds), []
    while todo:
        kind = todo.pop(0)
        if isinstance(kind, ast.BinOp) and isinstance(kind.op, ast.BitOr):
            todo = [kind.left, kind.right, *todo]
        elif not (isinstance(kind, ast.Constant) and kind.value is None):
            members.append(kind)
    if any(_last(kind) not in _KINDS for kind in members):
        return value
    results = (_plain(_KINDS[_last(kind)], value) for kind in members)
    return next((found for found in results if not isinstance(found, Unknown)), Unknown("not of these types", value.origin))


def _plain(kind: str, value: Known) -> Value:
    """Return a text as one plain type reads it; other types leave it as it is."""
    text, symbol = str(value.value).strip(), value.symbol if isinstance(value, Traced) else ""
    match kind:
        case "int" if _INTEGER.fullmatch(text):
            return derived(int(text.partition(".")[0]), value, symbol=symbol)
        case "float":
            try:
                return derived(float(text), value, symbol=symbol)
            except ValueError:
                pass
        case "bool":
            if text.lower() in _TRUE | _FALSE:
                return derived(text.lower() in _TRUE, value, symbol=symbol)
            return Unknown("not a boolean", value.origin)
        case "json":
            return of_json(value) or Unknown(f"no JSON in {value.origin.says}", value.origin)
        case "":
            return value
    return Unknown(f"not a number: {value.origin.says}", value.origin)


def _items(inner: ast.expr, value: Value) -> Value:
    """Return what a variable gives as JSON with each item as its annotation reads it: `dict[str, int]`."""
    kinds = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    item = kinds[-1] if kinds and not isinstance(kinds[-1], ast.Constant) else kinds[0] if kinds else inner

    def read(each: Value) -> Value:
        return as_annotated(item, each) if isinstance(each, Known) and isinstance(each.value, str) else each

    match value:
        case Table(entries=entries):
            return replace(value, entries={key: read(each) for key, each in entries.items()})
        case Listing(items=items):
            return replace(value, items=tuple(map(read, items)))
    return value


# Types that pydantic lets only URLs of one server through.
_SERVERS = {"PostgresDsn": "postgresql", "MySQLDsn": "mysql", "MariaDBDsn": "mariadb", "CockroachDsn": "cockroachdb"}


def of_server(found: Field, value: Value) -> Value:
    """Return what is not known of a URL with the server that its type names: `url: PostgresDsn`."""
    if not isinstance(value, Open) or found.type is None:
        return value
    annotation = settings.plain_annotation(found.type)
    kind = _last(annotation)
    if kind not in _SERVERS:
        return value
    url = environment.url_of_dialect(_SERVERS[kind], value, certainty="exact")
    return replace(url, dialect=Known(_SERVERS[kind], Origin(kind, found.types.location(annotation))))


# -- validators of one field -------------------------------------------------------------------------------------------


class _Validator(NamedTuple):
    """A function that looks after one field.

    when       before or after the annotation, instead of it, or around it
    is_always  it sees the default, too
    """

    function: Value
    when: Literal["before", "after", "instead", "around"]
    is_always: bool = False


_WHEN: dict[str, Literal["before", "after", "instead", "around"]] = {
    "before": "before", "after": "after", "plain": "instead", "wrap": "around",
    "BeforeValidator": "before", "AfterValidator": "after", "PlainValidator": "instead", "WrapValidator": "around",
}  # fmt: skip


def _validators(world: World, bases: Bases, found: Field) -> Iterator[_Validator]:
    """Yield the validators of a field: those of its annotation first."""
    yield from _annotated(world, found)
    by_name: dict[str, _Validator] = {}  # those of bases come first, and one of the same name takes their place
    for cls in reversed(bases):
        for stmt in cls.node.body if isinstance(cls, ClassRef) else ():
            for decorator in stmt.decorator_list if isinstance(stmt, FUNCTIONS) else ():
                if isinstance(decorator, ast.Call) and _validates(decorator, found.name):
                    assert isinstance(cls, ClassRef) and isinstance(stmt, FUNCTIONS)
                    by_name[stmt.name] = _validator(FunctionRef(cls.module, stmt, cls.frame, cls), decorator)
    yield from by_name.values()


def _annotated(world: World, found: Field) -> Iterator[_Validator]:
    """Yield the validators of `Annotated[int, AfterValidator(check)]`."""
    written = [(found.annotation, found.module)]
    if found.type is not found.annotation:
        written.insert(0, (found.type, found.types))
    for annotation, module in written:
        match annotation:
            case ast.Subscript(value=outer, slice=ast.Tuple(elts=[_, *metadata])) if _last(outer) == "Annotated":
                for each in metadata:
                    target = names.resolve(module, each.func) if isinstance(each, ast.Call) else None
                    kind = target.name.rpartition(".")[2] if isinstance(target, LibraryRef) else ""
                    if kind in _WHEN and isinstance(each, ast.Call) and each.args:
                        yield _Validator(expressions.evaluate(world, each.args[0], module, None), _WHEN[kind])


def _validator(function: FunctionRef, decorator: ast.Call) -> _Validator:
    options = {
        keyword.arg: keyword.value.value for keyword in decorator.keywords if isinstance(keyword.value, ast.Constant)
    }
    when = "before" if options.get("pre") is True else _WHEN.get(str(options.get("mode", "after")), "around")
    return _Validator(function, when, options.get("always") is True)


def _validates(decorator: ast.Call, name: str) -> bool:
    fields = {argument.value for argument in decorator.args if isinstance(argument, ast.Constant)}
    return _last(decorator.func) in ("validator", "field_validator") and bool(fields & {name, "*"})


def _arguments(function: FunctionRef, owner: Instance, value: Value) -> Arguments:
    """A validator gets the value, and by name or position the other fields: the instance stands for them."""
    args = function.node.args
    count = len(args.posonlyargs) + len(args.args) - (function.owner is not None)
    keywords: dict[str, Value] = {arg.arg: owner for arg in args.kwonlyargs}
    return Arguments((value, *((owner,) * (count - 1))), keywords)  # type: ignore[arg-type]


# -- validators of the whole model -------------------------------------------------------------------------------------


def after_validators(
    world: World, owner: Instance, name: str, value: Value | None, asker: ast.AST | None
) -> Value | None:
    """Return a field after validators of the whole model: `self.url = ...`, or keys of the dict they get.

    asker  the validator that asks: it finds what those before it have made
    """
    for cls in objects.lineage(world, owner.cls):
        for stmt in cls.node.body if isinstance(cls, ClassRef) else ():
            if not (isinstance(stmt, FUNCTIONS) and is_validator(stmt)):
                continue
            if stmt is asker:
                return value
            assert isinstance(cls, ClassRef)
            method = FunctionRef(cls.module, stmt, cls.frame, owner)
            if objects.is_classmethod(stmt) or "classmethod" in objects.decorators(stmt):
                if value is not None and _writes_key(stmt, name):
                    value = _through(world, owner, replace(method, owner=cls), name, value)
            else:
                value = flow.attribute_set_in(world, method, name, objects.frame_of(world, owner, method), value)
    return value


def _through(world: World, owner: Instance, validator: FunctionRef, name: str, value: Value) -> Value:
    """Return a field after a validator of the whole model that may change it in the dict that it gets.

    One that runs before the fields are made gets what is passed and what variables set, but no defaults.
    """
    says = Unknown(f"{name} goes through the validator {validator.name}()", origin_of(value))
    bases = objects.lineage(world, owner.cls)
    found = settings.field_named(bases, name)
    if found is None or not _runs_before(validator.node) or sum(_writes_key(each, name) for each in _of_models(bases)) > 1:
        return says
    words = {node.value for node in ast.walk(validator.node) if isinstance(node, ast.Constant)}
    given = settings.given_to(world, owner, bases, {name, *(word for word in words if isinstance(word, str))})
    running = calls.frame_for(world, validator, Arguments((given,)), validator.node, validator.module, None)
    if running is None:
        return says
    running = replace(running, path=shortened(f"{running.path}|{owner.symbol}.{name}"))
    result = returns.returned(world, validator, running)
    if not isinstance(result, Table) or name not in result.entries:
        return says
    after, before = result.entries[name], given.entries[name]
    if after is before:
        return value
    is_gone = isinstance(after, Unknown)
    return says if is_gone else settings.from_value(world, owner, bases, found, after)


def _runs_before(function: ast.AST) -> bool:
    """Say whether a validator of the whole model gets the dict that the model is made of."""
    for decorator in getattr(function, "decorator_list", ()):
        for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
            match keyword:
                case ast.keyword("mode", ast.Constant("before")) | ast.keyword("pre", ast.Constant(True)):
                    return True
    return False


def _of_models(bases: Bases) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for cls in bases:
        for stmt in cls.node.body if isinstance(cls, ClassRef) else ():
            if isinstance(stmt, FUNCTIONS) and is_validator(stmt):
                yield stmt


def is_validator(function: ast.AST) -> bool:
    """Say whether a method looks after the whole model when an instance is made."""
    return bool({"model_validator", "root_validator"} & objects.decorators(function))


def _writes_key(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> bool:
    """Say whether a validator may give a key of the dict it gets another value; it may return another dict altogether."""
    own = {arg.arg for arg in function.args.args}
    for node in ast.walk(function):
        match node:
            case ast.Subscript(ctx=ast.Store(), slice=ast.Constant(value=key)):
                if key == name:
                    return True
            case ast.Subscript(ctx=ast.Store()):  # a key that is worked out
                return True
            case ast.Attribute(ctx=ast.Store(), attr=attribute) if attribute == name:  # of the model that `handler(data)` made
                return True
            case ast.Call(func=ast.Attribute(attr="setdefault" | "update")):
                if any(isinstance(inner, ast.Constant) and inner.value == name for inner in ast.walk(node)):
                    return True
                if any(keyword.arg in (name, None) for keyword in node.keywords):
                    return True
                if node.args and not isinstance(node.args[0], (ast.Dict, ast.Constant)):
                    return True
            case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Name):
                # `return handler(values)` hands on what it got; `return {**values, "size": 9}` does not.
                if not (isinstance(value, ast.Call) and own >= {getattr(each, "id", "") for each in value.args}):
                    return True
                if value.keywords:
                    return True
    return False
