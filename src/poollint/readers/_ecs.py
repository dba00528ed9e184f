"""What ECS makes of a service and a task definition, whichever file writes them."""

from __future__ import annotations

import math
from dataclasses import replace

from poollint.facts import Known, Origin, Setting, Unknown

_DEPLOYMENT = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html"
DEFAULT_PERCENT = Known(200, Origin("maximumPercent, default of ECS", url=_DEPLOYMENT), "default")
LAMBDA_LIMITS = "https://docs.aws.amazon.com/lambda/latest/dg/limits.html"

# A quota of the account that all its functions share, and that new accounts start below.
ACCOUNT_CONCURRENCY = Known(1000, Origin("concurrency of the account, shared by its functions", url=LAMBDA_LIMITS), "estimate")
ONE_REQUEST = Known(1, Origin("one request per execution environment", url=LAMBDA_LIMITS), "default")
LAMBDA_TIMEOUT = Known(3, Origin("default of Lambda", url=LAMBDA_LIMITS), "default")


def rollout(instances: Setting, percent: Setting, two_sets: bool = False) -> Setting:
    """Return the tasks at the peak of a deployment: up to maximumPercent, or two full sets for blue/green and its kind."""
    if two_sets:
        percent = Known(200, Origin("blue/green keeps two full sets"), "default")
    if not isinstance(instances, Known):
        return instances
    if not isinstance(percent, Known):
        return percent
    return replace(
        instances,
        value=math.floor(instances.value * percent.value / 100),
        origin=Origin(f"{instances.origin.says} at {percent.value} % ({percent.origin.says})", instances.origin.location),
        certainty="default" if "default" in (instances.certainty, percent.certainty) else instances.certainty,
    )


def lambda_instances(reserved: Setting | None) -> Setting:
    """Return the execution environments at once: what is reserved (0 is off), else the account's shared quota."""
    if reserved is None or isinstance(reserved, Known) and reserved.value == -1:
        return ACCOUNT_CONCURRENCY
    return reserved


def cpus(units: Setting | None) -> Setting:
    """Return vCPUs from `cpu` units: 1024 are one."""
    if not isinstance(units, Known) or not str(units.value).isdigit():
        return Unknown("cpu is not set") if units is None else Unknown("cpu is no number of units", units.origin)
    return replace(units, value=int(units.value) / 1024)
