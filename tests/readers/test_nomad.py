"""Nomad: the tasks of job files."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from evidence import by_name, evidence, facts, only, why

from poollint.discover import Tree
from poollint.facts import Database
from poollint.readers import nomad

MakeTree = Callable[[dict[str, str]], Tree]

JOB = """\
variable "workers" {
  default = 3
}

job "shop" {
  type = "service"

  group "web" {
    count = 4

    task "web" {
      driver = "docker"
      config {
        image   = "registry.example/shop:1"
        command = "gunicorn"
        args    = ["--workers", "${var.workers}", "shop.web:app"]
      }
      env {
        POOL_SIZE    = "5"
        DATABASE_URL = "postgresql://shop:${PASSWORD}@db.internal.example.net/shop"
        HOST         = "${NOMAD_IP_http}"
      }
    }
  }
}
"""


def test_a_task_of_a_group_runs_as_often_as_its_count(make_tree: MakeTree) -> None:
    shop = only(nomad, make_tree({"deploy/prod/shop.nomad.hcl": JOB}))
    assert (shop.name, shop.platform, shop.environment, shop.image) == ("shop", "nomad", "prod", "registry.example/shop:1")
    assert evidence(shop.instances) == (4, "count", "deploy/prod/shop.nomad.hcl:9", "exact")
    assert shop.command and shop.command.words == ("gunicorn", "--workers", "3", "shop.web:app")
    assert str(shop.command.locations[2]) == "deploy/prod/shop.nomad.hcl:2"
    assert shop.entrypoint is None


def test_variables_are_read_without_passwords_and_what_nomad_fills_in_is_unknown(make_tree: MakeTree) -> None:
    given = only(nomad, make_tree({"shop.nomad": JOB})).variables
    assert given.complete
    assert evidence(given.variables["POOL_SIZE"])[:3] == ("5", "POOL_SIZE", "shop.nomad:19")
    assert evidence(given.variables["DATABASE_URL"])[0] == "postgresql://shop:***@db.internal.example.net/shop"
    assert "${NOMAD_IP_http}" in why(given.variables["HOST"])


@pytest.mark.parametrize(
    ("written", "instances"),
    [
        ("scaling { max = 9 }", 9),
        ("scaling {\n      enabled = false\n      max = 9\n    }", 4),
        ("", 4),
    ],
)
def test_an_autoscaler_replaces_the_count(make_tree: MakeTree, written: str, instances: int) -> None:
    text = JOB.replace("    count = 4\n", f"    count = 4\n    {written}\n")
    assert only(nomad, make_tree({"shop.nomad": text})).instances.value == instances


def test_without_a_count_one_is_believed(make_tree: MakeTree) -> None:
    shop = only(nomad, make_tree({"shop.nomad": JOB.replace("    count = 4\n", "")}))
    assert evidence(shop.instances)[::3] == (1, "estimate")


def test_a_system_job_runs_on_every_node(make_tree: MakeTree) -> None:
    shop = only(nomad, make_tree({"shop.nomad": JOB.replace('"service"', '"system"')}))
    assert why(shop.instances) == "one allocation per node of the cluster"


def test_a_batch_and_a_hook_before_the_start_run_once(make_tree: MakeTree) -> None:
    assert only(nomad, make_tree({"shop.nomad": JOB.replace('"service"', '"batch"')})).life == "one-off"
    hook = '    task "migrate" {\n      lifecycle { hook = "prestart" }\n      driver = "exec"\n'
    hook += '      config {\n        command = "alembic"\n        args = ["upgrade", "head"]\n      }\n    }\n'
    found = by_name(nomad, make_tree({"shop.nomad": JOB.replace('    task "web"', hook + '    task "web"')}))
    assert {name: fact.life for name, fact in found.items()} == {"shop/web": "long-lived", "shop/migrate": "one-off"}
    migrate = found["shop/migrate"]
    assert migrate.entrypoint and migrate.entrypoint.words == ("alembic", "upgrade", "head")


def test_a_template_may_add_variables(make_tree: MakeTree) -> None:
    template = '      template {\n        data = "A=1"\n        env = true\n        destination = "x"\n      }\n      env {'
    assert not only(nomad, make_tree({"shop.nomad": JOB.replace("      env {", template)})).variables.complete


def test_a_server_in_a_task_is_a_database(make_tree: MakeTree) -> None:
    text = JOB.replace("registry.example/shop:1", "postgres:16")
    assert [fact.dialect for fact in facts(nomad, make_tree({"db.nomad": text}), Database)] == ["postgresql"]


def test_another_file_of_that_language_is_nothing(make_tree: MakeTree) -> None:
    assert list(nomad.read(make_tree({"config.hcl": 'job = "x"\ntask = 1\n', "terraform.hcl": 'task "x" {}\n'}))) == []
