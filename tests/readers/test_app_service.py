"""Azure App Service and Functions in Bicep."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from evidence import evidence, facts, only, why

from poollint.discover import Tree
from poollint.readers import bicep

MakeTree = Callable[[dict[str, str]], Tree]

SITE = """\
param size int = 3

resource plan 'Microsoft.Web/serverfarms@2023-12-01' = {
  name: 'shop-plan'
  sku: {
    name: 'P1v3'
    capacity: size
  }
}

resource site 'Microsoft.Web/sites@2023-12-01' = {
  name: 'shop'
  kind: 'app,linux'
  properties: {
    serverFarmId: plan.id
    siteConfig: {
      linuxFxVersion: 'PYTHON|3.12'
      appCommandLine: 'gunicorn --workers 4 shop.web:app'
      appSettings: [
        {
          name: 'POOL_SIZE'
          value: '5'
        }
        {
          name: 'DATABASE_URL'
          value: '@Microsoft.KeyVault(SecretUri=https://shop.vault.azure.net/secrets/db)'
        }
      ]
    }
  }
}
"""
SCALER = """\
resource scaler 'Microsoft.Insights/autoscaleSettings@2022-10-01' = {
  name: 'shop-scale'
  properties: {
    targetResourceUri: plan.id
    profiles: [
      {
        name: 'day'
        capacity: {
          minimum: '2'
          maximum: '8'
        }
      }
    ]
  }
}
"""


def test_a_site_runs_on_every_instance_of_its_plan(make_tree: MakeTree) -> None:
    shop = only(bicep, make_tree({"main.bicep": SITE}))
    assert (shop.name, shop.platform, shop.life) == ("shop", "app-service", "long-lived")
    assert evidence(shop.instances) == (3, "capacity", "main.bicep:1", "exact")
    assert shop.command and shop.command.shell == "gunicorn --workers 4 shop.web:app"
    assert (shop.command.location.line, shop.variables.complete) == (18, True)
    assert shop.variables.variables["POOL_SIZE"].value == "5"
    assert why(shop.variables.variables["DATABASE_URL"]) == "DATABASE_URL comes from a key vault"
    assert list(shop.variables.secrets) == ["DATABASE_URL"]


def test_an_autoscaler_replaces_the_capacity(make_tree: MakeTree) -> None:
    shop = only(bicep, make_tree({"main.bicep": SITE + SCALER}))
    assert evidence(shop.instances)[:1] == (8,)


def test_settings_of_their_own_replace_those_of_the_site(make_tree: MakeTree) -> None:
    config = "resource settings 'Microsoft.Web/sites/config@2023-12-01' = {\n  parent: site\n  name: 'appsettings'\n"
    config += "  properties: {\n    POOL_SIZE: '7'\n  }\n}\n"
    shop = only(bicep, make_tree({"main.bicep": SITE + config}))
    assert {name: setting.value for name, setting in shop.variables.variables.items()} == {"POOL_SIZE": "7"}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("serverFarmId: plan.id", "serverFarmId: planId", "the plan of the site is not in this file"),
        ("    capacity: size\n", "", "capacity is not set"),
    ],
)
def test_a_plan_that_does_not_tell_leaves_the_instances_unknown(
    make_tree: MakeTree, old: str, new: str, reason: str
) -> None:
    assert why(only(bicep, make_tree({"main.bicep": SITE.replace(old, new)})).instances) == reason


def test_a_function_app_is_capped_by_its_scale_limit_alone(make_tree: MakeTree) -> None:
    text = SITE.replace("'app,linux'", "'functionapp,linux'")
    function = only(bicep, make_tree({"main.bicep": text}))
    assert (function.platform, function.life) == ("functions", "per-invocation")
    assert "the plan decides" in why(function.instances)
    text = text.replace("    siteConfig: {\n", "    siteConfig: {\n      functionAppScaleLimit: 12\n")
    assert evidence(only(bicep, make_tree({"main.bicep": text})).instances)[:2] == (12, "functionAppScaleLimit")


def test_a_container_is_an_image_and_another_language_is_nothing(make_tree: MakeTree) -> None:
    image = SITE.replace("PYTHON|3.12", "DOCKER|shop.azurecr.io/shop:1")
    assert only(bicep, make_tree({"main.bicep": image})).image == "shop.azurecr.io/shop:1"
    assert facts(bicep, make_tree({"main.bicep": SITE.replace("PYTHON|3.12", "NODE|20")})) == []
