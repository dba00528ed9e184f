"""Whole projects that look like a problem and are none, or the reverse: read, linked and judged in full."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from poollint import pipeline
from poollint.budget import Budget, budgets
from poollint.facts import Finding

Write = Callable[[Mapping[str, str]], Path]

MAIN = """
    from fastapi import FastAPI
    from app import db

    app = FastAPI()
"""
DB = """
    from sqlalchemy import create_engine

    engine = create_engine("postgresql+psycopg2://app@db/shop", pool_size={size}, max_overflow=0, pool_pre_ping=True)
"""
DEPLOYMENT = """
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: api
    spec:
      replicas: {replicas}
      template:
        spec:
          containers:
            - name: api
              image: shop
              command: ["uvicorn", "app.main:app"]
"""
POSTGRES = """
    apiVersion: apps/v1
    kind: StatefulSet
    metadata:
      name: db
    spec:
      serviceName: db
      replicas: 1
      selector:
        matchLabels:
          app: db
      template:
        metadata:
          labels:
            app: db
        spec:
          containers:
            - name: postgres
              image: postgres:16
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: db
    spec:
      selector:
        app: db
      ports:
        - port: 5432
"""


def app(size: int = 10) -> dict[str, str]:
    return {"app/__init__.py": "", "app/main.py": MAIN, "app/db.py": DB.format(size=size)}


def read(folder: Path) -> tuple[Budget, ...]:
    return budgets(pipeline.read([folder], isolated=True)[2])


def findings(folder: Path, *rules: str) -> list[Finding]:
    return list(pipeline.run([folder], isolated=True, select=frozenset(rules)).findings)


def test_four_engine_sites_of_which_one_is_reachable_count_once(write: Write) -> None:
    unused = {f"app/old{number}.py": DB.format(size=90) for number in range(3)}
    compose = """
        services:
          api:
            build: .
            command: uvicorn app.main:app
          db:
            image: postgres:16
    """
    folder = write({**app(), **unused, "docker-compose.yml": compose, "Dockerfile": "FROM python:3.12\nCOPY app app\n"})
    (budget,) = read(folder)
    assert (budget.database.name, budget.steady) == ("db", 10)
    assert not findings(folder, "connections-exceed-limit")


def test_two_services_with_the_same_variable_and_nothing_else_are_two_databases(write: Write) -> None:
    site = """
        import os

        from fastapi import FastAPI
        from sqlalchemy import create_engine

        app = FastAPI()
        engine = create_engine(os.environ["DATABASE_URL"], pool_size=60, max_overflow=0)
    """
    compose = """
        services:
          api:
            build: .
            command: uvicorn main:app
            environment:
              DATABASE_URL: ${DATABASE_URL}
    """
    files = {}
    for name in ("orders", "users"):
        files[f"services/{name}/main.py"] = site
        files[f"services/{name}/docker-compose.yml"] = compose
        files[f"services/{name}/Dockerfile"] = "FROM python:3.12\nWORKDIR /app\nCOPY . .\n"
    assert sorted(budget.steady for budget in read(write(files))) == [60, 60]


def test_base_and_overlay_are_not_added(write: Write) -> None:
    base, prod = "k8s/base", "k8s/overlays/prod"
    folder = write(
        {
            **app(),
            f"{base}/api.yaml": DEPLOYMENT.format(replicas=2),
            f"{base}/db.yaml": POSTGRES,
            f"{base}/kustomization.yaml": "resources: [api.yaml, db.yaml]\n",
            f"{prod}/kustomization.yaml": "resources: [../../base]\nreplicas:\n  - name: api\n    count: 5\n",
        }
    )
    assert [(budget.environment, budget.steady) for budget in read(folder)] == [("prod", 50)]


def test_an_autoscaler_replaces_replicas(write: Write) -> None:
    scaler = """
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata:
          name: api
        spec:
          scaleTargetRef:
            apiVersion: apps/v1
            kind: Deployment
            name: api
          maxReplicas: 6
    """
    files = {"k8s/api.yaml": DEPLOYMENT.format(replicas=3), "k8s/hpa.yaml": scaler, "k8s/db.yaml": POSTGRES}
    (budget,) = read(write({**app(), **files}))
    assert budget.steady == 60


def test_a_commented_out_worker_line_starts_nothing(write: Write) -> None:
    script = """
        #!/bin/sh
        # exec gunicorn app.main:app -w 40 -k uvicorn.workers.UvicornWorker
        exec uvicorn app.main:app
    """
    compose = """
        services:
          api:
            build: .
          db:
            image: postgres:16
    """
    dockerfile = 'FROM python:3.12\nCOPY . .\nCMD ["./start.sh"]\n'
    folder = write({**app(), "start.sh": script.lstrip("\n"), "docker-compose.yml": compose, "Dockerfile": dockerfile})
    (budget,) = read(folder)
    assert budget.steady == 10


@pytest.mark.parametrize("port", ["6432:5432", "6432"])
def test_port_6432_of_a_plain_postgres_is_no_pooler(write: Write, port: str) -> None:
    compose = f"""
        services:
          api:
            build: .
            command: uvicorn app.main:app
          db:
            image: postgres:16
            ports: ["{port}"]
    """
    folder = write({**app(), "docker-compose.yml": compose, "Dockerfile": "FROM python:3.12\nCOPY app app\n"})
    (budget,) = read(folder)
    assert not budget.poolers
    assert not findings(folder, "large-pool-behind-pooler", "prepared-statements-behind-pooler")


def test_an_orphaned_pooler_file_changes_nothing(write: Write) -> None:
    compose = """
        services:
          api:
            build: .
            command: uvicorn app.main:app
          db:
            image: postgres:16
    """
    ini = """
        [databases]
        shop = host=db port=5432
        [pgbouncer]
        pool_mode = transaction
        default_pool_size = 500
        max_client_conn = 2
    """
    folder = write(
        {
            **app(),
            "docker-compose.yml": compose,
            "Dockerfile": "FROM python:3.12\nCOPY app app\n",
            "docker/pgbouncer/pgbouncer.ini": ini,
        }
    )
    (budget,) = read(folder)
    assert (budget.poolers, budget.steady) == ((), 10)
    assert not findings(folder, "large-pool-behind-pooler", "clients-exceed-pooler", "pooler-exceeds-limit")


def test_of_the_branches_of_one_factory_one_counts(write: Write) -> None:
    factory = """
        import os

        from sqlalchemy import create_engine

        def make():
            url = "postgresql+psycopg2://app@db/shop"
            if os.environ.get("SMALL"):
                return create_engine(url, pool_size=2, max_overflow=0)
            if os.environ.get("LARGE"):
                return create_engine(url, pool_size=40, max_overflow=0)
            return create_engine(url, pool_size=10, max_overflow=0)

        engine = make()
    """
    compose = """
        services:
          api:
            build: .
            command: uvicorn app.main:app
            env_file: .env.missing
          db:
            image: postgres:16
    """
    files = {
        **app(),
        "app/db.py": factory,
        "docker-compose.yml": compose,
        "Dockerfile": "FROM python:3.12\nCOPY app app\n",
    }
    (budget,) = read(write(files))
    assert budget.steady == 40


@pytest.mark.parametrize(
    ("command", "image", "instances"),
    [
        ("/srv/scripts/work.sh", "${IMAGE}", 7),
        ("/srv/scripts/work.sh", "acme/api", None),  # somebody else's may hold a file of that name
        ("/srv/scripts/other.sh", "${IMAGE}", None),
    ],
)
def test_of_several_builds_the_one_that_holds_the_script_is_started(write, command, image, instances) -> None:
    deployment = DEPLOYMENT.format(replicas=7).replace('"uvicorn", "app.main:app"', f'"sh", "-c", "{command}"')
    folder = write(
        {
            **app(),
            "jobs/Dockerfile": "FROM python:3.12\nCOPY app /srv/app\nCOPY jobs /srv/scripts\nCMD celery -A app.main worker\n",
            "jobs/work.sh": "cd /srv && celery -A app.main worker -c 2\n",
            "web/Dockerfile": "FROM python:3.12\nCOPY app /srv/app\nWORKDIR /srv\nCMD uvicorn app.main:app\n",
            "deploy/work.yaml": deployment.replace("image: shop", f"image: {image}"),
        }
    )
    project = pipeline.read([folder], isolated=True)[2]
    found = [client.workload for client in project.clients if client.workload and client.workload.platform == "kubernetes"]
    assert [workload.instances.value for workload in found] == ([instances] if instances else [])
