"""App Runner: apprunner.yaml, and its services in CloudFormation."""

from __future__ import annotations

from collections.abc import Callable

from evidence import evidence, facts, only, why

from poollint.discover import Tree
from poollint.readers import app_runner, cloudformation

MakeTree = Callable[[dict[str, str]], Tree]

FILE = """\
version: 1.0
runtime: python311
build: {commands: {build: [pip install -r requirements.txt]}}
run:
  command: gunicorn --workers 3 shop.web:app
  env:
    - {name: POOL_SIZE, value: "4"}
  secrets:
    - {name: DATABASE_URL, value-from: "arn:aws:secretsmanager:eu-west-1:1:secret:shop"}
"""
TEMPLATE = """\
Resources:
  Shop:
    Type: AWS::AppRunner::Service
    Properties:
      ServiceName: shop
      SourceConfiguration:
        ImageRepository:
          ImageIdentifier: 1.dkr.ecr.eu-west-1.amazonaws.com/shop:latest
          ImageConfiguration:
            StartCommand: gunicorn shop.web:app
            RuntimeEnvironmentVariables:
              - {Name: POOL_SIZE, Value: "4"}
            RuntimeEnvironmentSecrets:
              - {Name: DATABASE_URL, Value: "arn:aws:secretsmanager:eu-west-1:1:secret:shop"}
"""
SCALING = """\
  Scaling:
    Type: AWS::AppRunner::AutoScalingConfiguration
    Properties: {MaxSize: 6}
"""


def test_a_file_has_the_command_and_the_variables(make_tree: MakeTree) -> None:
    fact = only(app_runner, make_tree({"api/apprunner.yaml": FILE}))
    assert (fact.name, fact.platform, fact.sources) == ("api", "app-runner", ("api",))
    assert fact.command and fact.command.shell == "gunicorn --workers 3 shop.web:app"
    assert fact.variables.variables["POOL_SIZE"].value == "4" and not fact.variables.complete
    assert list(fact.variables.secrets) == ["DATABASE_URL"]
    assert "not in this file" in why(fact.instances)


def test_a_file_is_left_to_a_template_that_describes_the_service(make_tree: MakeTree) -> None:
    assert facts(app_runner, make_tree({"apprunner.yaml": FILE, "stack.yaml": TEMPLATE})) == []


def test_a_service_of_a_template_has_the_default_scaling(make_tree: MakeTree) -> None:
    fact = only(cloudformation, make_tree({"stack.yaml": TEMPLATE}))
    assert (fact.name, fact.image) == ("shop", "1.dkr.ecr.eu-west-1.amazonaws.com/shop:latest")
    assert evidence(fact.instances)[::3] == (25, "default")
    assert (fact.rollout_instances.value, fact.rollout_documented) == (50, True)
    assert (fact.concurrency.value, fact.concurrency_is_hard) == (100, False)
    assert fact.command and fact.command.shell == "gunicorn shop.web:app"
    assert fact.variables.variables["POOL_SIZE"].value == "4" and fact.variables.complete
    assert list(fact.variables.secrets) == ["DATABASE_URL"]


def test_a_service_of_a_template_follows_its_scaling_configuration(make_tree: MakeTree) -> None:
    arn = "      AutoScalingConfigurationArn: !GetAtt Scaling.AutoScalingConfigurationArn\n"
    fact = only(cloudformation, make_tree({"stack.yaml": TEMPLATE + arn + SCALING}))
    assert evidence(fact.instances) == (6, "MaxSize", "stack.yaml:18", "exact")
    assert fact.rollout_instances.value == 12


def test_a_scaling_configuration_elsewhere_is_unknown(make_tree: MakeTree) -> None:
    arn = "      AutoScalingConfigurationArn: arn:aws:apprunner:eu-west-1:1:autoscalingconfiguration/big\n"
    fact = only(cloudformation, make_tree({"stack.yaml": TEMPLATE + arn + SCALING}))
    assert why(fact.instances) == "the scaling configuration is not here"
