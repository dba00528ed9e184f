"""What a `case` takes, and what it binds: values, sequences, mappings, classes, and what they hold."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import containers, expressions, kinds, objects, operators, settings
from poollint.python.evaluator.values import (
    ClassRef,
    Frame,
    Instance,
    LibraryRef,
    Listing,
    Member,
    Table,
    Text,
    Traced,
    Url,
    Value,
)
from poollint.python.source import names
from poollint.python.source.modules import Module
from poollint.python.source.scopes import captures

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World

Parts = list[tuple[ast.pattern, Value]]


def matches(world: World, subject: Value, case: ast.match_case, module: Module, frame: Frame | None) -> bool | None:
    """Say whether a `case` takes the subject; None when nobody can tell."""
    holds = _takes(world, subject, case.pattern, module, frame)
    if holds and case.guard is not None:
        test = expressions.evaluate(world, case.guard, module, frame)
        return operators.truth(world, test, expressions.place(module, case.guard, frame))
    return holds


def _takes(world: World, subject: Value, pattern: ast.pattern, module: Module, frame: Frame | None) -> bool | None:
    match pattern:
        case ast.MatchAs(pattern=None) | ast.MatchStar():
            return True
        case ast.MatchAs(pattern=ast.pattern() as inner):
            return _takes(world, subject, inner, module, frame)
        case ast.MatchOr(patterns=patterns):
            answers = [_takes(world, subject, inner, module, frame) for inner in patterns]
            return True if True in answers else None if None in answers else False
        case ast.MatchValue(value=expression):
            wanted = expressions.evaluate(world, expression, module, frame)
        case ast.MatchSingleton(value=constant):
            wanted = Traced(constant, Origin("", module.location(pattern)))
        case _:
            parts = _parts(world, subject, pattern, module, frame)
            if not isinstance(parts, list):
                return parts
            answers = [_takes(world, value, inner, module, frame) for inner, value in parts]
            return False if False in answers else None if None in answers else True
    result = operators.compare(world, ast.Eq(), subject, wanted, Origin("", module.location(pattern)))
    return operators.truth(world, result, expressions.place(module, pattern, frame))


def captured(
    world: World, subject: Value, pattern: ast.pattern, module: Module, frame: Frame | None
) -> dict[str, Value]:
    """Return what a pattern that takes the subject binds."""
    found: dict[str, Value] = {}
    todo: Parts = [(pattern, subject)]
    while todo:
        each, value = todo.pop()
        if isinstance(each, (ast.MatchAs, ast.MatchStar)) and each.name:
            found[each.name] = value
        inner: ast.pattern | None = each.pattern if isinstance(each, ast.MatchAs) else None
        if isinstance(each, ast.MatchOr):
            inner = next((one for one in each.patterns if _takes(world, value, one, module, frame)), None)
        if inner is not None:
            todo.append((inner, value))
        elif isinstance(parts := _parts(world, value, each, module, frame), list):
            todo.extend(parts)
            if isinstance(each, ast.MatchMapping) and each.rest and isinstance(value, Table):
                found[each.rest] = _rest(world, value, each, module, frame)
    unread = Unknown("a part of what is matched", Origin("", module.location(pattern)))
    return {**dict.fromkeys(captures(pattern), unread), **found}


def _parts(
    world: World, subject: Value, pattern: ast.pattern, module: Module, frame: Frame | None
) -> Parts | bool | None:
    """Return the patterns of what the subject holds, each with its value; False when it has another shape, None when
    nobody can tell."""
    match pattern:
        case ast.MatchSequence(patterns=patterns):
            return _of_sequence(containers.as_tuple(world, subject, pattern, module), patterns)
        case ast.MatchMapping():
            return _of_mapping(world, subject, pattern, module, frame)
        case ast.MatchClass():
            return _of_class(world, subject, pattern, module, frame)
    return None


def _of_sequence(subject: Value, patterns: list[ast.pattern]) -> Parts | bool | None:
    if isinstance(subject, (Known, Text, Table, Url)):
        return False
    if not isinstance(subject, Listing) or not subject.complete:
        return None
    items = list(subject.items)
    star = next((number for number, each in enumerate(patterns) if isinstance(each, ast.MatchStar)), None)
    if star is None:
        return list(zip(patterns, items)) if len(items) == len(patterns) else False
    if len(items) < len(patterns) - 1:
        return False
    end = len(items) - (len(patterns) - 1 - star)
    return list(zip(patterns, [*items[:star], Listing(tuple(items[star:end]), subject.origin), *items[end:]]))


def _of_mapping(
    world: World, subject: Value, pattern: ast.MatchMapping, module: Module, frame: Frame | None
) -> Parts | bool | None:
    if isinstance(subject, (Known, Text, Listing, Url)):
        return False
    if not isinstance(subject, Table):
        return None
    found: Parts = []
    for expression, inner in zip(pattern.keys, pattern.patterns):
        key = containers.key_of(expressions.evaluate(world, expression, module, frame))
        if key is containers.NO_KEY:
            return None
        value = containers.entry(world, subject, key, Origin("", module.location(expression)))
        if value is None:
            return False
        if key not in subject.entries:
            return None
        found.append((inner, value))
    return found


def _rest(world: World, subject: Table, pattern: ast.MatchMapping, module: Module, frame: Frame | None) -> Table:
    for expression in pattern.keys:
        subject = subject.without(containers.key_of(expressions.evaluate(world, expression, module, frame)))
    return subject


def _of_class(
    world: World, subject: Value, pattern: ast.MatchClass, module: Module, frame: Frame | None
) -> Parts | bool | None:
    cls = names.resolve(module, pattern.cls)
    if isinstance(cls, LibraryRef):
        is_one = kinds.is_of(subject, cls.name)
        if not is_one:
            return is_one
        is_whole = cls.name.startswith("builtins.") and len(pattern.patterns) <= 1 and not pattern.kwd_patterns
        return [(inner, subject) for inner in pattern.patterns] if is_whole else None
    if not isinstance(cls, ClassRef):
        return None
    if not isinstance(subject, Instance):
        is_other = isinstance(subject, (Known, Text, Table, Listing, Url)) and not isinstance(subject, Member)
        return False if is_other else None
    is_one = objects.is_made_of(world, subject, [cls], [])
    return _attributes(world, subject, pattern, cls, module, frame) if is_one else is_one


def _attributes(
    world: World, subject: Instance, pattern: ast.MatchClass, cls: ClassRef, module: Module, frame: Frame | None
) -> Parts | bool | None:
    """Return the attributes that a class pattern asks for: those of `__match_args__` by position, others by name."""
    order = _match_args(world, cls) if pattern.patterns else []
    if len(order) < len(pattern.patterns):
        return None
    found: Parts = []
    for name, inner in (*zip(order, pattern.patterns), *zip(pattern.kwd_attrs, pattern.kwd_patterns)):
        value = objects.attribute(world, subject, name, pattern, module, frame)
        if isinstance(value, Unknown) and "AttributeError" in value.failure:
            return False
        found.append((inner, value))
    return found


def _match_args(world: World, cls: ClassRef) -> list[str]:
    """Return the attributes that stand by position: dataclasses and named tuples have their fields."""
    written = objects.class_attribute(world, cls, "__match_args__", Origin("__match_args__"))
    if isinstance(written, Listing):
        return [str(item.value) for item in written.items if isinstance(item, Known)]
    bases = objects.lineage(world, cls)
    return settings.order_of(bases) if settings.has_dict(bases) and not settings.is_settings(bases) else []
