"""What a variable gives only where it is set has a default: what holds without it."""

from __future__ import annotations

import pytest

from poollint.facts import Environment, Known, Location, Origin, Unknown
from poollint.python.code import Code

HEAD = "import os\nfrom sqlalchemy import create_engine\noptions = {}\n"
MADE = "engine = create_engine('postgresql+psycopg2://db/orders', **options)\n"


@pytest.fixture
def settings(make_tree):
    """Return what the alternatives of the only engine say of a setting, each once."""

    def settings(text, name="pool_size", environment=None):
        code = Code(make_tree({"db.py": HEAD + text + MADE}))
        (found,) = code.engines(environment) if environment else code.engines()
        return {getattr(pool, name) for pool in found.alternatives}

    return settings


def _told(found):
    return {(one.value, one.certainty) if isinstance(one, Known) else one.reason for one in found}


@pytest.mark.parametrize(
    "test",
    [
        "if os.getenv('SIZE'):\n    options['pool_size'] = int(os.environ['SIZE'])\n",
        "size = os.getenv('SIZE')\nif size is not None:\n    options['pool_size'] = int(size)\n",
        "size = os.getenv('SIZE')\nif not size:\n    pass\nelse:\n    options['pool_size'] = int(size)\n",
    ],
)
def test_an_option_that_is_passed_only_where_a_variable_is_set_falls_back_to_the_default(settings, test):
    assert _told(settings(test)) == {(5, "fallback")}


def test_it_falls_back_to_what_the_code_passes_otherwise(settings):
    text = "if os.getenv('SIZE'):\n    options['pool_size'] = int(os.environ['SIZE'])\nelse:\n    options['pool_size'] = 20\n"
    assert _told(settings(text)) == {(20, "fallback")}


def test_two_such_options_have_their_defaults_each(settings):
    text = "".join(
        f"if os.getenv('{name}'):\n    options['{option}'] = int(os.environ['{name}'])\n"
        for name, option in (("SIZE", "pool_size"), ("MORE", "max_overflow"))
    )
    assert _told(settings(text)) == {(5, "fallback")}
    assert _told(settings(text, "max_overflow")) == {(10, "fallback")}


def test_a_setting_that_is_known_where_the_variable_is_set_is_an_alternative(settings):
    text = "if os.getenv('BIG'):\n    options['pool_size'] = 50\n"
    assert _told(settings(text)) == {(5, "default"), (50, "exact")}


def test_what_holds_without_the_variable_may_depend_on_another_one(settings):
    text = (
        "if os.getenv('SIZE'):\n    options['pool_size'] = int(os.environ['SIZE'])\n"
        "elif os.getenv('BIG'):\n    options['pool_size'] = 50\n"
    )
    assert _told(settings(text)) == {(5, "fallback"), (50, "fallback")}


def test_a_variable_that_is_given_but_not_known_has_no_default(settings):
    given = {"SIZE": Unknown("kept in a secret", Origin("SIZE", Location("deploy.yaml", 1)))}
    text = "if os.getenv('SIZE'):\n    options['pool_size'] = int(os.environ['SIZE'])\n"
    assert "kept in a secret" in _told(settings(text, environment=Environment(given, False)))


def test_a_variable_that_the_code_needs_has_no_default(settings):
    assert _told(settings("options['pool_size'] = int(os.environ['SIZE'])\n")) == {"set by SIZE, which no file gives"}
