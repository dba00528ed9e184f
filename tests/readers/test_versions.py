"""What lock and requirement files say of the libraries whose behaviour differs between versions."""

from __future__ import annotations

import pytest

from poollint.discover import discover
from poollint.readers.versions import read
from poollint.versions import declared


def versions(make_tree, files):
    return {(v.name, v.specifier, v.pinned, str(v.location), v.folder) for v in read(make_tree(files))}


def test_a_lock_file_pins(make_tree):
    lock = """\
    version = 1

    [[package]]
    name = "requests"
    version = "2.32.0"

    [[package]]
    name = "SQLAlchemy"
    version = "2.0.36"

    [[package.source]]
    name = "asyncpg"
    version = "9"
    """
    for name in ("uv.lock", "poetry.lock", "pdm.lock"):
        assert versions(make_tree, {f"{name[:2]}/{name}": lock}) >= {
            ("sqlalchemy", "==2.0.36", "2.0.36", f"{name[:2]}/{name}:9", name[:2])
        }


def test_a_lock_file_names_only_what_matters(make_tree):
    lock = '[[package]]\nname = "requests"\nversion = "2.32.0"\n'
    assert versions(make_tree, {"uv.lock": lock}) == set()


def test_pipfile_lock(make_tree):
    lock = '{\n "default": {\n  "asyncpg": {\n   "version": "==0.29.0"\n  }\n }\n}\n'
    assert versions(make_tree, {"Pipfile.lock": lock}) == {("asyncpg", "==0.29.0", "0.29.0", "Pipfile.lock:3", "")}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_requirements_as_windows_shells_write_them(tmp_path, encoding):
    """`pip freeze > requirements.txt` in PowerShell writes UTF-16, and pip reads it."""
    (tmp_path / "requirements.txt").write_bytes("alembic==1.13\r\nSQLAlchemy==2.0.32\r\n".encode(encoding))
    (version,) = [v for v in read(discover([tmp_path])) if v.name == "sqlalchemy"]
    assert (version.pinned, version.location.line) == ("2.0.32", 2)


def test_requirements_keep_pins_ranges_and_bare_names_apart(make_tree):
    text = """\
    # comment
    sqlalchemy[asyncio]==2.0.31 ; python_version > "3"  # why
    asyncpg>=0.29,<0.31
    psycopg2_binary
    Flask-SQLAlchemy @ git+https://example.org/flask-sqlalchemy@2.3.2
    --hash=sha256:00
    """
    assert versions(make_tree, {"api/requirements.txt": text}) == {
        ("sqlalchemy", "==2.0.31", "2.0.31", "api/requirements.txt:2", "api"),
        ("asyncpg", ">=0.29,<0.31", None, "api/requirements.txt:3", "api"),
        ("psycopg2-binary", "", None, "api/requirements.txt:4", "api"),
        ("flask-sqlalchemy", "", None, "api/requirements.txt:5", "api"),
    }


def test_an_included_file_speaks_for_the_folder_that_includes_it(make_tree):
    found = versions(make_tree, {"api/requirements.txt": "-r ../base.txt\n", "base.txt": "sqlalchemy==1.4.54\n"})
    assert found == {("sqlalchemy", "==1.4.54", "1.4.54", "base.txt:1", "api")}


def test_files_that_include_each_other_end(make_tree):
    files = {"a-requirements.txt": "-r b-requirements.txt\nrq\n", "b-requirements.txt": "-r a-requirements.txt\n"}
    assert ("rq", "", None, "a-requirements.txt:2", "") in versions(make_tree, files)


@pytest.mark.parametrize(
    "dockerfile",
    [
        "COPY deps.txt .\nRUN pip install --no-cache-dir -r deps.txt\n",
        "COPY . /srv\nRUN pip3 install --upgrade pip && pip3 install -r ./deps.txt\n",
    ],
)
def test_a_file_that_an_image_installs_is_one_of_requirements(make_tree, dockerfile):
    files = {"api/deps.txt": "rq==2.0\n", "api/notes.txt": "rq==1.0\n", "api/app.py": ""}
    assert versions(make_tree, files) == set()
    found = versions(make_tree, {**files, "api/Dockerfile": f"FROM python:3.12\n{dockerfile}"})
    assert found == {("rq", "==2.0", "2.0", "api/deps.txt:1", "api")}


def test_a_single_requirement_is_spelled_so(make_tree):
    assert versions(make_tree, {"requirement.txt": "rq\n"}) == {("rq", "", None, "requirement.txt:1", "")}


def test_a_folder_of_requirements_speaks_for_the_folder_around_it(make_tree):
    found = versions(make_tree, {"api/requirements/base.txt": "sqlalchemy~=2.0.3\n"})
    assert found == {("sqlalchemy", "~=2.0.3", None, "api/requirements/base.txt:1", "api")}


def test_pyproject_of_every_kind(make_tree):
    text = """\
    [project]
    dependencies = [
      "sqlalchemy>=2,<2.1",
    ]
    [project.optional-dependencies]
    fast = ["asyncpg==0.31.0"]
    [dependency-groups]
    dev = ["gunicorn>=23", {include-group = "x"}]
    """
    assert versions(make_tree, {"pyproject.toml": text}) == {
        ("sqlalchemy", ">=2,<2.1", None, "pyproject.toml:3", ""),
        ("asyncpg", "==0.31.0", "0.31.0", "pyproject.toml:6", ""),
        ("gunicorn", ">=23", None, "pyproject.toml:8", ""),
    }


EXTRA = "[project]\ndependencies = []\n[project.optional-dependencies]\npostgres = ['asyncpg']\n"


@pytest.mark.parametrize(
    ("path", "text", "required"),
    [
        ("pyproject.toml", "[project]\ndependencies = ['asyncpg']\n", True),
        ("pyproject.toml", EXTRA, False),
        ("pyproject.toml", "[dependency-groups]\ndev = ['asyncpg']\n", False),
        ("pyproject.toml", "[tool.poetry.dependencies]\nasyncpg = '^0.30'\n", True),
        ("pyproject.toml", "[tool.poetry.dependencies]\nasyncpg = {version = '^0.30', optional = true}\n", False),
        ("pyproject.toml", "[tool.poetry.group.test.dependencies]\nasyncpg = '*'\n", False),
        ("pyproject.toml", "[tool.poetry.group.api.dependencies]\nasyncpg = '*'\n", True),
        ("pyproject.toml", "[tool.poetry.group.api]\noptional = true\ndependencies = {asyncpg = '*'}\n", False),
        ("setup.cfg", "[options.extras_require]\npostgres =\n    asyncpg\n", False),
        ("setup.py", "setup(extras_require={'postgres': ['asyncpg']})\n", False),
        ("Pipfile", "[dev-packages]\nasyncpg = '*'\n", False),
        ("Pipfile.lock", '{"develop": {"asyncpg": {"version": "==0.30.0"}}}', False),
        ("requirements.txt", "asyncpg\n", True),
        ("requirements/test.txt", "asyncpg\n", False),
        ("dev-requirements.txt", "asyncpg\n", False),
    ],
)
def test_extras_and_what_developers_install_are_not_required(make_tree, path, text, required):
    (found,) = read(make_tree({path: text}))
    assert found.required is required


def test_a_pin_of_a_lock_file_is_as_required_as_the_project_says(make_tree):
    lock = '[[package]]\nname = "asyncpg"\nversion = "0.30.0"\n'
    for project, required in ((EXTRA, False), (EXTRA.replace("[]", "['asyncpg']"), True), ("", True)):
        tree = make_tree({"uv.lock": lock, "pyproject.toml": project})
        (found,) = declared(read(tree), "asyncpg", "app/db.py")
        assert (found.pinned, found.required) == ("0.30.0", required)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"^2.0"', ">=2.0,<3"),
        ('"^0.29"', ">=0.29,<0.30"),
        ('"^0.0.3"', ">=0.0.3,<0.0.4"),
        ('"~2.0.3"', ">=2.0.3,<2.1"),
        ('"~=2.0.3"', "~=2.0.3"),
        ('"2.0.36"', "==2.0.36"),
        ('"*"', ""),
        ('{version = "^1.4", extras = ["asyncio"]}', ">=1.4,<2"),
        ('{git = "https://example.org/x.git"}', ""),
    ],
)
def test_poetry_has_operators_of_its_own(make_tree, written, meant):
    (found,) = read(make_tree({"pyproject.toml": f"[tool.poetry.dependencies]\nSQLAlchemy = {written}\n"}))
    assert (found.specifier, found.location.line) == (meant, 2)


def test_setup_cfg_and_setup_py(make_tree):
    found = versions(
        make_tree,
        {
            "a/setup.cfg": "[options]\ninstall_requires =\n    sqlalchemy>=1.4\n",
            "b/setup.py": "from setuptools import setup\nNEEDS = ['sqlalchemy<2']\nsetup(install_requires=NEEDS)\n",
        },
    )
    assert found == {
        ("sqlalchemy", ">=1.4", None, "a/setup.cfg:3", "a"),
        ("sqlalchemy", "<2", None, "b/setup.py:2", "b"),
    }


def test_conda_and_pip_in_an_environment_file(make_tree):
    text = "dependencies:\n  - sqlalchemy=1.4\n  - conda-forge::asyncpg=0.29.0=py311\n  - pip:\n    - psycopg==3.2.1\n"
    assert versions(make_tree, {"environment.yml": text}) == {
        ("sqlalchemy", "==1.4.*", None, "environment.yml:2", ""),
        ("asyncpg", "==0.29.0.*", None, "environment.yml:3", ""),
        ("psycopg", "==3.2.1", "3.2.1", "environment.yml:5", ""),
    }


def test_a_broken_file_is_skipped_and_said(make_tree):
    tree = make_tree({"pyproject.toml": "sqlalchemy = [", "requirements.txt": "sqlalchemy==2.0.1\n"})
    assert [v.pinned for v in read(tree)] == ["2.0.1"]
    assert [s.path for s in tree.skipped] == ["pyproject.toml"]


def test_a_setup_py_that_this_python_cannot_read_is_said_with_its_line(make_tree) -> None:
    tree = make_tree({"setup.py": "install_requires = [\n    'sqlalchemy'\n}\n"})
    assert list(read(tree)) == []
    (skipped,) = tree.skipped
    assert (skipped.path, skipped.line) == ("setup.py", 3)
    assert skipped.reason.startswith("not Python 3.")


class TestRequirementsThatADockerfileCopies:
    """`ADD docker/bot/requirements.txt /` beside `COPY ../../bot /bot`: they are installed for that code."""

    DOCKERFILE = "FROM python:3.12\nADD /docker/{0}/requirements.txt /\nRUN pip install -r /requirements.txt\nCOPY {1} /{0}\n"

    def pins(self, make_tree, path, **files):
        found = tuple(read(make_tree({name.replace("__", "/"): text for name, text in files.items()})))
        return {version.pinned for version in declared(found, "sqlalchemy", path)}

    def test_speak_for_the_code_beside_them(self, make_tree):
        files = {
            "docker__bot__Dockerfile": self.DOCKERFILE.format("bot", "../../bot"),
            "docker__bot__requirements.txt": "SQLAlchemy==1.4.39\n",
            "docker__admin__Dockerfile": self.DOCKERFILE.format("admin", "/admin/"),
            "docker__admin__requirements.txt": "SQLAlchemy==2.0.36\n",
            "bot__db.py": "",
            "admin__db.py": "",
        }
        assert self.pins(make_tree, "bot/db.py", **files) == {"1.4.39"}
        assert self.pins(make_tree, "admin/db.py", **files) == {"2.0.36"}

    def test_speak_for_the_whole_context(self, make_tree):
        files = {
            "docker__bot__Dockerfile": self.DOCKERFILE.format("bot", "."),
            "docker__bot__requirements.txt": "SQLAlchemy==1.4.39\n",
            "bot__db.py": "",
        }
        assert self.pins(make_tree, "bot/db.py", **files) == {"1.4.39"}

    def test_leave_what_has_files_of_its_own(self, make_tree):
        files = {
            "docker__bot__Dockerfile": self.DOCKERFILE.format("bot", "bot"),
            "docker__bot__requirements.txt": "SQLAlchemy==1.4.39\n",
            "bot__pyproject.toml": "[project]\ndependencies = ['sqlalchemy==2.0.30']\n",
            "bot__db.py": "",
        }
        assert self.pins(make_tree, "bot/db.py", **files) == {"2.0.30"}
