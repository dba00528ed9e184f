"""The provider table: its files keep the schema, and every number in it has a source.

The numbers in this file are copies from the vendors' published tables, so that neither a slip in a file nor one in
the evaluation goes unseen.
"""

from __future__ import annotations

import json
import re
from typing import get_args

import pytest

from poollint import _pages, providers
from poollint._pages import pages_directory
from poollint.facts import NO_CEILING, Known, Target, Unknown
from poollint.providers import files
from poollint.providers.limits import Grade, version_fits
from poollint.providers.schema import Misspelt, sections

NAMES = tuple(providers.table())
DATABASES = tuple(name for name in NAMES if providers.get(name).kind == "database")

# Every record that was gathered, and the files that hold it.
HOMES = {
    # the large clouds
    "aws-instance-class-memory": "sizes/aws-instance-classes",
    "aws-rds-postgresql": "rds-postgresql",
    "aws-rds-mysql": "rds-mysql rds-mariadb",
    "aws-aurora-postgresql": "aurora-postgresql",
    "aws-aurora-mysql": "aurora-mysql",
    "aws-aurora-serverless-v2": "aurora-serverless-v2",
    "aws-rds-proxy": "rds-proxy",
    "gcp-cloudsql-postgresql": "cloud-sql-postgresql",
    "gcp-cloudsql-mysql": "cloud-sql-mysql",
    "gcp-alloydb": "alloydb",
    "gcp-cloudsql-managed-pooling": "cloud-sql-managed-pooling",
    "gcp-alloydb-managed-pooling": "alloydb-managed-pooling",
    "gcp-auth-proxies": "cloud-sql-auth-proxy",
    "azure-postgresql-flexible": "azure-postgresql-flexible",
    "azure-postgresql-flexible-pgbouncer": "azure-postgresql-flexible-pgbouncer",
    "azure-mysql-flexible": "azure-mysql-flexible",
    "aws-nlb": "aws-nlb",
    "aws-gateway-load-balancer": "aws-gateway-load-balancer",
    "aws-nat-gateway": "aws-nat-gateway",
    "aws-eni-conntrack": "aws-eni-conntrack",
    "gcp-vpc-conntrack": "gcp-vpc-conntrack",
    "gcp-cloud-nat": "gcp-cloud-nat",
    "azure-load-balancer": "azure-load-balancer",
    "azure-nat-gateway": "azure-nat-gateway",
    "gcp-cloud-run-egress": "cloud-run cloud-functions",
    # platforms, servers, operators and images
    "supabase": "supabase",
    "neon": "neon",
    "vercel_postgres": "neon",
    "heroku_postgres": "heroku-postgres",
    "digitalocean_postgresql": "digitalocean-postgresql",
    "digitalocean_mysql": "digitalocean-mysql",
    "render_postgres": "render-postgres",
    "fly_mpg": "fly-mpg",
    "fly_postgres_legacy": "fly-postgres-legacy",
    "railway_postgres": "railway-postgres",
    "crunchy_bridge": "crunchy-bridge",
    "aiven_postgresql": "aiven-postgresql",
    "aiven_mysql": "aiven-mysql",
    "tiger_cloud": "tiger-cloud",
    "planetscale_mysql": "planetscale-mysql",
    "planetscale_postgres": "planetscale-postgres",
    "cockroachdb": "cockroachdb",
    "yugabytedb": "yugabytedb",
    "scaleway_rdb": "scaleway-rdb",
    "scaleway_serverless_sql": "scaleway-serverless-sql",
    "ovh_postgresql": "ovh-postgresql",
    "linode_managed_db": "linode-managed-db",
    "xata": "xata",
    "nile": "nile",
    "elephantsql": "elephantsql",
    "ionos_postgresql": "ionos-postgresql",
    "scalingo_postgresql": "scalingo-postgresql",
    "yandex_managed_postgresql": "yandex-managed-postgresql",
    "gigalixir_free": "gigalixir-free",
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mariadb",
    "cloudnative_pg": "cloudnative-pg",
    "zalando_postgres_operator": "zalando-postgres-operator",
    "crunchy_pgo": "crunchy-pgo",
    "percona_postgresql_operator": "percona-postgresql-operator",
    "stackgres": "stackgres",
    "kubedb_pgbouncer": "kubedb-pgbouncer",
    "bitnami_postgresql": "bitnami-postgresql",
    "pgbouncer_images": "pgbouncer",
}


def test_all_65_records_have_a_home():
    folder = pages_directory() / "providers"
    assert len(HOMES) == 65
    for homes in HOMES.values():
        for name in homes.split():
            assert (folder / f"{name}.yaml").is_file(), name


def test_a_missing_rule_book_is_said(tmp_path, monkeypatch):
    (tmp_path / "src" / "poollint").mkdir(parents=True)
    monkeypatch.setattr(_pages, "__file__", str(tmp_path / "src" / "poollint" / "_pages.py"))
    with pytest.raises(FileNotFoundError, match="installed incompletely"):
        pages_directory.__wrapped__()
    (tmp_path / "rules").mkdir()
    assert pages_directory.__wrapped__() == tmp_path / "rules"


# -- schema ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_named_like_its_provider_and_keeps_the_schema(name):
    provider = providers.get(name)
    assert provider.name == name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert provider.title and provider.sources
    assert re.fullmatch(r"20\d\d-\d\d", provider.checked)
    assert provider.kind == "hop" or provider.dialects


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("short:", "shrot:", "unknown key shrot"),
        ("  seconds: 600", "  second: 600", "unknown key second"),
        ("effect: forgets", "effect: swallows", "'swallows' is none of"),
        ("grade: documented_secondhand", "grade: certain", "'certain' is none of"),
        ("source: flags", "source: flag", "source 'flag' is not under sources"),
        ("- {from: 0, value: 25}", "- {value: 25}", "needs either from or at"),
        ("title: Cloud SQL for PostgreSQL\n", "", "title is missing"),
    ],
)
def test_a_slip_in_a_file_is_an_error_that_names_the_file(old, new, complaint):
    text = (pages_directory() / "providers" / "cloud-sql-postgresql.yaml").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(Misspelt) as raised:
        files.read(text.replace(old, new, 1), "cloud-sql-postgresql.yaml")
    assert complaint in str(raised.value) and "cloud-sql-postgresql.yaml" in str(raised.value)


def test_the_readme_shows_a_file_that_can_be_read_and_names_every_key():
    readme = (pages_directory() / "providers" / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    provider = files.read(example, "README.md")
    assert provider.max_connections("medium").value == 400
    for key in files.KEYS.split():
        assert f"`{key}`" in readme or f"\n{key}:" in example, key
    for grade in get_args(Grade):
        assert f"| `{grade}` |" in readme


def figures(data):
    """Yield every number of a JSON row, with what it is."""
    if isinstance(data, dict):
        if "grade" in data:
            yield data
        for value in data.values():
            yield from figures(value)
    elif isinstance(data, list):
        for value in data:
            yield from figures(value)


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_a_source_with_a_date(name):
    found = list(figures(providers.as_json(providers.get(name))))
    assert found or name == "nile"
    for figure in found:
        source = figure["source"]
        assert len(source["title"]) > 5
        assert re.fullmatch(r"20\d\d(-\d\d(-\d\d)?)?", source["date"]), source
        assert source["url"] is None or source["url"].startswith("https://"), source
        assert (figure["certainty"] == "estimate") == (figure["grade"] in ("reported", "derived", "seed", "uncertain"))


@pytest.mark.parametrize("name", NAMES)
def test_the_largest_default_is_not_below_any_default(name):
    provider = providers.get(name)
    rows = providers.as_json(provider)["max_connections"]
    values = [row["value"] for row in rows if row["value"] is not None and not row["per"]]
    if provider.largest:
        assert provider.largest.value == NO_CEILING or provider.largest.value >= max(values, default=0)


def test_every_file_is_readable_as_yaml_with_short_lines():
    for path in (pages_directory() / "providers").rglob("*.yaml"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert len(line) <= 120 or "://" in line, f"{path.name}:{number}"
            assert "\t" not in line


# -- hosts -------------------------------------------------------------------------------------------------------------


def target(example: str, dialect: str) -> Target:
    """Read "host:port/database" as the files write their examples."""
    if example.startswith(("/", "projects/")) or example.count(":") > 1:
        return Target(dialect, example)
    address, _, database = example.partition("/")
    host, _, port = address.partition(":")
    return Target(dialect, host, int(port) if port else None, database or None)


EXAMPLES = [
    (name, pattern, example)
    for name in NAMES
    for pattern in providers.get(name).endpoints
    for example in pattern.examples
]


@pytest.mark.parametrize(("name", "pattern", "example"), EXAMPLES)
def test_every_example_of_a_file_finds_its_endpoint(name, pattern, example):
    dialect = (pattern.dialects or providers.get(name).dialects)[0]
    found = providers.candidates(target(example, dialect))
    assert (name, pattern.role) in [(endpoint.provider.name, endpoint.role) for endpoint in found]
    if not pattern.weak:
        best = providers.match(target(example, dialect))
        assert (best.provider.name, best.role) == (name, pattern.role)
        assert (best.mode, best.pooler) == (pattern.mode, pattern.pooler)


def test_every_pattern_with_a_host_has_an_example():
    for name in NAMES:
        for pattern in providers.get(name).endpoints:
            assert pattern.examples or not pattern.host, f"{name}: {pattern.role}"


@pytest.mark.parametrize(
    ("host", "port", "dialect", "name", "role"),
    [
        ("db.abcdefghijklmnopqrst.supabase.co", 5432, "postgresql", "supabase", "direct"),
        ("db.abcdefghijklmnopqrst.supabase.co", 6543, "postgresql", "supabase", "dedicated-pooler"),
        ("aws-0-eu-west-1.pooler.supabase.com", 5432, "postgresql", "supabase", "shared-pooler-session"),
        ("aws-0-eu-west-1.pooler.supabase.com", None, "postgresql", "supabase", "shared-pooler-session"),
        ("aws-1-us-east-1.pooler.supabase.com", 6543, "postgresql", "supabase", "shared-pooler-transaction"),
        ("ep-cool-darkness-123456-pooler.us-east-2.aws.neon.tech", 5432, "postgresql", "neon", "pooled"),
        ("EP-cool-darkness-123456.us-east-2.aws.neon.tech", None, "postgresql", "neon", "direct"),
        ("orders.c9akciq32rgp.eu-central-1.rds.amazonaws.com", 5433, "postgresql", "rds-postgresql", "instance"),
        ("orders.c9akciq32rgp.eu-central-1.rds.amazonaws.com", None, "mariadb", "rds-mariadb", "instance"),
        ("x.cluster-c9akciq32rgp.eu-central-1.rds.amazonaws.com", None, "postgresql", "aurora-postgresql", "cluster"),
        ("orders.cluster-c9akciq32rgp.eu-central-1.rds.amazonaws.com", None, "mysql", "aurora-mysql", "cluster"),
        ("orders.proxy-c9akciq32rgp.eu-central-1.rds.amazonaws.com", None, "mysql", "rds-proxy", "proxy"),
        ("orders.postgres.database.azure.com", None, "postgresql", "azure-postgresql-flexible", "direct"),
        ("orders.postgres.database.azure.com", 6432, "postgresql", "azure-postgresql-flexible-pgbouncer", "pooled"),
        ("/cloudsql/p:europe-west1:orders", None, "postgresql", "cloud-sql-postgresql", "socket"),
        ("/cloudsql/example.com:p:europe-west1:orders", None, "mysql", "cloud-sql-mysql", "socket"),
        ("a.b.db.ondigitalocean.com", 25060, "mysql", "digitalocean-mysql", "direct"),
        ("a.b.db.ondigitalocean.com", 25061, "postgresql", "digitalocean-postgresql", "connection-pool"),
        ("pgbouncer.abc123.flympg.net", 5432, "postgresql", "fly-mpg", "pooled"),
        ("orders-pgbouncer.shop.svc", 5432, "postgresql", "pgbouncer", "pooler"),
        ("localhost", 26257, "cockroachdb", "cockroachdb", "self-hosted"),
    ],
)
def test_a_host_tells_who_answers(host, port, dialect, name, role):
    endpoint = providers.match(Target(dialect, host, port))
    assert (endpoint.provider.name, endpoint.role) == (name, role)


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("db", 5432),
        ("localhost", 5432),
        ("10.0.0.5", 5432),
        ("orders.internal", 5432),
        ("orders-rw", 5432),
        ("orders-pooler", 5432),
        ("db.example.com", 6432),  # a port alone proves nothing
        ("db.example.com", 6543),
        ("ec2-23-21-1-2.compute-1.amazonaws.com", 5432),
        ("evil-supabase.co.example.com", 5432),
        ("orders.postgres.database.azure.com.example.com", 5432),
        (None, None),
    ],
)
def test_a_host_that_others_share_tells_nothing(host, port):
    assert providers.match(Target("postgresql", host, port)) is None


def test_a_host_of_absurd_length_tells_nothing():
    assert providers.match(Target("postgresql", "a:" * 500_000 + ".db.example.com")) is None


def test_weak_patterns_help_a_caller_with_other_evidence():
    found = providers.match(Target("postgresql", "my-db.internal", 5433), weak=True)
    assert (found.provider.name, found.role, found.weak) == ("fly-postgres-legacy", "direct", True)


def test_a_variable_of_a_platform_leads_to_its_endpoint():
    heroku = providers.match_variable("DATABASE_CONNECTION_POOL_URL")
    assert (heroku.provider.name, heroku.mode, heroku.pooler) == ("heroku-postgres", "transaction", "pgbouncer")
    assert isinstance(heroku.prepared_statements, Unknown)
    assert providers.match_variable("POSTGRES_URL_NON_POOLING").role == "direct"
    assert providers.match_variable("DATABASE_URL") is None


def test_a_host_of_two_engines_needs_the_scheme():
    host = "pg-1a2b3c-myproject.a.aivencloud.com"
    assert providers.match(Target(None, host, 12691)) is None
    assert providers.match(Target("postgresql", host, 12691)).provider.name == "aiven-postgresql"
    assert providers.match(Target("mysql", host, 12691)).provider.name == "aiven-mysql"


def test_endpoints_say_whether_prepared_statements_survive():
    def survive(host, port=None):
        return providers.match(Target("postgresql", host, port)).prepared_statements

    neon = survive("ep-a-1-pooler.us-east-2.aws.neon.tech")
    assert (neon.value, neon.certainty) == (True, "default")
    assert neon.origin.url == "https://neon.com/docs/connect/connection-pooling"
    supabase = survive("aws-1-us-east-1.pooler.supabase.com", 6543)
    assert (supabase.value, supabase.certainty) == (False, "default")
    azure = survive("orders.postgres.database.azure.com", 6432)
    assert (azure.value, azure.certainty) == (False, "default")
    assert isinstance(survive("abc-useast1-1.horizon.psdb.cloud", 6432), Unknown)
    assert isinstance(survive("pgbouncer", 6432), Unknown)  # by its version, which no host tells
    assert survive("pgdog").value is True
    assert survive("pgcat").value is False


# -- limits ------------------------------------------------------------------------------------------------------------


def limit(name, tier, version=None, dialect=None):
    return providers.get(name).max_connections(tier, version, dialect)


@pytest.mark.parametrize(
    ("tier", "value", "certainty"),
    [
        ("db-f1-micro", 25, "default"),
        ("db-g1-small", 50, "default"),
        ("db-custom-1-3840", 100, "default"),
        ("db-custom-2-6144", 200, "default"),
        ("db-custom-2-7680", 400, "default"),
        ("db-custom-4-15360", 500, "default"),
        ("db-custom-4-16384", 500, "default"),
        ("db-custom-8-30720", 600, "default"),
        ("db-custom-16-61440", 800, "default"),
        ("db-custom-32-122880", 1000, "default"),
        ("db-perf-optimized-N-2", 500, "estimate"),  # its memory is believed, not read
        ("DB-CUSTOM-4-16384", 500, "default"),
    ],
)
def test_cloud_sql_limits_follow_the_memory_in_the_tier(tier, value, certainty):
    setting = limit("cloud-sql-postgresql", tier)
    assert (setting.value, setting.certainty) == (value, certainty)
    assert setting.origin.says == f"Cloud SQL {tier}: {value:,}"
    assert setting.origin.url == "https://docs.cloud.google.com/sql/docs/postgres/flags"


@pytest.mark.parametrize(("tier", "value"), [("db-f1-micro", 250), ("db-g1-small", 1000), ("db-n1-standard-2", 4000)])
def test_cloud_sql_for_mysql_has_limits_of_its_own(tier, value):
    setting = limit("cloud-sql-mysql", tier)
    assert (setting.value, setting.certainty) == (value, "default")


@pytest.mark.parametrize("tier", [None, "db-custom-4", "large", ""])
def test_a_tier_that_tells_nothing_is_unknown(tier):
    assert isinstance(limit("cloud-sql-postgresql", tier), Unknown)


# class, PostgreSQL ceiling and low estimate, MySQL ceiling and low estimate, MariaDB 10.5 ceiling
AWS = [
    ("db.t4g.micro", 112, 71, 85, 54, 42),
    ("db.t4g.small", 225, 176, 170, 133, 85),
    ("db.t3.medium", 450, 386, 341, 292, 170),
    ("db.m5.large", 901, 805, 682, 609, 341),
    ("db.m5.xlarge", 1802, 1643, 1365, 1244, 682),
    ("db.m5.2xlarge", 3604, 3319, 2730, 2514, 1365),
    ("db.m5.4xlarge", 5000, 5000, 5461, 5054, 2730),
    ("db.m2.xlarge", 1926, 1758, 1459, 1332, 729),
    ("db.m1.small", 191, 145, 145, 109, 72),
    ("db.m3.medium", 422, 359, 320, 272, 160),
    ("db.m7i.48xlarge", 5000, 5000, 65536, 60923, 12000),
    ("db.m7i.metal-24xl", 5000, 5000, 32768, 30449, 12000),
]


@pytest.mark.parametrize(("tier", "postgresql", "low", "mysql", "mysql_low", "mariadb"), AWS)
def test_aws_limits_are_evaluated_from_the_memory_of_the_class(tier, postgresql, low, mysql, mysql_low, mariadb):
    assert limit("rds-postgresql", tier).value == postgresql
    assert limit("rds-mysql", tier).value == mysql
    assert limit("rds-mariadb", tier, "10.6.14").value == mariadb
    assert limit("rds-mariadb", tier, "10.4").value == mysql
    assert providers.get("rds-postgresql").low_estimate(tier).value == low
    assert providers.get("rds-mysql").low_estimate(tier).value == mysql_low


def test_an_aws_ceiling_is_a_default_and_the_low_estimate_is_an_estimate():
    ceiling = limit("rds-postgresql", "db.m5.large")
    assert (ceiling.certainty, ceiling.origin.says) == ("default", "RDS PostgreSQL db.m5.large: at most 901")
    assert ceiling.origin.url.endswith("CHAP_Limits.md")
    low = providers.get("rds-postgresql").low_estimate("db.m5.large")
    assert (low.certainty, low.origin.says) == ("estimate", "RDS PostgreSQL db.m5.large: by a low estimate 805")


def test_what_people_read_from_their_servers_lies_below_the_ceiling_and_not_far_below_the_estimate():
    for name in ("rds-postgresql", "rds-mysql"):
        provider = providers.get(name)
        assert len(provider.observed) >= 12
        for tier, figure in provider.observed:
            assert figure.value <= provider.max_connections(tier).value
            assert figure.value >= 0.97 * provider.low_estimate(tier).value


def test_mariadb_on_rds_needs_its_version():
    assert isinstance(limit("rds-mariadb", "db.m5.large"), Unknown)


def test_the_seeds_wrong_figures_for_postgresql_on_rds_are_nowhere():
    provider = providers.get("rds-postgresql")
    (row,) = providers.as_json(provider)["max_connections"]
    rows = row["evaluated"]
    assert len(rows) > 360
    assert not {tier for tier, value in rows.items() if value in (170, 683)}
    assert {rows["db.t3.medium"], rows["db.m4.xlarge"]} == {450, 1802}  # 4 and 16 GiB


@pytest.mark.parametrize(
    ("tier", "value", "low"),
    [
        ("db.t3.medium", 420, None),
        ("db.t4g.medium", 405, None),
        ("db.r5.large", 1600, None),
        ("db.r6g.xlarge", 3479, None),
        ("db.x2g.16xlarge", 5000, None),
        ("db.r7g.large", 1802, 1643),  # younger than the table
    ],
)
def test_aurora_postgresql_has_a_table_and_a_formula_for_the_rest(tier, value, low):
    provider = providers.get("aurora-postgresql")
    estimate = provider.low_estimate(tier)
    assert provider.max_connections(tier).value == value
    assert (estimate.value if isinstance(estimate, Known) else None) == low


@pytest.mark.parametrize(
    ("tier", "value", "certainty"),
    [("db.t3.small", 45, "default"), ("db.r5.24xlarge", 7000, "default"), ("db.r7g.large", 1000, "estimate")],
)
def test_aurora_mysql_goes_by_memory_where_the_table_ends(tier, value, certainty):
    setting = limit("aurora-mysql", tier)
    assert (setting.value, setting.certainty) == (value, certainty)
    assert isinstance(limit("aurora-mysql", "db.t3.xlarge"), Unknown)


@pytest.mark.parametrize(
    ("tier", "postgresql", "mysql"),
    [("1", 189, 90), ("4", 823, 135), ("8", 1669, 1000), ("16", 3360, 2000), ("32", 5000, 3000), ("128", 5000, 5000)],
)
def test_aurora_serverless_goes_by_the_maximum_capacity(tier, postgresql, mysql):
    for dialect, value in (("postgresql", postgresql), ("mysql", mysql)):
        setting = limit("aurora-serverless-v2", tier, dialect=dialect)
        assert (setting.value, setting.certainty) == (value, "default")
    assert isinstance(limit("aurora-serverless-v2", tier), Unknown)  # of which engine?


def test_a_capacity_may_be_written_with_a_fraction():
    assert limit("aurora-serverless-v2", "16.0", dialect="postgresql").certainty == "default"
    assert limit("neon", "0.50").value == limit("neon", "0.5").value == 209
    assert limit("alloydb", "4.0").value == 1000


@pytest.mark.parametrize(
    ("text", "tier", "value"),
    [
        ("LEAST({DBInstanceClassMemory/9531392},5000)", "db.t3.medium", 450),
        ("LEAST({DBInstanceClassMemory/9531392}, 300)", "db.t3.medium", 300),
        ("{DBInstanceClassMemory/12582880}", "db.m5.large", 682),
        ("GREATEST({DBInstanceClassMemory*1/9531392},100)", "db.t1.micro", 100),
        ("{log(DBInstanceClassMemory/805306368)*45}", "db.m5.large", None),
        ("LEAST({DBInstanceClassMemory/9531392},5000)", "db.unheard.of", None),
        ("LEAST({DBInstanceClassMemory/9531392},5000)", None, None),
        ("__import__('os')", "db.m5.large", None),
    ],
)
def test_a_formula_in_a_parameter_group_has_a_ceiling(text, tier, value):
    setting = providers.parameter_formula(text, tier)
    assert (setting.value if isinstance(setting, Known) else None) == value


def test_aurora_serverless_between_the_documented_capacities_is_an_estimate():
    assert limit("aurora-serverless-v2", "20", dialect="postgresql").certainty == "estimate"
    assert limit("aurora-serverless-v2", "0.5-64", dialect="postgresql").value == 2000
    assert limit("aurora-serverless-v2", "2-8", dialect="postgresql").value == 1669
    assert limit("aurora-serverless-v2", "20", dialect="mysql").value == 2000


@pytest.mark.parametrize(
    ("name", "tier", "value", "certainty"),
    [
        ("azure-postgresql-flexible", "B_Standard_B1ms", 50, "default"),
        ("azure-postgresql-flexible", "GP_Standard_D2s_v3", 859, "default"),
        ("azure-postgresql-flexible", "Standard_D8ds_v5", 3437, "default"),
        ("azure-postgresql-flexible", "MO_Standard_E96ads_v5", 5000, "default"),
        ("azure-postgresql-flexible", "GP_Standard_D4ds_v6", 1718, "estimate"),
        ("azure-mysql-flexible", "B_Standard_B1ms", 171, "default"),
        ("azure-mysql-flexible", "B_Standard_B12ms", 4097, "default"),
        ("azure-mysql-flexible", "GP_Standard_D2ds_v4", 683, "default"),
        ("azure-mysql-flexible", "MO_Standard_E64ds_v4", 43008, "default"),
        ("neon", "0.25", 104, "default"),
        ("neon", "8", 3357, "default"),
        ("neon", "56", 4000, "default"),
        ("supabase", "micro", 60, "default"),
        ("supabase", "16xlarge", 500, "default"),
        ("heroku-postgres", "heroku-postgresql:standard-0", 120, "default"),
        ("heroku-postgres", "essential-0", 20, "estimate"),
        ("digitalocean-postgresql", "db-s-1vcpu-1gb", 22, "default"),
        ("digitalocean-postgresql", "db-s-2vcpu-4gb", 97, "default"),
        ("digitalocean-mysql", "db-s-1vcpu-2gb", 150, "estimate"),
        ("render-postgres", "basic_256mb", 100, "default"),
        ("render-postgres", "pro_16gb", 400, "default"),
        ("aiven-postgresql", "hobbyist", 25, "default"),
        ("aiven-postgresql", "startup-4", 100, "default"),
        ("aiven-postgresql", "business-120", 1000, "default"),
        ("aiven-mysql", "startup-4", 401, "default"),
        ("alloydb", "4", 1000, "estimate"),
        ("alloydb", "n2-highmem-8", 1000, "estimate"),
        ("ionos-postgresql", "8", 896, "default"),
        ("yandex-managed-postgresql", "4", 800, "default"),
        ("ovh-postgresql", "db1-7", 350, "estimate"),
        ("crunchy-bridge", None, 500, "default"),
        ("fly-postgres-legacy", None, 300, "default"),
        ("railway-postgres", None, 100, "estimate"),
        ("cloudnative-pg", None, 100, "default"),
        ("postgresql", None, 100, "default"),
        ("mariadb", None, 151, "default"),
        ("mysql", None, 151, "estimate"),
        ("gigalixir-free", None, 2, "default"),
        ("planetscale-mysql", None, NO_CEILING, "estimate"),
        ("cockroachdb", None, NO_CEILING, "estimate"),
    ],
)
def test_default_limits(name, tier, value, certainty):
    setting = limit(name, tier)
    assert (setting.value, setting.certainty) == (value, certainty)


@pytest.mark.parametrize(
    "name",
    ["fly-mpg", "planetscale-postgres", "scaleway-rdb", "linode-managed-db", "xata", "nile", "yugabytedb", "pgbouncer"],
)
def test_a_limit_nobody_publishes_is_unknown(name):
    assert isinstance(limit(name, None), Unknown)
    assert isinstance(limit(name, "large"), Unknown)


def test_alloydb_with_one_vcpu_is_unknown():
    assert isinstance(limit("alloydb", "1"), Unknown)


def test_largest_defaults():
    def largest(name):
        return providers.get(name).largest_default

    assert largest("cloud-sql-postgresql").value == 1000
    assert largest("cloud-sql-postgresql").origin.says == "largest default of Cloud SQL: 1,000"
    assert largest("supabase").value == 500
    assert isinstance(largest("fly-mpg"), Unknown)
    assert providers.largest_default_of_dialect("postgresql").value == 5000
    assert providers.largest_default_of_dialect("mysql").value == NO_CEILING  # PlanetScale's edge pools by itself
    assert isinstance(providers.largest_default_of_dialect("oracle"), Unknown)


def test_stock_servers():
    assert providers.stock_default("postgresql").value == 100
    assert providers.stock_default("mysql").value == 151
    assert providers.stock_default("mariadb").value == 151
    assert isinstance(providers.stock_default("oracle"), Unknown)
    assert isinstance(providers.stock_default(None), Unknown)
    assert [providers.stock_reserved(dialect).value for dialect in ("postgresql", "mysql", "mariadb")] == [3, 0, 0]
    assert isinstance(providers.stock_reserved("oracle"), Unknown)


@pytest.mark.parametrize(
    ("name", "total", "certainty", "sure"),
    [
        ("cloud-sql-postgresql", 5, "estimate", 3),
        ("rds-postgresql", 5, "default", 5),
        ("aurora-postgresql", 5, "default", 5),
        ("azure-postgresql-flexible", 15, "default", 15),
        ("neon", 7, "default", 7),
        ("alloydb", 3, "default", 3),
        ("supabase", 3, "default", 3),  # what the platform keeps is not published; PostgreSQL's own is certain
        ("heroku-postgres", 0, "default", 0),
        ("cloud-sql-mysql", 0, "default", 0),
        ("tiger-cloud", 17, "default", 17),
        ("postgresql", 3, "default", 3),
    ],
)
def test_reserved_connections(name, total, certainty, sure):
    provider = providers.get(name)
    reserved = provider.reserved()
    assert (reserved.value, reserved.certainty) == (total, certainty)
    assert (provider.sure_reserved().value, provider.sure_reserved().certainty) == (sure, "default")


def test_reserved_connections_name_their_parts():
    reserved = providers.get("rds-postgresql").reserved()
    assert reserved.origin.says == "3 superuser_reserved_connections + 2 rds.rds_superuser_reserved_connections"
    assert providers.get("aurora-serverless-v2").reserved(dialect="mysql").value == 0
    assert providers.get("aurora-serverless-v2").reserved(dialect="postgresql").value == 5


# -- what ends connections ---------------------------------------------------------------------------------------------

# Everything a client meets without further evidence: seconds, clock, effect, certainty. All other providers have none.
HOPS = {
    "cloud-sql-postgresql": [(600, "idle", "forgets", "default")],
    "cloud-sql-mysql": [(600, "idle", "forgets", "default"), (28800, "idle", "closes", "estimate")],
    "alloydb": [(600, "idle", "forgets", "default")],
    "cloud-sql-managed-pooling": [(600, "idle", "forgets", "default")],
    "alloydb-managed-pooling": [(600, "idle", "forgets", "default")],
    "gcp-vpc-conntrack": [(600, "idle", "forgets", "default")],
    "gcp-cloud-nat": [(1200, "idle", "unknown", "default")],
    "rds-proxy": [(1800, "idle", "closes", "default")],
    "rds-mysql": [(28800, "idle", "closes", "default")],
    "rds-mariadb": [(28800, "idle", "closes", "default")],
    "aurora-mysql": [(28800, "idle", "closes", "default")],
    "azure-mysql-flexible": [(28800, "idle", "closes", "estimate")],
    "mysql": [(28800, "idle", "closes", "estimate")],
    "mariadb": [(28800, "idle", "closes", "default")],
    "digitalocean-mysql": [(28800, "idle", "closes", "estimate")],
    "aiven-mysql": [(28800, "idle", "closes", "default")],
    "planetscale-mysql": [(86400, "age", "closes", "default")],
    "cockroachdb": [(1800, "age", "closes", "default")],
    "fly-mpg": [(600, "age", "closes", "default")],
    "fly-postgres-legacy": [(1800, "idle", "closes", "default")],
    "gigalixir-free": [(300, "idle", "closes", "default")],
    "scalingo-postgresql": [(86400, "idle", "closes", "default"), (1800, "idle", "closes", "default")],
    "aws-nlb": [(350, "idle", "closes", "default")],
    "aws-gateway-load-balancer": [(350, "idle", "unknown", "default")],
    "aws-nat-gateway": [(350, "idle", "unknown", "estimate")],
    "aws-eni-conntrack": [(432000, "idle", "unknown", "default")],
    "azure-load-balancer": [(240, "idle", "forgets", "default")],
    "azure-nat-gateway": [(240, "idle", "closes", "default")],
}


@pytest.mark.parametrize("name", NAMES)
def test_what_ends_the_connections_of_a_pool(name):
    hops = providers.get(name).hops()
    assert [(hop.seconds.value, hop.measures, hop.effect, hop.seconds.certainty) for hop in hops] == HOPS.get(name, [])


def test_a_hop_says_whose_it_is():
    (hop,) = providers.get("cloud-sql-postgresql").hops()
    assert hop.name == "VPC connection tracking"
    assert hop.seconds.origin.says == "Cloud SQL: VPC connection tracking"
    assert hop.seconds.origin.url.startswith("https://cloud.google.com/compute/docs/troubleshooting")


def test_some_hops_belong_to_one_way_in():
    cloud_sql = providers.get("cloud-sql-postgresql")
    assert cloud_sql.hops("socket") == () and cloud_sql.hops("connector") == ()
    assert providers.get("fly-postgres-legacy").hops("direct") == ()
    assert providers.get("cockroachdb").hops("self-hosted") == ()
    assert [hop.seconds.value for hop in providers.get("cloud-sql-mysql").hops("socket")] == [28800]
    assert [hop.seconds.value for hop in providers.get("azure-load-balancer").hops("aks")] == [1800]


def test_some_hops_belong_to_one_dialect():
    serverless = providers.get("aurora-serverless-v2")
    assert serverless.hops(dialect="postgresql") == ()
    assert [hop.seconds.value for hop in serverless.hops(dialect="mysql")] == [28800]
    assert [hop.seconds.value for hop in providers.get("linode-managed-db").hops(dialect="mysql")] == [28800]


def test_timers_between_pooler_and_server_never_count():
    for name in NAMES:
        for ending in providers.get(name).endings:
            assert ending.where == "client" or not ending.on_path, f"{name}: {ending.what}"


def test_seed_timeouts_are_no_hops():
    every = {name: [hop.seconds.value for hop in providers.get(name).hops()] for name in NAMES}
    assert 28800 not in every["rds-postgresql"]  # an article's "eight hours" is MySQL's wait_timeout
    assert 3600 not in every["cloud-sql-postgresql"]
    assert 600 not in every["azure-postgresql-flexible"]
    assert every["planetscale-mysql"] == [86400]  # not the article's 28 hours


def test_cloud_run_ends_idle_connections_on_their_way_out():
    vpc, internet, unknown = (providers.cloud_run_hop(egress) for egress in ("vpc", "internet", None))
    assert (vpc.seconds.value, vpc.measures, vpc.effect, vpc.seconds.certainty) == (600, "idle", "unknown", "default")
    assert (internet.seconds.value, unknown.seconds.value) == (1200, 1200)
    assert vpc.seconds.origin.says == "Cloud Run: the network towards a VPC"
    assert providers.cloud_run_hop("vpc", "cloud-functions").seconds.value == 600


def test_the_built_in_connection_of_cloud_run_has_a_cap():
    cap = providers.instance_cap("cloud-run", "cloud-sql")
    assert (cap.value, cap.certainty) == (100, "default")
    assert isinstance(providers.instance_cap("kubernetes", "cloud-sql"), Unknown)
    assert isinstance(providers.instance_cap("cloud-run", "alloydb"), Unknown)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("rds-postgresql", 300), ("azure-postgresql-flexible", 120), ("aiven-postgresql", 180), ("postgresql", 7200)],
)
def test_keepalives_of_servers(name, seconds):
    assert providers.get(name).keepalive.value == seconds


def test_most_servers_publish_no_keepalive():
    assert isinstance(providers.get("cloud-sql-postgresql").keepalive, Unknown)


# -- poolers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "version", "value"),
    [
        ("pgbouncer", "1.18.0", False),
        ("pgbouncer", "1.20.1", False),
        ("pgbouncer", "1.21.0", False),
        ("pgbouncer", "1.23.1", False),
        ("pgbouncer", "v1.23.1-p1", False),
        ("pgbouncer", "1.24.0", True),
        ("pgbouncer", "1.25.2-debian-12-r3", True),
        ("pgbouncer", "2", True),
        ("pgbouncer", None, None),
        ("pgbouncer", "latest", None),
        ("pgbouncer", "1", None),  # an image tag that may be any 1.x
        ("supavisor", "2.6.0", False),
        ("supavisor", "2.7.3", False),
        ("supavisor", None, False),
        ("pgcat", None, False),
        ("pgdog", None, True),
        ("odyssey", "1.4.1", False),
        ("odyssey", "1.5.0", True),
        ("odyssey", None, None),
        ("pgpool", None, True),
        ("rds-proxy", None, True),
        ("proxysql", "2.6.0", True),
        ("proxysql", "3.0.1", None),
        ("handmade", "1.0", None),
    ],
)
def test_prepared_statements_by_product_and_version(product, version, value):
    setting = providers.prepared_statements(product, version)
    assert (setting.value if isinstance(setting, Known) else None) is value


def test_the_support_of_a_version_says_why():
    setting = providers.prepared_statements("pgbouncer", "1.23.1")
    assert setting.origin.says == "PgBouncer 1.23.1: max_prepared_statements 0 by default"
    assert setting.origin.url.endswith("NEWS.md")


@pytest.mark.parametrize(
    ("product", "mode"),
    [
        ("pgbouncer", "session"),
        ("pgcat", "transaction"),
        ("pgdog", "transaction"),
        ("pgpool", "session"),
        ("odyssey", None),  # every rule of its configuration must say one
    ],
)
def test_default_modes(product, mode):
    setting = providers.default_mode(product)
    assert (setting.value if isinstance(setting, Known) else None) == mode


def test_pooler_defaults():
    assert providers.pooler_default("pgbouncer", "max_client_conn").value == 100
    assert providers.pooler_default("pgbouncer", "default_pool_size").value == 20
    assert providers.pooler_default("pgbouncer", "client_idle_timeout").value == 0
    assert isinstance(providers.pooler_default("pgbouncer", "no_such_thing"), Unknown)
    assert isinstance(providers.pooler_default("handmade", "max_client_conn"), Unknown)


def test_pooler_limits_of_providers_follow_the_tier():
    assert providers.get("supabase").pooler_limit("max_client_conn", "small").value == 400
    assert providers.get("fly-mpg").pooler_limit("max_db_connections", "launch").value == 150
    assert providers.get("neon").pooler_limit("max_client_conn").value == 10000
    assert providers.get("neon").pooler_limit("default_pool_size", "0.25").value == 93
    assert isinstance(providers.get("neon").pooler_limit("default_pool_size"), Unknown)
    assert providers.get("cloud-sql-managed-pooling").pooler_limit("replicas", "db-perf-optimized-N-16").value == 4


@pytest.mark.parametrize(
    ("version", "condition", "answer"),
    [
        ("1.24", ">=1.24", True),
        ("1.24.0", ">=1.24", True),
        ("1.3", ">=1.24", False),
        ("10.11", ">=10.5", True),
        ("10", ">=10.5", None),
        ("11", ">=10.5", True),
        ("1.22", ">=1.21,<1.24", True),
        ("1.20", ">=1.21,<1.24", False),
        ("1", ">=2", False),
        ("edge", ">=2", None),
        (None, ">=2", None),
        (None, "", True),
    ],
)
def test_versions_and_conditions(version, condition, answer):
    assert version_fits(version, condition) is answer


# -- infrastructure code -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "attributes", "provider"),
    [
        ("google_sql_database_instance", {"database_version": "POSTGRES_16"}, "cloud-sql-postgresql"),
        ("google_sql_database_instance", {"database_version": "MYSQL_8_0"}, "cloud-sql-mysql"),
        ("google_sql_database_instance", {"database_version": "SQLSERVER_2019"}, None),
        ("google_alloydb_instance", {}, "alloydb"),
        ("google_alloydb_instance", {"connection_pool_config": "on"}, "alloydb"),
        ("aws_db_instance", {"engine": "postgres"}, "rds-postgresql"),
        ("aws_db_instance", {"engine": "mariadb"}, "rds-mariadb"),
        ("aws_rds_cluster", {"engine": "aurora-postgresql"}, "aurora-postgresql"),
        (
            "aws_rds_cluster",
            {"engine": "aurora-mysql", "serverlessv2_scaling_configuration": "{}"},
            "aurora-serverless-v2",
        ),
        ("AWS::RDS::DBInstance", {"Engine": "mysql"}, "rds-mysql"),
        ("azurerm_postgresql_flexible_server", {}, "azure-postgresql-flexible"),
        ("Microsoft.DBforMySQL/flexibleServers", {}, "azure-mysql-flexible"),
        ("digitalocean_database_cluster", {"engine": "pg"}, "digitalocean-postgresql"),
        ("heroku_addon", {"plan": "heroku-postgresql:standard-0"}, "heroku-postgres"),
        ("heroku_addon", {"plan": "heroku-redis:mini"}, None),
        ("postgresql.cnpg.io/Cluster", {}, "cloudnative-pg"),
        ("aws_s3_bucket", {}, None),
    ],
)
def test_a_resource_type_tells_the_provider(name, attributes, provider):
    found = providers.iac_type(name, attributes)
    assert (found.name if found else None) == provider


def test_a_resource_says_where_its_tier_stands():
    attributes = {"database_version": "POSTGRES_16"}
    entry = providers.resource("cloud-sql-postgresql", "google_sql_database_instance", attributes)
    assert entry.fields["tier"] == "settings.tier"


# -- reading and printing ----------------------------------------------------------------------------------------------


def forget():
    for function in (files.text_of, files.card, files.load, files.classes):
        function.cache_clear()


def test_a_lookup_by_name_reads_one_file():
    forget()
    assert providers.get("neon").title.startswith("Neon")
    assert files.text_of.cache_info().misses == 1


def test_a_host_that_nobody_knows_parses_no_whole_file():
    forget()
    assert providers.match(Target("postgresql", "db.example.com")) is None
    assert files.load.cache_info().misses == 0
    assert files.card.cache_info().misses == len(NAMES)


def test_the_sections_of_a_file_are_its_top_level_keys():
    text = "# a comment\nname: x\nmatch:\n- role: a\n  host: b\nnotes: []\n"
    assert sections(text) == {"name": "name: x\n", "match": "match:\n- role: a\n  host: b\n", "notes": "notes: []\n"}


def test_the_table_knows_its_names():
    table = providers.table()
    assert "neon" in table and "nobody" not in table
    assert table["neon"].name == "neon" and len(table) == len(list(table)) == len(NAMES)
    assert providers.get("nobody") is None and providers.get("../rules") is None
    with pytest.raises(KeyError):
        table["nobody"]


def test_a_row_is_printed_with_its_sources():
    text = providers.describe("cloud-sql-postgresql").splitlines()
    assert text[:2] == [
        "Cloud SQL for PostgreSQL",
        "cloud-sql-postgresql: database, postgresql, figures gathered 2026-10",
    ]
    assert "       500  from 15 GiB  [documented_secondhand: flags, 2026-10-09]" in text
    ending = "       600  s idle: VPC connection tracking, forgets; not through socket, connector"
    assert f"{ending}  [documented: conntrack, 2026-10]" in text
    assert any("https://docs.cloud.google.com/sql/docs/postgres/flags" in line for line in text)


@pytest.mark.parametrize("name", NAMES)
def test_every_row_can_be_printed(name):
    provider = providers.get(name)
    text = providers.describe(provider)
    assert text == providers.describe(name) and text.startswith(f"{provider.title}\n{name}: ")
    assert not re.search(r"(?<!=)\bNone\b|\bFigure\b|\s$", text)
    assert json.loads(json.dumps(providers.as_json(name)))["name"] == name


def test_the_whole_table_is_one_document():
    assert [row["name"] for row in providers.as_json()["providers"]] == list(NAMES)
