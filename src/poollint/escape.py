"""Make text from strangers safe to print: nothing hidden, nothing that acts, no password."""

from __future__ import annotations

import re

# Control characters, bidirectional ones, invisible ones, line separators, and what is no text at all (lone surrogates).
HIDDEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
# Up to the last @ of the word: a password may hold any of @ / : when somebody forgot to quote it.
_PASSWORD = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*://[^\s:/@]*):[^\s]*@")


def visible(text: str) -> str:
    """Write hidden characters as escapes."""
    return HIDDEN.sub(_name, text)


def redact(text: str) -> str:
    """Put *** for the password of every URL. Facts hold none: this is the last line of defence."""
    return _PASSWORD.sub(r"\1:***@", text) if "://" in text else text


def clean(text: str) -> str:
    """Return what may be printed of a text: one line, visible, without passwords."""
    return visible(redact(text))


def inert(line: str) -> str:
    """Break what a CI system would take for a command of its own: `::error::`, `##[error]`, `##vso[…]`."""
    line = re.sub(r"##(?=\[|vso\[)", r"#\#", line)
    return re.sub(r"^(\s*):(?=:)", r"\1\:", line)


def _name(match: re.Match[str]) -> str:
    code = ord(match[0])
    names = {9: "\\t", 10: "\\n", 13: "\\r"}
    return names.get(code) or (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )
