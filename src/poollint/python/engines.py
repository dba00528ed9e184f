"""From a place that creates engines to the fact: every way the engine can come out, its place, role and uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, pairwise

from poollint.facts import DeadSetting, Engine, Known, Location, Origin, Pool, Setting, Unknown, Use, Version, value_of
from poollint.python.asked import asked_of, is_open
from poollint.python.defaults import Outcome, with_defaults
from poollint.python.evaluator import flow, reach
from poollint.python.evaluator.calls import CALLER
from poollint.python.evaluator.environment import url_of_dialect
from poollint.python.evaluator.evaluate import Answer, Evaluator, Question, World
from poollint.python.evaluator.returns import RAISES
from poollint.python.evaluator.urls import as_url, from_parts
from poollint.python.evaluator.values import Arguments, FunctionRef, LibraryObject, Table, Value, as_setting, reason_of, traps_of
from poollint.python.flask.extensions import Flask
from poollint.python.pings import Pings
from poollint.python.pools import Library, coerced, merged, pool_of
from poollint.python.sites import Site
from poollint.python.source import names
from poollint.python.source.modules import Module
from poollint.python.source.scopes import FUNCTIONS, Scope
from poollint.python.spoken import Spoken
from poollint.python.usage.forks import Candidate, decided
from poollint.python.usage.roles import Roles
from poollint.python.usage.uses import Uses
from poollint.sqlalchemy_tables import ENGINE_CONFIG, FALSE_WORDS, NOT_COERCED_BY_CONFIG, NUMBERS, QUEUE_ARGUMENTS
from poollint.versions import declared

MOST_PARTIALS = 3  # of partials of partials

Answers = Mapping[str, Answer]


@dataclass(frozen=True, slots=True)
class Way:
    """One way a site can come out in one world."""

    pool: Pool
    arguments: Arguments
    dead: tuple[DeadSetting, ...] = ()


class Engines:
    """Makes the facts of a project's sites; what no environment changes is worked out once."""

    def __init__(self, roles: Roles, versions: tuple[Version, ...]) -> None:
        self.roles = roles
        self.versions = versions
        self.pings = Pings(roles.modules)
        self.spoken = Spoken(roles.modules, roles.graph)
        self._found_uses = Uses(roles)
        self.flask = Flask(roles)
        self._static: dict[ast.AST, Engine] = {}
        self._uses: dict[ast.AST, tuple[tuple[Use, ...], tuple[Candidate, ...]]] = {}
        self._groups: dict[str, list[frozenset[str]]] = {}

    def engine(self, site: Site, evaluator: Evaluator) -> Iterator[Engine]:
        """Yield the engine a site creates, as one environment makes it."""
        path = site.module.path
        library = Library(lambda name: declared(self.versions, name, path), lambda identities: self.spoken.of(path, identities))
        described = self._described(site, library)
        if site.factory != "flask-sqlalchemy":
            ways, is_made = self._ways(site, evaluator, library)
            yield replace(self._with(described, site, ways), is_made=is_made)
            return
        worlds = self.flask.worlds(site, evaluator, library)
        ways: dict[tuple[Location, str, bool], list[tuple[Way, Answers]]] = {}
        for made, answers in ((made, answers) for world, answers in worlds for made in world):
            way = Way(made.pool, made.arguments, (*made.dead, *dead_settings(made.arguments)))
            ways.setdefault((made.location, made.bind, made.is_async), []).append((way, answers))
        for (location, bind, is_async), alternatives in ways.items():
            found = _defaulted(alternatives, evaluator)
            if len(found) < len(worlds):
                found = [replace(way, pool=_perhaps(way.pool)) for way in found]
            engine = _at_bind(described, location, bind) if bind else described
            yield self._with(replace(engine, is_async=is_async), site, found)

    def _with(self, described: Engine, site: Site, ways: list[Way]) -> Engine:
        """Return an engine with the ways it can come out."""
        pings = self.pings.of(site)
        pools = merged(replace(way.pool, pings=pings) for way in ways)
        dead: dict[tuple, DeadSetting] = {}
        for setting in (setting for way in ways for setting in way.dead):
            dead.setdefault((setting.name, setting.value.origin), setting)
        return replace(described, alternatives=pools, dead_settings=tuple(dead.values()))

    def uses(self, site: Site, evaluator: Evaluator) -> tuple[Use, ...]:
        """Return what the project does with the engine of a site; what stands under a condition, as one environment decides."""
        if site.call not in self._uses:
            self._uses[site.call] = self._found_uses.of(site)
        uses, candidates = self._uses[site.call]
        before_fork = (use for candidate in candidates if (use := decided(candidate, evaluator)))
        return tuple(sorted((*uses, *before_fork), key=lambda use: (use.location, use.kind)))

    def _ways(self, site: Site, evaluator: Evaluator, library: Library) -> tuple[list[Way], bool]:
        """Return every way the site can come out, and whether any is: what no world comes to is read once all the same."""
        def compute(world: World, everywhere: bool) -> tuple[Way, Answers] | None:
            self.flask.configure(world, site)
            if not world.reachable(site.call, site.module):
                return None
            comes = reach.learn(world, site.call, site.module)
            way = _way(world, site, library) if comes or everywhere else None
            return (way, world.answers) if way is not None and (everywhere or not _raises(way)) else None

        for everywhere in (False, True):
            found = evaluator.alternatives(partial(compute, everywhere=everywhere))
            if ways := [way for way in found if way is not None]:
                called = [(replace(way, pool=replace(way.pool, callers=self._callers(answers))), answers) for way, answers in ways]
                return _defaulted(called, evaluator), not everywhere or self._is_reachable(site, evaluator)
        return [_way(evaluator.world(), site, library)], self._is_reachable(site, evaluator)

    def _callers(self, answers: Answers) -> tuple[frozenset[str], ...]:
        """Return, for each function whose callers pass it different things, the files of those that a world chose."""
        asked = [(place, answer.choice) for key, answer in answers.items() for kind, _, place in [key.partition(" ")] if kind == CALLER]
        groups = [(self._groups_at(place), choice) for place, choice in asked]
        return tuple(found[choice] for found, choice in groups if choice < len(found))

    def _groups_at(self, place: str) -> list[frozenset[str]]:
        """Return the files of each group of callers that pass the function at `path:line` the same."""
        if place not in self._groups:
            path, _, line = place.rpartition(":")
            module = self.roles.modules.module(path)
            functions = (node for node in module.nodes if isinstance(node, FUNCTIONS) and str(node.lineno) == line) if module else ()
            sites = next((self.roles.modules.callers_of(module, node) for node in functions), None)  # type: ignore[arg-type]
            self._groups[place] = [frozenset(other.path for other, _ in group) for group in sites.groups] if sites else []
        return self._groups[place]

    def _is_reachable(self, site: Site, evaluator: Evaluator) -> bool:
        """Say whether any caller outside tests comes to the creation: `if sqlite:` may be False for all of them."""
        return evaluator.somewhere(lambda world: world.reachable(site.call, site.module)) is not False

    def _may_be_made(self, site: Site) -> bool:
        return site.factory == "flask-sqlalchemy" or self._is_reachable(site, Evaluator(self.roles.modules))

    def _described(self, site: Site, library: Library) -> Engine:
        """Return the part of the fact that does not depend on an environment."""
        if site.call not in self._static:
            place, place_reason = self.roles.place(site)
            role, role_reason = self.roles.role(site)
            if role != "test" and not self.roles.is_for_others(site) and not self._may_be_made(site):
                role, role_reason = "test", "no code outside tests comes to it"
            if role != "migration" and site.factory == "flask-sqlalchemy" and self.flask.given.is_unused(site):
                role, role_reason = "test", "no application is given it, so it makes no engine"
            self._static[site.call] = Engine(
                location=site.location,
                factory=site.factory,  # type: ignore[arg-type]
                is_async=site.is_async,
                place=place,
                role=role,
                alternatives=(),
                module=site.module.name,
                qualname=site.qualname,
                ordinal=site.ordinal,
                per_call=self.roles.per_call(site),
                lasts=self.roles.lasts(site),
                sqlalchemy=library.sqlalchemy,
                reasons=(place_reason, role_reason),
                used_in=self.roles.used_in(site),
            )
        return self._static[site.call]


def _at_bind(extension: Engine, location: Location, bind: str) -> Engine:
    """Return the engine of a bind: made where the extension is, and configured at the bind's own line."""
    return replace(
        extension, location=location, extension=extension.location, bind=bind, qualname=f"{extension.qualname}[{bind}]"
    )


def _defaulted(ways: list[tuple[Way, Answers]], evaluator: Evaluator) -> list[Way]:
    """Return the ways of some worlds, with the defaults of what only variables give."""
    outcomes = [Outcome(way.pool, way.arguments, answers) for way, answers in ways]
    pools = with_defaults(outcomes, evaluator.environment) if len(outcomes) > 1 else [outcome.pool for outcome in outcomes]
    return [replace(way, pool=pool) for (way, _), pool in zip(ways, pools)]


def _perhaps(pool: Pool) -> Pool:
    """Return the pool of an engine that some answers do not make at all: nobody can be sure of its connections."""
    sizes = {name: getattr(pool, name) for name in ("pool_size", "max_overflow")}
    weaker = {name: replace(size, certainty="fallback") for name, size in sizes.items() if isinstance(size, Known)}
    return replace(pool, **weaker)


def _way(world: World, site: Site, library: Library) -> Way:
    arguments = world.arguments(site.call, site.module)
    arguments = replace(arguments, positional=arguments.positional[site.skip :])
    for call, skip in _calls_of_partial(world, site) if site.skip else ():
        further = world.arguments(call, site.module)
        arguments = replace(
            further,
            positional=(*arguments.positional, *further.positional[skip:]),
            keywords={**arguments.keywords, **further.keywords},
            complete=arguments.complete and further.complete,
            reason=arguments.reason or further.reason,
        )
    if site.factory.endswith("from_config"):
        url, arguments, dead = _from_config(arguments)
    elif site.is_configured:
        url, arguments, dead = *_from_engine_config(arguments), ()
    else:
        url, dead = arguments.get("url", 0), ()
        keywords = {name: value for name, value in arguments.keywords.items() if name != "url"}
        arguments = replace(arguments, keywords=keywords)
    url = _by_branch(world, site, _by_creator(world, arguments, url), arguments)
    pool = pool_of(world, arguments, url, site.is_async, library)
    pool = replace(
        pool,
        pool_class=_named_in(site, pool.pool_class),
        identities=tuple(dict.fromkeys((*pool.identities, *_connector(world, arguments)))),
        arguments={**pool.arguments, **_unconverted(site, arguments)},
    )
    return Way(pool, arguments, (*dead, *dead_settings(arguments)))


def _calls_of_partial(world: World, site: Site) -> list[tuple[ast.Call, int]]:
    """Return a call of the name that `make = partial(create_engine, ...)` gives: each of them is an alternative.

    Before it stand those that pass it on, `make_big = partial(make, pool_size=20)`, each with how many of its arguments
    are none of the factory's.
    """
    found = list(_ways_of_partial(site.module, site.call))
    choice: int | None = 0
    if len(found) > 1:
        key = f"partial {site.module.path}:{site.call.lineno}"
        choice = world.ask(Question(key, tuple(Answer(number) for number in range(len(found)))))
    return found[choice] if found and choice is not None else []


def _raises(way: Way) -> bool:
    """Say whether working out what is passed ends in an error, which makes no engine.

    `raise ValueError("Unsupported database")` on the way to the URL, or a name that no branch has bound: NameError.
    """
    if isinstance(way.pool.dialect, Unknown) and way.pool.dialect.reason == RAISES.reason:
        return True
    spread = Unknown(way.arguments.reason)
    return any(flow.is_unset(value) for value in (way.pool.dialect, spread, *way.arguments.keywords.values()))


def _ways_of_partial(module: Module, partial_call: ast.Call) -> Iterator[list[tuple[ast.Call, int]]]:
    todo: list[tuple[ast.Call, list[tuple[ast.Call, int]]]] = [(partial_call, [])]
    while todo:
        made, passed = todo.pop(0)
        match module.parent(made):
            case ast.Assign(targets=[ast.Name(id=name)]) if len(passed) <= MOST_PARTIALS:
                scope = module.scope_at(made)
                calls = (call for call in module.calls_of(name) if _is_of_scope(module, call.func, name, scope))
                yield from ([*passed, (call, 0)] for call in calls)
                for call in module.calls_of("partial"):
                    if call.args and call is not made and _is_of_scope(module, call.args[0], name, scope):
                        todo.append((call, [*passed, (call, 1)]))


def _is_of_scope(module: Module, node: ast.expr, name: str, scope: Scope) -> bool:
    around = (each for each in names.scopes_around(module, node) if name in each.binds or name in each.parameters)
    return isinstance(node, ast.Name) and node.id == name and next(around, None) is scope


def _named_in(site: Site, pool_class: Setting) -> Setting:
    """Return the pool class with the place where the code names it for this engine, not where it is imported."""
    if not isinstance(pool_class, Known) or pool_class.origin.location is None:
        return pool_class
    wanted = f"sqlalchemy.pool.{pool_class.value}"
    for expression in _poolclass_expressions(site):
        for node in ast.walk(expression):
            if isinstance(node, (ast.Name, ast.Attribute)) and site.module.qualified(node) == wanted:
                return replace(pool_class, origin=Origin("poolclass", site.module.location(node)))
    return pool_class


def _poolclass_expressions(site: Site) -> Iterator[ast.expr]:
    """Yield what `poolclass=` is given in the call, then what any dict of the file holds under that key."""
    yield from (keyword.value for keyword in site.call.keywords if keyword.arg == "poolclass")
    for node in site.module.nodes:
        match node:
            case ast.Dict(keys=keys, values=values):
                yield from (v for k, v in zip(keys, values) if isinstance(k, ast.Constant) and k.value == "poolclass")
            case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value="poolclass"))], value=value):
                yield value


# -- engine_from_config ------------------------------------------------------------------------------------------------


def _from_config(arguments: Arguments) -> tuple[Value | None, Arguments, tuple[DeadSetting, ...]]:
    """Return URL, arguments and dead settings of `engine_from_config(configuration, prefix="sqlalchemy.", **kwargs)`.

    Keyword arguments win; of the configuration, text becomes a number only under the keys SQLAlchemy coerces.
    """
    configuration, prefix = arguments.get("configuration", 0), arguments.get("prefix", 1)
    start = "sqlalchemy." if prefix is None else value_of(as_setting(prefix))
    passed = {k: v for k, v in arguments.keywords.items() if k not in ("configuration", "prefix")}
    if not isinstance(configuration, Table) or not isinstance(start, str):
        unread = Unknown("the configuration of engine_from_config could not be read")
        return unread, Arguments((), passed, False, unread.reason), ()
    below = {
        key[len(start) :]: value
        for key, value in configuration.entries.items()
        if isinstance(key, str) and key.startswith(start)
    }
    keywords = {name: coerced(name, value) for name, value in below.items() if name not in ("url", "prefix")}
    dead = tuple(_not_coerced(name, value) for name, value in keywords.items() if _is_false_text(name, value))
    complete = arguments.complete and configuration.complete
    url = passed.pop("url", None) or below.get("url") or configuration.get(f"{start}url")
    return url, Arguments((), {**keywords, **passed}, complete, arguments.reason or configuration.reason), dead


def _from_engine_config(arguments: Arguments) -> tuple[Value | None, Arguments]:
    """Return URL and options of `SQLAlchemyAsyncConfig(connection_string=..., engine_config=EngineConfig(pool_size=9))`."""
    url, options = arguments.get("connection_string"), arguments.get("engine_config")
    if options is None:
        return url, Arguments()
    if isinstance(options, LibraryObject) and options.name == ENGINE_CONFIG:
        return url, options.arguments
    return url, Arguments(complete=False, reason=reason_of(options))


def _is_false_text(name: str, value: Value) -> bool:
    return (
        name in NOT_COERCED_BY_CONFIG
        and isinstance(value, Known)
        and isinstance(value.value, str)
        and value.value.strip().lower() in FALSE_WORDS
    )


def _not_coerced(name: str, value: Value) -> DeadSetting:
    setting = as_setting(value)
    why = f"engine_from_config leaves {value_of(setting)!r} as text, which is true, so it switches the option on"
    return DeadSetting(name, setting, why, f"Delete the line: {name} is off by default.")


# -- settings that do not do what they say -----------------------------------------------------------------------------

_FLAGS = ("pool_pre_ping", "pool_use_lifo")


def dead_settings(arguments: Arguments) -> tuple[DeadSetting, ...]:
    """Return the pool options whose value was made by code that does not do what it says: `bool("False")`."""
    return tuple(_dead(arguments.keywords))


def _dead(keywords: Mapping[str, Value]) -> Iterator[DeadSetting]:
    for name, value in keywords.items():
        if not name.startswith(("pool_", "max_overflow", "echo_pool")):
            continue
        for trap in traps_of(value):
            yield DeadSetting(name, as_setting(value), trap.says, trap.fix)
        if name in _FLAGS and isinstance(value, Known) and isinstance(value.value, str):
            if value.value.strip().lower() in FALSE_WORDS:
                why = f"the text {value.value!r} is true, so it switches the option on"
                yield DeadSetting(name, as_setting(value), why, f"Pass {name}=False, or leave it out.")


def _unconverted(site: Site, arguments: Arguments) -> dict[str, Known]:
    """Return the numbers that are taken from the environment as they are: whatever is set there, it is text."""
    found: dict[str, Known] = {}
    for keyword in site.call.keywords:
        if keyword.arg in NUMBERS and isinstance(arguments.keywords.get(keyword.arg), Unknown):
            if name := _raw_variable(site.module, keyword.value):
                says = f"{name} of the environment, which is text"
                found[keyword.arg] = Known(f"${name}", Origin(says, site.module.location(keyword.value)))
    return found


def _raw_variable(module: Module, node: ast.expr, depth: int = 0) -> str | None:
    """Return the variable of `os.environ["N"]` or `os.getenv("N")`, also behind a module's constant."""
    if isinstance(node, ast.Name) and depth < 2:
        bindings = module.scope.binds.get(node.id, [])
        values = [stmt.value for stmt in bindings if isinstance(stmt, ast.Assign)]
        return _raw_variable(module, values[0], depth + 1) if len(values) == len(bindings) == 1 else None
    if isinstance(node, ast.Subscript) and module.qualified(node.value) == "os.environ":
        key: ast.expr | None = node.slice
    elif (
        isinstance(node, ast.Call)
        and module.qualified(node.func) in ("os.getenv", "os.environ.get")
        and len(node.args) == 1
    ):
        key = node.args[0] if not node.keywords else None
    else:
        return None
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None


# -- creator -----------------------------------------------------------------------------------------------------------

_INSTANCE = re.compile(r"[a-z][\w.:-]*:[a-z][\w-]*:[\w-]+")


def _creator(arguments: Arguments) -> FunctionRef | None:
    creator = arguments.keywords.get("creator") or arguments.keywords.get("async_creator")
    return creator if isinstance(creator, FunctionRef) else None


def _by_creator(world: World, arguments: Arguments, url: Value | None) -> Value | None:
    """Return the URL, with SQLite for its dialect where only the creator tells: it calls `sqlite3.connect(path)`."""
    creator = _creator(arguments)
    parts = as_url(world, url) if creator is not None and url is not None else None
    if creator is None or parts is None or isinstance(parts.dialect, Known):
        return url
    for node in ast.walk(creator.node):
        if isinstance(node, ast.Call) and creator.module.qualified(node.func) == "sqlite3.connect":
            scheme = Known("sqlite", Origin("sqlite3.connect", creator.module.location(node)))
            return from_parts({"drivername": scheme, "database": parts.database}, scheme.origin)
    return url


def _by_branch(world: World, site: Site, url: Value | None, arguments: Arguments) -> Value | None:
    """Return the URL, with what the branches around the creation ask of its dialect where nothing surer tells."""
    by_name = (keyword.value for keyword in site.call.keywords if keyword.arg == "url")
    given = next(chain(by_name, site.call.args[site.skip :]), None)
    if given is None or url is None or not is_open(world, url):
        return url
    if _replaces_a_refused(site, ast.dump(given)) or _is_for_files(site, arguments):
        return url_of_dialect("sqlite", url)
    return asked_of(world, url, given, site.call, site.module)


def _is_for_files(site: Site, arguments: Arguments) -> bool:
    """Say whether a branch passes what only SQLite takes, and the other one makes an engine without it.

    if kind == "postgresql": engine = create_engine(url)
    else: engine = create_engine(url, connect_args={"check_same_thread": False})
    """
    passed = arguments.keywords.get("connect_args")
    if not isinstance(passed, Table) or "check_same_thread" not in passed.entries:
        return False
    wanted = ast.dump(site.call.func)
    for child, parent in pairwise((site.call, *site.module.ancestors(site.call))):
        if isinstance(parent, ast.If) and child is not parent.test:
            other = parent.orelse if child in parent.body else parent.body
            calls = (node for stmt in other for node in ast.walk(stmt) if isinstance(node, ast.Call))
            if any(ast.dump(call.func) == wanted and "check_same_thread" not in ast.dump(call) for call in calls):
                return True
    return False


def _replaces_a_refused(site: Site, given: str) -> bool:
    """Say whether an engine is made because the pool of the same URL refuses a size: a server's takes one.

    try: engine = create_engine(url, pool_size=9)
    except TypeError: engine = create_engine(url)
    """
    for handler, tried in pairwise(site.module.ancestors(site.call)):
        match handler, tried:
            case ast.ExceptHandler(type=ast.Name(id="TypeError")), ast.Try(body=body):
                calls = (node for stmt in body for node in ast.walk(stmt) if isinstance(node, ast.Call))
                made = (call for call in calls if call.args and ast.dump(call.args[0]) == given)
                return any(keyword.arg in QUEUE_ARGUMENTS for call in made for keyword in call.keywords)
    return False


def _connector(world: World, arguments: Arguments) -> Iterator[str]:
    """Yield the Cloud SQL instance that `creator=` connects to: `connector.connect("project:region:instance", ...)`."""
    creator = _creator(arguments)
    if creator is None:
        return
    for node in ast.walk(creator.node):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            if node.func.attr in ("connect", "connect_async"):
                name = value_of(as_setting(world.value(node.args[0], creator.module)))
                if isinstance(name, str) and _INSTANCE.fullmatch(name):
                    yield f"cloudsql:{name}"
