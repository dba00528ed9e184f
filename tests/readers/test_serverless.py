"""The Serverless Framework: serverless.yml."""

from __future__ import annotations

from collections.abc import Callable

from evidence import evidence, facts, only, why

from poollint.discover import Tree
from poollint.facts import Database
from poollint.readers import serverless

MakeTree = Callable[[dict[str, str]], Tree]

SERVERLESS = """\
service: orders
custom:
  limit: 15
provider:
  name: aws
  stage: ${opt:stage, 'dev'}
  environment:
    POOL_SIZE: 1
    URL: ${ssm:/orders/url}
    STAGE: ${opt:stage, 'dev'}
    REGION: ${env:REGION}
functions:
  api:
    handler: app.main.handler
    reservedConcurrency: ${self:custom.limit}
  nightly:
    handler: app.jobs.nightly
    timeout: 120
resources:
  Resources:
    Database:
      Type: AWS::RDS::DBInstance
      Properties:
        Engine: mysql
        DBInstanceClass: db.t3.micro
"""


def test_functions_of_serverless_yml(make_tree: MakeTree) -> None:
    tree = make_tree({"serverless.yml": SERVERLESS})
    api, nightly = facts(serverless, tree)
    assert evidence(api.instances) == (15, "reservedConcurrency", "serverless.yml:15", "exact")
    assert evidence(api.request_timeout)[0::3] == (6, "default")
    assert evidence(nightly.instances)[0::3] == (1000, "estimate")
    assert evidence(nightly.request_timeout) == (120, "timeout", "serverless.yml:18", "exact")
    assert evidence(api.variables.variables["STAGE"])[0] == "dev"
    assert "which no file gives" in why(api.variables.variables["REGION"])
    assert "URL" in api.variables.secrets
    assert only(serverless, tree, Database).provider == "rds-mysql"


def test_variables_that_lead_in_a_circle_end(make_tree: MakeTree) -> None:
    text = SERVERLESS.replace("limit: 15", "limit: ${self:custom.other}\n  other: ${self:custom.limit}")
    assert "which no file gives" in why(facts(serverless, make_tree({"serverless.yml": text}))[0].instances)
