"""DigitalOcean's App Platform: .do/app.yaml."""

from __future__ import annotations

from collections.abc import Callable

from evidence import by_name, evidence, only, why

from poollint.commands import processes
from poollint.discover import Tree
from poollint.facts import Database
from poollint.readers import digitalocean

MakeTree = Callable[[dict[str, str]], Tree]

DO = """\
name: shop
databases:
  - name: db
    engine: PG
services:
  - name: api
    source_dir: /backend
    run_command: gunicorn app:app
    instance_count: 3
    envs:
      - key: DATABASE_URL
        value: ${db.DATABASE_URL}
      - key: TOKEN
        type: SECRET
        value: EV[1:abc]
workers:
  - name: jobs
    dockerfile_path: worker/Dockerfile
    autoscaling: {min_instance_count: 1, max_instance_count: 5}
"""


def test_digitaloceans_components_and_their_database(make_tree: MakeTree) -> None:
    tree = make_tree({".do/app.yaml": DO})
    found, database = by_name(digitalocean, tree), only(digitalocean, tree, Database)
    assert evidence(found["api"].instances) == (3, "instance_count", ".do/app.yaml:9", "exact")
    assert evidence(found["jobs"].instances) == (5, "max_instance_count", ".do/app.yaml:19", "exact")
    assert found["api"].sources == ("backend",)
    assert evidence(found["api"].variables.variables["DATABASE_URL"])[0] == (
        f"postgresql://user:***@{database.hosts[0]}:25060/db"
    )
    assert why(found["api"].variables.variables["TOKEN"]) == "TOKEN is a secret of the platform"
    assert (database.provider, database.ports) == ("digitalocean-postgresql", (25060,))


def test_digitaloceans_command_runs_in_its_source_directory(make_tree: MakeTree) -> None:
    start = "#!/bin/sh\ngunicorn -w 3 app:app\n"
    files = {".do/app.yaml": DO.replace("gunicorn app:app", "./start.sh"), "backend/start.sh": start, "backend/app.py": "app = 1"}
    tree = make_tree(files)
    (web,) = processes(by_name(digitalocean, tree)["api"], tree)
    assert (web.entry, web.directory, evidence(web.processes)[::2]) == ("app:app", "backend", (3, "backend/start.sh:2"))


def test_the_size_of_a_database_of_app_platform_is_its_tier(make_tree: MakeTree) -> None:
    tree = make_tree({".do/app.yaml": DO.replace("    engine: PG\n", "    engine: PG\n    size: db-s-1vcpu-2gb\n")})
    tier = only(digitalocean, tree, Database).tier
    assert evidence(tier) == ("db-s-1vcpu-2gb", "size", ".do/app.yaml:5", "exact")
    unsized = only(digitalocean, make_tree({"bare/.do/app.yaml": DO, ".do/app.yaml": "name: x\nservices:\n"}), Database)
    assert why(unsized.tier) == "the specification names no size"


def test_a_count_app_platform_leaves_out_is_an_estimate(make_tree: MakeTree) -> None:
    tree = make_tree({".do/app.yaml": DO.replace("    instance_count: 3\n", "")})
    assert evidence(by_name(digitalocean, tree)["api"].instances)[0::3] == (1, "estimate")


def test_a_compose_file_is_no_app_specification(make_tree: MakeTree) -> None:
    assert list(digitalocean.read(make_tree({"app.yaml": "name: x\nservices:\n  web:\n    image: y\n"}))) == []
