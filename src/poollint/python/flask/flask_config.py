"""Where a Flask application's configuration stands, and what a key of it holds in one world."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from poollint.facts import Known, Location, Origin, Unknown
from poollint.python.asked import asked_of
from poollint.python.evaluator import branching, containers, flow, objects, presence, reach
from poollint.python.evaluator.callers import function_around
from poollint.python.evaluator.evaluate import Answer, Dead, Evaluator, Question, World
from poollint.python.evaluator.expressions import looked_up
from poollint.python.evaluator.values import (
    NO_ARGUMENTS,
    ClassRef,
    FunctionRef,
    Instance,
    LibraryRef,
    ModuleRef,
    Table,
    Value,
    origin_of,
    symbol_of,
)
from poollint.python.flask import flask_files as files
from poollint.python.flask.flask_files import METHODS, PERHAPS, Load
from poollint.python.source import names
from poollint.python.source.modules import Module
from poollint.python.source.scopes import dotted
from poollint.python.usage.roles import Roles
from poollint.sqlalchemy_tables import (
    FLASK_BINDS,
    FLASK_LITE_ASYNC_ENGINES,
    FLASK_LITE_ENGINES,
    FLASK_OPTIONS,
    FLASK_PREFIX,
    FLASK_URI,
)

Holder = ClassRef | ModuleRef | Instance
_NAMED = (FLASK_BINDS, FLASK_LITE_ENGINES, FLASK_LITE_ASYNC_ENGINES)  # dicts that hold an engine under each key
_INDEXED = re.compile(rf"{FLASK_OPTIONS}\s*[\[.]")


@dataclass(frozen=True, slots=True, eq=False)
class Assigned:
    """One `app.config["KEY"] = value`, `config.update(KEY=value)` or `config.from_mapping(KEY=value)`."""

    key: str
    module: Module
    node: ast.AST  # the statement or call
    value: ast.expr

    @property
    def place(self) -> ast.AST:
        return self.node

    @property
    def where(self) -> str:
        return str(self.module.location(self.node))

    @property
    def only_if_absent(self) -> bool:
        """`config.setdefault("KEY", value)` keeps what is there."""
        return getattr(getattr(self.node, "func", None), "attr", "") == "setdefault"


@dataclass(frozen=True, slots=True, eq=False)
class Changed:
    """One `app.config["KEY"]["pool_size"] = 3`, or `app.config["KEY"].update(pool_size=3)`."""

    key: str
    module: Module
    node: ast.Assign | ast.Call
    inside: tuple[ast.expr, ...]  # keys that lead to what is changed

    def applied(self, world: World, value: Value | None) -> Value | None:
        """Return what the configuration holds after the change."""
        keys = [world.value(each, self.module) for each in self.inside]
        origin = Origin(self.key, self.module.location(self.node))
        if isinstance(self.node, ast.Assign):
            return containers.put(value, keys, world.value(self.node.value, self.module), origin)
        given = world.arguments(self.node, self.module)
        return containers.mutated(world, value, keys, self.node.func.attr, given, self.node, self.module)  # type: ignore[attr-defined]


class Places:
    """The places of a project that configure Flask applications, each found once."""

    def __init__(self, roles: Roles) -> None:
        self.roles = roles
        self.modules = roles.modules
        self._reached: dict[ast.expr, bool] = {}

    @cached_property
    def assigned(self) -> tuple[Assigned, ...]:
        return tuple(found for module in self._setting for found in _assignments(module))

    @cached_property
    def changed(self) -> tuple[Changed, ...]:
        return tuple(found for module in self._setting for found in _changes(module))

    @cached_property
    def _setting(self) -> tuple[Module, ...]:
        """The modules that may set a key of Flask-SQLAlchemy in a configuration."""
        paths = self.modules.containing(FLASK_PREFIX.encode(), b"config")
        modules = (self.modules.module(path) for path in paths if not self.roles.is_aside(path))
        return tuple(module for module in modules if module)

    @cached_property
    def loads(self) -> tuple[Load, ...]:
        """The calls that fill a configuration from elsewhere; Celery's `config_from_object` is another method."""
        found = []
        for path in self.modules.containing(b"config"):
            if not self.roles.is_aside(path) and any(word in (self.modules.tree.bytes(path) or b"") for word in _LOADING):
                module = self.modules.module(path)
                found.extend(Load(module, call) for call in _loading(module)) if module else None
        return tuple(found)

    @cached_property
    def classes(self) -> tuple[ClassRef, ...]:
        """The configuration classes: those that assign one of the keys in their body, and what descends from them."""
        found: list[ClassRef] = []
        for path in self.modules.containing(FLASK_PREFIX.encode()):
            if not self.roles.is_aside(path) and (module := self.modules.module(path)):
                local = [node for node in module.tree.body if isinstance(node, ast.ClassDef)]
                keyed = {node.name for node in local if any(_assigns_key(stmt) for stmt in ast.walk(node))}
                for node in local:
                    bases = {(dotted(base) or "").rpartition(".")[2] for base in node.bases}
                    if node.name in keyed or bases & keyed:
                        keyed.add(node.name)
                        found.append(ClassRef(module, node))
        return tuple(found)

    @cached_property
    def read_keys(self) -> frozenset[str]:
        """The keys that the project's own code reads: `config.SQLALCHEMY_POOL_SIZE` may hand them on."""
        found: set[str] = set()
        for path in self.modules.containing(FLASK_PREFIX.encode()):
            if self.roles.is_aside(path) or (module := self.modules.module(path)) is None:
                continue
            for node in module.nodes:
                if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                    found.add(node.id if isinstance(node, ast.Name) else node.attr)
                elif isinstance(node, ast.Call) or (isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)):
                    found.update(looked_up(node))
                if isinstance(node, ast.Call) and _looks_up_what_it_is_given(module, node):
                    found.update(each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str))
        return frozenset(key for key in found if key.startswith(FLASK_PREFIX))

    def place_of_bind(self, key: str, binds: Table, circle: frozenset[str]) -> Location | None:
        """Return where an engine of a dict is written by its name, the same in every world; in no Python file, where its value is."""
        at, table = origin_of(binds.entries[key]).location, binds.origin.location
        files = {place.path for place in (at, table) if place} | circle  # a module that a text names is in no circle
        paths = [(path, node) for path, node in self._bind_keys.get(key, ()) if path in files]
        named = [(module, node) for path, node in paths if (module := self.modules.module(path))]
        if named[1:]:
            named = [*filter(self._is_reached, named), *named]
        if named:
            return named[0][0].location(named[0][1])
        return at if at and not at.path.endswith(".py") else None

    def _is_reached(self, named: tuple[Module, ast.expr]) -> bool:
        """Say whether the name of a bind stands where more than tests come."""
        module, node = named
        if node not in self._reached:
            evaluator = Evaluator(self.modules, follows_callers=False)
            self._reached[node] = evaluator.somewhere(lambda world: world.reachable(node, module)) is not False
        return self._reached[node]

    @cached_property
    def _bind_keys(self) -> dict[str, list[tuple[str, ast.expr]]]:
        """Key → the places that name it in a dict, in files that set such dicts; those of the dict itself first."""
        own: dict[str, list[tuple[str, ast.expr]]] = {}
        other: dict[str, list[tuple[str, ast.expr]]] = {}
        for path in sorted({path for name in _NAMED for path in self.modules.containing(name.encode())}):
            module = None if self.roles.is_aside(path) else self.modules.module(path)
            for node in module.nodes if module else ():
                for key in _keys_named(node):
                    found = own if _is_of_binds(module, node) else other
                    found.setdefault(key.value, []).append((path, key))
        return {key: _in_order(own.get(key, [])) + _in_order(other.get(key, [])) for key in (*own, *other)}


class Config:
    """One application's configuration in one world, as version 2 or 3 of the extension reads it.

    set_at          where the code sets a key by its name, of those that were asked for
    lacks_a_file    a file that is not in the repository sets what the code leaves out, as far as that was asked for
    is_for_another  says of a function that makes an application whether it gives that to another extension only
    started_in      the files that initialise the extension while they are imported
    """

    def __init__(
        self,
        places: Places,
        world: World,
        circle: frozenset[str],
        is_3: bool | None,
        is_for_another: Callable[[ast.AST], bool],
        started_in: frozenset[str] = frozenset(),
    ) -> None:
        self.places = places
        self.started_in = started_in
        self.is_for_another = is_for_another
        self.is_3 = is_3
        self.world = world
        self.circle = circle
        self.lacks_a_file = False
        self.set_at: dict[str, Location] = {}
        self._running: list[Assigned] = []
        world.application = self.get

    def get(self, key: str) -> Value | None:
        """Return the value of a key, None when nothing sets it: what is set later in one function wins.

        Across functions, what is assigned wins over what is loaded, and the last load over the ones before.
        """
        is_sure, over, undecided = True, [], []
        for source in self._sources(key):
            found = self._assigned(source) if isinstance(source, Assigned) else self._loaded(source, key)
            if isinstance(found, files.Entries):
                over.append(found)
            elif found is not None and found is not PERHAPS:
                value: Value | None = found if is_sure else _weakened(found)
                if not self.world.closed or reach.is_decided(self.world, source.place, source.module):
                    if isinstance(source, Assigned):
                        self.set_at[key] = source.module.location(source.node)
                    break
                undecided.append(value)
            is_sure = is_sure and found is not PERHAPS
        else:
            value = undecided.pop() if undecided else None
        for other in reversed(undecided):  # nobody decides in this world whether it is set there
            value = branching.merged(other, value, f"{key} is set in several places")
        for entries in reversed(over):
            value = entries.laid_over(value)
        value = self._changed(key, value)
        if self.is_3 is None and (late := self._late(key)) is not None:
            reason = f"only Flask-SQLAlchemy 2 reads what sets {key} after init_app(), and its version is not pinned"
            value = Unknown(reason, Origin(key, late.module.location(late.place)))
        if not isinstance(value, Unknown) or symbol_of(value):
            return value
        return self.world.unknown(value.reason, value.origin, f"config:{key}")

    def _changed(self, key: str, value: Value | None) -> Value | None:
        """Return a key's value after what this world comes to of everything that changes it in place."""
        for change in self.places.changed:
            if change.key == key and change.module.path in self.circle and not self._is_late(change.module, change.node):
                if self.world.reachable(change.node, change.module):
                    value = change.applied(self.world, value)
        return value

    def _late(self, key: str) -> Assigned | None:
        """Return what this world comes to that sets a key after the extension was initialised."""
        reached = (found for found in self.late if found.key == key and self.world.reachable(found.node, found.module))
        return next(reached, None)

    def refuses_to_start(self) -> bool:
        """Say whether every URL is set after the extension was initialised: version 3 raises an error then."""
        keys = (FLASK_URI, FLASK_BINDS)
        is_set_late = any(self._late(key) is not None for key in keys)
        return is_set_late and not any(self.get(key) or self.variable_of(key) for key in keys)

    def _sources(self, key: str) -> list[Assigned | Load]:
        """Return what this world comes to of everything that may set a key, the strongest first.

        What changes a running application comes after its engines are made: that counts where nothing else sets the key.
        """
        own = [found for found in self.places.assigned if found.key == key and found.module.path in self.circle]
        # `app.config["KEY"] = changed(app.config["KEY"])` reads what was set before.
        assigned = [found for found in own if found not in self.late and found not in self._running]
        for is_running in (False, True):
            of_these = [found for found in assigned if is_of_running(found) is is_running]
            loads = [load for load in self._loads if is_of_running(load) is is_running]
            if sources := self._in_order(of_these, loads):
                break
        return sources

    def _in_order(self, assigned: list[Assigned], loads: list[Load]) -> list[Assigned | Load]:
        """Return what this world comes to of these, the strongest first."""
        latest = reversed(self._as_imported(assigned))
        strong: list[Assigned | Load] = [found for found in latest if self.world.reachable(found.node, found.module)]
        weak: list[Assigned | Load] = []
        for load in loads:
            if self.world.reachable(load.call, load.module):
                before = [number for number, found in enumerate(strong) if _precedes(found, load)]
                strong.insert(before[0], load) if before else weak.insert(0, load)
        # The sort is stable: what fills a gap comes last, everything else keeps its order.
        return sorted(
            self._of_one_application(self._reached(strong + weak)),
            key=lambda found: isinstance(found, Assigned) and found.only_if_absent,
        )

    def _as_imported(self, assigned: list[Assigned]) -> list[Assigned]:
        """Put what several files assign while they are imported into the order of that: what is imported runs before."""
        paths = {found.module.path for found in assigned}
        if len(paths) < 2 or any(function_around(found.module, found.node) is not None for found in assigned):
            return assigned
        reached = {path: paths & self.places.modules.graph.reach(path).paths for path in paths}
        return sorted(assigned, key=lambda found: len(reached[found.module.path]))

    def _of_one_application(self, sources: list[Assigned | Load]) -> list[Assigned | Load]:
        """Leave out what sets the key in another application: each function that makes one is an alternative.

        The application that only migrations make is none where there is another.
        """
        makers: dict[ast.AST, str] = {}
        of_migrations: set[ast.AST] = set()
        for found in sources:
            function = function_around(found.module, found.place)
            if function is not None and _makes_application(found, function):
                makers.setdefault(function, str(found.module.location(found.place)))
                of_migrations |= {function} if found.module.is_for_migrations else set()
        if len(makers) < 2:
            return sources
        possible = sorted(makers.keys() - of_migrations or makers, key=lambda each: makers[each])
        choices = [each for each in possible if not self.is_for_another(each)] or possible
        asked = f"application {' '.join(makers[each] for each in choices)}"
        number = self.world.ask(Question(asked, tuple(map(Answer, range(len(choices)))))) if len(choices) > 1 else 0
        others = [each for each in makers if number is not None and each is not choices[number]]
        return [found for found in sources if function_around(found.module, found.place) not in others]

    def _reached(self, sources: list[Assigned | Load]) -> list[Assigned | Load]:
        """Leave out what this world does not come to from outside, where several functions set the key.

        What leads to the only one of them leads to the application.
        """
        if len({function_around(found.module, found.place) for found in sources}) < 2:
            return sources
        reached = [f for f in sources if reach.reached_from_outside(self.world, f.place, f.module)]
        if not reached:
            raise Dead
        return reached

    def _assigned(self, found: Assigned) -> Value:
        self._running.append(found)
        try:
            value = self.world.value(found.value, found.module)
        finally:
            self._running.pop()
        return asked_of(self.world, value, found.value, found.node, found.module) if found.key == FLASK_URI else value

    def variable_of(self, key: str) -> Value | None:
        """Return the variable that may set a key which nothing is seen to set: `app.config.from_prefixed_env()`."""
        for load in self._loads:
            if load.method == "from_prefixed_env" and self.world.reachable(load.call, load.module):
                name = files.variable_of(self.world, load, key)
                return self.world.variable(name, None, load.origin) if name else PERHAPS
        return None

    def _loaded(self, load: Load, key: str) -> Value | files.Entries | None:
        """Return a key of what one call loads, None when it does not set it, PERHAPS when that cannot be told."""
        if load.method == "from_object":
            holder = self._object(load, key)
            is_elsewhere = isinstance(holder, Unknown) and files.is_asked_for(load)
            return PERHAPS if is_elsewhere else self._of_holder(holder, key)
        if load.method == "from_prefixed_env":
            return files.from_environment(self.world, load, key)
        if load.method in ("from_mapping", "update"):
            given = self.world.arguments(load.call, load.module)
            table = given.positional[0] if given.positional else Table(given.keywords, Origin(""), given.complete)
            return table.entries.get(key, None if table.complete else PERHAPS) if isinstance(table, Table) else PERHAPS
        found = files.loaded(self.world, load)
        if isinstance(found, Unknown) and found is not PERHAPS and key not in (FLASK_URI, *_NAMED):
            if self.world.modules.shared(files.Shown).do_without(key):
                self.lacks_a_file = True
                return PERHAPS  # as a variable that no file gives: what the code says holds until somebody replaces it
        return found.get(key) if isinstance(found, Table) else self._of_holder(found, key)

    def _of_holder(self, holder: Holder | Unknown | None, key: str) -> Value | None:
        if holder is None or isinstance(holder, Unknown):
            return holder
        if not _defines(self.world, holder, key):
            return None
        node = getattr(holder, "node", None) or getattr(getattr(holder, "cls", None), "node", None)
        module = holder.module if not isinstance(holder, Instance) else holder.cls.module
        value = objects.attribute(self.world, holder, key, node or module.tree, module, None)
        return None if flow.is_unset(value) else value

    @cached_property
    def _loads(self) -> tuple[Load, ...]:
        own = (load for load in self.places.loads if load.module.path in self.circle)
        return tuple(load for load in own if not self._is_late(load.module, load.call))

    @cached_property
    def late(self) -> tuple[Assigned, ...]:
        """Assignments that follow the initialisation of the extension: in the same block, or where that is imported."""
        own = (found for found in self.places.assigned if found.module.path in self.circle)
        of_extension = (found for found in own if found.key.startswith(FLASK_PREFIX))
        return tuple(found for found in of_extension if self._is_late(found.module, found.node))

    def _is_late(self, module: Module, node: ast.AST) -> bool:
        """Say whether what a place sets comes too late; version 2 reads the configuration when it makes the engine."""
        return self.is_3 is not False and (_follows_init(module, node) or self._follows_import(module, node))

    def _follows_import(self, module: Module, node: ast.AST) -> bool:
        """Say whether a statement follows an import of what initialises the extension, and that does not import its file."""
        if not self.started_in or module.path in self.started_in or function_around(module, node) is not None:
            return False
        graph, end = self.places.modules.graph, getattr(node, "lineno", 0)
        before = [found for found in module.imports if found.line < end and found.node in module.tree.body]
        imported = {path for found in before if (path := graph.modules.imported(module, found))}
        loaded = {path for first in imported for path in graph.reach(first).paths}
        return any(path in loaded and module.path not in graph.reach(path).paths for path in self.started_in)

    @property
    def indexed(self) -> Iterator[Assigned]:
        """Assignments whose key holds the index as text: `config["SQLALCHEMY_ENGINE_OPTIONS['pool_size']"] = 20`."""
        for found in self.places.assigned:
            if _INDEXED.match(found.key) and found.module.path in self.circle:
                if self.world.reachable(found.node, found.module):
                    yield found

    def _object(self, load: Load, key: str) -> Holder | Unknown:
        """Return what `from_object(...)` takes a key from; where that cannot be read, it may set every key."""
        value = self.world.value(load.call.args[0], load.module)
        reason = f"the configuration object {load.module.source(load.call.args[0])} could not be read"
        return self._behind(value, load, key) or Unknown(reason, Origin("", load.module.location(load.call)))

    def _behind(self, value: Value, load: Load, key: str) -> Holder | None:
        if isinstance(value, (ClassRef, ModuleRef, Instance)):
            return value
        if isinstance(value, Known) and isinstance(value.value, str):
            return self._named(value.value, load.module)
        return self._any_class(load, key)

    def _named(self, name: str, module: Module) -> Holder | None:
        """Follow `from_object("config.settings")` and `from_object("config.ProductionConfig")`."""
        if found := self.places.modules.find(name, module):
            return ModuleRef(found)
        inside, _, attribute = name.rpartition(".")
        found = self.places.modules.find(inside, module) if inside else None
        value = objects.member(self.world, found, attribute, Origin(name)) if found else None
        return value if isinstance(value, (ClassRef, ModuleRef, Instance)) else None

    def _any_class(self, load: Load, key: str) -> Holder | None:
        """Choose a configuration class when nothing says which: every one but the tests' is an alternative.

        Where they agree about the key, nobody needs to know which.
        """
        classes = [
            c for c in self.places.classes if c.module.path in self.circle and "test" not in c.node.name.lower()
        ]
        candidates = [self._of_class(cls, load, key) for cls in classes]
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        first, *others = (self._of_holder(candidate, key) for candidate in candidates)
        if all(other == first for other in others):
            return candidates[0]
        asked = f"configuration class {load.module.path}:{load.call.lineno}"
        choice = self.world.ask(Question(asked, tuple(Answer(number) for number in range(len(candidates)))))
        return candidates[choice] if choice is not None else None

    def _of_class(self, cls: ClassRef, load: Load, key: str) -> Holder:
        """Return what is loaded of a configuration class: an instance where its constructor sets the key."""
        if presence.is_set_by_methods(self.world, cls, key):
            found = objects.made(self.world, cls, NO_ARGUMENTS, load.call, load.module, None)
            return found if isinstance(found, Instance) else cls
        return cls


_MAYBE = Known(True, Origin("may be replaced by what is not here"), "fallback")


def _weakened(value: Value) -> Value:
    """Return a value that a file or dict which is not here may replace."""
    if isinstance(value, Table):
        return replace(value, entries={key: branching.as_sure_as(entry, _MAYBE) for key, entry in value.entries.items()})
    return branching.as_sure_as(value, _MAYBE)


def is_of_running(found: Assigned | Load) -> bool:
    """Say whether a place configures the application that is being run, `current_app.config`, and not one that is made."""
    node = found.place
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "func", None)
    inner = (part for part in ast.walk(target) if isinstance(part, ast.Name)) if target is not None else ()
    return any(found.module.qualified(part) == "flask.current_app" for part in inner)


def _makes_application(found: Assigned | Load, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Say whether a function configures an application of its own: `app = Flask(__name__); app.config[KEY] = ...`."""
    scope = names.scope_for(found.module, function)
    for bound in scope.binds.get((_application(found.place) or "").partition(".")[0], ()):
        if isinstance(bound, ast.Assign) and isinstance(bound.value, ast.Call):
            made = found.module.qualified(bound.value.func) or dotted(bound.value.func) or ""
            if made.rpartition(".")[2].endswith("Flask"):
                return True
    return False


def _precedes(found: Assigned | Load, load: Load) -> bool:
    """Say whether an assignment stands before a load in the same function: then the load replaces it."""
    if isinstance(found, Load) or found.module is not load.module or found.node.lineno >= load.call.lineno:  # type: ignore[attr-defined]
        return False
    return function_around(found.module, found.node) is function_around(load.module, load.call)


# -- the shapes of a configuration -------------------------------------------------------------------------------------


def _assignments(module: Module) -> Iterator[Assigned]:
    for node in module.nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            key = next(iter(looked_up(node.targets[0])), None)
            if key:
                yield Assigned(key, module, node, node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("update", "from_mapping", "setdefault") and _is_config(node.func.value):
                yield from _passed(node, module)


def _changes(module: Module) -> Iterator[Changed]:
    for node in module.nodes:
        match node:
            case ast.Assign(targets=[ast.Subscript(value=holder, slice=last)]):
                inside: list[ast.expr] = [last]
            case ast.Call(func=ast.Attribute(attr="update" | "setdefault" | "pop", value=holder)):
                inside = []
            case _:
                continue
        while isinstance(holder, ast.Subscript) and not any(looked_up(holder)):
            inside.append(holder.slice)
            holder = holder.value
        if key := next(looked_up(holder), None) or _by_default(holder) or _through_name(module, holder):
            yield Changed(key, module, node, tuple(reversed(inside)))


def _by_default(node: ast.AST) -> str | None:
    """Return the key of `app.config.setdefault("KEY", {})`."""
    match node:
        case ast.Call(ast.Attribute(ast.Attribute(attr="config"), "setdefault"), [ast.Constant(value=str(key)), *_]):
            return key
    return None


def _through_name(module: Module, holder: ast.AST) -> str | None:
    """Return the key of what a name holds: `options = app.config["KEY"]`, also of what is put there by default."""
    if not isinstance(holder, ast.Name):
        return None
    match names.scope_at(module, holder).binds.get(holder.id, ()):
        case [ast.Assign(value=ast.Subscript() as value)]:
            return next(looked_up(value), None)
        case [ast.Assign(value=ast.Call() as value)]:
            return _by_default(value)
    return None


def _looks_up_what_it_is_given(module: Module, call: ast.Call) -> bool:
    """Say whether a function of the project reads the configuration: `take("poolclass", "SQLALCHEMY_POOLCLASS")`."""
    has_key = any(isinstance(each, ast.Constant) and str(each.value).startswith(FLASK_PREFIX) for each in call.args)
    function = names.resolve(module, call.func) if has_key else None
    return isinstance(function, FunctionRef) and any(isinstance(n, ast.Attribute) and n.attr == "config" for n in ast.walk(function.node))


_LOADING = (b"from_object", b"from_mapping", b"config.update", *(name.encode() for name in METHODS))


def _loading(module: Module) -> Iterator[ast.Call]:
    """Yield the calls that load more than the keys written in them, in the order of the text."""
    found = [call for call in module.calls_of("from_object") if call.args]
    for name in (*METHODS, "from_mapping", "update"):
        for call in module.calls_of(name):
            is_config = isinstance(call.func, ast.Attribute) and _is_config(call.func.value)
            is_spread = any(keyword.arg is None for keyword in call.keywords)
            is_dict = bool(call.args) and not isinstance(call.args[0], (ast.Dict, ast.Constant))
            if is_config and (name in METHODS or is_spread or is_dict):
                found.append(call)
    yield from sorted(found, key=lambda call: (call.lineno, call.col_offset))


def _passed(call: ast.Call, module: Module) -> Iterator[Assigned]:
    for keyword in call.keywords:
        if keyword.arg:
            yield Assigned(keyword.arg, module, call, keyword.value)
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Dict):
        for key, value in zip(first.keys, first.values):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield Assigned(key.value, module, call, value)
    elif isinstance(first, ast.Constant) and isinstance(first.value, str) and len(call.args) == 2:
        yield Assigned(first.value, module, call, call.args[1])


def _is_config(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "config"


def _in_order(places: list[tuple[str, ast.expr]]) -> list[tuple[str, ast.expr]]:
    return sorted(places, key=lambda place: (place[0], place[1].lineno, place[1].col_offset))


def _keys_named(node: ast.AST) -> Iterator[ast.Constant]:
    """Yield the text keys of `{"key": ...}` and of `name["key"] = ...`."""
    keys: list[ast.expr | None] = node.keys if isinstance(node, ast.Dict) else []
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        keys = [node.targets[0].slice]
    yield from (key for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def _is_of_binds(module: Module, node: ast.AST) -> bool:
    """Say whether a dict is given to SQLALCHEMY_BINDS or its kind where it is written, or an item of it is set."""
    if isinstance(node, ast.Assign):
        return (dotted(node.targets[0].value) or "").endswith(_NAMED)  # type: ignore[attr-defined]
    parent = module.parent(node)
    if isinstance(parent, ast.keyword):
        return parent.arg in _NAMED
    if isinstance(parent, ast.Dict):
        held = zip(parent.keys, parent.values)
        return any(v is node and isinstance(k, ast.Constant) and k.value in _NAMED for k, v in held)
    if parent is None or assigned_name(parent) in _NAMED:
        return parent is not None
    return isinstance(parent, ast.Assign) and not set(_NAMED).isdisjoint(looked_up(parent.targets[0]))


def assigned_name(stmt: ast.AST) -> str | None:
    """Return the plain name that a statement gives a value, None for other statements."""
    target = stmt.targets[0] if isinstance(stmt, ast.Assign) else getattr(stmt, "target", None)
    has_value = isinstance(stmt, ast.Assign) or (isinstance(stmt, ast.AnnAssign) and stmt.value is not None)
    return target.id if has_value and isinstance(target, ast.Name) else None


def _assigns_key(stmt: ast.AST) -> bool:
    """Say whether a statement of a class sets one of the keys, in its body or for its instances."""
    if isinstance(stmt, ast.Assign) and isinstance(stmt.targets[0], ast.Attribute):
        return stmt.targets[0].attr.startswith(FLASK_PREFIX) and dotted(stmt.targets[0].value) == "self"
    return (assigned_name(stmt) or "").startswith(FLASK_PREFIX)


def _defines(world: World, holder: Holder, key: str) -> bool:
    if isinstance(holder, ModuleRef):
        return key in holder.module.scope.binds
    cls = holder.cls if isinstance(holder, Instance) else holder
    lineage = [base for base in objects.lineage(world, cls) if isinstance(base, ClassRef)]
    if any(key in names.scope_for(base.module, base.node).binds for base in (cls, *lineage)):
        return True
    return isinstance(holder, Instance) and presence.is_set_by_methods(world, cls, key)


def _follows_init(module: Module, node: ast.AST) -> bool:
    """Say whether `db.init_app(app)` or `SQLAlchemy(app)` stands before a change of that app's config."""
    app, function = _application(node), function_around(module, node)
    for name in ("init_app", "SQLAlchemy"):
        for call in module.calls_of(name):
            if not call.args or dotted(call.args[0]) != app or function_around(module, call) is not function:
                continue
            resolved = names.resolve(module, call.func)
            is_extension = isinstance(resolved, LibraryRef) and resolved.name.startswith(("flask_sqlalchemy.", "flask_sqlalchemy_lite."))
            is_init = name == "init_app" and "db" in (dotted(call.func) or "").partition(".")[0].lower()
            if (is_extension or is_init) and _stands_before(module, call, node):
                return True
    return False


def _application(node: ast.AST) -> str | None:
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(getattr(node, "func", None), "value", None)
    name = dotted(target) if target is not None else None
    return name.removesuffix(".config") if name else None


def _stands_before(module: Module, first: ast.AST, second: ast.AST) -> bool:
    """Say whether one node's statement is an earlier sibling of what holds the other: both run, in this order."""
    statement = next((n for n in (first, *module.ancestors(first)) if isinstance(n, ast.stmt)), None)
    parent = module.parent(statement) if statement else None
    for node in (second, *module.ancestors(second)):
        if module.parent(node) is parent and isinstance(node, ast.stmt) and statement is not None:
            return statement.lineno < node.lineno and _same_block(parent, statement, node)
    return False


def _same_block(parent: ast.AST | None, one: ast.stmt, other: ast.stmt) -> bool:
    blocks = (getattr(parent, name, ()) for name in ("body", "orelse", "finalbody"))
    return any(one in block and other in block for block in blocks if isinstance(block, list))
