"""Flask-SQLAlchemy: the engine behind `db = SQLAlchemy(...)`, whose options stand in an application's configuration.

What each version makes of the keys was measured with 2.5.1 and 3.1.1:

    SQLALCHEMY_POOL_SIZE and its kind    honoured by 2, ignored by 3 without a word
    engine_options= and ENGINE_OPTIONS   2: the constructor wins; 3: the configuration wins, key by key
    MySQL                                pool_recycle 7200; 2 also sets pool_size 10
    SQLALCHEMY_BINDS                     an engine for each; 2 applies all options to it, 3 only the constructor's and its own

A bind's engine stands at the line of its key, so that a finding of it is read where it can be mended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial

from poollint.facts import DeadSetting, Known, Location, Origin, Pool, Setting, Unknown, value_of
from poollint.python.evaluator import urls
from poollint.python.evaluator.evaluate import Answer, Evaluator, World
from poollint.python.evaluator.values import (
    Arguments,
    LibraryRef,
    Table,
    Value,
    as_setting,
    origin_of,
    reason_of,
)
from poollint.python.flask import lite
from poollint.python.flask.flask_config import Config, Places, assigned_name
from poollint.python.flask.flask_given import Given
from poollint.python.flask.flask_hooks import Hooks, driver_defaults, hooks_of, set_in_vain
from poollint.python.pools import Library, dialect_of, may_be, pool_of
from poollint.python.sites import Site, extension_of
from poollint.python.source import names
from poollint.python.usage.roles import Roles
from poollint.sqlalchemy_tables import (
    DEFAULTS,
    FLASK_2_KEYS,
    FLASK_BINDS,
    FLASK_LITE_EXTENSION,
    FLASK_NEVER_KEYS,
    FLASK_OPTIONS,
    FLASK_URI,
)
from poollint.versions import allows

VERSION = "flask-sqlalchemy"


@dataclass(frozen=True, slots=True)
class Made:
    """One engine that the extension makes in one world: the default one, or that of a bind.

    location  the call of the extension, or the key of the bind
    """

    location: Location
    pool: Pool
    arguments: Arguments
    dead: tuple[DeadSetting, ...] = ()
    bind: str = ""
    is_async: bool = False


class Flask:
    """Reads the configuration of the project's Flask applications."""

    def __init__(self, roles: Roles) -> None:
        self.roles = roles
        self.modules = roles.modules
        self.places = Places(roles)
        self.given = Given(roles)

    def worlds(
        self, site: Site, evaluator: Evaluator, library: Library
    ) -> list[tuple[tuple[Made, ...], Mapping[str, Answer]]]:
        """Return the engines that the extension makes, for every way they can come out; with the answers that lead there."""
        circle = self.roles.graph.circle(site.module.path)
        is_lite = extension_of(names.resolve(site.module, site.call.func)) == FLASK_LITE_EXTENSION
        make = self._made_by_lite if is_lite else self._made

        def compute(world: World) -> tuple[tuple[Made, ...], Mapping[str, Answer]]:
            return make(world, site, library, circle), world.answers

        return evaluator.alternatives(compute)

    def configure(self, world: World, site: Site) -> None:
        """Let a world read `app.config["KEY"]` for an engine that the project's Flask application makes without the extension."""
        if self._is_used:
            circle = self.roles.graph.circle(site.module.path)
            # It is read when the engine is made: nothing is late. And Flask takes no small letters from an object.
            config = Config(self.places, world, circle, False, lambda function: False)
            world.application = lambda key: config.get(key) if key.isupper() else None

    @cached_property
    def _is_used(self) -> bool:
        return any(not self.roles.is_aside(path) for path in self.modules.containing(b"Flask("))

    def _made(self, world: World, site: Site, library: Library, circle: frozenset[str]) -> tuple[Made, ...]:
        is_3 = library.at_least("3.0", VERSION)
        is_for_another, started_in = partial(self.given.is_for_another, site), self.given.started_in(site)
        if is_3 is None and Config(self.places, world, circle, True, is_for_another, started_in).refuses_to_start():
            is_3 = False  # only version 2 runs such a program
        config = Config(self.places, world, circle, is_3, is_for_another, started_in)
        # The options first: a world answers a limited number of questions, and the URL may ask many.
        options = _table(config.get(FLASK_OPTIONS))
        constructor = _table(world.arguments(site.call, site.module).get("engine_options"))
        hooks = hooks_of(site, is_3, library.at_least("2.5", VERSION), may_be("mysql", library))
        given = _Given(config, options, constructor, is_3, hooks, library)
        uri = config.get(FLASK_URI) or config.variable_of(FLASK_URI)
        binds = tuple(self._binds(given, library))
        if binds and is_3 and (uri is None or (isinstance(uri, Known) and uri.value is None)):
            return binds  # 3 makes no engine for a URI that is not set; 2 makes one of SQLite
        arguments = given.of_default(uri)
        dead = tuple(self._dead(config, site, is_3, _installs_3(library) if is_3 is None else None))
        made = (Made(site.location, _pool(world, arguments, uri, library), arguments, dead), *binds)
        return tuple(replace(each, pool=_as_left_out(each.pool)) for each in made) if config.lacks_a_file else made

    def _made_by_lite(self, world: World, site: Site, library: Library, circle: frozenset[str]) -> tuple[Made, ...]:
        is_for_another, started_in = partial(self.given.is_for_another, site), self.given.started_in(site)
        config = Config(self.places, world, circle, True, is_for_another, started_in)
        constructor = _table(world.arguments(site.call, site.module).get("engine_options"))
        made = []
        for entry in lite.entries(config, constructor, library):
            is_default = entry.name == lite.DEFAULT and not entry.is_async
            place = site.location
            if not is_default and entry.table is not None:
                place = self.places.place_of_bind(entry.name, entry.table, circle)
            if place is not None:
                pool = _pool(world, entry.arguments, entry.url, library, entry.is_async)
                bind = "" if is_default else entry.name
                made.append(Made(place, pool, entry.arguments, bind=bind, is_async=entry.is_async))
        return tuple(made)

    def _binds(self, given: _Given, library: Library) -> Iterator[Made]:
        """Yield the engines of the binds, in their order; a bind that is written nowhere by its name has no place."""
        binds = given.config.get(FLASK_BINDS)
        for key, value in binds.entries.items() if isinstance(binds, Table) else ():
            place = self.places.place_of_bind(key, binds, given.config.circle) if isinstance(key, str) else None
            if place is None or (isinstance(value, Known) and value.value is None):
                continue
            url, arguments = given.of_bind(key, value)
            yield Made(place, _pool(given.config.world, arguments, url, library), arguments, bind=key)

    # -- settings that nothing reads

    def _dead(self, config: Config, site: Site, is_3: bool | None, required: Location | None) -> Iterator[DeadSetting]:
        """Yield what is set in vain; `required` is the requirement that leaves the version open, where 3 is installed today."""
        ignored = {**(FLASK_2_KEYS if is_3 or required else {}), **FLASK_NEVER_KEYS}
        open_version = f", which the requirement at {required} installs today," if required else ""
        for key, name in ignored.items():
            value = config.get(key)
            if not isinstance(value, Known) or value.value is None or key in self.places.read_keys:
                continue
            who = f"Flask-SQLAlchemy 3{open_version} ignores" if key in FLASK_2_KEYS else "no version of Flask-SQLAlchemy reads"
            fix = f'Put it into {FLASK_OPTIONS} = {{"{name}": ...}}.'
            yield DeadSetting(key, as_setting(value), f"{who} {key}", fix, config.set_at.get(key))
        for option, given, hook in set_in_vain(site) if is_3 else ():
            value = as_setting(config.world.value(given, hook.module))
            fix = f'Put it into {FLASK_OPTIONS} = {{"{option}": ...}}.'
            says = f"Flask-SQLAlchemy 3 never calls {hook.name}(), where it is set"
            yield DeadSetting(option, value, says, fix, hook.module.location(given))
        for found in config.indexed:
            value = as_setting(config.world.value(found.value, found.module))
            setting = _at(value, Origin(found.key, found.module.location(found.node)))
            says = f"the whole text is one key, which nothing reads, and no entry of {FLASK_OPTIONS}"
            yield DeadSetting(found.key, setting, says, f"Assign a dict to config[{FLASK_OPTIONS!r}].")
        for late in config.late if is_3 else ():
            says = f"{late.key} is set after the extension was initialised, when its engine is made already"
            value = config.world.value(late.value, late.module)
            where = Origin(late.key, late.module.location(late.node))
            setting = as_setting(value)
            yield DeadSetting(late.key, _at(setting, where), says, "Set it before init_app().")

    def orphans(self) -> Iterator[DeadSetting]:
        """Yield engine options of Flask-SQLAlchemy in a project that never constructs the extension, nor reads them."""
        if FLASK_OPTIONS in self.places.read_keys:
            return
        why = f"nothing reads {FLASK_OPTIONS}: the project makes no Flask-SQLAlchemy engine"
        for path in self.modules.containing(FLASK_OPTIONS.encode()):
            # Without Flask, a file that nothing imports is another program's: `superset_config.py`.
            is_anothers = not self._is_used and not self.roles.graph.importers.get(path)
            module = None if is_anothers or self.roles.is_aside(path) else self.modules.module(path)
            for node in module.nodes if module else ():
                if assigned_name(node) == FLASK_OPTIONS:
                    value = Known("a dict", Origin(FLASK_OPTIONS, module.location(node)))
                    yield DeadSetting(FLASK_OPTIONS, value, why, "Pass the options to what opens the connections.")


def _installs_3(library: Library) -> Location | None:
    """Return the requirement of the extension that gets version 3 today: it leaves that open, and nothing beside it holds it back.

    3.0 needs Flask 2.2 and SQLAlchemy 1.4.18 (https://flask-sqlalchemy.readthedocs.io/en/stable/changes/).
    """
    required = library.declared(VERSION)
    is_open = all(version.pinned is None and allows(version.specifier, "3.1.1") for version in required)
    is_held = library.at_least("2.2", "flask") is False or library.at_least("1.4.18") is False
    return required[0].location if required and is_open and not is_held else None


@dataclass(frozen=True, slots=True)
class _Given:
    """What one world gives the extension. `hooks` are the project's own methods that change the options."""

    config: Config
    options: Table
    constructor: Table
    is_3: bool | None
    hooks: Hooks
    library: Library

    def of_default(self, uri: Value | None, bind: str = "") -> Arguments:
        """Return what reaches create_engine for SQLALCHEMY_DATABASE_URI, with version 2 also for a bind."""
        pair = (self.constructor, self.options) if self.is_3 is not False else (self.options, self.constructor)
        return self._completed(pair[0].merged(pair[1]), uri, self.is_3, bind)

    def of_bind(self, bind: str, value: Value) -> tuple[Value, Arguments]:
        """Return URL and arguments of a bind: text is its URL, a dict (with 3 only) holds options beside the URL."""
        if isinstance(value, Table):
            if self.is_3 is False:
                return Unknown("Flask-SQLAlchemy 2 takes no dict for a bind", value.origin), Arguments(complete=False)
            url = value.get("url") or Unknown("the bind has no url", value.origin)
            return url, self._completed(self.constructor.merged(value.without("url")), url, True)
        if self.is_3 is None and (self.options.entries or not self.options.complete):
            unpinned = "only Flask-SQLAlchemy 2 applies the options to binds, and its version is not pinned"
            return value, self._completed(self.constructor.opened(unpinned), value, None)
        return value, self._completed(self.constructor, value, True) if self.is_3 else self.of_default(value, bind)

    def _completed(self, options: Table, url: Value | None, is_3: bool | None, bind: str = "") -> Arguments:
        """Return options over what version 2 and the project's hooks start from, and over the driver's defaults."""
        parts = urls.as_url(self.config.world, url) if url is not None else None
        dialect = dialect_of(parts or urls.unknown_url(url or Unknown("no URL is set")), self.library)
        if is_3 is False:
            options = self.hooks.options(self.config.world, url, dialect, bind).merged(options)
        if self.hooks.unread:
            options = options.opened(f"{self.hooks.unread}() of the project changes the options")
        keywords = {str(key): value for key, value in options.entries.items()}
        if is_3 is None:
            keywords = {**dict(self._read_by_2()), **keywords}
        if is_3 is not False and options.complete:  # what cannot be read may set it
            keywords = {**driver_defaults(dialect, self.hooks.may_be_mysql, {"pool_recycle": 7200}), **keywords}
        return Arguments((), keywords, options.complete, options.reason)

    def _read_by_2(self) -> Iterator[tuple[str, Unknown]]:
        """Yield what a version that is not pinned makes of the keys of version 2: nobody can tell."""
        for key, name in FLASK_2_KEYS.items():
            value = self.config.get(key)
            if value is not None and not (isinstance(value, Known) and value.value is None):
                reason = f"only Flask-SQLAlchemy 2 reads {key}, and its version is not pinned"
                yield name, Unknown(reason, origin_of(value))


def _pool(
    world: World, arguments: Arguments, url: Value | None, library: Library, is_async: bool = False
) -> Pool:
    """Return what the arguments make; for SQLite in memory the extension itself passes a StaticPool, which has no size."""
    pool = pool_of(world, arguments, url, is_async, library)
    if value_of(pool.pool_class) != "SingletonThreadPool":
        return pool
    static = LibraryRef("sqlalchemy.pool.StaticPool", Origin("default of Flask-SQLAlchemy"))
    passed = replace(arguments, keywords={**arguments.keywords, "poolclass": static})
    chosen = Known("StaticPool", static.origin, "default")
    return replace(pool_of(world, passed, url, is_async, library), pool_class=chosen, arguments=pool.arguments)


def _as_left_out(pool: Pool) -> Pool:
    """Return a pool whose defaults are the code's for a file that may set them."""
    found = {name: getattr(pool, name) for name in DEFAULTS}
    defaults = {name: value for name, value in found.items() if isinstance(value, Known) and value.certainty == "default"}
    return replace(pool, **{name: replace(value, certainty="fallback") for name, value in defaults.items()})


def _table(value: Value | None) -> Table:
    if value is None or (isinstance(value, Known) and value.value is None):
        return Table({}, Origin(""))
    return (
        value
        if isinstance(value, Table)
        else Table({}, origin_of(value), False, f"the engine options: {reason_of(value)}")
    )


def _at(setting: Setting, origin: Origin) -> Setting:
    return replace(setting, origin=origin)
