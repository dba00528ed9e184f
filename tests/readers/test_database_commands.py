"""Database servers that commands of gcloud and az make."""

from __future__ import annotations

import pytest
from evidence import evidence, why

from poollint.facts import Unknown
from poollint.readers import database_commands

CREATE = "gcloud sql instances create orders --project=shop --region=europe-west1 --database-version=POSTGRES_15"
AZURE = "az postgres flexible-server create --resource-group shop --name Orders --sku-name Standard_D2s_v3 --version 15"


@pytest.fixture
def read(make_tree):
    """Read the servers of a script."""

    def read(*lines: str, **files: str):
        named = {path.replace("__", "/").replace("_tf", ".tf"): text for path, text in files.items()}
        return list(database_commands.read(make_tree({"setup.sh": "\n".join(lines) + "\n"} | named)))

    return read


def test_an_instance_is_known_by_its_connection_name(read) -> None:
    (orders,) = read(CREATE + " --tier=db-custom-2-7680")
    assert orders.identities == ("cloudsql:shop:europe-west1:orders",)
    assert (orders.dialect, orders.provider, orders.version.value) == ("postgresql", "cloud-sql-postgresql", "15")
    assert evidence(orders.tier) == ("db-custom-2-7680", "--tier", "setup.sh:1", "exact")
    assert isinstance(orders.max_connections, Unknown)


@pytest.mark.parametrize(
    ("flags", "limit"),
    [
        ("--database-flags=max_connections=200", 200),
        ("--database-flags=log_min_duration_statement=1,max_connections=200", 200),
        ('--database-flags "max_connections=200,cloudsql.iam_authentication=$IAM"', 200),
        ("--database-flags=cloudsql.iam_authentication=on", None),
        ("--database-flags=max_connections=$LIMIT", None),
        ("--database-flags=max_connections=many", None),
    ],
)
def test_a_flag_sets_the_limit(read, flags: str, limit: int | None) -> None:
    (orders,) = read(f"{CREATE} {flags}")
    assert getattr(orders.max_connections, "value", None) == limit


@pytest.mark.parametrize(
    ("size", "tier"),
    [
        ("--cpu=2 --memory=7680MB", "db-custom-2-7680"),
        ("--cpu=4 --memory=16GiB", "db-custom-4-16384"),
        ("--cpu=4 --memory 16", "db-custom-4-16384"),
        ("--cpu=4 --memory=lots", None),
        ("--cpu=4", None),
    ],
)
def test_a_size_by_its_parts_is_a_custom_tier(read, size: str, tier: str | None) -> None:
    (orders,) = read(f"{CREATE} {size}")
    assert getattr(orders.tier, "value", None) == tier


def test_a_patch_changes_what_create_said(read) -> None:
    patch = "gcloud sql instances patch orders --tier=db-custom-4-15360 --database-flags=max_connections=300"
    (orders,) = read(f"{CREATE} --tier=db-f1-micro", patch)
    assert (orders.tier.value, orders.max_connections.value) == ("db-custom-4-15360", 300)


def test_the_project_may_be_that_of_the_session(read) -> None:
    (orders,) = read(
        "gcloud config set project shop",
        "gcloud sql instances create orders --zone europe-west1-b --database-version MYSQL_8_0",
    )
    assert orders.identities == ("cloudsql:shop:europe-west1:orders",)
    assert (orders.provider, orders.version.value) == ("cloud-sql-mysql", "8.0")


@pytest.mark.parametrize(
    "line",
    [
        CREATE.replace("--project=shop", ""),
        CREATE.replace("--project=shop", "--project=$PROJECT"),
        CREATE.replace("--region=europe-west1", "--region=${REGION:-europe-west1}"),
        CREATE.replace("orders", "$NAME"),
        CREATE.replace("POSTGRES_15", "SQLSERVER_2022_STANDARD"),
        "# " + CREATE,
        "gcloud sql instances describe orders --project=shop",
    ],
)
def test_an_instance_whose_connection_name_is_not_written_is_nobodys(read, line: str) -> None:
    assert read(line) == []


def test_what_terraform_describes_is_left_to_it(read) -> None:
    assert read(CREATE, main_tf='resource "google_sql_database_instance" "x" {\n  name = "orders"\n}\n') == []


def test_environments_of_a_workflow_are_their_own(make_tree) -> None:
    step = f"    steps: [{{run: '{CREATE} --tier=TIER'}}]\n"
    text = "jobs:\n"
    for name, tier in (("staging", "db-f1-micro"), ("production", "db-g1-small")):
        text += f"  {name}:\n    environment: {name}\n{step.replace('TIER', tier)}"
    found = database_commands.read(make_tree({".github/workflows/db.yml": text}))
    assert {fact.environment: fact.tier.value for fact in found} == {"staging": "db-f1-micro", "prod": "db-g1-small"}


def test_a_flexible_server_is_known_by_its_host(read) -> None:
    set_ = "az postgres flexible-server parameter set -g shop --server-name Orders --name max_connections --value 150"
    (orders,) = read(AZURE, set_)
    assert orders.hosts == ("orders.postgres.database.azure.com",)
    assert (orders.provider, orders.tier.value) == ("azure-postgresql-flexible", "Standard_D2s_v3")
    assert evidence(orders.max_connections) == (150, "max_connections", "setup.sh:2", "exact")


def test_a_flexible_server_without_a_size_has_an_unknown_tier(read) -> None:
    (orders,) = read("az mysql flexible-server create -n orders -g shop")
    assert (orders.hosts, why(orders.tier)) == (("orders.mysql.database.azure.com",), "--sku-name is not given")
