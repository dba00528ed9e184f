"""Files that the code reads: ini, YAML and TOML, found from the code and quoted by their own lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluating import Project, plain
from poollint.facts import Known, Unknown

INI = "[DEFAULT]\nbase = 3\n\n[db]\n# how many\npool_size = 12\nping : yes\ntwice = %(base)s%(base)s\n"
YAML = "db:\n  pool_size: 12\n  hosts: [a, b]\n"
TOML = '[tool.db]\npool_size = 12\n\n[db]\npool_size = 7\nname = "x"\n'

READS = [
    ("from the folder of the module", "import configparser, os\nc = configparser.ConfigParser()\n"
     "c.read(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'app.ini'))\nresult = c.getint('db', 'pool_size')", 12),
    ("from a path relative to the project", "import configparser\nc = configparser.ConfigParser()\nc.read('app.ini')\n"
     "result = int(c['db']['pool_size'])", 12),
    ("a fallback that is not needed", "import configparser\nc = configparser.ConfigParser()\nc.read('app.ini')\n"
     "result = c.getint('db', 'pool_size', fallback=1)", 12),
    ("a fallback", "import configparser\nc = configparser.ConfigParser()\nc.read('app.ini')\n"
     "result = c.getint('db', 'other', fallback=1)", 1),
    ("a flag", "import configparser\nc = configparser.ConfigParser()\nc.read('app.ini')\nresult = c.getboolean('db', 'ping')", True),
    ("an interpolation", "import configparser\nc = configparser.ConfigParser()\nc.read('app.ini')\nresult = c.getint('db', 'twice')", 33),
    ("YAML", "import yaml\nfrom pathlib import Path\n"
     "with open(Path(__file__).resolve().parent / 'app.yaml') as stream:\n    c = yaml.safe_load(stream)\n"
     "result = c['db']['pool_size']", 12),
    ("YAML in one line", "import yaml\nresult = yaml.safe_load(open('app.yaml'))['db']['pool_size']", 12),
    ("YAML from text", "import yaml\nfrom pathlib import Path\n"
     "result = yaml.safe_load(Path('app.yaml').read_text())['db']['hosts']", ["a", "b"]),
    ("YAML by a function", "import yaml\ndef load(path):\n    with open(path) as stream:\n        return yaml.safe_load(stream)\n"
     "result = load('app.yaml').get('db', {}).get('pool_size')", 12),
    ("TOML", "import tomllib\nwith open('app.toml', 'rb') as stream:\n    c = tomllib.load(stream)\nresult = c['db']['pool_size']", 7),
    ("tomli", "import tomli\nresult = tomli.loads(open('app.toml').read())['db']['pool_size']", 7),
]  # fmt: skip


@pytest.mark.parametrize(("program", "value"), [row[1:] for row in READS], ids=[row[0] for row in READS])
def test_a_file_is_read_as_data(tmp_path: Path, program: str, value: object) -> None:
    files = {"main.py": program, "app.ini": INI, "app.yaml": YAML, "app.toml": TOML}
    assert plain(Project(tmp_path, files).value()) == value


PLACES = [
    (
        "import configparser\nc = configparser.ConfigParser()\nc.read('app.ini')\nresult = c.getint('db', 'pool_size')",
        "app.ini:6",
    ),
    ("import yaml\nresult = yaml.safe_load(open('app.yaml'))['db']['pool_size']", "app.yaml:2"),
    ("import tomllib\nresult = tomllib.load(open('app.toml', 'rb'))['db']['pool_size']", "app.toml:5"),
    ("import tomllib\nresult = tomllib.load(open('app.toml', 'rb'))['tool']['db']['pool_size']", "app.toml:2"),
]


@pytest.mark.parametrize(("program", "place"), PLACES)
def test_a_value_of_a_file_stands_in_that_file(tmp_path: Path, program: str, place: str) -> None:
    value = Project(tmp_path, {"main.py": program, "app.ini": INI, "app.yaml": YAML, "app.toml": TOML}).value()
    assert isinstance(value, Known)
    assert (value.origin.says, str(value.origin.location)) == ("pool_size", place)


OUTSIDE = ["/etc/passwd", "../../etc/passwd", "missing.yaml"]


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_file_that_is_not_of_the_project_is_not_read(tmp_path: Path, path: str) -> None:
    value = Project(tmp_path, f"import yaml\nresult = yaml.safe_load(open('{path}'))").value()
    assert isinstance(value, Unknown)
    assert value.reason == "a file that is not known"


@pytest.mark.parametrize(
    ("paths", "known"),
    [
        (["docker/files/etc/orders/app.yaml"], True),
        (["docker/etc/orders/app.yaml", "tests/files/etc/orders/app.yaml"], True),
        (["docker/etc/orders/app.yaml", "deploy/etc/orders/app.yaml"], False),
        (["docker/orders/app.yaml"], False),
        (["tests/etc/orders/app.yaml"], False),
    ],
)
def test_an_absolute_path_is_the_one_file_that_an_image_copies_there(tmp_path: Path, paths: list[str], known: bool) -> None:
    program = "import yaml\nresult = yaml.safe_load(open('/etc/orders/app.yaml'))['db']['pool_size']"
    value = Project(tmp_path, {"main.py": program, **{path: YAML for path in paths}}).value()
    assert isinstance(value, Known) is known


def test_a_broken_file_is_unknown(tmp_path: Path) -> None:
    program = "import tomllib\nresult = tomllib.load(open('app.toml', 'rb'))"
    value = Project(tmp_path, {"main.py": program, "app.toml": "[[["}).value()
    assert plain(value) == "<app.toml is not TOML>"


@pytest.mark.parametrize("content", [b"size = 5\n\xff", b"size = = 5\n"], ids=["no text", "no TOML"])
def test_a_toml_file_that_cannot_be_read_is_not_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "app.toml").write_bytes(content)
    program = "import tomllib\nresult = tomllib.load(open('app.toml', 'rb')).get('size', 3)"
    project = Project(tmp_path, program)
    assert isinstance(project.value(), Unknown)
