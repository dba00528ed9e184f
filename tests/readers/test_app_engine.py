"""App Engine: app.yaml."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from evidence import evidence, only, why

from poollint.discover import Tree
from poollint.readers import app_engine

MakeTree = Callable[[dict[str, str]], Tree]

APP_ENGINE = """\
runtime: python312
service: api
entrypoint: gunicorn -w 2 main:app
%s
env_variables:
  POOL_SIZE: "3"
beta_settings:
  cloud_sql_instances: "p:r:i=tcp:5432"
"""


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [
        ("automatic_scaling:\n  max_instances: 12", (12, "max_instances", "app.yaml:5", "exact")),
        ("basic_scaling:\n  max_instances: 4", (4, "max_instances", "app.yaml:5", "exact")),
        ("manual_scaling:\n  instances: 2", (2, "instances", "app.yaml:5", "exact")),
        ("env: flex\nautomatic_scaling:\n  max_num_instances: 9", (9, "max_num_instances", "app.yaml:6", "exact")),
        ("env: flex", (20, "default of App Engine flexible", None, "estimate")),
    ],
)
def test_app_engines_ceiling(make_tree: MakeTree, scaling: str, expected: tuple) -> None:
    assert evidence(only(app_engine, make_tree({"app.yaml": APP_ENGINE % scaling})).instances) == expected


def test_app_engine_without_a_ceiling_is_unknown(make_tree: MakeTree) -> None:
    tree = make_tree(
        {"a/app.yaml": APP_ENGINE % "", "b/app.yaml": APP_ENGINE % "automatic_scaling:\n  max_instances: 2147483647"}
    )
    assert [why(w.instances) for w in app_engine.read(tree)] == [
        "max_instances is not set",
        "max_instances is switched off",
    ]


def test_app_engine_gives_command_variables_and_sockets(make_tree: MakeTree) -> None:
    api = only(app_engine, make_tree({"app.yaml": APP_ENGINE % ""}))
    assert (api.name, api.instance_connections) == ("api", ("p:r:i",))
    assert api.command and api.command.shell == "gunicorn -w 2 main:app"
    assert evidence(api.variables.variables["POOL_SIZE"])[0] == "3"
    assert api.variables.complete


def test_an_app_yaml_that_is_no_python_service_is_none(make_tree: MakeTree) -> None:
    tree = make_tree(
        {"app.yaml": "runtime: nodejs20\n", "k8s/app.yaml": "apiVersion: v1\nkind: Pod\nruntime: python\n"}
    )
    assert list(app_engine.read(tree)) == []
