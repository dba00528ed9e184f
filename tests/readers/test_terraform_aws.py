"""Terraform on Amazon: ECS, Lambda, RDS, Aurora and RDS Proxy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from evidence import evidence, why
from terraforming import facts, only

from poollint.discover import Tree
from poollint.facts import Database, Pooler, Unknown, Workload

MakeTree = Callable[[dict[str, str]], Tree]


# -- Amazon ------------------------------------------------------------------------------------------------------------

RDS = """\
resource "aws_db_parameter_group" "pg" {
  name = "orders-pg16"
  parameter {
    name  = "max_connections"
    value = %s
  }
}
resource "aws_db_instance" "main" {
  identifier           = "orders"
  engine               = "postgres"
  engine_version       = "16.3"
  instance_class       = "db.t4g.medium"
  parameter_group_name = aws_db_parameter_group.pg.name
}
"""


def test_an_rds_instance_takes_its_limit_from_its_parameter_group(make_tree: MakeTree) -> None:
    database = only(make_tree({"rds.tf": RDS % '"300"'}), Database)
    assert (database.name, database.provider) == ("orders", "rds-postgresql")
    assert evidence(database.tier) == ("db.t4g.medium", "instance_class", "rds.tf:12", "exact")
    assert evidence(database.max_connections) == (300, "max_connections", "rds.tf:5", "exact")
    assert "${aws_db_instance.main.address}" in database.hosts


def test_the_default_formula_leaves_the_limit_to_the_class(make_tree: MakeTree) -> None:
    database = only(make_tree({"rds.tf": RDS % '"LEAST({DBInstanceClassMemory/9531392}, 5000)"'}), Database)
    assert why(database.max_connections) == "max_connections is the default formula"
    assert evidence(database.tier)[0] == "db.t4g.medium"


def test_another_formula_takes_the_class_out_of_play(make_tree: MakeTree) -> None:
    database = only(make_tree({"rds.tf": RDS % '"{DBInstanceClassMemory/4000000}"'}), Database)
    assert why(database.max_connections) == "max_connections is the formula {DBInstanceClassMemory/4000000}"
    assert isinstance(database.tier, Unknown)


def test_an_unlinked_parameter_group_says_nothing(make_tree: MakeTree) -> None:
    text = (RDS % '"300"').replace("aws_db_parameter_group.pg.name", '"default.postgres16"')
    assert why(only(make_tree({"rds.tf": text}), Database).max_connections) == "max_connections is not set"


CLUSTER = """\
resource "aws_rds_cluster" "main" {
  cluster_identifier = "orders"
  engine             = "aurora-postgresql"
  %s
}
resource "aws_rds_cluster_instance" "nodes" {
  count              = %d
  cluster_identifier = aws_rds_cluster.main.id
  instance_class     = "%s"
}
"""


def test_an_aurora_cluster_is_sized_by_its_instances_and_its_reader_is_a_database_of_its_own(
    make_tree: MakeTree,
) -> None:
    writer, reader = facts(make_tree({"main.tf": CLUSTER % ("", 2, "db.r6g.large")}), Database)
    assert (writer.name, writer.provider) == ("orders", "aurora-postgresql")
    assert evidence(writer.tier) == ("db.r6g.large", "instance_class", "main.tf:9", "exact")
    assert (reader.name, reader.hosts) == ("orders-reader", ("${aws_rds_cluster.main.reader_endpoint}",))
    assert not set(writer.identities) & set(reader.identities)


def test_a_serverless_cluster_is_sized_by_its_largest_capacity(make_tree: MakeTree) -> None:
    scaling = "serverlessv2_scaling_configuration {\n    min_capacity = 0.5\n    max_capacity = 8\n  }"
    database = only(make_tree({"main.tf": CLUSTER % (scaling, 1, "db.serverless")}), Database)
    assert evidence(database.tier) == (8, "max_capacity", "main.tf:6", "exact")


def test_an_rds_proxy_is_a_pooler_before_its_target(make_tree: MakeTree) -> None:
    proxy = """\
    resource "aws_db_proxy" "main" {
      name                = "orders-proxy"
      engine_family       = "POSTGRESQL"
      idle_client_timeout = 900
    }
    resource "aws_db_proxy_target" "main" {
      db_proxy_name          = aws_db_proxy.main.name
      db_instance_identifier = aws_db_instance.main.identifier
    }
    """
    pooler = only(make_tree({"proxy.tf": proxy, "rds.tf": RDS % 100}), Pooler)
    assert (pooler.product, pooler.hosts) == ("rds-proxy", ("${aws_db_proxy.main.endpoint}",))
    assert evidence(pooler.client_idle_timeout) == (900, "idle_client_timeout", "proxy.tf:4", "exact")
    assert pooler.backends["*"].host == "${aws_db_instance.main.address}"


ECS = """\
resource "aws_ecs_task_definition" "api" {
  family = "api"
  cpu    = 1024
  container_definitions = jsonencode([
    {
      name    = "api"
      image   = "acme/api:1"
      command = ["gunicorn", "-w", "4", "app:app"]
      environment = [
        { name = "DB_HOST", value = aws_db_instance.main.address },
        { name = "POOL_SIZE", value = "7" },
      ]
      secrets = [{ name = "DATABASE_URL", valueFrom = aws_secretsmanager_secret.url.arn }]
    },
    { name = "agent", image = "public.ecr.aws/datadog/agent:7" },
  ])
}
resource "aws_ecs_service" "api" {
  name            = "api"
  task_definition = aws_ecs_task_definition.api.arn
  desired_count   = 4
  %s
}
"""


def test_an_ecs_service_doubles_during_a_deployment(make_tree: MakeTree) -> None:
    api = only(make_tree({"ecs.tf": ECS % ""}), Workload)
    assert (api.name, api.platform, api.image) == ("api", "ecs", "acme/api:1")
    assert evidence(api.instances) == (4, "desired_count", "ecs.tf:21", "exact")
    assert evidence(api.rollout_instances)[0::3] == (8, "default")
    assert "200 %" in evidence(api.rollout_instances)[1]
    assert api.rollout_documented
    assert api.command and api.command.words == ("gunicorn", "-w", "4", "app:app")
    assert evidence(api.variables.variables["POOL_SIZE"]) == ("7", "POOL_SIZE", "ecs.tf:11", "exact")
    assert evidence(api.variables.variables["DB_HOST"])[0] == "${aws_db_instance.main.address}"
    assert api.variables.secrets["DATABASE_URL"] == "aws-secret//${aws_secretsmanager_secret.url.arn}"


def test_a_stated_maximum_percent_bounds_the_overlap(make_tree: MakeTree) -> None:
    api = only(make_tree({"ecs.tf": ECS % "deployment_maximum_percent = 150"}), Workload)
    assert evidence(api.rollout_instances)[0] == 6


def test_blue_green_runs_two_full_sets(make_tree: MakeTree) -> None:
    text = ECS % 'deployment_maximum_percent = 100\n  deployment_controller {\n    type = "CODE_DEPLOY"\n  }'
    assert evidence(only(make_tree({"ecs.tf": text}), Workload).rollout_instances)[0] == 8


def test_autoscaling_replaces_the_desired_count(make_tree: MakeTree) -> None:
    scaling = """\
    resource "aws_appautoscaling_target" "api" {
      service_namespace = "ecs"
      resource_id       = "service/${aws_ecs_cluster.main.name}/${aws_ecs_service.api.name}"
      max_capacity      = 12
    }
    """
    api = only(make_tree({"ecs.tf": ECS % "", "scaling.tf": scaling}), Workload)
    assert evidence(api.instances) == (12, "max_capacity", "scaling.tf:4", "exact")
    assert str(api.autoscaler) == "scaling.tf:1"


def test_a_count_that_is_changed_elsewhere_is_unknown(make_tree: MakeTree) -> None:
    text = ECS % "lifecycle {\n    ignore_changes = [desired_count]\n  }"
    assert why(only(make_tree({"ecs.tf": text}), Workload).instances) == "desired_count is changed outside Terraform"


def test_containers_in_a_heredoc_are_read(make_tree: MakeTree) -> None:
    text = """\
    resource "aws_ecs_task_definition" "api" {
      family                = "api"
      container_definitions = <<DEFINITION
    [{"name": "api", "image": "${aws_ecr_repository.api.repository_url}:latest", "command": ["python", "-m", "app"]}]
    DEFINITION
    }
    resource "aws_ecs_service" "api" {
      name            = "api"
      task_definition = "${aws_ecs_task_definition.api.family}:3"
      desired_count   = 1
    }
    """
    api = only(make_tree({"ecs.tf": text}), Workload)
    assert api.command and api.command.words == ("python", "-m", "app")
    assert str(api.command.location) == "ecs.tf:3"


TEMPLATE = """\
[
  {
    "name": "api",
    "image": "${image}",
    "environment": [
      {"name": "POOL_SIZE", "value": "${pool}"}
    ]
  }
]
"""


@pytest.mark.parametrize(
    "definitions",
    [
        'templatefile("${path.module}/task.json.tpl", { image = "acme/api:1", pool = 8 })',
        "data.template_file.task.rendered",
    ],
)
def test_containers_in_a_template_file_are_read_where_they_stand(make_tree: MakeTree, definitions: str) -> None:
    text = f"""\
    data "template_file" "task" {{
      template = file("./task.json.tpl")
      vars     = {{ image = "acme/api:1", pool = 8 }}
    }}
    resource "aws_ecs_task_definition" "api" {{
      family                = "api"
      container_definitions = {definitions}
    }}
    resource "aws_ecs_service" "api" {{
      name            = "api"
      task_definition = aws_ecs_task_definition.api.arn
      desired_count   = 1
    }}
    """
    api = only(make_tree({"infra/main.tf": text, "infra/task.json.tpl": TEMPLATE}), Workload)
    assert api.image == "acme/api:1"
    assert evidence(api.variables.variables["POOL_SIZE"])[0::2] == ("8", "infra/task.json.tpl:6")


def test_a_lambda_is_bounded_by_what_is_reserved(make_tree: MakeTree) -> None:
    function = """\
    resource "aws_lambda_function" "hook" {
      function_name                  = "hook"
      handler                        = "app.handler"
      timeout                        = 30
      reserved_concurrent_executions = 25
      environment {
        variables = { POOL_SIZE = 1 }
      }
    }
    """
    hook = only(make_tree({"main.tf": function}), Workload)
    assert (hook.life, evidence(hook.concurrency)[0], hook.concurrency_is_hard) == ("per-invocation", 1, True)
    assert evidence(hook.instances) == (25, "reserved_concurrent_executions", "main.tf:5", "exact")
    assert evidence(hook.request_timeout) == (30, "timeout", "main.tf:4", "exact")
    assert evidence(hook.variables.variables["POOL_SIZE"])[0] == "1"


def test_a_lambda_without_a_reservation_shares_the_accounts_quota_which_is_an_estimate(make_tree: MakeTree) -> None:
    hook = only(
        make_tree({"main.tf": 'resource "aws_lambda_function" "hook" {\n  function_name = "hook"\n}\n'}), Workload
    )
    assert evidence(hook.instances)[0::3] == (1000, "estimate")


def test_a_lambda_behind_one_queue_is_bounded_by_its_poller(make_tree: MakeTree) -> None:
    text = """\
    resource "aws_lambda_function" "jobs" {
      function_name = "jobs"
    }
    resource "aws_lambda_event_source_mapping" "jobs" {
      function_name = aws_lambda_function.jobs.arn
      scaling_config {
        maximum_concurrency = 8
      }
    }
    """
    jobs = only(make_tree({"main.tf": text}), Workload)
    assert evidence(jobs.instances) == (8, "maximum_concurrency", "main.tf:7", "exact")


def test_a_lambda_that_others_may_call_too_is_not(make_tree: MakeTree) -> None:
    text = """\
    resource "aws_lambda_function" "jobs" {
      function_name = "jobs"
    }
    resource "aws_lambda_event_source_mapping" "jobs" {
      function_name = aws_lambda_function.jobs.arn
      scaling_config {
        maximum_concurrency = 8
      }
    }
    resource "aws_lambda_permission" "api" {
      function_name = aws_lambda_function.jobs.function_name
    }
    """
    assert evidence(only(make_tree({"main.tf": text}), Workload).instances)[0::3] == (1000, "estimate")


def test_a_container_that_is_a_pooler_is_one(make_tree: MakeTree) -> None:
    text = """\
    resource "aws_ecs_task_definition" "pooler" {
      family = "pooler"
      container_definitions = jsonencode([{
        name        = "pgbouncer"
        image       = "edoburu/pgbouncer:1.23.1"
        environment = [{ name = "POOL_MODE", value = "transaction" }, { name = "MAX_CLIENT_CONN", value = "400" }]
      }])
    }
    resource "aws_ecs_service" "pooler" {
      name            = "pooler"
      task_definition = aws_ecs_task_definition.pooler.arn
      desired_count   = 2
    }
    """
    tree = make_tree({"main.tf": text})
    pooler = only(tree, Pooler)
    assert facts(tree, Workload) == []
    assert (pooler.name, pooler.product, evidence(pooler.mode)[0]) == ("pooler", "pgbouncer", "transaction")
    assert evidence(pooler.max_client_connections)[0] == 400
    assert evidence(pooler.replicas) == (2, "desired_count", "main.tf:12", "exact")
