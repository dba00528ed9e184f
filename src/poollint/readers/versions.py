"""Which versions a project declares of the libraries whose behaviour differs between versions.

uv.lock, poetry.lock, pdm.lock, Pipfile.lock    exact versions
requirements*.txt and what they include by -r   pins and ranges; so are other files that a Dockerfile installs by -r
pyproject.toml, Pipfile, setup.cfg, setup.py    ranges (Poetry's and conda's own operators are translated)
environment.yml                                 conda's and pip's

A requirements file that a Dockerfile copies beside code of another folder speaks for that code as well.
"""

from __future__ import annotations

import ast
import json
import posixpath
import re
import sys
import tomllib
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import replace

from poollint.discover import Tree
from poollint.facts import Location, Version
from poollint.readers.dockerfile import context_of, copied, dockerfiles
from poollint.versions import FURTHER_DRIVERS

OF_INTEREST = frozenset(
    "sqlalchemy sqlmodel flask-sqlalchemy mangum asyncpg psycopg psycopg-binary psycopg-c psycopg2 psycopg2-binary "
    "psycopg2cffi pg8000 pymysql aiomysql asyncmy mysqlclient aiosqlite duckdb-engine alembic gunicorn "
    "uvicorn uvicorn-worker hypercorn granian uwsgi celery dramatiq rq arq taskiq django flask fastapi".split()
).union(FURTHER_DRIVERS)

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:\(([^)]*)\)|([^;#@]*))")
_INCLUDE = re.compile(r"\s*(?:-r|--requirement|-c|--constraint)[\s=]*(\S+)")
_EXACT = re.compile(r"===?\s*([0-9][^\s,*]*)\s*")


def read(tree: Tree) -> Iterator[Version]:
    """Yield what every lock and requirement file says of the libraries of interest."""
    required: dict[str, list[Version]] = {}
    folders: set[str] = set()
    for paths, reader in _READERS:
        for path in paths(tree):
            found: list[Version] = []
            with tree.guard(path):
                text = _text_of_interest(tree, path)
                if text is not None:
                    found.extend(reader(tree, path, text))
            yield from found
            folders.update(version.folder for version in found)
            if reader is _requirements:
                required[path] = found
    for path in dockerfiles(tree) if required else ():
        with tree.guard(path):
            yield from list(_for_copied_code(copied(tree, path), required, folders))


def _for_copied_code(
    together: Iterable[str], required: dict[str, list[Version]], folders: Container[str]
) -> Iterator[Version]:
    """Yield what requirements files say for the folders that are copied beside them and have no such file themselves."""
    together = sorted(together)
    for path in together:
        own = project_folder(path)
        # What it speaks for already, and what has files of its own, keeps them.
        others = [each for each in together if each not in folders and own and not f"{each}/".startswith(f"{own}/")]
        for version in required.get(path, ()):
            yield from (replace(version, folder=folder) for folder in others)


def project_folder(path: str) -> str:
    """Return the folder a requirement file speaks for: the one that holds it, or the one around `requirements/`."""
    folder = posixpath.dirname(path)
    return posixpath.dirname(folder) if posixpath.basename(folder) == "requirements" else folder


def _text_of_interest(tree: Tree, path: str) -> str | None:
    content = tree.bytes(path)
    if content is None:
        return None
    # An include names no library, so requirement files are always read; the others only when a name can be there.
    seen = content.replace(b"\0", b"").lower()  # UTF-16, as `pip freeze > requirements.txt` writes it on Windows
    worth_it = b"-r" in seen or b"-c" in seen or any(name in seen for name in _NEEDLES)
    return tree.text(path) if worth_it else None


_NEEDLES = tuple({name.split("-")[0].encode() for name in OF_INTEREST})


def _version(path: str, line: int, name: str, specifier: str, folder: str | None = None) -> Iterator[Version]:
    name = re.sub(r"[-_.]+", "-", name).lower()
    if name not in OF_INTEREST:
        return
    specifier = specifier.strip().rstrip("\\").strip()
    if not re.match(r"(?:[<>=!~]|$)", specifier):
        specifier = ""  # an address or a file: it says nothing of the version
    exact = _EXACT.fullmatch(specifier)
    where = project_folder(path) if folder is None else folder
    yield Version(name, exact.group(1) if exact else None, specifier, Location(path, line), where)


def _requirement(path: str, line: int, text: str, folder: str | None = None) -> Iterator[Version]:
    if matched := _REQUIREMENT.match(text):
        yield from _version(path, line, matched.group(1), matched.group(2) or matched.group(3) or "", folder)


# -- lock files


def _toml_lock(tree: Tree, path: str, text: str) -> Iterator[Version]:
    """Read `[[package]]` tables by line: these files are large, and only two keys of each table matter."""
    name = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("["):
            name = "" if line.startswith(("[[package]]", "[[packages]]")) else None
        elif name == "" and (matched := re.match(r'name\s*=\s*"([^"]+)"', line)):
            name = matched.group(1)
        elif name and (matched := re.match(r'version\s*=\s*"([^"]+)"', line)):
            yield from _version(path, number, name, "==" + matched.group(1))


def _pipfile_lock(tree: Tree, path: str, text: str) -> Iterator[Version]:
    document = json.loads(text)
    for section in ("default", "develop"):
        for name, entry in (document.get(section) or {}).items():
            if isinstance(entry, dict) and isinstance(entry.get("version"), str):
                found = _version(path, _line_of(text, f'"{name}": {{'), name, entry["version"])
                yield from found if section == "default" else _for_developers(found)


# -- requirement files


def _requirements(tree: Tree, path: str, text: str) -> Iterator[Version]:
    """Read a requirements file and what it includes; the including file's folder is the one they speak for."""
    folder = project_folder(path)
    waiting, seen = [(path, text)], {path}
    while waiting:
        current, content = waiting.pop()
        for number, line in enumerate(content.splitlines(), 1):
            line = line.partition(" #")[0]
            if included := _INCLUDE.match(line):
                other = posixpath.normpath(posixpath.join(posixpath.dirname(current), included.group(1)))
                if other not in seen and (more := tree.text(other)) is not None:
                    waiting.append((other, more))
                seen.add(other)
            elif not line.lstrip().startswith(("-", "#")):
                found = _requirement(current, number, line, folder)
                yield from _for_developers(found) if _is_for_developers(current) else found


def _environment_yml(tree: Tree, path: str, text: str) -> Iterator[Version]:
    for number, line in enumerate(text.splitlines(), 1):
        matched = re.match(r"\s*-\s*[\"']?([^\"'#]+)", line)
        if not matched:
            continue
        words = matched.group(1).strip()
        # conda's single `=` is a prefix: sqlalchemy=1.4 means 1.4.*
        conda = re.fullmatch(r"(?:[\w.-]+::)?([\w.-]+)=([\w.]+)(?:=[\w.]+)?", words)
        if conda:
            yield from _version(path, number, conda.group(1), f"=={conda.group(2)}.*")
        else:
            yield from _requirement(path, number, words)


# -- project files


def _pyproject(tree: Tree, path: str, text: str) -> Iterator[Version]:
    document = tomllib.loads(text)
    project, tool = _table(document, "project"), _table(document, "tool")
    development = [*_lists(_table(_table(tool, "pdm"), "dev-dependencies")), _list(_table(tool, "uv"), "dev-dependencies")]
    yield from _listed(path, text, _list(project, "dependencies"))
    for table in (_table(project, "optional-dependencies"), _table(document, "dependency-groups")):
        for name, requirements in table.items():
            if isinstance(requirements, list) and name in _FOR_DEVELOPERS:
                development.append(requirements)
            elif isinstance(requirements, list):
                yield from _not_required(_listed(path, text, requirements))
    for requirements in development:
        yield from _for_developers(_listed(path, text, requirements))
    poetry = _table(tool, "poetry")
    yield from _poetry(path, text, _table(poetry, "dependencies"))
    yield from _for_developers(_poetry(path, text, _table(poetry, "dev-dependencies")))
    for name in (groups := _table(poetry, "group")):
        group = _table(groups, name)
        found = _poetry(path, text, _table(group, "dependencies"))
        if name in _FOR_DEVELOPERS:
            yield from _for_developers(found)
        else:
            yield from _not_required(found) if group.get("optional") is True else found


def _listed(path: str, text: str, requirements: list) -> Iterator[Version]:
    for requirement in requirements:
        if isinstance(requirement, str):
            yield from _requirement(path, _line_of(text, requirement), requirement)


def _pipfile(tree: Tree, path: str, text: str) -> Iterator[Version]:
    document = tomllib.loads(text)
    yield from _poetry(path, text, _table(document, "packages"))
    yield from _for_developers(_poetry(path, text, _table(document, "dev-packages")))


def _poetry(path: str, text: str, table: dict) -> Iterator[Version]:
    for name, wanted in table.items():
        is_optional = isinstance(wanted, dict) and wanted.get("optional") is True
        if isinstance(wanted, dict):
            wanted = wanted.get("version", "")
        if isinstance(wanted, str):
            found = re.search(rf'(?m)^\s*"?{re.escape(name)}"?\s*=', text)
            line = text.count("\n", 0, found.end()) + 1 if found else 1
            version = _version(path, line, name, _as_pep440(wanted))
            yield from _not_required(version) if is_optional else version


def _as_pep440(wanted: str) -> str:
    """Translate Poetry's `^2.0`, `~2.0`, `2.0.*` and `2.0` into the operators of PEP 440."""
    clauses = []
    for clause in wanted.split("||")[0].split(","):
        clause = clause.strip()
        if clause[:1] in ("^", "~") and clause[1:2] != "=":
            clauses.append(_between(clause[1:].strip(), caret=clause[0] == "^"))
        elif clause[:1].isdigit():
            clauses.append("==" + clause)
        elif clause != "*":
            clauses.append(clause)
    return ",".join(clauses) if "||" not in wanted else ""


def _between(version: str, caret: bool) -> str:
    numbers = [int(part) for part in re.findall(r"\d+", version)[:3]] or [0]
    if caret:
        kept = next((i for i, number in enumerate(numbers) if number), len(numbers) - 1) + 1
    else:
        kept = min(2, len(numbers))
    above = [*numbers[: kept - 1], numbers[kept - 1] + 1]
    return f">={version},<{'.'.join(map(str, above))}"


def _setup_cfg(tree: Tree, path: str, text: str) -> Iterator[Version]:
    import configparser

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read_string(text)
    wanted = parser.get("options", "install_requires", fallback="")
    has_extras = parser.has_section("options.extras_require")
    extras = [value for _, value in parser.items("options.extras_require")] if has_extras else []
    yield from _listed(path, text, _lines(wanted))
    yield from _not_required(_listed(path, text, _lines("\n".join(extras))))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _setup_py(tree: Tree, path: str, text: str) -> Iterator[Version]:
    """Read the string literals of `install_requires` and `extras_require`, given directly or by a module's list."""
    try:
        module = ast.parse(text)
    except SyntaxError as problem:
        tree.skip(path, f"not Python {sys.version_info[0]}.{sys.version_info[1]}: {problem.msg}", problem.lineno)
        return
    named = {
        target.id: node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.keyword) and node.arg in ("install_requires", "extras_require"):
            value = named.get(node.value.id, node.value) if isinstance(node.value, ast.Name) else node.value
            for part in ast.walk(value):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    found = _requirement(path, part.lineno, part.value)
                    yield from found if node.arg == "install_requires" else _not_required(found)


# -- what the program may run without

_FOR_DEVELOPERS = frozenset("dev develop development test tests testing doc docs lint linting typing ci".split())


def _is_for_developers(path: str) -> bool:
    """Say whether a requirements file is one that only developers install: `requirements-dev.txt`, `requirements/test.txt`."""
    return not _FOR_DEVELOPERS.isdisjoint(re.split(r"[-_.]", posixpath.basename(path).lower()))


def _for_developers(versions: Iterable[Version]) -> Iterator[Version]:
    return (replace(version, required=False, for_developers=True) for version in versions)


def _not_required(versions: Iterable[Version]) -> Iterator[Version]:
    return (replace(version, required=False) for version in versions)


def _table(table: dict, key: str) -> dict:
    value = table.get(key)
    return value if isinstance(value, dict) else {}


def _list(table: dict, key: str) -> list:
    value = table.get(key)
    return value if isinstance(value, list) else []


def _lists(table: dict) -> list[list]:
    return [value for value in table.values() if isinstance(value, list)]


def _line_of(text: str, needle: str) -> int:
    found = text.find(needle)
    return text.count("\n", 0, found) + 1 if found >= 0 else 1


def _named(*patterns: str) -> Callable[[Tree], Iterator[str]]:
    return lambda tree: tree.named(*patterns)


def _requirement_files(tree: Tree) -> Iterator[str]:
    """Yield requirements*.txt wherever they are, any text file of a folder called requirements, and what images install."""
    installed = set(_installed(tree))
    for path in tree.named("*.txt", "*.in"):
        folder, name = posixpath.split(path)
        if "requirement" in name or "constraints" in name or posixpath.basename(folder) == "requirements" or path in installed:
            yield path


_INSTALLS = re.compile(r"\bpip3? install\b[^\n&|;]*?(?:\s-r|\s--requirement)[\s=]*([\w./-]+)")


def _installed(tree: Tree) -> Iterator[str]:
    """Yield the files, whatever they are called, that a Dockerfile copies and installs: `pip install -r deps.txt`."""
    for path in dockerfiles(tree):
        for name in _INSTALLS.findall(tree.text(path) or ""):
            base = posixpath.basename(name)
            yield posixpath.normpath(posixpath.join(context_of(tree, path), name))
            yield from (each for each in copied(tree, path) if posixpath.basename(each) == base)


_READERS: tuple[tuple[Callable[[Tree], Iterator[str]], Callable[[Tree, str, str], Iterator[Version]]], ...] = (
    (_named("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "pylock.*.toml"), _toml_lock),
    (_named("Pipfile.lock"), _pipfile_lock),
    (_requirement_files, _requirements),
    (_named("pyproject.toml"), _pyproject),
    (_named("Pipfile"), _pipfile),
    (_named("setup.cfg"), _setup_cfg),
    (_named("setup.py"), _setup_py),
    (_named("environment*.yml", "environment*.yaml"), _environment_yml),
)
