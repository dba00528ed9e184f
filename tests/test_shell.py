"""Entry-point scripts: which command runs, where each number stands, and what stays undecided."""

from __future__ import annotations

import pytest

from poollint.commands import processes
from poollint.facts import Build, Environment, Known, Location, Origin, Process, Setting, Unknown, Workload

DOCKERFILE = """\
FROM python:3.12
WORKDIR /srv
COPY . .
ENTRYPOINT ["./start.sh"]
CMD {arguments}
"""


@pytest.fixture
def run(make_tree):
    """Run start.sh with arguments and return what starts."""

    def run(
        script: str, arguments: str = "[]", variables=None, complete=True, files=None, **workload
    ) -> tuple[Process, ...]:
        tree = make_tree(
            {
                "Dockerfile": DOCKERFILE.format(arguments=arguments),
                "start.sh": script,
                "app/main.py": "",
                **(files or {}),
            }
        )
        given = {name: Known(value, Origin(name, Location("env.yaml", 7))) for name, value in (variables or {}).items()}
        workload = Workload(
            "api",
            "compose",
            "service",
            Location("Dockerfile", 1),
            build=Build("."),
            variables=Environment(given, complete),
            **workload,
        )
        found = processes(workload, tree)
        assert tree.skipped == ()
        return found

    return run


def said(setting: Setting) -> str:
    assert isinstance(setting, Known), setting
    return f"{setting.value} {setting.origin.says} {setting.origin.location} {setting.certainty}"


def servers(found: tuple[Process, ...]) -> list[str]:
    return [process.server for process in found]


def test_a_negation_before_a_pipeline_is_of_all_of_it(run):
    script = 'if ! alembic upgrade head 2>&1 | tee log; then\n  cat log\n  exit 1\nfi\nexec "$@"\n'
    assert servers(run(script, '["uvicorn", "app.main:app"]')) == ["alembic", "uvicorn"]


def test_the_line_of_the_flag_is_the_line_of_the_evidence_in_a_continued_command(run):
    (process,) = run(
        "#!/bin/sh\nset -e\nexec gunicorn app.main:app \\\n  --bind :80 \\\n  --workers 4 \\\n  --threads ${T:-2}\n"
    )
    assert said(process.processes) == "4 --workers start.sh:5 exact"
    assert said(process.units) == "2 --threads start.sh:6 exact"
    assert process.location == Location("start.sh", 3, 6)
    assert process.files == ("Dockerfile", "start.sh")


def test_a_migration_runs_before_the_server_and_both_are_seen(run):
    found = run("alembic upgrade head && exec uvicorn app.main:app --workers 2\n")
    assert [(process.server, process.kind) for process in found] == [("alembic", "migration"), ("uvicorn", "web")]


def test_servers_side_by_side_are_all_counted(run):
    found = run("celery -A app worker -c 2 &\ncelery -A app beat &\ngunicorn -w 3 app.main:app\n")
    assert [(process.server, process.processes.value) for process in found] == [
        ("celery", 2),
        ("celery beat", 1),
        ("gunicorn", 3),
    ]


def test_nothing_behind_a_server_in_the_foreground_runs(run):
    assert servers(run("gunicorn app.main:app\ncelery -A app worker\n")) == ["gunicorn"]
    assert servers(run("exec gunicorn app.main:app\ncelery -A app worker\n")) == ["gunicorn"]
    assert servers(run("gunicorn -D app.main:app\ncelery -A app worker -c 1\n")) == ["gunicorn", "celery"]


def test_a_commented_out_line_starts_nothing(run):
    (process,) = run("# exec gunicorn -w 9 app.main:app\nexec gunicorn -w 2 app.main:app # --workers 8\n")
    assert said(process.processes) == "2 --workers start.sh:2 exact"


BY_ARGUMENT = """\
case "$1" in
  web | api)
    shift
    exec gunicorn -w 4 "$@"
    ;;
  worker)
    exec celery -A app worker -c 8
    ;;
  *)
    exec "$@"
    ;;
esac
"""


@pytest.mark.parametrize(
    ("arguments", "server", "count"),
    [
        ('["web", "app.main:app"]', "gunicorn", 4),
        ('["worker"]', "celery", 8),
        ('["uvicorn", "app.main:app", "--workers", "3"]', "uvicorn", 3),
    ],
)
def test_the_arguments_of_the_container_choose_the_branch(run, arguments, server, count):
    (process,) = run(BY_ARGUMENT, arguments)
    assert (process.server, process.processes.value) == (server, count)


def test_a_branch_decided_by_the_environment_is_taken(run):
    script = (
        'if [ "$RELOAD" = "true" ]; then\n  uvicorn app.main:app --reload\n'
        "else\n  uvicorn app.main:app --workers 4\nfi\n"
    )
    (production,) = run(script)
    (developer,) = run(script, variables={"RELOAD": "true"})
    assert said(production.processes) == "4 --workers start.sh:4 exact"
    assert said(developer.processes) == "1 --reload start.sh:2 exact"


def test_a_branch_that_nothing_decides_leaves_the_number_unknown(run):
    script = (
        'if [ "$RELOAD" = "true" ]; then\n  uvicorn app.main:app --reload\n'
        "else\n  uvicorn app.main:app --workers 4\nfi\n"
    )
    (process,) = run(script, complete=False)
    assert process.processes == Unknown(
        'depends on [ "$RELOAD" = "true" ]', Origin("--reload", Location("start.sh", 2, 3))
    )
    assert process.entry == "app.main:app"


def test_undecided_branches_that_agree_are_one_answer(run):
    script = (
        'if [ "$TLS" = "1" ]; then\n  gunicorn -w 4 --certfile c app.main:app\nelse\n  gunicorn -w 4 app.main:app\nfi\n'
    )
    (process,) = run(script, complete=False)
    assert process.processes.value == 4


def test_a_branch_that_only_fails_is_no_alternative(run):
    script = 'if [ -z "$DATABASE_URL" ]; then\n  echo missing\n  exit 1\nfi\nexec gunicorn -w 4 app.main:app\n'
    (process,) = run(script, complete=False)
    assert said(process.processes) == "4 --workers start.sh:5 exact"


def test_a_fallback_that_decides_a_branch_weakens_what_it_starts(run):
    script = 'if [ "${MODE:-prod}" = "prod" ]; then\n  gunicorn -w 4 app.main:app\nfi\n'
    (process,) = run(script, complete=False)
    assert said(process.processes) == "4 --workers start.sh:2 fallback"


@pytest.mark.parametrize(
    ("script", "count"),
    [
        ("W=3\ngunicorn -w $W app.main:app", 3),
        ("export W=3\ngunicorn -w ${W} app.main:app", 3),
        (': "${W:=3}"\ngunicorn -w "$W" app.main:app', 3),
        ("W=$((2 * 1 + 1))\ngunicorn -w $W app.main:app", 3),
        ("N=1\nW=$((2 * N + 1))\ngunicorn --workers=$W app.main:app", 3),
        ('ARGS="-w 3 --threads 2"\ngunicorn $ARGS app.main:app', 3),
        ("WEB_CONCURRENCY=3 gunicorn app.main:app", 3),
        ("export WEB_CONCURRENCY=${W:-3}\ngunicorn app.main:app", 3),
        ("set -a\n. ./settings.env\nset +a\ngunicorn app.main:app", 3),
        ("start() {\n  gunicorn -w $1 app.main:app\n}\nstart 3", 3),
        ('set -- gunicorn -w 3 app.main:app\nexec "$@"', 3),
        ("bash -c 'gunicorn -w 3 app.main:app'", 3),
        ("sh ./other.sh 3", 3),
        ("./other.sh 3", 3),
        ("cd app\nexec ../other.sh 3", 3),
        ("if test 2 -gt 1; then gunicorn -w 3 app.main:app; fi", 3),
        ("[ -f ./other.sh ] && gunicorn -w 3 app.main:app", 3),
        ("[[ a == a && ! -z b ]] && gunicorn -w 3 app.main:app", 3),
        ("if (( 2 > 1 )); then gunicorn -w 3 app.main:app; fi", 3),
        ("while ! nc -z db 5432; do sleep 1; done\ngunicorn -w 3 app.main:app", 3),
        ("until alembic upgrade head; do sleep 1; done\ngunicorn -w 3 app.main:app", 3),
        ("alembic upgrade head || exit 1\ngunicorn -w 3 app.main:app", 3),
        ("cat <<EOF > /tmp/run.sh\ngunicorn -w 3 app.main:app\nEOF\nsh /tmp/run.sh", 3),
        ("gunicorn -w 3 app.main:app 2>&1 | tee log", 3),
        ('cd "$(dirname "$0")"\nexec ./other.sh 3', 3),
        ("eval gunicorn -w 3 app.main:app", 3),
    ],
)
def test_what_a_shell_does_with_words_and_variables(run, script, count):
    files = {"other.sh": "gunicorn -w $1 app.main:app\n", "settings.env": "WEB_CONCURRENCY=3\n"}
    found = [process for process in run(script + "\n", files=files) if process.kind == "web"]
    assert [process.processes.value for process in found] == [count]


def test_nproc_is_unknown_until_stated(run):
    script = "gunicorn -w $(( $(nproc) * 2 + 1 )) app.main:app\n"
    (unknown,) = run(script)
    (stated,) = run(script, cpus=Known(2, Origin("cpus"), "stated"))
    assert unknown.processes.reason == "computed from the number of CPUs, which no file gives"
    assert said(stated.processes) == "5 --workers start.sh:1 stated"


def test_an_unreadable_variable_of_options_may_hold_the_workers(run):
    (process,) = run("gunicorn $OPTIONS app.main:app\n", complete=False)
    (unset,) = run("gunicorn $OPTIONS app.main:app\n")
    assert process.processes.reason == "--workers may be set by OPTIONS, which no file gives"
    assert process.entry == "app.main:app"
    assert unset.processes.value == 1


def test_the_number_of_a_variable_stands_where_the_variable_is_written(run):
    (process,) = run("gunicorn -w ${WORKERS:-2} app.main:app\n", variables={"WORKERS": "6"})
    assert said(process.processes) == "6 WORKERS env.yaml:7 exact"


def test_what_the_script_exports_is_handed_to_the_process(run):
    (process,) = run("export DB_POOL=7\nLOCAL=1\nexec gunicorn app.main:app\n")
    assert said(process.environment["DB_POOL"]) == "7 DB_POOL start.sh:1 exact"
    assert "LOCAL" not in process.environment


@pytest.mark.parametrize(
    "script",
    [
        "./start.sh\n",
        "f() { f; }\nf\n",
        "while true; do :; done\n",
        "(" * 5_000,
        "$(" * 5_000,
        "if " * 3_000,
        "${A:-" * 4_000,
        "a=b " * 20_000,
        "for i in " + "x " * 5_000 + "; do for j in " + "y " * 5_000 + "; do echo; done; done\n",
        "$((" + "9*" * 90 + "9))",
    ],
)
def test_hostile_scripts_end_soon_and_start_nothing(run, script):
    assert run(script) == ()


def test_an_undecided_choice_between_servers_is_one_process_of_unknown_number(run):
    script = (
        'if [ "$KIND" = worker ]; then\n  exec celery -A app.main worker -c 4\n'
        "fi\nexec celery -A app.main worker -c 8\n"
    )
    (process,) = run(script, complete=False)
    assert isinstance(process.processes, Unknown)
    assert process.processes.reason == 'depends on [ "$KIND" = worker ]'


def test_arrays_hold_the_words_of_a_command(run):
    script = """\
#!/usr/bin/env bash
command=(
    gunicorn
    --workers "${WORKERS:-4}"  # per container
)
if [[ "$PRELOAD" == "true" ]]; then
    command+=( --preload )
fi
command+=("app.main:app")
command[0]=gunicorn
exec "${command[@]}"
"""
    (process,) = run(script)
    (preloaded,) = run(script, variables={"PRELOAD": "true", "WORKERS": "6"})
    assert (said(process.processes), process.preloads.value) == ("4 --workers start.sh:4 exact", False)
    assert (said(preloaded.processes), preloaded.preloads.value) == ("6 WORKERS env.yaml:7 exact", True)


def test_questions_about_a_server_start_none(run):
    script = (
        "gunicorn --version\ncommand -v gunicorn\n"
        "gunicorn --check-config app.main:app\n"
        "exec gunicorn -w 2 app.main:app\n"
    )
    (process,) = run(script)
    assert process.processes.value == 2


def test_what_only_prints_needs_no_decision(run):
    prints = "".join(f'if [ "$DEBUG_{n}" = 1 ]; then\n  echo {n}\nfi\n' for n in range(20))
    (process,) = run(prints + "exec gunicorn -w 2 app.main:app\n", complete=False)
    assert said(process.processes) == "2 --workers start.sh:61 exact"


def test_many_open_conditions_are_harmless_unless_one_of_them_changes_the_number(run):
    choices = "".join(f'if [ "$A_{n}" = 1 ]; then\n  X={n}\nfi\n' for n in range(20))
    (same,) = run(choices + "exec gunicorn -w 2 app.main:app\n", complete=False)
    (other,) = run("W=2\n" + choices.replace("X=7", "W=8") + "exec gunicorn -w $W app.main:app\n", complete=False)
    assert same.processes.value == 2
    assert other.processes.reason == 'depends on [ "$A_7" = 1 ]'
