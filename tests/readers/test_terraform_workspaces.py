"""Terraform's workspaces as environments."""

from __future__ import annotations

import pytest

from poollint.facts import Known, Workload
from terraforming import SERVICE, MakeTree, facts

SIZES = 'locals {\n  sizes = {\n    %s\n  }\n}\n'
LOOKUP = SERVICE % ("scaling { max_instance_count = local.sizes[terraform.workspace] }", "", "")


def instances(make_tree: MakeTree, **files: str) -> dict[str | None, int | None]:
    found = facts(make_tree({name.replace("_tf", ".tf"): text for name, text in files.items()}), Workload)
    return {f.environment: f.instances.value if isinstance(f.instances, Known) else None for f in found}


@pytest.mark.parametrize(
    "lookup",
    ["local.sizes[terraform.workspace]", "lookup(local.sizes, terraform.workspace, 1)", "local.sizes[local.env]"],
)
def test_every_key_that_is_named_like_an_environment_is_one(make_tree: MakeTree, lookup: str) -> None:
    text = LOOKUP.replace("local.sizes[terraform.workspace]", lookup)
    sizes = SIZES % "default = 1\n    production = 20\n    staging = 4" + "locals {\n  env = terraform.workspace\n}\n"
    assert instances(make_tree, main_tf=text, locals_tf=sizes) == {"prod": 20, "staging": 4}


def test_a_workspace_may_be_asked_for_by_its_name(make_tree: MakeTree) -> None:
    text = LOOKUP.replace("local.sizes[terraform.workspace]", 'terraform.workspace == "prod" ? 30 : 3')
    assert instances(make_tree, main_tf=text) == {"prod": 30}


def test_production_may_be_the_workspace_that_nothing_names(make_tree: MakeTree) -> None:
    text = LOOKUP.replace("local.sizes[terraform.workspace]", 'terraform.workspace == "dev" ? 1 : 30')
    assert instances(make_tree, main_tf=text) == {None: None, "dev": 1}


def test_two_workspaces_of_one_word_keep_their_names(make_tree: MakeTree) -> None:
    sizes = SIZES % "prod-eu = 20\n    prod-us = 10"
    assert instances(make_tree, main_tf=LOOKUP, locals_tf=sizes) == {"prod-eu": 20, "prod-us": 10}


@pytest.mark.parametrize("keys", ["small = 1\n    large = 20", "default = 2"])
def test_keys_that_name_no_environment_leave_the_value_unknown(make_tree: MakeTree, keys: str) -> None:
    assert instances(make_tree, main_tf=LOOKUP, locals_tf=SIZES % keys) == {None: None}


def test_a_variables_file_says_more_than_a_workspace(make_tree: MakeTree) -> None:
    files = {"main.tf": LOOKUP, "locals.tf": SIZES % "prod = 20", "staging.tfvars": "x = 1\n"}
    found = facts(make_tree(files), Workload)
    assert [(f.environment, isinstance(f.instances, Known)) for f in found] == [("staging", False)]
