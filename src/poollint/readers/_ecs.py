"""What Amazon's services make of what is written, whichever file writes it: ECS, Lambda, RDS."""

from __future__ import annotations

import math
from dataclasses import replace

from poollint.facts import Known, Origin, Setting, Unknown, value_of

_DEPLOYMENT = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html"
DEFAULT_PERCENT = Known(200, Origin("maximumPercent, default of ECS", url=_DEPLOYMENT), "default")
LAMBDA_LIMITS = "https://docs.aws.amazon.com/lambda/latest/dg/limits.html"

# A quota of the account that all its functions share, and that new accounts start below.
ACCOUNT_CONCURRENCY = Known(
    1000, Origin("concurrency of the account, shared by its functions", url=LAMBDA_LIMITS), "estimate"
)
ONE_REQUEST = Known(1, Origin("one request per execution environment", url=LAMBDA_LIMITS), "default")
LAMBDA_TIMEOUT = Known(3, Origin("default of Lambda", url=LAMBDA_LIMITS), "default")


def rollout(instances: Setting, percent: Setting, two_sets: bool = False) -> Setting:
    """Return the tasks at the peak of a deployment: up to maximumPercent, or two full sets for blue/green."""
    if two_sets:
        percent = Known(200, Origin("blue/green keeps two full sets"), "default")
    if not isinstance(instances, Known):
        return instances
    if not isinstance(percent, Known):
        return percent
    return replace(
        instances,
        value=math.floor(instances.value * percent.value / 100),
        origin=Origin(
            f"{instances.origin.says} at {percent.value} % ({percent.origin.says})", instances.origin.location
        ),
        certainty="default" if "default" in (instances.certainty, percent.certainty) else instances.certainty,
    )


def lambda_instances(reserved: Setting | None) -> Setting:
    """Return the execution environments at once: what is reserved (0 is off), else the account's shared quota."""
    if reserved is None or isinstance(reserved, Known) and reserved.value == -1:
        return ACCOUNT_CONCURRENCY
    return reserved


def cpus(units: Setting | None, is_fargate: bool) -> Setting:
    """Return vCPUs from `cpu` units, 1,024 to one: on Fargate; on EC2 a process sees the cores of the host."""
    if not is_fargate:
        return Unknown("a process sees the cores of its host")
    if not isinstance(units, Known) or not str(units.value).isdigit():
        return Unknown("cpu is not set") if units is None else Unknown("cpu is no number of units", units.origin)
    return replace(units, value=int(units.value) / 1024)


# What RDS and Aurora use when no parameter group says otherwise: the table's row for the class holds then.
_DEFAULT_FORMULAS = frozenset(
    (
        "LEAST({DBInstanceClassMemory/9531392},5000)",
        "{DBInstanceClassMemory/12582880}",
        "LEAST({DBInstanceClassMemory/25165760},12000)",
    )
)


def limit(written: Setting, tier: Setting) -> tuple[Setting, Setting]:
    """Return (max_connections, tier) where a parameter group may hold a number or a formula over the class memory.

    AWS does not publish that memory. The default formula means the class's own limit; with another one the class says
    nothing either, so the tier is unknown too.
    """
    text = value_of(written)
    if not isinstance(text, str):
        return written, tier
    if text.replace(" ", "") in _DEFAULT_FORMULAS:
        return Unknown("max_connections is the default formula", Origin("default formula")), tier
    reason = Unknown(f"max_connections is the formula {text[:60]}", written.origin)
    return reason, reason
