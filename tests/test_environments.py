"""Which environment a path speaks for."""

from __future__ import annotations

import pytest

from poollint.discover import Tree, discover
from poollint.environments import environment_of, is_production


@pytest.fixture
def tree(make_tree) -> Tree:
    return make_tree({"a": "x"})


@pytest.mark.parametrize(
    ("path", "environment"),
    [
        ("docker-compose.yml", None),
        ("docker-compose.prod.yml", "prod"),
        ("docker-compose-production.yml", "prod"),
        ("compose.live.yaml", "prod"),
        ("values-staging.yaml", "staging"),
        ("values-pre-prod.yaml", "staging"),
        ("overlays/prod-eu/kustomization.yaml", "prod"),
        ("overlays/dev-eu/kustomization.yaml", "dev"),
        ("deploy/stage/api.yaml", "staging"),
        ("dev.tfvars", "dev"),
        ("dev-values.yaml", "dev"),
        ("docker-compose.dev.yml", "dev"),
        ("docker-compose.local.yml", "local"),
        ("charts/values-localdev.yaml", "local"),
        ("docker-compose.ci.yml", "ci"),
        ("tests/integration/docker-compose.yml", "test"),
        ("examples/shop/compose.yaml", "example"),
        (".env.example", "example"),
        ("samples/compose.yaml", "sample"),
        (".devcontainer/docker-compose.yml", "dev"),
        ("prod/docker-compose.test.yml", "test"),
        # half a name is no environment
        ("services/dev-agent/Dockerfile", None),
        ("dev-agent.yaml", None),
        ("test-runner/compose.yaml", None),
        ("latest/product/lively.yaml", None),
        ("livekit.yaml", None),
        ("delivery/reproduction.yaml", None),
    ],
)
def test_words_of_the_path_name_the_environment(tree, path, environment):
    assert environment_of(tree, path) == environment


def test_a_given_name_says_more_than_the_path(tree):
    assert environment_of(tree, "dev/values.yaml", "production") == "prod"
    assert environment_of(tree, "dev/values.yaml", "blue") == "dev"


def test_words_above_the_given_path_mean_nothing(write):
    root = write({"examples/shop/compose.yaml": "x", "examples/shop/dev/compose.yaml": "x", ".git/HEAD": ""})
    tree = discover([root / "examples" / "shop"])
    assert tree.below_base(tree.files[0]) == "compose.yaml"
    assert [environment_of(tree, path) for path in tree.files] == [None, "dev"]


@pytest.mark.parametrize(
    ("name", "judged"),
    [
        (None, True),
        ("prod", True),
        ("staging", True),
        ("eu-west", True),
        ("production", True),
        ("dev", False),
        ("development", False),
        ("local", False),
        ("test", False),
        ("ci", False),
        ("example", False),
        ("sample", False),
    ],
)
def test_unknown_words_are_judged_in_full(name, judged):
    assert is_production(name) is judged
