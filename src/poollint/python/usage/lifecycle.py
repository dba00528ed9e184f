"""How often an engine creation runs: once per process, or again for every request, task or call.

Starting at the creation, its callers are followed until something says what runs them (contexts.py). Two things end the
story early: the engine is kept (a guard `if _engine is None`, a cache), or it is disposed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile

from poollint.facts import Location
from poollint.python.evaluator.callers import (
    Callers,
    Reference,
    Skipping,
    class_around,
    constructs,
    function_around,
    passed_to,
    reference_at,
    subclass_at,
)
from poollint.python.sites import Site
from poollint.python.source.modules import Module
from poollint.python.source.scopes import FUNCTIONS, dotted, walk
from poollint.python.usage import contexts
from poollint.python.usage.contexts import Context
from poollint.python.usage.holders import variable
from poollint.python.usage.keeping import Function, Kept, kept
from poollint.python.usage.singletons import bases_of, gives_one, is_singleton

MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Run:
    """One way a creation comes to run.

    through      the call nearest to the context: evidence for "per request"
    is_disposed  somebody on the way disposes the engine
    is_conditional  a parameter, or the name of a configured kind, decides whether it comes to the creation
    is_result    what runs it returns the engine: a workflow's task may well make one for the tasks after it
    unused       the function or class that leads to it, where nothing in the project but tests refers to that
    uncalled     the same, where nothing at all refers to that
    """

    context: Context
    path: str
    through: Location
    is_disposed: bool = False
    is_conditional: bool = False
    is_result: bool = False
    unused: str = ""
    uncalled: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """A place to look outward from: the creation, or a call that leads to it.

    without  the parameter that must be left out for the condition to hold: `def read(session=None): if session is None: ...`
    """

    module: Module
    node: ast.AST
    is_disposed: bool = False
    is_conditional: bool = False
    without: str = ""


class Lifecycle:
    """Follows creations to what runs them."""

    def __init__(self, callers: Callers, is_aside: Callable[[str], bool], is_of_program: Callable[[Run], bool]) -> None:
        self.callers = callers
        self.is_aside = is_aside  # tests and samples show how the code is used, not how often it runs
        self.is_of_program = is_of_program  # a program that runs it: then nobody asks for tests and samples
        self._runs: dict[ast.AST, tuple[Run, ...]] = {}

    def runs(self, site: Site) -> tuple[Run, ...]:
        """Return every way the creation comes to run; never empty."""
        return self.runs_of(site.module, site.call)

    def runs_of(self, module: Module, node: ast.AST) -> tuple[Run, ...]:
        """Return every way a piece of code comes to run; never empty."""
        if node not in self._runs:
            runs = tuple(self._follow(module, node, self.is_aside))  # tests may be most of a project
            is_told = any(map(self.is_of_program, runs))
            self._runs[node] = runs if is_told else tuple(self._follow(module, node))
        return self._runs[node]

    def _follow(self, module: Module, node: ast.AST, skipping: Skipping = None) -> Iterator[Run]:
        disposers = disposers_of(module)
        todo, seen, steps = [_Step(module, node)], set(), 0
        while todo and steps < MOST_STEPS:
            step, steps = todo.pop(), steps + 1
            function = function_around(step.module, step.node)
            if function is None:
                yield _run(step, _outside_functions(step.module, step.node))
                continue
            depends = depends_on_parameter(step.module, step.node, function)
            step = replace(
                step,
                is_disposed=step.is_disposed or disposes(function, disposers) or disposed_by_name(step, disposers),
                is_conditional=step.is_conditional or depends,
                without=left_out_at(step.module, step.node, function) if depends and not step.is_conditional else "",
            )
            how = kept(step.module, step.node, function)
            if found := _inside(step, function, how):
                yield replace(_run(step, found), is_result=_hands_back(step.module, step.node, function))
                continue
            definition = _climbs_to(step.module, function, how)
            if definition in seen:
                continue
            seen.add(definition)
            if isinstance(definition, ast.ClassDef) and (
                is_singleton(step.module, definition) or (how == "instance" and gives_one(step.module, definition))
            ):
                says = f"there is one {definition.name}"
                yield _run(step, Context("cached", says, step.module.location(definition)))
                continue
            further = list(self._outward(step, definition, skipping))
            yield from (item for item in further if isinstance(item, Run))
            todo.extend(item for item in further if isinstance(item, _Step))
            if all(isinstance(item, Run) and item.context.kind == "fixture" for item in further):
                says = f"nothing in the project calls {definition.name}" + (
                    ", but tests and samples" if further else ""
                )
                nobody = _run(step, Context("unknown", says, step.module.location(definition)))
                plain = definition.name if is_plain(step.module, definition) else ""
                yield replace(nobody, unused=definition.name) if further else replace(nobody, uncalled=plain)

    def _outward(self, step: _Step, definition: Function | ast.ClassDef, skipping: Skipping) -> Iterator[Run | _Step]:
        """Yield what refers to a definition: contexts it is handed to, and calls to follow further."""
        for reference in self.callers.of(step.module, definition, skipping):
            if isinstance(definition, ast.ClassDef):
                if subclass := subclass_at(reference):
                    yield from self._outward(replace(step, module=reference.module), subclass, skipping)
                    continue
                if not constructs(reference):
                    continue
            is_conditional = step.is_conditional and not leaves_out(reference, definition, step.without)
            further = replace(
                step,
                without="",
                is_conditional=is_conditional or _is_one_of_several(definition, reference) or _is_looked_up(definition, reference),
                is_disposed=step.is_disposed or _is_left(step.module, definition, reference),
            )
            yield from self._referred(further, reference, skipping)

    def _referred(self, step: _Step, reference: Reference, skipping: Skipping) -> Iterator[Run | _Step]:
        alias = _alias(reference)
        uses = list(self._uses_of(reference.module, alias, skipping)) if alias else []
        for use in uses or [reference]:
            if context := contexts.of_reference(use):
                yield _run(step, context)
            elif self.is_aside(use.module.path):
                context = Context("fixture", "a test or sample", use.location)
                yield Run(context, use.module.path, use.location)
            else:
                yield replace(step, module=use.module, node=use.node)

    def _uses_of(self, module: Module, name: str, skipping: Skipping) -> Iterator[Reference]:
        """Yield where a module-level variable is called or handed on."""
        importers = module.modules.graph.reached_by(module.path)
        for path in module.modules.containing(name.encode()):
            is_wanted = path in importers and not (skipping is not None and skipping(path))
            other = module.modules.module(path) if is_wanted else None
            for node in self.callers.named(other, name) if other else ():
                if variable(other, node) == (module.path, name):
                    yield reference_at(other, node)


_RENAMING = frozenset("partial contextmanager asynccontextmanager".split())


def _alias(reference: Reference) -> str:
    """Return the module-level name that a function gets besides its own: `get_db = partial(session, SETTINGS)`."""
    module, node = reference.module, reference.node
    parent = module.parent(node)
    if isinstance(parent, ast.Call) and node in parent.args and (dotted(parent.func) or "").rpartition(".")[2] in _RENAMING:
        node, parent = parent, module.parent(parent)
    match parent:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is node:
            return name if module.parent(parent) is module.tree else ""
    return ""


def _run(step: _Step, context: Context) -> Run:
    return Run(context, step.module.path, step.module.location(step.node), step.is_disposed, step.is_conditional)


def _inside(step: _Step, function: Function, how: Kept) -> Context | None:
    """Return what runs the function around a step, looking outward through functions it is nested in."""
    if how == "process":
        return Context("cached", f"{function.name} keeps it", step.module.location(function))
    functions = [function, *(f for f in step.module.enclosing_functions(function) if isinstance(f, FUNCTIONS))]
    found = next((found for f in functions if (found := contexts.of_function(step.module, f))), None)
    if found is None and contexts.is_of_main_guard(step.module, functions[-1]):
        return Context("main-guard", "the program's own code", step.module.location(step.node))
    return found


def _hands_back(module: Module, node: ast.AST, function: Function) -> bool:
    """Say whether a function returns what a call in it made."""
    around = module.parent(node)
    names = {target.id for target in getattr(around, "targets", ()) if isinstance(target, ast.Name)}
    values = (stmt.value for stmt in walk(function) if isinstance(stmt, ast.Return))
    return any(value is node or (isinstance(value, ast.Name) and value.id in names) for value in values)


def _outside_functions(module: Module, node: ast.AST) -> Context:
    if contexts.in_main_guard(module, node):
        return Context("main-guard", "the program's own code", module.location(node))
    return Context("module", f"{module.path} is imported", module.location(node))


_CONSTRUCTORS = frozenset({"__init__", "__post_init__", "__new__", "model_post_init", "__attrs_post_init__"})


def _climbs_to(module: Module, function: Function, how: Kept) -> Function | ast.ClassDef:
    """Return whose users run the function: for a constructor, or a method that keeps the engine on self, the class."""
    cls = class_around(module, function)
    return cls if cls and (how == "instance" or function.name in _CONSTRUCTORS) else function


def is_plain(module: Module, definition: Function | ast.ClassDef) -> bool:
    """Say whether a definition runs only for who names it: no decorator hands it on, and no base knows its methods.

    What takes parameters may be a hook or a handler that a server finds by its name: `def post_fork(server, worker)`.
    """
    cls = definition if isinstance(definition, ast.ClassDef) else class_around(module, definition)
    inherits = cls is not None and bool(cls.bases or cls.keywords or cls.decorator_list)
    if definition.decorator_list or inherits:
        return False
    if isinstance(definition, ast.ClassDef):
        return True
    return not requires(definition, is_method=cls is not None)


def requires(function: Function, *, is_method: bool) -> bool:
    """Say whether who calls a function passes it something of its own; a plain `url: str` is the project's to pass."""
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    required = positional[int(is_method) : len(positional) - len(given.defaults)]
    takes_more = given.vararg is not None or given.kwarg is not None
    return takes_more or any(each.annotation is None or dotted(each.annotation) not in _PLAIN for each in required)


_PLAIN = frozenset({"str", "int", "float", "bool", "bytes"})


def _is_left(module: Module, definition: ast.AST, reference: Reference) -> bool:
    """Say whether leaving a `with` disposes the engine: `with Database() as engine`."""
    if not isinstance(definition, ast.ClassDef):
        return False
    around = reference.module.parent(reference.call) if reference.call else None
    if not isinstance(around, ast.withitem):
        return False
    leaving = _method_of(module, definition, ("__exit__", "__aexit__"))
    return leaving is not None and disposes(leaving[1], disposers_of(leaving[0]))


def _method_of(module: Module, cls: ast.ClassDef, wanted: tuple[str, ...]) -> tuple[Module, Function] | None:
    """Return the method of one of these names that a class has or inherits, with the file it stands in."""
    methods = ((where, stmt) for where, current in bases_of(module, cls) for stmt in current.body)
    return next(((where, s) for where, s in methods if isinstance(s, FUNCTIONS) and s.name in wanted), None)


def _is_one_of_several(definition: ast.AST, reference: Reference) -> bool:
    """Say whether a word names which class is made: `if config.kind == "sql": return SqlStore(config)`.

    Not in what a request or task runs itself: `if request.method == "POST"`.
    """
    function = function_around(reference.module, reference.node)
    if not isinstance(definition, ast.ClassDef) or function is None or contexts.of_function(reference.module, function):
        return False
    child: ast.AST = reference.node
    for parent in reference.module.ancestors(child):
        if parent is function:
            return False
        match parent:
            case ast.If(test=ast.Compare(ops=[ast.Eq()], comparators=[ast.Constant(value=str())])):
                if child in parent.body:
                    return True
        child = parent
    return False


_MAKING = frozenset("Depends Security Provide partial Factory Callable to_thread run_in_threadpool run_in_executor submit".split())


def _is_looked_up(definition: ast.AST, reference: Reference) -> bool:
    """Say whether a class is only named to who may have an instance of it: `inject.instance(Database)`, `services.get(Database)`."""
    around = reference.module.parent(reference.node)
    is_argument = isinstance(around, ast.Call) and reference.node in around.args and reference.call is None
    if not isinstance(definition, ast.ClassDef) or not is_argument or contexts.of_reference(reference) is not None:
        return False
    return _called(around) not in _MAKING  # type: ignore[arg-type]


# -- disposed ----------------------------------------------------------------------------------------------------------


def disposers_of(module: Module) -> frozenset[str]:
    """Return the names of the file's functions that dispose an engine: calling `database.close()` may be disposal."""
    if b".dispose(" not in (module.modules.tree.bytes(module.path) or b""):
        return frozenset()
    functions = (node for node in module.nodes if isinstance(node, FUNCTIONS))
    return frozenset(function.name for function in functions if _calls_dispose(function))


def disposes(function: Function, disposers: frozenset[str]) -> bool:
    """Say whether a function disposes an engine, itself or through one of the functions that do."""
    if _calls_dispose(function):
        return True
    calls = (node for node in walk(function) if isinstance(node, ast.Call)) if disposers else ()
    return any(_called(call) in disposers and not _is_session(call) for call in calls)


def disposed_by_name(step: _Step, disposers: frozenset[str]) -> bool:
    """Say whether the file disposes what a call made by the name that it is kept under.

    `g.database = Database(config)` before the request, `g.database.close()` after it. What is kept on `self` is as old
    as its object, and a method that disposes it says nothing of who calls that.
    """
    call = step.module.parent(step.node)  # of what makes it, where the step is its name
    made = call if isinstance(call, ast.Call) and call.func is step.node else step.node
    statement = step.module.parent(made) if disposers else None
    targets = (target for target in getattr(statement, "targets", ()) if isinstance(target, ast.Attribute))
    names = {name for target in targets if not (name := dotted(target) or "self.").startswith("self.")}
    calls = (call for name in disposers for call in step.module.calls_of(name) if names)
    return any(isinstance(call.func, ast.Attribute) and dotted(call.func.value) in names for call in calls)


def disposed_in_passing(module: Module, made: ast.expr) -> bool:
    """Say whether a file that makes an engine at its own level disposes it there and goes on: `engine` for migrations.

    What it disposes last it has needed until its end, and what a function or another file reads it keeps for later.
    """
    statement = module.parent(made)
    target = statement.targets[0] if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
    if not isinstance(target, ast.Name) or any(function_around(module, node) for node in module.loads(target.id)):
        return False
    others = set(module.modules.containing(target.id.encode())) & set(module.modules.graph.importers.get(module.path, ()))
    return not others and any(
        isinstance(call.func, ast.Attribute) and dotted(call.func.value) == target.id and _goes_on_after(module, call)
        for call in module.calls_of("dispose")
    )


def _goes_on_after(module: Module, call: ast.Call) -> bool:
    """Say whether more is done after the block that holds a call, and all of it runs but once."""
    after, child = False, call
    for parent in module.ancestors(call):
        if isinstance(parent, (ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler)):
            return False
        body = getattr(parent, "body", ())
        if isinstance(body, list) and child in body:
            rest = body[body.index(child) + 1 :]  # type: ignore[arg-type]
            after = after or any(isinstance(stmt, (ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef)) for stmt in rest)
        child = parent  # type: ignore[assignment]
    return after


@lru_cache(maxsize=4096)
def _calls_dispose(function: Function) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr == "dispose" for node in walk(function))


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _is_session(call: ast.Call) -> bool:
    """`session.close()` closes the session, whatever else of the file is called close."""
    owner = dotted(call.func.value) or "" if isinstance(call.func, ast.Attribute) else ""
    return any(word in owner.lower() for word in ("session", "conn", "cursor"))


# -- conditional -------------------------------------------------------------------------------------------------------


def depends_on_parameter(module: Module, node: ast.AST, function: Function) -> bool:
    """Say whether a parameter decides if the function comes to the node: `get_session(mode)` may never create one.

    It does not where it only chooses between two: `create_engine(url, poolclass=NullPool) if once else create_engine(url)`.
    """
    parameters = {arg.arg for arg in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}
    parameters -= {"self", "cls"}
    for stmt in walk(function):
        if isinstance(stmt, ast.Assign) and isinstance(stmt.targets[0], ast.Name) and _is_only(stmt.value, parameters):
            parameters.add(stmt.targets[0].id)
    for parent in module.ancestors(node):
        if parent is function:
            return False
        if isinstance(parent, (ast.If, ast.IfExp)) and parent.test is not node and not _calls_either_way(parent, node):
            if any(isinstance(part, ast.Name) and part.id in parameters for part in walk(parent.test)):
                return True
    return False


def left_out_at(module: Module, node: ast.AST, function: Function) -> str:
    """Return the one parameter without which a function comes to a node: `if session is None:`; "" for other conditions."""
    tests = [parent.test for parent in takewhile(lambda each: each is not function, module.ancestors(node)) if isinstance(parent, ast.If)]
    defaults = {arg.arg for arg in function.args.args[len(function.args.args) - len(function.args.defaults) :]}
    match tests:
        case [
            ast.Compare(left=ast.Name(id=name), ops=[ast.Is()], comparators=[ast.Constant(value=None)])
            | ast.UnaryOp(op=ast.Not(), operand=ast.Name(id=name)) as test
        ]:
            return name if name in defaults and _stands_below(module, node, test) else ""
    return ""


def _stands_below(module: Module, node: ast.AST, test: ast.expr) -> bool:
    """Say whether a node stands in the body of the `if` of a test, and not in its `else`."""
    branch = module.parent(test)
    return isinstance(branch, ast.If) and any(part is node for stmt in branch.body for part in ast.walk(stmt))


def leaves_out(reference: Reference, definition: ast.AST, name: str) -> bool:
    """Say whether a call surely passes a function nothing, or None, for a parameter."""
    call = reference.call
    if not name or not isinstance(definition, FUNCTIONS) or call is None:
        return False
    if any(isinstance(each, ast.Starred) for each in call.args) or any(keyword.arg is None for keyword in call.keywords):
        return False
    values = (value for given, value in passed_to(definition, call) if given == name)
    return all(isinstance(value, ast.Constant) and value.value is None for value in values)


def _is_only(value: ast.expr, names: set[str]) -> bool:
    """Say whether a value is one of these names, or is made of nothing else: `url = (given or "").strip()`."""
    match value:
        case ast.Name(id=name):
            return name in names
        case ast.BoolOp(op=ast.Or(), values=[first, *others]):
            return _is_only(first, names) and all(isinstance(other, ast.Constant) for other in others)
        case ast.Call(func=ast.Attribute(value=text, attr="strip"), args=[]) | ast.Call(func=ast.Name(id="str"), args=[text]):
            return _is_only(text, names)
    return False


def _calls_either_way(branch: ast.If | ast.IfExp, call: ast.AST) -> bool:
    """Say whether all branches call the same function: none of them does without."""
    if not isinstance(call, ast.Call):
        return False
    wanted, todo = ast.dump(call.func), [branch.body, branch.orelse]
    while todo:
        block = todo.pop()
        parts = block if isinstance(block, list) else [block]
        if any(_calls(part, wanted) for part in parts):
            continue
        inner = next((part for part in parts if isinstance(part, (ast.If, ast.IfExp))), None)  # `elif`
        if inner is None:
            return False
        todo += [inner.body, inner.orelse]
    return True


def _calls(part: ast.AST, wanted: str) -> bool:
    """Say whether an expression, or a statement that holds no other, always makes a call."""
    if not isinstance(part, (ast.expr, ast.Assign, ast.AnnAssign, ast.Expr, ast.Return)):
        return False
    nodes = list(walk(part))
    decides = any(isinstance(node, (ast.IfExp, ast.BoolOp, ast.Lambda)) for node in nodes)
    return not decides and any(isinstance(node, ast.Call) and ast.dump(node.func) == wanted for node in nodes)
