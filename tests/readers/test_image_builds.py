"""Which folder an image is built from."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from poollint.discover import Tree
from poollint.facts import Build, Image
from poollint.readers import image_builds

MakeTree = Callable[[dict[str, str]], Tree]

FILES = {
    "Dockerfile": "FROM python",
    "api/Dockerfile": "FROM python",
    "docker/worker.Dockerfile": "FROM python",
}


def images(tree: Tree) -> list[tuple[str, Build, str]]:
    return [
        (image.name, image.build, str(image.location)) for image in image_builds.read(tree) if isinstance(image, Image)
    ]


@pytest.mark.parametrize(
    ("command", "name", "build"),
    [
        ("docker build -t acme/api:1 api", "acme/api", Build("api", "api/Dockerfile")),
        ("docker build --tag=acme/api .", "acme/api", Build("", "Dockerfile")),
        (
            "docker buildx build --push -f docker/worker.Dockerfile --target prod -t acme/worker:$TAG .",
            "acme/worker",
            Build("", "docker/worker.Dockerfile", "prod"),
        ),
        ("gcloud builds submit --tag gcr.io/acme/api:1 api", "gcr.io/acme/api", Build("api", "api/Dockerfile")),
        ("gcloud builds submit --tag gcr.io/acme/root", "gcr.io/acme/root", Build("", "Dockerfile")),
    ],
)
def test_a_command_names_image_and_folder(make_tree: MakeTree, command: str, name: str, build: Build) -> None:
    assert images(make_tree({**FILES, "build.sh": f"set -e\n{command}\n"})) == [(name, build, "build.sh:2")]


@pytest.mark.parametrize(
    "command",
    [
        "# docker build -t acme/api api",
        "docker build api",
        "docker build -t acme/api https://github.com/acme/api.git",
        "docker build -t acme/api ../elsewhere",
        "docker build -t acme/api missing",
    ],
)
def test_what_builds_nothing_of_the_tree_is_none(make_tree: MakeTree, command: str) -> None:
    assert images(make_tree({**FILES, "build.sh": command + "\n"})) == []


def test_the_push_action_of_a_workflow(make_tree: MakeTree) -> None:
    text = """\
    on: push
    jobs:
      build:
        steps:
          - uses: docker/build-push-action@v6
            with:
              context: .
              file: docker/worker.Dockerfile
              tags: |
                ghcr.io/acme/worker:latest
                ghcr.io/acme/worker:${{ github.sha }}
    """
    assert images(make_tree({**FILES, ".github/workflows/build.yml": text})) == [
        ("ghcr.io/acme/worker", Build("", "docker/worker.Dockerfile"), ".github/workflows/build.yml:9")
    ]


def test_a_working_directory_moves_the_context(make_tree: MakeTree) -> None:
    text = """\
    jobs:
      build:
        steps:
          - run: docker build -t acme/api .
            working-directory: ./api
    """
    assert images(make_tree({**FILES, ".github/workflows/b.yml": text}))[0][1] == Build("api", "api/Dockerfile")


def test_cloud_build_and_kaniko(make_tree: MakeTree) -> None:
    text = """\
    steps:
      - name: gcr.io/cloud-builders/docker
        args: [build, -t, 'gcr.io/$PROJECT_ID/api', api]
      - name: gcr.io/kaniko-project/executor
        args:
          - --destination=gcr.io/$PROJECT_ID/worker:1
          - --dockerfile=docker/worker.Dockerfile
          - --context=dir:///workspace/
    """
    assert [(name, build) for name, build, _ in images(make_tree({**FILES, "cloudbuild.yaml": text}))] == [
        ("gcr.io/$PROJECT_ID/api", Build("api", "api/Dockerfile")),
        ("gcr.io/$PROJECT_ID/worker", Build("", "docker/worker.Dockerfile")),
    ]


def test_skaffold_maps_images_to_folders(make_tree: MakeTree) -> None:
    text = """\
    apiVersion: skaffold/v4beta11
    kind: Config
    build:
      artifacts:
        - image: acme/api
          context: api
        - image: acme/worker
          docker: {dockerfile: docker/worker.Dockerfile, target: prod}
    """
    assert images(make_tree({**FILES, "skaffold.yaml": text})) == [
        ("acme/api", Build("api", "api/Dockerfile"), "skaffold.yaml:5"),
        ("acme/worker", Build("", "docker/worker.Dockerfile", "prod"), "skaffold.yaml:7"),
    ]
