"""pgbouncer.ini: mode, sizes, backends. userlist.txt holds passwords and is never opened.

A file that a container mounts belongs to that container (its reader calls `applied`); one that nothing here mounts is a
pooler without hosts, which `link` leaves out unless something names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from poollint.environments import environment_of
from poollint.facts import Known, Location, Origin, Pooler, Setting, Target, Unknown

if TYPE_CHECKING:
    from poollint.discover import Tree

PLACES = (
    "/etc/pgbouncer/pgbouncer.ini",
    "/bitnami/pgbouncer/conf/pgbouncer.ini",
    "/opt/bitnami/pgbouncer/conf/pgbouncer.ini",
    "/pgbouncer/pgbouncer.ini",
    "/opt/pgbouncer/pgbouncer.ini",
    "/config/pgbouncer.ini",
)
MOST_LINES = 20_000
_SECRET = re.compile(r"password|auth_query|auth_user", re.IGNORECASE)


@dataclass(slots=True)
class Ini:
    """The sections that matter: option → value with its place; database line → its connection string's parts."""

    options: dict[str, Setting] = field(default_factory=dict)
    databases: dict[str, dict[str, str]] = field(default_factory=dict)
    places: dict[str, Location] = field(default_factory=dict)
    first: Location | None = None


def read(tree: Tree) -> Iterator[Pooler]:
    """Yield a pooler for every pgbouncer.ini."""
    for path in tree.named("pgbouncer*.ini", "*pgbouncer.ini"):
        with tree.guard(path):
            text = tree.text(path)
            if text is not None and "[pgbouncer]" in text:
                yield orphan(tree, path, text)


def orphan(tree: Tree, path: str, text: str) -> Pooler:
    """Return the pooler a file describes, without a host: what reaches it is for others to say."""
    folder = path.rpartition("/")[0]
    blank = Pooler(
        "pgbouncer", "pgbouncer", None, version=Unknown("the file does not say which PgBouncer reads it"), unit=folder
    )
    return replace(applied(blank, text, path), environment=environment_of(tree, path))


def read_ini(tree: Tree, path: str) -> Pooler | None:
    """Return the pooler that a file of the tree describes, or None."""
    text = tree.text(path) if path in tree else None
    return orphan(tree, path, text) if text is not None and "[pgbouncer]" in text else None


def applied(pooler: Pooler, text: str, path: str) -> Pooler:
    """Return the pooler as the file makes it: what the file leaves out has PgBouncer's default."""
    from poollint import images

    ini = parse(text, path)
    numbers = {
        "max_client_connections": "max_client_conn",
        "pool_size": "default_pool_size",
        "reserve_pool_size": "reserve_pool_size",
        "max_db_connections": "max_db_connections",
        "max_user_connections": "max_user_connections",
        "client_idle_timeout": "client_idle_timeout",
    }
    sizes = {name: _number(ini, option) for name, option in numbers.items()}
    mode = ini.options.get("pool_mode")
    port = _number(ini, "listen_port")
    changed = replace(
        pooler,
        location=pooler.location or ini.first,
        mode=images.mode_of(mode) if isinstance(mode, Known) else mode or _default_mode(),
        prepared_statements=images.support("pgbouncer", pooler.version, ini.options.get("max_prepared_statements")),
        listed_parameters=_listed(ini),
        backends=_backends(ini) or pooler.backends,
        sizes={name: _own_size(ini, name) for name, parts in ini.databases.items() if "pool_size" in parts},
        single_users=frozenset(name for name, parts in ini.databases.items() if "user" in parts),
        ports=(int(port.value),) if isinstance(port, Known) else pooler.ports or (6432,),
        **sizes,
    )
    return replace(changed, mode=_mode_of_databases(changed.mode, ini))


def parse(text: str, path: str) -> Ini:
    """Read the sections [pgbouncer] and [databases]; passwords are dropped on the way."""
    found, section = Ini(), ""
    for row, line in enumerate(text.splitlines()[:MOST_LINES]):
        stripped = line.strip()
        if not stripped or stripped[0] in ";#%":
            continue
        if stripped.startswith("["):
            section = stripped.strip("[]").strip().lower()
            if section == "pgbouncer":
                found.first = Location(path, row + 1, 1)
            continue
        name, equals, value = (part.strip() for part in stripped.partition("="))
        place = Location(path, row + 1, len(line) - len(line.lstrip()) + 1)
        if not equals:
            continue
        if section == "pgbouncer" and not _SECRET.search(name):
            found.options[name.lower()] = _value(value, name.lower(), place)
        elif section == "databases":
            found.databases[name] = _connection(value)
            found.places[name] = place
    return found


def _value(text: str, name: str, place: Location) -> Setting:
    if re.search(r"\$\{|\{\{|\$[A-Z]", text):
        return Unknown(f"{name} is filled in before it is read ({text[:40]})", Origin(name, place))
    return Known(text, Origin(name, place))


def _connection(text: str) -> dict[str, str]:
    parts = re.findall(r"(?<!\w)(\w+) *= *('(?:[^']|'')*'|\S+)", text)
    kept = {key.lower(): value.strip("'") for key, value in parts if key.lower() not in ("password", "auth_query")}
    return {**kept, "user": ""} if "user" in kept else kept  # that there is one user is enough to know


def _number(ini: Ini, option: str) -> Setting:
    from poollint import images

    setting = ini.options.get(option)
    if setting is None:
        return images.pooler_default("pgbouncer", option)
    if isinstance(setting, Unknown):
        return setting
    match = re.match(r"\d{1,9}", str(setting.value))
    if not match:
        return Unknown(f"{option} is not a plain number", setting.origin)
    return images.unlimited(replace(setting, value=int(match[0])), option)


def _default_mode() -> Setting:
    from poollint import providers

    return providers.default_mode("pgbouncer")


def _listed(ini: Ini) -> tuple[str, ...]:
    setting = ini.options.get("ignore_startup_parameters")
    text = str(setting.value) if isinstance(setting, Known) else ""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _backends(ini: Ini) -> dict[str, Target]:
    found = {}
    for name, parts in list(ini.databases.items())[:200]:
        port = parts.get("port", "")
        found[name] = Target(
            "postgresql",
            (parts.get("host") or "").lower() or None,
            int(port[:5]) if port.isdigit() else 5432,
            parts.get("dbname") or (None if name == "*" else name),
        )
    return found


def _own_size(ini: Ini, name: str) -> Setting:
    """Return the `pool_size` of one database line."""
    text, origin = ini.databases[name]["pool_size"], Origin("pool_size", ini.places[name])
    return Known(int(text), origin) if re.fullmatch(r"\d{1,9}", text) else Unknown("pool_size is not a plain number", origin)


def _mode_of_databases(general: Setting, ini: Ini) -> Setting:
    """Take the mode that every database line shares; where they differ, the mode is not one value."""
    written = [(name, parts["pool_mode"].lower()) for name, parts in ini.databases.items() if "pool_mode" in parts]
    if not written:
        return general
    values = {value for _, value in written}
    origin = Origin("pool_mode", ini.places[written[0][0]])
    if len(values) == 1 and len(written) == len(ini.databases):
        return Known(values.pop(), origin)
    if isinstance(general, Known) and values == {str(general.value)}:
        return general
    return Unknown("pool_mode differs between the databases of this pooler", origin)
