"""Flask-SQLAlchemy 2: the options that an engine has before the configuration's own are laid over them.

    apply_pool_defaults(app, options)            SQLALCHEMY_POOL_SIZE and its kind
    apply_driver_hacks(app, sa_url, options)     defaults of the driver
    SQLALCHEMY_ENGINE_OPTIONS, engine_options=   laid over what these two leave; `flask` does that

A subclass in the project may override both, and is followed like any other function. Up to 2.4 what such a method
returns is thrown away and the dict that it was given counts; since 2.5 what it returns counts. Measured with 2.4.4 and
2.5.1.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from poollint.facts import Known, Origin, Setting, Unknown, weakest
from poollint.python.evaluator import calls, flow, returns, urls
from poollint.python.evaluator.evaluate import World
from poollint.python.evaluator.values import Arguments, ClassRef, Frame, FunctionRef, Instance, Listing, Table, Traced, Url, Value
from poollint.python.libraries import Call, filler, reader
from poollint.python.sites import Site
from poollint.python.source import names
from poollint.sqlalchemy_tables import DEFAULTS, FLASK_2_KEYS, FLASK_EXTENSION

MYSQL = ("mysql", "mariadb")
_FOLLOWED = ("apply_pool_defaults", "apply_driver_hacks")
# Further methods through which a subclass changes the options of its engines; 3 no longer calls those of 2.
_HOOKS_OF_2 = frozenset({"create_engine", "get_engine"})
_HOOKS_OF_3 = frozenset({"_apply_driver_defaults", "_make_engine"})


@dataclass(frozen=True, slots=True)
class Hooks:
    """The methods of the project's subclass at one place that the installed version lets change the options.

    methods   those that version 2 calls, and that are followed
    unread    one that may do what it likes, where there is any
    since_25  whether what they return counts; None when the version does not say
    may_be_mysql  whether the project declares a driver of MySQL: a URL that is not known may be its
    """

    site: Site
    methods: Mapping[str, FunctionRef]
    unread: str | None
    since_25: bool | None
    may_be_mysql: bool

    def options(self, world: World, url: Value | None, dialect: Setting, bind: str) -> Table:
        """Return what version 2 starts from, for the engine of a bind or for that of no bind."""
        app, start = Unknown("the application"), Table({}, Origin(""))
        parts = urls.as_url(world, url) if url is not None else None
        hook = self.methods.get("apply_pool_defaults")
        options = self._left(world, hook, (app, start), bind) if hook else _pool_defaults(world, start)
        hook = self.methods.get("apply_driver_hacks")
        if hook is None:
            return _with_driver_defaults(dialect, self.may_be_mysql, options)
        target = replace(parts, is_object=True) if parts else Unknown("no URL is set")
        return self._left(world, hook, (app, target, options), bind)

    def _left(self, world: World, hook: FunctionRef, given: tuple[Value, ...], bind: str) -> Table:
        """Return the options that a hook leaves, its last argument before."""
        frame = calls.frame_for(world, hook, Arguments(given), self.site.call, self.site.module, None)
        name = calls.parameter_at(hook, len(given) - 1)
        if frame is None or name is None:
            return _unread(hook)
        frame = replace(frame, path=f"{frame.path}[{bind}]")  # the same place for every engine
        changed = None if self.since_25 else _changed(world, hook, frame, name)
        result = None if self.since_25 is False else _options_in(returns.returned(world, hook, frame))
        if self.since_25 is None and changed != result:
            return _unread(hook)
        return changed or result or _unread(hook)


def _changed(world: World, hook: FunctionRef, frame: Frame, name: str) -> Table | None:
    """Return the dict that a hook was given as it leaves it, also in `return super().apply_driver_hacks(...)`."""
    last = hook.node.body[-1]  # type: ignore[index]
    if isinstance(last, ast.Return) and isinstance(last.value, ast.Call):
        return _options_in(world.value(last.value, hook.module, frame))
    scope = names.scope_for(hook.module, hook.node)
    value = flow.name_in(world, scope, name, None, hook.module, frame, frame)
    return value if isinstance(value, Table) else None


def _options_in(result: Value) -> Table | None:
    """Return the options of `return options` and of `return sa_url, options`."""
    last = result.items[-1] if isinstance(result, Listing) and result.items else result
    return last if isinstance(last, Table) else None


def _unread(hook: FunctionRef) -> Table:
    reason = f"{hook.name}() of the project changes the options in a way that could not be read"
    return Table({}, Origin(hook.name, hook.module.location(hook.node)), False, reason)


def hooks_of(site: Site, is_3: bool | None, since_25: bool | None, may_be_mysql: bool) -> Hooks:
    """Return the hooks of the class that a place constructs; those of either version where `is_3` does not say."""
    unread = {True: _HOOKS_OF_3, False: _HOOKS_OF_2, None: {*_HOOKS_OF_2, *_HOOKS_OF_3, *_FOLLOWED}}[is_3]
    own = _own_methods(site)
    followed = {name: own[name][0] for name in _FOLLOWED if is_3 is False and len(own.get(name, ())) == 1}
    stopped = (name for name in own if name in unread or (name in _FOLLOWED and is_3 is False and name not in followed))
    return Hooks(site, followed, next(stopped, None), since_25, may_be_mysql)


def set_in_vain(site: Site) -> Iterator[tuple[str, ast.expr, FunctionRef]]:
    """Yield the options that the project's hooks of version 2 set, which version 3 never calls: name, value and hook."""
    own = _own_methods(site)
    for hook in (each for name in _FOLLOWED for each in own.get(name, ()) if not _is_called(each)):
        arguments = [*hook.node.args.posonlyargs, *hook.node.args.args]  # type: ignore[union-attr]
        options = arguments[-1].arg if arguments else ""
        for node in ast.walk(hook.node):
            match node:
                case ast.Assign(targets=[ast.Subscript(ast.Name(id=name), ast.Constant(value=str(key)))], value=value):
                    pass
                case ast.Call(ast.Attribute(ast.Name(id=name), "setdefault"), [ast.Constant(value=str(key)), value]):
                    pass
                case _:
                    continue
            if name == options and key in (*DEFAULTS, "poolclass"):
                yield key, value, hook


def _is_called(hook: FunctionRef) -> bool:
    """Say whether the project itself calls a hook, other than by `super()`."""
    receivers = (call.func.value for call in hook.module.calls_of(hook.name) if isinstance(call.func, ast.Attribute))
    return any(not (isinstance(each, ast.Call) and getattr(each.func, "id", "") == "super") for each in receivers)


def _own_methods(site: Site) -> Mapping[str, list[FunctionRef]]:
    """Return the methods of the constructed class and of the project's own classes that it descends from."""
    found: dict[str, list[FunctionRef]] = {}
    cls = names.resolve(site.module, site.call.func)
    resolved, depth = cls, 0
    while isinstance(resolved, ClassRef) and isinstance(cls, ClassRef) and depth < 5:
        owner = Instance(cls, None, Origin("self"), f"extension:{site.module.path}:{site.call.lineno}")
        for stmt in resolved.node.body:
            if isinstance(stmt, ast.FunctionDef):
                found.setdefault(stmt.name, []).append(FunctionRef(resolved.module, stmt, None, owner))
        bases, module = resolved.node.bases, resolved.module
        resolved, depth = names.resolve(module, bases[0]) if bases else None, depth + 1
    return found


# -- what the library's own methods do ---------------------------------------------------------------------------------


def _pool_defaults(world: World, options: Table) -> Table:
    for key, name in FLASK_2_KEYS.items():
        value = world.application(key) if world.application else None
        if value is not None and not (isinstance(value, Known) and value.value is None):
            options = options.put(name, value)
    return options


def driver_defaults(dialect: Setting, may_be_mysql: bool, values: Mapping[str, int]) -> dict[str, Value]:
    """Return what the extension sets for MySQL, as sure as it is that the server is one."""
    if isinstance(dialect, Unknown) and may_be_mysql:
        reason = "Flask-SQLAlchemy has a default of its own for MySQL, and the URL's driver is not known"
        return dict.fromkeys(values, Unknown(reason, dialect.origin))
    if not isinstance(dialect, Known) or dialect.value not in MYSQL:
        return {}
    certainty = weakest((dialect, Known(None, Origin(""), "default")))
    return {name: Traced(value, Origin("default of Flask-SQLAlchemy"), certainty) for name, value in values.items()}


def _with_driver_defaults(dialect: Setting, may_be_mysql: bool, options: Table) -> Table:
    for name, value in driver_defaults(dialect, may_be_mysql, {"pool_size": 10, "pool_recycle": 7200}).items():
        if name not in options.entries:
            options = options.put(name, value)
    return options


def _positions(call: Call, name: str, number: int) -> Value | None:
    """Return an argument of `super().hook(app, ...)`, or of `SQLAlchemy.hook(self, app, ...)`."""
    return call.get(name, number if call.owner is not None else number + 1)


@filler(f"{FLASK_EXTENSION}.apply_pool_defaults")
@reader(f"{FLASK_EXTENSION}.apply_pool_defaults")
def _base_pool_defaults(call: Call) -> Value:
    options = _positions(call, "options", 1)
    return _pool_defaults(call.world, options) if isinstance(options, Table) else call.unknown("options are not known")


@filler(f"{FLASK_EXTENSION}.apply_driver_hacks")
def _base_driver_defaults(call: Call) -> Value:
    options = _positions(call, "options", 2)
    url = _positions(call, "sa_url", 1) or _positions(call, "info", 1)
    if not isinstance(options, Table):
        return call.unknown("options are not known")
    return _with_driver_defaults(url.dialect if isinstance(url, Url) else Unknown("no URL"), False, options)


@reader(f"{FLASK_EXTENSION}.apply_driver_hacks")
def _base_driver_hacks(call: Call) -> Value:
    url = _positions(call, "sa_url", 1) or call.unknown("the URL is not passed")
    return Listing((url, _base_driver_defaults(call)), call.origin)
