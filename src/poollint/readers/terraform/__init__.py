"""Terraform: workloads, databases and poolers out of .tf files.

`_project` says what modules and variables mean, and how a workload is tied to its database; one module per cloud says
what its resources are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from poollint.facts import Database, Pooler, Workload

if TYPE_CHECKING:
    from poollint.discover import Tree

# Names that start every resource type some module here reads, and the modules of the registry that are known.
_RECOGNISED = re.compile(
    rb'resource\s+"(google_(cloud_run|cloudfunctions|sql_database_instance|alloydb)|aws_(db_|rds_|ecs_|lambda_|apprunner)'
    rb"|azurerm_|kubernetes_|digitalocean_|heroku_|neon_|supabase_|render_|aiven_|crunchybridge_|scaleway_)"
    rb'|source\s*=\s*"(terraform-aws-modules/rds/|GoogleCloudPlatform/sql-db/|terraform-google-modules/sql-db/)'
)


def read(tree: Tree) -> Iterator[Workload | Database | Pooler]:
    """Yield what the root modules of the tree describe, once per environment."""
    if not any(_RECOGNISED.search(tree.bytes(path) or b"") for path in tree.named("*.tf")):
        return
    from poollint.readers._platform import as_server
    from poollint.readers.terraform._project import scopes
    from poollint.readers.terraform._registry import reader_of

    readers = _readers()
    for scope in scopes(tree):
        for part in scope.parts(*readers):
            with tree.guard(part.location.path):
                yield from [as_server(fact, part.name) for fact in readers[part.kind](part)]
        for part in scope.module_calls():
            with tree.guard(part.location.path):
                yield from reader(part) if (reader := reader_of(part)) is not None else ()


def _readers() -> dict:
    from poollint.readers.terraform import _aws, _azure, _google, _kubernetes, _platforms, _rds

    clouds = (_google, _aws, _rds, _azure, _kubernetes, _platforms)
    return {kind: reader for cloud in clouds for kind, reader in cloud.READERS.items()}
