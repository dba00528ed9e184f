"""Programs that a word tells what to run: `python main.py worker`."""

from __future__ import annotations

import ast

import pytest

from poollint import pipeline
from poollint._dispatch import left_out, lines_of

IMPORTS = {
    "a dict": (
        "def serve():\n    from app.web import engine\n    import uvicorn\n    uvicorn.run('app.web:app')\n"
        "def work():\n    from app.jobs import engine\n    while True:\n        engine.connect()\n"
        "commands = {'serve': serve, 'work': work}\ncommands[sys.argv[1]]()\n"
    ),
    "elif": (
        "if sys.argv[1] == 'serve':\n    from app.web import engine\n    import uvicorn\n    uvicorn.run('app.web:app')\n"
        "elif sys.argv[1] == 'work':\n    from app.jobs import engine\n    while True:\n        engine.connect()\n"
    ),
    "two ifs, and functions": (
        "def serve():\n    from app.web import engine\n    import uvicorn\n    uvicorn.run('app.web:app')\n"
        "def work():\n    from app.jobs import engine\n    while True:\n        engine.connect()\n"
        "def main(args):\n    if args.command in ('serve', 'web'):\n        serve()\n    if args.command == 'work':\n        work()\nmain(args)\n"
    ),
    "match": (
        "match sys.argv[1]:\n    case 'serve' | 'web':\n        from app.web import engine\n        import uvicorn\n        uvicorn.run('app.web:app')\n"
        "    case 'work':\n        from app.jobs import engine\n        while True:\n            engine.connect()\n"
    ),
    "commands": (
        "import typer\ncli = typer.Typer()\n@cli.command()\ndef serve():\n    from app.web import engine\n    import uvicorn\n"
        "    uvicorn.run('app.web:app')\n@cli.command(name='work')\ndef job():\n    from app.jobs import engine\n    while True:\n"
        "        engine.connect()\ncli()\n"
    ),
}
ENGINE = "from fastapi import FastAPI\nfrom sqlalchemy import create_engine\napp = FastAPI()\nengine = create_engine('postgresql+psycopg2://db/{}')\n"
COMPOSE = "services:\n" + "".join(f"  {name}: {{build: ., command: python main.py {word}}}\n" for name, word in (("api", "serve"), ("jobs", "work")))


@pytest.mark.parametrize("kind", IMPORTS)
def test_a_process_runs_what_it_is_told(make_tree, kind):
    files = {"app/__init__.py": "", "app/web.py": ENGINE.format("web"), "app/jobs.py": ENGINE.format("jobs")}
    tree = make_tree({**files, "main.py": f"import sys\n{IMPORTS[kind]}", "docker-compose.yml": COMPOSE, "Dockerfile": "FROM python\nCOPY . .\n"})
    _, _, project = pipeline.read([tree.root], isolated=True)
    assert {(client.engine.code, client.workload.name) for client in project.clients if client.workload} == {
        ("app/web.py", "api"),
        ("app/jobs.py", "jobs"),
    }


TEXT = (
    "def serve():\n    x = 1\ndef work():\n    x = 2\ndef both():\n    x = 3\n"
    "table = {'serve': serve, 'work': work}\nother = {'size': 4, 'work': 5}\nif mode == 'fast':\n    both()\nelse:\n    both()\n"
)


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (("serve",), {4}),
        (("work",), {2}),
        (("serve", "work"), set()),
        ((), set()),
        (("else",), set()),
        (("fast",), {12}),
        (("serve", "fast"), {4, 12}),
    ],
)
def test_what_a_word_leaves_out(words, lines):
    assert lines_of(left_out(ast.parse(TEXT), words)) == lines


def test_what_is_named_elsewhere_runs_all_the_same():
    assert 4 not in lines_of(left_out(ast.parse(TEXT + "work()\n"), ("serve",)))
    helper = "def serve():\n    x = 1\ndef work():\n    help()\ndef help():\n    x = 3\n{'serve': serve, 'work': work}[sys.argv[1]]()\n"
    assert lines_of(left_out(ast.parse(helper), ("serve",))) == {4, 6}
    assert lines_of(left_out(ast.parse(helper + "help()\n"), ("serve",))) == {4}
