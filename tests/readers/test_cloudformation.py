"""CloudFormation and SAM."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
from evidence import evidence, why

from poollint.discover import Tree
from poollint.facts import Database, Pooler, Workload
from poollint.readers import cloudformation

MakeTree = Callable[[dict[str, str]], Tree]


def facts(tree: Tree, kind: type = Workload, reader: ModuleType = cloudformation) -> list:
    return [fact for fact in reader.read(tree) if isinstance(fact, kind)]


def only(tree: Tree, kind: type = Workload, reader: ModuleType = cloudformation):
    (fact,) = facts(tree, kind, reader)
    return fact


SAM = """\
Transform: AWS::Serverless-2016-10-31
Parameters:
  Reserved:
    Type: Number
    Default: 20
Globals:
  Function:
    Timeout: 30
    Environment:
      Variables:
        MODE: fast
Resources:
  Hook:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: app.handler
      ReservedConcurrentExecutions: !Ref Reserved
      Environment:
        Variables:
          DB_HOST: !GetAtt Database.Endpoint.Address
          URL: !Sub "postgresql://app:${Password}@${Database.Endpoint.Address}:5432/orders"
          SECRET: "{{resolve:secretsmanager:orders:SecretString:url}}"
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: postgres
      DBInstanceClass: !FindInMap [Sizes, prod, class]
      DBParameterGroupName: !Ref Group
  Group:
    Type: AWS::RDS::DBParameterGroup
    Properties:
      Parameters:
        max_connections: "300"
Mappings:
  Sizes:
    prod: {class: db.t4g.medium}
"""


def test_a_sam_function_takes_globals_and_parameters(make_tree: MakeTree) -> None:
    hook = only(make_tree({"template.yaml": SAM, "src/app.py": ""}))
    assert (hook.name, hook.platform, hook.life, hook.sources) == ("Hook", "lambda", "per-invocation", ("src",))
    assert evidence(hook.instances) == (20, "Reserved", "template.yaml:5", "exact")
    assert evidence(hook.request_timeout) == (30, "Timeout", "template.yaml:8", "exact")
    assert (evidence(hook.concurrency)[0], hook.concurrency_is_hard) == (1, True)
    assert evidence(hook.variables.variables["MODE"])[0] == "fast"
    (process,) = hook.run
    assert (process.entry, process.directory, evidence(process.processes)[0]) == ("app:handler", "src", 1)


@pytest.mark.parametrize(
    ("kind", "code", "found"),
    [
        ("AWS::Lambda::Function", "Code: {ZipFile: 'def handler(event, context): pass'}", 0),
        ("AWS::Serverless::Function", "InlineCode: 'def handler(event, context): pass'", 0),
        ("AWS::Lambda::Function", "Code: {S3Bucket: shop, S3Key: code.zip}", 1),
    ],
)
def test_a_function_whose_code_is_written_in_the_template_runs_nothing_of_the_project(
    make_tree: MakeTree, kind: str, code: str, found: int
) -> None:
    text = f"Resources:\n  Send:\n    Type: {kind}\n    Properties:\n      Handler: index.handler\n      {code}\n"
    assert len(facts(make_tree({"template.yaml": text}))) == found


def test_a_lambdas_host_is_a_token_its_database_lists(make_tree: MakeTree) -> None:
    tree = make_tree({"template.yaml": SAM})
    hook, database = only(tree), only(tree, Database)
    assert evidence(hook.variables.variables["DB_HOST"])[0] == "${Database.Endpoint.Address}"
    assert (
        evidence(hook.variables.variables["URL"])[0] == "postgresql://app:***@${Database.Endpoint.Address}:5432/orders"
    )
    assert database.hosts == ("${database.endpoint.address}",)
    assert hook.unit == database.unit == "template.yaml"
    assert why(hook.variables.variables["SECRET"]) == "SECRET comes from a secret"
    assert "SECRET" in hook.variables.secrets


def test_a_database_takes_its_class_from_a_mapping_and_its_limit_from_a_group(make_tree: MakeTree) -> None:
    database = only(make_tree({"template.yaml": SAM}), Database)
    assert database.provider == "rds-postgresql"
    assert evidence(database.tier) == ("db.t4g.medium", "DBInstanceClass", "template.yaml:37", "exact")
    assert evidence(database.max_connections) == (300, "max_connections", "template.yaml:34", "exact")


def test_samconfig_has_one_environment_per_section(make_tree: MakeTree) -> None:
    config = """\
    [prod.deploy.parameters]
    parameter_overrides = "Reserved=50"
    [dev.deploy.parameters]
    parameter_overrides = ["Reserved=2"]
    """
    found = {w.environment: w for w in facts(make_tree({"template.yaml": SAM, "samconfig.toml": config}))}
    assert evidence(found["prod"].instances) == (50, "Reserved", "samconfig.toml:2", "exact")
    assert evidence(found["dev"].instances)[0] == 2


def test_a_function_without_a_reservation_is_an_estimate(make_tree: MakeTree) -> None:
    text = SAM.replace("      ReservedConcurrentExecutions: !Ref Reserved\n", "")
    assert evidence(only(make_tree({"template.yaml": text})).instances)[0::3] == (1000, "estimate")


def test_a_parameter_without_a_default_is_unknown(make_tree: MakeTree) -> None:
    text = SAM.replace("    Default: 20\n", "")
    assert why(only(make_tree({"template.yaml": text})).instances) == "parameter Reserved has no default"


ECS = """\
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Parameters:
  Stage:
    Type: String
    Default: prod
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: api
      Cpu: 512
      RequiresCompatibilities: [FARGATE]
      ContainerDefinitions:
        - Name: api
          Image: acme/api:1
          Command: [gunicorn, -w, "4", "app:app"]
          Environment:
            - {Name: POOL_SIZE, Value: 7}
          Secrets:
            - {Name: DATABASE_URL, ValueFrom: !Ref Secret}
        - Name: proxy
          Image: envoyproxy/envoy:1
  Service:
    Type: AWS::ECS::Service
    Properties:
      ServiceName: api
      TaskDefinition: !Ref Task
      DesiredCount: !If [IsProd, 6, 1]
      DeploymentConfiguration:
        MaximumPercent: 150
%s
"""


def test_an_ecs_service_with_its_task(make_tree: MakeTree) -> None:
    api = only(make_tree({"stack.yaml": ECS % ""}))
    assert (api.name, api.platform, api.image) == ("api", "ecs", "acme/api:1")
    assert evidence(api.instances) == (6, "DesiredCount", "stack.yaml:29", "exact")
    assert (evidence(api.rollout_instances)[0], api.rollout_documented) == (9, True)
    assert api.command and api.command.words == ("gunicorn", "-w", "4", "app:app")
    assert evidence(api.cpus)[0] == 0.5
    assert evidence(api.variables.variables["POOL_SIZE"]) == ("7", "POOL_SIZE", "stack.yaml:19", "exact")
    assert api.variables.secrets == {"DATABASE_URL": "aws-secret/stack.yaml/${Secret}"}


def test_the_cores_of_an_ec2_host_are_not_those_of_the_task(make_tree: MakeTree) -> None:
    text = (ECS % "").replace("      RequiresCompatibilities: [FARGATE]\n", "")
    assert why(only(make_tree({"stack.yaml": text})).cpus) == "a process sees the cores of its host"


def test_a_scalable_target_replaces_the_count(make_tree: MakeTree) -> None:
    target = """\
  Target:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties:
      ResourceId: !Sub "service/${Cluster}/${Service.Name}"
      MaxCapacity: 12
"""
    assert evidence(only(make_tree({"stack.yaml": ECS % target})).instances)[:3] == (12, "MaxCapacity", "stack.yaml:36")


def test_json_templates_are_read_too(make_tree: MakeTree) -> None:
    text = """\
    {"Parameters": {"N": {"Type": "Number", "Default": 3}},
     "Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {
       "ReservedConcurrentExecutions": {"Ref": "N"}}}}}
    """
    assert evidence(only(make_tree({"cloudformation/stack.json": text})).instances)[:2] == (3, "N")


def test_a_cluster_and_its_proxy(make_tree: MakeTree) -> None:
    text = """\
    Resources:
      Cluster:
        Type: AWS::RDS::DBCluster
        Properties:
          Engine: aurora-postgresql
          ServerlessV2ScalingConfiguration: {MinCapacity: 0.5, MaxCapacity: 8}
      Member:
        Type: AWS::RDS::DBInstance
        Properties:
          DBClusterIdentifier: !Ref Cluster
          DBInstanceClass: db.serverless
      Proxy:
        Type: AWS::RDS::DBProxy
        Properties:
          DBProxyName: orders
          EngineFamily: POSTGRESQL
          IdleClientTimeout: 600
      Targets:
        Type: AWS::RDS::DBProxyTargetGroup
        Properties:
          DBProxyName: !Ref Proxy
          DBClusterIdentifiers: [!Ref Cluster]
    """
    tree = make_tree({"rds.yaml": text})
    database, pooler = only(tree, Database), only(tree, Pooler)
    assert (database.provider, evidence(database.tier)[:2]) == ("aurora-serverless-v2", (8, "MaxCapacity"))
    assert evidence(pooler.client_idle_timeout) == (600, "IdleClientTimeout", "rds.yaml:17", "exact")
    assert pooler.backends["*"].host == database.hosts[0]


@pytest.mark.parametrize(
    "resources",
    [
        "Resources: [AWS::Lambda::Function]",
        "Resources: {F: {Type: 'AWS::Lambda::Function', Properties: [1]}}",
        "Resources: {F: {Type: 'AWS::Lambda::Function', Properties: {Timeout: !Literal [1]}}}",
        "Resources: {F: {Type: 'AWS::Lambda::Function', Properties: {Environment: {Variables: 3}}}}",
        "Conditions: {A: !Not [{Condition: A}]}\nResources: {F: {Type: 'AWS::Lambda::Function', Condition: A}}",
        "Resources: {F: {Type: 'AWS::Lambda::Function', Properties: {Timeout: "
        + "!If [A, " * 60
        + "1"
        + ", 2]" * 60
        + "}}}",
    ],
)
def test_odd_templates_end(make_tree: MakeTree, resources: str) -> None:
    tree = make_tree({"template.yaml": resources + "\n"})
    facts(tree)
    assert not [s for s in tree.skipped if s.reason.startswith("could not be read")]


def test_a_service_without_a_name_is_called_after_its_template(make_tree: MakeTree) -> None:
    text = (ECS % "").replace("      ServiceName: api\n", "").replace("Name: api\n", "Name: main\n")
    tree = make_tree({"services/orders_template.yaml": text})
    assert [(w.name, w.environment) for w in facts(tree)] == [("orders_template", None)]
