"""Where a settings class of pydantic-settings looks, and what the files say that it names.

    YamlConfigSettingsSource(settings_cls)     the file of model_config's yaml_file, or of yaml_file=; TOML and JSON alike
    settings_customise_sources                 which sources count, the first that knows a field wins; v1: customise_sources
    env_file, secrets_dir                      weak evidence: a default that they replace is not known
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from poollint.facts import Unknown
from poollint.python.evaluator import expressions, settings
from poollint.python.evaluator.values import ClassRef, Instance, LibraryRef, Listing, Table, Value
from poollint.python.libraries.file_functions import file_named, of_file, path_text
from poollint.python.source import names
from poollint.python.source.modules import Modules
from poollint.python.source.scopes import FUNCTIONS

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import World
    from poollint.python.evaluator.settings import Bases, Field

_WORD = re.compile(r"\w+")
_PLAIN = frozenset({"init_settings", "env_settings", "dotenv_settings", "file_secret_settings"})
_OPTIONS = {f"pydantic_settings.{kind}ConfigSettingsSource": f"{kind.lower()}_file" for kind in ("Yaml", "Toml", "Json")}


class Source(NamedTuple):
    """One source of settings.

    name  the parameter of `settings_customise_sources`, the option that names a file, "" for one that is made there
    call  what makes the source of a file
    cls   the class that says so
    """

    name: str
    call: ast.Call | None = None
    cls: ClassRef | None = None


class _Known:
    """The sources of the settings classes of a project."""

    def __init__(self, modules: Modules) -> None:
        self.found: dict[ClassRef | str, list[Source] | None] = {}


def sources_of(world: World, bases: Bases) -> list[Source] | None:
    """Return the sources of settings, the strongest first; None where that is not readable."""
    found = world.modules.shared(_Known).found
    if bases[0] not in found:
        found[bases[0]] = _written(bases)
    return found[bases[0]]


def _written(bases: Bases) -> list[Source] | None:
    for cls in bases:
        if isinstance(cls, ClassRef) and (chooser := _chooser(cls)) is not None:
            match [inner.value for inner in ast.walk(chooser) if isinstance(inner, ast.Return)]:
                case [ast.Tuple(elts=sources)]:
                    return [_source(each, cls) for each in sources]
            return None
    return [Source("init_settings"), Source("env_settings")]


def _chooser(cls: ClassRef) -> ast.AST | None:
    """Return the method of a class that chooses its sources, with pydantic 1 that of its `class Config`."""
    for stmt in cls.node.body:
        if isinstance(stmt, FUNCTIONS) and stmt.name == "settings_customise_sources":
            return stmt
        for inner in stmt.body if isinstance(stmt, ast.ClassDef) and stmt.name == "Config" else ():
            if isinstance(inner, FUNCTIONS) and inner.name == "customise_sources":
                return inner
    return None


def _source(node: ast.expr, cls: ClassRef) -> Source:
    if isinstance(node, ast.Call):
        made = names.resolve(cls.module, node.func)
        return Source(_OPTIONS.get(made.name, "") if isinstance(made, LibraryRef) else "", node, cls)
    return Source(getattr(node, "id", ""))


def reads(world: World, bases: Bases) -> tuple[bool, bool]:
    """Say whether variables are read, and whether all that is read besides is known."""
    sources = sources_of(world, bases)
    if sources is None:
        return True, False
    found = {source.name for source in sources}
    return "env_settings" in found, found <= _PLAIN | set(_OPTIONS.values())


def comes_before(world: World, bases: Bases, one: str, other: str) -> bool:
    """Say whether a source is asked before another."""
    ordered = [source.name for source in sources_of(world, bases) or ()]
    return one in ordered and other in ordered and ordered.index(one) < ordered.index(other)


class FromFiles(NamedTuple):
    """What the files of a settings class say about a field.

    value      what they say, None when they are silent
    is_strong  no variable replaces it
    is_sure    no file that the repository does not have may say something else
    """

    value: Value | None
    is_strong: bool = False
    is_sure: bool = True


def from_files(world: World, owner: Instance, bases: Bases, found: Field, accepted: tuple[str, ...]) -> FromFiles:
    """Return what the sources that are files say about a field that is passed by these names."""
    sources = sources_of(world, bases) or []
    is_strong, is_sure = any(source.name == "env_settings" for source in sources), True
    for source in sources:
        is_strong = is_strong and source.name != "env_settings"
        for text in _files(world, owner, bases, source):
            path = file_named(world, owner.cls.module, text) if text else None
            is_sure = is_sure and path is not None
            document = of_file(world, path) if path is not None else None
            if path is not None and not isinstance(document, Table):
                return FromFiles(Unknown(f"{path} could not be read", owner.origin), is_strong, is_sure)
            for name in accepted if isinstance(document, Table) else ():
                if name in document.entries:
                    return FromFiles(document.entries[name], is_strong, is_sure)
    return FromFiles(None, is_sure=is_sure)


def _files(world: World, owner: Instance, bases: Bases, source: Source) -> Iterator[str | None]:
    """Yield the paths of a source's files, the last first, as that wins."""
    if source.call is None or source.cls is None or not source.name:
        return
    keyword = next((each.value for each in source.call.keywords if each.arg == source.name), None)
    expression = keyword or (source.call.args[1] if len(source.call.args) > 1 else None)
    if expression is not None:
        named: Value | None = expressions.evaluate(world, expression, source.cls.module, None)
    else:
        named = settings.config_option(world, owner, bases, source.name)
    yield from map(path_text, reversed(named.items) if isinstance(named, Listing) else (named,))


def replaced_by_file(
    world: World, owner: Instance, bases: Bases, found: Field, variables: tuple[str, ...]
) -> Unknown | None:
    """Return what is left of a default that a file of variables or of a secret may replace."""
    wanted = {name.lower() for name in (found.name, *variables)}
    unread = ("yaml_file", "toml_file", "json_file") if sources_of(world, bases) is None else ()
    for option in ("env_file", *unread):
        named = settings.config_option(world, owner, bases, option)
        for each in named.items if isinstance(named, Listing) else () if named is None else (named,):
            path = file_named(world, owner.cls.module, path_text(each)) if path_text(each) != ".env" else None
            if path is not None and wanted & set(_WORD.findall((world.modules.tree.text(path) or "").lower())):
                return Unknown(f"{path} may set {found.name}", owner.origin)
    folder = path_text(settings.config_option(world, owner, bases, "secrets_dir"))
    secrets = (file_named(world, owner.cls.module, f"{folder}/{name}") for name in sorted(_spelled(wanted)) if folder)
    path = next(filter(None, secrets), None)
    return Unknown(f"{path} sets {found.name}", owner.origin) if path is not None else None


def _spelled(names_of: set[str]) -> set[str]:
    """Return names as files of secrets spell them: in small letters, or in capitals as variables are."""
    return names_of | {name.upper() for name in names_of}
