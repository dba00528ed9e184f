"""Zappa: the stages of its settings."""

from __future__ import annotations

from collections.abc import Callable

from evidence import evidence, facts

from poollint.discover import Tree
from poollint.readers import zappa

MakeTree = Callable[[dict[str, str]], Tree]

SETTINGS = """\
{
  "base": {
    "app_function": "shop.web.app",
    "timeout_seconds": 20,
    "environment_variables": {"POOL_SIZE": "1"}
  },
  "production": {"extends": "base", "lambda_concurrency": 50},
  "dev": {"extends": "base", "environment_variables": {"POOL_SIZE": "2"}, "remote_env": "s3://shop/env.json"}
}
"""


def test_every_stage_is_a_function_of_its_environment(make_tree: MakeTree) -> None:
    found = {fact.environment: fact for fact in facts(zappa, make_tree({"api/zappa_settings.json": SETTINGS}))}
    assert set(found) == {"prod", "dev"}
    production = found["prod"]
    assert (production.platform, production.life) == ("lambda", "per-invocation")
    assert evidence(production.instances) == (50, "lambda_concurrency", "api/zappa_settings.json:7", "exact")
    assert evidence(production.request_timeout) == (20, "timeout_seconds", "api/zappa_settings.json:4", "exact")
    assert (production.run[0].entry, production.run[0].directory) == ("shop.web:app", "api")
    assert production.variables.variables["POOL_SIZE"].value == "1" and production.variables.complete


def test_a_stage_replaces_what_it_extends_and_may_load_more_at_run_time(make_tree: MakeTree) -> None:
    found = {fact.environment: fact for fact in facts(zappa, make_tree({"zappa_settings.json": SETTINGS}))}
    assert found["dev"].variables.variables["POOL_SIZE"].value == "2"
    assert not found["dev"].variables.complete
    assert evidence(found["dev"].instances)[::3] == (1000, "estimate")


def test_without_more_the_defaults_hold(make_tree: MakeTree) -> None:
    (fact,) = facts(zappa, make_tree({"zappa_settings.yml": "dev: {app_function: app.app}\n"}))
    assert evidence(fact.request_timeout)[::3] == (30, "default")


def test_stages_that_extend_each_other_end(make_tree: MakeTree) -> None:
    text = '{"dev": {"extends": "prod"}, "prod": {"extends": "dev", "timeout_seconds": 5}}'
    assert len(facts(zappa, make_tree({"zappa_settings.json": text}))) == 2
