"""What App Runner makes of what is written, whichever file writes it.

https://docs.aws.amazon.com/apprunner/latest/api/API_CreateAutoScalingConfiguration.html
"""

from __future__ import annotations

from poollint.facts import Known, Origin, Setting
from poollint.readers import _ecs

_SCALING = "https://docs.aws.amazon.com/apprunner/latest/api/API_CreateAutoScalingConfiguration.html"
DEFAULT_SIZE = Known(25, Origin("default of App Runner", url=_SCALING), "default")
# A threshold for another instance, no limit on requests.
DEFAULT_CONCURRENCY = Known(100, Origin("default of App Runner", url=_SCALING), "default")


def rollout(instances: Setting) -> Setting:
    """Return the instances while a new version replaces the old one."""
    return _ecs.rollout(instances, Known(200, Origin("a deployment doubles them"), "default"))
