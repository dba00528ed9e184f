"""Heroku: heroku.yml and app.json."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from evidence import by_name, evidence, only, why

from poollint.discover import Tree
from poollint.facts import Database
from poollint.readers import heroku

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
