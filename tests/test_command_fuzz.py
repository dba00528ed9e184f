"""Whatever stands in a script, a Dockerfile or a Compose file: it is read in time, and no file is lost by a mistake of poollint."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poollint.commands import processes
from poollint.discover import discover
from poollint.facts import Build, Location, Workload
from poollint.readers import compose, dockerfile, pgbouncer, procfile, supervisor, systemd

SHELL = st.lists(
    st.sampled_from(
        """if then else elif fi case esac in for do done while until ( ) { } [ ] [[ ]] ; ;; & && | || ! = == -z -f $ " ' \\ ` $( $(( ))
        ${A:-3} ${A $1 "$@" $# A=1 A+=(x) export set -- exec eval source . cd shift gunicorn uvicorn celery worker -w -c 4 app:app
        nproc <<EOF EOF > /x.sh python -m alembic upgrade head \n \n \n # f() f""".split(" ")
    ),
    max_size=40,
).map(" ".join)
DOCKER = st.lists(
    st.sampled_from(
        [
            "FROM",
            "python:3",
            "AS",
            "a",
            "COPY",
            "--from=a",
            ".",
            "/",
            "RUN",
            "echo x > /s.sh",
            "<<EOF",
            "EOF",
            "CMD",
            "ENTRYPOINT",
        ]
        + ["[", "]", '"gunicorn"', ",", "ENV", "A=1", "WORKDIR", "ARG", "\\\n", "\n", "\n", "#", "${A}", "HEALTHCHECK"]
    ),
    max_size=40,
).map(" ".join)
INI = st.lists(
    st.sampled_from(
        ["[pgbouncer]", "[program:a]", "[Service]", "ExecStart=", "command=", "pool_mode=", "x", "=", "\\", "%(ENV_A)s"]
        + ["\n"] * 4
    ),
    max_size=30,
).map("".join)
YAML = st.recursive(
    st.sampled_from(
        ["a", "postgres:16", "pgbouncer/pgbouncer", "${A:-1}", "$$A", "gunicorn -w 2 a:b", "'", 1, None, True]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "image build command entrypoint environment env_file deploy replicas volumes extends profiles links networks".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)
QUICK = settings(max_examples=150, deadline=2000, suppress_health_check=list(HealthCheck))


def _read(write, files) -> None:
    tree = discover([write(files)])
    for reader in (compose, dockerfile, pgbouncer, procfile, supervisor, systemd):
        for fact in reader.read(tree):
            if isinstance(fact, Workload):
                processes(fact, tree)
    started = Workload("a", "docker", "container", Location("Dockerfile", 1), build=Build("."))
    processes(started, tree)
    assert [one for one in tree.skipped if "could not be read" in one.reason] == []


@QUICK
@given(script=SHELL)
def test_scripts(write, script):
    _read(write, {"Dockerfile": 'FROM python:3\nCOPY . /\nENTRYPOINT ["/start.sh"]\nCMD a\n', "start.sh": script})


@QUICK
@given(text=DOCKER)
def test_dockerfiles(write, text):
    _read(write, {"Dockerfile": text})


@QUICK
@given(text=INI, name=st.sampled_from(["pgbouncer.ini", "supervisord.conf", "a.service", "Procfile"]))
def test_ini_files(write, text, name):
    _read(write, {name: text})


@QUICK
@given(services=st.dictionaries(st.sampled_from(["a", "b"]), YAML, max_size=2))
def test_compose_files(write, services):
    import json

    _read(write, {"docker-compose.yml": json.dumps({"services": services})})
