"""Terraform: what runs, how often, on which database, and which line says so."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from evidence import evidence, why
from terraforming import SERVICE, facts, only, service

from poollint.discover import Tree
from poollint.facts import NO_ENVIRONMENT, Database, Pooler, Unknown, Workload
from poollint.readers import terraform

MakeTree = Callable[[dict[str, str]], Tree]


# -- Cloud Run ---------------------------------------------------------------------------------------------------------


def test_a_bare_cloud_run_service_has_the_defaults_of_the_platform(make_tree: MakeTree) -> None:
    api = service(make_tree)
    assert (api.name, api.platform, api.kind, api.life) == ("api", "cloud-run", "service", "scale-to-zero")
    assert evidence(api.instances) == (100, "default of Cloud Run", None, "default")
    assert evidence(api.concurrency) == (80, "default of Cloud Run", None, "default")
    assert api.concurrency_is_hard
    assert evidence(api.request_timeout) == (300, "default of Cloud Run", None, "default")
    assert api.variables.complete
    assert (api.rollout_documented, why(api.rollout_instances)) == (
        False,
        "Cloud Run documents no overlap of revisions",
    )


def test_the_smaller_of_the_service_and_the_revision_maximum_counts(make_tree: MakeTree) -> None:
    api = service(make_tree, "scaling {\n max_instance_count = 30\n }", "scaling {\n max_instance_count = 20\n }")
    assert evidence(api.instances) == (20, "max_instance_count", "main.tf:8", "exact")


def test_a_service_maximum_holds_over_all_revisions(make_tree: MakeTree) -> None:
    api = service(
        make_tree,
        'scaling {\n max_instance_count = 30\n }\n traffic {\n revision = "api-1"\n percent = 50\n }',
        "scaling {\n max_instance_count = 20\n }",
    )
    assert evidence(api.instances)[0] == 30


def test_traffic_to_a_revision_no_file_describes_leaves_the_maximum_unknown(make_tree: MakeTree) -> None:
    api = service(
        make_tree,
        'traffic {\n revision = "api-1"\n percent = 50\n }',
        "scaling {\n max_instance_count = 20\n }",
    )
    assert "no file describes" in why(api.instances)


def test_manual_scaling_is_exactly_that_count(make_tree: MakeTree) -> None:
    api = service(make_tree, 'scaling {\n scaling_mode = "MANUAL"\n manual_instance_count = 6\n }')
    assert evidence(api.instances) == (6, "manual_instance_count", "main.tf:5", "exact")


def test_less_than_one_cpu_takes_one_request_at_a_time(make_tree: MakeTree) -> None:
    api = service(make_tree, container='resources {\n limits = { cpu = "500m" }\n }')
    assert (evidence(api.concurrency)[0], evidence(api.cpus)[:2]) == (1, (0.5, "cpu"))


def test_durations_networks_and_sockets_are_read(make_tree: MakeTree) -> None:
    api = service(
        make_tree,
        template="""
        timeout = "900s"
        max_instance_request_concurrency = 10
        vpc_access {
          connector = google_vpc_access_connector.main.id
        }
        volumes {
          name = "cloudsql"
          cloud_sql_instance {
            instances = ["acme:europe-west1:orders"]
          }
        }""",
        container='command = ["gunicorn"]\n args = ["-w", "4", "app:app"]',
    )
    assert evidence(api.request_timeout) == (900, "timeout", "main.tf:6", "exact")
    assert evidence(api.concurrency) == (10, "max_instance_request_concurrency", "main.tf:7", "exact")
    assert (api.egress, api.instance_connections) == ("vpc", ("acme:europe-west1:orders",))
    assert api.entrypoint and api.entrypoint.words == ("gunicorn",)
    assert api.command and api.command.words == ("-w", "4", "app:app")
    assert str(api.command.locations[1]) == "main.tf:20"


def test_a_sidecar_with_our_code_is_a_workload_and_a_proxy_is_none(make_tree: MakeTree) -> None:
    tree = make_tree(
        {
            "main.tf": """\
            resource "google_cloud_run_v2_service" "api" {
              name = "api"
              template {
                containers {
                  name  = "worker"
                  image = "acme/worker"
                }
                containers {
                  image = "acme/api"
                  ports {
                    container_port = 8080
                  }
                }
                containers {
                  image = "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2"
                }
              }
            }
            """
        }
    )
    assert [(w.name, w.image) for w in facts(tree, Workload)] == [("api/worker", "acme/worker"), ("api", "acme/api")]


def test_the_older_resource_has_its_numbers_in_annotations(make_tree: MakeTree) -> None:
    api = only(
        make_tree(
            {
                "run.tf": """\
                resource "google_cloud_run_service" "api" {
                  name = "api"
                  template {
                    metadata {
                      annotations = {
                        "autoscaling.knative.dev/maxScale"        = "12"
                        "run.googleapis.com/cloudsql-instances"   = "p:r:a,p:r:b"
                        "run.googleapis.com/vpc-access-connector" = "c"
                      }
                    }
                    spec {
                      container_concurrency = 0
                      timeout_seconds       = 60
                      containers {
                        image = "acme/api"
                        env {
                          name  = "POOL"
                          value = 5
                        }
                      }
                    }
                  }
                }
                """
            }
        ),
        Workload,
    )
    assert evidence(api.instances) == (12, "maxScale", "run.tf:6", "exact")
    assert evidence(api.concurrency)[0] == 80  # 0 is "the default"
    assert evidence(api.request_timeout) == (60, "timeout_seconds", "run.tf:13", "exact")
    assert (api.egress, api.instance_connections) == ("vpc", ("p:r:a", "p:r:b"))
    assert evidence(api.variables.variables["POOL"]) == ("5", "POOL", "run.tf:18", "exact")


def test_a_job_runs_its_tasks_at_once_unless_told_otherwise(make_tree: MakeTree) -> None:
    job = """\
    resource "google_cloud_run_v2_job" "nightly" {
      name = "nightly"
      template {
        task_count = 10
        %s
        template {
          containers {
            image = "acme/api"
          }
        }
      }
    }
    """
    tree = make_tree({"all/main.tf": job % "", "some/main.tf": job % "parallelism = 3"})
    both = {w.unit: w for w in facts(tree, Workload)}
    assert (both["all"].kind, both["all"].life) == ("job", "one-off")
    assert evidence(both["all"].instances) == (10, "task_count", "all/main.tf:4", "exact")
    assert evidence(both["some"].instances) == (3, "parallelism", "some/main.tf:5", "exact")


def test_a_function_serves_one_request_per_instance(make_tree: MakeTree) -> None:
    function = only(
        make_tree(
            {
                "main.tf": """\
                resource "google_cloudfunctions2_function" "hook" {
                  name = "hook"
                  service_config {
                    max_instance_count = 7
                    environment_variables = { POOL = "2" }
                  }
                }
                """
            }
        ),
        Workload,
    )
    assert (function.kind, function.life, function.concurrency_is_hard) == ("function", "per-invocation", True)
    assert evidence(function.instances) == (7, "max_instance_count", "main.tf:4", "exact")
    assert (evidence(function.concurrency)[0], evidence(function.request_timeout)[0]) == (1, 60)
    assert evidence(function.variables.variables["POOL"])[0] == "2"


# -- variables, environments, modules ----------------------------------------------------------------------------------

SIZED = """\
variable "max_instances" {
  default = 10
}
resource "google_cloud_run_v2_service" "api" {
  name = "api"
  template {
    scaling {
      max_instance_count = var.max_instances
    }
    containers {
      image = "acme/api"
    }
  }
}
"""


def test_a_variables_default_is_exact_and_stands_where_it_is_written(make_tree: MakeTree) -> None:
    api = only(make_tree({"main.tf": SIZED}), Workload)
    assert (api.environment, evidence(api.instances)) == (None, (10, "var.max_instances", "main.tf:2", "exact"))


def test_each_tfvars_file_is_an_environment(make_tree: MakeTree) -> None:
    tree = make_tree(
        {
            "infra/main.tf": SIZED,
            "infra/terraform.tfvars": "unused = 1\n",
            "infra/env/prod.tfvars": "max_instances = 40\n",
            "infra/env/blue.tfvars": "\n",
        }
    )
    assert {w.environment: evidence(w.instances)[:3] for w in facts(tree, Workload)} == {
        "prod": (40, "var.max_instances", "infra/env/prod.tfvars:1"),
        "blue": (10, "var.max_instances", "infra/main.tf:2"),
    }


def test_what_terraform_loads_by_itself_holds_in_all_environments(make_tree: MakeTree) -> None:
    tree = make_tree({"main.tf": SIZED, "terraform.tfvars": "max_instances = 7\n"})
    assert evidence(only(tree, Workload).instances) == (7, "var.max_instances", "terraform.tfvars:1", "exact")


def test_a_variable_nobody_sets_is_unknown_and_named(make_tree: MakeTree) -> None:
    tree = make_tree({"main.tf": SIZED.replace("default = 10", "type = number")})
    assert why(only(tree, Workload).instances) == "var.max_instances has no default and no tfvars file gives it"


def test_a_folder_named_after_an_environment_is_one(make_tree: MakeTree) -> None:
    tree = make_tree({"terraform/prod/main.tf": SIZED, "terraform/staging/main.tf": SIZED})
    assert [(w.environment, w.unit) for w in facts(tree, Workload)] == [
        ("prod", "terraform/prod"),
        ("staging", "terraform/staging"),
    ]


def test_a_local_module_is_read_with_the_arguments_of_its_call(make_tree: MakeTree) -> None:
    tree = make_tree(
        {
            "live/prod/main.tf": 'module "api" {\n  source = "../../modules/api"\n  max_instances = 25\n}\n',
            "modules/api/main.tf": SIZED,
        }
    )
    api = only(tree, Workload)
    assert (api.environment, api.unit) == ("prod", "live/prod")
    assert evidence(api.instances) == (25, "var.max_instances", "live/prod/main.tf:3", "exact")


def test_a_module_that_calls_itself_ends(make_tree: MakeTree) -> None:
    tree = make_tree({"main.tf": SIZED + 'module "again" {\n  source = "./."\n}\n'})
    assert facts(tree, Workload)


def test_modules_that_multiply_end(make_tree: MakeTree) -> None:
    files = {f"m{i}/main.tf": f'module "a" {{\n  source = "../m{i + 1}"\n  count = 50\n}}\n' for i in range(7)} | {
        "m7/main.tf": SIZED
    }
    assert len(facts(make_tree(files), Workload)) < 1000


def test_for_each_makes_one_service_per_key(make_tree: MakeTree) -> None:
    tree = make_tree(
        {
            "main.tf": """\
            locals {
              services = {
                api    = { max = 3 }
                worker = { max = 5 }
              }
            }
            resource "google_cloud_run_v2_service" "all" {
              for_each = local.services
              name     = "shop-${each.key}"
              template {
                scaling {
                  max_instance_count = each.value.max
                }
                containers {
                  image = "acme/${each.key}"
                }
              }
            }
            """
        }
    )
    assert [(w.name, w.image, evidence(w.instances)[0::2]) for w in facts(tree, Workload)] == [
        ("shop-api", "acme/api", (3, "main.tf:3")),
        ("shop-worker", "acme/worker", (5, "main.tf:4")),
    ]


def test_optional_attributes_of_a_type_have_their_defaults(make_tree: MakeTree) -> None:
    tree = make_tree(
        {
            "main.tf": """\
            module "services" {
              source = "./services"
              services = {
                api  = { image = "acme/api" }
                jobs = { image = "acme/jobs", max = 9 }
              }
            }
            """,
            "services/main.tf": """\
            variable "services" {
              type = map(object({
                image = string
                max   = optional(number, 4)
              }))
            }
            resource "google_cloud_run_v2_service" "all" {
              for_each = var.services
              name     = each.key
              template {
                scaling {
                  max_instance_count = each.value.max
                }
                containers {
                  image = each.value.image
                }
              }
            }
            """,
        }
    )
    found = {w.name: evidence(w.instances)[0::2] for w in facts(tree, Workload)}
    assert found == {"api": (4, "services/main.tf:4"), "jobs": (9, "main.tf:5")}


def test_a_null_argument_is_null_and_not_the_default(make_tree: MakeTree) -> None:
    call = 'module "api" {\n  source = "./api"\n  max_instances = null\n}\n'
    tree = make_tree({"a/main.tf": call, "a/api/main.tf": SIZED})
    assert evidence(only(tree, Workload).instances)[0::3] == (100, "default")


def test_a_variable_that_refuses_null_keeps_its_default(make_tree: MakeTree) -> None:
    call = 'module "api" {\n  source = "./api"\n  max_instances = null\n}\n'
    refusing = SIZED.replace("default = 10", "default = 10\n  nullable = false")
    assert evidence(only(make_tree({"main.tf": call, "api/main.tf": refusing}), Workload).instances)[0] == 10


def test_a_count_of_zero_is_nothing(make_tree: MakeTree) -> None:
    off = SIZED.replace('name = "api"', 'name = "api"\n  count = var.max_instances > 20 ? 1 : 0')
    assert facts(make_tree({"main.tf": off}), Workload) == []


def test_variables_from_a_dynamic_block_are_read(make_tree: MakeTree) -> None:
    api = service(
        make_tree,
        container='dynamic "env" {\n for_each = { POOL = 5 }\n content {\n name = env.key\n value = env.value\n }\n }',
    )
    assert evidence(api.variables.variables["POOL"]) == ("5", "POOL", "main.tf:9", "exact")
    assert api.variables.complete


def test_variables_from_an_unreadable_list_leave_the_environment_incomplete(make_tree: MakeTree) -> None:
    api = service(make_tree, container='dynamic "env" {\n for_each = var.env\n content {\n name = env.key\n }\n }')
    assert not api.variables.complete


# -- databases ---------------------------------------------------------------------------------------------------------

CLOUD_SQL = """\
resource "google_sql_database_instance" "main" {
  name             = "orders"
  project          = "acme"
  region           = "europe-west1"
  database_version = "POSTGRES_16"
  settings {
    tier = "db-custom-4-16384"
    %s
  }
}
"""


def test_a_cloud_sql_instance_has_tier_version_and_names(make_tree: MakeTree) -> None:
    database = only(make_tree({"sql.tf": CLOUD_SQL % ""}), Database)
    assert (database.name, database.provider, database.dialect) == ("orders", "cloud-sql-postgresql", "postgresql")
    assert evidence(database.tier) == ("db-custom-4-16384", "tier", "sql.tf:7", "exact")
    assert evidence(database.version)[0] == "16"
    assert why(database.max_connections) == "max_connections is not set"
    assert database.identities == ("iac:google_sql_database_instance.main", "cloudsql:acme:europe-west1:orders")
    assert "${google_sql_database_instance.main.private_ip_address}" in database.hosts
    assert "/cloudsql/acme:europe-west1:orders" in database.hosts


def test_a_flag_states_the_limit(make_tree: MakeTree) -> None:
    flag = 'database_flags {\n      name  = "max_connections"\n      value = "250"\n    }'
    database = only(make_tree({"sql.tf": CLOUD_SQL % flag}), Database)
    assert evidence(database.max_connections) == (250, "max_connections", "sql.tf:10", "exact")


def test_managed_pooling_is_a_pooler_on_its_port(make_tree: MakeTree) -> None:
    pool = """connection_pool_config {
      connection_pooling_enabled = true
      flags {
        name  = "max_pool_size"
        value = "20"
      }
    }"""
    pooler = only(make_tree({"sql.tf": CLOUD_SQL % pool}), Pooler)
    assert (pooler.product, pooler.ports) == ("pgbouncer", (6432,))
    assert evidence(pooler.mode)[0::3] == ("transaction", "default")
    assert evidence(pooler.pool_size) == (20, "max_pool_size", "sql.tf:12", "exact")


def test_a_host_that_an_apply_knows_is_a_token_the_database_lists(make_tree: MakeTree) -> None:
    tree = make_tree(
        {
            "sql.tf": CLOUD_SQL % "",
            "run.tf": SERVICE
            % (
                "",
                "",
                'env {\n name = "DATABASE_URL"\n'
                ' value = "postgresql://app:hunter2@${google_sql_database_instance.main.private_ip_address}/orders"\n'
                " }",
            ),
        }
    )
    api, database = only(tree, Workload), only(tree, Database)
    text, _, place, _ = evidence(api.variables.variables["DATABASE_URL"])
    assert (text, place) == (
        "postgresql://app:***@${google_sql_database_instance.main.private_ip_address}/orders",
        "run.tf:10",
    )
    assert "${google_sql_database_instance.main.private_ip_address}" in database.hosts
    assert api.unit == database.unit


def test_a_connection_name_is_resolved_when_its_parts_are_written(make_tree: MakeTree) -> None:
    volume = (
        "volumes {\n cloud_sql_instance {\n instances = [google_sql_database_instance.main.connection_name]\n }\n }"
    )
    tree = make_tree({"sql.tf": CLOUD_SQL % "", "run.tf": SERVICE % ("", volume, "")})
    assert only(tree, Workload).instance_connections == ("acme:europe-west1:orders",)


def test_a_secret_written_here_gives_its_url_without_the_password(make_tree: MakeTree) -> None:
    tree = make_tree(
        {
            "secret.tf": """\
            resource "google_secret_manager_secret" "url" {
              secret_id = "database-url"
            }
            resource "google_secret_manager_secret_version" "url" {
              secret      = google_secret_manager_secret.url.id
              secret_data = "postgresql://app:${random_password.db.result}@10.0.0.3/orders"
            }
            """,
            "run.tf": SERVICE
            % (
                "",
                "",
                'env {\n name = "DATABASE_URL"\n value_source {\n secret_key_ref {\n'
                " secret = google_secret_manager_secret.url.secret_id\n }\n }\n }",
            ),
        }
    )
    variables = only(tree, Workload).variables
    assert evidence(variables.variables["DATABASE_URL"])[0::2] == (
        "postgresql://app:***@10.0.0.3/orders",
        "secret.tf:6",
    )
    assert variables.secrets == {"DATABASE_URL": "secret-manager//database-url/latest"}


def test_a_secret_written_elsewhere_is_unknown_and_still_the_same_secret(make_tree: MakeTree) -> None:
    secret = 'env {\n name = "URL"\n value_source {\n secret_key_ref {\n secret = "database-url"\n }\n }\n }'
    variables = service(make_tree, container=secret).variables
    assert why(variables.variables["URL"]) == "URL comes from secret database-url"
    assert variables.secrets == {"URL": "secret-manager//database-url/latest"}


def test_no_password_of_a_variable_is_kept(make_tree: MakeTree) -> None:
    env = 'env {\n name = "DB_PASSWORD"\n value = "hunter2"\n }\n'
    env += 'env {\n name = "URL"\n value = "mysql://u:hunter2@h/d"\n }'
    assert "hunter2" not in repr(service(make_tree, container=env).variables)


def test_an_alloydb_instance_is_sized_by_its_cpus(make_tree: MakeTree) -> None:
    database = only(
        make_tree(
            {
                "main.tf": """\
                resource "google_alloydb_instance" "main" {
                  instance_id = "primary"
                  machine_config {
                    cpu_count = 4
                  }
                  database_flags = { max_connections = "2000" }
                }
                """
            }
        ),
        Database,
    )
    assert (database.name, database.provider) == ("primary", "alloydb")
    assert evidence(database.tier) == (4, "cpu_count", "main.tf:4", "exact")
    assert evidence(database.max_connections) == (2000, "max_connections", "main.tf:6", "exact")


# -- input from strangers ----------------------------------------------------------------------------------------------


def test_a_broken_block_loses_only_itself_and_is_said(make_tree: MakeTree) -> None:
    tree = make_tree({"main.tf": SIZED + 'resource "x" "y" {\n  a = = 1\n}\n'})
    assert evidence(only(tree, Workload).instances)[0] == 10
    assert [(s.path, s.line, s.reason) for s in tree.skipped] == [("main.tf", 15, "a block that is not valid HCL")]


@pytest.mark.parametrize(
    "text",
    [
        "locals {\n  a = local.b\n  b = local.a\n}\n",
        "".join(f'locals {{\n  a{i} = "${{local.a{i + 1}}}${{local.a{i + 1}}}"\n}}\n' for i in range(100)),
        'variable "max_instances" {\n  default = ' + "[" * 5_000 + "]" * 5_000 + "\n}\n",
    ],
    ids=["circle", "doubling", "nesting"],
)
def test_names_that_lead_nowhere_end(make_tree: MakeTree, text: str) -> None:
    uses = SIZED.replace("var.max_instances\n", "local.a0\n").replace('name = "api"', "name = local.a")
    api = only(make_tree({"main.tf": uses + text}), Workload)
    assert isinstance(api.instances, Unknown)


def test_a_module_outside_the_tree_is_not_followed(make_tree: MakeTree) -> None:
    tree = make_tree({"main.tf": SIZED + 'module "x" {\n  source = "../../etc"\n}\n'})
    assert only(tree, Workload).name == "api"


def test_terraform_without_anything_we_read_yields_nothing(make_tree: MakeTree) -> None:
    assert list(terraform.read(make_tree({"main.tf": 'resource "aws_s3_bucket" "logs" {}\n'}))) == []


def test_a_service_without_variables_is_still_a_complete_environment(make_tree: MakeTree) -> None:
    assert service(make_tree).variables != NO_ENVIRONMENT


def test_every_provider_a_reader_names_is_in_the_table() -> None:
    from pathlib import Path

    from poollint import providers
    from poollint.readers.terraform import _platforms, _rds

    folder = Path(terraform.__file__).parent
    named = {name for file in folder.glob("*.py") for name in re.findall(r'provider="([a-z0-9-]+)"', file.read_text())}
    named |= {product.provider for product in _platforms.PRODUCTS.values()}
    named |= {provider for provider, _ in _rds._ENGINES.values()}
    named |= {"cloud-sql-postgresql", "cloud-sql-mysql", "aurora-serverless-v2"}
    named |= {"azure-postgresql-flexible", "azure-mysql-flexible", "digitalocean-postgresql", "digitalocean-mysql"}
    assert [name for name in sorted(named) if providers.get(name) is None] == []
