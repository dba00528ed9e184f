"""Whether a program keeps running: it serves, or loops without an end, in what its main code comes to."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator
from math import inf
from typing import Literal

from poollint.python.evaluator.callers import class_around
from poollint.python.evaluator.evaluate import Evaluator
from poollint.python.evaluator.values import ClassRef, FunctionRef, Instance
from poollint.python.source import names
from poollint.python.source.modules import Module
from poollint.python.source.scopes import FUNCTIONS, children, dotted, walk
from poollint.python.usage import contexts

DEEPEST = 4  # functions that call each other on the way to the loop
MOST_FUNCTIONS = 200
_ENDING = frozenset({"exit", "_exit", "quit", "SystemExit", "input"})
_INTERRUPTS = frozenset({"KeyboardInterrupt", "SystemExit", "CancelledError"})
_CONSUMERS = frozenset({"KafkaConsumer", "AIOKafkaConsumer"})  # those that are iterated over, message by message


def keeps_running(module: Module, evaluator: Evaluator) -> Literal["serves", "loops", ""]:
    """Say whether running a file comes to a call that serves or to an endless loop; "" where nothing shows it."""
    todo: deque[tuple[Module, ast.AST, int]] = deque([(module, module.tree, 0)])
    seen: set[ast.AST] = {module.tree}
    while todo and len(seen) < MOST_FUNCTIONS:
        here, node, depth = todo.popleft()
        own = list(_own(node))
        if any(isinstance(part, ast.Call) and contexts.is_serving(part) for part in own):
            return "serves"
        consumers = _consumers_of(here, node, own)
        if any(_is_endless(part, consumers) for part in own):
            return "loops"
        for run in _run(own) if depth < DEEPEST else ():
            function = _function(run, here, evaluator)
            if function is not None and function.node not in seen:
                seen.add(function.node)
                todo.append((function.module, function.node, depth + 1))
    return ""


def is_in_endless_loop(module: Module, node: ast.AST) -> bool:
    """Say whether a place stands in an endless loop of its function, or of the file's own code."""
    around = next((each for each in module.enclosing_functions(node) if isinstance(each, FUNCTIONS)), module.tree)
    loops = [each for each in module.ancestors(node) if isinstance(each, (ast.For, ast.AsyncFor, ast.While, ast.AsyncWith))]
    consumers = _consumers_of(module, around, list(_own(around))) if loops else set()
    return any(_is_endless(loop, consumers) for loop in loops if around in module.ancestors(loop))


def _own(node: ast.AST, is_left_alone: bool = False) -> Iterator[ast.AST]:
    """Yield what runs when a file or function does: what functions inside it do, they do when they are called.

    Left alone, nobody interrupts it: `except KeyboardInterrupt: break` does not run.
    """
    todo: list[ast.AST] = list(getattr(node, "body", ()))
    while todo:
        part = todo.pop()
        if isinstance(part, (*FUNCTIONS, ast.ClassDef, ast.Lambda)) or (is_left_alone and _is_of_interrupts(part)):
            continue
        yield part
        todo.extend(children(part))


def _is_of_interrupts(part: ast.AST) -> bool:
    """Say whether a handler is only for who stops the program from outside."""
    caught = part.type if isinstance(part, ast.ExceptHandler) else None
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught] if caught is not None else []
    return bool(kinds) and all((dotted(kind) or "").rpartition(".")[2] in _INTERRUPTS for kind in kinds)


def _consumers_of(module: Module, node: ast.AST, own: list[ast.AST]) -> set[str]:
    """Return the names of what a function, or the class around it, waits for messages with."""
    cls = class_around(module, node) if isinstance(node, FUNCTIONS) else None
    return {*_consumers(own), *(_consumers(list(walk(cls))) if cls is not None else ())}


def _consumers(own: list[ast.AST]) -> Iterator[str]:
    """Yield the names of what a loop waits for messages with."""
    for node in own:
        match node:
            case ast.Assign(targets=[target], value=value) | ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
                if _is_consumer(value) and (name := dotted(target)):
                    yield name


def _is_consumer(node: ast.expr) -> bool:
    """Say whether a call makes a consumer that goes on waiting: without a timeout its messages have no end."""
    if not isinstance(node, ast.Call) or (dotted(node.func) or "").rpartition(".")[2] not in _CONSUMERS:
        return False
    return all(keyword.arg != "consumer_timeout_ms" for keyword in node.keywords)


def _is_endless(node: ast.AST, consumers: set[str]) -> bool:
    """`while True:` that nothing leaves, and what waits for messages; a loop until a database answers is not."""
    match node:
        case ast.For(iter=messages) | ast.AsyncFor(iter=messages):
            waits = _is_consumer(messages) or dotted(messages) in consumers
            is_listening = isinstance(messages, ast.Call) and getattr(messages.func, "attr", "") == "listen"
            return (waits or is_listening) and not any(_ends(part) for part in _own(node))
        case ast.AsyncWith(items=[ast.withitem(context_expr=ast.Call(func=ast.Attribute(attr="iterator")))]):
            return True  # aio-pika's queue; Django's iterator is no context manager
        case ast.Await(value=ast.Call(func=ast.Attribute(attr="wait", value=ast.Call(func=made)))):
            return (dotted(made) or "").rpartition(".")[2] == "Event"  # nobody else has it, so nobody sets it
        case ast.Await(value=ast.Call(func=made)) if (dotted(made) or "").endswith("asyncio.Future"):
            return True
    if not isinstance(node, ast.While) or not (contexts.loops(node) or _waits_for_a_flag(node)):
        return False
    others = set(_breaks_of_others(node))
    return not any(_ends(part) and part not in others for part in _own(node, is_left_alone=True))


def _breaks_of_others(loop: ast.While) -> Iterator[ast.AST]:
    """Yield each `break` in a loop that does not decide its end: it leaves a loop inside, or waits for the same kind of flag."""
    for part in _own(loop):
        if isinstance(part, (ast.For, ast.AsyncFor, ast.While)):
            yield from (each for stmt in part.body for each in ast.walk(stmt) if isinstance(each, ast.Break))
        elif isinstance(part, ast.If) and _sleeps_until(loop, part.test):
            yield from (stmt for stmt in part.body if isinstance(stmt, ast.Break))


def _waits_for_a_flag(loop: ast.While) -> bool:
    """Say whether a loop sleeps until somebody outside it sets a flag: `while self.running`, `while not stop.is_set()`."""
    return _sleeps_until(loop, loop.test)


def _sleeps_until(loop: ast.While, test: ast.expr) -> bool:
    """Say whether a condition asks for a flag that the loop around it leaves alone, and sleeps in between."""
    test = test.operand if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) else test
    match test:
        case ast.Call(func=ast.Attribute(value=event, attr="is_set"), args=[]):
            flag = dotted(event)
        case ast.Call(func=ast.Attribute(value=event, attr="wait"), args=[_]):  # an event's, with the seconds to sleep
            return dotted(event) is not None
        case ast.Name() | ast.Attribute(value=ast.Name(id="self" | "cls")):
            flag = dotted(test)
        case _:
            flag = None
    own = list(_own(loop))
    calls = [dotted(part.func) or "" for part in own if isinstance(part, ast.Call)]
    stored = (part for part in own if isinstance(part, (ast.Name, ast.Attribute)) and not isinstance(part.ctx, ast.Load))
    is_set = any(dotted(part) == flag for part in stored)
    is_used = any(call.startswith(f"{flag}.") and not call.endswith((".wait", ".is_set")) for call in calls)
    return bool(flag) and not is_set and not is_used and any(call.rpartition(".")[2] in ("sleep", "wait") for call in calls)


def _ends(part: ast.AST) -> bool:
    """Say whether a loop may end here, or belongs to who sits before it: `choice = input()`."""
    if isinstance(part, ast.Call):
        return (dotted(part.func) or "").rpartition(".")[2] in _ENDING
    return isinstance(part, (ast.Break, ast.Return))


def _run(own: list[ast.AST]) -> Iterator[ast.expr]:
    """Yield what is called, and what a thread or a process runs as long as it likes.

    A daemon ends with the program, unless that waits for it; so does one whose flag is set before it is waited for.
    """
    calls = [part for part in own if isinstance(part, ast.Call)]
    waits, stops = (min((call.lineno for call in calls if _is_bare(call, name)), default=inf) for name in ("join", "set"))
    is_daemon = any(isinstance(part, ast.Attribute) and part.attr == "daemon" for part in own)
    for call in calls:
        yield call.func
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        is_apart = (dotted(call.func) or "").rpartition(".")[2] in ("Thread", "Process") and "target" in given
        if is_apart and stops >= waits and (waits < inf or not is_daemon and "daemon" not in given):
            yield given["target"]


def _is_bare(call: ast.Call, method: str) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == method and not call.args


def _function(called: ast.expr, module: Module, evaluator: Evaluator) -> FunctionRef | None:
    resolved = names.resolve(module, called)
    if resolved is None and isinstance(called, ast.Attribute):
        owner = evaluator.value(called.value, module)
        cls = owner.cls if isinstance(owner, Instance) else None
        return _method(cls, called.attr) if isinstance(cls, ClassRef) else None
    return resolved if isinstance(resolved, FunctionRef) and not isinstance(resolved.node, ast.Lambda) else None


def _method(cls: ClassRef, name: str) -> FunctionRef | None:
    found = (stmt for stmt in cls.node.body if isinstance(stmt, FUNCTIONS) and stmt.name == name)
    return next((FunctionRef(cls.module, stmt) for stmt in found), None)
