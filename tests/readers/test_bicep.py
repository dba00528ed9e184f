"""Bicep: Container Apps and flexible servers, line by line."""

from __future__ import annotations

import time
from collections.abc import Callable

from evidence import evidence

from poollint.discover import Tree
from poollint.facts import Database, Pooler, Unknown, Workload
from poollint.readers import bicep

MakeTree = Callable[[dict[str, str]], Tree]

MAIN = """\
@minValue(1)
param maxReplicas int = 6
param sku string = 'Standard_D2s_v3'
param tag string
var prefix = 'shop'

resource api 'Microsoft.App/containerApps@2024-03-01' = {
  name: '${prefix}-api'
  properties: {
    configuration: {
      activeRevisionsMode: 'Single' // one at a time
      secrets: [
        {
          name: 'url'
          value: 'x'
        }
      ]
    }
    template: {
      containers: [
        {
          name: 'api'
          image: 'acme.azurecr.io/api:${tag}'
          env: [
            { name: 'ONE_LINE', value: '1' }
            {
              name: 'POOL_SIZE'
              value: '5'
            }
            {
              name: 'URL'
              secretRef: 'url'
            }
          ]
          resources: {
            cpu: json('0.5')
          }
        }
      ]
      scale: {
        minReplicas: 1
        maxReplicas: maxReplicas
      }
    }
  }
}

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2023-03-01' = {
  name: 'orders'
  sku: {
    name: sku
    tier: 'GeneralPurpose'
  }
  properties: {
    version: '16'
  }
}

resource limit 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2023-03-01' = {
  parent: server
  name: 'max_connections'
  properties: {
    value: '400'
  }
}

resource pooler 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2023-03-01' = {
  parent: server
  name: 'pgbouncer.enabled'
  properties: {
    value: 'true'
  }
}
"""


def only(tree: Tree, kind: type = Workload):
    (fact,) = [fact for fact in bicep.read(tree) if isinstance(fact, kind)]
    return fact


def test_a_container_app(make_tree: MakeTree) -> None:
    api = only(make_tree({"infra/main.bicep": MAIN}))
    assert (api.name, api.platform, str(api.location)) == ("shop-api", "container-apps", "infra/main.bicep:7")
    assert evidence(api.instances) == (6, "maxReplicas", "infra/main.bicep:2", "exact")
    assert evidence(api.cpus)[0] == 0.5
    assert not api.concurrency_is_hard


def test_its_variables(make_tree: MakeTree) -> None:
    variables = only(make_tree({"main.bicep": MAIN})).variables
    assert evidence(variables.variables["POOL_SIZE"]) == ("5", "POOL_SIZE", "main.bicep:28", "exact")
    assert evidence(variables.variables["ONE_LINE"])[0] == "1"
    assert variables.secrets == {"URL": "container-app-secret/main.bicep/url"}


def test_a_host_that_a_deployment_knows_is_a_token_the_server_lists(make_tree: MakeTree) -> None:
    url = "'postgresql://app:${secret}@${server.properties.fullyQualifiedDomainName}/orders'"
    tree = make_tree({"main.bicep": MAIN.replace("value: '5'", f"value: {url}")})
    text = str(evidence(only(tree).variables.variables["POOL_SIZE"])[0])
    assert text.lower() == f"postgresql://app:***@{only(tree, Database).hosts[0]}/orders"


def test_a_flexible_server_with_its_limit_and_pooler(make_tree: MakeTree) -> None:
    tree = make_tree({"main.bicep": MAIN})
    database, pooler = only(tree, Database), only(tree, Pooler)
    assert (database.name, database.provider) == ("orders", "azure-postgresql-flexible")
    assert evidence(database.tier) == ("Standard_D2s_v3", "sku", "main.bicep:3", "exact")
    assert evidence(database.max_connections) == (400, "max_connections", "main.bicep:63", "exact")
    assert "orders.postgres.database.azure.com" in database.hosts
    assert (pooler.product, pooler.ports, str(pooler.location)) == ("pgbouncer", (6432,), "main.bicep:71")


def test_a_parameter_file_is_an_environment(make_tree: MakeTree) -> None:
    tree = make_tree({"main.bicep": MAIN, "main.prod.bicepparam": "using './main.bicep'\nparam maxReplicas = 30\n"})
    api = only(tree)
    assert (api.environment, evidence(api.instances)[:3]) == ("prod", (30, "maxReplicas", "main.prod.bicepparam:2"))


def test_the_concurrency_of_an_http_rule_scales_and_limits_nothing(make_tree: MakeTree) -> None:
    rule = "rules: [{\n name: 'http'\n http: {\n metadata: {\n concurrentRequests: '25'\n }\n }\n }]\n"
    text = MAIN.replace("maxReplicas: maxReplicas", f"maxReplicas: maxReplicas\n{rule}")
    api = only(make_tree({"main.bicep": text}))
    assert evidence(api.concurrency)[:2] == (25, "concurrentRequests")
    assert not api.concurrency_is_hard
    assert evidence(only(make_tree({"main.bicep": MAIN})).concurrency)[0::3] == (10, "default")


def test_several_revisions_make_the_count_unknown(make_tree: MakeTree) -> None:
    api = only(make_tree({"main.bicep": MAIN.replace("'Single'", "'Multiple'")}))
    assert isinstance(api.instances, Unknown)


def test_an_expression_is_unknown(make_tree: MakeTree) -> None:
    text = MAIN.replace("maxReplicas: maxReplicas", "maxReplicas: isProd ? 10 : 2")
    assert isinstance(only(make_tree({"main.bicep": text})).instances, Unknown)


def test_hostile_files_end(make_tree: MakeTree) -> None:
    head = "resource a 'Microsoft.App/containerApps@1' = {\n"
    files = {
        "a.bicep": head + "{" * 100_000,
        "b.bicep": "param a string = b\nparam b string = a\n" + MAIN.replace("'${prefix}-api'", "a"),
        "c.bicep": head + "param x " + " " * 300_000 + "\n",
        "d.bicep": head * 5_000,
        "e.bicep": "// Microsoft.App/containerApps\n" * 60_000,
    }
    tree = make_tree(files)
    started = time.process_time()
    list(bicep.read(tree))
    assert time.process_time() - started < 15
    assert [s.path for s in tree.skipped if "larger" in s.reason] == ["e.bicep"]
