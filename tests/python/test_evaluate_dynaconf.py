"""Settings of dynaconf: files, environments, and the variables over them."""

from __future__ import annotations

import pytest
from evaluating import Project, plain, variables

TOML = "pool_size = 12\n\n[database]\nmax_overflow = 4\nurl = '@format {env[URL]}'\n"
SECTIONS = "[default]\npool_size = 5\necho = false\n[production]\npool_size = 20\n[development]\npool_size = 2\n"
MADE = "from dynaconf import Dynaconf\nsettings = Dynaconf(envvar_prefix='SHOP', settings_files=['settings.toml'])\n"
SWITCHED = MADE.replace("envvar_prefix='SHOP'", "environments=True")


def project(tmp_path, asked, made=MADE, toml=TOML):
    return Project(tmp_path, {"main.py": f"{made}result = {asked}\n", "settings.toml": toml})


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("settings.POOL_SIZE", 12),
        ("settings.pool_size", 12),
        ("settings['pool_size']", 12),
        ("settings.get('POOL_SIZE', 5)", 12),
        ("settings.get('ABSENT', 5)", 5),
        ("settings.database.max_overflow", 4),
        ("settings.DATABASE['max_overflow']", 4),
        ("settings.DATABASE.get('max_overflow')", 4),
        ("settings.DATABASE['url']", "<a token of dynaconf>"),
    ],
)
def test_a_setting_stands_in_its_file(tmp_path, asked, wanted):
    assert plain(project(tmp_path, asked).value()) == wanted


def test_a_variable_with_the_prefix_replaces_it(tmp_path):
    asked = project(tmp_path, "settings.POOL_SIZE")
    assert plain(asked.value(environment=variables(SHOP_POOL_SIZE="40"))) == 40
    left_alone = asked.value(environment=variables(POOL_SIZE="40"))
    assert (plain(left_alone), left_alone.certainty, str(left_alone.origin.location)) == (12, "exact", "settings.toml:1")
    assert asked.value().certainty == "fallback"


def test_two_underscores_reach_into_a_table(tmp_path):
    asked = project(tmp_path, "settings.database['max_overflow']")
    assert plain(asked.value(environment=variables(SHOP_DATABASE__MAX_OVERFLOW="0"))) == 0


def test_the_section_of_the_environment_wins_over_the_default(tmp_path):
    asked = project(tmp_path, "settings.POOL_SIZE", SWITCHED, SECTIONS)
    assert plain(asked.value(environment=variables(ENV_FOR_DYNACONF="production"))) == 20
    assert plain(asked.value(environment=variables(OTHER="x"))) == 2


def test_without_a_known_environment_only_what_no_section_replaces_is_known(tmp_path):
    assert plain(project(tmp_path / "a", "settings.ECHO", SWITCHED, SECTIONS).value()) is False
    assert plain(project(tmp_path / "b", "settings.POOL_SIZE", SWITCHED, SECTIONS).value()).startswith("<the environment")


@pytest.mark.parametrize("made", [MADE.replace("'settings.toml'", "'settings.toml', 'local.toml'"), MADE.replace(
    "envvar_prefix", "validators=checks(), envvar_prefix")])  # fmt: skip
def test_what_may_replace_a_file_leaves_it_unknown(tmp_path, made):
    assert plain(project(tmp_path, "settings.POOL_SIZE", made).value()).startswith("<")
