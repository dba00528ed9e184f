"""Which names of a scope hold one object, or parts of it, and which statement changes it under another name.

    opts = cfg["engine"]      (opts) is (cfg, "engine")
    cfg = {"engine": opts}    (cfg, "engine") is (opts)
    a = b = {}                (a) is (b)
    for d in (a, b): ...      (d) is (a), (d) is (b)
    c = dict(a)               (c, any key) is (a, any key): what is inside is shared

Static and coarse, and so on the safe side: a link holds from the line where it is made, whatever the branches. What was
changed through a link is not followed: the value is then not known.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable, Hashable, Iterator
from functools import cache
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from poollint.python.source.scopes import Scope

ANY = object()  # a key that is not written as a literal
Path = tuple[Hashable, ...]

MOST_LINKS = 3_000  # followed for one object; one of those in 200 repositories needs more and has an end
MOST_PARTS = 100  # of one object that are changed; then all of it is
LONGEST = 6  # keys of a path
_PARTS = frozenset({"get", "setdefault", "pop"})
_COPIES = frozenset({"dict", "list", "tuple", "sorted", "set", "copy"})


class Lines(NamedTuple):
    """Where something happens: its line, or all of the loop around it."""

    first: int
    last: int


class Link(NamedTuple):
    """What this name holds under `path` is what `other` holds under `there`.

    call  only if this function of the project returns what it is given
    """

    lines: Lines
    path: Path
    other: str
    there: Path
    call: ast.Call | None = None


class Change(NamedTuple):
    """What this name holds is changed in place.

    path    ends in the key that is set
    call    what may set it: a function that is given the object
    is_run  a plain statement about the name: whoever runs the statements that touch the name knows what it does
    """

    lines: Lines
    path: Path
    call: ast.Call | None = None
    is_run: bool = True


def note_links(scope: Scope, target: ast.expr | str, value: ast.expr, lines: Lines, inside: Path = ()) -> None:
    """Note what an assignment of a value, or of what the value holds under a path, lets two names share."""
    from poollint.python.source.scopes import dotted

    if isinstance(target, (ast.Tuple, ast.List)):
        starred = any(isinstance(element, ast.Starred) for element in target.elts)
        for number, element in enumerate(target.elts):
            note_links(scope, element, value, lines, (*inside, ANY if starred else number))
        return
    name = target if isinstance(target, str) else dotted(target)
    if name is None:
        return
    keys = path_of(target) if isinstance(target, ast.expr) else ()
    for path, other, there, call in held(value):
        # (value, path) is (other, there), and (target, keys) is (value, inside).
        if (rest := after(path, inside)) is not None:
            _link(scope, Link(lines, (*keys, *rest), other, there, call), name)
        elif (rest := after(inside, path)) is not None:
            _link(scope, Link(lines, keys, other, (*there, *rest), call), name)


def _link(scope: Scope, link: Link, name: str) -> None:
    if (name, link.path) != (link.other, link.there) and max(len(link.path), len(link.there)) <= LONGEST:
        scope.links.setdefault(name, []).append(link)
        back = link._replace(path=link.there, other=name, there=link.path)
        scope.links.setdefault(link.other, []).append(back)


def path_of(node: ast.AST) -> Path:
    """Return the keys of `d["a"][b]`, outermost dict first: ("a", ANY)."""
    found: list[Hashable] = []
    while isinstance(node, ast.Subscript):
        found.append(_key(node.slice))
        node = node.value
    return tuple(reversed(found))


def _key(node: ast.expr) -> Hashable:
    return node.value if isinstance(node, ast.Constant) else ANY


def keys_set(call: ast.Call, method: str) -> tuple[Hashable, ...]:
    """Return the keys that a method sets in what it is called on: `update(size=9)`, `update({"size": 9})`, `pop("size")`."""
    match method, call.args:
        case "setdefault" | "pop", [ast.Constant(value=key), *_]:
            return (key,)
        case "update", [] if call.keywords:
            return tuple(keyword.arg or ANY for keyword in call.keywords)
        case "update", [ast.Dict(keys=keys)]:
            return tuple([_key(key) if key else ANY for key in keys] + [keyword.arg or ANY for keyword in call.keywords])
    return (ANY,)


def held(value: ast.expr) -> Iterator[tuple[Path, str, Path, ast.Call | None]]:
    """Yield (path, name, there, call): what the value holds under `path` is what `name` holds under `there`.

    call  only if this function of the project returns what it is given
    """
    from poollint.python.source.scopes import dotted

    todo: list[tuple[ast.expr, Path, Path, ast.Call | None]] = [(value, (), (), None)]
    while todo:
        node, path, there, call = todo.pop()  # what the value holds under `path` is what the node holds under `there`
        if max(len(path), len(there)) > LONGEST:
            continue
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
            if name := dotted(node):
                yield path, name, (*path_of(node), *there), call
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not hasattr(builtins, node.func.id):
            call = call or node
        for each, inside, part in _parts(node):
            if (rest := after(there, inside)) is not None:
                todo.append((each, path, (*part, *rest), call))
            elif (rest := after(inside, there)) is not None:
                todo.append((each, (*path, *rest), part, call))


def _parts(node: ast.expr) -> Iterator[tuple[ast.expr, Path, Path]]:
    """Yield (each, inside, part): what the node holds under `inside` may be what `each` holds under `part`."""
    match node:
        case ast.IfExp(body=one, orelse=other):
            yield from ((one, (), ()), (other, (), ()))
        case ast.BoolOp(values=values):
            yield from ((each, (), ()) for each in values)
        case ast.NamedExpr(value=inner) | ast.Await(value=inner) | ast.Starred(value=inner):
            yield inner, (), ()
        case ast.BinOp(left=left, op=ast.BitOr() | ast.Add() | ast.Mult(), right=right):  # `a | b`, `[a] + more`
            yield from ((left, (ANY,), (ANY,)), (right, (ANY,), (ANY,)))
        case ast.Dict(keys=keys, values=values):
            for key, each in zip(keys, values):
                yield (each, (_key(key),), ()) if key else (each, (ANY,), (ANY,))
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            starred = any(isinstance(each, ast.Starred) for each in elements)
            yield from ((each, (ANY if starred else number,), ()) for number, each in enumerate(elements))
        case ast.DictComp(generators=[first, *_]) | ast.ListComp(generators=[first, *_]):
            yield from ((first.iter, (ANY,), (ANY,)), (first.iter, (ANY,), (ANY, 1)))  # each value, each of items()
        case ast.Call():
            yield from _of_call(node)


def _of_call(call: ast.Call) -> Iterator[tuple[ast.expr, Path, Path]]:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    match call.func:
        case ast.Attribute(value=owner, attr=method) if method in _PARTS and call.args:
            yield owner, (), (_key(call.args[0]),)
            yield from ((each, (), ()) for each in given[1:])
        case ast.Attribute(value=owner, attr="values") if not given:
            yield owner, (), ()
        case ast.Attribute(value=owner, attr="items") if not given:
            yield owner, (ANY, 1), (ANY,)
        case ast.Attribute(attr="fromkeys") if len(call.args) > 1:
            yield call.args[1], (ANY,), ()
        case ast.Attribute(value=owner, attr="copy") if not given:
            yield owner, (ANY,), (ANY,)
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in _COPIES:
            yield from ((each, (ANY,), (ANY,)) for each in call.args)
            yield from ((keyword.value, (keyword.arg or ANY,), ()) for keyword in call.keywords)
        case ast.Name(id=name) if not hasattr(builtins, name):
            yield from ((each, (), ()) for each in given)  # a function of the project may return what it is given


def after(path: Path, start: Path) -> Path | None:
    """Return the rest of a path after its start, None when it does not begin so; a key that is not known fits any."""
    if len(start) > len(path):
        return None
    for one, other in zip(path, start):
        if one != other and one is not ANY and other is not ANY:
            return None
    return path[len(start) :]


def note_change(scope: Scope, holder: ast.expr, keys: Path, lines: Lines, is_run: bool = True) -> None:
    """Note that `holder[keys]` is set; the holder is a name, an item, or what `cfg.setdefault("engine", {})` gives."""
    is_run = is_run and not isinstance(holder, ast.Call)
    for path, name, there, _ in held(holder):
        if not path:
            scope.changes.setdefault(name, []).append(Change(lines, (*there, *keys), is_run=is_run))


def is_changed(scope: Scope, name: str) -> bool:
    """Say whether the object of a name, or one that shares something with it, is changed anywhere in a scope."""
    if name not in scope.links:
        return name in scope.changes
    if name not in scope.changed:
        related, todo = {name}, [name]
        while todo:
            new = {link.other for link in scope.links[todo.pop()]} - related
            related |= new
            todo += new
        found = not scope.changes.keys().isdisjoint(related)
        scope.changed.update((each, found) for each in related)
    return scope.changed[name]


class Found(NamedTuple):
    """What may have changed an object: `other` is the name it was changed under, `part` the keys that lead to what was
    set inside the object; an empty part may be anything."""

    other: str
    change: Change
    part: Path


def changes(
    scope: Scope,
    name: str,
    before: float,
    filled: Callable[[str, ast.Call], tuple[Path, ...]],
    is_own: Callable[[ast.Call], bool],
    *,
    and_own: bool = False,
    since: int = -1,
) -> Iterator[Found]:
    """Yield what may have changed the object of a name, or a part of it, before a line; each part once.

    filled   says what a call sets in what it is given by a name
    is_own   says whether a call runs a function of the project
    and_own  plain statements about the name itself as well: whoever runs the statements that touch it knows them
    since    only what may happen after this line
    """
    if not is_changed(scope, name):
        return
    told: set[Path] = set()
    filled, is_own = cache(filled), cache(is_own)
    steps, end = _shared(scope, name, before, is_own)
    for step in steps:
        for change in scope.changes.get(step.name, ()):
            if not (max(step.since, since + 1) <= change.lines.last and change.lines.first < before):
                continue
            if not and_own and step.name == name and not step.path and change.call is None and change.is_run:
                continue
            for path in (change.path,) if change.call is None else filled(step.name, change.call):
                if not (rest := after(path, step.path)) or (part := (*step.part, *rest)) in told:
                    continue
                told.add(part)
                if len(told) > MOST_PARTS:
                    yield Found(step.name, change, (ANY,))
                    return
                yield Found(step.name, change, part)
    if end is not None:
        yield Found(end.other, Change(end.lines, ()), ())


def _shared(
    scope: Scope, name: str, before: float, is_own: Callable[[ast.Call], bool]
) -> tuple[list[_Step], Link | None]:
    """Return what shares something with the object of a name before a line and is changed; and the link that was one
    too many, if any.

    It is followed once for the whole scope; where that is too much, once for each line that asks.
    """
    for until in (sys.maxsize, before):
        if (name, until) not in scope.shared:
            scope.shared[name, until] = _followed(scope, name, until, is_own)
        steps, end = scope.shared[name, until]
        if end is None:
            break
    return [step for step in steps if step.needs < before], end


def _followed(
    scope: Scope, name: str, before: float, is_own: Callable[[ast.Call], bool]
) -> tuple[list[_Step], Link | None]:
    """Follow the links from a name, those of early lines first."""
    found: list[_Step] = []
    todo: list[tuple[int, int, int, _Step]] = [(-1, 0, 0, _Step(name, (), (), 0, -1))]
    seen: set[tuple] = set()
    followed = 0
    while todo:
        step = heappop(todo)[-1]
        if step[:3] in seen:
            continue
        seen.add(step[:3])
        if step.name in scope.changes:
            found.append(step)
        for link in scope.links.get(step.name, ()):
            followed += 1
            if followed > MOST_LINKS:
                return found, link
            further = _along(step, link) if link.lines.first < before else None
            if further is None or max(len(further.path), len(further.part)) > LONGEST or further[:3] in seen:
                continue
            if link.call is None or is_own(link.call):
                heappush(todo, (further.needs, further.since, followed, further))
    return found, None


class _Step(NamedTuple):
    """What `name` holds under `path` is what the object in question holds under `part`, from a line on.

    needs  the last of the lines whose links lead here
    """

    name: str
    path: Path
    part: Path
    since: int
    needs: int


def _along(step: _Step, link: Link) -> _Step | None:
    """Return where a link leads from what is known to be shared; None when it is about something else."""
    since = link.lines.first
    if (rest := after(step.path, link.path)) is not None:
        return _Step(link.other, (*link.there, *rest), step.part, since, max(since, step.needs))
    if (rest := after(link.path, step.path)) is not None:
        return _Step(link.other, link.there, (*step.part, *rest), since, max(since, step.needs))
    return None
