"""Whether a value is of a type that Python or a library brings: what `isinstance` and `case int():` ask."""

from __future__ import annotations

from poollint.facts import Known
from poollint.python.evaluator.values import Listing, Member, Open, Table, Text, Url, Value

_URL = "sqlalchemy.engine.URL"
_PLAIN: dict[str, type] = {f"builtins.{kind.__name__}": kind for kind in (str, int, bool, float, bytes, object)}
_OTHERS = frozenset(f"builtins.{kind.__name__}" for kind in (list, tuple, dict, set, frozenset))
_MADE_OF_TEXT = frozenset({"pathlib.Path", "pathlib.PurePath", "pydantic.SecretStr", _URL})  # never of numbers
_MAPPINGS = frozenset("builtins.dict collections.abc.Mapping collections.abc.MutableMapping typing.Mapping typing.Dict".split())
# Whether a list, a tuple or a set was written is not kept.
_SEQUENCES = frozenset(
    "builtins.list builtins.tuple builtins.set builtins.frozenset builtins.object collections.abc.Sequence "
    "collections.abc.Iterable collections.abc.Collection typing.Sequence typing.Iterable".split()
)


def is_of(value: Value, kind: str) -> bool | None:
    """Say whether a value is of a type, by its canonical name; None where nobody can tell.

    Asked of a variable's default, this is about the default: what replaces it takes a way of its own.
    """
    match value:
        case Member(is_plain=False):  # it may be of a library's enum
            return kind == "builtins.object" if kind.startswith("builtins.") else None
        case Known(value=plain):
            # A field's text may be a path or a secret, its number may not.
            if kind in _OTHERS | _MAPPINGS or kind in _MADE_OF_TEXT and not isinstance(plain, str):
                return False
            return isinstance(plain, _PLAIN[kind]) if kind in _PLAIN else None
        case Text():
            return kind in ("builtins.str", "builtins.object")
        case Table():
            return kind in _MAPPINGS or kind == "builtins.object"
        case Listing():
            return None if kind in _SEQUENCES else False
        case Url():
            return kind == (_URL if value.is_object else "builtins.str")
        case Open() if kind == "builtins.str" and value.symbol.startswith("env:"):
            return True  # a variable that is set is text
    return None
