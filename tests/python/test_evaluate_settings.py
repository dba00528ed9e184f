"""Variables and settings: what the environment gives, what the code defaults, and how sure that is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluating import Project, plain, variables
from poollint.facts import NO_ENVIRONMENT, Environment, Known, Unknown
from poollint.python.evaluator.evaluate import Evaluator
from poollint.python.evaluator.values import Table, Traced, traps_of


def known(tmp_path: Path, program: str, environment: Environment = NO_ENVIRONMENT) -> tuple[Any, str, str, str]:
    """Return value, certainty, name and place of a known result."""
    value = Project(tmp_path, program).value(environment=environment)
    assert isinstance(value, Known), value
    return value.value, value.certainty, value.origin.says, str(value.origin.location)


# -- reading variables -------------------------------------------------------------------------------------------------

READS = [
    'import os\nresult = int(os.getenv("POOL", "5"))',
    'import os\nresult = int(os.getenv("POOL", default=5))',
    'import os\nresult = int(os.environ.get("POOL", 5))',
    'import os\nresult = int(os.environ.get("POOL") or 5)',
    'import os\nresult = int(os.getenv("POOL") or "5")',
    'from os import environ\nresult = int(environ.get("POOL", "5"))',
    'import os as o\nget = o.environ.get\nresult = int(get("POOL", "5"))',
    'import os\ntry:\n    result = int(os.environ["POOL"])\nexcept KeyError:\n    result = 5',
    'import os\ndef number(name, default):\n    return int(os.getenv(name, default))\nresult = number("POOL", "5")',
    'import os\ndef number(name, default):\n    value = os.getenv(name)\n    return int(value) if value else default\nresult = number("POOL", 5)',
    'from decouple import config\nresult = config("POOL", default=5, cast=int)',
    'from decouple import config\nresult = config("POOL", 5, int)',
    'from starlette.config import Config\nconfig = Config(".env")\nresult = config("POOL", cast=int, default=5)',
    'from environs import Env\nenv = Env()\nenv.read_env()\nresult = env.int("POOL", 5)',
    'from environs import env\nresult = env.int("POOL", default=5)',
    'from envparse import env\nresult = env.int("POOL", default=5)',
    'from envparse import env\nresult = env("POOL", cast=int, default=5)',
    'import environ\nenv = environ.Env(POOL=(int, 5))\nresult = env("POOL")',
    'import environ\nenv = environ.Env()\nresult = env.int("POOL", default=5)',
    "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    POOL: int = 5\nresult = S().POOL",
]  # fmt: skip


@pytest.mark.parametrize("program", READS)
def test_a_default_is_a_fallback_while_the_environment_is_not_known(tmp_path: Path, program: str) -> None:
    found = [value for value in Project(tmp_path, program).alternatives() if isinstance(value, Known)]
    assert [(value.value, value.certainty, value.origin.says) for value in found] == [(5, "fallback", "POOL")]


@pytest.mark.parametrize("program", READS)
def test_a_default_is_exact_when_the_whole_environment_leaves_it_alone(tmp_path: Path, program: str) -> None:
    value, certainty, _, place = known(tmp_path, program, variables(OTHER="1"))
    assert (value, certainty, place.partition(":")[0]) == (5, "exact", "main.py")


@pytest.mark.parametrize("program", READS)
def test_what_a_manifest_gives_wins_and_stands_there(tmp_path: Path, program: str) -> None:
    assert known(tmp_path, program, variables(OTHER="x", POOL="20")) == (20, "exact", "POOL", "deploy.yaml:2")


@pytest.mark.parametrize("program", READS)
def test_a_variable_from_a_secret_is_not_known(tmp_path: Path, program: str) -> None:
    found = Project(tmp_path, program).alternatives(environment=variables(POOL=None))
    assert any(isinstance(value, Unknown) and value.reason == "POOL comes from a secret" for value in found)


@pytest.mark.parametrize("default", ['"POOL", "5"', '"POOL", default="5"'])
def test_a_service_of_cloud_foundry_may_replace_a_variable_and_its_default(tmp_path: Path, default: str) -> None:
    program = f"import cfenv\nenv = cfenv.AppEnv()\nresult = int(env.get_credential({default}))"
    assert known(tmp_path, program, variables(OTHER="1"))[:2] == (5, "fallback")
    assert known(tmp_path, program, variables(POOL="20"))[:2] == (20, "fallback")


def test_a_variable_without_default_is_named(tmp_path: Path) -> None:
    value = Project(tmp_path, 'import os\nresult = int(os.environ["POOL"])').value()
    assert isinstance(value, Unknown)
    assert value.reason == "set by POOL, which no file gives"


def test_a_variable_that_a_complete_environment_lacks_is_none(tmp_path: Path) -> None:
    assert known(tmp_path, 'import os\nresult = os.getenv("POOL")', variables())[:2] == (None, "exact")


FLAGS = [
    ('os.getenv("F", "false") == "true"', "true", True),
    ('os.getenv("F", "false").lower() in ("1", "true", "yes")', "TRUE", True),
    ('os.getenv("F", "true").lower() == "true"', "false", False),
    ('bool(int(os.getenv("F", "0")))', "1", True),
    ('os.environ.get("F", "no").strip().lower() not in {"no", "0"}', "yes ", True),
    ('not os.getenv("F")', "x", False),
]


@pytest.mark.parametrize(("expression", "given", "value"), FLAGS)
def test_a_flag_is_read_as_the_code_reads_it(tmp_path: Path, expression: str, given: str, value: bool) -> None:
    assert known(tmp_path, f"import os\nresult = {expression}", variables(F=given))[0] is value


def test_bool_of_a_text_is_true_and_a_trap(tmp_path: Path) -> None:
    value = Project(tmp_path, 'import os\nresult = bool(os.getenv("PING", "False"))').value()
    assert isinstance(value, Traced)
    assert (value.value, value.origin.says) == (True, "PING")
    assert [trap.says for trap in traps_of(value)] == ['bool("False") is True: every text that is not empty is']


def test_a_proper_flag_is_no_trap(tmp_path: Path) -> None:
    value = Project(tmp_path, 'import os\nresult = os.getenv("PING", "False") == "True"').value()
    assert isinstance(value, Known)
    assert value.value is False
    assert traps_of(value) == ()


# -- JSON --------------------------------------------------------------------------------------------------------------

IN_JSON = [
    'import json, os\nresult = json.loads(os.getenv("OPTIONS", "{}"))',
    "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    OPTIONS: dict = {}\nresult = S().OPTIONS",
]


@pytest.mark.parametrize("program", IN_JSON)
def test_a_variable_in_json_is_read(tmp_path: Path, program: str) -> None:
    environment = variables(OPTIONS='{"pool_size": 20, "connect_args": {"keepalives": [1, null, true]}}')
    value = Project(tmp_path, program).value(environment=environment)
    assert plain(value) == {"pool_size": 20, "connect_args": {"keepalives": [1, None, True]}}
    size = value.entries["pool_size"]  # type: ignore[union-attr]
    assert (size.certainty, str(size.origin.location)) == ("exact", "deploy.yaml:1")


@pytest.mark.parametrize("program", IN_JSON)
@pytest.mark.parametrize("text", ["{", "[" * 5000, "9" * 20_000, None])
def test_what_is_no_json_is_not_known(tmp_path: Path, program: str, text: str | None) -> None:
    for value in Project(tmp_path, program).alternatives(environment=variables(OPTIONS=text)):
        assert isinstance(value, Unknown)


# -- settings classes --------------------------------------------------------------------------------------------------

FIELDS = [
    ("pool: int = 5", "POOL"),
    ("pool: int = Field(5)", "POOL"),
    ("pool: int = Field(default=5, ge=1)", "POOL"),
    ("pool: int = Field(default_factory=lambda: 5)", "POOL"),
    ("pool: int = Field(5, alias='DB_POOL')", "DB_POOL"),
    ("pool: int = Field(default=5, validation_alias='DB_POOL')", "DB_POOL"),
    ("pool: int = Field(default=5, validation_alias=AliasChoices('A', 'DB_POOL'))", "DB_POOL"),
    ("pool: Annotated[int, Field(ge=1)] = 5", "POOL"),
    ("pool: int | None = 5", "POOL"),
    ("pool: Optional[int] = 5", "POOL"),
    ("pool: PositiveInt = 5", "POOL"),
    ("model_config = SettingsConfigDict(env_prefix='APP_')\n    pool: int = 5", "APP_POOL"),
    ("model_config = {'env_prefix': 'APP_'}\n    pool: int = 5", "app_pool"),
    ("class Config:\n        env_prefix = 'APP_'\n    pool: int = 5", "APP_POOL"),
]
CLASS = """
from typing import Annotated, Optional
from pydantic import AliasChoices, Field, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict
class Settings(BaseSettings):
    {field}
settings = Settings()
result = settings.pool
"""


@pytest.mark.parametrize(("field", "variable"), FIELDS)
def test_a_field_has_its_default_under_its_own_name(tmp_path: Path, field: str, variable: str) -> None:
    value, certainty, says, place = known(tmp_path, CLASS.format(field=field))
    line = 6 + field.count("\n")
    assert (value, certainty, says, place) == (5, "fallback", "pool", f"main.py:{line}")


@pytest.mark.parametrize(("field", "variable"), FIELDS)
def test_a_field_is_read_from_its_variable(tmp_path: Path, field: str, variable: str) -> None:
    found = known(tmp_path, CLASS.format(field=field), variables(**{"X": "1", variable: "12"}))
    assert found == (12, "exact", variable, "deploy.yaml:2")


SETTINGS = """
import json
from functools import cached_property, lru_cache
from pydantic import BaseModel, BaseSettings, Field, computed_field, field_validator, model_validator, validator
class Database(BaseModel):
    host: str = "localhost"
    pool_size: int = 7
class Base(BaseSettings):
    shared: int = 1
class Settings(Base):
    size: int = 4
    debug: bool = False
    name: str
    db: Database = Database(pool_size=8)
    other: Database = Field(default_factory=Database)
    raw: str = "a"
    whole: int = 2
    @property
    def double(self) -> int:
        return self.size * 2
    @computed_field
    @cached_property
    def options(self) -> dict:
        return {"pool_size": self.size, "max_overflow": self.double}
    @field_validator("raw", mode="before")
    @classmethod
    def fix(cls, value):
        return value + "b"
    @model_validator(mode="after")
    def change(self):
        self.whole = self.size + 10
        return self
    class Config:
        env_nested_delimiter = "__"
@lru_cache
def get_settings() -> Settings:
    return Settings()
"""

ASKED = [
    ("get_settings().size", 4),
    ("get_settings().shared", 1),
    ("get_settings().double", 8),
    ("get_settings().options", {"pool_size": 4, "max_overflow": 8}),
    ("get_settings().db.pool_size", 8),
    ("get_settings().db.host", "localhost"),
    ("get_settings().other.pool_size", 7),
    ("get_settings().raw", "ab"),
    ("get_settings().whole", 14),
    ("get_settings().name", "<set by NAME, which no file gives>"),
    ("Settings.model_validate({}).double", 8),
    ("Settings.parse_obj({'size': 9}).double", 18),
    ("Settings.model_validate(obj=dict(size=9)).options", {"pool_size": 9, "max_overflow": 18}),
    ("Settings.model_validate(json.load(file)).size", "<a file that is not known>"),
    ("Settings(size=9).double", 18),
    ("Settings(**{'size': 9}).size", 9),
    ("getattr(get_settings(), 'size', 1)", 4),
]


@pytest.mark.parametrize(("expression", "value"), ASKED)
def test_settings_are_followed(tmp_path: Path, expression: str, value: object) -> None:
    assert plain(Project(tmp_path, f"{SETTINGS}\nresult = {expression}").value()) == value


def test_a_nested_field_is_read_from_its_delimited_variable(tmp_path: Path) -> None:
    program = f"{SETTINGS}\nresult = get_settings().db.pool_size"
    assert known(tmp_path, program, variables(DB__POOL_SIZE="30")) == (30, "exact", "DB__POOL_SIZE", "deploy.yaml:1")


def test_a_flag_of_the_environment_is_read_as_pydantic_reads_it(tmp_path: Path) -> None:
    assert known(tmp_path, f"{SETTINGS}\nresult = get_settings().debug", variables(DEBUG="on"))[0] is True


def test_a_validator_that_cannot_be_followed_leaves_the_field_unknown(tmp_path: Path) -> None:
    program = """
        from pydantic import BaseSettings, validator
        import somewhere
        class S(BaseSettings):
            pool: int = 5
            @validator("pool")
            def change(cls, v):
                return somewhere.table[v]
        result = S().pool
    """
    assert plain(Project(tmp_path, program).value()) == "<pool goes through the validator change()>"


def test_a_branch_on_a_validated_field_is_the_same_wherever_the_field_is_read(tmp_path: Path) -> None:
    program = """
        from pydantic import BaseSettings, validator
        class S(BaseSettings):
            URL: str = None
            @validator("URL", pre=True)
            def fill(cls, v):
                if v:
                    return v
                return "postgresql://db/app"
        class Database:
            def __init__(self, config: S):
                self.config = config
                self.url = self.config.URL
                self.options = {}
                if self.config.URL.startswith("sqlite"):
                    self.options = {"file": True}
        result = Database(S()).url
        options = Database(S()).options
    """
    project = Project(tmp_path, program)
    assert [plain(url.dialect) for url in project.urls()] == ["postgresql", "<set by URL, which no file gives>"]
    assert [plain(value) for value in project.alternatives("options")] == [{}, {"file": True}, {}]


def test_the_classic_assembled_url(tmp_path: Path) -> None:
    program = """
        from pydantic import BaseSettings, PostgresDsn, validator
        class S(BaseSettings):
            SERVER: str = "db"
            URI: PostgresDsn | None = None
            @validator("URI", pre=True)
            def assemble(cls, v, values):
                if isinstance(v, str):
                    return v
                return PostgresDsn.build(scheme="postgresql", user="u", password="p",
                                         host=values.get("SERVER"), path=f"/{values.get('DB') or 'app'}")
        result = S().URI
    """
    url = Project(tmp_path, program).urls()[0]
    assert (plain(url.dialect), plain(url.host), plain(url.database)) == ("postgresql", "db", "app")


@pytest.mark.parametrize(
    ("field", "dialect"),
    [
        ("url: PostgresDsn", "postgresql"),
        ("url: PostgresDsn = Field(..., description='where')", "postgresql"),
        ("url: pydantic.MySQLDsn", "mysql"),
        ("url: AnyUrl", "<set by URL, which no file gives>"),
        ("url: str", "<set by URL, which no file gives>"),
        ("url: PostgresDsn = 'mysql://db/app'", "mysql"),
    ],
)
def test_a_type_that_lets_urls_of_one_server_through_names_the_server(
    tmp_path: Path, field: str, dialect: str
) -> None:
    program = f"""
        import pydantic
        from pydantic import AnyUrl, Field, PostgresDsn
        from pydantic_settings import BaseSettings
        class S(BaseSettings):
            {field}
        result = str(S().url)
    """
    (url,) = Project(tmp_path, program).urls()
    assert plain(url.dialect) == dialect
    assert url.identities == ("env:URL",)


def test_settings_of_a_parameter_come_from_its_type_when_nobody_passes_them(tmp_path: Path) -> None:
    program = (
        f"{SETTINGS}\nresult = None\ndef start(settings: Settings):\n    global result\n    result = settings.size"
    )
    assert known(tmp_path, program)[:2] == (4, "fallback")


def test_a_dependency_is_what_its_function_returns(tmp_path: Path) -> None:
    program = (
        f"{SETTINGS}\nfrom fastapi import Depends\nresult = None\n"
        "def start(settings=Depends(get_settings)):\n    global result\n    result = settings.size"
    )
    assert known(tmp_path, program)[0] == 4


def test_a_plain_configuration_class_reads_when_its_body_runs(tmp_path: Path) -> None:
    program = """
        import os
        class Config:
            SIZE = int(os.environ.get("SIZE", 5))
            OPTIONS = {"pool_size": SIZE}
        class Production(Config):
            pass
        result = Production.OPTIONS["pool_size"]
    """
    assert known(tmp_path, program) == (5, "fallback", "SIZE", "main.py:4")


def test_one_engine_can_have_different_values_in_different_environments(tmp_path: Path) -> None:
    project = Project(tmp_path, READS[0])
    sizes = [plain(project.value(environment=variables(POOL=size))) for size in ("2", "30")]
    assert sizes == [2, 30]


def test_a_settings_class_put_together_from_many_others_has_the_fields_of_all(tmp_path: Path) -> None:
    bases = [f"S{number}" for number in range(60)]
    classes = "".join(f"class {base}(BaseSettings):\n    x{base}: int = 1\n" for base in bases[:-1])
    program = (
        f"from pydantic_settings import BaseSettings\n{classes}class S59(BaseSettings):\n    POOL: int = 7\n"
        f"class Settings({', '.join(bases)}):\n    pass\nresult = Settings().POOL"
    )
    assert known(tmp_path, program)[:2] == (7, "fallback")


# -- settings by the type of a function --------------------------------------------------------------------------------

PROMISED = {
    "config.py": "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n    size: int = 7\n",
    "main.py": """
        import importlib
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from config import Settings

        def load() -> "Settings":
            return importlib.import_module(input()).Settings()

        result = load().size
    """,
}


def test_settings_that_only_an_annotation_names_have_their_defaults(tmp_path: Path) -> None:
    assert plain(Project(tmp_path, PROMISED).value()) == 7


def test_an_annotation_with_heirs_promises_no_default(tmp_path: Path) -> None:
    heir = "from config import Settings\nclass Production(Settings):\n    size: int = 30\n"
    assert isinstance(Project(tmp_path, {**PROMISED, "production.py": heir}).value(), Unknown)


CLEANED = """
from typing import Any
from pydantic import field_validator
from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    ping: bool = {default}
    @field_validator("ping", mode="before")
    @classmethod
    def plain(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value.strip().lower() == "yes":
                return True
        return value
result = Settings().ping
"""


@pytest.mark.parametrize("default", [True, False])
def test_a_validator_for_text_leaves_a_default_that_is_no_text_alone(tmp_path: Path, default: bool) -> None:
    found = Project(tmp_path, CLEANED.format(default=default)).value()
    assert (plain(found), found.certainty) == (default, "fallback")  # type: ignore[union-attr]


def test_a_validator_for_text_reads_the_text_of_the_variable(tmp_path: Path) -> None:
    assert plain(Project(tmp_path, CLEANED.format(default=False)).value(environment=variables(PING=" Yes"))) is True


DUMPED = """
import dataclasses
import json
from typing import NamedTuple, Optional
from pydantic import BaseModel, ConfigDict, Field, computed_field
class Pool(BaseModel):
    model_config = ConfigDict(frozen=True)
    pool_size: int = 5
    max_overflow: int = Field(default=10, ge=0)
    pool_timeout: Optional[int] = None
    secret: str = Field("x", exclude=True)
    _cache: dict = {}
    @computed_field
    @property
    def pool_recycle(self) -> int:
        return self.pool_size * 100
class Wide(Pool):
    pool_size: int = 8
class Loose(Pool):
    model_config = ConfigDict(extra="allow")
class Own(BaseModel):
    size: int = 3
    def dict(self):
        return {"pool_size": self.size}
@dataclasses.dataclass
class Data:
    pool_size: int = 5
    constant = 3
class Tuple(NamedTuple):
    pool_size: int = 6
"""
WHOLE = {"pool_size": 5, "max_overflow": 10, "pool_timeout": None, "pool_recycle": 500}
DUMPS = [
    ("Pool().model_dump()", WHOLE),
    ("Pool().dict()", WHOLE),
    ("Pool().model_dump(mode='python')", WHOLE),
    ("Wide(max_overflow=1).model_dump()", {**WHOLE, "pool_size": 8, "max_overflow": 1, "pool_recycle": 800}),
    ("Pool().model_dump(exclude_none=True, exclude={'pool_recycle'})", {"pool_size": 5, "max_overflow": 10}),
    ("Pool().model_dump(include={'pool_size'})", {"pool_size": 5}),
    ("Pool().model_dump(exclude_none=False)", WHOLE),
    ("Own().dict()", {"pool_size": 3}),
    ("dataclasses.asdict(Data(pool_size=2))", {"pool_size": 2}),
    ("Tuple()._asdict()", {"pool_size": 6}),
    ("{**Pool().model_dump(include={'pool_size'}), 'pool_size': 9}", {"pool_size": 9}),
]


@pytest.mark.parametrize(("expression", "fields"), DUMPS)
def test_the_dict_of_a_model_holds_its_fields(tmp_path: Path, expression: str, fields: object) -> None:
    assert plain(Project(tmp_path, f"{DUMPED}\nresult = {expression}").value()) == fields


@pytest.mark.parametrize(
    "expression",
    ["Pool().model_dump(exclude_unset=True)", "Pool().model_dump(by_alias=True)", "Loose().model_dump()"],
)
def test_a_dict_of_a_model_that_is_not_wholly_known_says_so(tmp_path: Path, expression: str) -> None:
    found = Project(tmp_path, f"{DUMPED}\nresult = {expression}").value()
    assert isinstance(found, Table) and not found.complete and found.reason


def test_a_field_that_nothing_sets_is_not_none_but_keeps_the_program_from_starting(tmp_path: Path) -> None:
    program = "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    size: int\nresult = S().size"
    found = Project(tmp_path, program).value(environment=replace(variables(OTHER="1"), complete=True))
    assert plain(found) == "<SIZE has to be set, and nothing sets it>"


# -- attributes that whoever makes the settings sets -------------------------------------------------------------------

PROVIDED = """
from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    engine: str = "sqlite"
    provider: str | None = None
    @property
    def url(self):
        return f"{self.provider}://db" if self.provider else None
def provider_of(engine):
    return "postgresql" if engine == "postgres" else "sqlite"
"""
MADE = {
    "in a factory": "def load():\n    settings = Settings()\n    settings.provider = provider_of(settings.engine)\n"
    "    return settings\nresult = load().url",
    "in the module": "settings = Settings()\nsettings.provider = provider_of(settings.engine)\nresult = settings.url",
    "through two functions": "def load(engine):\n    settings: Settings = Settings(engine=engine)\n"
    "    settings.provider = provider_of(settings.engine)\n    return settings\n"
    "def get():\n    return load('postgres' if True else '')\nresult = get().url",
}


@pytest.mark.parametrize("made", MADE)
def test_an_attribute_is_what_the_maker_of_the_settings_sets(tmp_path: Path, made: str) -> None:
    values = Project(tmp_path, PROVIDED + MADE[made]).alternatives(environment=variables(ENGINE="postgres"))
    assert [plain(value) for value in values] == ["postgresql://db"]


def test_an_attribute_that_another_instance_gets_is_not_taken(tmp_path: Path) -> None:
    text = "def load():\n    other = Settings()\n    settings = Settings()\n    other.provider = 'x'\n    return settings\n"
    assert plain(Project(tmp_path, f"{PROVIDED}{text}result = load().url").value(environment=variables())) is None


def test_a_place_before_the_attribute_is_set_sees_the_field(tmp_path: Path) -> None:
    text = "settings = Settings()\nbefore = settings.provider\nsettings.provider = settings.provider or 'x'\n"
    text += "result = (before, settings.provider)\n"
    assert plain(Project(tmp_path, PROVIDED + text).value(environment=variables())) == [None, "x"]


def test_a_validator_that_looks_at_texts_leaves_a_number_alone(tmp_path: Path) -> None:
    program = """
    from library import is_nullable
    from pydantic import ValidationInfo, field_validator
    from pydantic_settings import BaseSettings

    class Base(BaseSettings):
        @field_validator("*", mode="before")
        @classmethod
        def _parse_none(cls, v, info: ValidationInfo):
            if info.field_name and is_nullable(cls.model_fields[info.field_name]) and isinstance(v, str) and v == "none":
                return None
            return v

    class Settings(Base):
        SIZE: int = 10
        NAME: str = "none"

    result = Settings().%s
    """
    numbers = Project(tmp_path, program % "SIZE").alternatives(environment=variables(complete=False))
    assert {plain(value) for value in numbers} == {10}
    texts = Project(tmp_path, program % "NAME").alternatives(environment=variables(complete=False))
    assert {plain(value) for value in texts} >= {"none", None}


def test_settings_inside_others_read_their_own_variables_in_their_own_case(tmp_path: Path) -> None:
    program = """
    from pydantic_settings import BaseSettings, SettingsConfigDict

    class Database(BaseSettings):
        size: int = 5
        model_config = SettingsConfigDict(env_prefix="DB_")

    class Settings(BaseSettings):
        database: Database
        model_config = SettingsConfigDict(case_sensitive=True)

    def made(settings: Settings):
        return settings.database.size
    result = made(framework())
    """
    project = Project(tmp_path, program)
    module = project.modules.module("main.py")
    assert module is not None
    read = next(node for node in module.nodes if getattr(node, "attr", "") == "size")
    value = Evaluator(project.modules, variables(DB_SIZE="9")).value(read, module)
    assert plain(value) == 9


@pytest.mark.parametrize(("annotation", "is_known"), [("Settings", True), ("Engine", False)])
def test_what_a_framework_keeps_is_what_the_parameter_says_it_is(
    tmp_path: Path, annotation: str, is_known: bool
) -> None:
    program = f"""
    from fastapi import FastAPI
    from library import Engine
    from pydantic_settings import BaseSettings

    class Settings(BaseSettings):
        SIZE: int = 10

    def made(settings: {annotation}):
        return settings.SIZE

    def start(app: FastAPI):
        made(app.state.settings)
    """
    project = Project(tmp_path, program)
    module = project.modules.module("main.py")
    assert module is not None
    read = next(node for node in module.nodes if getattr(node, "attr", "") == "SIZE")
    value = Evaluator(project.modules).value(read, module)
    assert (isinstance(value, Known) and value.value == 10) is is_known


OF_1 = """
from pydantic import BaseSettings
class Settings(BaseSettings):
    size: int = 5
    class Config:
        @classmethod
        def customise_sources(cls, init_settings, env_settings, file_secret_settings):
            return {sources}
result = Settings().size
"""


@pytest.mark.parametrize(
    ("sources", "certainty"),
    [
        ("init_settings, env_settings, file_secret_settings", "exact"),
        ("init_settings, read_vault, env_settings", "fallback"),  # somebody's function may know the field
    ],
)
def test_a_default_is_no_surer_than_the_sources_that_pydantic_1_is_given(
    tmp_path: Path, sources: str, certainty: str
) -> None:
    found = Project(tmp_path, OF_1.format(sources=sources)).value(environment=variables())
    assert isinstance(found, Known) and (found.value, found.certainty) == (5, certainty)
