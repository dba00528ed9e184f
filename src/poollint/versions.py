"""Questions about declared versions: which declaration speaks for a file, and is it at least so much?

The nearest project folder above a file decides. A pin in a lock file answers everything; a range answers what it can,
and "cannot tell" is None.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from poollint.facts import Known, Origin, Setting, Unknown, Version

TOOLKITS = ("sqlalchemy", "flask-sqlalchemy", "sqlmodel")  # whoever declares one of them declares SQLAlchemy
# Distributions that bring a driver, or a dialect with one, of servers whose drivers no table says more about.
FURTHER_DRIVERS = frozenset(
    "psycopg2cffi mysql-connector-python mariadb pymssql pyodbc aioodbc oracledb cx-oracle snowflake-sqlalchemy "
    "sqlalchemy-redshift redshift-connector sqlalchemy-cockroachdb clickhouse-sqlalchemy trino sqlalchemy-bigquery "
    "ibm-db-sa cloud-sql-python-connector teradatasqlalchemy sqlalchemy-hana pyhive".split()
)


def declared(versions: Collection[Version], name: str, path: str) -> tuple[Version, ...]:
    """Return what speaks for the code at `path`: the nearest declarations, and the nearest pins that fit them."""
    of_name = [version for version in versions if version.name == name]
    nearest: tuple[Version, ...] = ()
    for folder in _upwards(path):
        here = tuple(version for version in of_name if version.folder == folder)
        pins = tuple(version for version in here if version.pinned)
        if pins:
            fitting = tuple(pin for pin in pins if all(allows(other.specifier, pin.pinned) for other in nearest))
            return _as_required(fitting or nearest or pins, here)
        nearest = nearest or here
    folders = {version.folder for version in versions if version.name in TOOLKITS}
    # Where one folder alone declares SQLAlchemy, it does so for all code: `third_party/requirements.txt`.
    is_everybodys = not nearest and len(folders) == 1 and not any(version.folder in folders for version in _above(versions, path))
    return tuple(version for version in of_name if version.folder in folders) if is_everybodys else nearest


def _above(versions: Iterable[Version], path: str) -> list[Version]:
    folders = set(_upwards(path))
    return [version for version in versions if version.folder in folders]


def _as_required(chosen: tuple[Version, ...], here: tuple[Version, ...]) -> tuple[Version, ...]:
    """A lock file holds everything; what the project's own files say of the library tells whether it is required."""
    own = [version for version in here if not _LOCK.search(version.location.path) or not version.required]
    if not own or any(version.required for version in own):
        return chosen
    for_developers = all(version.for_developers for version in own)
    return tuple(replace(version, required=False, for_developers=for_developers) for version in chosen)


_LOCK = re.compile(r"\.lock$|(^|/)pylock\.")


def at_least(versions: Iterable[Version], bound: str) -> bool | None:
    """Say whether every declared version is at least `bound` (True), below it (False), or cannot be told (None)."""
    answers = {_at_least(version, bound) for version in versions}
    return answers.pop() if len(answers) == 1 else None


def version_setting(versions: tuple[Version, ...], name: str) -> Setting:
    """Return the version as it is written: a pin, or Unknown that says the range."""
    pins = {version.pinned for version in versions if version.pinned}
    if len(pins) == 1:
        pinned = next(version for version in versions if version.pinned)
        return Known(pinned.pinned, Origin(f"{name} {pinned.pinned}", pinned.location))
    if not versions:
        return Unknown(f"no file declares {name}")
    first = versions[0]
    return Unknown(f"{name} is declared as {first.specifier or 'any version'}", Origin(name, first.location))


def allows(specifier: str, version: str | None) -> bool:
    """Say whether a specifier admits a version; an unreadable specifier admits every one."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return SpecifierSet(specifier).contains(version or "", prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True


def _at_least(version: Version, bound: str) -> bool | None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        clauses = [(c.operator, c.version) for c in SpecifierSet(version.specifier)]
        wanted = _release(bound)
        if any(_raises(operator, given, wanted) for operator, given in clauses):
            return True
        return False if any(_caps(operator, given, wanted) for operator, given in clauses) else None
    except (InvalidSpecifier, InvalidVersion, ValueError):
        return None


def _raises(operator: str, given: str, wanted: tuple[int, ...]) -> bool:
    """The clause alone keeps every allowed version at or above the bound."""
    return operator in (">=", ">", "~=", "==", "===") and _release(given) >= wanted


def _caps(operator: str, given: str, wanted: tuple[int, ...]) -> bool:
    """The clause alone keeps every allowed version below the bound."""
    release = _release(given)
    if operator == "<":
        return release <= wanted
    if operator == "<=" or (operator in ("==", "===") and not given.endswith(".*")):
        return release < wanted
    if operator in ("==", "~="):
        # ==2.0.* and ~=2.0.3 end before 2.1; ~=2.0 ends before 3.
        written = re.sub(r"\.\*$", "", given).split(".")
        kept = len(written) if operator == "==" else len(written) - 1
        prefix = release[:kept]
        return (*prefix[:-1], prefix[-1] + 1) <= wanted
    return False


def _release(version: str) -> tuple[int, ...]:
    from packaging.version import Version as Parsed

    release = Parsed(version.removesuffix(".*")).release
    return release + (0,) * (6 - len(release))


def _upwards(path: str) -> Iterator[str]:
    folder = posixpath.dirname(path)
    while True:
        yield folder
        if not folder:
            return
        folder = posixpath.dirname(folder)
