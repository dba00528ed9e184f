"""Platform files: fly, Render, Railway, App Engine, Heroku, DigitalOcean, Copilot, Vercel, Cloud Foundry."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
from evidence import evidence, why

from poollint.discover import Tree
from poollint.facts import Database, Pooler, Workload
from poollint.readers import app_engine, cloud_foundry, copilot, digitalocean, fly, heroku, railway, render, vercel

MakeTree = Callable[[dict[str, str]], Tree]


def only(reader: ModuleType, tree: Tree, kind: type = Workload):
    (fact,) = [fact for fact in reader.read(tree) if isinstance(fact, kind)]
    return fact


def by_name(reader: ModuleType, tree: Tree) -> dict[str, Workload]:
    return {fact.name: fact for fact in reader.read(tree) if isinstance(fact, Workload)}


# -- Fly.io ------------------------------------------------------------------------------------------------------------

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


# -- Render ------------------------------------------------------------------------------------------------------------

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


# -- Railway -----------------------------------------------------------------------------------------------------------


def test_railways_replicas_are_summed_over_regions_and_double_in_a_deployment(make_tree: MakeTree) -> None:
    text = """\
    [deploy]
    startCommand = "uvicorn app:app"
    [deploy.multiRegionConfig.us-west1]
    numReplicas = 2
    [deploy.multiRegionConfig.europe-west4]
    numReplicas = 3
    """
    api = only(railway, make_tree({"api/railway.toml": text}))
    assert (api.name, evidence(api.instances)[0]) == ("api", 5)
    assert (evidence(api.rollout_instances)[0], api.rollout_documented) == (10, True)
    assert api.command and (api.command.shell, str(api.command.location)) == ("uvicorn app:app", "api/railway.toml:2")


def test_railways_environments_override(make_tree: MakeTree) -> None:
    text = """\
    {"deploy": {"numReplicas": 2},
     "environments": {
       "production": {"deploy": {"numReplicas": 8}},
       "staging": {}}}
    """
    found = {w.environment: w for w in railway.read(make_tree({"railway.json": text}))}
    assert evidence(found["prod"].instances) == (8, "numReplicas", "railway.json:3", "exact")
    assert evidence(found["staging"].instances)[0] == 2


def test_a_count_the_railway_file_leaves_out_is_the_dashboards(make_tree: MakeTree) -> None:
    api = only(railway, make_tree({"railway.json": '{"deploy": {"startCommand": "python main.py"}}'}))
    assert "dashboard" in why(api.instances)


# -- App Engine --------------------------------------------------------------------------------------------------------

APP_ENGINE = """\
runtime: python312
service: api
entrypoint: gunicorn -w 2 main:app
%s
env_variables:
  POOL_SIZE: "3"
beta_settings:
  cloud_sql_instances: "p:r:i=tcp:5432"
"""


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [
        ("automatic_scaling:\n  max_instances: 12", (12, "max_instances", "app.yaml:5", "exact")),
        ("basic_scaling:\n  max_instances: 4", (4, "max_instances", "app.yaml:5", "exact")),
        ("manual_scaling:\n  instances: 2", (2, "instances", "app.yaml:5", "exact")),
        ("env: flex\nautomatic_scaling:\n  max_num_instances: 9", (9, "max_num_instances", "app.yaml:6", "exact")),
        ("env: flex", (20, "default of App Engine flexible", None, "estimate")),
    ],
)
def test_app_engines_ceiling(make_tree: MakeTree, scaling: str, expected: tuple) -> None:
    assert evidence(only(app_engine, make_tree({"app.yaml": APP_ENGINE % scaling})).instances) == expected


def test_app_engine_without_a_ceiling_is_unknown(make_tree: MakeTree) -> None:
    tree = make_tree(
        {"a/app.yaml": APP_ENGINE % "", "b/app.yaml": APP_ENGINE % "automatic_scaling:\n  max_instances: 2147483647"}
    )
    assert [why(w.instances) for w in app_engine.read(tree)] == [
        "max_instances is not set",
        "max_instances is switched off",
    ]


def test_app_engine_gives_command_variables_and_sockets(make_tree: MakeTree) -> None:
    api = only(app_engine, make_tree({"app.yaml": APP_ENGINE % ""}))
    assert (api.name, api.instance_connections) == ("api", ("p:r:i",))
    assert api.command and api.command.shell == "gunicorn -w 2 main:app"
    assert evidence(api.variables.variables["POOL_SIZE"])[0] == "3"
    assert api.variables.complete


def test_an_app_yaml_that_is_no_python_service_is_none(make_tree: MakeTree) -> None:
    tree = make_tree(
        {"app.yaml": "runtime: nodejs20\n", "k8s/app.yaml": "apiVersion: v1\nkind: Pod\nruntime: python\n"}
    )
    assert list(app_engine.read(tree)) == []


# -- Heroku ------------------------------------------------------------------------------------------------------------


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


# -- DigitalOcean ------------------------------------------------------------------------------------------------------

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


# -- Copilot -----------------------------------------------------------------------------------------------------------

COPILOT = """\
name: api
type: Load Balanced Web Service
image:
  build: api/Dockerfile
count: %s
variables:
  POOL_SIZE: 5
secrets:
  DATABASE_URL: /copilot/db
%s
"""


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        ("3", (3, "count", "copilot/api/manifest.yml:5", "exact")),
        ("\n  range: 2-9", (9, "range", "copilot/api/manifest.yml:6", "exact")),
        ("\n  range:\n    min: 1\n    max: 7", (7, "max", "copilot/api/manifest.yml:8", "exact")),
        ("", (1, "default of Copilot", None, "default")),
    ],
)
def test_copilots_count(make_tree: MakeTree, count: str, expected: tuple) -> None:
    api = only(copilot, make_tree({"copilot/api/manifest.yml": COPILOT % (count, ""), "api/Dockerfile": "FROM python"}))
    assert evidence(api.instances) == expected
    assert evidence(api.rollout_instances)[0] == 2 * expected[0]
    assert api.build and (api.build.context, api.build.dockerfile) == ("api", "api/Dockerfile")
    assert api.variables.secrets == {"DATABASE_URL": "aws-secret///copilot/db"}


def test_copilots_environments_override_and_recreate_does_not_overlap(make_tree: MakeTree) -> None:
    text = COPILOT % ("3", "deployment:\n  rolling: recreate\nenvironments:\n  prod:\n    count: 10\n  test: {}")
    found = {w.environment: w for w in copilot.read(make_tree({"copilot/api/manifest.yml": text}))}
    assert evidence(found["prod"].instances)[0] == 10
    assert evidence(found["test"].instances)[0] == 3
    assert evidence(found["prod"].rollout_instances)[0] == 10


# -- Vercel ------------------------------------------------------------------------------------------------------------


def test_vercel_runs_python_per_invocation(make_tree: MakeTree) -> None:
    text = '{"functions": {"api/*.py": {"maxDuration": 60}}, "env": {"MODE": "x", "URL": "@database-url"}}'
    function = only(vercel, make_tree({"web/vercel.json": text}))
    assert (function.life, evidence(function.concurrency)[0::3]) == ("per-invocation", (1, "estimate"))
    assert evidence(function.request_timeout) == (60, "maxDuration", "web/vercel.json:1", "exact")
    assert "platform decides" in why(function.instances)
    assert list(function.variables.variables) == ["MODE"]


def test_vercel_with_a_front_end_alone_is_nothing(make_tree: MakeTree) -> None:
    tree = make_tree({"vercel.json": '{"rewrites": []}', "api/hello.ts": "", "backend/app.py": ""})
    assert list(vercel.read(tree)) == []


# -- Cloud Foundry -----------------------------------------------------------------------------------------------------


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


# -- input from strangers ----------------------------------------------------------------------------------------------

READERS = {
    "fly.toml": fly,
    "render.yaml": render,
    "railway.json": railway,
    "railway.toml": railway,
    "app.yaml": app_engine,
    ".do/app.yaml": digitalocean,
    "heroku.yml": heroku,
    "app.json": heroku,
    "copilot/x/manifest.yml": copilot,
    "vercel.json": vercel,
    "manifest.yml": cloud_foundry,
}
ODD = {
    "nothing": "",
    "a word": "x",
    "a list": "[1, 2]",
    "nesting": "[" * 5_000,
    "types": "app: []\nservices: {a: 1}\nworkers: x\ndatabases: [1]\ntype: [x]\nruntime: {}\n"
    "applications: [1, {name: []}]\nname: {}\n"
    "deploy: 3\nfunctions: []\nbuild: []\nrun: [1]\nformation: 1\naddons: [[1]]\nsetup: 2\nenvironments: [1]\n",
    "toml types": 'app = 3\nenv = 1\nprocesses = ["x"]\nservices = 3\nvm = {}\n'
    "build = 4\ndeploy = 5\n[http_service]\nconcurrency = 1\nprocesses = true\n",
}


@pytest.mark.parametrize("path", READERS)
@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_no_content_ends_a_run(make_tree: MakeTree, path: str, text: str) -> None:
    tree = make_tree({path: text})
    list(READERS[path].read(tree))
    assert not [s for s in tree.skipped if s.reason.startswith("could not be read")]
