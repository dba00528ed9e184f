"""Cloud Foundry: manifest.yml."""

from __future__ import annotations

from collections.abc import Callable

from evidence import by_name, evidence, why

from poollint.discover import Tree
from poollint.readers import cloud_foundry

MakeTree = Callable[[dict[str, str]], Tree]


def test_cloud_foundry_with_variables_of_an_environment(make_tree: MakeTree) -> None:
    tree = make_tree(
        {
            "manifest.yml": """\
            applications:
              - name: api
                instances: ((count))
                command: gunicorn app:app
                env:
                  POOL_SIZE: 5
                  KEY: ((key))
              - name: jobs
                processes:
                  - type: web
                    instances: 2
                  - type: worker
                    command: celery -A app worker
            """,
            "vars/prod.yml": "count: 6\n",
        }
    )
    found = by_name(cloud_foundry, tree)
    assert (found["api"].environment, evidence(found["api"].instances)) == (
        "prod",
        (6, "instances", "vars/prod.yml:1", "exact"),
    )
    assert why(found["api"].variables.variables["KEY"]) == "KEY is ((key)), which no file gives"
    assert evidence(found["jobs"].instances)[0] == 2
    assert evidence(found["jobs/worker"].instances)[0::3] == (1, "estimate")
