"""Fly.io: fly.toml."""

from __future__ import annotations

from collections.abc import Callable

from evidence import by_name, evidence, why

from poollint.discover import Tree
from poollint.readers import fly

MakeTree = Callable[[dict[str, str]], Tree]

FLY = """\
app = "orders"

[build]
  dockerfile = "Dockerfile.prod"

[env]
  POOL_SIZE = "5"
  DATABASE_URL = "postgres://app:hunter2@orders-db.flycast:5432/orders"

[processes]
  web = "gunicorn -w 4 app:app"
  worker = "celery -A app worker"

[deploy]
  release_command = "alembic upgrade head"

[http_service]
  processes = ["web"]
  [http_service.concurrency]
    type = "requests"
    hard_limit = 50
"""


def test_fly_has_one_workload_per_process_group_and_the_release(make_tree: MakeTree) -> None:
    found = by_name(fly, make_tree({"fly.toml": FLY, "Dockerfile.prod": "FROM python"}))
    web, worker, release = found["orders/web"], found["orders/worker"], found["orders/release"]
    assert web.command and web.command.shell == "gunicorn -w 4 app:app"
    assert (str(web.command.location), str(worker.location)) == ("fly.toml:11", "fly.toml:12")
    assert web.build and web.build.dockerfile == "Dockerfile.prod"
    assert (release.kind, release.life, evidence(release.instances)[0]) == ("job", "one-off", 1)


def test_the_number_of_machines_is_not_in_fly_toml(make_tree: MakeTree) -> None:
    web = by_name(fly, make_tree({"fly.toml": FLY}))["orders/web"]
    assert "fly scale count" in why(web.instances)


def test_flys_hard_limit_is_hard_for_the_groups_it_serves(make_tree: MakeTree) -> None:
    found = by_name(fly, make_tree({"fly.toml": FLY}))
    assert evidence(found["orders/web"].concurrency) == (50, "hard_limit", "fly.toml:21", "exact")
    assert found["orders/web"].concurrency_is_hard
    assert not found["orders/worker"].concurrency_is_hard


def test_flys_variables_are_never_all_of_them_and_hold_no_password(make_tree: MakeTree) -> None:
    variables = by_name(fly, make_tree({"fly.toml": FLY}))["orders/web"].variables
    assert evidence(variables.variables["POOL_SIZE"]) == ("5", "POOL_SIZE", "fly.toml:7", "exact")
    assert "hunter2" not in repr(variables)
    assert not variables.complete


def test_a_fly_file_of_an_environment_belongs_to_it(make_tree: MakeTree) -> None:
    tree = make_tree({"fly.production.toml": 'app = "orders"\n', "fly.staging.toml": 'app = "orders-staging"\n'})
    assert {w.name: w.environment for w in fly.read(tree)} == {"orders": "prod", "orders-staging": "staging"}


def test_toml_that_is_none_is_said(make_tree: MakeTree) -> None:
    tree = make_tree({"fly.toml": 'app = "orders\n'})
    assert list(fly.read(tree)) == []
    assert [(s.path, s.line) for s in tree.skipped] == [("fly.toml", 1)]
