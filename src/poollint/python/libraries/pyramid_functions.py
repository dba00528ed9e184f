"""Readers for Pyramid: where the settings of an application are handed on from.

    main(global_config, **settings)       what PasteDeploy passes (`paste`)
    Configurator(settings=settings)       keeps them: config.get_settings(), config.registry.settings
    includeme(config)                     `config.include("orders.models")` passes the Configurator of its package
    get_appsettings("production.ini")     those of a file
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator.values import Arguments, FunctionRef, LibraryObject, Table, Value
from poollint.python.libraries import Call, SUBCLASSED, attribute_reader, config_libraries, paste, reader
from poollint.python.libraries.file_functions import file_named
from poollint.python.source import names

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World
    from poollint.python.source.modules import Module, Modules

_CONFIGURATOR = "pyramid.config.Configurator"
_REGISTRY = "pyramid.registry.Registry"

SUBCLASSED.add(_CONFIGURATOR)


def parameter(world: World, function: FunctionRef, name: str) -> Value | None:
    """Return what PasteDeploy or Pyramid passes for a parameter, None for every other one."""
    args = function.node.args
    if args.kwarg and args.kwarg.arg == name:
        return world.modules.shared(paste.Applications).settings_of(world, function)
    if function.name == "includeme" and args.args and args.args[0].arg == name:
        return world.modules.shared(Configurators).of(world, function.module)
    return None


class Configurators:
    """The places of a project that make a Configurator with settings."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.calls = tuple(self._found())

    def of(self, world: World, module: Module) -> Value | None:
        """Return the only Configurator of a module's package, None when it has none or several."""
        package = module.name.partition(".")[0]
        own = [(other, call) for other, call in self.calls if other.name.partition(".")[0] == package]
        return world.value(own[0][1], own[0][0]) if len(own) == 1 else None

    def _found(self) -> Iterator[tuple[Module, ast.Call]]:
        for path in self.modules.containing(b"Configurator", b"pyramid"):
            module = self.modules.module(path)
            for call in _all_calls(module) if module and not module.is_test else ():
                if any(keyword.arg == "settings" for keyword in call.keywords):
                    yield module, call  # type: ignore[misc]


def _all_calls(module: Module) -> Iterator[ast.Call]:
    for name in sorted(module.called):
        for call in module.calls_of(name):
            if names.qualified(module, call.func) == _CONFIGURATOR:
                yield call


@reader(_CONFIGURATOR)
def _configurator(call: Call) -> Value:
    settings = call.get("settings")
    table = settings if isinstance(settings, Table) else Table({}, call.origin, False, "the settings are not known")
    return LibraryObject(_CONFIGURATOR, call.arguments, call.origin, call.node, _changed(table, call.module))


def _changed(settings: Table, module: Module) -> Table:
    """Return the settings without what the module that makes the Configurator sets in it afterwards."""
    for node in module.nodes:
        match node:
            case ast.Assign(targets=[ast.Subscript(value=ast.Attribute(attr="settings"), slice=key)]):
                keys = [key]
            case ast.Call(func=ast.Attribute(attr="add_settings"), args=[ast.Dict(keys=keys)], keywords=[]):
                pass
            case ast.Call(func=ast.Attribute(attr="add_settings")):
                keys = [None, *(ast.Constant(keyword.arg) for keyword in node.keywords)]
            case _:
                continue
        for key in keys:
            if isinstance(key, ast.Constant):
                value = Unknown("set in the Configurator", Origin(str(key.value), module.location(node)))
                settings = settings.put(key.value, value)
            else:
                settings = settings.opened("settings are added to the Configurator")
    return settings


@reader(f"{_CONFIGURATOR}.get_settings")
def _get_settings(call: Call) -> Value:
    return _settings(call.owner, call.origin)


@attribute_reader(f"{_CONFIGURATOR}.registry")
def _registry(base: Value, origin: Origin) -> Value:
    return LibraryObject(_REGISTRY, Arguments(), origin, None, getattr(base, "state", None))


@attribute_reader(f"{_REGISTRY}.settings")
def _settings(base: Value | None, origin: Origin) -> Value:
    state = getattr(base, "state", None)
    return state if isinstance(state, Table) else Unknown("the settings of the application", origin)


@reader("pyramid.paster.get_appsettings")
def _get_appsettings(call: Call) -> Value:
    file, _, name = (call.text(0, "config_uri") or "").partition("#")
    path = file_named(call.world, call.module, file)
    name = call.text(1, "name") or name or "main"
    found = call.world.modules.shared(paste.Applications).settings_in(path, name) if path else None
    return found or call.unknown("an ini file that is not known")


@reader("pyramid.settings.asbool")
def _asbool(call: Call) -> Value:
    value = call.first()
    if isinstance(value, Known) and value.value is None:
        return Known(False, call.origin)
    return config_libraries.as_boolean(value)
