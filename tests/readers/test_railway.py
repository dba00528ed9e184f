"""Railway: railway.json and railway.toml."""

from __future__ import annotations

from collections.abc import Callable

from evidence import evidence, only, why

from poollint.discover import Tree
from poollint.readers import railway

MakeTree = Callable[[dict[str, str]], Tree]


def test_railways_replicas_are_summed_over_regions_and_double_in_a_deployment(make_tree: MakeTree) -> None:
    text = """\
    [deploy]
    startCommand = "uvicorn app:app"
    [deploy.multiRegionConfig.us-west1]
    numReplicas = 2
    [deploy.multiRegionConfig.europe-west4]
    numReplicas = 3
    """
    api = only(railway, make_tree({"api/railway.toml": text}))
    assert (api.name, evidence(api.instances)[0]) == ("api", 5)
    assert (evidence(api.rollout_instances)[0], api.rollout_documented) == (10, True)
    assert api.command and (api.command.shell, str(api.command.location)) == ("uvicorn app:app", "api/railway.toml:2")


def test_railways_environments_override(make_tree: MakeTree) -> None:
    text = """\
    {"deploy": {"numReplicas": 2},
     "environments": {
       "production": {"deploy": {"numReplicas": 8}},
       "staging": {}}}
    """
    found = {w.environment: w for w in railway.read(make_tree({"railway.json": text}))}
    assert evidence(found["prod"].instances) == (8, "numReplicas", "railway.json:3", "exact")
    assert evidence(found["staging"].instances)[0] == 2


def test_a_count_the_railway_file_leaves_out_is_the_dashboards(make_tree: MakeTree) -> None:
    api = only(railway, make_tree({"railway.json": '{"deploy": {"startCommand": "python main.py"}}'}))
    assert "dashboard" in why(api.instances)
