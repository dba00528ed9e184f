"""What a place is, which role the code around it plays, and whether it makes engines again and again.

Roles come from what runs the creation and from what loads its file; the words of paths count only where structure says
nothing, and only below the PATHs given.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from poollint.facts import Known, Origin, Place, Role, Setting, Unknown
from poollint.python.evaluator.callers import class_around, function_around, reference_at
from poollint.python.evaluator.objects import method_of
from poollint.python.evaluator.values import ClassRef
from poollint.python.sites import Site
from poollint.python.source.graph import ImportGraph
from poollint.python.source.modules import MIGRATION_FOLDERS, PIPELINES, Module, Modules
from poollint.python.source.names import resolve
from poollint.python.source.scopes import FUNCTIONS, dotted
from poollint.python.usage import contexts
from poollint.python.usage.connectors import Connectors
from poollint.python.usage.contexts import Context, Kind
from poollint.python.usage.escapes import outlives
from poollint.python.usage.keeping import kept
from poollint.python.usage.lifecycle import Lifecycle, Run, disposed_in_passing, is_plain
from poollint.python.usage.programs import keeps_running
from poollint.python.usage.users import CONFIGURES, Mention, Users

_PLACES: dict[Kind, Place] = {
    "request": "request-handler",
    "task": "task",
    "startup": "lifespan",
    "cached": "cached-function",
    "fixture": "fixture",
    "main-guard": "main-guard",
}

# Words of folders and file names, below the PATHs given.
_TEST_WORDS = frozenset(
    "test tests testing e2e integration_tests integration-tests unit_tests acceptance_tests acceptance-tests "
    "functional_tests functional-tests fixtures loadtests".split()
)
_SAMPLE_WORDS = frozenset(
    "example examples sample samples demo demos doc docs docs_src tutorial tutorials snippets cookbook".split()
)
_PUT_ASIDE_WORDS = frozenset("archive archived archives attic backup backups bak deprecated obsolete old".split())
_SCRIPT_WORDS = frozenset("script scripts bin tool tools commands cli hack benchmark benchmarks".split())

# Calls that make a process which serves requests, and calls that make one which waits for work.
_SERVERS = contexts.APPLICATIONS - {"Celery"} | frozenset(
    "get_wsgi_application get_asgi_application Application make_wsgi_app ApplicationBuilder create_connexion_app "
    "set_page_config serve_forever".split()
)
_WORKERS = frozenset(
    "Celery run_polling start_polling infinity_polling start_consuming BlockingScheduler KafkaConsumer "
    "AIOKafkaConsumer SimpleWorker ListQueueBroker RabbitmqBroker RedisBroker AioPikaBroker Huey RedisHuey "
    "TaskiqScheduler run_forever".split()
)
_SHORT_LIVED = ("script", "migration", "test", "sample")
_ASIDE: tuple[Role, Role] = ("sample", "test")
_APPLICATION_NAMES = frozenset({"app", "application", "wsgi", "asgi", "api", "server"})
_COMMANDS = frozenset("Typer ArgumentParser command group AppGroup Manager".split())
_URLS = "urlpatterns"  # by this name Django finds what a project serves
_VIEWS = "add_url_rule"  # what Flask's applications are told to serve, whatever their class is called
# Names that mean a server only where one of these libraries has them; the second kind is too common to look for.
_ONLY_OF = {"Application": ("tornado", "aiohttp", "django", "pyramid", "connexion", "streamlit", "telegram", "grpc")}
_COMMON = {"App": ("falcon", "connexion"), "API": ("falcon",), "quickstart": ("cherrypy",), "mount": ("cherrypy",)}
_CHATS = tuple(sorted(contexts.CHATS))
_BOTS = {"Bot": _CHATS, "AutoShardedBot": _CHATS, "Client": _CHATS, "Cog": _CHATS, "GroupCog": _CHATS}
_LIBRARIES = tuple(name.encode() for name in sorted({*_CHATS, *(name for names in _COMMON.values() for name in names)}))
_PROGRAM_NEEDLES = (*(name.encode() for name in (*_SERVERS, *_WORKERS, "WorkerSettings", _URLS, _VIEWS)), *_LIBRARIES)
_MAKING_NEEDLES = (*(f"{name}(".encode() for name in _SERVERS | _WORKERS), _URLS.encode(), *_LIBRARIES)
_PIPELINE_NEEDLES = tuple(name.encode() for name in sorted(PIPELINES))
_FACTORY_NEEDLES = tuple(f"{name}(".encode() for name in sorted(contexts.FACTORIES))
_COMMAND_NEEDLES = tuple(name.encode() for name in (*_COMMANDS, "__main__"))

MOST_FOLLOWED = 30  # functions that use one of several engines of a file; what is used in more is everybody's

# Packaging file → what makes it one; and what only somebody writes who publishes.
_DISTRIBUTION = {"pyproject.toml": b"[build-system]", "setup.py": b"setup(", "setup.cfg": b"[metadata]"}
_CLASSIFIED = dict.fromkeys(_DISTRIBUTION, b"Development Status ::")
_DEPLOYS = re.compile(
    r"(^|/)(([\w.-]+\.)?Dockerfile[^/]*|Containerfile|(docker-)?compose[^/]*\.ya?ml|Procfile|fly\.toml|render\.yaml"
    r"|app\.yaml|Chart\.yaml|kustomization\.ya?ml|serverless\.ya?ml|[^/]+\.tf|[^/]+\.service)$"
)
_DECORATED = re.compile(rb"^[ \t]*@", re.M)


class Roles:
    """Answers for the sites of one project."""

    def __init__(self, modules: Modules, graph: ImportGraph, sites: Sequence[Site] = ()) -> None:
        self.modules = modules
        self.graph = graph
        self.sites = sites
        self.callers = modules.callers
        self.lifecycle = Lifecycle(self.callers, self.is_aside, self._is_of_program)
        self._users = Users(self.callers, self.is_aside)
        self._connectors = Connectors(sites, self.callers, self.is_aside)
        self._mentions: dict[ast.AST, tuple[Mention, ...] | None] = {}
        self._loaded: dict[str, Role | None] = {}
        self._programs: dict[str, Role | None] = {}
        self._kept_running: dict[str, str] = {}
        self._of_its_own: dict[str, bool] = {}
        self._tasks: dict[str, bool] = {}
        self._spoken_of: dict[str, bool] = {}

    # -- place

    def place(self, site: Site) -> tuple[Place, str]:
        """Return what the creation stands in, and why."""
        module, call = site.module, site.call
        function = function_around(module, call)
        if function is None:
            if contexts.in_main_guard(module, call):
                return "main-guard", "below the main guard"
            return ("class", "in a class body") if class_around(module, call) else ("module", "at module level")
        if kept(module, call, function) == "process":
            return "cached-function", f"{function.name} makes it once and keeps it"
        around = [function, *(f for f in module.enclosing_functions(function) if isinstance(f, FUNCTIONS))]
        for outer in around:
            if (context := contexts.of_function(module, outer)) and context.kind in _PLACES:
                return _PLACES[context.kind], context.says
        for reference in self.callers.of(module, function, self.is_aside):
            if (context := contexts.of_reference(reference)) and context.kind in _PLACES:
                return _PLACES[context.kind], context.says
        if cls := class_around(module, function):
            return "class", f"in a method of {cls.name}"
        return "function", f"in the function {function.name}"

    # -- how often

    def per_call(self, site: Site) -> Setting:
        """Return Known(True) with evidence when a request or task makes an engine and nobody keeps or disposes it."""
        runs = self.lifecycle.runs(site)
        repeated = [run for run in runs if run.context.kind in ("request", "task") and not run.context.ends_process]
        leaking = [run for run in repeated if not run.is_disposed]
        if any(run.is_result and run.context.kind == "task" for run in leaking):
            return Unknown("a task hands the engine to what asked for it", Origin("", leaking[0].through))
        certain = [run for run in leaking if not run.is_conditional and not self.is_aside(run.path)]
        if certain:
            run = certain[0]
            return Known(True, Origin(f"runs in the {run.context.says}", run.through))
        if leaking:
            return Unknown("a parameter or a setting decides whether an engine is made", Origin("", leaking[0].through))
        says = "disposed by its user" if repeated else "made once, or by nothing that runs per request or task"
        return Known(False, Origin(says, site.location))

    def lasts(self, site: Site) -> Setting:
        """Return Known(False) when no engine made here outlives its call: it never leaves it, or each request makes one."""
        function = function_around(site.module, site.call)
        if function is not None and not outlives(site.module, site.call, function):
            return Known(False, Origin(f"{function.name} keeps it to itself", site.location))
        if function is None and disposed_in_passing(site.module, site.call):
            return Known(False, Origin("disposed before the file goes on", site.location))
        runs = [run for run in self.lifecycle.runs(site) if not self.is_aside(run.path)]
        passing = [run for run in runs if run.context.kind in ("request", "task")]
        # Beside these, a function that nothing calls makes no engine, and a script's ends with it.
        staying = [run for run in runs if run not in passing and run.context.kind != "unknown"]
        if (
            passing
            and all(self._of_run(run) in _SHORT_LIVED for run in staying)
            and kept(site.module, site.call, function) != "process"
        ):
            return Known(False, Origin(f"runs only in the {passing[0].context.says}", passing[0].through))
        return Known(True, Origin("kept by the process", site.location))

    # -- role

    def role(self, site: Site) -> tuple[Role, str]:
        """Return the role of a creation, and why."""
        if found := self.by_file(site.module) or _by_name(site):
            return found
        if self.is_for_others(site):
            return "library", "a published package that nothing here deploys; its users give the parameters"
        if self._connectors.holds(site):
            return "library", "one of several kinds of connectors, whose users name the databases"
        if self._is_for_tests(site):
            return "test", "nothing but tests makes it"
        if self._is_for_nobody(site):
            return "script", "nothing in the project makes it"
        if self._mentions_of(site) == ():
            if self._is_library(site):
                return "library", "its users are outside the project"
            if used := self._used_instead(site):
                return "script", f"nothing in the project uses it, but the engine of {used.module.path}"
        runs = self._runs_of_users(site)
        if not any(self._of_run(run) for run in runs):
            runs = self.lifecycle.runs(site)
        roles = [(self._of_run(run), run) for run in sorted(runs, key=lambda run: run.context.kind == "unknown")]
        found_roles = {role: run for role, run in reversed(roles) if role is not None}
        for role in ("service", "worker"):
            if role in found_roles:
                return role, found_roles[role].context.says
        if any(run.context.kind == "unknown" for run in runs) and self._is_library(site):
            return "library", "its users are outside the project"
        if "migration" in found_roles and found_roles.keys() <= {"migration", *_ASIDE} and self._is_library(site):
            return "library", "only its migrations use it here"
        for role in ("script", "migration"):
            if role in found_roles:
                return role, found_roles[role].context.says
        if found_roles and any(role is None for role, _ in roles):
            return "library", "only tests and samples use it here"
        for role in _ASIDE:
            if role in found_roles:
                return role, found_roles[role].context.says
        if self.is_program_of_its_own(site.module):
            return self._of_program(site.module.path), "only a program of its own"
        if used := self._of_users_alone(site):
            return used, "only programs of their own use it"
        if self._is_put_aside(site.module.path):
            return "sample", f"{site.module.path} is put aside, and no program loads it"
        return "service", "nothing says otherwise"

    def _is_put_aside(self, path: str) -> bool:
        """Say whether a folder is named for what is out of use, and no program of the project loads the file all the same."""
        words = {word for name in self._words(path) for word in re.split(r"[\W_]+", name)}
        return bool(words & _PUT_ASIDE_WORDS) and self._loaded_role(path) is None

    def _of_users_alone(self, site: Site) -> Role | None:
        """Return the role of the files that use an engine, where each is a program of its own."""
        paths = {run.path for run in self._runs_of_users(site)}
        modules = [self.modules.module(path) for path in paths]
        if not paths or not all(module is not None and self.is_program_of_its_own(module) for module in modules):
            return None
        roles = set(map(self._of_program, paths))
        return next(role for role in ("service", "worker", "script") if role in roles)  # type: ignore[return-value]

    def _used_instead(self, site: Site) -> Site | None:
        """Return another engine of the project that a service or worker does use; a project of one engine may be a part."""
        others = (other for other in self.sites if other.call is not site.call and self.by_file(other.module) is None)
        return next(filter(self._is_used, others), None)

    def _is_used(self, site: Site) -> bool:
        """Say whether a service or worker uses an engine; of Flask's extension, whether anything names it or a model of it."""
        is_named = site.factory == "flask-sqlalchemy" and bool(self._users.of(site))
        return is_named or any(map(self._is_of_program, self._runs_of_users(site)))

    def _is_for_tests(self, site: Site) -> bool:
        """Say whether a program makes an engine only in its tests: `class TestDB` beside what the program uses."""
        runs = self.lifecycle.runs(site)
        left = [run for run in runs if run.context.kind != "fixture"]
        return (
            len(left) < len(runs)
            and all(run.unused and self._of_run(run) and not self._is_named(run.unused, run.path) for run in left)
            and not self._is_library(site)
        )

    def _is_for_nobody(self, site: Site) -> bool:
        """Say whether an application never makes an engine: no code, text or configuration has the name that leads to it."""
        runs = self.lifecycle.runs(site)
        return all(run.uncalled for run in runs) and not (
            self._is_library(site) or any(self._is_spoken_of(run.uncalled) for run in runs)
        )

    def _is_spoken_of(self, name: str) -> bool:
        """Say whether a program or its configuration has a name; who only imports it or gives it on does not use it."""
        if name not in self._spoken_of:
            self._spoken_of[name] = self._search_speakers(name)
        return self._spoken_of[name]

    def _search_speakers(self, name: str) -> bool:
        tree, needle = self.modules.tree, name.encode()
        if any(needle in (tree.bytes(path) or b"") for path in tree.files if path.endswith(CONFIGURES)):
            return True
        word = re.compile(rf"\b{re.escape(name)}\b")
        paths = (path for path in self.modules.containing(needle) if not self.is_aside(path))
        modules = (module for path in paths if (module := self.modules.module(path)))
        return any(_speaks_of(module, node, name, word) for module in modules for node in module.near(name))

    def _is_named(self, name: str, path: str) -> bool:
        """Say whether a word stands anywhere outside tests but where `path` defines it: a registry may call it by its name."""
        word = re.compile(rb"\b%s\b" % re.escape(name.encode()))
        for other in self.modules.containing(name.encode()):
            mentions = len(word.findall(self.modules.tree.bytes(other) or b""))
            if mentions > (other == path) and not self.is_aside(other):
                return True
        return False

    def used_in(self, site: Site) -> tuple[str, ...]:
        """Return the files that use the engine, where that can be told; else none."""
        mentions = self._mentions_of(site) or ()
        return tuple(sorted({site.module.path if each.is_sent else each.module.path for each in mentions}))

    def _mentions_of(self, site: Site) -> tuple[Mention, ...] | None:
        """Return what uses the engine, None where nobody can tell: whoever loads the file of Flask's extension may."""
        if site.call not in self._mentions:
            found = self._users.of(site)
            if site.factory == "flask-sqlalchemy" and (found or self._is_loaded(site.module)):
                found = None
            self._mentions[site.call] = found and tuple(filter(self._is_live, found))
        return self._mentions[site.call]

    def _is_loaded(self, module: Module) -> bool:
        return any(not self.is_aside(path) for path in self.graph.importers.get(module.path, ()))

    def _is_live(self, mention: Mention) -> bool:
        """Say whether anything may come to a use: a function whose name stands nowhere uses no engine."""
        module = mention.module
        functions = [f for f in module.enclosing_functions(mention.node) if isinstance(f, FUNCTIONS)]
        if not functions or contexts.is_of_main_guard(module, functions[-1]) or contexts.of_function(module, functions[-1]):
            return True
        cls = class_around(module, functions[-1]) if functions[-1].name.startswith("__") else None
        return not is_plain(module, cls or functions[-1]) or self._is_spoken_of((cls or functions[-1]).name)

    def _runs_of_users(self, site: Site) -> tuple[Run, ...]:
        """Return the ways that code comes to use one of several engines of a file: each has the role of its own users.

        Hundreds may use it; the first service decides, because no other role comes before it.
        """
        runs: list[Run] = []
        followed: set[ast.AST] = set()  # what runs a function runs every use in it
        for mention in self._mentions_of(site) or ():
            module, node = mention.module, mention.node
            around = function_around(module, node) or module.tree
            further: tuple[Run, ...] = ()
            if mention.is_sent:
                further = (Run(Context("task", "task that is sent", module.location(node)), module.path, module.location(node)),)
            elif isinstance(node, ast.expr) and (context := contexts.of_reference(reference_at(module, node))):
                further = (Run(context, module.path, context.location),)
            elif around not in followed or around is module.tree:
                followed.add(around)
                further = self.lifecycle.runs_of(module, node)
            runs += further
            if any(self._of_run(run) == "service" and run.context.kind != "unknown" for run in further):
                break
            if len(followed) > MOST_FOLLOWED:
                return tuple(runs) if any(self._of_run(run) == "service" for run in runs) else ()
        return tuple(runs)

    def by_file(self, module: Module) -> tuple[Role, str] | None:
        """Return what the file itself is, whoever uses it: a test, a migration, a sample."""
        words = self._words(module.path)
        name = posixpath.basename(module.path)
        if words & _TEST_WORDS or name == "conftest.py" or name.startswith("test_") or name.endswith("_test.py"):
            return "test", f"{module.path} is a test"
        if any(found.is_of_tests for found in module.imports):
            return "test", f"{module.path} imports a test library"
        if any(found.is_of_migrations for found in module.imports):
            return "migration", f"{module.path} is run by Alembic"
        if words & _SAMPLE_WORDS:
            return "sample", f"{module.path} is a sample"
        if words & MIGRATION_FOLDERS:
            return "migration", f"{module.path} is a migration"
        return None

    def _of_run(self, run: Run) -> Role | None:
        """Return the role of what runs a creation."""
        module = self.modules.module(run.path)
        if module and (found := self.by_file(module)):
            return found[0]
        match run.context.kind:
            case "fixture":
                return "test"
            case "command":
                return "script"
            case "main-guard":
                return self._of_program(run.path)
            case "task":
                return "worker"
            case "request":
                return "service"
        if module and self._is_tasks(module):
            return "worker"
        if module and self._words(run.path) & _SCRIPT_WORDS and not self._loaded_role(run.path):
            return "service" if self._is_told_to_serve(run) else "script"
        loaded = self._loaded_role(run.path)
        return loaded or ("service" if run.context.kind == "startup" else None)

    def _is_told_to_serve(self, run: Run) -> bool:
        """Say whether a configuration names the application that a factory makes: `FLASK_APP: scripts.run:prepare`."""
        if run.context.kind != "startup" or not run.context.says.startswith("application factory "):
            return False
        stem = posixpath.basename(run.path).removesuffix(".py")
        entry = f"{stem}:{run.context.says.rpartition(' ')[2]}".encode()
        return any(entry in (self.modules.tree.bytes(path) or b"") for path in self.modules.tree.files if path.endswith(CONFIGURES))

    def _is_of_program(self, run: Run) -> bool:
        """Say whether a service or worker runs a creation, as far as no program has to be looked into: no role comes before."""
        return run.context.kind not in ("unknown", "main-guard") and self._of_run(run) in ("service", "worker")

    def _of_program(self, path: str) -> Role:
        """Return the role of what a file does when it is the program."""
        module = self.modules.module(path)
        if module is None or self._program_of(path) == "service":
            return "service" if module else "script"
        if path not in self._kept_running:
            self._kept_running[path] = keeps_running(module, self.callers.evaluator)
        return {"serves": "service", "loops": "worker", "": "script"}[self._kept_running[path]]  # type: ignore[return-value]

    def _is_tasks(self, module: Module) -> bool:
        """Say whether a file holds tasks and nothing that serves: its importers send tasks, they do not run them."""
        if module.path not in self._tasks:
            self._tasks[module.path] = self._holds_tasks(module)
        return self._tasks[module.path]

    def _holds_tasks(self, module: Module) -> bool:
        if not _DECORATED.search(self.modules.tree.bytes(module.path) or b"") or self._serves(module):
            return False
        functions = (node for node in module.nodes if isinstance(node, FUNCTIONS))
        kinds = {found.kind for function in functions if (found := contexts.of_function(module, function))}
        return "task" in kinds and "request" not in kinds

    def _loaded_role(self, path: str) -> Role | None:
        """Return the role of the programs that load a file, None when no program of the project does."""
        if path not in self._loaded:
            self._loaded[path] = self._read_loaders(path)
        return self._loaded[path]

    def _read_loaders(self, path: str) -> Role | None:
        if self._loaded_by_commands(path):
            return "script"
        roles: set[Role] = set()
        commands: list[str] = []
        for other in sorted(self.graph.reached_by(path)):
            if self.is_aside(other):
                continue
            role = self._program_of(other)
            # `application = NotifyApp()`, with the class in a file beside it: look at what a loader imports, too.
            beside = self._beside(other) if role is None and self._may_assemble(other) else ()
            if role or any(self._program_of(near) == "service" for near in beside if not self.is_aside(near)):
                roles.add(role or "service")
            elif self._is_of_pipelines(other):
                roles.add("script")
            elif other != path and self._is_command(other):
                commands.append(other)
        if not roles:  # what a command does is found out only where it decides
            roles.update(map(self._of_program, commands))
        return next((role for role in ("service", "worker", "script") if role in roles), None)  # type: ignore[return-value]

    def _beside(self, path: str) -> Iterator[str]:
        """Yield the files that a file imports, and those from which packages give on the names it takes from them."""
        yield from self.graph.imports(path)
        module = self.modules.module(path)
        for found in module.imports if module is not None else ():
            named = self.modules.imported(module, found) or ""
            package = self.modules.module(named) if posixpath.basename(named) == "__init__.py" else None
            for given in package.imports if package is not None else ():
                is_taken = given.alias == found.name if found.name else f"{found.alias}.{given.alias}" in module.text
                if is_taken and (source := self.modules.imported(package, given)):
                    yield source

    def _program_of(self, path: str) -> Role | None:
        """Return what a file makes: a server, a worker, or neither."""
        if path not in self._programs:
            self._programs[path] = None
            module = self._mentioning(path, _PROGRAM_NEEDLES)
            if module and (self._serves(module) or _registers_views(module)) and not self._is_batch(module):
                self._programs[path] = "service"
            elif module and (self._works(module) or "WorkerSettings" in module.scope.binds):
                self._programs[path] = "worker"
            elif self._is_entry(path):
                self._programs[path] = "service"
        return self._programs[path]

    def _is_entry(self, path: str) -> bool:
        """Say whether a file is what a server loads: nobody imports it, and all it does is `app = create_app()`."""
        module = self._mentioning(path, _FACTORY_NEEDLES)
        if module is None or any(not self.is_aside(each) for each in self.graph.importers.get(path, ())):
            return False
        bound = (stmt for stmt in module.tree.body if isinstance(stmt, ast.Assign) and isinstance(stmt.value, ast.Call))
        applications = (stmt.value for stmt in bound if dotted(stmt.targets[0]) in _APPLICATION_NAMES)
        made = any((dotted(call.func) or "").rpartition(".")[2] in contexts.FACTORIES for call in applications)  # type: ignore[attr-defined]
        return made and not contexts.does_things(module) and not self._words(path) & _SCRIPT_WORDS

    def _is_batch(self, module: Module) -> bool:
        importers = self.graph.importers.get(module.path, ())
        return all(self.is_aside(other) for other in importers) and contexts.is_batch(module)

    def _may_assemble(self, path: str) -> bool:
        """Say whether a file may put an application together: it is imported, or it binds one (`application = ...`)."""
        if self.graph.importers.get(path):
            return True
        module = self.modules.module(path)
        return module is not None and _binds_an_application(module) and not self._is_batch(module)

    def _is_command(self, path: str) -> bool:
        module = self._mentioning(path, _COMMAND_NEEDLES)
        return module is not None and (contexts.has_main_guard(module) or self._makes(module, _COMMANDS))

    def _is_of_pipelines(self, path: str) -> bool:
        """Say whether a file is part of what Airflow, Dagster, Luigi or Prefect runs: each run is a process that ends."""
        module = self._mentioning(path, _PIPELINE_NEEDLES)
        return module is not None and any(
            found.is_of_pipelines and not self.modules.imported(module, found) for found in module.imports
        )

    def _mentioning(self, path: str, needles: Iterable[bytes]) -> Module | None:
        content = self.modules.tree.bytes(path) or b""
        return self.modules.module(path) if any(needle in content for needle in needles) else None

    def _loaded_by_commands(self, path: str) -> bool:
        """Say whether every import of a file stands in a command: `def cleanup(): from app import cleanup`."""
        importers = [other for other in self.graph.importers.get(path, ()) if not self.is_aside(other)]
        modules = [module for other in importers if (module := self.modules.module(other))]
        return (
            bool(importers) and len(modules) == len(importers) and all(_imports_in_commands(m, path) for m in modules)
        )

    def _serves(self, module: Module) -> bool:
        """Say whether a file makes what answers requests."""
        return self._makes(module, _SERVERS) or _makes_of(module, _COMMON) or _URLS in module.scope.binds

    def _works(self, module: Module) -> bool:
        """Say whether a file makes what waits for work: tasks, messages, or people who talk to it."""
        return self._makes(module, _WORKERS) or _makes_of(module, _BOTS)

    def _makes(self, module: Module, names: Iterable[str]) -> bool:
        """Say whether a file constructs one of these things, or a subclass of one that it defines."""
        names = frozenset(names)
        # A library's or company's own kind of Flask is one: `CustomFlask(__name__)`.
        if "Flask" in names and any(name.endswith("Flask") for name in module.called):
            return True
        for name in names:
            for call in module.calls_of(name):
                if (module.qualified(call.func) or "").startswith(_ONLY_OF.get(name, "")):
                    return True
        classes = (stmt for stmt in module.tree.body if isinstance(stmt, ast.ClassDef))
        return any((dotted(base) or "").rpartition(".")[2] in names for cls in classes for base in cls.bases)

    def is_aside(self, path: str) -> bool:
        """Say whether a file is a test or a sample by its path."""
        name = posixpath.basename(path)
        return (
            bool(self._words(path) & (_TEST_WORDS | _SAMPLE_WORDS)) or name.startswith("test_") or name == "conftest.py"
        )

    def _words(self, path: str) -> set[str]:
        """Return the folder names, and the file's own name, below the PATHs given."""
        parts = self.modules.tree.below_base(path).lower().split("/")
        return {*parts[:-1], parts[-1].rpartition(".")[0]}

    def is_program_of_its_own(self, module: Module) -> bool:
        """Say whether nothing but the file itself runs it, and running it does something."""
        if module.path not in self._of_its_own:
            self._of_its_own[module.path] = self._runs_alone(module)
        return self._of_its_own[module.path]

    def _runs_alone(self, module: Module) -> bool:
        if any(not self.is_aside(path) for path in self.graph.importers.get(module.path, ())):
            return False
        if self._words(module.path) & _SCRIPT_WORDS:
            return True
        does_work = contexts.has_main_guard(module) or contexts.does_things(module)
        is_application = self._serves(module) or self._works(module) or _binds_an_application(module)
        return does_work and not is_application and not _is_called_for_work(module)

    def _is_library(self, site: Site) -> bool:
        """Say whether the project is made for other projects: a named distribution without a program of its own."""
        function = function_around(site.module, site.call)
        return (
            function is not None
            and self._is_distribution(site.module.path)
            and not self._has_programs(site.module.path)
        )

    def is_for_others(self, site: Site) -> bool:
        """Say whether a package that is sold by its classifiers makes the engine from what its user passes.

        It may hold servers and workers: they run in its user's processes, so only a deployment of its own tells.
        """
        function = function_around(site.module, site.call)
        if function is None or not self._takes_parameters(site.module, function):
            return False
        sold = self._distribution(site.module.path, _CLASSIFIED)
        # What names no build system is built by nobody, whatever its classifiers say.
        return sold is not None and sold == self._distribution(site.module.path, _DISTRIBUTION) and not self._is_deployed

    def _takes_parameters(self, module: Module, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        """Say whether a function, or the constructor of the class it is a method of, is given something."""
        makers = [function]
        if cls := class_around(module, function):
            constructor = method_of(self.callers.evaluator.world(), ClassRef(module, cls), "__init__")
            makers += [constructor.node] if constructor else []
        given = [arg.arg for made in makers for arg in (*made.args.posonlyargs, *made.args.args, *made.args.kwonlyargs)]
        return any(name not in ("self", "cls") for name in given)

    @cached_property
    def _is_deployed(self) -> bool:
        """Say whether the project holds a file that deploys something, outside its tests and samples."""
        deploying = (path for path in self.modules.tree.files if _DEPLOYS.search(path) and not self.is_aside(path))
        return any(".devcontainer" not in path.split("/") for path in deploying)

    def _is_distribution(self, path: str) -> bool:
        return self._distribution(path, _DISTRIBUTION) is not None

    def _distribution(self, path: str, needles: Mapping[str, bytes]) -> str | None:
        """Return the nearest folder above a file whose packaging file holds the needle for its name."""
        tree, folder = self.modules.tree, posixpath.dirname(path)
        while True:
            for name, needle in needles.items():
                if needle in (tree.bytes(posixpath.join(folder, name)) or b""):
                    return folder
            if not folder:
                return None
            folder = posixpath.dirname(folder)

    def _has_programs(self, path: str) -> bool:
        """Say whether any file of the same package makes a web application or a worker."""
        package = self._package(path)
        for other in self.modules.paths:
            if (other == package or other.startswith(f"{package}/")) and not self.is_aside(other):
                content = self.modules.tree.bytes(other) or b""
                if any(needle in content for needle in _MAKING_NEEDLES):
                    module = self.modules.module(other)
                    if module and (self._serves(module) or self._works(module)):
                        return True
        return False

    def _package(self, path: str) -> str:
        """Return what a file is part of: in a monorepo the nearest packaging file's folder, else the top one."""
        tree, folder = self.modules.tree, self._distribution(path, _DISTRIBUTION)
        if folder and folder not in tree.bases:
            return folder
        below = tree.below_base(path)
        return path[: len(path) - len(below)] + below.split("/")[0]


def _speaks_of(module: Module, node: ast.AST, name: str, word: re.Pattern[str]) -> bool:
    """Say whether a node is a name, or a text with it that is no documentation and no `__all__`."""
    match node:
        case ast.Name(id=found) | ast.Attribute(attr=found):
            return found == name
        case ast.Constant(value=str(text)) if word.search(text):
            around = module.parent(node)
            above = module.parent(around) if isinstance(around, (ast.List, ast.Tuple)) else None
            return not isinstance(around, ast.Expr) and "__all__" not in {dotted(t) for t in getattr(above, "targets", ())}
    return False


def _makes_of(module: Module, kinds: Mapping[str, tuple[str, ...]]) -> bool:
    """Say whether a file constructs something of one of these names, or derives from it, that a library of it has."""
    made = (call.func for name in kinds for call in module.calls_of(name))
    derived = (base for stmt in module.tree.body if isinstance(stmt, ast.ClassDef) for base in stmt.bases)
    named = [*made, *(base for base in derived if (dotted(base) or "").rpartition(".")[2] in kinds)]
    libraries = [(module.qualified(node) or "", kinds[(dotted(node) or "").rpartition(".")[2]]) for node in named]
    return any(name.partition(".")[0] in allowed for name, allowed in libraries)


def _is_called_for_work(module: Module) -> bool:
    """Say whether a framework runs functions of a file for requests or tasks: `@functions_framework.cloud_event`."""
    functions = (stmt for stmt in module.tree.body if isinstance(stmt, FUNCTIONS))
    return any(found.kind in ("request", "task") for each in functions if (found := contexts.of_function(module, each)))


def _binds_an_application(module: Module) -> bool:
    """Say whether a file binds what is named like an application; `server = Server(host=...)` may be a row of a table."""
    bound = (stmt for name in _APPLICATION_NAMES for stmt in module.scope.binds.get(name, ()))
    return any(not _makes_a_row(module, getattr(stmt, "value", None)) for stmt in bound)


def _makes_a_row(module: Module, value: ast.AST | None) -> bool:
    """Say whether a value is an instance of a class of the project that says which table it is a row of."""
    made = resolve(module, value.func) if isinstance(value, ast.Call) else None
    if not isinstance(made, ClassRef):
        return False
    body = (target for stmt in made.node.body for target in getattr(stmt, "targets", ()))
    return any(dotted(target) in ("__tablename__", "__table__") for target in body) or any(
        keyword.arg == "table" for keyword in made.node.keywords
    )


def _registers_views(module: Module) -> bool:
    """Say whether a file tells its application which views to serve; a blueprint may belong to anybody's."""
    calls = (call for call in module.calls_of(_VIEWS) if function_around(module, call) is None)
    owners = (dotted(call.func.value) for call in calls if isinstance(call.func, ast.Attribute))
    return any(owner in _APPLICATION_NAMES for owner in owners)


def _imports_in_commands(module: Module, path: str) -> bool:
    """Say whether a file imports another one only inside commands."""
    found = [i for i in module.imports if module.modules.imported(module, i) == path]
    functions = [function_around(module, i.node) for i in found]
    kinds = [context.kind if f and (context := contexts.of_function(module, f)) else None for f in functions]
    return bool(kinds) and all(kind == "command" for kind in kinds)


def _by_name(site: Site) -> tuple[Role, str] | None:
    """Return "test" when the names around say so: `drop_test_table`, `create_engine(TEST_DATABASE_URL)`."""
    argument = site.call.args[site.skip] if len(site.call.args) > site.skip else None
    if argument is None:
        argument = next((keyword.value for keyword in site.call.keywords if keyword.arg == "url"), None)
    around = site.qualname.rpartition(".")[0] if _tests_a_connection(site) else site.qualname
    spoken = [around, *_names_in(argument), *_bound_names(site)]
    if {"test", "testing", "tests"} & {word for name in spoken for word in re.split(r"[._]", name.lower())}:
        return "test", "its name says test"
    return None


def _tests_a_connection(site: Site) -> bool:
    """Say whether "test" is what a function does, `test_connection`, and no word for what it gives: `test_engine`."""
    function = function_around(site.module, site.call)
    is_verb = function is not None and function.name.lstrip("_").startswith("test_")
    return is_verb and not outlives(site.module, site.call, function)  # type: ignore[arg-type]


def _names_in(url: ast.expr | None) -> Iterator[str]:
    """Yield the name of a URL: `settings.TEST_URL`, `str(settings.test_url)`, `TEST_URL.get_secret_value()`."""
    for _ in range(4):
        if isinstance(url, ast.Call):
            takes = isinstance(url.func, ast.Name) and len(url.args) == 1
            url = url.args[0] if takes else url.func.value if isinstance(url.func, ast.Attribute) else None
    yield dotted(url) or "" if isinstance(url, ast.expr) else ""


def _bound_names(site: Site) -> Iterator[str]:
    """Yield the name that an engine is given right where it is made: `test_engine = create_engine(...)`."""
    parent = site.module.parent(site.call)
    targets = parent.targets if isinstance(parent, ast.Assign) else [getattr(parent, "target", None)]
    yield from (dotted(target) or "" for target in targets if isinstance(target, ast.expr))
