"""Cloud Run as commands: what a flag says, what an absent one does not, and where it is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from evidence import evidence, why

from poollint.discover import Tree
from poollint.facts import Workload
from poollint.readers import gcloud

MakeTree = Callable[[dict[str, str]], Tree]


def only(tree: Tree) -> Workload:
    (workload,) = gcloud.read(tree)
    return workload


SCRIPT = """\
#!/bin/sh
gcloud run deploy orders \\
  --image gcr.io/acme/orders:1 \\
  --max-instances=12 --concurrency 40 \\
  --timeout=10m5s \\
  --cpu 2 \\
  --command gunicorn --args="-w,4,app:app" \\
  --set-env-vars "POOL_SIZE=5,URL=postgresql://app:hunter2@db/orders" \\
  --set-secrets=TOKEN=token:3,/mnt/key=key:1 \\
  --add-cloudsql-instances acme:europe-west1:orders \\
  --vpc-connector main && echo done --max-instances=99
"""


def test_flags_over_many_lines_are_read_with_their_places(make_tree: MakeTree) -> None:
    api = only(make_tree({"deploy.sh": SCRIPT}))
    assert (api.name, api.platform, api.kind, api.life) == ("orders", "cloud-run", "service", "scale-to-zero")
    assert evidence(api.instances) == (12, "--max-instances", "deploy.sh:4", "exact")
    assert evidence(api.concurrency) == (40, "--concurrency", "deploy.sh:4", "exact")
    assert evidence(api.request_timeout) == (605, "--timeout", "deploy.sh:5", "exact")
    assert evidence(api.cpus)[0] == 2
    assert api.entrypoint and api.entrypoint.words == ("gunicorn",)
    assert api.command and api.command.words == ("-w", "4", "app:app")
    assert (api.image, api.egress) == ("gcr.io/acme/orders:1", "vpc")
    assert api.instance_connections == ("acme:europe-west1:orders",)


def test_variables_that_are_set_replace_all_and_lose_their_passwords(make_tree: MakeTree) -> None:
    variables = only(make_tree({"deploy.sh": SCRIPT})).variables
    assert evidence(variables.variables["POOL_SIZE"]) == ("5", "POOL_SIZE", "deploy.sh:8", "exact")
    assert evidence(variables.variables["URL"])[0] == "postgresql://app:***@db/orders"
    assert variables.secrets == {"TOKEN": "secret-manager//token/3"}
    assert variables.complete


def test_a_flag_that_is_not_given_keeps_what_the_service_had(make_tree: MakeTree) -> None:
    api = only(make_tree({"Makefile": "deploy:\n\t@gcloud run deploy orders --image x --update-env-vars=A=1\n"}))
    assert why(api.instances) == "--max-instances is not given, so the service keeps what it had"
    assert why(api.concurrency) == "--concurrency is not given, so the service keeps what it had"
    assert not api.variables.complete


def test_default_asks_for_the_platforms_own_number(make_tree: MakeTree) -> None:
    api = only(make_tree({"d.sh": "gcloud run deploy a --max-instances=default --concurrency=default --cpu=1\n"}))
    assert evidence(api.instances)[0::3] == (100, "default")
    assert evidence(api.concurrency)[0::3] == (80, "default")


def test_the_service_maximum_and_the_revision_maximum(make_tree: MakeTree) -> None:
    api = only(make_tree({"d.sh": "gcloud run deploy a --max=30 --max-instances=20\n"}))
    assert evidence(api.instances)[:2] == (20, "--max-instances")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("N=7\ngcloud run deploy a --max-instances=$N\n", (7, "--max-instances", "d.sh:2", "exact")),
        ('N="${N:-7}"\ngcloud run deploy a --max-instances "$N"\n', (7, "--max-instances", "d.sh:2", "fallback")),
        ("gcloud run deploy a --max-instances=${N:-7}\n", (7, "--max-instances", "d.sh:1", "fallback")),
    ],
)
def test_variables_of_the_script_are_filled_in(make_tree: MakeTree, text: str, expected: tuple) -> None:
    assert evidence(only(make_tree({"d.sh": text})).instances) == expected


def test_two_values_of_a_variable_are_no_value(make_tree: MakeTree) -> None:
    text = "if x; then N=1; fi\nN=2\n  N=3\ngcloud run deploy a --max-instances=$N\n"
    assert why(only(make_tree({"d.sh": text})).instances) == "--max-instances is $N, which no file gives"


def test_a_makefiles_weak_assignment_is_a_fallback(make_tree: MakeTree) -> None:
    text = "N ?= 9\ndeploy:\n\tgcloud run deploy a --max-instances=$(N)\n"
    assert evidence(only(make_tree({"Makefile": text})).instances) == (9, "--max-instances", "Makefile:3", "fallback")


def test_an_update_of_the_same_service_adds_its_flags(make_tree: MakeTree) -> None:
    text = "gcloud run deploy a --image x\ngcloud run services update a --max-instances=4\n"
    assert evidence(only(make_tree({"d.sh": text})).instances) == (4, "--max-instances", "d.sh:2", "exact")


@pytest.mark.parametrize(
    "text",
    [
        "# gcloud run deploy a --max-instances=4\n",
        'echo "gcloud run deploy a"\n',
        "gcloud run services list\n",
        "gcloud run services replace service.yaml\n",
        "my-gcloud run deploy a\n",
    ],
)
def test_what_only_looks_like_a_deployment_is_none(make_tree: MakeTree, text: str) -> None:
    assert list(gcloud.read(make_tree({"d.sh": text}))) == []


def test_jobs_and_worker_pools(make_tree: MakeTree) -> None:
    text = (
        "gcloud beta run jobs deploy nightly --tasks=10 --parallelism 3\n"
        "gcloud run worker-pools deploy queue --instances=4\n"
    )
    job, pool = sorted(gcloud.read(make_tree({"d.sh": text})), key=lambda w: w.kind)
    assert (job.name, job.life, evidence(job.instances)[0]) == ("nightly", "one-off", 3)
    assert (pool.name, pool.life, evidence(pool.instances)[0]) == ("queue", "long-lived", 4)


WORKFLOW = """\
on: push
env:
  MAX: "12"
jobs:
  deploy:
    environment: production
    env:
      SERVICE: orders
    steps:
      - uses: actions/checkout@v4
      - run: |
          gcloud run deploy "$SERVICE" --max-instances ${{ env.MAX }} --source ./backend
  other:
    environment:
      name: staging
    steps:
      - uses: google-github-actions/deploy-cloudrun@v2
        with:
          service: jobs
          timeout: 15m
          env_vars: |
            POOL_SIZE=2
            MODE=fast
          secrets: |
            URL=database-url:latest
          flags: --max-instances=3 --concurrency=8
"""


def test_workflows_have_environments_variables_and_the_action(make_tree: MakeTree) -> None:
    tree = make_tree({".github/workflows/deploy.yml": WORKFLOW, "backend/Dockerfile": "FROM python"})
    found = {w.name: w for w in gcloud.read(tree)}
    orders, jobs = found["orders"], found["jobs"]
    assert (orders.environment, jobs.environment) == ("prod", "staging")
    assert evidence(orders.instances) == (12, "--max-instances", ".github/workflows/deploy.yml:12", "exact")
    assert orders.sources == ("backend",)
    assert orders.build and orders.build.dockerfile == "backend/Dockerfile"
    assert evidence(jobs.instances) == (3, "--max-instances", ".github/workflows/deploy.yml:26", "exact")
    assert evidence(jobs.request_timeout)[0] == 900
    assert evidence(jobs.variables.variables["MODE"])[0] == "fast"
    assert jobs.variables.secrets == {"URL": "secret-manager//database-url/latest"}
    assert not jobs.variables.complete  # the action merges unless told otherwise


def test_the_action_with_a_service_file_leaves_that_file_to_speak(make_tree: MakeTree) -> None:
    text = WORKFLOW.replace("service: jobs", "metadata: service.yaml")
    assert [w.name for w in gcloud.read(make_tree({".github/workflows/d.yml": text}))] == ["orders"]


def test_cloud_build_lists_its_arguments(make_tree: MakeTree) -> None:
    text = """\
    substitutions:
      _MAX: '7'
    steps:
      - name: gcr.io/google.com/cloudsdktool/cloud-sdk
        entrypoint: gcloud
        args:
          - run
          - deploy
          - api
          - --max-instances
          - ${_MAX}
      - name: gcr.io/google.com/cloudsdktool/cloud-sdk
        entrypoint: bash
        args:
          - -c
          - |
            gcloud run deploy worker --max-instances=$_MAX
    """
    found = {w.name: w for w in gcloud.read(make_tree({"cloudbuild.yaml": text}))}
    assert evidence(found["api"].instances) == (7, "--max-instances", "cloudbuild.yaml:11", "exact")
    assert evidence(found["worker"].instances) == (7, "--max-instances", "cloudbuild.yaml:17", "exact")


def test_a_service_that_a_file_declares_is_not_counted_twice(make_tree: MakeTree) -> None:
    declared = 'resource "google_cloud_run_v2_service" "a" {\n  name = "orders"\n}\n'
    assert list(gcloud.read(make_tree({"d.sh": SCRIPT, "main.tf": declared}))) == []


def test_hostile_scripts_end(make_tree: MakeTree) -> None:
    files = {
        "a.sh": "gcloud run deploy a --x='" + "y" * 100_000,
        "b.sh": "A=$B\nB=$A\ngcloud run deploy b --max-instances=$A\n",
        "c.sh": "gcloud run deploy c " + "--f=1 \\\n" * 20_000,
        "d.sh": 'gcloud run deploy d "' * 5_000,
        "e.sh": "X=${" * 20_000 + "\ngcloud run deploy e\n",
    }
    assert {w.name for w in gcloud.read(make_tree(files))} >= {"a", "b", "c"}
