"""Which code uses an engine before a server forks: at import, in the application factory, in a hook of the parent.

A use is followed from where the parent runs it into the functions it calls. Conditions on the way are evaluated: what
they rule out is no use, what nobody can decide is a use with a doubt.
"""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from poollint.facts import Known, Use, is_shaky
from poollint.python.evaluator import calls, expressions, operators, reach
from poollint.python.evaluator.callers import class_around, function_around
from poollint.python.evaluator.evaluate import Evaluator, World
from poollint.python.evaluator.values import ClassRef, Frame, FunctionRef, LibraryRef
from poollint.python.source import names
from poollint.python.source.modules import Import, Module
from poollint.python.source.scopes import FUNCTIONS, children, dotted
from poollint.python.usage import contexts
from poollint.python.usage.holders import Holders, holds, is_attribute, variable
from poollint.python.usage.roles import Roles

DEEPEST = 3  # functions that call each other on the way to the use
Way = tuple[tuple[Module, ast.Call], ...]

_ON_ENGINE = frozenset(
    "connect begin execute raw_connection scalar scalars run_sync create_all drop_all reflect".split()
)
_WITH_ENGINE = frozenset(
    "create_all drop_all reflect prepare inspect read_sql read_sql_query read_sql_table Table Session upgrade".split()
)
# What a session does through a connection, and what runs a query of it: `session.query(Order).first()`.
_ON_SESSION = frozenset("execute scalar scalars commit flush connection".split())
_ON_QUERY = frozenset("all first one one_or_none count scalar get delete update".split())
# gunicorn's hooks that its arbiter runs before it forks, and Celery's signals that its main process sends before it does.
_HOOKS = frozenset({"on_starting", "when_ready", "pre_fork"})
_SIGNALS = frozenset({"worker_init", "celeryd_init", "on_after_configure", "on_after_finalize"})
_CHILD_HOOKS = frozenset({"post_fork", "post_worker_init", "worker_process_init", "postfork"})
# A condition that asks for one of these is about a place that is not production, and has no say about it.
_ASIDE = re.compile(
    r"(?<![a-z])(tests?|testing|debug|dev|development|local|localhost|prod|production|staging|sqlite|reload)(?![a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A use, and the calls through which the parent comes to it; each further call stands in the function called before."""

    use: Use
    way: Way


class Forks:
    """Finds the uses of engines before a fork; what a file runs at import is listed once."""

    def __init__(self, roles: Roles) -> None:
        self.roles = roles
        self._starts: dict[str, list[tuple[ast.Call, str, str]]] = {}

    def candidates(self, holders: Holders, paths: Sequence[str]) -> Iterator[Candidate]:
        """Yield the uses in the files that may name a holder, whatever their conditions."""
        for path in paths:
            module = self.roles.modules.module(path)
            if module is None or self.roles.is_aside(path):
                continue
            if path not in self._starts:
                self._starts[path] = [start for start in self._starts_of(module) if _may_use(start[0], module)]
            for call, when, within in self._starts[path]:
                if found := _way_to_use(call, module, holders):
                    says, way = found
                    yield Candidate(Use("before-fork", says, module.location(call), when, within), way)  # type: ignore[arg-type]

    def _starts_of(self, module: Module) -> Iterator[tuple[ast.Call, str, str]]:
        """Yield the calls that a parent process may run, with when it does and in which function."""
        if not self.roles.is_program_of_its_own(module):
            yield from ((call, "import", "") for call in run_at_import(module))
        for function in module.tree.body:
            if isinstance(function, FUNCTIONS) and (when := _runs_in_parent(module, function)):
                yield from ((call, when, function.name) for call in _own_calls(function))


def _runs_in_parent(module: Module, function: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    if function.name in _HOOKS and function.args.args and function.args.args[0].arg == "server":
        return "hook"
    if any(part in _SIGNALS for name in _decorators(function) for part in name.split(".")):
        return "signal"
    return "factory" if contexts.constructs_application(module, function) else None


def runs_in_child(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Say whether a server runs a function in each child right after the fork."""
    named = {part for name in _decorators(function) for part in name.split(".")}
    return function.name in _CHILD_HOOKS or bool(named & _CHILD_HOOKS)


def _decorators(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    found = (d.func if isinstance(d, ast.Call) else d for d in function.decorator_list)
    return [dotted(decorator) or "" for decorator in found]


def run_at_import(module: Module) -> Iterator[ast.Call]:
    """Yield the calls that run when the file is imported: outside functions and main guards."""
    body = (stmt for stmt in module.tree.body if not (isinstance(stmt, ast.If) and contexts.is_main_guard(stmt)))
    yield from _calls_in(body)


def _own_calls(function: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls that run when a function is called: what functions inside it do, they do later."""
    yield from _calls_in(function.body)  # type: ignore[attr-defined]


def _calls_in(nodes: Iterable[ast.AST]) -> Iterator[ast.Call]:
    todo: list[ast.AST] = list(nodes)
    while todo:
        node = todo.pop()
        if isinstance(node, (*FUNCTIONS, ast.Lambda)):
            continue
        if isinstance(node, ast.Call):
            yield node
        todo.extend(children(node))


# -- from a call to the use --------------------------------------------------------------------------------------------


def _way_to_use(call: ast.Call, module: Module, holders: Holders) -> tuple[str, Way] | None:
    """Return how a call comes to use the engine: by itself, or in a function it calls."""
    todo: deque[tuple[Way, tuple[str, ...]]] = deque([(((module, call),), ())])
    seen: set[ast.AST] = set()
    while todo:
        way, through = todo.popleft()
        here, inner = way[-1]
        if says := _use_in(inner, here, holders):
            return " in ".join((says, *reversed(through))), way
        function = _called(inner, here, holders)
        if function is None or function.node in seen or len(way) > DEEPEST:
            continue
        seen.add(function.node)
        further = sorted(_own_calls(function.node), key=lambda node: (node.lineno, node.col_offset))
        todo += [((*way, (function.module, each)), (*through, f"{function.name}()")) for each in further]
    return None


def _may_use(call: ast.Call, module: Module) -> bool:
    """Say whether a call can come to the use of any engine: most cannot, and are not looked at for each one again."""
    todo: deque[tuple[Module, ast.Call, int]] = deque([(module, call, 1)])
    seen: set[ast.AST] = set()
    while todo:
        here, inner, depth = todo.popleft()
        if (dotted(inner.func) or "").rpartition(".")[2] in _ON_ENGINE | _WITH_ENGINE:
            return True
        function = _called(inner, here)
        if function is None:
            # `database.create_tables()`: the class of `database` may make the engine.
            if isinstance(inner.func, ast.Attribute) and names.resolve(here, inner.func) is None:
                return True
        elif function.node not in seen and depth <= DEEPEST:
            seen.add(function.node)
            todo += [(function.module, each, depth + 1) for each in _own_calls(function.node)]
    return False


def _use_in(call: ast.Call, module: Module, holders: Holders) -> str | None:
    """Name the call that uses the engine, None when it does not: creating a session maker of it opens nothing."""
    last = (dotted(call.func) or "").rpartition(".")[2]
    if last in _ON_ENGINE and isinstance(call.func, ast.Attribute):
        owner = call.func.value
        if _is_engine(holders, module, owner) or (isinstance(owner, ast.Attribute) and holds(holders, module, owner.value)):
            return f"{last}()"
        if isinstance(owner, ast.Call) and holds(holders, module, owner.func):
            return f"{last}()"
    if isinstance(call.func, ast.Attribute) and _is_of_session(module, call.func, holders):
        return f"{call.func.attr}()"
    given = (*call.args, *(keyword.value for keyword in call.keywords)) if last in _WITH_ENGINE else ()
    if any(_is_engine(holders, module, argument) for argument in given):
        return None if last == "Session" and not _is_entered(module, call) else f"{last}()"
    return None


def _is_engine(holders: Holders, module: Module, node: ast.AST) -> bool:
    """Say whether an expression is the engine: a holder, or `self._engine` in the class that makes it."""
    if holds(holders, module, node) or is_attribute(holders, module, node):
        return True
    if not isinstance(node, ast.Attribute) or not (dotted(node) or "").startswith("self."):
        return False
    function = function_around(module, node)
    cls = class_around(module, function) if function else None
    return cls in holders.definitions and "engine" in node.attr.lower()


def _is_of_session(module: Module, method: ast.Attribute, holders: Holders) -> bool:
    """Say whether a method asks the database something for a session of the engine, which its maker made just here."""
    root, is_query = method.value, False
    while isinstance(root, ast.Call) and isinstance(root.func, ast.Attribute):
        is_query = is_query or root.func.attr == "query"
        root = root.func.value
    if method.attr not in (_ON_QUERY if is_query else _ON_SESSION):
        return False
    made = root if isinstance(root, ast.Call) else _made_as(module, root) if isinstance(root, ast.Name) else None
    maker = made.func if isinstance(made, ast.Call) else None
    begun = maker.value if isinstance(maker, ast.Attribute) and maker.attr == "begin" else maker
    return begun is not None and holds(holders, module, begun)


def _made_as(module: Module, name: ast.Name) -> ast.expr | None:
    """Return what a name is in the `with` around it, or by its only assignment in the same function."""
    for parent in module.ancestors(name):
        if isinstance(parent, (ast.With, ast.AsyncWith)):
            for item in parent.items:
                if isinstance(item.optional_vars, ast.Name) and item.optional_vars.id == name.id:
                    return item.context_expr
    return names.only_value(module, name)


def _is_entered(module: Module, call: ast.Call) -> bool:
    return isinstance(module.parent(call), ast.withitem)


def _called(call: ast.Call, module: Module, holders: Holders | None = None) -> FunctionRef | None:
    """Return the function of the project that a call runs at once; a coroutine only where a loop of its own runs it."""
    resolved = names.resolve(module, call.func)
    if isinstance(resolved, ClassRef):
        return _method(resolved, "__init__")
    if resolved is None and isinstance(call.func, ast.Attribute):
        resolved = (_method_of_holder(call.func, module, holders) if holders is not None else None) or _method_of_instance(call.func, module)
    if not isinstance(resolved, FunctionRef) or isinstance(resolved.node, ast.Lambda):
        return None
    is_run = isinstance(resolved.node, ast.FunctionDef) or _is_run_at_once(module, call)
    return resolved if is_run else None


def _method_of_holder(func: ast.Attribute, module: Module, holders: Holders) -> FunctionRef | None:
    """Return the method of `database.create_tables()`, where the class of `database` makes the engine."""
    classes = [definition for definition in holders.definitions if isinstance(definition, ast.ClassDef)]
    if len(classes) != 1 or not holds(holders, module, func.value):
        return None
    found = (module.modules.module(path) for path in sorted(holders.paths))
    home = next((other for other in found if other and other.parent(classes[0]) is not None), None)
    return _method(ClassRef(home, classes[0]), func.attr) if home else None


def _method_of_instance(func: ast.Attribute, module: Module) -> FunctionRef | None:
    """Return the method that an object of the project's own class has: `service = Service(); service.load()`, `self.load()`."""
    owner = func.value
    if not isinstance(owner, ast.Name):
        return None
    if owner.id == "self":
        function = function_around(module, func)
        cls = class_around(module, function) if function else None
        return _method(ClassRef(module, cls), func.attr) if cls else None
    made, home = _made_as(module, owner), module
    if made is None and (found := variable(module, owner)) and (other := module.modules.module(found[0])):
        statements = other.scope.binds.get(found[1], ())
        made, home = (statements[0].value if len(statements) == 1 and isinstance(statements[0], ast.Assign) else None), other
    target = names.resolve(home, made.func) if isinstance(made, ast.Call) else None
    return _method(target, func.attr) if isinstance(target, ClassRef) else None


def _method(cls: ClassRef, name: str) -> FunctionRef | None:
    found = (stmt for stmt in cls.node.body if isinstance(stmt, FUNCTIONS) and stmt.name == name)
    return next((FunctionRef(cls.module, stmt) for stmt in found), None)


def _is_run_at_once(module: Module, call: ast.Call) -> bool:
    parent = module.parent(call)
    runner = (dotted(parent.func) or "").rpartition(".")[2] if isinstance(parent, ast.Call) else ""
    return runner in ("run", "run_until_complete")


# -- conditions --------------------------------------------------------------------------------------------------------


def decided(candidate: Candidate, evaluator: Evaluator) -> Use | None:
    """Return the use as one environment decides it: with the doubt that is left, or None where it does not happen."""
    world = evaluator.world()
    frame: Frame | None = None
    doubt = ""
    for number, (module, call) in enumerate(candidate.way):
        for test, wanted in reach.conditions(call, module):
            answer, why = _answer(world, test, module, frame)
            if answer is not None and answer is not wanted or why and _is_aside(test):
                return None
            doubt = doubt or why and f"{module.source(test)} decides, {why}"
        doubt = doubt or _doubt_of_block(call, module)
        frame = _frame(world, candidate.way[number : number + 2], frame)
    return replace(candidate.use, doubt=doubt)


def _is_aside(test: ast.expr) -> bool:
    """Say whether a condition asks which environment this is, `if DEBUG`, but for one that holds in production as well."""
    words = {word.lower() for word in _ASIDE.findall(ast.unparse(test))}
    is_one_of = isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.In)
    return bool(words) and not (is_one_of and len(words) > 1 and bool(words & {"prod", "production"}))


def _answer(world: World, test: ast.expr, module: Module, frame: Frame | None) -> tuple[bool | None, str]:
    """Return the truth of a condition, and why it is not sure."""
    running = reach.frame_at(module, test, frame)
    value = world.value(test, module, running)
    answer = operators.truth(world, value, expressions.place(module, test, running))
    # What another project calls FLAG may be true or not, unlike its functions and classes.
    if answer is None or isinstance(value, LibraryRef):
        return None, "and what it is cannot be read"
    is_default = isinstance(value, Known) and is_shaky([value])
    return answer, "and its value is only the default of the code" if is_default else ""


def _doubt_of_block(call: ast.Call, module: Module) -> str:
    """An `except` runs only after a failure, a `case` only for its subject."""
    for parent in module.ancestors(call):
        if isinstance(parent, FUNCTIONS):
            break
        if isinstance(parent, ast.ExceptHandler):
            return "it runs only when what is tried before fails"
        if isinstance(parent, ast.match_case):
            return "the subject of a match decides"
    return ""


def _frame(world: World, step: Way, frame: Frame | None) -> Frame | None:
    """Return what the parameters of the function that is called next hold."""
    if len(step) < 2:
        return None
    (module, call), (other, inner) = step
    function = function_around(other, inner)
    if function is None or class_around(other, function) is not None:
        return None
    given = world.arguments(call, module, frame)
    return calls.frame_for(world, FunctionRef(other, function), given, call, module, frame)


# -- what is imported at start -----------------------------------------------------------------------------------------


def imported_at_start(roles: Roles, entry: str, finds_tasks: bool) -> frozenset[str]:
    """Return the files that are imported while an entry module is: not what functions import when they are called."""
    found = {entry}
    todo = [entry]
    while todo:
        path = todo.pop()
        module = roles.modules.module(path)
        later = _imported_later(module) if module else frozenset()
        discovered = roles.graph.discovers(path) if finds_tasks else frozenset()
        for imported in (roles.graph.imports(path) - later | discovered) - found:
            found.add(imported)
            todo.append(imported)
    return frozenset(found)


def _imported_later(module: Module) -> frozenset[str]:
    """Return what only functions import that nothing calls while the file is imported."""
    called = {(dotted(call.func) or "").rpartition(".")[2] for call in run_at_import(module)}
    at_once: set[str] = set()
    later: set[str] = set()
    for found in module.imports:
        path = module.modules.imported(module, found)
        if path is None:
            continue
        function = function_around(module, found.node)
        is_later = function is not None and function.name not in called
        is_later = is_later and not contexts.constructs_application(module, function)
        (later if is_later or _is_for_types(module, found) else at_once).add(path)
    return frozenset(later - at_once)


def _is_for_types(module: Module, found: Import) -> bool:
    tests = (parent.test for parent in module.ancestors(found.node) if isinstance(parent, ast.If))
    return any((dotted(test) or "").endswith("TYPE_CHECKING") for test in tests)
