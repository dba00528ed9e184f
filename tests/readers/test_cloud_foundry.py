"""Cloud Foundry: manifest.yml."""

from __future__ import annotations

from collections.abc import Callable

from evidence import by_name, evidence, why

from poollint.commands import processes
from poollint.discover import Tree
from poollint.readers import cloud_foundry, procfile

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


def test_an_application_without_a_command_runs_its_procfile(make_tree: MakeTree) -> None:
    files = {
        "deploy/manifest-prod.yml": "applications:\n  - name: api\n    path: ../\n    instances: 12\n",
        "Procfile": "web: ./bin/run.sh\nworker: celery -A app worker\n",
        "bin/run.sh": "flask db upgrade\nexec gunicorn -w 9 app:app\n",
        "app.py": "",
    }
    tree = make_tree(files)
    (api,) = cloud_foundry.read(tree)
    assert (api.instances.value, str(api.command.location)) == (12, "Procfile:1")
    assert [process.processes.value for process in processes(api, tree) if process.kind == "web"] == [9]
    assert list(procfile.read(tree)) == []


def test_a_procfile_that_no_manifest_runs_stands_for_itself(make_tree: MakeTree) -> None:
    manifest = "applications:\n  - name: api\n    command: gunicorn app:app\n  - name: jobs\n    docker: {image: jobs}\n"
    tree = make_tree({"manifest.yml": manifest, "Procfile": "web: gunicorn app:app\n"})
    assert [workload.command.location.path for workload in cloud_foundry.read(tree) if workload.command] == ["manifest.yml"]
    assert [workload.name for workload in procfile.read(tree)] == ["web"]
