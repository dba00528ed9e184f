"""A pull request from a stranger: nothing ends the run, nothing is followed, and no password is printed."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from running import SERVICE, poollint

from poollint import cli, discover
from poollint.discover import Tree

Write = Callable[[Mapping[str, str]], Path]

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}], y{i}: 1}}\n" for i in range(1, 40))
ENGINE = "from sqlalchemy import create_engine\n"

# file → (content, what the reason says)
KILLERS: dict[str, tuple[str | bytes, str]] = {
    "deploy/bomb.yaml": ("apiVersion: apps/v1\nkind: Deployment\n" + BOMB, "aliases expand"),
    "deploy/merges.yaml": ("apiVersion: apps/v1\nkind: Deployment\n" + MERGES, ""),
    "deploy/deep.yaml": ("apiVersion: apps/v1\nkind: Deployment\na: " + "[" * 60_000 + "]" * 60_000, "levels deep"),
    "deploy/tabs.yaml": ("apiVersion: apps/v1\nkind: Deployment\n\tb: 1\n", "not YAML"),
    "deploy/chart.yaml": (
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  {{- if .Values.x }}\n  replicas: 1\n",
        "template",
    ),
    "docker-compose.yml": ("services:\n  a: [\n", "not YAML"),
    "app/brackets.py": (ENGINE + "x = " + "(" * 3_000 + ")" * 3_000, ""),
    "app/deep.py": (ENGINE + "x = " + "-" * 60_000 + "1\n", ""),
    "app/null.py": (ENGINE + "x = '\x00'\n", ""),
    "app/broken.py": (ENGINE + "engine = create_engine(\n", ""),
    "app/latin.py": (ENGINE.encode() + b"# caf\xe9\n", "UTF-8"),
    "app/huge.py": (ENGINE + "# " + "x" * 3_000_000, "larger than"),
    "infra/deep.tf": ("x = " + "[" * 20_000, ""),
    "pyproject.toml": ("[project]\nx = " + "[" * 3_000, ""),
}


@pytest.fixture
def hostile(write: Write) -> Path:
    root = write(SERVICE)
    for path, (content, _) in KILLERS.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


@pytest.mark.parametrize("path", KILLERS)
def test_one_bad_file_ends_only_itself(write: Write, path: str) -> None:
    root = write(SERVICE)
    content, reason = KILLERS[path]
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    started = time.monotonic()
    done = poollint("--format", "json", cwd=root)
    assert time.monotonic() - started < 20
    data = json.loads(done.stdout)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert [(one["rule"], one["path"]) for one in data["findings"]] == [("missing-pre-ping", "app/db.py")]
    if reason:
        assert [one["path"] for one in data["skipped"]] == [path]
        assert reason in data["skipped"][0]["reason"]
        assert f"skipped: {path}" in done.stderr


def test_all_of_them_together_end_nothing_either(hostile: Path) -> None:
    done = poollint("--format", "json", cwd=hostile)
    assert done.returncode == 1
    assert "missing-pre-ping" in {one["rule"] for one in json.loads(done.stdout)["findings"]}


def test_links_and_special_files_are_not_opened(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = write(SERVICE)
    outside = tmp_path_factory.mktemp("outside") / "secret.py"
    outside.write_text(ENGINE + "create_engine('postgresql://db/outside')\n")
    (root / "app" / "link.py").symlink_to(outside)
    (root / "app" / "loop").symlink_to(root)
    os.mkfifo(root / "app" / "pipe.py")
    done = poollint("facts", "--format", "json", cwd=root)
    data = json.loads(done.stdout)
    assert [engine["path"] for engine in data["engines"]] == ["app/db.py"]
    assert {(one["path"], one["reason"]) for one in data["skipped"]} == {
        ("app/link.py", "a link that leaves the project"),
        ("app/pipe.py", "not a regular file"),
    }


def test_a_name_with_line_ends_and_control_characters_prints_as_one_visible_line(write: Write) -> None:
    root = write({"app/x\n::error::\x1b[31m.py": SERVICE["app/db.py"]})
    for name in ("text", "concise", "github"):
        done = poollint("--format", name, cwd=root)
        assert "\x1b" not in done.stdout + done.stderr
        commands = [line for line in done.stdout.splitlines() if line.lstrip().startswith("::")]
        assert len(commands) == (1 if name == "github" else 0)


def test_the_repositorys_git_configuration_runs_nothing(write: Write) -> None:
    root = write(SERVICE)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    mark = root / "ran"
    subprocess.run(["git", "-C", str(root), "config", "core.fsmonitor", f"touch {mark}; false"], check=True)
    poollint(cwd=root)
    assert not mark.exists()


# -- passwords -----------------------------------------------------------------------------------------------------

SECRET = "hunter2"
PASSWORDS = (
    SECRET,
    f"p@{SECRET}",
    f"{SECRET}@x",
    f"a/{SECRET}",
    f"a:{SECRET}",
    f"a?b={SECRET}",
    f"a#{SECRET}",
    f"%40{SECRET}%2F",
    f"{SECRET} x",
    f"[{SECRET}]",
    f"é{SECRET}",
    f"${{{SECRET}}}",
)
COMMANDS = (
    ["check", "--format", "text", "-v"],
    ["check", "--format", "concise"],
    ["check", "--format", "json"],
    ["check", "--format", "github"],
    ["check", "--format", "sarif"],
    ["check", "--format", "gitlab"],
    ["check", "--format", "rdjson"],
    ["check", "--format", "azure"],
    ["check", "--format", "junit"],
    ["facts", "-v"],
    ["facts", "--format", "json"],
    ["budget"],
    ["budget", "--format", "json"],
    ["budget", "--format", "markdown"],
)


def _project(password: str) -> dict[str, str]:
    """The same password wherever a project may write one."""
    url = f"postgresql+asyncpg://app:{password}@db:5432/orders"
    encoded = base64.b64encode(url.encode()).decode()
    return {
        "app/db.py": f"""\
            import os
            from fastapi import FastAPI
            from sqlalchemy import create_engine
            from sqlalchemy.engine import URL
            from sqlalchemy.ext.asyncio import create_async_engine

            app = FastAPI()
            PASSWORD = {password!r}
            one = create_async_engine({url!r}, connect_args={{"password": {password!r}}})
            two = create_async_engine(os.environ.get("DATABASE_URL", {url!r}))
            refused = create_async_engine(
                f"postgresql+asyncpg://db/orders?sslpassword={{PASSWORD}}",
                connect_args={{
                    "passwd": PASSWORD,
                    "auth_token": {password!r},
                    "server_settings": {{"secret": PASSWORD}},
                }},
                api_token={password!r},
            )
            three = create_engine(URL.create("postgresql+psycopg2", "app", {password!r}, "db", 5432, "orders"))
            four = create_engine(f"postgresql+psycopg2://app:{{PASSWORD}}@db/orders?password={{PASSWORD}}")
            five = create_engine("postgresql+psycopg2://app@db/orders", creator=lambda: connect({password!r}))
            """,
        "compose.yaml": f"""\
            services:
              api:
                build: .
                command: {json.dumps(["uvicorn", "app.db:app", "--header", f"X: {password}"])}
                environment:
                  DATABASE_URL: {json.dumps(url)}
              db:
                image: postgres:16
                environment:
                  POSTGRES_PASSWORD: {json.dumps(password)}
              bouncer:
                image: edoburu/pgbouncer:1.20.1
                environment:
                  DATABASE_URL: {json.dumps(url)}
                  POOL_MODE: transaction
            """,
        ".env": f"DATABASE_URL={url}\nDB_PASSWORD={password}\n",
        "alembic.ini": f"[alembic]\nsqlalchemy.url = {url}\n",
        "pgbouncer.ini": f"[databases]\norders = host=db password={password}\n[pgbouncer]\npool_mode = transaction\n",
        "Dockerfile": f"FROM python\nENV DATABASE_URL={url}\nCMD uvicorn app.db:app\n",
        "deploy/secret.yaml": (
            f"apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\ndata: {{DATABASE_URL: {encoded}}}\n"
            f"stringData:\n  url: {json.dumps(url)}\n"
            f"  OTHER_URL: {json.dumps(f'postgresql://app@db/orders?password={password}')}\n"
        ),
        "deploy/app.yaml": """\
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: shop}
            spec:
              replicas: 2
              template:
                spec:
                  containers:
                    - name: shop
                      image: shop
                      command: [uvicorn, "app.db:app"]
                      envFrom: [{secretRef: {name: db}}]
            """,
        "infra/main.tf": f'resource "google_sql_user" "app" {{\n  password = {json.dumps(password)}\n}}\n',
    }


@pytest.mark.parametrize("password", PASSWORDS)
def test_no_password_of_any_file_is_printed_by_any_command(
    write: Write, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.chdir(write(_project(password)))
    for command in COMMANDS:
        done = CliRunner().invoke(cli.poollint, command)  # in this process: there are many
        assert done.exit_code in (0, 1), done.exception
        leaked = [line for line in done.output.splitlines() if SECRET in line]
        assert not leaked, command


def test_a_mistake_in_a_file_with_a_password_does_not_print_it_either(write: Write) -> None:
    root = write(
        {
            **SERVICE,
            "compose.yaml": f"services:\n  api: {{a: postgresql://u:{SECRET}@db, ]\n",
            "app/x.py": f"{ENGINE}x = ('{SECRET}'\n",
        }
    )
    done = poollint(cwd=root)
    assert "skipped: compose.yaml" in done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_each_file_of_a_reader_has_its_own_time(
    make_tree: Callable[[Mapping[str, str]], Tree], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discover, "SECONDS_PER_FILE", 0.2)
    tree = make_tree({})

    def busy(seconds: float) -> None:
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass

    done = []
    with tree.guard("compose files"):
        for name, seconds in (("a", 0.15), ("b", 0.15), ("slow", 30), ("c", 0.15)):
            with tree.guard(name):
                busy(seconds)
                done.append(name)
        busy(30)  # what hangs outside any file is the reader's own
    assert done == ["a", "b", "c"]
    assert [skipped.path for skipped in tree.skipped] == ["compose files", "slow"]
    busy(0.3)  # and no clock runs on
