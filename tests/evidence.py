"""What tests of readers ask a setting: its value with the evidence for it, or why it is unknown."""

from __future__ import annotations

from poollint.facts import Known, Setting, Unknown


def evidence(setting: Setting) -> tuple[object, str, str | None, str]:
    """Return (value, says, place, certainty) of a known setting."""
    assert isinstance(setting, Known), setting
    place = str(setting.origin.location) if setting.origin.location else None
    return setting.value, setting.origin.says, place, setting.certainty


def why(setting: Setting) -> str:
    """Return the reason of an unknown setting."""
    assert isinstance(setting, Unknown), setting
    return setting.reason
