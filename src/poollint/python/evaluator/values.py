"""The values an expression can have, and how they become settings.

    Known, Unknown   plain values (facts.py); Traced and Open are the same with what the evaluator remembers about them
    Member           the plain value that a member of an enum stands for
    Text             a string of which only parts are known: f"postgresql://{user}@{host}/db"
    Table, Listing   dicts and sequences, each entry a value of its own; Row is a named tuple
    Url              a SQLAlchemy URL by its parts; it never holds a user name or a password
    FunctionRef, ClassRef, ModuleRef, LibraryRef, Partial   things that can be called or looked into
    Instance, LibraryObject                                 what calling a class of the project or of a library made

Everything is immutable: a changed dict is a new Table.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from poollint.facts import Certainty, Known, Origin, Setting, Unknown, weakest
from poollint.python.evaluator.memo import NOTHING, Rests

if TYPE_CHECKING:
    from poollint.python.source.modules import Module
    from poollint.python.source.scopes import Scope


@dataclass(frozen=True, slots=True)
class Trap:
    """Code that does not do what it says, found on the way to a value: `bool("False")` is True."""

    says: str
    fix: str


@dataclass(frozen=True, slots=True)
class Traced(Known):
    """A known plain value and where it came from.

    symbol     names the value whatever it is ("env:POOL_SIZE"), so that the same question gets the same answer
    variables  environment variables that may replace it
    traps      what went wrong on the way
    """

    symbol: str = ""
    variables: frozenset[str] = frozenset()
    traps: tuple[Trap, ...] = ()


@dataclass(frozen=True, slots=True)
class Open(Unknown):
    """A plain value that is not known, but has a name: two values with one symbol are the same value.

    absent    the variable may simply not be set: `or 5` and `except KeyError` then have their say
    excludes  dialects that the branches taken so far rule out
    """

    symbol: str = ""
    variables: frozenset[str] = frozenset()
    absent: bool = False
    excludes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Text:
    """A string in pieces: known text and values that are not known."""

    parts: tuple[str | Value, ...]
    origin: Origin
    symbol: str = ""
    variables: frozenset[str] = frozenset()

    @property
    def prefix(self) -> str:
        """Return the text before the first unknown piece."""
        return self.parts[0] if self.parts and isinstance(self.parts[0], str) else ""


@dataclass(frozen=True, slots=True)
class Table:
    """A dict: key → value. `complete` is False when keys may be there, or missing, that could not be read.

    reason   why it is not complete
    beneath  of a copy of `os.environ`: what is not among the entries is a variable of the process, and else in here
    """

    entries: Mapping[Any, Value]
    origin: Origin
    complete: bool = True
    reason: str = ""
    beneath: Table | None = None

    def get(self, key: Any) -> Value | None:
        """Return the value of a key, Unknown when it may be there, None when it is not."""
        if key in self.entries:
            return self.entries[key]
        return None if self.complete else Unknown(self.reason or "a part of the dict could not be read", self.origin)

    def put(self, key: Any, value: Value) -> Table:
        return replace(self, entries={**self.entries, key: value})

    def without(self, key: Any) -> Table:
        return replace(self, entries={k: v for k, v in self.entries.items() if k != key})

    def merged(self, other: Value) -> Table:
        """Return `{**self, **other}`."""
        if isinstance(other, Table) and other.beneath is not None:
            return replace(other, origin=self.origin, beneath=self.merged(other.beneath))
        if isinstance(other, Table):
            # Keys that an unread part may bring can replace what is known so far.
            kept = self.entries if other.complete else {key: _shadowed(key, other) for key in self.entries}
            complete, reason = self.complete and other.complete, self.reason or other.reason
            return Table({**kept, **other.entries}, self.origin, complete, reason, self.beneath)
        return self.opened(reason_of(other))

    def opened(self, reason: str) -> Table:
        """Return the table after something unreadable was merged into it."""
        return self.merged(Table({}, self.origin, False, reason))

    def __hash__(self) -> int:
        return hash((tuple(map(str, self.entries)), self.complete))


def _shadowed(key: Any, other: Table) -> Value:
    return Unknown(f"{key} may be replaced: {other.reason or 'a part of the dict could not be read'}", other.origin)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list, tuple or set."""

    items: tuple[Value, ...]
    origin: Origin
    complete: bool = True
    reason: str = ""  # why it is not complete


@dataclass(frozen=True, slots=True)
class Row(Listing):
    """A named tuple of a class that `namedtuple()` made; one of a class of the project is an Instance."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Url:
    """A database URL by its parts, each known or not; `driver` is Known(None) in a plain `postgresql://`.

    identities  what names the database beside the parts: "env:DATABASE_URL", "secret:kind/namespace/name/key"
    whole       the value it was made from when all of it came from one place: `str(url)` and comparisons go there
    is_object   a `sqlalchemy.URL`, not a string
    user        the hash of the user's name
    """

    dialect: Setting
    driver: Setting
    host: Setting
    port: Setting
    database: Setting
    query: Mapping[str, Setting] = field(default_factory=dict)
    query_complete: bool = True
    identities: tuple[str, ...] = ()
    whole: Value | None = None
    is_object: bool = False
    origin: Origin = Origin("")
    excludes: frozenset[str] = frozenset()
    user: int | None = None

    def __hash__(self) -> int:
        return hash((self.dialect, self.driver, self.host, self.port, self.database))


@dataclass(frozen=True, slots=True)
class Member(Traced):
    """A member of an enum of the project, by its value.

    is_plain  it is the value by itself, as those of StrEnum and IntEnum are; others only have it
    shown     what `str()` and f-strings make of it; None where that is the Python version's or a method's choice
    """

    cls: ClassRef = field(kw_only=True)
    name: str = field(kw_only=True)
    is_plain: bool = field(kw_only=True)
    shown: str | None = field(kw_only=True)

    @property
    def own_value(self) -> Traced:
        """Return `member.value`."""
        return Traced(self.value, self.origin, self.certainty, self.symbol, self.variables, self.traps)


class MemberKey(NamedTuple):
    """A member as the key of a dict, where it is not the same key as its value."""

    path: str
    line: int
    value: Any
    member: Hidden


class Hidden:
    """Keeps something beside a key without being part of it: all are equal."""

    def __init__(self, value: Value) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hidden)

    def __hash__(self) -> int:
        return 0


def same_value(left: Known, right: Known) -> bool:
    """Say whether two plain values are equal: a member of a plain enum equals only itself."""
    one, other = (value if isinstance(value, Member) and not value.is_plain else None for value in (left, right))
    if one is None and other is None:
        return bool(left.value == right.value)
    if one is None or other is None:
        return False
    return one.cls.node is other.cls.node and bool(one.value == other.value)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One call: the scope that runs, what its parameters hold, and the frame around it.

    bindings  name → value, or Pending: arguments nobody asks for are never evaluated
    path      names the call, so that equal calls share answers
    rests     what the bindings rest on
    """

    scope: ast.AST
    bindings: Mapping[str, Value | Pending]
    parent: Frame | None
    path: str
    depth: int
    rests: Rests


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """An expression that is evaluated when somebody asks."""

    expression: ast.expr
    module: Module
    frame: Frame | None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pending) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[ast.expr, str]:
        return self.expression, self.frame.path if self.frame else ""


@dataclass(frozen=True, slots=True)
class FunctionRef:
    """A function of the project; `owner` is what `self` or `cls` is bound to."""

    module: Module
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    frame: Frame | None = None
    owner: Value | None = None

    @property
    def name(self) -> str:
        return getattr(self.node, "name", "lambda")


@dataclass(frozen=True, slots=True)
class ClassRef:
    module: Module
    node: ast.ClassDef
    frame: Frame | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Holder:
    """A name of a scope that holds an instance from its making on: `settings = Settings(); settings.provider = ...`."""

    module: Module
    scope: Scope
    name: str
    frame: Frame | None


@dataclass(frozen=True, slots=True)
class Instance:
    """What calling a class of the project made; `arguments` is None when nobody knows who made it.

    prefixes  a settings object inside another one reads variables that begin so
    holder    where it got its first name, if attributes are set through that
    rests     what the arguments rest on
    """

    cls: ClassRef
    arguments: Arguments | None
    origin: Origin
    symbol: str = ""
    prefixes: tuple[str, ...] = ()
    delimiter: str = ""
    holder: Holder | None = None
    rests: Rests = field(default=NOTHING, compare=False)

    def __hash__(self) -> int:
        return hash((self.cls, self.symbol))


@dataclass(frozen=True, slots=True)
class Super:
    """`super()` in a method of the class `after`."""

    owner: Instance | ClassRef
    after: ast.ClassDef


@dataclass(frozen=True, slots=True)
class ModuleRef:
    module: Module


@dataclass(frozen=True, slots=True)
class NamespaceRef:
    """A folder without `__init__.py`, as `import app.core.config` binds it: what is in it depends on who imports."""

    name: str
    importer: Module


@dataclass(frozen=True, slots=True)
class LibraryRef:
    """Something outside the project by its canonical name: "sqlalchemy.pool.NullPool"; `owner` for bound methods."""

    name: str
    origin: Origin
    owner: Value | None = None


@dataclass(frozen=True, slots=True)
class LibraryObject:
    """What a call of a library made that the evaluator does not look into: `Env()`, `Flask(...)`, `create_engine(...)`.

    `state` is whatever the library's reader keeps between calls; `cls` is the project's subclass that was called.
    """

    name: str
    arguments: Arguments
    origin: Origin
    node: ast.AST | None = None
    state: Any = None
    cls: ClassRef | None = None

    def __hash__(self) -> int:
        return hash((self.name, self.origin))


@dataclass(frozen=True, slots=True)
class Partial:
    """`functools.partial(...)`."""

    function: Value
    arguments: Arguments

    def __hash__(self) -> int:
        return hash(self.function)


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call passes: `complete` is False when a `*` or `**` could not be read; `reason` says which.

    rests  what all of it rests on, None where nobody noted that
    """

    positional: tuple[Value | Pending, ...] = ()
    keywords: Mapping[str, Value | Pending] = field(default_factory=dict)
    complete: bool = True
    reason: str = ""
    rests: Rests | None = field(default=None, compare=False)

    def get(self, name: str, position: int | None = None) -> Value | None:
        """Return the argument of that name or position, None when it is not passed."""
        if name in self.keywords:
            return self.keywords[name]
        if position is not None and position < len(self.positional):
            return self.positional[position]
        return None if self.complete else Unknown(self.reason or f"{name} may be passed by a spread")

    def __hash__(self) -> int:
        return hash((len(self.positional), tuple(self.keywords), self.complete))


Value = (
    Known
    | Unknown
    | Text
    | Table
    | Listing
    | Url
    | FunctionRef
    | ClassRef
    | Instance
    | Super
    | ModuleRef
    | NamespaceRef
    | LibraryRef
    | LibraryObject
    | Partial
)
NO_ARGUMENTS = Arguments(rests=NOTHING)


# -- what values have in common ----------------------------------------------------------------------------------------


def origin_of(value: Value | None) -> Origin:
    """Return where a value comes from."""
    return getattr(value, "origin", None) or Origin("")


def reason_of(value: Value) -> str:
    """Return why a value is not known."""
    if isinstance(value, Unknown):
        return value.reason
    if isinstance(value, Text):
        return next((reason_of(part) for part in value.parts if not isinstance(part, (str, Known))), "")
    if isinstance(value, (Table, Listing, Url)):
        return getattr(value, "reason", "") or "only parts of it are known"
    if isinstance(value, LibraryObject):
        return f"made by {value.name}()"
    return f"is {described(value)}"


def symbol_of(value: Value) -> str:
    """Return the name of the value whatever it is, or "" when it has none."""
    if isinstance(value, (Traced, Open, Text, Instance)) and value.symbol:
        return value.symbol
    if isinstance(value, Known):
        return repr(value.value)
    if isinstance(value, Url) and value.whole is not None:
        return symbol_of(value.whole)
    if isinstance(value, LibraryRef) and value.owner is None:
        return value.name
    if isinstance(value, Text):
        pieces = [repr(part) if isinstance(part, str) else symbol_of(part) for part in value.parts]
        return "+".join(pieces) if all(pieces) else ""
    return ""


def variables_of(*values: Value) -> frozenset[str]:
    """Return the environment variables that may replace the values."""
    found: frozenset[str] = frozenset()
    for value in values:
        if isinstance(value, (Traced, Open)):
            found |= value.variables
        elif isinstance(value, Text):
            found |= value.variables | variables_of(*(part for part in value.parts if not isinstance(part, str)))
        elif isinstance(value, Url) and value.whole is not None:
            found |= variables_of(value.whole)
    return found


def traps_of(*values: Value) -> tuple[Trap, ...]:
    """Return what went wrong on the way to the values, each once."""
    return tuple(dict.fromkeys(trap for value in values if isinstance(value, Traced) for trap in value.traps))


def certainty_of(*values: Value) -> Certainty:
    """Return how sure a value is that was worked out from these."""
    return weakest(value for value in values if isinstance(value, Known))


def derived(
    result: Any, *inputs: Value, origin: Origin | None = None, symbol: str = "", trap: Trap | None = None
) -> Traced:
    """Return a known value that was worked out from others: as sure as the weakest of them, standing at the first."""
    traps = traps_of(*inputs)
    return Traced(
        result,
        origin or origin_of(inputs[0] if inputs else None),
        certainty_of(*inputs),
        shortened(symbol),
        variables_of(*inputs),
        (*traps, trap) if trap else traps,
    )


def unsettled(reason: str, *inputs: Value, origin: Origin | None = None, symbol: str = "") -> Open:
    """Return an unknown value that was worked out from others; it fails as the first of them does."""
    failure = inputs[0].failure if inputs and isinstance(inputs[0], Unknown) else ()
    origin = origin or origin_of(inputs[0] if inputs else None)
    return Open(reason, origin, shortened(symbol), variables_of(*inputs), failure=failure)


def unknown_as(value: Value, origin: Origin) -> Unknown:
    """Return an unknown value that is not known because another is not; it fails as that does."""
    return Unknown(reason_of(value), origin, failure=value.failure if isinstance(value, Unknown) else ())


def failing(problem: type[BaseException], origin: Origin, reason: str = "") -> Unknown:
    """Return what is left of a value whose making raises an exception: `except` may catch that."""
    return Unknown(reason or f"fails with {problem.__name__}", origin, failure=tuple(each.__name__ for each in problem.__mro__))


def shortened(symbol: str) -> str:
    """Return a symbol of bounded length: growing expressions must not fill memory."""
    if len(symbol) <= 300:
        return symbol
    from hashlib import blake2b

    return "#" + blake2b(symbol.encode("utf-8", "replace"), digest_size=16).hexdigest()


def operation(name: str, *values: Value) -> str:
    """Return the symbol of an operation, "" when one operand has none: then no two results are the same value."""
    symbols = [symbol_of(value) for value in values]
    return shortened(f"{name}({', '.join(symbols)})") if all(symbols) else ""


def described(value: Value) -> str:
    """Say in words what a value is that is no plain one."""
    match value:
        case Table():
            return "a dict"
        case Listing():
            return "a list"
        case FunctionRef() | Partial():
            return "a function"
        case ClassRef(node=node):
            return f"the class {node.name}"
        case Instance(cls=cls):
            return f"an instance of {cls.node.name}"
        case LibraryRef(name=name) | LibraryObject(name=name):
            return name
        case ModuleRef() | NamespaceRef():
            return "a module"
        case _:
            return "not a plain value"


def as_setting(value: Value, cast: Callable[[Any], Any] | None = None) -> Setting:
    """Return a plain setting: parts of texts that are not known make all of it unknown, and passwords are `***`."""
    match value:
        case Known():
            plain = redacted(value.value) if isinstance(value.value, str) else value.value
            return Known(cast(plain) if cast else plain, value.origin, value.certainty)
        case Unknown():
            return Unknown(value.reason, value.origin, maybe=value.maybe)
        case LibraryRef(name=name, owner=None) if name.startswith("sqlalchemy."):
            return Known(name, value.origin)  # a pool class
        case Text():
            return Unknown(reason_of(value), value.origin)
        case _:
            return Unknown(f"is {described(value)}", origin_of(value))


_SECRET_NAME = re.compile(
    r"passw|passphrase|passcode|\bpwd\b|_pwd|secret|token|private_?key|api_?key|credential|access_?key|sas_?key",
    re.IGNORECASE,
)
HIDDEN = "***"


def setting_of(name: str, value: Value) -> Setting:
    """Return the setting of an option that may be a secret by its name: then it is known, but never its text."""
    setting = as_setting(value)
    if isinstance(setting, Known) and setting.value not in (None, "") and is_secret_name(name):
        return Known(HIDDEN, setting.origin, setting.certainty)
    return setting


def is_secret_name(name: str) -> bool:
    """Say whether what is kept under a name is a password, a token or a key: `sslpassword`, `AUTH_TOKEN`."""
    return bool(_SECRET_NAME.search(name))


_PASSWORD = re.compile(r"(?<=://)([^/?#\s@:]*):([^/?#\s]*)@")
_SECRET_PARAMETER = re.compile(r"\b(\w*passw\w*|pwd|\w*token|\w*secret)=[^&\s]+", re.IGNORECASE)


def redacted(text: str) -> str:
    """Return the text with passwords of URLs and connection strings in it replaced."""
    if "://" in text:
        text = _PASSWORD.sub(r"\1:***@", text)
    return _SECRET_PARAMETER.sub(r"\1=***", text) if "=" in text else text
