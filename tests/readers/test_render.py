"""Render: render.yaml."""

from __future__ import annotations

from collections.abc import Callable

from evidence import by_name, evidence, only

from poollint.commands import processes
from poollint.discover import Tree
from poollint.facts import Database, Pooler
from poollint.readers import render

MakeTree = Callable[[dict[str, str]], Tree]

RENDER = """\
databases:
  - name: orders-db
    plan: basic-1gb
    postgresMajorVersion: "16"
services:
  - type: web
    name: api
    runtime: python
    rootDir: backend
    numInstances: 3
    startCommand: gunicorn -w 2 app:app
    envVars:
      - key: DATABASE_URL
        fromDatabase: {name: orders-db, property: connectionString}
      - key: POOL_SIZE
        value: 7
      - fromGroup: shared
  - type: worker
    name: jobs
    runtime: docker
    dockerfilePath: ./worker/Dockerfile
    scaling: {minInstances: 1, maxInstances: 6}
    envVars:
      - key: DATABASE_URL
        fromDatabase: {name: orders-db, property: connectionPoolString}
  - type: redis
    name: cache
envVarGroups:
  - name: shared
    envVars:
      - {key: MODE, value: fast}
"""


def test_renders_services_have_counts_commands_and_folders(make_tree: MakeTree) -> None:
    found = by_name(render, make_tree({"render.yaml": RENDER, "worker/Dockerfile": "FROM python"}))
    assert set(found) == {"api", "jobs"}
    assert evidence(found["api"].instances) == (3, "numInstances", "render.yaml:10", "exact")
    assert found["api"].command and found["api"].command.shell == "gunicorn -w 2 app:app"
    assert found["api"].sources == ("backend",)
    assert evidence(found["jobs"].instances) == (6, "maxInstances", "render.yaml:22", "exact")
    assert found["jobs"].build and found["jobs"].build.dockerfile == "worker/Dockerfile"


def test_renders_command_runs_in_its_root_directory(make_tree: MakeTree) -> None:
    start = "#!/bin/sh\nflask db upgrade\ngunicorn -w 3 app:app\n"
    tree = make_tree(
        {"render.yaml": RENDER.replace("gunicorn -w 2 app:app", "bash ./start.sh"), "backend/start.sh": start, "backend/app.py": "app = 1"}
    )
    *_, web = processes(by_name(render, tree)["api"], tree)
    assert (web.entry, web.directory, evidence(web.processes)[::2]) == ("app:app", "backend", (3, "backend/start.sh:3"))


def test_a_service_of_render_that_states_no_count_runs_once(make_tree: MakeTree) -> None:
    tree = make_tree({"render.yaml": "services:\n  - type: web\n    name: api\n"})
    assert evidence(only(render, tree).instances)[0::3] == (1, "default")


def test_renders_database_is_reached_by_the_host_its_services_are_given(make_tree: MakeTree) -> None:
    tree = make_tree({"render.yaml": RENDER})
    database = only(render, tree, Database)
    url = by_name(render, tree)["api"].variables.variables["DATABASE_URL"]
    assert (database.provider, evidence(database.tier)[:3]) == (
        "render-postgres",
        ("basic-1gb", "plan", "render.yaml:3"),
    )
    assert evidence(url)[0] == f"postgresql://user:***@{database.hosts[0]}/orders-db"


def test_renders_pooled_string_is_a_pooler(make_tree: MakeTree) -> None:
    tree = make_tree({"render.yaml": RENDER})
    pooler = only(render, tree, Pooler)
    url = by_name(render, tree)["jobs"].variables.variables["DATABASE_URL"]
    assert pooler.hosts[0] in str(evidence(url)[0])
    assert evidence(pooler.mode)[0] == "transaction"


def test_variables_of_a_group_are_the_services_own(make_tree: MakeTree) -> None:
    variables = by_name(render, make_tree({"render.yaml": RENDER}))["api"].variables
    assert evidence(variables.variables["MODE"])[0] == "fast"
    assert evidence(variables.variables["POOL_SIZE"]) == ("7", "POOL_SIZE", "render.yaml:16", "exact")
    assert variables.complete
