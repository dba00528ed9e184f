"""ECS task definitions as JSON."""

from __future__ import annotations

from collections.abc import Callable

from evidence import evidence, only, why

from poollint.discover import Tree
from poollint.readers import ecs

MakeTree = Callable[[dict[str, str]], Tree]

TASK = """\
{"family": "orders",
 "cpu": "1024", "requiresCompatibilities": ["FARGATE"],
 "containerDefinitions": [
   {"name": "api", "image": "acme/api:1",
    "command": ["gunicorn", "app:app"],
    "environment": [{"name": "POOL_SIZE", "value": "9"}],
    "secrets": [{"name": "URL", "valueFrom": "arn:aws:ssm:x"}]},
   {"name": "agent", "image": "datadog/agent:7"}]}
"""


def test_a_task_definition_says_what_runs_and_not_how_often(make_tree: MakeTree) -> None:
    api = only(ecs, make_tree({"task-definition.json": TASK}))
    assert (api.name, api.kind, evidence(api.cpus)[0]) == ("orders", "task", 1.0)
    assert why(api.instances) == "the service, which is not in this file, has the count"
    assert api.command and (api.command.words, str(api.command.location)) == (
        ("gunicorn", "app:app"),
        "task-definition.json:5",
    )
    assert evidence(api.variables.variables["POOL_SIZE"]) == ("9", "POOL_SIZE", "task-definition.json:6", "exact")
    assert api.variables.secrets == {"URL": "aws-secret//arn:aws:ssm:x"}


def test_the_workflow_that_deploys_it_names_service_and_count(make_tree: MakeTree) -> None:
    workflow = """\
    jobs:
      deploy:
        environment: production
        steps:
          - uses: aws-actions/amazon-ecs-deploy-task-definition@v2
            with:
              task-definition: task-definition.json
              service: shop
              desired-count: 4
    """
    api = only(ecs, make_tree({"task-definition.json": TASK, ".github/workflows/d.yml": workflow}))
    assert (api.name, api.environment) == ("shop", "prod")
    assert evidence(api.instances) == (4, "desired-count", ".github/workflows/d.yml:9", "exact")
    assert evidence(api.rollout_instances)[0] == 8
