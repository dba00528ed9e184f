"""Compose: services as workloads, their numbers and variables, file sets and environments, databases and poolers."""

from __future__ import annotations

import math

import pytest

from poollint.commands import processes
from poollint.facts import Build, Database, Image, Known, Pooler, Target, Unknown, Workload
from poollint.readers import compose

PYTHON = {"Dockerfile": "FROM python:3.12\nWORKDIR /srv\nCOPY . .\nCMD gunicorn -w 2 app:app\n", "app.py": ""}


@pytest.fixture
def read(make_tree):
    def read(files, **more):
        files = {"docker-compose.yml": files} if isinstance(files, str) else files
        tree = make_tree({**PYTHON, **files})
        facts = list(compose.read(tree))
        assert tree.skipped == ()
        return tree, facts

    return read


@pytest.fixture
def workloads(read):
    def workloads(files) -> dict[tuple[str, str | None], Workload]:
        return {(fact.name, fact.environment): fact for fact in read(files)[1] if isinstance(fact, Workload)}

    return workloads


@pytest.fixture
def one(workloads):
    """Read a project of one workload."""

    def one(files) -> Workload:
        (workload,) = workloads(files).values()
        return workload

    return one


def said(setting) -> str:
    assert isinstance(setting, Known), setting
    return f"{setting.value} {setting.origin.says} {setting.origin.location} {setting.certainty}"


def service(body: str) -> str:
    return "services:\n  api:\n    build: .\n" + "".join(f"    {line}\n" for line in body.splitlines())


# -- instances


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", "1 default of Compose None default"),
        ("deploy:\n  replicas: 3", "3 replicas docker-compose.yml:5 exact"),
        ('deploy:\n  replicas: "3"', "3 replicas docker-compose.yml:5 exact"),
        ("scale: 4", "4 scale docker-compose.yml:4 exact"),
        ("deploy:\n  replicas: ${N:-5}", "5 replicas docker-compose.yml:5 fallback"),
    ],
)
def test_instances_are_replicas_or_scale_or_one(one, body, expected):
    workload = one(service(body))
    assert said(workload.instances) == said(workload.rollout_instances) == expected


def test_what_is_not_a_number_stays_unknown(one):
    assert one(service("deploy:\n  replicas: ${N}")).instances.reason == "set by N, which no file gives"
    assert one(service("deploy:\n  mode: global")).instances.reason == "one per node of the swarm"


def test_start_first_overlaps_old_and_new(one):
    rolling = one(service("deploy:\n  replicas: 4\n  update_config:\n    order: start-first\n    parallelism: 2"))
    assert (rolling.instances.value, said(rolling.rollout_instances)) == (4, "6 start-first docker-compose.yml:7 exact")
    assert one(service("deploy:\n  replicas: 4\n  update_config:\n    order: stop-first")).rollout_instances.value == 4


def test_a_profile_switches_a_service_off_until_it_is_enabled(one, workloads):
    body = service("profiles: [full]")
    assert one(body).instances.reason == "started only with the profile full"
    assert one({"docker-compose.yml": body, ".env": "COMPOSE_PROFILES=full,x\n"}).instances.value == 1
    assert ("api", "dev") in workloads(service("profiles: [dev]"))


# -- variables


def test_environment_beats_env_file_and_the_later_file_wins(one):
    workload = one(
        {
            "docker-compose.yml": service("env_file: [a.env, b.env]\nenvironment:\n  C: from-yaml"),
            "a.env": "A=1\nB=1\nC=1\n",
            "b.env": "# B=9\nB=2 # two\nexport C='2'\nD=\"x y\"\n",
        }
    )
    values = {name: said(setting) for name, setting in workload.variables.variables.items()}
    assert values == {
        "A": "1 A a.env:1 exact",
        "B": "2 B b.env:2 exact",
        "C": "from-yaml C docker-compose.yml:6 exact",
        "D": "x y D b.env:4 exact",
    }
    assert workload.variables.complete


def test_a_missing_env_file_leaves_the_environment_incomplete(one):
    assert not one(service("env_file: .env")).variables.complete
    assert one(service("env_file:\n  - path: x.env\n    required: false")).variables.complete


@pytest.mark.parametrize("name", [".env.example", ".env.sample", "env.dist", ".env_example", ".env-template", "example.env", ".example_env"])
def test_the_example_of_an_env_file_that_nobody_commits_is_an_estimate_of_it(one, name):
    files = {
        "docker-compose.yml": service("env_file: .env\nenvironment:\n  - B=${B}\n  - C=${C}"),
        name: "A=1\nB=2\nC=\nURL=postgresql://app:hunter2@db/shop\n",
    }
    variables = one(files).variables
    assert not variables.complete
    assert said(variables.variables["A"]) == f"1 A {name}:1 estimate"
    assert said(variables.variables["B"]) == f"2 B {name}:2 estimate"
    assert variables.variables["C"].reason == "set by C, which no file gives"
    assert "hunter2" not in str(variables.variables)


@pytest.mark.parametrize("name", [".env.production.example", ".env.example.prod", ".env.prod", "env.prod.sample"])
def test_the_env_file_of_an_environment_speaks_for_its_compose_file(read, name):
    body = service("env_file: .env\nenvironment:\n  - B=${B}")
    files = {"docker-compose.yml": body, "docker-compose.prod.yml": body, ".env.example": "A=1\nB=1\n", name: "A=2\nB=2\n"}
    found = {fact.environment: fact.variables.variables for fact in read(files)[1] if isinstance(fact, Workload)}
    said_of = {key: [said(given[variable]) for variable in "AB"] for key, given in found.items()}
    assert said_of == {
        None: ["1 A .env.example:1 estimate", "1 B .env.example:2 estimate"],
        "prod": [f"2 A {name}:1 estimate", f"2 B {name}:2 estimate"],
    }


def test_an_env_file_that_names_an_environment_is_of_no_other(one):
    files = {"docker-compose.prod.yml": service("env_file: .env.staging"), ".env.production.example": "A=2\n"}
    assert not one(files).variables.variables


def test_a_default_that_is_written_says_more_than_the_example_of_an_env_file(one):
    files = {"docker-compose.yml": service('environment: {A: "${A:-1}", B: "${B}"}'), ".env.example": "A=2\nB=2\n"}
    variables = one(files).variables.variables
    assert [(variables[name].value, variables[name].certainty) for name in "AB"] == [("1", "fallback"), ("2", "estimate")]


def test_an_env_file_that_is_committed_needs_no_example(one):
    files = {"docker-compose.yml": service("env_file: .env"), ".env": "A=1\n", ".env.example": "A=2\nB=2\n"}
    assert {name: said(value) for name, value in one(files).variables.variables.items()} == {"A": "1 A .env:1 exact"}


def test_variables_are_filled_in_from_dotenv_and_their_evidence_stands_there(one):
    body = service(
        "environment:\n  - A=${A}\n  - B=${B:-two}\n  - C=${C}\n"
        "  - D=$$literal\n  - E=x-${A}\n  - F\n  - G=${A:+set}\n"
        "  - H=${N:-${A}}"
    )
    variables = one({"docker-compose.yml": body, ".env": "\nA=1\nF=9\n"}).variables.variables
    assert said(variables["A"]) == "1 A .env:2 exact"
    assert said(variables["B"]) == "two B docker-compose.yml:6 fallback"
    assert variables["C"].reason == "set by C, which no file gives"
    assert said(variables["D"]) == "$literal D docker-compose.yml:8 exact"
    assert said(variables["E"]) == "x-1 E docker-compose.yml:9 exact"
    assert said(variables["F"]) == "9 F .env:3 exact"
    assert variables["G"].value == "set"
    assert said(variables["H"]) == "1 H .env:2 fallback"


def test_what_a_url_begins_with_is_sure_where_only_its_user_has_a_default(one):
    body = service(
        "environment:\n  A: postgresql+asyncpg://${USER:-app}:hunter2@db/shop\n  B: ${URL:-postgresql://db/shop}\n"
        "  C: ${SCHEME:-postgresql}://db/shop\n  D: postgresql://db/${NAME:-shop}"
    )
    variables = one({"docker-compose.yml": body}).variables.variables
    assert [variables[name].start for name in "ABCD"] == ["postgresql+asyncpg://", "", "", "postgresql://"]
    assert {variables[name].certainty for name in "ABCD"} == {"fallback"}


def test_an_unknown_password_does_not_hide_where_a_url_points_and_no_password_is_kept(one):
    body = service(
        "environment:\n  A: postgresql://app:${PASSWORD}@db:5432/shop\n  B: postgresql://app:hunter2@db/${NAME}\n"
        "  C: postgresql://app:hunter2@db/shop\n  D: ${URL}\n  E: postgresql://${HOST}/x\n  DB_PASSWORD: hunter2"
    )
    variables = one(body).variables.variables
    assert variables["A"].value == "postgresql://***@db:5432/shop"
    assert variables["B"].value == "postgresql://***@db/${NAME}"
    assert "@db/shop" in variables["C"].value
    assert isinstance(variables["D"], Unknown)
    assert isinstance(variables["E"], Unknown)
    assert "hunter2" not in repr(variables)


def test_anchors_and_merge_keys_share_settings(workloads):
    found = workloads(
        """
        x-common: &common
          build: .
          environment: &env
            POOL: "5"
        services:
          api:
            <<: *common
            environment:
              <<: *env
              MODE: web
          worker:
            <<: *common
        """
    )
    assert set(found["api", None].variables.variables) == {"POOL", "MODE"}
    assert said(found["worker", None].variables.variables["POOL"]) == "5 POOL docker-compose.yml:5 exact"


# -- commands


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("command: gunicorn -w 4 app:app", "4 --workers docker-compose.yml:4 exact"),
        ("command: [gunicorn, -w, '4', 'app:app']", "4 --workers docker-compose.yml:4 exact"),
        ("command:\n  - gunicorn\n  - -w\n  - '4'\n  - app:app", "4 --workers docker-compose.yml:7 exact"),
        ("command: >\n  gunicorn\n  --workers 4\n  app:app", "4 --workers docker-compose.yml:6 exact"),
        ("command: |\n  gunicorn\n  --workers=4\n  app:app", "4 --workers docker-compose.yml:6 exact"),
        ("command: gunicorn -w ${N:-4} app:app", "4 --workers docker-compose.yml:4 fallback"),
        ("command: gunicorn --workers=${N:-4} app:app", "4 --workers docker-compose.yml:4 fallback"),
        ("command: sh -c 'gunicorn -w $${N:-4} app:app'", "4 --workers docker-compose.yml:4 exact"),
        ("command: sh -c 'gunicorn -w $${N:-4} app:app'\nenvironment: {N: 6}", "6 N docker-compose.yml:5 exact"),
        ("command: sh -c 'gunicorn -w ${N:-4} app:app'", "4 --workers docker-compose.yml:4 fallback"),
        ("command: [sh, -c, 'gunicorn --workers=${N:-4} -b :${PORT} app:app']", "4 --workers docker-compose.yml:4 fallback"),
        ("command: sh -c '${SERVE:-gunicorn -w 4 app:app}'", "4 --workers docker-compose.yml:4 fallback"),
        ("command: sh -c 'migrate ${URL} && gunicorn -w 4 -b ${HOST}:$${PORT} app:app'", "4 --workers docker-compose.yml:4 exact"),
        ("command: sh -c 'gunicorn -w ${N} app:app'\nenvironment: {N: 6}", None),
        ("entrypoint: [sh, -c]\ncommand: ['gunicorn -w 4 app:app']", "4 --workers docker-compose.yml:5 exact"),
        (
            "entrypoint: sh -c\ncommand: ['alembic upgrade head; exec gunicorn -w 4 app:app']",
            "4 --workers docker-compose.yml:5 exact",
        ),
        ("", "2 --workers Dockerfile:4 exact"),
        ("command: ''", None),
        ("entrypoint: [python]", None),
        ("command: gunicorn -w $${N:-4} app:app", None),
        ("command: gunicorn -w ${N} app:app", None),
    ],
)
def test_commands_are_split_but_no_shell_runs_them(read, body, expected):
    tree, facts = read(service(body))
    (workload,) = facts
    found = [process.processes for process in processes(workload, tree) if process.server == "gunicorn"]
    assert [said(setting) for setting in found if isinstance(setting, Known)] == ([expected] if expected else [])


def test_a_variable_of_dotenv_in_a_command_is_evidence_where_it_is_written(read):
    tree, (workload,) = read({"docker-compose.yml": service("command: gunicorn -w ${N} app:app"), ".env": "N=8\n"})
    assert said(processes(workload, tree)[0].processes) == "8 N .env:1 exact"


def test_build_and_mounts_say_which_code_runs(one):
    workload = one(
        {
            "deploy/docker-compose.yml": """
                services:
                  api:
                    image: example/api
                    working_dir: /code
                    build: {context: .., dockerfile: docker/Api.Dockerfile, target: prod}
                    volumes:
                      - ../backend:/code:ro
                      - data:/data
                      - {type: bind, source: ../conf, target: /conf}
                """,
            "backend/app.py": "",
            "docker/Api.Dockerfile": "FROM python:3.12\n",
        }
    )
    assert workload.build == Build("", "docker/Api.Dockerfile", "prod")
    assert workload.mounts == (("/code", "backend"), ("/conf", "conf"))
    assert workload.sources == ("backend",)
    assert (workload.unit, workload.working_directory) == ("deploy", "/code")


def test_a_bind_mount_covers_what_the_image_copied(read):
    files = {
        "docker-compose.yml": service("volumes: ['./live:/srv']\ncommand: gunicorn app:app"),
        "live/gunicorn.conf.py": "workers = 7\n",
        "gunicorn.conf.py": "workers = 3\n",
    }
    tree, (workload,) = read(files)
    assert said(processes(workload, tree)[0].processes) == "7 workers live/gunicorn.conf.py:1 exact"


def test_an_image_built_here_is_told_to_the_other_formats(read):
    _, facts = read("services:\n  api:\n    image: ghcr.io/example/api:1\n    build: .\n")
    assert [(fact.name, fact.build) for fact in facts if isinstance(fact, Image)] == [
        ("ghcr.io/example/api:1", Build(""))
    ]


@pytest.mark.parametrize("arguments", ["{MODE: prod, WORKERS: 6}", "[MODE=prod, WORKERS=6]"])
def test_what_a_build_is_given_fills_the_arguments_of_the_dockerfile(read, arguments):
    compose = f"services:\n  api:\n    build:\n      context: .\n      args: {arguments}\n"
    image = (
        "ARG MODE=dev\nFROM python:3.12\nARG MODE\nARG WORKERS=2\nARG UNSET\nENV WEB_CONCURRENCY=$WORKERS\n"
        "COPY docker/${MODE}/ /scripts/\nCOPY docker/$UNSET/other /scripts/\nENTRYPOINT [\"/scripts/start.sh\"]\n"
    )
    tree, (workload,) = read(
        {
            "docker-compose.yml": compose,
            "Dockerfile": image,
            "docker/prod/start.sh": "exec gunicorn app:app\n",
            "docker/dev/start.sh": "exec flask run\n",
        }
    )
    assert said(processes(workload, tree)[0].processes) == "6 WEB_CONCURRENCY Dockerfile:6 exact"


def test_a_build_outside_the_project_or_of_another_language_is_no_workload(workloads):
    found = workloads(
        {
            "docker-compose.yml": (
                "services:\n  web:\n    build: ./web\n  api:\n"
                "    build: ../../elsewhere\n  cache:\n    image: redis:7\n"
            ),
            "web/Dockerfile": "FROM node:22\nCMD npm start\n",
        }
    )
    assert found == {}


# -- file sets


def test_an_incomplete_file_is_merged_over_the_base_for_its_environment(workloads):
    found = workloads(
        {
            "docker-compose.yml": service("command: uvicorn app:app --reload\nenvironment: {A: '1', B: '1'}")
            + "  worker:\n    build: .\n",
            "docker-compose.prod.yml": (
                "services:\n  api:\n    command: gunicorn -w 8 app:app\n"
                "    environment: [B=2]\n    deploy: {replicas: 3}\n"
            ),
        }
    )
    assert set(found) == {("api", None), ("worker", None), ("api", "prod"), ("worker", "prod")}
    production = found["api", "prod"]
    assert said(production.instances) == "3 replicas docker-compose.prod.yml:5 exact"
    assert {name: setting.value for name, setting in production.variables.variables.items()} == {"A": "1", "B": "2"}
    assert found["api", None].instances.value == 1
    assert (str(production.location), str(found["worker", "prod"].location)) == (
        "docker-compose.prod.yml:2",
        "docker-compose.yml:6",
    )


def test_a_complete_file_is_a_set_of_its_own(workloads):
    found = workloads(
        {
            "docker-compose.yml": service("") + "  tools:\n    build: .\n",
            "docker-compose.prod.yml": "services:\n  api:\n    build: .\n    scale: 2\n",
        }
    )
    assert set(found) == {("api", None), ("tools", None), ("api", "prod")}


@pytest.mark.parametrize(
    "more",
    ["depends_on: [db]", "depends_on:\n      db: {required: true}", "links: ['db:database']", "build: !reset"],
)
def test_a_file_that_needs_another_one_is_merged_over_it(workloads, more):
    """Compose refuses to start it alone, or there would be nothing to take back."""
    found = workloads(
        {
            "docker-compose.yml": service("") + "  db:\n    image: postgres:16\n  tools:\n    build: .\n",
            "docker-compose.prod.yml": f"services:\n  api:\n    image: shop/api:1\n    scale: 2\n    {more}\n",
        }
    )
    assert set(found) == {("api", None), ("tools", None), ("api", "prod"), ("tools", "prod")}


def test_without_a_base_it_is_merged_over_the_files_that_define_its_services(workloads):
    found = workloads(
        {
            "docker-compose.app.yml": service("environment: {A: '1'}"),
            "docker-compose.proxy.yml": "services:\n  edge:\n    build: edge\n",
            "docker-compose.prod.yml": "services:\n  api:\n    scale: 2\n",
        }
    )
    assert set(found) == {("api", None), ("edge", None), ("api", "prod")}
    assert found["api", "prod"].variables.variables["A"].value == "1"


def test_the_override_that_compose_merges_by_itself_is_a_developers(workloads):
    found = workloads({"compose.yml": service("scale: 3"), "compose.override.yml": "services:\n  api:\n    scale: 1\n"})
    assert {key: workload.instances.value for key, workload in found.items()} == {("api", None): 3, ("api", "local"): 1}


def test_a_second_unmarked_file_is_an_alternative_that_adds_only_new_services(workloads):
    found = workloads(
        {
            "docker-compose.yml": service("scale: 3"),
            "docker-compose.gpu.yml": "services:\n  api:\n    build: .\n    scale: 9\n  trainer:\n    build: .\n",
        }
    )
    assert {name: workload.instances.value for (name, _), workload in found.items()} == {"api": 3, "trainer": 1}


def test_extends_and_include_follow_files_of_the_project(workloads):
    found = workloads(
        {
            "docker-compose.yml": """
                include: [jobs/compose.yml]
                services:
                  api:
                    extends: {file: shared/base.yml, service: python}
                    environment: {B: "2"}
                """,
            "shared/base.yml": (
                "services:\n  python:\n    build: ..\n"
                "    environment: {A: '1', B: '1'}\n"
                "    command: gunicorn -w 5 app:app\n"
            ),
            "jobs/compose.yml": "services:\n  nightly:\n    build: ..\n",
        }
    )
    assert {(name, workload.unit) for (name, _), workload in found.items()} == {("api", ""), ("nightly", "")}
    api = found["api", None]
    assert api.build == Build("")
    assert {name: setting.value for name, setting in api.variables.variables.items()} == {"A": "1", "B": "2"}


@pytest.mark.parametrize(
    ("condition", "kind", "life"),
    [
        ("service_completed_successfully", "init", "one-off"),
        ("service_healthy", "service", "long-lived"),
        ("service_started", "service", "long-lived"),
    ],
)
def test_what_another_service_waits_for_to_have_ended_never_runs_beside_it(workloads, condition, kind, life):
    found = workloads(f"""
        services:
          seed:
            build: .
            command: python seed.py
          api:
            build: .
            depends_on:
              seed:
                condition: {condition}
    """)
    assert (found["seed", None].kind, found["seed", None].life) == (kind, life)
    assert (found["api", None].kind, found["api", None].life) == ("service", "long-lived")


def test_each_folder_is_a_project_and_a_folder_may_name_the_environment(workloads):
    found = workloads({"one/compose.yml": service(""), "prod/compose.yml": service("scale: 2")})
    assert {(workload.unit, workload.environment) for workload in found.values()} == {("one", None), ("prod", "prod")}


# -- databases and poolers


def test_a_postgres_container_has_its_flag_or_the_stock_default(read):
    _, facts = read(
        """
        services:
          db:
            image: postgres:16.4
            container_name: Shop_DB
            hostname: primary
            networks: {back: {aliases: [pg], ipv4_address: 172.18.0.40}}
            command: >
              postgres
              -c shared_buffers=1GB
              -c max_connections=300
          other:
            image: postgres
          api:
            image: example/api
            links: ["db:database"]
        """
    )
    databases = {fact.name: fact for fact in facts if isinstance(fact, Database)}
    db = databases["db"]
    assert said(db.max_connections) == "300 max_connections docker-compose.yml:11 exact"
    assert db.hosts == ("db", "shop_db", "primary", "pg", "172.18.0.40", "database")
    assert (db.dialect, db.ports, db.version.value, db.reserved.value, str(db.location)) == (
        "postgresql",
        (5432,),
        "16.4",
        3,
        "docker-compose.yml:3",
    )
    assert (databases["other"].max_connections.value, databases["other"].max_connections.certainty) == (100, "default")


def test_a_mounted_configuration_file_states_the_limit(read):
    _, facts = read(
        {
            "docker-compose.yml": """
                services:
                  db:
                    image: postgres:16
                    command: postgres -c config_file=/etc/postgresql/postgresql.conf
                    volumes: ["./db/postgresql.conf:/etc/postgresql/postgresql.conf:ro"]
                  my:
                    image: mysql:8.4
                    volumes: ["./my:/etc/mysql/conf.d"]
                """,
            "db/postgresql.conf": "# max_connections = 9\nmax_connections = 250   # more\n",
            "my/custom.cnf": "[mysqld]\nmax_connections=400\n",
        }
    )
    assert [said(fact.max_connections) for fact in facts] == [
        "250 max_connections db/postgresql.conf:2 exact",
        "400 max_connections my/custom.cnf:2 exact",
    ]


def test_a_database_image_built_here_is_a_database(read):
    _, facts = read(
        {
            "docker-compose.yml": "services:\n  db:\n    build: ./db\n",
            "db/Dockerfile": (
                "FROM postgis/postgis:16-3.4\n"
                "COPY init.sql /docker-entrypoint-initdb.d/\n"
                "CMD postgres -c max_connections=500\n"
            ),
        }
    )
    (db,) = facts
    assert isinstance(db, Database)
    assert said(db.max_connections) == "500 max_connections db/Dockerfile:3 exact"


def test_an_image_of_postgres_that_runs_a_backup_is_no_database(read):
    _, facts = read(
        "services:\n  backup:\n    image: postgres:16\n    command: sh -c 'while true; do pg_dump shop > x; done'\n"
    )
    assert facts == []


def test_a_port_is_no_pooler(read):
    _, facts = read("services:\n  db:\n    image: postgres:16\n    ports: ['6432:5432']\n    command: -p 6432\n")
    (db,) = facts
    assert isinstance(db, Database)
    assert db.ports == (6432,)


def test_a_pgbouncer_container_says_mode_sizes_version_and_backend(read):
    _, facts = read(
        """
        services:
          pooler:
            image: edoburu/pgbouncer:v1.23.1-p2
            environment:
              DB_HOST: db
              DB_NAME: shop
              DB_PASSWORD: hunter2
              POOL_MODE: transaction
              MAX_CLIENT_CONN: 500
              DEFAULT_POOL_SIZE: ${SIZE:-40}
            deploy: {replicas: 2}
        """
    )
    (pooler,) = facts
    assert isinstance(pooler, Pooler)
    assert said(pooler.mode) == "transaction POOL_MODE docker-compose.yml:9 exact"
    assert said(pooler.max_client_connections) == "500 MAX_CLIENT_CONN docker-compose.yml:10 exact"
    assert said(pooler.pool_size) == "40 DEFAULT_POOL_SIZE docker-compose.yml:11 fallback"
    assert (pooler.version.value, pooler.prepared_statements.value, pooler.replicas.value) == ("1.23.1", False, 2)
    assert (pooler.hosts, pooler.ports) == (("pooler",), (5432,))
    assert pooler.backends == {"shop": Target("postgresql", "db", 5432, "shop")}
    assert pooler.max_db_connections.value == math.inf
    assert "hunter2" not in repr(facts)


def test_a_mounted_ini_belongs_to_its_pooler(read):
    _, facts = read(
        {
            "docker-compose.yml": """
                services:
                  pgbouncer:
                    image: bitnami/pgbouncer:1.24.1
                    volumes: ["./pgbouncer.ini:/bitnami/pgbouncer/conf/pgbouncer.ini"]
                """,
            "pgbouncer.ini": (
                "[databases]\n* = host=db port=5432\n[pgbouncer]\npool_mode = transaction\nmax_client_conn = 900\n"
            ),
        }
    )
    (pooler,) = facts
    assert said(pooler.mode) == "transaction pool_mode pgbouncer.ini:4 exact"
    assert said(pooler.max_client_connections) == "900 max_client_conn pgbouncer.ini:5 exact"
    assert (pooler.version.value, pooler.prepared_statements.value) == ("1.24.1", True)
    assert pooler.backends == {"*": Target("postgresql", "db", 5432, None)}


@pytest.mark.parametrize(
    "text",
    [
        "services: []",
        "services:\n  a: 1\n  b: null\n",
        "services:\n  a: {extends: {service: a}, image: x}\n",
        "services:\n  a: {extends: a, build: [1]}\n",
        "include: [docker-compose.yml]\nservices: {a: {image: x, command: [[1]]}}",
        "services:\n  a: {image: x, environment: [[1], =, =a], env_file: {a: b}, volumes: [[], ':', {}], ports: 1}",
    ],
)
def test_odd_files_do_no_harm(read, text):
    tree, facts = read(text)
    for fact in facts:
        if isinstance(fact, Workload):
            processes(fact, tree)
    assert tree.skipped == ()


def test_scale_on_the_command_line_beats_the_file(one):
    files = {"docker-compose.yml": service("scale: 2"), "Makefile": "up:\n\tdocker compose up -d --scale api=6\n"}
    assert said(one(files).instances) == "6 --scale Makefile:2 exact"
    commented = {**files, "Makefile": "up:\n\t# docker compose up --scale api=6\n"}
    assert one(commented).instances.value == 2


def test_two_scripts_that_scale_differently_decide_nothing(one):
    files = {
        "docker-compose.yml": service("scale: 2"),
        "a.sh": "docker compose up --scale api=6\n",
        "b.sh": "docker-compose up --scale api=3\n",
    }
    assert one(files).instances.value == 2


# -- files of other names

IMAGES = "services:\n  db:\n    image: postgres:16\n"


@pytest.mark.parametrize("name", ["compose-prod.yml", "compose.prod.yml", "compose_prod.yaml"])
def test_a_name_that_begins_with_compose_is_one(workloads, name):
    assert ("api", "prod") in workloads({name: service("command: uvicorn app:app"), "docker-compose.yml": IMAGES})


def test_where_no_file_is_called_so_any_with_services_is_one(workloads):
    base = service("command: uvicorn app:app").replace("build: .", "env_file: [.env]")
    files = {
        "base.yml": base,
        "prod.yml": service("extends:\n  file: base.yml\n  service: api"),
        "deploy/local.yaml": "# the services\nservices: # of a developer\n  db:\n    image: postgres:16\n  web:\n    build: ..\n",
    }
    assert set(workloads(files)) == {("api", "prod"), ("web", "local")}
    assert set(workloads({**files, "docker-compose.yml": IMAGES})) == set()  # what is not called so is a part of it


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  - name: api\n    image: {url: a}\n",  # Render
        "services:\n  api:\n    project: ./src\n    host: containerapp\n",  # azd
        "services:\n  app.mailer:\n    class: Mailer\n",
        "services:\n  api: web\n  db:\n    image: postgres\n",
        "apiVersion: v1\nkind: Settings\nservices:\n  api:\n    image: a\n",
        "jobs:\n  test:\n    services:\n      db:\n        image: postgres\n",
    ],
)
def test_other_services_are_none_of_compose(read, text):
    assert read({"settings.yaml": text})[1] == []
