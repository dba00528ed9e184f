"""What tests of the Terraform reader share: its facts, and a Cloud Run service with places to fill."""

from __future__ import annotations

from collections.abc import Callable

from poollint.discover import Tree
from poollint.facts import Workload
from poollint.readers import terraform

MakeTree = Callable[[dict[str, str]], Tree]


def facts(tree: Tree, kind: type, environment: str | None = None) -> list:
    found = [fact for fact in terraform.read(tree) if isinstance(fact, kind)]
    return found if environment is None else [fact for fact in found if fact.environment == environment]


def only(tree: Tree, kind: type, environment: str | None = None):
    (fact,) = facts(tree, kind, environment)
    return fact


SERVICE = """\
resource "google_cloud_run_v2_service" "api" {
  name = "api"
  %s
  template {
    %s
    containers {
      image = "europe-docker.pkg.dev/acme/api:1"
      %s
    }
  }
}
"""


def service(make_tree: MakeTree, service: str = "", template: str = "", container: str = "", **files: str) -> Workload:
    return only(make_tree({"main.tf": SERVICE % (service, template, container), **files}), Workload)
