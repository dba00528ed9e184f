"""Platform files from strangers: whatever they hold, the run goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from poollint.discover import Tree
from poollint.readers import app_engine, cloud_foundry, copilot, digitalocean, fly, heroku, railway, render, vercel

MakeTree = Callable[[dict[str, str]], Tree]

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
