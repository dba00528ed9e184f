"""Where a value is written, in one short word for assertions."""

from __future__ import annotations

from typing import Any

from poollint.facts import Setting, value_of


def at(setting: Setting) -> tuple[Any, str]:
    """Return a setting's value and place: `at(api.instances) == (3, "k8s/app.yaml:6")`."""
    return value_of(setting), str(setting.origin.location)
