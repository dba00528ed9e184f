"""Dockerfiles: stages, forms, copies, and the workload that a Dockerfile is when nothing else deploys it."""

from __future__ import annotations

import pytest

from poollint import pipeline
from poollint.commands import processes
from poollint.facts import Build, Known, Location, Unknown, Workload
from poollint.readers import dockerfile
from poollint.readers._dockerfile import pairs, parse


def started(tree, **build):
    workload = Workload("api", "docker", "container", Location("Dockerfile", 1), build=Build(".", **build))
    return processes(workload, tree)


def test_the_final_stage_counts_and_a_target_chooses_another(make_tree):
    text = (
        "FROM python:3.12 AS base\nCMD gunicorn -w 9 a:app\nFROM base AS dev\n"
        "CMD uvicorn a:app --reload\nFROM base\nCMD gunicorn -w 4 a:app\n"
    )
    tree = make_tree({"Dockerfile": text})
    (final,), (dev,), (base,) = started(tree), started(tree, target="dev"), started(tree, target="base")
    assert (final.processes.value, final.location.line) == (4, 6)
    assert dev.server == "uvicorn"
    assert base.processes.value == 9


def test_the_last_command_of_a_stage_wins_and_a_healthcheck_is_none(make_tree):
    text = (
        "FROM python:3.12\nCMD gunicorn -w 9 a:app\n"
        "HEALTHCHECK CMD gunicorn -w 8 a:app\n#CMD gunicorn -w 7 a:app\n"
        "CMD gunicorn -w 4 a:app\nHEALTHCHECK CMD uvicorn x:y\n"
    )
    (process,) = started(make_tree({"Dockerfile": text}))
    assert process.processes.value == 4


def test_a_stage_inherits_command_and_variables_of_the_stage_below(make_tree):
    text = (
        "FROM python:3.12 AS base\nENV WEB_CONCURRENCY=5 MODE='a b'\n"
        "ENV OLD style value\nENTRYPOINT gunicorn a:app\nFROM base\nRUN true\n"
    )
    (process,) = started(make_tree({"Dockerfile": text}))
    assert process.processes == Known(5, process.processes.origin)
    assert str(process.processes.origin.location) == "Dockerfile:2"
    assert {name: setting.value for name, setting in process.environment.items()} == {
        "WEB_CONCURRENCY": "5",
        "MODE": "a b",
        "OLD": "style value",
    }


def test_arguments_are_no_variables_of_the_process_but_may_fill_one(make_tree):
    text = "FROM python:3.12\nARG WEB_CONCURRENCY=7\nARG N=3\nENV THREADS=${N}\nCMD gunicorn --threads $THREADS a:app\n"
    (process,) = started(make_tree({"Dockerfile": text}))
    assert process.processes.value == 1
    assert process.units.value == 3


def test_a_shell_form_entrypoint_ignores_the_command(make_tree):
    (process,) = started(make_tree({"Dockerfile": 'FROM python:3.12\nENTRYPOINT gunicorn a:app\nCMD ["-w", "4"]\n'}))
    assert process.processes.value == 1


@pytest.mark.parametrize(
    ("copies", "directory"),
    [
        ("COPY . /srv", "backend"),
        ("COPY backend/ /srv/backend/", "backend"),
        ("COPY backend /srv/backend", "backend"),
        ("COPY --chown=a:b ./backend ./backend", "backend"),
        ("COPY --from=build /code /srv/backend", "backend"),
        ("COPY requirements.txt backend/ /srv/backend/", "backend"),
    ],
)
def test_copies_lead_from_the_container_to_the_repository(make_tree, copies, directory):
    text = (
        f"FROM python:3.12 AS build\nCOPY backend /code\nFROM python:3.12\n"
        f"WORKDIR /srv\n{copies}\nWORKDIR backend\nCMD gunicorn app.main:app\n"
    )
    tree = make_tree({"Dockerfile": text, "backend/app/main.py": "", "backend/gunicorn.conf.py": "workers = 6\n"})
    (process,) = started(tree)
    assert (process.directory, process.processes.value) == (directory, 6)


def test_what_is_copied_from_outside_the_project_is_not_followed(make_tree):
    tree = make_tree({"Dockerfile": "FROM python:3.12\nCOPY ../../etc/passwd /x.sh\nCMD /x.sh\n"})
    assert started(tree) == ()


@pytest.mark.parametrize(
    "written",
    [
        "RUN echo '#!/bin/sh\\nexec gunicorn -w 4 a:app' > /start.sh",
        'RUN printf "#!/bin/sh\\nexec gunicorn -w 4 a:app\\n" > /start.sh && chmod +x /start.sh',
        "RUN printf '%s\\n' '#!/bin/sh' 'exec gunicorn -w 4 a:app' > /start.sh",
        "RUN echo '#!/bin/sh' > /start.sh && \\\n    echo 'exec gunicorn -w 4 a:app' >> /start.sh",
        "COPY <<EOF /start.sh\n#!/bin/sh\nexec gunicorn -w 4 a:app\nEOF",
        "RUN cat <<'EOF' > /start.sh\n#!/bin/sh\nexec gunicorn -w 4 a:app\nEOF",
    ],
)
def test_scripts_written_while_building_are_read(make_tree, written):
    (process,) = started(make_tree({"Dockerfile": f'FROM python:3.12\n{written}\nCMD ["/start.sh"]\n'}))
    assert process.processes.value == 4
    assert process.processes.origin.location.path == "Dockerfile"


def test_a_heredoc_keeps_the_lines_of_its_numbers(make_tree):
    text = "FROM python:3.12\nCOPY <<EOF /start.sh\n#!/bin/sh\nexec gunicorn \\\n  -w 4 a:app\nEOF\nCMD /start.sh\n"
    (process,) = started(make_tree({"Dockerfile": text}))
    assert str(process.processes.origin.location) == "Dockerfile:5"


def test_comments_inside_a_continued_command_are_dropped(make_tree):
    text = 'FROM python:3.12\nCMD ["gunicorn", \\\n# "-w", "9", \\\n     "-w", "4", \\\n     "a:app"]\n'
    (process,) = started(make_tree({"Dockerfile": text}))
    assert (process.processes.value, str(process.processes.origin.location)) == (4, "Dockerfile:4")


def test_heredocs_of_runs_are_no_instructions():
    file = parse("Dockerfile", "FROM a\nRUN <<EOF\nCMD gunicorn -w 9 a:app\nEOF\nCMD x\n")
    assert [instruction.name for instruction in file.stages[0].instructions] == ["RUN", "CMD"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1 B=2", [("A", "1", True), ("B", "2", True)]),
        ('A="x y" B=z', [("A", "x y", True), ("B", "z", True)]),
        ("A='$x'", [("A", "$x", False)]),
        ("A x y", [("A", "x y", True)]),
        (r"A=x\ y", [("A", "x y", True)]),
    ],
)
def test_variables_are_split_as_docker_splits_them(text, expected):
    assert pairs(text) == expected


# -- the workload


def test_a_dockerfile_alone_is_a_workload_with_unknown_instances(make_tree):
    tree = make_tree({"services/api/Dockerfile": "FROM python:3.12\nCMD gunicorn -w 4 a:app\n"})
    (workload,) = dockerfile.read(tree)
    assert (workload.name, workload.platform, str(workload.location)) == ("api", "docker", "services/api/Dockerfile:2")
    assert workload.instances == Unknown("no manifest says how many instances run")
    assert processes(workload, tree)[0].processes.value == 4


@pytest.mark.parametrize(
    "base", ["postgres:16", "nginx:1.27", "node:22-slim", "golang:1.23", "pgbouncer/pgbouncer:1.23.1"]
)
def test_images_that_run_no_python_of_the_project_are_no_workload(make_tree, base):
    assert list(dockerfile.read(make_tree({"Dockerfile": f"FROM {base}\nCMD run\n"}))) == []


def test_the_context_is_the_folder_where_the_copied_files_are(make_tree):
    tree = make_tree(
        {"docker/api.Dockerfile": "FROM python:3.12\nCOPY backend/app /app\nCMD x\n", "backend/app/main.py": ""}
    )
    (workload,) = dockerfile.read(tree)
    assert (workload.build, workload.name) == (Build("", "docker/api.Dockerfile"), f"{tree.root.name}-api")


def test_a_dockerfile_for_developers_is_marked_and_the_folder_of_the_pipeline_is_not(make_tree):
    tree = make_tree({"Dockerfile.dev": "FROM python:3.12\n", "ci/Dockerfile": "FROM python:3.12\n"})
    assert {workload.build.dockerfile: workload.environment for workload in dockerfile.read(tree)} == {
        "Dockerfile.dev": "dev",
        "ci/Dockerfile": None,
    }


@pytest.mark.parametrize(
    "text",
    [
        "FROM\n",
        "FROM a\nCMD [",
        "FROM a AS a\nFROM a\nCOPY --from=1 / /\nCMD x",
        "\\\n" * 4000,
        "FROM a\n" + "RUN <<A <<B <<C\n" * 500,
    ],
)
def test_broken_dockerfiles_do_no_harm(make_tree, text):
    tree = make_tree({"Dockerfile": text})
    list(dockerfile.read(tree))
    assert started(tree) == ()
    assert tree.skipped == ()


def test_a_folder_whose_parts_were_copied_one_by_one_is_that_folder(make_tree):
    text = (
        "FROM python:3.12\nCOPY ./backend/pyproject.toml /srv/backend/\nCOPY ./backend/app /srv/backend/app\n"
        "WORKDIR /srv/backend\nCMD gunicorn app.main:app\n"
    )
    tree = make_tree({"Dockerfile": text, "backend/app/main.py": "", "backend/pyproject.toml": ""})
    (process,) = started(tree)
    assert process.directory == "backend"


def test_a_source_outside_the_context_is_one_inside_it(make_tree):
    """BuildKit takes the `../` away: what is copied is `bot`."""
    text = "FROM python:3.12\nWORKDIR /bot\nCOPY ../../bot /bot\nCMD python main.py\n"
    files = {"docker/bot/Dockerfile": text, "bot/main.py": "import uvicorn\nuvicorn.run('app:app', workers=3)\n"}
    workload = Workload("bot", "compose", "service", Location("c.yml", 1), build=Build("", "docker/bot/Dockerfile"))
    (process,) = processes(workload, make_tree(files))
    assert process.processes.value == 3


@pytest.mark.parametrize(
    ("base", "life"),
    [
        ("public.ecr.aws/lambda/python:3.12", "per-invocation"),
        ("amazon/aws-lambda-python:3.12", "per-invocation"),
        ("python:3.12", "long-lived"),
        ("shop/lambda-pythonic:1", "long-lived"),
    ],
)
def test_an_image_that_only_lambda_runs_is_a_function(make_tree, base, life):
    (found,) = dockerfile.read(make_tree({"Dockerfile": f'FROM {base} AS build\nFROM build\nCMD ["app.main.handler"]\n', "app/main.py": ""}))
    assert (found.life, [(process.entry, process.units.value) for process in found.run]) == (
        life,
        [("app.main:handler", 1)] if life == "per-invocation" else [],
    )


def test_compose_runs_a_functions_image_in_an_emulator(make_tree):
    files = {
        "Dockerfile": 'FROM public.ecr.aws/lambda/python:3.12\nCOPY app app\nCMD ["app.main.handler"]\n',
        "docker-compose.yml": "services:\n  api:\n    build: .\n",
        "app/main.py": "from sqlalchemy import create_engine\nengine = create_engine('postgresql+psycopg://db/a')\ndef handler(event, context): ...\n",
    }
    _, _, project = pipeline.read([make_tree(files).root], isolated=True)
    assert {(w.platform, w.life) for w in project.workloads} == {("docker", "per-invocation"), ("compose", "long-lived")}


def test_a_functions_image_without_a_command_names_no_handler(make_tree):
    (found,) = dockerfile.read(make_tree({"Dockerfile": "FROM public.ecr.aws/lambda/python:3.12\nCOPY app app\n"}))
    assert (found.life, [process.entry for process in found.run]) == ("per-invocation", [None])
