"""The configuration: stated values with their places, and every mistake named with file, line and what was meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import click
import pytest

from poollint.config import Configuration, ConfigurationError, load
from poollint.facts import Known, Location, Setting

Write = Callable[[Mapping[str, str]], Path]

WHOLE = """\
[tool.poollint]
required-version = ">=0.1"
exclude = ["legacy/**"]
fail-on = "note"
require-reasons = true
[tool.poollint.severity]
missing-pre-ping = "error"
missing-recycle = "off"
[tool.poollint.environments]
prod = ["deploy/overlays/prod/**", "values-prod.yaml"]
[tool.poollint.databases.orders]
tier = "db-custom-4-16384"
max-connections = 500
reserved = 20
idle-timeout = 600
headroom = 35
match = ["ORDERS_DATABASE_URL", "*.orders.internal"]
[tool.poollint.databases.orders.pooler]
kind = "pgbouncer"
mode = "transaction"
max-prepared-statements = 0
[tool.poollint.databases.orders.in.staging]
max-connections = 100
[tool.poollint.services.api]
code = ["services/api/**"]
manifests = ["deploy/api/*.yaml"]
databases = ["orders"]
instances = 20
processes = 4
concurrency = 80
cpus = 2
[[tool.poollint.ignore]]
rule = "recycle-too-short"
path = "deploy/task.json"
reason = "scaled down by hand during releases"
until = 2027-03-01
"""


def said(setting: Setting) -> tuple[object, str, str]:
    """The value, what says it, and where: of a value that the user stated."""
    assert isinstance(setting, Known) and setting.certainty == "stated"
    return setting.value, setting.origin.says, str(setting.origin.location)


@pytest.fixture
def whole(write: Write) -> Configuration:
    return load(write({"pyproject.toml": WHOLE}))


def test_without_a_file_nothing_is_stated(tmp_path: Path) -> None:
    assert load(tmp_path) == Configuration()


def test_the_plain_options_are_read(whole: Configuration) -> None:
    assert whole.exclude == ("legacy/**",)
    assert (whole.fail_on, whole.require_reasons) == ("note", True)
    assert whole.severity == {"missing-pre-ping": "error", "missing-recycle": "off"}
    assert whole.environments == {"prod": ("deploy/overlays/prod/**", "values-prod.yaml")}
    assert whole.location == Location("pyproject.toml", 1, 1)


def test_every_number_of_a_database_carries_its_line(whole: Configuration) -> None:
    orders = whole.databases["orders"]
    assert said(orders.tier) == ("db-custom-4-16384", "tier", "pyproject.toml:12")
    assert said(orders.max_connections) == (500, "max-connections", "pyproject.toml:13")
    assert said(orders.reserved) == (20, "reserved", "pyproject.toml:14")
    assert said(orders.idle_timeout) == (600, "idle-timeout", "pyproject.toml:15")
    assert said(orders.headroom) == (35, "headroom", "pyproject.toml:16")
    assert orders.match == ("ORDERS_DATABASE_URL", "*.orders.internal")


def test_a_pooler_is_stated_below_its_database(whole: Configuration) -> None:
    pooler = whole.databases["orders"].pooler
    assert pooler is not None and pooler.kind == "pgbouncer"
    assert said(pooler.mode) == ("transaction", "mode", "pyproject.toml:20")
    assert said(pooler.max_prepared_statements) == (0, "max-prepared-statements", "pyproject.toml:21")


def test_an_environment_of_a_database_keeps_what_it_does_not_state(whole: Configuration) -> None:
    staging = whole.databases["orders"].environments["staging"]
    assert said(staging.max_connections) == (100, "max-connections", "pyproject.toml:23")
    assert said(staging.reserved) == (20, "reserved", "pyproject.toml:14")
    assert staging.match == ("ORDERS_DATABASE_URL", "*.orders.internal")


def test_a_service_states_its_code_its_manifests_and_its_numbers(whole: Configuration) -> None:
    api = whole.services["api"]
    assert (api.code, api.manifests, api.databases) == (("services/api/**",), ("deploy/api/*.yaml",), ("orders",))
    assert [said(s)[::2] for s in (api.instances, api.processes, api.concurrency, api.cpus)] == [
        (20, "pyproject.toml:28"),
        (4, "pyproject.toml:29"),
        (80, "pyproject.toml:30"),
        (2, "pyproject.toml:31"),
    ]


def test_an_ignore_has_a_rule_a_path_a_reason_and_an_end(whole: Configuration) -> None:
    (ignore,) = whole.ignores
    assert (ignore.rule, ignore.path, ignore.until) == ("recycle-too-short", "deploy/task.json", "2027-03-01")
    assert ignore.reason == "scaled down by hand during releases"
    assert str(ignore.location) == "pyproject.toml:32"


# -- which file ----------------------------------------------------------------------------------------------------


def test_poollint_toml_needs_no_prefix_and_wins(write: Write) -> None:
    root = write({"poollint.toml": 'fail-on = "error"\n', "pyproject.toml": '[tool.poollint]\nfail-on = "note"\n'})
    assert load(root).fail_on == "error"


def test_an_isolated_run_reads_no_file(write: Write) -> None:
    assert load(write({"poollint.toml": "what is this"}), isolated=True) == Configuration()


def test_a_file_that_the_user_names_replaces_the_search(write: Write, tmp_path: Path) -> None:
    root = write({"poollint.toml": 'fail-on = "error"\n', "ci/strict.toml": 'fail-on = "note"\n'})
    made = load(root, root / "ci" / "strict.toml")
    assert made.fail_on == "note"
    assert made.location is not None and made.location.path == "ci/strict.toml"


@pytest.mark.parametrize("text", ["[tool.other]\nx = 1\n", "this is not TOML", "[tool]\n"])
def test_a_pyproject_that_does_not_speak_of_poollint_is_left_alone(write: Write, text: str) -> None:
    assert load(write({"pyproject.toml": text})) == Configuration()


def test_a_link_is_not_followed(write: Write, tmp_path: Path) -> None:
    root = write({"project/app.py": "", "elsewhere.toml": 'fail-on = "never"\n'})
    (root / "project" / "poollint.toml").symlink_to(root / "elsewhere.toml")
    assert load(root / "project").fail_on == "warning"


# -- mistakes ------------------------------------------------------------------------------------------------------

MISTAKES = {
    'fail_on = "note"': "poollint.toml:1: unknown key `fail_on`; did you mean `fail-on`?",
    'fail-on = "errors"': "poollint.toml:1: `fail-on` cannot be 'errors'; did you mean `error`?",
    "plugins = []": "poollint.toml:1: unknown key `plugins`; it is one of databases, environments, exclude",
    "\n\nrequire-reasons = 1": "poollint.toml:3: `require-reasons` must be true or false",
    'exclude = "legacy"': "poollint.toml:1: `exclude` must be a list of texts",
    'exclude = ["../other/**"]': "poollint.toml:1: `exclude` must stay below the root: '../other/**'",
    'exclude = ["/etc"]': "poollint.toml:1: `exclude` must stay below the root: '/etc'",
    "severity = 3": "poollint.toml:1: `severity` must be a table",
    '[severity]\nmissing-preping = "off"': "poollint.toml:2: unknown key `missing-preping`; did you mean `missing-pre-ping`?",
    '[severity]\nmissing-pre-ping = "high"': "poollint.toml:2: `missing-pre-ping` cannot be 'high'; it is one of error, note, off, warning",
    "[databases.a]\nmax-connections = 0": "poollint.toml:2: `max-connections` must be a whole number above 0",
    "[databases.a]\nmax-connections = true": "poollint.toml:2: `max-connections` must be a whole number above 0",
    '[databases.a]\nmax-connections = "500"': "poollint.toml:2: `max-connections` must be a whole number above 0",
    "[databases.a]\nmax_connections = 5": "poollint.toml:2: unknown key `max_connections`; did you mean `max-connections`?",
    '[databases.a]\nprovider = "cloud-sql-postgres"': "poollint.toml:2: `provider` cannot be 'cloud-sql-postgres'; did you mean",
    "[databases.a.in.b.in.c]": "poollint.toml:1: unknown key `in`",
    '[databases.a.pooler]\nmode = "tx"': "poollint.toml:2: `mode` must be session, transaction or statement",
    "[services.a]\ninstances = 1.5": "poollint.toml:2: `instances` must be a whole number above 0",
    "[services.a]\nworkers = 2": "poollint.toml:2: unknown key `workers`",
    'ignore = "x"': "poollint.toml:1: `ignore` must be an array of tables, [[ignore]]",
    '[[ignore]]\nrule = "missing-recycle"': "poollint.toml:1: an ignore needs a `path`",
    '[[ignore]]\nrule = "missing"\npath = "x"': "poollint.toml:2: `rule` cannot be 'missing'",
    '[[ignore]]\nrule = "missing-recycle"\npath = "../x"': "poollint.toml:3: `path` must stay below the root",
    '[[ignore]]\nrule = "missing-recycle"\npath = "x"\nuntil = "soon"': "poollint.toml:4: `until` must be a date",
    'required-version = ">=99"': "poollint.toml:1: this is poollint 0.1.0, but >=99 is required",
    'required-version = "newest"': "poollint.toml:1: not a version specifier: 'newest'; write required-version",
    "\nx = [": "poollint.toml:2: not TOML: ",
    "\nfail-on = = 1": "poollint.toml:2: not TOML: ",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_named_with_its_line(write: Write, text: str) -> None:
    with pytest.raises(ConfigurationError) as problem:
        load(write({"poollint.toml": text + "\n"}))
    assert problem.value.message.startswith(MISTAKES[text])
    assert problem.value.exit_code == 2


def test_a_nested_bomb_is_a_mistake_too(tmp_path: Path) -> None:
    (tmp_path / "poollint.toml").write_text("x = " + "[" * 60_000, "utf-8")
    with pytest.raises(ConfigurationError, match="poollint.toml"):
        load(tmp_path)


def test_text_that_is_not_utf_8_is_a_mistake_too(tmp_path: Path) -> None:
    (tmp_path / "poollint.toml").write_bytes(b"# \xff\n")
    with pytest.raises(ConfigurationError, match="not UTF-8 text"):
        load(tmp_path)


# -- assumptions ---------------------------------------------------------------------------------------------------


def test_an_assumption_is_stated_and_says_so(tmp_path: Path) -> None:
    made = load(tmp_path, assume={"api.instances": "20", "orders.tier": "db-custom-2-7680"})
    assert said(made.assume["api.instances"]) == (20, "--assume api.instances", "None")
    assert said(made.assume["orders.tier"])[0] == "db-custom-2-7680"


def test_an_assumption_is_stronger_than_the_file(write: Write) -> None:
    made = load(write({"pyproject.toml": WHOLE}), assume={"orders.max-connections": "200", "api.processes": "1"})
    orders = made.databases["orders"]
    assert said(orders.max_connections) == (200, "--assume orders.max-connections", "None")
    assert said(orders.environments["staging"].max_connections)[0] == 200
    assert said(made.services["api"].processes)[0] == 1
    assert said(made.services["api"].instances)[0] == 20


def test_the_pooler_of_a_stated_database_can_be_assumed(write: Write) -> None:
    made = load(write({"pyproject.toml": WHOLE}), assume={"orders.pooler.mode": "session"})
    pooler = made.databases["orders"].pooler
    assert pooler is not None and said(pooler.mode)[0] == "session"


def test_underscores_are_read_as_hyphens(tmp_path: Path) -> None:
    assert said(load(tmp_path, assume={"my_db.max_connections": "9"}).assume["my_db.max-connections"])[0] == 9


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("instances", "2", "write NAME.SETTING=VALUE"),
        ("api.instanses", "2", "did you mean `instances`?"),
        ("api.instances", "many", "must be a whole number above 0"),
        ("api.instances", "0", "must be a whole number above 0"),
        ("api.instances", "-3", "must be a whole number above 0"),
        ("api.instances", "9" * 5000, "must be a whole number above 0"),
        ("orders.pooler.mode", "tx", "must be session, transaction or statement"),
    ],
)
def test_an_assumption_that_makes_no_sense_is_wrong_usage(tmp_path: Path, key: str, value: str, message: str) -> None:
    with pytest.raises(click.UsageError, match=message.replace("?", r"\?")):
        load(tmp_path, assume={key: value})
