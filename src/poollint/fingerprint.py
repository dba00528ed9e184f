"""The identity of a finding: the same while the code around it moves and its numbers change."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

from poollint.facts import Finding


def fingerprints(findings: Iterable[Finding]) -> list[str]:
    """Return one fingerprint per finding, unique in the run.

    Hashed are the rule and what the finding is about: database and environment for arithmetic, else path, enclosing
    name and ordinal. Never a line, a number or a secret. Findings about the same thing are counted in their order.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    made = []
    for finding in findings:
        key = (finding.rule, *(finding.about or (finding.location.path, finding.database or "", *finding.environments)))
        text = "\0".join((*key, str(seen[key])) if seen[key] else key)
        made.append(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32])
        seen[key] += 1
    return made
