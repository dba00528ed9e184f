"""AWS Chalice: the stages of its configuration."""

from __future__ import annotations

from collections.abc import Callable

from evidence import evidence, facts

from poollint.discover import Tree
from poollint.readers import chalice

MakeTree = Callable[[dict[str, str]], Tree]

CONFIG = """\
{
  "app_name": "shop",
  "environment_variables": {"MODE": "x", "POOL_SIZE": "1"},
  "stages": {
    "dev": {},
    "prod": {
      "reserved_concurrency": 40,
      "environment_variables": {"POOL_SIZE": "2"},
      "lambda_functions": {"api_handler": {"lambda_timeout": 25}}
    }
  }
}
"""


def test_every_stage_is_a_function_of_its_environment(make_tree: MakeTree) -> None:
    found = {fact.environment: fact for fact in facts(chalice, make_tree({"api/.chalice/config.json": CONFIG}))}
    assert set(found) == {"dev", "prod"}
    production = found["prod"]
    assert (production.name, production.platform, production.life) == ("shop", "lambda", "per-invocation")
    assert evidence(production.instances) == (40, "reserved_concurrency", "api/.chalice/config.json:7", "exact")
    assert evidence(production.request_timeout) == (25, "lambda_timeout", "api/.chalice/config.json:9", "exact")
    assert (production.run[0].entry, production.run[0].directory) == ("app:app", "api")
    variables = {name: setting.value for name, setting in production.variables.variables.items()}
    assert variables == {"MODE": "x", "POOL_SIZE": "2"}


def test_without_more_the_account_and_a_believed_timeout_hold(make_tree: MakeTree) -> None:
    found = {fact.environment: fact for fact in facts(chalice, make_tree({".chalice/config.json": CONFIG}))}
    assert evidence(found["dev"].instances)[::3] == (1000, "estimate")
    assert evidence(found["dev"].request_timeout)[::3] == (60, "estimate")


def test_another_configuration_is_nothing(make_tree: MakeTree) -> None:
    assert facts(chalice, make_tree({"config.json": CONFIG})) == []
