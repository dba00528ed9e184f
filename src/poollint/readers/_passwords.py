"""Text without its passwords, as readers keep it: what identifies a database stays, who opens it does not."""

from __future__ import annotations

import re

# What some tool fills in before the file is used.
PLACEHOLDER = re.compile(r"\$\{[^}]*\}|\{\{.*?\}\}|<[A-Z][A-Z0-9_-]*>|(?<![\w$])\$[A-Z][A-Z0-9_]+\b")
_DSN_PASSWORD = re.compile(r"\b(password|passwd|pwd)=([^\s;&'\"]+)", re.IGNORECASE)
_SENSITIVE_NAME = re.compile(r"PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|PRIVATE_KEY|API_?KEY|CREDENTIAL", re.IGNORECASE)
_HARMLESS = re.compile(r"\d{0,6}|true|false", re.IGNORECASE)
# Up to the last @ before a query: an unescaped password may hold / and @ as well.
_USERINFO = re.compile(r"([A-Za-z][\w+.-]{0,40}://)(?:([^\s?'\"]*)@|(\S*)@)")
HIDDEN = "***"


def hide(name: str, text: str) -> str:
    """Return the text without passwords: what identifies a database stays, who opens it does not."""
    if "://" in text:
        text = _USERINFO.sub(_hide_userinfo, text)
    text = _DSN_PASSWORD.sub(rf"\1={HIDDEN}", text)
    if _SENSITIVE_NAME.search(name) and "://" not in text and not _HARMLESS.fullmatch(text):
        return HIDDEN
    return text


def _hide_userinfo(match: re.Match[str]) -> str:
    user, colon, _ = (match[2] or match[3] or "").partition(":")
    # A placeholder in the user name decides nothing about where the URL points.
    user = HIDDEN if PLACEHOLDER.search(user) else user
    return f"{match[1]}{user}{':' + HIDDEN if colon else ''}@"
