"""Databases of well-known modules from Terraform's registry."""

from __future__ import annotations

import pytest

from evidence import evidence, why
from poollint.facts import Database
from terraforming import MakeTree, facts, only

RDS = """\
module "db" {
  source         = "terraform-aws-modules/rds/aws"
  version        = "6.10.0"
  identifier     = "orders"
  engine         = "postgres"
  engine_version = "16"
  instance_class = "db.t4g.medium"
  parameters = [
    { name = "autovacuum", value = 1 },
    { name = "max_connections", value = "300", apply_method = "pending-reboot" },
  ]
}
"""
CLOUD_SQL = """\
module "db" {
  source           = "GoogleCloudPlatform/sql-db/google//modules/postgresql"
  name             = "orders"
  project_id       = "acme"
  region           = "europe-west1"
  database_version = "POSTGRES_16"
  tier             = "db-custom-2-7680"
  database_flags   = [{ name = "max_connections", value = "250" }]
}
"""


def test_an_rds_instance_has_its_class_and_parameters(make_tree: MakeTree) -> None:
    orders = only(make_tree({"main.tf": RDS}), Database)
    assert (orders.name, orders.provider, orders.dialect) == ("orders", "rds-postgresql", "postgresql")
    assert evidence(orders.tier)[::3] == ("db.t4g.medium", "exact")
    assert evidence(orders.max_connections)[:3] == (300, "max_connections", "main.tf:10")
    assert "${module.db.db_instance_address}" in orders.hosts


def test_an_instance_that_is_not_created_is_none(make_tree: MakeTree) -> None:
    assert facts(make_tree({"main.tf": RDS.replace("  engine  ", "  create_db_instance = false\n  engine  ")}), Database) == []


def test_the_default_formula_is_that_of_the_class(make_tree: MakeTree) -> None:
    text = RDS.replace('"300"', '"LEAST({DBInstanceClassMemory/9531392},5000)"')
    orders = only(make_tree({"main.tf": text}), Database)
    assert (why(orders.max_connections), orders.tier.value) == ("max_connections is the default formula", "db.t4g.medium")


def test_a_cloud_sql_instance_has_its_tier_flags_and_connection_name(make_tree: MakeTree) -> None:
    orders = only(make_tree({"main.tf": CLOUD_SQL}), Database)
    assert (orders.provider, orders.tier.value) == ("cloud-sql-postgresql", "db-custom-2-7680")
    assert orders.max_connections.value == 250
    assert "cloudsql:acme:europe-west1:orders" in orders.identities
    assert "cloudsql:${module.db.instance_connection_name}" in orders.identities


def test_a_name_with_a_suffix_made_by_chance_is_no_identity(make_tree: MakeTree) -> None:
    text = CLOUD_SQL.replace("  tier  ", "  random_instance_name = true\n  tier  ")
    orders = only(make_tree({"main.tf": text}), Database)
    assert orders.identities == ("iac:module.db", "cloudsql:${module.db.instance_connection_name}")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('  tier             = "db-custom-2-7680"\n', "", "tier is not set"),
        ('"db-custom-2-7680"', "var.tier", "var.tier has no default and no tfvars file gives it"),
    ],
)
def test_an_input_that_is_not_given_is_unknown(make_tree: MakeTree, old: str, new: str, reason: str) -> None:
    assert why(only(make_tree({"main.tf": CLOUD_SQL.replace(old, new)}), Database).tier) == reason


def test_flags_that_cannot_be_read_leave_the_limit_unknown(make_tree: MakeTree) -> None:
    text = CLOUD_SQL.replace('[{ name = "max_connections", value = "250" }]', "var.flags")
    assert why(only(make_tree({"main.tf": text}), Database).max_connections) == "database_flags cannot be read"


def test_another_module_is_nothing(make_tree: MakeTree) -> None:
    text = RDS.replace("terraform-aws-modules/rds/aws", "terraform-aws-modules/rds-proxy/aws")
    assert facts(make_tree({"main.tf": RDS.replace("db.t4g", "db.m7g"), "other/main.tf": text}), Database)[1:] == []
