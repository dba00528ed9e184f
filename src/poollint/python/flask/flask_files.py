"""The files and variables that a Flask configuration is loaded from.

    from_pyfile("settings.cfg")          a Python file beside the application, or in its instance folder
    from_envvar("APP_SETTINGS")          the Python file that the variable names
    from_file("app.toml", load=...)      what the function makes of the file
    from_json("app.json")                the same, up to Flask 2.0
    from_prefixed_env()                  FLASK_KEY='{"pool_size": 20}', and FLASK_KEY__pool_size=20 for an entry

A file that is not in the repository is Unknown with its name; of an option that no settings file shown in the repository
speaks of, the default holds until somebody sets it there. With `silent=True`, or where the code asks first whether
there is one, it may be there or not: then the code's own values hold, and somebody's file may replace them.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import branching, containers
from poollint.python.evaluator.evaluate import World
from poollint.python.evaluator.values import Arguments, LibraryObject, LibraryRef, ModuleRef, Table, Traced, Value, origin_of
from poollint.python.libraries.file_functions import file_named, of_json
from poollint.python.source.modules import Module, Modules

METHODS = ("from_pyfile", "from_envvar", "from_file", "from_json", "from_prefixed_env")
PERHAPS = Unknown("a file that may not be there")  # told apart by identity


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """One call that loads a configuration."""

    module: Module
    call: ast.Call

    @property
    def place(self) -> ast.AST:
        return self.call

    @property
    def method(self) -> str:
        return self.call.func.attr if isinstance(self.call.func, ast.Attribute) else ""

    @property
    def origin(self) -> Origin:
        return Origin(self.method, self.module.location(self.call))


@dataclass(frozen=True, slots=True)
class Entries:
    """What a call sets inside the dict that a key holds, by the keys on the way to each."""

    values: tuple[tuple[tuple[str, ...], Value], ...]

    def laid_over(self, value: Value | None) -> Value:
        """Return a dict with these entries, as Flask makes one where there is none."""
        for keys, entry in self.values:
            names: list[Value] = [Traced(key, origin_of(entry)) for key in keys]
            value = containers.put(value or Table({}, origin_of(entry)), names, entry, origin_of(entry))
        return value or Table({}, Origin(""))


def from_environment(world: World, load: Load, key: str) -> Value | Entries | None:
    """Return a key of `from_prefixed_env()`, None when no variable sets it, PERHAPS when that cannot be told."""
    name = variable_of(world, load, key)
    if name is None:
        return PERHAPS
    variables = world.environment.variables
    # Whichever variables begin so: an environment that has another of them is another case.
    for read in (name, f"{name}__*"):
        world.rests_on_variable(read)
    whole = _parsed(world, load, name) if name in variables else None
    below = tuple(
        (tuple(found.removeprefix(f"{name}__").split("__")), _parsed(world, load, found))
        for found in sorted(variables)
        if found.startswith(f"{name}__")
    )
    if below:
        return Entries(below).laid_over(whole) if whole is not None else Entries(below)
    return whole if whole is not None or world.environment.complete else PERHAPS


def variable_of(world: World, load: Load, key: str) -> str | None:
    """Return the variable that `from_prefixed_env()` reads a key from, None when its prefix is not known."""
    prefix = world.arguments(load.call, load.module).get("prefix", 0) or Known("FLASK", load.origin)
    return f"{prefix.value}_{key}" if isinstance(prefix, Known) else None


def _parsed(world: World, load: Load, name: str) -> Value:
    """Return a variable as `loads` reads its text; what it refuses stays text."""
    value = world.variable(name, None, load.origin)
    if not isinstance(value, Known) or not isinstance(value.value, str):
        return value
    loads = world.arguments(load.call, load.module).get("loads")
    if loads is None:
        return of_json(value) or value
    return world.call(loads, Arguments((value,)), load.call, load.module)


def loaded(world: World, load: Load) -> Table | ModuleRef | Unknown:
    """Return what the file of a call holds, PERHAPS where it is optional and not here."""
    given = world.arguments(load.call, load.module)
    silent = given.get("silent", 2 if load.method == "from_file" else 1)
    first = given.positional[0] if given.positional else next(iter(given.keywords.values()), None)
    name = first.value if isinstance(first, Known) and isinstance(first.value, str) else None
    if load.method == "from_envvar" and name is not None:
        named = world.variable(name, None, load.origin)
        known = isinstance(named, Known) and isinstance(named.value, str)
        missing, name = f"the file that {name} names is not known", named.value if known else None  # type: ignore[union-attr]
    else:
        missing = f"{name or 'the configuration file'} is not in the repository"
    path = _path(world, load, name)
    if path is None:
        is_silent = isinstance(silent, Known) and bool(silent.value)
        return PERHAPS if is_silent or is_asked_for(load) else Unknown(missing, load.origin)
    if load.method in ("from_pyfile", "from_envvar"):
        module = world.modules.module(path)
        return ModuleRef(module) if module else Unknown(f"{path} could not be read", load.origin)
    reads = given.get("load", 1) if load.method == "from_file" else LibraryRef("json.load", load.origin)
    opened = LibraryObject("builtins.open", Arguments(), load.origin, load.call, f"/{path}")
    found = world.call(reads, Arguments((opened,)), load.call, load.module) if reads else None
    return found if isinstance(found, Table) else Unknown(f"{path} could not be read", load.origin)


_SETTINGS_FILE = re.compile(r"(^|/)[^/]*(settings|config|\.cfg|\.conf)[^/]*$")
_URI = re.compile(rb"^[ \t]*(?:SQLALCHEMY_)?DATABASE_UR[IL][ \t]*=", re.M)


class Shown:
    """The settings files that a project holds and that name a database: `config.py.example`, `docker/settings.py`."""

    def __init__(self, modules: Modules) -> None:
        self.contents = [content for _, content in modules.beside(_SETTINGS_FILE) if _URI.search(content)]

    def do_without(self, key: str) -> bool:
        """Say whether none of them sets a key: who runs the program writes such a file, and nobody tells him of it."""
        return bool(self.contents) and not any(key.encode() in content for content in self.contents)


_ABSENT = frozenset(
    "FileNotFoundError OSError IOError EnvironmentError RuntimeError ImportError ModuleNotFoundError".split()
)
_ASKED = frozenset({"environ", "getenv", "exists", "isfile", "is_file"})


def is_asked_for(load: Load) -> bool:
    """Say whether the code goes on without the file or module: `if "APP_SETTINGS" in os.environ`, `except FileNotFoundError`."""
    child: ast.AST = load.call
    for parent in load.module.ancestors(child):
        if isinstance(parent, ast.If) and child in parent.body and _words(parent.test) & _ASKED:
            return True
        if isinstance(parent, ast.Try) and child in parent.body and any(_goes_on(h) for h in parent.handlers):
            return True
        child = parent
    return False


def _goes_on(handler: ast.ExceptHandler) -> bool:
    caught = _words(handler.type) if handler.type is not None else set()
    return bool(caught & _ABSENT) and not branching.leaves(handler.body)


def _words(expression: ast.AST) -> set[str]:
    """Return the last words of the names in an expression."""
    named = (node for node in ast.walk(expression) if isinstance(node, (ast.Name, ast.Attribute)))
    return {node.id if isinstance(node, ast.Name) else node.attr for node in named}


def _path(world: World, load: Load, name: str | None) -> str | None:
    """Return the file in the application's folder, or in its instance folder where the application looks there."""
    applications = load.module.calls_of("Flask")
    in_instance = any(keyword.arg == "instance_relative_config" for call in applications for keyword in call.keywords)
    inside = file_named(world, load.module, f"instance/{name}") if name and in_instance else None
    return inside or file_named(world, load.module, name)
