"""What runs a function: a request, a task, the start of the process, a command, a test.

Read from structure: decorators, base classes, and how the function is handed to a framework. New frameworks are rows of
the tables here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from poollint.facts import Location
from poollint.python.evaluator.callers import Reference, asked_for, class_around
from poollint.python.evaluator.values import FunctionRef
from poollint.python.source import names
from poollint.python.source.modules import Module
from poollint.python.source.scopes import dotted, walk

Kind = Literal["request", "task", "startup", "cached", "fixture", "command", "main-guard", "module", "unknown"]


@dataclass(frozen=True, slots=True)
class Context:
    """One way a piece of code comes to run; `says` is for people: "request handler create_order".

    ends_process  its process ends with it, and with the process every connection: RQ forks one per job
    """

    kind: Kind
    says: str
    location: Location
    ends_process: bool = False


# -- decorators, by the last part of their name ------------------------------------------------------------------------

_ROUTES = frozenset("get post put delete patch head options route websocket websocket_route api_route".split())
_REQUEST = frozenset(
    "api_view before_request after_request teardown_request before_app_request view_config view_defaults cloud_event "
    "errorhandler http_cloud_function field query_field mutation subscription resolver tool".split()
)
_TASKS = frozenset(
    "task shared_task periodic_task actor job cron repeat_every db_task db_periodic_task scheduled_job "
    "on_message".split()
)
_TASKS_OF_BROKERS = frozenset(
    {"subscriber", "agent"}
)  # `@broker.subscriber("orders")`; Pyramid's own is a start-up hook
# What Azure Functions runs a function for, beside HTTP.
_TRIGGERS = frozenset(
    "timer_trigger queue_trigger blob_trigger service_bus_queue_trigger service_bus_topic_trigger event_grid_trigger "
    "event_hub_message_trigger cosmos_db_trigger_v3 activity_trigger".split()
)
_STARTUP = frozenset(
    "before_first_request before_serving after_serving before_server_start worker_process_init worker_init "
    "celeryd_init worker_ready on_startup on_shutdown".split()
)
_COMMANDS = frozenset("command group pass_context callback cli_command".split())
_CACHES = frozenset(
    "lru_cache cache cached cached_property singleton memoize threaded_cached_property alru_cache".split()
)
CHATS = frozenset(
    "discord disnake hikari interactions khl mmpy_bot nextcord pyrogram slack_bolt slixmpp telethon twitchio".split()
)  # their commands are what people write, and Dash's callbacks what a browser asks for
# What a messenger's bot runs for every update: `@router.message()`, `@bot.message_handler(...)`, `@bot.on.private_message()`.
_MESSENGERS = frozenset("aiogram telebot pyrogram vkbottle".split())
_UPDATES = frozenset(
    "message edited_message channel_post callback_query inline_query chosen_inline_result shipping_query "
    "pre_checkout_query poll_answer my_chat_member chat_member chat_join_request message_handler "
    "callback_query_handler inline_handler pre_checkout_query_handler on_callback_query private_message".split()
)
_ONE_SHOT_LIBRARIES = frozenset("invoke fabric prefect airflow luigi doit nox dagster click typer".split())

# -- base classes, by the last part of their name ----------------------------------------------------------------------

_REQUEST_BASES = (
    "View",
    "Resource",
    "ViewSet",
    "HTTPEndpoint",
    "WebSocketEndpoint",
    "RequestHandler",
    "Controller",
    "Servicer",
    "BaseHTTPMiddleware",
    "MiddlewareMixin",
    "HTTPMethodView",
)
# Of these a framework makes an instance for every request, and calls these methods of it before the request's own.
_MADE_PER_REQUEST = frozenset(
    "Resource MethodView View APIView GenericAPIView ViewSet GenericViewSet ModelViewSet HTTPEndpoint RequestHandler HTTPMethodView "
    "BaseHTTPRequestHandler SimpleHTTPRequestHandler".split()
)
_OF_FRAMEWORKS = ("flask.", "flask_restful", "flask_restx", "flask_restplus", "rest_framework", "django.", "starlette.", "tornado.", "sanic.", "http.server")
_CONSTRUCTING = frozenset({"__init__", "initialize", "setup"})
_REQUEST_METHODS = _ROUTES | frozenset(
    "dispatch list create retrieve update destroy partial_update process_request process_response on_get "
    "on_post on_put on_delete on_patch prepare".split()
)


def is_batch(module: Module) -> bool:
    """Say whether a file is a program that does its work and ends, though it may make an application for its context.

    A main guard that serves nothing, and nothing outside it that another program could serve or that waits for work.
    """
    guards = [stmt for stmt in module.tree.body if isinstance(stmt, ast.If) and is_main_guard(stmt)]
    if not guards or serves(module.tree) or any(loops(node) for node in module.nodes):
        return False
    outside = (stmt for stmt in module.tree.body if isinstance(stmt, (ast.Assign, ast.AnnAssign)))
    made = (getattr(stmt.value, "func", None) for stmt in outside)
    return not any((dotted(func) or "").rpartition(".")[2] in _MADE_OUTSIDE for func in made if func)


def loops(node: ast.AST) -> bool:
    """Say whether a node is `while True:`, which something in it may still leave."""
    return isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and bool(node.test.value)


# -- functions handed over ---------------------------------------------------------------------------------------------

_REQUEST_TAKERS = frozenset(
    "Depends Security Provide add_route add_api_route add_get add_post add_put add_delete add_patch "
    "add_view add_url_rule Route WebSocketRoute path re_path url add_request_method before_request "
    "add_api_websocket_route register_view as_view".split()
)
_TASK_TAKERS = frozenset(
    "add_job enqueue enqueue_in enqueue_at enqueue_call add_periodic_task submit_job delay apply_async cron".split()
)
_RQ_TAKERS = frozenset({"enqueue", "enqueue_in", "enqueue_at", "enqueue_call"})
_STARTUP_TAKERS = frozenset("add_event_handler add_startup_handler on_event connect add_init_func".split())
_STARTUP_NAMES = frozenset(
    "lifespan on_startup startup cleanup_ctx on_shutdown post_fork post_worker_init when_ready".split()
)
# These run a function for somebody else: what counts is who calls them.
RUNNERS = frozenset(
    "to_thread run_in_executor run_sync run_in_threadpool submit partial gather create_task wait_for".split()
)


def of_function(module: Module, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Context | None:
    """Return what runs a function as far as its own definition tells, else None."""
    for kind, what in _signs(module, function):
        if kind == "command" and serves(function):
            kind, what = "startup", "command that serves"
        says = f"{what}{function.name}" if what.endswith(".") else f"{what} {function.name}"
        forks = kind == "task" and any(_is_forking_job(module, d) for d in function.decorator_list)
        return Context(kind, says, module.location(function), forks)
    return None


def _signs(module: Module, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[Kind, str]]:
    for decorator in function.decorator_list:
        if sign := _of_decorator(module, decorator):
            yield sign
    if cls := class_around(module, function):
        if sign := _of_provider(module, cls, function) or _of_method(cls, function) or _of_constructor(module, cls, function):
            yield sign
    if function.name in ("lambda_handler", "handler") and len(_parameters(function)) == 2:
        yield "request", "function handler"
    parameters = _parameters(function)
    if parameters == ["event", "context"] or (
        function.name == "__call__" and parameters[-3:] == ["scope", "receive", "send"]
    ):
        yield "request", "handler"
    if function.name == "includeme" and len(parameters) == 1:
        yield "startup", "start-up hook"
    if function.name.startswith("test_") and "test" in module.modules.tree.below_base(module.path):
        yield "fixture", "test"
    if constructs_application(module, function) or completes_application(module, function):
        yield "startup", "application factory"


def _of_decorator(module: Module, decorator: ast.expr) -> tuple[Kind, str] | None:
    callee = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = dotted(callee) or ""
    last = name.rpartition(".")[2]
    library = (module.qualified(callee) or name).partition(".")[0]
    if library in ("pytest", "pytest_asyncio") and last == "fixture":
        return "fixture", "fixture"
    if last in _CACHES:
        return "cached", "cached function"
    if last == "on_event" and isinstance(decorator, ast.Call) and decorator.args:
        return "startup", "start-up hook"
    if ".".join(name.split(".")[-2:]).partition(".")[0] in _STARTUP or last in _STARTUP:
        return "startup", "start-up hook"
    if library not in _ONE_SHOT_LIBRARIES and last.endswith(("command", "group")) and _imports(module, CHATS):
        return "task", "chat command"
    if last in _UPDATES and name != last and _imports(module, _MESSENGERS):
        return "task", "handler of updates"
    if last == "callback" and _imports(module, frozenset({"dash"})):
        return "request", "request handler"
    if last in _COMMANDS or library in _ONE_SHOT_LIBRARIES:
        return "command", "command"
    if (
        last in _TASKS
        or name.endswith("activity.defn")
        or (last in _TASKS_OF_BROKERS and name != last and library != "pyramid")
        or (last in _TRIGGERS and name != last)
    ):
        return "task", "task"
    if library == "pyramid" and last == "subscriber":
        return "startup", "start-up hook"
    if (
        last in _REQUEST
        or (last in _ROUTES and _is_route(decorator, name))
        or name.endswith("functions_framework.http")
    ):
        return "request", "request handler"
    if last == "middleware":
        return "request", "middleware"
    if last == "reify" or last == "request_method":
        return "request", "request attribute"
    return None


def _imports(module: Module, libraries: frozenset[str]) -> bool:
    return any(not found.level and found.module.partition(".")[0] in libraries for found in module.imports)


def _is_route(decorator: ast.expr, name: str) -> bool:
    """Tell `@router.get("/orders")` from `@mock.patch("app.db")`: a route has a path."""
    if not isinstance(decorator, ast.Call):
        return False
    first = decorator.args[0] if decorator.args else None
    if isinstance(first, ast.Constant):
        return isinstance(first.value, str) and first.value[:1] in ("/", "")
    if first is None:
        return _keyword(decorator, "route") is not None  # Azure Functions: @app.route(route="orders")
    owner = name.rpartition(".")[0].rpartition(".")[2].lower()
    return first is not None and any(word in owner for word in ("app", "router", "route", "blueprint", "bp", "api"))


def _of_method(cls: ast.ClassDef, function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[Kind, str] | None:
    bases = [(dotted(base) or "").rpartition(".")[2] for base in cls.bases]
    if any(base.endswith("TestCase") for base in bases):
        return "fixture", "test case"
    if any(base.endswith(_REQUEST_BASES) for base in bases) and function.name in _REQUEST_METHODS:
        return "request", f"request handler {cls.name}."
    if any(base.endswith("Servicer") for base in bases) and not function.name.startswith("_"):
        return "request", f"request handler {cls.name}."
    if "BaseCommand" in bases and function.name in ("handle", "add_arguments"):
        return "command", "command"
    if any(base == "Task" for base in bases) and function.name == "run":
        return "task", f"task {cls.name}."
    if "AppConfig" in bases and function.name == "ready":
        return "startup", "start-up hook"
    return None


def _of_constructor(module: Module, cls: ast.ClassDef, function: ast.AST) -> tuple[Kind, str] | None:
    """Return "request" for what runs when a framework makes the object that answers one request."""
    if getattr(function, "name", "") not in _CONSTRUCTING or any(map(_keeps_the_view, cls.body)):
        return None
    for base in cls.bases:
        name = module.qualified(base) or ""
        if name.rpartition(".")[2] in _MADE_PER_REQUEST and name.startswith(_OF_FRAMEWORKS):
            return "request", f"request handler {cls.name}."
    return None


def _keeps_the_view(stmt: ast.stmt) -> bool:
    """Say whether Flask is told to make a view once: `init_every_request = False`."""
    match stmt:
        case ast.Assign(targets=[ast.Name("init_every_request")], value=ast.Constant(value=False)):
            return True
    return False


# Dishka's scopes: these are entered once for the process, the others for each request, action or step.
_KEPT_SCOPES = frozenset({"RUNTIME", "APP"})


def _of_provider(
    module: Module, cls: ast.ClassDef, function: ast.FunctionDef | ast.AsyncFunctionDef
) -> tuple[Kind, str] | None:
    """Read Dishka's `@provide(scope=Scope.REQUEST)`; where it names no scope, the class does: `scope = Scope.APP`."""
    for decorator in function.decorator_list:
        callee = decorator.func if isinstance(decorator, ast.Call) else decorator
        if (module.qualified(callee) or "").partition(".")[0] == "dishka" and (dotted(callee) or "").endswith("provide"):
            own = (stmt for stmt in cls.body if isinstance(stmt, (ast.Assign, ast.AnnAssign)))
            of_class = (stmt.value for stmt in own if _bound_name(stmt) == "scope")
            return _of_scope(_keyword(decorator, "scope") or next(of_class, None))
    return None


def _of_scope(scope: ast.expr | None) -> tuple[Kind, str] | None:
    name = (dotted(scope) or "").rpartition(".")[2] if scope is not None else ""
    if not name:
        return None
    return ("cached", "dependency that is kept") if name in _KEPT_SCOPES else ("request", "request dependency")


def _keyword(call: ast.AST, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in getattr(call, "keywords", ()) if keyword.arg == name), None)


def _bound_name(stmt: ast.Assign | ast.AnnAssign) -> str:
    return dotted(stmt.targets[0] if isinstance(stmt, ast.Assign) else stmt.target) or ""


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]


APPLICATIONS = frozenset(
    "FastAPI Flask Starlette Litestar Sanic Quart Configurator FastMCP Dash Robyn BlackSheep Bottle Falcon "
    "APIFlask OpenAPI FlaskApp AsyncApp FunctionApp Celery".split()
)


# What a module-level name that a server can serve is made by.
FACTORIES = frozenset({"create_app", "make_app", "get_app", "build_app", "create_application"})
_MADE_OUTSIDE = APPLICATIONS | FACTORIES


def constructs_application(module: Module, function: ast.AST) -> bool:
    """Say whether a function makes the web application: `create_app()` runs once per process."""
    made = (name for name in module.called if name in APPLICATIONS or name.endswith("Flask"))
    return any(function in module.ancestors(call) for name in made for call in module.calls_of(name))


def completes_application(module: Module, function: ast.AST) -> bool:
    """Say whether a function returns the application that another one makes: `app = make_app(); ...; return app`."""
    inside = list(walk(function))
    returned = [node.value for node in inside if isinstance(node, ast.Return) and node.value is not None]
    called = {node.id for node in returned if isinstance(node, ast.Name)}
    for node in inside:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id in called for t in node.targets):
            returned.append(node.value)
    makers = (names.resolve(module, node.func) for node in returned if isinstance(node, ast.Call))
    return any(isinstance(maker, FunctionRef) and constructs_application(maker.module, maker.node) for maker in makers)


# Calls that serve or wait until the process ends: a command that comes to one of them is a service.
_SERVING = frozenset(
    "serve_forever run_simple run_app run_forever run_polling start_polling infinity_polling "
    "start_consuming serve run_server start_server worker_main wait_for_termination run_until_disconnected".split()
)
_SERVERS_BY_OWNER = frozenset(
    "app application server uvicorn web hypercorn granian socketio mcp bot dp client worker".split()
)


def serves(function: ast.AST) -> bool:
    """Say whether a function starts something that runs until the process ends: `app.run()`, `uvicorn.run(...)`."""
    return any(isinstance(node, ast.Call) and is_serving(node) for node in ast.walk(function))


def is_serving(call: ast.Call) -> bool:
    """Say whether a call serves or waits until the process ends."""
    callee, made = call.func, getattr(call.func, "value", None)
    last = callee.attr if isinstance(callee, ast.Attribute) else getattr(callee, "id", "")
    owner = (dotted(made.func if isinstance(made, ast.Call) else made) or "") if made else ""
    owner = owner.rpartition(".")[2].lower()
    if last == "start" and owner.endswith("bot"):
        return True  # await bot.start(token)
    return last in _SERVING or (
        last == "run" and (owner in _SERVERS_BY_OWNER or owner.endswith(("server", "worker", "bot")))
    )


# -- functions handed over ---------------------------------------------------------------------------------------------


def of_reference(reference: Reference) -> Context | None:
    """Return what will run a function that is handed over here, None when this only passes it on or calls it."""
    if reference.call is not None:
        return None
    if asked_for(reference):
        return _handed("request", "request dependency", reference)
    module, child = reference.module, reference.node
    for parent in module.ancestors(child):
        if isinstance(parent, ast.Call):
            if child is parent.func and isinstance(child, ast.Attribute) and child.attr in _TASK_TAKERS:
                return _handed("task", "task", reference)
            if child is not parent.func and (found := _of_taker(parent, child, reference)):
                return found
        elif isinstance(parent, ast.keyword) and parent.arg in _STARTUP_NAMES:
            return _handed("startup", "start-up hook", reference)
        elif isinstance(parent, (ast.Assign, ast.AnnAssign)):
            return _of_assignment(parent, reference)
        elif isinstance(parent, ast.stmt):
            return None
        child = parent
    return None


def _of_taker(call: ast.Call, child: ast.AST, reference: Reference) -> Context | None:
    # What stands before the dot may be a call: `create_queue("mail").enqueue(send)`.
    last = call.func.attr if isinstance(call.func, ast.Attribute) else dotted(call.func) or ""
    owner = (dotted(call.func.value) or "").rpartition(".")[2] if isinstance(call.func, ast.Attribute) else ""
    if last == "Provide" and any(keyword.arg == "use_cache" and _is_true(keyword.value) for keyword in call.keywords):
        return _handed("cached", "dependency that is kept", reference)  # Litestar asks for it once
    if last == "provide" and (sign := _of_scope(_keyword(call, "scope"))):
        return _handed(*sign, reference)
    if last in _REQUEST_TAKERS:
        return _handed(
            "request",
            "request dependency" if last in ("Depends", "Security", "Provide") else "request handler",
            reference,
        )
    if last == "LocalProxy" and reference.module.qualified(call.func) in _PROXIES:
        return _handed("request", "request-local proxy", reference)  # who keeps it for longer says so
    if last in _STARTUP_TAKERS or owner in _STARTUP_NAMES:
        return _handed("startup", "start-up hook", reference)
    if last in _TASK_TAKERS:
        forks = last in _RQ_TAKERS and _has_rq(reference.module)
        return replace(_handed("task", "task", reference), ends_process=forks)
    if last in ("append", "extend") and owner in _STARTUP_NAMES:
        return _handed("startup", "start-up hook", reference)
    return None


# Asked for what it stands for at every use: https://werkzeug.palletsprojects.com/en/stable/local/#werkzeug.local.LocalProxy
_PROXIES = frozenset({"werkzeug.local.LocalProxy", "werkzeug.LocalProxy"})


def _is_true(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


def _of_assignment(parent: ast.Assign | ast.AnnAssign, reference: Reference) -> Context | None:
    """Read arq's `class WorkerSettings: functions = [send_mail]; on_startup = startup`."""
    target = parent.targets[0] if isinstance(parent, ast.Assign) else parent.target
    name = (dotted(target) or "").rpartition(".")[2]
    if name in _STARTUP_NAMES:
        return _handed("startup", "start-up hook", reference)
    cls = class_around(reference.module, parent)
    if cls and name in ("functions", "cron_jobs"):
        return _handed("task", "task", reference)
    return None


def _handed(kind: Kind, what: str, reference: Reference) -> Context:
    name = (dotted(reference.node) or "").rpartition(".")[2]
    return Context(kind, f"{what} {name}".strip(), reference.location)


# -- RQ, whose worker forks a process for each job ---------------------------------------------------------------------

_RQ = frozenset({"rq", "django_rq", "flask_rq", "flask_rq2"})
_IMPORTS_RQ = re.compile(rb"^[ \t]*(?:from|import)[ \t]+(?:%s)\b" % "|".join(sorted(_RQ)).encode(), re.M)


def _is_forking_job(module: Module, decorator: ast.expr) -> bool:
    callee = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (module.qualified(callee) or "").partition(".")[0] in _RQ and _has_rq(module)


def _has_rq(module: Module) -> bool:
    """Say whether the project's queue is RQ with workers that fork: SimpleWorker runs its jobs in its own process."""
    modules = module.modules
    if next(modules.containing(b"SimpleWorker"), None):
        return False
    return any(_IMPORTS_RQ.search(modules.tree.bytes(path) or b"") for path in modules.containing(b"rq"))


# -- code outside functions --------------------------------------------------------------------------------------------


def in_main_guard(module: Module, node: ast.AST) -> bool:
    """Say whether code runs only when its file is the program: below `if __name__ == "__main__"`, or in `__main__.py`."""
    return _is_main(module) or is_of_main_guard(module, node)


def is_of_main_guard(module: Module, node: ast.AST) -> bool:
    """Say whether code stands below `if __name__ == "__main__"`: a function that is defined there is the program's alone."""
    return any(isinstance(parent, ast.If) and is_main_guard(parent) for parent in module.ancestors(node))


def _is_main(module: Module) -> bool:
    return module.path.rpartition("/")[2] == "__main__.py"


def is_main_guard(statement: ast.If) -> bool:
    test = statement.test
    return (
        isinstance(test, ast.Compare)
        and any(isinstance(side, ast.Name) and side.id == "__name__" for side in (test.left, *test.comparators))
        and any(isinstance(side, ast.Constant) and side.value == "__main__" for side in (test.left, *test.comparators))
    )


def has_main_guard(module: Module) -> bool:
    return _is_main(module) or any(isinstance(stmt, ast.If) and is_main_guard(stmt) for stmt in module.tree.body)


def does_things(module: Module) -> bool:
    """Say whether importing the file does more than define: it loops, opens something or calls for the effect."""
    for stmt in module.tree.body:
        if isinstance(stmt, (ast.For, ast.While, ast.With, ast.AsyncFor, ast.AsyncWith)):
            return True
        if isinstance(stmt, ast.Expr) and isinstance(stmt.value, (ast.Call, ast.Await)):
            if (dotted(getattr(stmt.value, "func", stmt)) or "").rpartition(".")[2] not in _HARMLESS:
                return True
    return False


_HARMLESS = frozenset(
    "load_dotenv basicConfig setLevel filterwarnings simplefilter register listen install append insert".split()
)
