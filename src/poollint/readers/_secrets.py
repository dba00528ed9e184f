"""What a Secret of the project says of a database: where it is, never who opens it."""

from __future__ import annotations

import base64
import re

from poollint.readers._passwords import HIDDEN, hide

_LONGEST = 32_768  # characters; a Secret may hold whole files
_SCHEME = r"(?:postgres|postgresql|mysql|mariadb|cockroachdb|mssql|oracle)(?:\+\w{1,20})?"
# Where a password holds `?`, or a parameter `@`, nobody can tell which is which.
_URL = re.compile(
    rf"(?P<scheme>{_SCHEME})://(?P<user>[^\s?]*@)?(?P<host>[\w.-]*)(?P<port>:\d{{1,5}})?(?P<name>/[\w.-]*)?"
    r"(?:\?(?P<query>[^\s@]*))?"
)
_FILE = re.compile(r"sqlite(?:\+\w{1,20})?:///[\w./-]*")
_PLACE = re.compile(r"(^|_)(host|hostname|server|endpoint|port|db|dbname|database|db_name|database_name)$")
_WORD = re.compile(r"[\w.-]{1,253}")
# Values of a URL's parameters that are no secret, whatever the parameter is called: `require`, `0`, `verify-full`.
_PARAMETER = re.compile(r"(?P<key>\w+)=(?:\d{1,6}|true|false|on|off|require|prefer|disable|allow|verify-ca|verify-full)")
_SOCKET = re.compile(r"host=/[\w./:-]+")
# What somebody is to replace before the file is applied.
_PLACEHOLDER = re.compile(
    r"(?<![a-z])(change|changeme|replace|replaceme|placeholder|your|example|dummy|xxx+|host|hostname)(?![a-z])"
    r"|change_?me|replace_|your_|_here(?![a-z])|\.\.\.",
    re.IGNORECASE,
)


def place_in(key: str, text: str, *, is_encoded: bool) -> str | None:
    """Return what an entry tells of a database's place; None when it tells nothing, or nothing that may be kept."""
    text = _decoded(text) if is_encoded else text
    text = text.strip() if text is not None and len(text) <= _LONGEST else ""
    if match := _URL.fullmatch(text):
        return _place_of(match)
    if _FILE.fullmatch(text):
        return text
    is_place = _PLACE.search(key.lower().replace("-", "_").replace(".", "_")) and hide(key, text) == text
    return text if is_place and _WORD.fullmatch(text) and not _PLACEHOLDER.search(text) else None


def _decoded(text: str) -> str | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except ValueError:
        return None


def _place_of(match: re.Match[str]) -> str | None:
    host, name, query = match["host"], match["name"] or "", match["query"]
    pairs = [_parameter(pair) for pair in query.split("&")] if query else []
    if not host and not any(_SOCKET.fullmatch(pair) for pair in pairs):
        return None
    if _PLACEHOLDER.search(host) or _PLACEHOLDER.search(name):
        return None
    user = f"{HIDDEN}:{HIDDEN}@" if match["user"] else ""
    return f"{match['scheme']}://{user}{host}{match['port'] or ''}{name}{'?' if pairs else ''}{'&'.join(pairs)}"


def _parameter(pair: str) -> str:
    """Return a parameter of a URL, its value only where it is harmless."""
    return pair if _PARAMETER.fullmatch(pair) or _SOCKET.fullmatch(pair) else f"{pair.partition('=')[0]}={HIDDEN}"
