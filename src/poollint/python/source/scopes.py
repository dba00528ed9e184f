"""Which names a scope binds, and which of its statements touch them.

A scope is a module, class, function, lambda or comprehension. Names include dotted ones: `self.url = url` touches
"self.url". All walks are iterative: an `elif` chain nests as deep as it is long.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from poollint.python.source import sharing
from poollint.python.source.sharing import Change, Lines, Link

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SCOPES = (ast.Module, ast.ClassDef, *FUNCTIONS, ast.Lambda, *COMPREHENSIONS)

# Methods that change what they are called on.
MUTATORS = frozenset(
    "update setdefault pop popitem clear append extend insert remove add discard read read_file read_string read_dict "
    "from_object from_mapping from_pyfile set add_section sort reverse __setitem__ __delitem__ __ior__".split()
)


_BOUND = frozenset({"update", "setdefault", "__setitem__"})  # such methods of a dict may be called by another name


@dataclass(eq=False, slots=True)
class Scope:
    """One scope.

    binds        name → the statements (or parameters) that bind it, in order; names under `global` belong to the module
    touches      statement → names that it, or anything inside it, binds or changes
    touched      all of those names
    sets         dotted names that are set as a whole: `self.size = 5`
    returns      statements that hold a `return` or `raise` of this scope, and which of the two
    effects      the parts of a statement that change names besides its targets: `:=`, `d.pop("k")`, `fill(d)`
    jumps        statements that hold a `break` or `continue`
    places       statement → (its block, its number there)
    stars        `from x import *` of this scope
    inner        functions and classes that stand in this scope
    links        name → which other names hold the same object, or a part of it
    changes      name → what changes in place what it holds: `d["k"] = v`, `d.update(...)`, `fill(d)`

    What a scope binds is read at once, all else when it is asked for: of most scopes only their names matter.
    """

    node: ast.AST
    binds: dict[str, list[ast.AST]] = field(default_factory=dict)
    parameters: dict[str, ast.arg] = field(default_factory=dict)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    stars: list[ast.ImportFrom] = field(default_factory=list)
    inner: list[ast.AST] = field(default_factory=list)
    touches: dict[ast.stmt, set[str]] = field(init=False)
    touched: set[str] = field(init=False)
    sets: set[str] = field(init=False)
    returns: dict[ast.stmt, set[str]] = field(init=False)
    effects: dict[ast.stmt, list[ast.NamedExpr | ast.Call]] = field(init=False)
    jumps: set[ast.stmt] = field(init=False)
    places: dict[ast.AST, tuple[int, int]] = field(init=False)
    links: dict[str, list[Link]] = field(init=False)
    changes: dict[str, list[Change]] = field(init=False)
    yields: bool = field(init=False)
    changed: dict[str, bool] = field(default_factory=dict)  # whether what a name holds is changed under any name, as far as asked for
    shared: dict[tuple[str, float], tuple] = field(default_factory=dict)  # what shares an object with a name, see sharing
    ways: dict[ast.AST, tuple[frozenset[ast.AST], dict[int, int]]] = field(default_factory=dict)  # see slices
    _touching: dict[int, dict[str, list[int]]] = field(default_factory=dict)
    _setting: dict[int, dict[str, list[int]]] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        if name not in _LATER:
            raise AttributeError(name)
        _read_statements(self)
        return getattr(self, name)

    @property
    def body(self) -> list[ast.stmt]:
        body = getattr(self.node, "body", [])
        return body if isinstance(body, list) else []

    def touching(self, block: list[ast.stmt], name: str) -> list[int]:
        """Return the numbers of the statements of a block that touch a name; each block is read once."""
        if (found := self._touching.get(id(block))) is None:
            found = self._touching[id(block)] = _numbers(self.touches.get(stmt, ()) for stmt in block)
        return found.get(name, [])

    def setting(self, block: list[ast.stmt], name: str) -> list[int]:
        """Return the numbers of the assignments of a block that give a name its value, whatever it was before."""
        if (found := self._setting.get(id(block))) is None:
            found = self._setting[id(block)] = _numbers(map(_names_set_by, block))
        return found.get(name, [])


def _numbers(names: Iterable[Iterable[str]]) -> dict[str, list[int]]:
    """Return name → the numbers of the statements it belongs to."""
    found: dict[str, list[int]] = {}
    for number, those in enumerate(names):
        for name in those:
            found.setdefault(name, []).append(number)
    return found


def _names_set_by(stmt: ast.stmt) -> Iterator[str]:
    match stmt:
        case ast.Assign(targets=targets):
            pass
        case ast.AnnAssign(target=target, value=ast.expr()):
            targets = [target]
        case _:
            return
    for target in targets:
        if isinstance(target, (ast.Name, ast.Attribute)) and (name := dotted(target)):
            yield name


_LATER = frozenset("touches touched sets returns effects jumps places links changes yields".split())


def scope_of(node: ast.AST, has_walrus: bool) -> Scope:
    """Read one scope, without looking into the scopes inside it.

    has_walrus  whether the file holds any `:=`; else no expression binds a name
    """
    scope = Scope(node)
    if isinstance(node, (*FUNCTIONS, ast.Lambda)):
        scope.parameters = {arg.arg: arg for arg in parameters_of(node.args)}
    if isinstance(node, COMPREHENSIONS):
        for generator in node.generators:
            for name in target_names(generator.target):
                scope.binds.setdefault(name, []).append(generator)
        return scope
    for stmt, _ in _statements(scope):
        _bind(scope, stmt, has_walrus)
    for name in scope.globals | scope.nonlocals:
        scope.binds.pop(name, None)
    return scope


def _statements(scope: Scope) -> Iterator[tuple[ast.stmt, tuple]]:
    """Yield the statements of a scope in the order of the text, each with those around it, or ().

    Those are the innermost, what is around that in turn, and the outermost loop among them.
    """
    todo: list[tuple[ast.stmt, tuple]] = [(stmt, ()) for stmt in reversed(scope.body)]
    while todo:
        stmt, around = todo.pop()
        yield stmt, around
        if not isinstance(stmt, SCOPES):
            loop = around[2] if around else None
            chain = (stmt, around, loop or (stmt if isinstance(stmt, _LOOPS) else None))
            todo.extend((child, chain) for child in reversed(list(child_statements(stmt))))


def _read_statements(scope: Scope) -> None:
    """Read what the statements of a scope do besides binding names."""
    scope.touches, scope.touched, scope.sets, scope.returns, scope.effects = {}, set(), set(), {}, {}
    scope.jumps, scope.places, scope.links, scope.changes, scope.yields = set(), {}, {}, {}, False
    if isinstance(scope.node, COMPREHENSIONS):
        return
    _place(scope, scope.node)
    for stmt, around in _statements(scope):
        _note(scope, stmt, around)
        if not isinstance(stmt, SCOPES):
            _place(scope, stmt)


def _place(scope: Scope, node: ast.AST) -> None:
    """Note where the statements of the blocks below a node stand; the blocks of handlers and cases are among them."""
    for holder in (node, *getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(holder, name, None)
            for number, stmt in enumerate(block if isinstance(block, list) else ()):
                scope.places[stmt] = id(block), number


def parameters_of(arguments: ast.arguments) -> Iterator[ast.arg]:
    """Yield all parameters, `*args` and `**kwargs` last."""
    yield from arguments.posonlyargs
    yield from arguments.args
    yield from arguments.kwonlyargs
    yield from (arg for arg in (arguments.vararg, arguments.kwarg) if arg)


def default_of(arguments: ast.arguments, name: str) -> ast.expr | None:
    """Return the default expression of a parameter, or None."""
    positional = [*arguments.posonlyargs, *arguments.args]
    for arg, default in zip(reversed(positional), reversed(arguments.defaults)):
        if arg.arg == name:
            return default
    for arg, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        if arg.arg == name:
            return default
    return None


def child_statements(stmt: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements directly inside a compound one, in the order of the text."""
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        for child in getattr(stmt, name, None) or ():
            if isinstance(child, (ast.ExceptHandler, ast.match_case)):
                yield from child.body
            elif isinstance(child, ast.stmt):
                yield child


def target_names(target: ast.AST) -> Iterator[str]:
    """Yield the dotted names an assignment target binds or changes."""
    todo = [target]
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.Tuple, ast.List)):
            todo.extend(reversed(node.elts))
        elif isinstance(node, ast.Starred):
            todo.append(node.value)
        elif name := dotted(node):
            yield name


def captures(pattern: ast.pattern) -> Iterator[str]:
    """Yield the names that a pattern of a `case` binds."""
    found = (getattr(node, "rest" if isinstance(node, ast.MatchMapping) else "name", None) for node in ast.walk(pattern))
    yield from (name for name in found if isinstance(name, str))


def dotted(node: ast.AST) -> str | None:
    """Return "self.options" for `self.options`, also below subscripts: `self.options["a"]["b"]`; else None."""
    parts: list[str] = []
    subscripts_end = False
    while True:
        if isinstance(node, ast.Subscript) and not subscripts_end:
            node = node.value
        elif isinstance(node, ast.Attribute):
            subscripts_end = True
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Name):
            return ".".join([node.id, *reversed(parts)])
        else:
            return None


def children(node: ast.AST) -> list[ast.AST]:
    """Return the nodes directly below a node.

    Without operators and contexts, of which ast shares one object among all nodes.
    """
    found: list[ast.AST] = []
    for name in FIELDS[type(node)]:
        child = getattr(node, name, None)
        if isinstance(child, list):
            found.extend(item for item in child if isinstance(item, ast.AST))
        elif isinstance(child, ast.AST):
            found.append(child)
    return found


def names_in(*nodes: ast.AST) -> Iterator[str]:
    """Yield the names and dotted names that code loads, the longest of each: "settings.url", not "settings" beside it."""
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.Name, ast.Attribute)) and (name := dotted(node)):
            yield name
        else:
            todo.extend(children(node))


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and everything below it in the order of ast.walk, in a third of its time."""
    found = [node]
    for each in found:  # grows while it is walked
        yield each
        found.extend(children(each))


class _Fields(dict[type, tuple[str, ...]]):
    """Kind of node → its fields that may hold nodes, worked out once: this is asked for every node of every file."""

    PLAIN = frozenset("ctx op ops id attr arg kind type_comment module level asname lineno is_async".split())

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        fields = () if kind is ast.Constant else tuple(name for name in kind._fields if name not in self.PLAIN)
        return self.setdefault(kind, fields)


FIELDS = _Fields()
_BLOCKS = (ast.stmt, ast.excepthandler, ast.match_case)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_NOTED = frozenset((ast.NamedExpr, ast.comprehension, ast.Yield, ast.YieldFrom, ast.Call))


def _expressions_of(stmt: ast.AST) -> Iterator[ast.AST]:
    """Yield the expression nodes of one statement, without nested statements and what lambdas hold."""
    todo = [child for child in children(stmt) if not isinstance(child, _BLOCKS)]
    while todo:
        node = todo.pop()
        if not isinstance(node, ast.Lambda):
            yield node
            todo.extend(children(node))


def _bind(scope: Scope, stmt: ast.stmt, has_walrus: bool) -> None:
    if isinstance(stmt, ast.Global):
        scope.globals.update(stmt.names)
    elif isinstance(stmt, ast.Nonlocal):
        scope.nonlocals.update(stmt.names)
    elif isinstance(stmt, SCOPES):
        scope.inner.append(stmt)
    elif isinstance(stmt, ast.ImportFrom) and any(alias.name == "*" for alias in stmt.names):
        scope.stars.append(stmt)
    for name in dict.fromkeys(name for target in _targets(stmt) for name in _bound_by(target)):
        scope.binds.setdefault(name, []).append(stmt)
    for node in _expressions_of(stmt) if has_walrus and not isinstance(stmt, SCOPES) else ():
        if isinstance(node, ast.NamedExpr):
            scope.binds.setdefault(node.target.id, []).append(stmt)


def _note(scope: Scope, stmt: ast.stmt, around: tuple) -> None:
    targets = list(_targets(stmt))
    lines = _lines_of(around[2] or stmt if around else stmt)
    _note_sharing(scope, stmt, targets, lines)
    scope.sets.update(name for t in targets if isinstance(t, ast.Attribute) and (name := dotted(t)))
    changed = {name for target in targets for name in ((target,) if isinstance(target, str) else target_names(target))}
    for node in () if isinstance(stmt, SCOPES) else _expressions_of(stmt):
        if type(node) not in _NOTED:
            continue
        if isinstance(node, ast.NamedExpr):
            sharing.note_links(scope, node.target, node.value, lines)
            changed.add(node.target.id)
            scope.effects.setdefault(stmt, []).append(node)
        elif isinstance(node, ast.comprehension):
            sharing.note_links(scope, node.target, node.iter, lines, (sharing.ANY,))
        elif isinstance(node, (ast.Yield, ast.YieldFrom)):
            scope.yields = True
        elif isinstance(node, ast.Call):
            names = list(_changed_by(node, isinstance(stmt, ast.Expr)))
            _note_change(scope, node, lines)
            changed.update(names)
            if name := set_by_name(node):
                scope.sets.add(name)
            if names:
                scope.effects.setdefault(stmt, []).append(node)
    ends = {"return"} if isinstance(stmt, ast.Return) else {"raise"} if isinstance(stmt, ast.Raise) else set()
    scope.touched |= changed
    _note_around(scope.touches, stmt, around, changed)
    if ends:
        _note_around(scope.returns, stmt, around, ends)
    if isinstance(stmt, (ast.Break, ast.Continue)):
        scope.jumps.add(stmt)
        while around and around[0] not in scope.jumps:
            scope.jumps.add(around[0])
            around = around[1]


def _note_around(noted: dict[ast.AST, set[str]], stmt: ast.stmt, around: tuple, found: set[str]) -> None:
    """Note something of a statement and of all around it; where one has it already, so have those around that one."""
    noted.setdefault(stmt, set()).update(found)
    while around and not (around[0] in noted and found <= noted[around[0]]):
        noted.setdefault(around[0], set()).update(found)
        around = around[1]


def _lines_of(stmt: ast.stmt) -> Lines:
    """Return the lines of a statement."""
    return Lines(stmt.lineno, stmt.end_lineno or stmt.lineno)


def _note_sharing(scope: Scope, stmt: ast.stmt, targets: list[ast.expr | str], lines: Lines) -> None:
    match stmt:
        case ast.Assign(value=ast.Attribute(value=holder, attr=method)) if method in _BOUND:
            sharing.note_change(scope, holder, (sharing.ANY,), lines, is_run=False)  # `change = options.update`
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            for target in targets:
                sharing.note_links(scope, target, value, lines)
            for one, other in zip(targets, targets[1:]):
                if isinstance(other, ast.expr):
                    sharing.note_links(scope, one, other, lines)
        case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
            sharing.note_links(scope, target, value, _lines_of(stmt), (sharing.ANY,))
        case ast.With(items=items) | ast.AsyncWith(items=items):
            for item in items:
                if item.optional_vars is not None and isinstance(item.context_expr, ast.Call):
                    for argument in item.context_expr.args:
                        sharing.note_links(scope, item.optional_vars, argument, lines)
    for target in targets:
        if isinstance(target, ast.Subscript):
            sharing.note_change(scope, target.value, sharing.path_of(target)[-1:], lines)
        elif isinstance(stmt, ast.AugAssign):
            sharing.note_change(scope, stmt.target, (sharing.ANY,), lines)  # `options |= more`


def _note_change(scope: Scope, call: ast.Call, lines: Lines) -> None:
    """Note what a call changes by its method, or may change because it is given it."""
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr in MUTATORS:
        by_class = isinstance(func.value, ast.Name) and func.value.id in ("dict", "list") and call.args  # dict.update(d)
        for key in (sharing.ANY,) if by_class else sharing.keys_set(call, func.attr):
            sharing.note_change(scope, call.args[0] if by_class else func.value, (key,), lines, is_run=not by_class)
    for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
        argument = argument.value if isinstance(argument, ast.Starred) else argument
        if isinstance(argument, (ast.Name, ast.Attribute, ast.Subscript)) and (name := dotted(argument)):
            change = Change(lines, (*sharing.path_of(argument), sharing.ANY), call)
            scope.changes.setdefault(name, []).append(change)
        elif isinstance(argument, ast.Call):
            for path, name, there, through in sharing.held(argument):
                if not path and through is None:
                    scope.changes.setdefault(name, []).append(Change(lines, (*there, sharing.ANY), call))


def _targets(stmt: ast.stmt) -> Iterator[ast.expr | str]:
    """Yield what a statement assigns to: names it binds as text, other targets as expressions."""
    match stmt:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            yield from targets
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target) | ast.For(target=target):
            yield target
        case ast.AsyncFor(target=target):
            yield target
        case ast.With(items=items) | ast.AsyncWith(items=items):
            yield from (item.optional_vars for item in items if item.optional_vars is not None)
        case ast.Import(names=aliases):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)
        case ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name for alias in aliases if alias.name != "*")
        case ast.Try(handlers=handlers):
            yield from (handler.name for handler in handlers if handler.name)
        case ast.Match(cases=cases):
            yield from (name for case in cases for name in captures(case.pattern))
        case _:
            return


def _bound_by(target: ast.expr | str) -> Iterator[str]:
    """Yield the names a target binds; `d["k"] = v` and `self.x = v` change something but bind no name."""
    if isinstance(target, (str, ast.Name)):
        yield target if isinstance(target, str) else target.id
        return
    for node in walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            yield node.id


def set_by_name(call: ast.Call) -> str | None:
    """Return "self.size" for `setattr(self, "size", 5)` and `object.__setattr__(self, "size", 5)`, else None."""
    match call:
        case ast.Call(
            func=ast.Name("setattr") | ast.Attribute(attr="__setattr__"), args=[base, ast.Constant(value=str(attribute)), _]
        ) if name := dotted(base):
            return f"{name}.{attribute}"
    return None


def set_by_any_name(node: ast.AST) -> ast.expr | None:
    """Return that of which a node sets attributes by names that are not written there, None for any other node.

    `setattr(x, key, 5)`, `object.__setattr__(x, key, 5)`, `x.__setattr__(key, 5)`, `vars(x).update(found)`,
    `x.__dict__[key] = 5`, `x.__dict__ = found`
    """
    match node:
        case ast.Call(ast.Name("setattr") | ast.Attribute(attr="__setattr__"), [base, key, _]) if not isinstance(key, ast.Constant):
            return base
        case ast.Call(ast.Attribute(base, "__setattr__"), [key, _]) if not isinstance(key, ast.Constant):
            return base
        case ast.Subscript(value=holder, ctx=ast.Store()) | ast.Call(ast.Attribute(holder, "update")):
            return _with_dict(holder)
        case ast.Attribute(attr="__dict__", ctx=ast.Store(), value=base):
            return base
    return None


def _with_dict(node: ast.expr) -> ast.expr | None:
    """Return x for `x.__dict__` and `vars(x)`."""
    match node:
        case ast.Call(ast.Name("vars"), [base]) | ast.Attribute(base, "__dict__"):
            return base
    return None


def _changed_by(call: ast.Call, is_statement: bool) -> Iterator[str]:
    if name := set_by_name(call):
        yield name
    if isinstance(call.func, ast.Attribute) and call.func.attr in MUTATORS:
        if name := dotted(call.func.value):
            yield name
    if is_statement:
        # `add_defaults(options)`: a function called for its effect may change what it is given.
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            if isinstance(argument, (ast.Name, ast.Attribute)) and (name := dotted(argument)):
                yield name
