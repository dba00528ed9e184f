"""Terraform elsewhere: Azure, Kubernetes, DigitalOcean, Heroku, Render and managed databases."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from evidence import evidence, why
from terraforming import facts, only

from poollint.discover import Tree
from poollint.facts import Database, Pooler, Workload

MakeTree = Callable[[dict[str, str]], Tree]


# -- Azure -------------------------------------------------------------------------------------------------------------

AZURE = """\
resource "azurerm_postgresql_flexible_server" "main" {
  name     = "orders"
  version  = "16"
  sku_name = "GP_Standard_D2s_v3"
}
resource "azurerm_postgresql_flexible_server_configuration" "limit" {
  name      = "max_connections"
  server_id = azurerm_postgresql_flexible_server.main.id
  value     = "400"
}
resource "azurerm_postgresql_flexible_server_configuration" "pooler" {
  name      = "pgbouncer.enabled"
  server_id = azurerm_postgresql_flexible_server.main.id
  value     = %s
}
"""


def test_a_flexible_server_takes_its_limit_from_its_configuration(make_tree: MakeTree) -> None:
    database = only(make_tree({"main.tf": AZURE % '"false"'}), Database)
    assert (database.name, database.provider) == ("orders", "azure-postgresql-flexible")
    assert evidence(database.tier) == ("GP_Standard_D2s_v3", "sku_name", "main.tf:4", "exact")
    assert evidence(database.max_connections) == (400, "max_connections", "main.tf:9", "exact")
    assert "orders.postgres.database.azure.com" in database.hosts


def test_the_built_in_pooler_is_one_only_when_it_is_enabled(make_tree: MakeTree) -> None:
    assert facts(make_tree({"main.tf": AZURE % '"false"'}), Pooler) == []
    pooler = only(make_tree({"main.tf": AZURE % '"true"'}), Pooler)
    assert (pooler.product, pooler.ports, str(pooler.location)) == ("pgbouncer", (6432,), "main.tf:14")
    assert evidence(pooler.mode) == ("transaction", "default of the built-in PgBouncer", None, "default")
    assert evidence(pooler.prepared_statements)[0] is False


APP = """\
resource "azurerm_container_app" "api" {
  name          = "api"
  revision_mode = "%s"
  template {
    %s
    container {
      name  = "api"
      image = "acme.azurecr.io/api:1"
      env {
        name        = "DATABASE_URL"
        secret_name = "database-url"
      }
    }
  }
}
"""


def test_a_container_app_scales_to_ten_unless_told_otherwise(make_tree: MakeTree) -> None:
    tree = make_tree({"a/main.tf": APP % ("Single", ""), "b/main.tf": APP % ("Single", "max_replicas = 4")})
    first, second = facts(tree, Workload)
    assert evidence(first.instances) == (10, "default of Container Apps", None, "default")
    assert evidence(second.instances) == (4, "max_replicas", "b/main.tf:5", "exact")
    assert not first.concurrency_is_hard
    assert first.variables.secrets["DATABASE_URL"].endswith("/database-url")


def test_several_active_revisions_make_the_count_unknown(make_tree: MakeTree) -> None:
    app = only(make_tree({"main.tf": APP % ("Multiple", "max_replicas = 4")}), Workload)
    assert why(app.instances) == "each active revision has replicas of its own"


WEB_APP = """\
resource "azurerm_service_plan" "main" {
  name         = "plan"
  os_type      = "Linux"
  %s
}
resource "azurerm_linux_web_app" "api" {
  name            = "shop-api"
  service_plan_id = azurerm_service_plan.main.id
  site_config {
    %s
    app_command_line = "gunicorn -w 3 app:app"
    application_stack {
      %s
    }
  }
  app_settings = {
    POOL         = "5"
    DATABASE_URL = "@Microsoft.KeyVault(SecretUri=https://v/secrets/url)"
  }
}
"""
SCALER = """\
resource "azurerm_monitor_autoscale_setting" "plan" {
  target_resource_id = azurerm_service_plan.main.id
  profile {
    capacity {
      default = 1
      minimum = 1
      maximum = 6
    }
  }
}
"""


@pytest.mark.parametrize(
    ("plan", "config", "more", "instances"),
    [
        ("worker_count = 2", "", "", 2),
        ("worker_count = 2", "worker_count = 3", "", 3),
        ("worker_count = 2", "", SCALER, 6),
        ("", "", "", "worker_count of the plan is not set"),
        ("worker_count = 2", "worker_count = var.size", "", "var.size has no default and no tfvars file gives it"),
        ("worker_count = 2", "", SCALER.replace("maximum = 6", "maximum = var.most"), "var.most has no default and no tfvars file gives it"),
        ("worker_count = 2", "", SCALER[: SCALER.index("  profile")] + "}\n", "the autoscaler has no profile"),
    ],
)
def test_a_web_app_runs_on_the_workers_of_its_plan(make_tree: MakeTree, plan: str, config: str, more: str, instances: int | str) -> None:
    text = WEB_APP % (plan, config, 'python_version = "3.12"')
    app = only(make_tree({"main.tf": text + more}), Workload)
    assert (app.name, app.platform, app.life) == ("shop-api", "app-service", "long-lived")
    assert (why(app.instances) if isinstance(instances, str) else evidence(app.instances)[0]) == instances
    assert app.command is not None and app.command.shell == "gunicorn -w 3 app:app"
    assert evidence(app.variables.variables["POOL"])[0] == "5"
    assert why(app.variables.variables["DATABASE_URL"]) == "DATABASE_URL comes from a key vault"
    assert "key-vault" in app.variables.secrets["DATABASE_URL"]


def test_what_stands_elsewhere_of_a_web_app_is_not_known(make_tree: MakeTree) -> None:
    text = (WEB_APP % ("worker_count = 2", "", 'python_version = "3.12"')).replace("azurerm_service_plan.main.id", "var.plan")
    text = text[: text.index("  app_settings")] + "  app_settings = var.settings\n}\n"
    app = only(make_tree({"main.tf": text}), Workload)
    assert why(app.instances) == "the plan of the app is not in this configuration"
    assert not app.variables.complete


@pytest.mark.parametrize(
    ("stack", "image"), [('docker_image_name = "acme/api:1"', "acme/api:1"), ('node_version = "20-lts"', None)]
)
def test_a_web_app_of_another_language_runs_no_python(make_tree: MakeTree, stack: str, image: str | None) -> None:
    found = facts(make_tree({"main.tf": WEB_APP % ("worker_count = 1", "", stack)}), Workload)
    assert [app.image for app in found] == ([image] if image else [])


def test_a_function_app_serves_one_invocation_after_the_other(make_tree: MakeTree) -> None:
    text = (WEB_APP % ("", "app_scale_limit = 4", 'python_version = "3.12"')).replace("linux_web_app", "linux_function_app")
    app = only(make_tree({"main.tf": text}), Workload)
    assert (app.platform, app.kind, app.life, evidence(app.instances)[0]) == ("functions", "function", "per-invocation", 4)
    without = only(make_tree({"main.tf": text.replace("app_scale_limit = 4", "")}), Workload)
    assert why(without.instances) == "no app_scale_limit is set, so the plan decides"


# -- Kubernetes, DigitalOcean, Heroku and others -----------------------------------------------------------------------

DEPLOYMENT = """\
resource "kubernetes_deployment_v1" "api" {
  metadata {
    name = "api"
  }
  spec {
    replicas = 4
    template {
      spec {
        container {
          name    = "api"
          image   = "acme/api"
          command = ["python", "-m", "app"]
          env {
            name  = "POOL"
            value = "5"
          }
        }
      }
    }
  }
}
"""


def test_a_deployment_surges_by_a_quarter(make_tree: MakeTree) -> None:
    api = only(make_tree({"k8s.tf": DEPLOYMENT}), Workload)
    assert evidence(api.instances) == (4, "replicas", "k8s.tf:6", "exact")
    assert evidence(api.rollout_instances)[0] == 5
    assert api.entrypoint and api.entrypoint.words == ("python", "-m", "app")
    assert api.command and api.command.words == ()


def test_an_autoscaler_replaces_the_replicas(make_tree: MakeTree) -> None:
    scaler = """\
    resource "kubernetes_horizontal_pod_autoscaler_v2" "api" {
      spec {
        max_replicas = 10
        scale_target_ref {
          kind = "Deployment"
          name = "api"
        }
      }
    }
    """
    api = only(make_tree({"k8s.tf": DEPLOYMENT, "hpa.tf": scaler}), Workload)
    assert evidence(api.instances) == (10, "max_replicas", "hpa.tf:3", "exact")
    assert evidence(api.rollout_instances)[0] == 13


def test_a_digitalocean_cluster_and_its_pool(make_tree: MakeTree) -> None:
    tree = make_tree(
        {
            "main.tf": """\
            resource "digitalocean_database_cluster" "main" {
              name   = "orders"
              engine = "pg"
              size   = "db-s-1vcpu-1gb"
            }
            resource "digitalocean_database_connection_pool" "api" {
              cluster_id = digitalocean_database_cluster.main.id
              name       = "api"
              mode       = "transaction"
              size       = 15
            }
            """
        }
    )
    database, pooler = only(tree, Database), only(tree, Pooler)
    assert (database.provider, evidence(database.tier)[0]) == ("digitalocean-postgresql", "db-s-1vcpu-1gb")
    assert evidence(pooler.mode) == ("transaction", "mode", "main.tf:9", "exact")
    assert evidence(pooler.pool_size)[0] == 15
    assert "${digitalocean_database_cluster.main.host}" in pooler.hosts


def test_heroku_dynos_and_their_database(make_tree: MakeTree) -> None:
    tree = make_tree(
        {
            "main.tf": """\
            resource "heroku_formation" "web" {
              type     = "web"
              quantity = 3
            }
            resource "heroku_addon" "database" {
              plan = "heroku-postgresql:standard-0"
            }
            resource "heroku_addon" "logs" {
              plan = "papertrail:choklad"
            }
            """
        }
    )
    assert (only(tree, Workload).name, evidence(only(tree, Workload).instances)[0]) == ("web", 3)
    assert evidence(only(tree, Database).tier) == ("standard-0", "plan", "main.tf:6", "exact")


def test_a_managed_database_is_sized_by_one_attribute(make_tree: MakeTree) -> None:
    tree = make_tree(
        {
            "main.tf": """\
            resource "neon_endpoint" "main" {
              autoscaling_limit_max_cu = 2
              pg_settings = { max_connections = "300" }
            }
            resource "aiven_pg" "main" {
              service_name = "orders"
              plan         = "startup-4"
              pg_user_config {
                pg {
                  max_connections = 150
                }
              }
            }
            """
        }
    )
    neon, aiven = facts(tree, Database)
    assert (neon.provider, evidence(neon.tier)[0]) == ("neon", 2)
    assert evidence(neon.max_connections) == (300, "max_connections", "main.tf:3", "exact")
    assert (aiven.name, evidence(aiven.tier)[0]) == ("orders", "startup-4")
    assert evidence(aiven.max_connections) == (150, "max_connections", "main.tf:10", "exact")


RENDER = """\
resource "render_web_service" "api" {
  name          = "api"
  start_command = "gunicorn app:app"
  %s
  env_vars = {
    POOL_SIZE = { value = "6" }
  }
}
resource "render_env_group" "shared" {
  name = "shared"
  env_vars = {
    MODE = { value = "fast" }
  }
}
resource "render_env_group_link" "shared" {
  env_group_id = render_env_group.shared.id
  service_ids  = [render_web_service.api.id]
}
"""


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [
        ("num_instances = 3", (3, "num_instances", "main.tf:4", "exact")),
        ("autoscaling = { enabled = true, min = 1, max = 5 }", (5, "max", "main.tf:4", "exact")),
        ("autoscaling = { enabled = false, min = 1, max = 5 }", (1, "default of Render", None, "default")),
        ("", (1, "default of Render", None, "default")),
    ],
)
def test_a_render_service_has_a_count_or_a_ceiling(make_tree: MakeTree, scaling: str, expected: tuple) -> None:
    assert evidence(only(make_tree({"main.tf": RENDER % scaling}), Workload).instances) == expected


def test_a_render_service_has_the_variables_of_its_groups(make_tree: MakeTree) -> None:
    variables = only(make_tree({"main.tf": RENDER % ""}), Workload).variables
    assert {name: evidence(setting)[0] for name, setting in variables.variables.items()} == {
        "MODE": "fast",
        "POOL_SIZE": "6",
    }
    assert variables.complete
