"""What projects usually look like: every common way to write an engine, deployed in every common way.

With a ping nothing is to be said; without one just that is, of just the engine that the deployment makes. And what the
processes open is counted once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from poollint import pipeline
from poollint.budget import budgets

IMPORTS = "import os\nfrom sqlalchemy import create_engine\nfrom sqlalchemy.pool import NullPool, StaticPool\n"
ASYNC = "import os\nfrom sqlalchemy.ext.asyncio import create_async_engine\nfrom sqlalchemy.pool import NullPool\n"
FLASK = "import os\nfrom flask import Flask\nfrom flask_sqlalchemy import SQLAlchemy\n"
URL = "URL = os.getenv('DATABASE_URL', 'sqlite:///./app.db')\n"
LOCAL = "create_engine(URL, connect_args={'check_same_thread': False}"

# OPTIONS stands for a dict of options.
ENGINES = {
    "a variable": IMPORTS + "engine = create_engine(os.environ['DATABASE_URL'], **OPTIONS)\n",
    "a server by default": IMPORTS + URL.replace("sqlite:///./", "postgresql://db/") + "engine = create_engine(URL, **OPTIONS)\n",
    "a file by default": IMPORTS + URL + "engine = create_engine(URL, **OPTIONS)\n",
    "a settings class": IMPORTS + "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n"
    "    database_url: str = 'sqlite:///./app.db'\nengine = create_engine(Settings().database_url, **OPTIONS)\n",
    "two engines": IMPORTS + URL + "if URL.startswith('sqlite'):\n"
    f"    engine = {LOCAL})\nelse:\n    engine = create_engine(URL, **OPTIONS)\n",
    "another pool for a file": IMPORTS + URL + "if 'sqlite' in URL:\n"
    f"    engine = {LOCAL}, poolclass=StaticPool)\nelse:\n    engine = create_engine(URL, **OPTIONS)\n",
    "options step by step": IMPORTS + URL + "given = {'echo': False}\nif URL.startswith('sqlite'):\n"
    "    given['connect_args'] = {'check_same_thread': False}\nelse:\n    given.update(OPTIONS)\nengine = create_engine(URL, **given)\n",
    "options by a flag": IMPORTS + URL + "is_file = URL.startswith('sqlite')\n"
    "engine = create_engine(URL, connect_args={'check_same_thread': False} if is_file else {}, **({} if is_file else OPTIONS))\n",
    "another scheme": IMPORTS + "url = os.getenv('DATABASE_URL')\nif url and url.startswith('postgres://'):\n"
    "    url = url.replace('postgres://', 'postgresql://', 1)\nif not url:\n    url = 'sqlite:///./app.db'\n"
    "engine = create_engine(url, **OPTIONS)\n",
    "a function": IMPORTS + URL + "def make(url):\n    if url.startswith('sqlite'):\n"
    "        return create_engine(url, connect_args={'check_same_thread': False})\n"
    "    return create_engine(url, **OPTIONS)\nengine = make(URL)\n",
    "a class": IMPORTS + "class Database:\n    def __init__(self, url=None):\n"
    "        self.url = url or os.getenv('DATABASE_URL', 'sqlite:///./app.db')\n        self._engine = None\n"
    "    @property\n    def engine(self):\n        if self._engine is None:\n            if self.url.startswith('sqlite'):\n"
    "                self._engine = create_engine(self.url)\n            else:\n"
    "                self._engine = create_engine(self.url, **OPTIONS)\n        return self._engine\ndatabase = Database()\n",
    "a class of each environment": IMPORTS + "class Base:\n    URL = 'sqlite:///./app.db'\n    GIVEN = {}\n"
    "class Production(Base):\n    URL = os.environ.get('DATABASE_URL')\n    GIVEN = OPTIONS\n"
    "config = {'production': Production, 'development': Base}[os.getenv('APP_ENV', 'production')]\n"
    "engine = create_engine(config.URL, **config.GIVEN)\n",
    "parts of a URL": IMPORTS + "URL = f\"postgresql+psycopg2://{os.getenv('DB_USER', 'app')}@{os.getenv('DB_HOST', 'localhost')}/shop\"\n"
    "engine = create_engine(URL, **OPTIONS)\n",
    "an asynchronous driver": ASYNC + "url = os.environ['DATABASE_URL'].replace('postgresql://', 'postgresql+asyncpg://')\n"
    "engine = create_async_engine(url, **OPTIONS)\n",
    "two asynchronous engines": ASYNC + URL.replace("sqlite:", "sqlite+aiosqlite:") + "if URL.startswith('postgresql://'):\n"
    "    URL = URL.replace('postgresql://', 'postgresql+asyncpg://', 1)\nif URL.startswith('sqlite'):\n"
    "    engine = create_async_engine(URL, connect_args={'check_same_thread': False}, poolclass=NullPool)\n"
    "else:\n    engine = create_async_engine(URL, connect_args={'command_timeout': 30}, **OPTIONS)\n",
    "tests aside": IMPORTS + "if os.getenv('TESTING') == '1':\n    engine = create_engine('sqlite://', poolclass=StaticPool)\n"
    "else:\n    engine = create_engine(os.environ['DATABASE_URL'], **OPTIONS)\n",
    "a file where that fails": IMPORTS + "try:\n    engine = create_engine(os.environ['DATABASE_URL'], **OPTIONS)\n"
    "except Exception:\n    engine = create_engine('sqlite:///fallback.db')\n",
    "Flask's class": FLASK + "db = SQLAlchemy()\nclass Config:\n"
    "    SQLALCHEMY_DATABASE_URI = os.getenv('DATABASE_URL', 'sqlite:///app.db')\n    SQLALCHEMY_ENGINE_OPTIONS = OPTIONS\n"
    "def create_app():\n    app = Flask(__name__)\n    app.config.from_object(Config)\n    db.init_app(app)\n    return app\n"
    "app = create_app()\n",
    "Flask's environments": FLASK + "db = SQLAlchemy()\nclass Base:\n    SQLALCHEMY_DATABASE_URI = 'sqlite:///app.db'\n"
    "class Production(Base):\n    SQLALCHEMY_DATABASE_URI = os.getenv('DATABASE_URL')\n    SQLALCHEMY_ENGINE_OPTIONS = OPTIONS\n"
    "configs = {'development': Base, 'production': Production}\n"
    "def create_app(name=None):\n    app = Flask(__name__)\n"
    "    app.config.from_object(configs[name or os.getenv('APP_ENV', 'production')])\n    db.init_app(app)\n    return app\n"
    "app = create_app()\n",
    "Flask's scheme": FLASK + "app = Flask(__name__)\nurl = os.environ.get('DATABASE_URL', 'sqlite:///app.db')\n"
    "if url.startswith('postgres://'):\n    url = url.replace('postgres://', 'postgresql://', 1)\n"
    "app.config['SQLALCHEMY_DATABASE_URI'] = url\nif not url.startswith('sqlite'):\n"
    "    app.config['SQLALCHEMY_ENGINE_OPTIONS'] = OPTIONS\ndb = SQLAlchemy(app)\n",
}
ASKED = "{'pool_size': 3, 'max_overflow': 2, 'pool_recycle': 300, 'pool_pre_ping': True}"
UNASKED = ASKED.replace(", 'pool_pre_ping': True", "")
MAIN = "from fastapi import FastAPI\nfrom app.db import *\napp = FastAPI()\n"


def _compose(url: str, more: str = "") -> str:
    return (
        f"services:\n  api:\n    build: .\n{more}    environment:\n      - DATABASE_URL={url}\n      - DB_HOST=db\n"
        "      - APP_ENV=production\n  db:\n    image: postgres:16\n"
    )


POD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 1
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: shop-api:latest
          env:
            - {name: APP_ENV, value: production}
            - {name: DB_HOST, value: db}
            - name: DATABASE_URL
              VALUE
"""
WHOLE = "postgresql://shop@db:5432/shop"
DEPLOYMENTS: Mapping[str, Mapping[str, str]] = {
    "Compose": {"compose.yaml": _compose(WHOLE)},
    "Compose with defaults": {"compose.yaml": _compose("postgresql://${DB_USER:-shop}:${DB_PASSWORD:-x}@db:5432/${DB_NAME:-shop}")},
    "Compose with gaps": {"compose.yaml": _compose("postgresql://${DB_USER}:${DB_PASSWORD}@db:5432/shop")},
    "Compose with a default URL": {"compose.yaml": _compose("${DATABASE_URL:-" + WHOLE + "}")},
    "Compose with a file": {
        "compose.yaml": "services:\n  api:\n    build: .\n    env_file: .env\n  db:\n    image: postgres:16\n",
        ".env": f"DATABASE_URL={WHOLE}\nDB_HOST=db\nAPP_ENV=production\n",
    },
    "Kubernetes": {"k8s/api.yaml": POD.replace("VALUE", f"value: {WHOLE}")},
    "Kubernetes with a secret": {"k8s/api.yaml": POD.replace("VALUE", "valueFrom: {secretKeyRef: {name: db, key: url}}")},
}


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
@pytest.mark.parametrize("way", ENGINES)
def test_a_usual_project(write: Callable[[Mapping[str, str]], Path], way: str, deployment: str) -> None:
    is_flask, is_async = ENGINES[way].startswith(FLASK), ENGINES[way].startswith(ASYNC)
    command = '"gunicorn", "app.main:app", "-w", "2"' if is_flask else '"uvicorn", "app.main:app", "--workers", "2"'
    drivers = "asyncpg\naiosqlite\n" if is_async else "psycopg2-binary\n"
    files = {
        "requirements.txt": "sqlalchemy==2.0.36\nflask-sqlalchemy==3.1.1\nfastapi\npydantic-settings\n" + drivers,
        "Dockerfile": f"FROM python:3.12\nCOPY app app\nCMD [{command}]\n",
        "app/__init__.py": "",
        **DEPLOYMENTS[deployment],
    }
    for options, expected in ((ASKED, []), (UNASKED, ["missing-pre-ping"])):
        code = re.sub(r"\bOPTIONS\b", options, ENGINES[way])
        folder = write({**files, **({"app/main.py": code} if is_flask else {"app/db.py": code, "app/main.py": MAIN})})
        outcome = pipeline.run([folder])
        assert [f.rule for f in outcome.findings if f.severity != "note"] == expected
        if deployment.startswith("Compose"):
            (budget,) = budgets(outcome.project)
            assert budget.steady == (2 if is_flask else 10)  # one request at a time, or what two pools hold


def test_each_process_has_what_its_own_calls_of_a_factory_make(make_tree) -> None:
    """A web service without a ping is told, though the worker's call of the same factory has one; and the worker is not."""
    files = {
        "app/__init__.py": "",
        "app/make.py": (
            "from sqlalchemy import create_engine\ndef make(ping=False):\n"
            "    return create_engine('postgresql+psycopg://db.internal/a', pool_pre_ping=ping)\n"
        ),
        "app/web.py": "from fastapi import FastAPI\nfrom app.make import make\nengine = make()\napp = FastAPI()\n@app.get('/')\ndef show():\n    engine.connect()\n",
        "app/tasks.py": "from celery import Celery\nfrom app.make import make\nengine = make(True)\napp = Celery()\n@app.task\ndef bill():\n    engine.connect()\n",
        "compose.yml": (
            "services:\n  web:\n    build: .\n    command: uvicorn app.web:app\n"
            "  worker:\n    build: .\n    command: celery -A app.tasks worker\n"
        ),
        "Dockerfile": "FROM python:3.12\nCOPY . .\n",
    }
    found = pipeline.run([make_tree(files).root], isolated=True).findings
    (ping,) = [finding for finding in found if finding.rule == "missing-pre-ping"]
    assert ping.workloads == ("web",)
