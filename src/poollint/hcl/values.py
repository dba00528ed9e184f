"""What Terraform's expressions are worth: plain values, collections of settings, and references.

A value is a Setting whose Known value is None, a bool, a number, a str, a tuple of Settings, a dict of Settings, or
`Encoded` (what jsonencode was given). Its origin is where the literal is written, wherever it is used.

What only exists after an apply stays a reference: `google_sql_database_instance.main.private_ip_address` is the text
`${google_sql_database_instance.main.private_ip_address}`, and so is an unreadable part inside a longer text, so that a
URL keeps the parts that can be read. Such a text is a `Reference`: never a number, a word or an operand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from poollint.facts import Known, Setting, Unknown

LONGEST_TEXT = 20_000
LONGEST_LIST = 2_000
LARGEST_NUMBER = 10**15
NO_KEY = "no key"  # how the reason of a lookup begins that fails for certain


class Reference(str):
    """Text that holds `${...}`: something only an apply, or nobody, knows."""

    __slots__ = ()

    @property
    def is_single(self) -> bool:
        """True when the whole text is one token."""
        return self.startswith("${") and self.endswith("}") and self.count("${") == 1

    def at(self, step: str | int) -> Reference:
        """Return the reference to what lies below: `.0` stands for `[0]`, which a URL's host could not hold."""
        return Reference(f"{self[:-1]}.{step}}}")


def reference(*steps: str | int) -> Reference:
    """Return the reference to a traversal."""
    return Reference("${" + ".".join(str(step) for step in steps) + "}")


@dataclass(frozen=True, slots=True)
class Encoded:
    """The argument of jsonencode, kept as a value so that its parts keep their places."""

    setting: Setting


def step_into(setting: Setting, step: str | int) -> Setting:
    """Return what `.step` or `[step]` of a value is."""
    if isinstance(setting, Unknown):
        return setting
    value = setting.value
    if isinstance(value, Reference):
        if not value.is_single:
            return Unknown("part of a text", setting.origin)
        return replace(setting, value=value.at(step))
    if isinstance(value, dict):
        found = value.get(str(step))
        return found if found is not None else Unknown(f"{NO_KEY} {step!s:.40}", setting.origin)
    if isinstance(value, tuple) and (index := _index(step)) is not None and -len(value) <= index < len(value):
        return value[index]
    return Unknown(f"nothing at {step!s:.40}", setting.origin)


def _index(step: str | int) -> int | None:
    try:
        return int(step)
    except ValueError:
        return None


def is_number(value: Any) -> bool:
    """True for an int or a float; to Python True is an int as well."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_plain(setting: Setting) -> bool:
    """True for a value that compares: no reference, no collection of settings."""
    return isinstance(setting, Known) and not isinstance(setting.value, (Reference, tuple, dict, Encoded))


def operand(setting: Setting) -> Any:
    """Return a plain value, None for everything else."""
    return setting.value if isinstance(setting, Known) and is_plain(setting) else None


def tidy(value: float) -> int | float:
    """Return an int for a whole number: Terraform has one kind of number."""
    return int(value) if float(value).is_integer() else value


def numeric(value: Any) -> int | float | None:
    """Return the number that a number or a text of digits is to Terraform, else None."""
    if isinstance(value, str) and not isinstance(value, Reference) and re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", value):
        return tidy(float(value))
    return value if is_number(value) else None


def as_text(setting: Setting) -> str | None:
    """Return how Terraform prints a plain value inside a text, or None when it does not."""
    value = operand(setting)
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def pairs_of(setting: Setting) -> list[tuple[Known, Setting]] | None:
    """Return (key, value) of a list or map, or None when it is neither or unknown."""
    if not isinstance(setting, Known):
        return None
    if isinstance(setting.value, dict):
        return [(Known(key, value.origin), value) for key, value in setting.value.items()]
    if isinstance(setting.value, tuple):
        return [(Known(index, value.origin), value) for index, value in enumerate(setting.value)]
    return None
