"""Heroku: heroku.yml and app.json."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from evidence import by_name, evidence, facts, only, why

from poollint.discover import Tree
from poollint.facts import Database
from poollint.readers import heroku, procfile

MakeTree = Callable[[dict[str, str]], Tree]


def test_heroku_yml_has_images_commands_and_a_release(make_tree: MakeTree) -> None:
    tree = make_tree(
        {
            "heroku.yml": """\
            setup:
              addons:
                - plan: heroku-postgresql:standard-0
            build:
              docker:
                web: docker/Dockerfile
            run:
              web: gunicorn app:app
              worker:
                command:
                  - celery -A app worker
                image: web
            release:
              command:
                - alembic upgrade head
            """,
            "app.json": '{"formation": {"web": {"quantity": 4}}}',
        }
    )
    found = by_name(heroku, tree)
    assert found["web"].command and found["web"].command.shell == "gunicorn app:app"
    assert found["web"].build and found["web"].build.dockerfile == "docker/Dockerfile"
    assert evidence(found["web"].instances) == (4, "formation quantity", "app.json:1", "exact")
    assert why(found["worker"].instances) == "heroku.yml does not say how many run"
    assert found["worker"].build == found["web"].build
    assert (found["release"].life, found["release"].command and found["release"].command.shell) == (
        "one-off",
        "alembic upgrade head",
    )
    assert evidence(only(heroku, tree, Database).tier) == ("standard-0", "plan", "heroku.yml:3", "exact")


@pytest.mark.parametrize("addon", ['"heroku-postgresql:essential-0"', '{"plan": "heroku-postgresql:essential-0"}'])
def test_an_addon_of_app_json_is_a_database(make_tree: MakeTree, addon: str) -> None:
    database = only(heroku, make_tree({"app.json": f'{{"addons": [{addon}, "papertrail"]}}'}), Database)
    assert (database.provider, evidence(database.tier)[0]) == ("heroku-postgres", "essential-0")


def test_the_only_database_of_an_app_is_what_its_dynos_find(make_tree: MakeTree) -> None:
    """The variable holds a token for the host, which the database answers to; never a password."""
    files = {"app.json": '{"addons": ["heroku-postgresql:standard-0"]}', "Procfile": "web: gunicorn app:app\n"}
    tree = make_tree(files)
    (host,) = only(heroku, tree, Database).hosts
    given = only(procfile, tree).variables.variables
    assert evidence(given["DATABASE_URL"])[:2] == (f"postgres://user:***@{host}:5432/database", "add-on heroku-postgresql")


@pytest.mark.parametrize(
    ("addons", "variables"),
    [
        ('"heroku-postgresql:mini", "heroku-postgresql:standard-0"', set()),
        ('{"plan": "heroku-postgresql:mini", "as": "users"}, "heroku-postgresql:standard-0"', {"USERS_URL"}),
        ('{"plan": "heroku-postgresql:mini", "as": "USERS_DB"}', {"USERS_DB_URL"}),
        ('"heroku-redis:mini"', set()),
    ],
)
def test_of_several_databases_only_a_named_one_has_a_known_variable(
    make_tree: MakeTree, addons: str, variables: set[str]
) -> None:
    tree = make_tree({"app.json": f'{{"addons": [{addons}]}}', "Procfile": "web: gunicorn app:app\n"})
    assert set(only(procfile, tree).variables.variables) == variables


def test_two_apps_have_two_databases(make_tree: MakeTree) -> None:
    app = '{"addons": ["heroku-postgresql:standard-0"]}'
    tree = make_tree({"a/app.json": app, "b/app.json": app})
    assert len({fact.hosts for fact in facts(heroku, tree, Database)}) == 2


def test_dynos_of_heroku_yml_find_the_databases_of_both_files(make_tree: MakeTree) -> None:
    manifest = "setup:\n  addons: [{plan: heroku-postgresql:mini}]\n  config: {POOL_SIZE: 4}\nrun: {web: gunicorn app:app}\n"
    given = by_name(heroku, make_tree({"heroku.yml": manifest}))["web"].variables.variables
    assert (given["DATABASE_URL"].origin.says, evidence(given["POOL_SIZE"])[::3]) == (
        "add-on heroku-postgresql",
        ("4", "fallback"),
    )
