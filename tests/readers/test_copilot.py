"""AWS Copilot: manifest.yml."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from evidence import evidence, only

from poollint.discover import Tree
from poollint.readers import copilot

MakeTree = Callable[[dict[str, str]], Tree]

COPILOT = """\
name: api
type: Load Balanced Web Service
image:
  build: api/Dockerfile
count: %s
variables:
  POOL_SIZE: 5
secrets:
  DATABASE_URL: /copilot/db
%s
"""


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        ("3", (3, "count", "copilot/api/manifest.yml:5", "exact")),
        ("\n  range: 2-9", (9, "range", "copilot/api/manifest.yml:6", "exact")),
        ("\n  range:\n    min: 1\n    max: 7", (7, "max", "copilot/api/manifest.yml:8", "exact")),
        ("", (1, "default of Copilot", None, "default")),
    ],
)
def test_copilots_count(make_tree: MakeTree, count: str, expected: tuple) -> None:
    api = only(copilot, make_tree({"copilot/api/manifest.yml": COPILOT % (count, ""), "api/Dockerfile": "FROM python"}))
    assert evidence(api.instances) == expected
    assert evidence(api.rollout_instances)[0] == 2 * expected[0]
    assert api.build and (api.build.context, api.build.dockerfile) == ("api", "api/Dockerfile")
    assert api.variables.secrets == {"DATABASE_URL": "aws-secret///copilot/db"}


def test_copilots_environments_override_and_recreate_does_not_overlap(make_tree: MakeTree) -> None:
    text = COPILOT % ("3", "deployment:\n  rolling: recreate\nenvironments:\n  prod:\n    count: 10\n  test: {}")
    found = {w.environment: w for w in copilot.read(make_tree({"copilot/api/manifest.yml": text}))}
    assert evidence(found["prod"].instances)[0] == 10
    assert evidence(found["test"].instances)[0] == 3
    assert evidence(found["prod"].rollout_instances)[0] == 10
