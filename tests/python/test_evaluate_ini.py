"""Ini files through `configparser`, its subclasses and a project's own interpolation."""

from __future__ import annotations

import pytest
from evaluating import Project, plain, variables

INI = """\
[DEFAULT]
Recycle = 300
[Database]
Pool_Size = 11
overflow =
ping = yes
secret = 50%
"""
READ = "import configparser\nparser = configparser.ConfigParser()\nparser.read('app.ini')\n"

ASKED = {
    "a key in another case": ("parser['Database']['POOL_SIZE']", "11"),
    "a number of a section": ("parser['Database'].getint('Pool_Size')", 11),
    "a fallback of a section": ("parser['Database'].getint('absent', fallback=7)", 7),
    "a fallback in second place": ("parser['Database'].get('absent', '7')", "7"),
    "a default of all sections": ("parser.getint('Database', 'recycle')", 300),
    "whether there is a section": ("parser.has_section('Database')", True),
    "whether there is none": ("parser.has_section('Cache')", False),
    "whether there is an option": ("parser.has_option('Database', 'PING')", True),
}


@pytest.mark.parametrize("case", ASKED)
def test_what_a_parser_is_asked(tmp_path, case):
    asked, wanted = ASKED[case]
    assert plain(Project(tmp_path, {"main.py": f"{READ}result = {asked}\n", "app.ini": INI}).value()) == wanted


def test_a_percent_sign_is_text_without_interpolation(tmp_path):
    program = READ + "result = parser['Database']['secret']\n"
    plainly = program.replace("ConfigParser()", "ConfigParser(interpolation=None)")
    assert plain(Project(tmp_path, {"main.py": plainly, "app.ini": INI}).value()) == "50%"
    basic = Project(tmp_path / "basic", {"main.py": program, "app.ini": INI}).value()
    assert plain(basic).startswith("<an interpolation")


@pytest.mark.parametrize(("key", "wanted"), [("Pool_Size", "11"), ("POOL_SIZE", "<the dict has no 'POOL_SIZE'>")])
def test_optionxform_keeps_the_case_of_keys(tmp_path, key, wanted):
    reading = READ.replace("parser.read", "parser.optionxform = str\nparser.read")
    program = f"{reading}result = parser['Database']['{key}']\n"
    assert plain(Project(tmp_path, {"main.py": program, "app.ini": INI}).value()) == wanted


SUBCLASS = """\
import configparser


class Settings(configparser.ConfigParser):
    def number(self, section, option):
        return int(self.get(section, option))


class Doubled(configparser.ConfigParser):
    def get(self, section, option, **options):
        return 2 * int(super().get(section, option, **options))


"""


@pytest.mark.parametrize(
    ("name", "asked", "wanted"),
    [
        ("Settings", "parser.getint('Database', 'pool_size')", 11),
        ("Settings", "parser['Database']['pool_size']", "11"),
        ("Settings", "parser.number('Database', 'pool_size')", 11),
        ("Doubled", "parser.get('Database', 'pool_size')", 22),
    ],
)
def test_a_subclass_is_a_parser_with_methods_of_its_own(tmp_path, name, asked, wanted):
    program = f"{SUBCLASS}parser = {name}()\nparser.read('app.ini')\nresult = {asked}\n"
    assert plain(Project(tmp_path, {"main.py": program, "app.ini": INI}).value()) == wanted


OWN = """\
import configparser, os


class Environment(configparser.BasicInterpolation):
    def before_get(self, parser, section, option, value, defaults):
        value = super().before_get(parser, section, option, value, defaults)
        return os.getenv(f"APP_{option.upper()}") or value


parser = configparser.ConfigParser(interpolation=Environment())
parser.read("app.ini")
result = parser["Database"]["pool_size"]
"""


def test_a_variable_that_the_projects_interpolation_reads_may_replace_the_file(tmp_path):
    value = Project(tmp_path, {"main.py": OWN, "app.ini": INI}).value()
    assert (plain(value), value.certainty, value.variables) == ("11", "fallback", {"APP_POOL_SIZE"})


def test_a_known_environment_is_followed_through_the_projects_interpolation(tmp_path):
    project = Project(tmp_path, {"main.py": OWN, "app.ini": INI})
    assert plain(project.value(environment=variables(APP_POOL_SIZE="40"))) == "40"
    left_alone = project.value(environment=variables(OTHER="40"))
    assert (plain(left_alone), left_alone.certainty) == ("11", "exact")


def test_an_interpolation_of_another_kind_leaves_the_value_unknown(tmp_path):
    program = OWN.replace('os.getenv(f"APP_{option.upper()}") or value', "decrypted(value)")
    value = Project(tmp_path, {"main.py": program, "app.ini": INI}).value()
    assert plain(value).startswith("<Environment of the project")


@pytest.mark.parametrize("test", ['value == ""', "not value"])
def test_what_stands_for_an_empty_text_is_the_variables_default(tmp_path, test):
    program = f"""\
    import os


    def filled(value, default):
        if {test}:
            return default
        return value


    result = int(filled(os.getenv("POOL_SIZE", ""), 20))
    """
    value = Project(tmp_path, program).value()
    assert (plain(value), value.certainty, value.variables) == (20, "fallback", {"POOL_SIZE"})


def test_a_variable_that_is_there_is_not_empty(tmp_path):
    program = """\
    import os

    mode = os.getenv("MODE")
    result = "absent"
    if mode:
        result = "empty" if mode == "" else "set"
    """
    assert {plain(value) for value in Project(tmp_path, program).alternatives()} == {"set", "absent"}
