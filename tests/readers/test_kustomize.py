"""Kustomizations: an overlay is an environment, and its base is not counted a second time."""

from __future__ import annotations

import pytest

from places import at
from poollint.facts import Unknown
from poollint.readers import kubernetes

APP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: registry/shop:1
          envFrom: [{configMapRef: {name: settings}}]
          env:
            - {name: WORKERS, value: "2"}
            - {name: MODE, value: "base"}
"""
HPA = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec:
  scaleTargetRef: {kind: Deployment, name: api}
  maxReplicas: 10
"""


@pytest.fixture
def read(make_tree):
    """Read a base with one Deployment, and the overlays and other files given."""

    def read(base: str = "resources: [app.yaml]\n", **files: str):
        paths = {path.replace("__", "/"): text for path, text in files.items()}
        named = {path if "." in path else f"{path}/kustomization.yaml": text for path, text in paths.items()}
        read.tree = make_tree({"k8s/base/kustomization.yaml": base, "k8s/base/app.yaml": APP, **named})
        return list(kubernetes.read(read.tree))

    return read


@pytest.fixture
def prod(read):
    """Read the base under one overlay named prod."""

    def prod(overlay: str, base: str = "resources: [app.yaml]\n", **files: str):
        (api,) = read(base, **{"k8s__overlays__prod": "resources: [../../base]\n" + overlay}, **files)
        assert api.environment == "prod"
        return api

    prod.read = read
    return prod


class TestOverlays:
    def test_are_environments_and_their_base_is_not_another_one(self, read):
        overlay = "resources: [../../base]\nreplicas: [{name: api, count: %d}]\n"
        facts = read(k8s__overlays__prod=overlay % 8, k8s__overlays__staging=overlay % 3)
        assert [(f.environment, f.instances.value, str(f.instances.origin.location)) for f in facts] == [
            ("prod", 8, "k8s/overlays/prod/kustomization.yaml:2"),
            ("staging", 3, "k8s/overlays/staging/kustomization.yaml:2"),
        ]
        assert [f.unit for f in facts] == ["k8s/overlays/prod", "k8s/overlays/staging"]
        assert {str(f.location) for f in facts} == {"k8s/base/app.yaml:3"}

    def test_with_other_names_are_named_by_their_folders(self, read):
        facts = read(k8s__overlays__emea="resources: [../../base]\n", k8s__overlays__apac="bases: [../../base]\n")
        assert [f.environment for f in facts] == ["apac", "emea"]

    def test_of_one_base_that_share_a_word_are_told_apart(self, read):
        facts = read(k8s__prod__eu="resources: [../../base]\n", k8s__prod__us="resources: [../../base]\n")
        assert [f.environment for f in facts] == ["prod-eu", "prod-us"]

    def test_of_different_bases_share_their_environment(self, make_tree):
        files = {}
        for service in ("a", "b"):
            files[f"{service}/base/kustomization.yaml"] = "resources: [app.yaml]\n"
            files[f"{service}/base/app.yaml"] = APP
            files[f"{service}/prod/kustomization.yaml"] = "resources: [../base]\n"
        assert [f.environment for f in kubernetes.read(make_tree(files))] == ["prod", "prod"]

    def test_of_overlays_build_on_each_other(self, read):
        facts = read(
            k8s__overlays__prod="resources: [../../base]\nreplicas: [{name: api, count: 8}]\n",
            **{"k8s__overlays__prod-eu": "resources: [../prod]\nreplicas: [{name: api, count: 9}]\n"},
        )
        assert [(f.environment, f.instances.value) for f in facts] == [("prod", 9)]

    def test_a_base_alone_belongs_to_every_environment(self, read):
        (api,) = read()
        assert (api.environment, api.instances.value, api.unit) == (None, 2, "k8s/base")


class TestPatches:
    def test_of_a_file_change_what_they_name(self, prod):
        patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  replicas: 6\n"
        api = prod("patches: [{path: patch.yaml}]\n", **{"k8s__overlays__prod__patch.yaml": patch})
        assert at(api.instances) == (6, "k8s/overlays/prod/patch.yaml:5")

    @pytest.mark.parametrize(
        "key", ["patchesStrategicMerge: [patch.yaml]", "patches: [{path: patch.yaml, target: {kind: Deployment}}]"]
    )
    def test_merge_containers_and_variables_by_name(self, prod, key):
        patch = (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {template: {spec: {containers: [\n"
            '  {name: api, env: [{name: WORKERS, value: "4"}, {name: EXTRA, value: "x"}]}]}}}\n'
        )
        api = prod(f"{key}\n", **{"k8s__overlays__prod__patch.yaml": patch})
        variables = api.variables.variables
        assert at(variables["WORKERS"]) == ("4", "k8s/overlays/prod/patch.yaml:5")
        assert (variables["MODE"].value, variables["EXTRA"].value, api.image) == ("base", "x", "registry/shop:1")

    def test_in_place_keep_their_lines(self, prod):
        api = prod(
            "patches:\n  - patch: |-\n      apiVersion: apps/v1\n      kind: Deployment\n"
            "      metadata: {name: api}\n      spec:\n        replicas: 7\n"
        )
        assert at(api.instances) == (7, "k8s/overlays/prod/kustomization.yaml:8")

    def test_of_json_replace_by_pointer(self, prod):
        api = prod(
            "patches:\n  - target: {kind: Deployment, name: api}\n    patch: |-\n"
            "      - {op: replace, path: /spec/replicas, value: 5}\n"
            "      - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: MODE, value: patched}}\n"
            "      - {op: remove, path: /spec/template/spec/containers/0/env/0}\n"
            "      - {op: replace, path: /spec/nothing/here, value: 5}\n"
        )
        assert at(api.instances) == (5, "k8s/overlays/prod/kustomization.yaml:5")
        assert api.variables.variables["MODE"].value == "patched" and "WORKERS" not in api.variables.variables

    def test_with_a_target_leave_the_others_alone(self, prod):
        api = prod(
            "patches:\n  - target: {kind: Deployment, name: web}\n    patch: |-\n"
            "      - {op: replace, path: /spec/replicas, value: 5}\n"
            "  - target: {kind: Deploy.*, labelSelector: tier=web}\n    patch: |-\n"
            "      - {op: replace, path: /spec/replicas, value: 6}\n"
        )
        assert api.instances.value == 2

    def test_delete_objects(self, prod):
        patch = "$patch: delete\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\n"
        with pytest.raises(ValueError, match="not enough"):
            prod("patches: [{path: patch.yaml}]\n", **{"k8s__overlays__prod__patch.yaml": patch})

    def test_remove_what_they_set_to_null(self, prod):
        patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: null}\n"
        api = prod("patches: [{path: patch.yaml}]\n", **{"k8s__overlays__prod__patch.yaml": patch})
        assert (api.instances.value, api.instances.certainty) == (1, "default")

    def test_lose_to_replicas_of_the_same_kustomization(self, prod):
        api = prod(
            "replicas: [{name: api, count: 4}]\npatches:\n  - target: {kind: Deployment}\n    patch: |-\n"
            "      - {op: replace, path: /spec/replicas, value: 5}\n"
        )
        assert api.instances.value == 4

    def test_of_an_autoscaler_count(self, prod):
        api = prod(
            (
                "patches:\n  - target: {kind: HorizontalPodAutoscaler}\n    patch: |-\n"
                "      - {op: replace, path: /spec/maxReplicas, value: 30}\n"
            ),
            base="resources: [app.yaml, hpa.yaml]\n",
            **{"k8s__base__hpa.yaml": HPA},
        )
        assert at(api.instances) == (30, "k8s/overlays/prod/kustomization.yaml:5")


class TestNames:
    def test_get_prefixes_and_still_refer_to_each_other(self, prod):
        api = prod(
            "namePrefix: big-\nnameSuffix: -v2\nnamespace: shop\nreplicas: [{name: api, count: 3}]\n",
            base="resources: [app.yaml, hpa.yaml]\nconfigMapGenerator: [{name: settings, literals: [POOL=7]}]\n",
            **{"k8s__base__hpa.yaml": HPA},
        )
        assert (api.name, api.instances.value) == ("big-api-v2", 10)
        assert api.variables.variables["POOL"].value == "7"

    def test_of_images_are_replaced(self, prod):
        api = prod("images: [{name: registry/shop, newName: eu.registry/shop, newTag: '2'}]\n")
        assert api.image == "eu.registry/shop:2"


class TestGenerators:
    def test_give_literals_and_env_files_with_their_places(self, prod):
        api = prod(
            "configMapGenerator:\n  - name: settings\n    literals: [MODE_B=x]\n    envs: [prod.env]\n",
            **{"k8s__overlays__prod__prod.env": "# pool\nPOOL=9\n"},
        )
        pool = api.variables.variables["POOL"]
        assert at(pool) == ("9", "k8s/overlays/prod/prod.env:2")
        assert api.variables.variables["MODE_B"].value == "x" and api.variables.complete

    def test_merge_over_those_of_the_base(self, prod):
        api = prod(
            "configMapGenerator: [{name: settings, behavior: merge, literals: [POOL=9]}]\n",
            base="resources: [app.yaml]\nconfigMapGenerator: [{name: settings, literals: [POOL=5, HOST=db]}]\n",
        )
        assert (api.variables.variables["POOL"].value, api.variables.variables["HOST"].value) == ("9", "db")

    SECRET = APP.replace("configMapRef", "secretRef")

    def test_of_secrets_keep_no_password(self, prod):
        base = (
            "resources: [secret.yaml]\n"
            "secretGenerator: [{name: settings, literals: [DATABASE_URL=postgresql://a:hunter2@db/x]}]\n"
        )
        api = prod("", base=base, **{"k8s/base/secret.yaml": self.SECRET})
        assert api.variables.variables["DATABASE_URL"].value == "postgresql://***:***@db/x"
        assert "hunter2" not in repr(api)

    def test_of_secrets_merge_over_those_of_the_base(self, prod):
        base = "resources: [secret.yaml]\nsecretGenerator: [{name: settings, literals: [DB_HOST=base, DB_NAME=shop]}]\n"
        overlay = "secretGenerator: [{name: settings, behavior: merge, literals: [DB_HOST=prod]}]\n"
        api = prod(overlay, base=base, **{"k8s/base/secret.yaml": self.SECRET})
        known = {name: getattr(setting, "value", None) for name, setting in api.variables.variables.items()}
        assert (known["DB_HOST"], known["DB_NAME"]) == ("prod", "shop")


class TestReplacements:
    TARGET = (
        "    targets:\n      - select: {kind: Deployment}\n"
        "        fieldPaths: ['spec.template.spec.containers.[name=api].env.[name=MODE].value']\n"
    )

    def test_copy_a_field_with_its_place(self, prod):
        api = prod(
            "configMapGenerator: [{name: settings, literals: [POOL=9]}]\nreplacements:\n"
            "  - source: {kind: ConfigMap, name: settings, fieldPath: data.POOL}\n" + self.TARGET
        )
        mode = api.variables.variables["MODE"]
        assert at(mode) == ("9", "k8s/overlays/prod/kustomization.yaml:2")
        assert api.variables.variables["WORKERS"].value == "2"

    @pytest.mark.parametrize("options", ["", "        options: {delimiter: '-', index: 1}\n"])
    def test_of_what_is_not_here_or_of_a_part_leave_it_open(self, prod, options):
        name = "api" if options else "elsewhere"
        api = prod(f"replacements:\n  - source: {{kind: Deployment, name: {name}}}\n" + self.TARGET + options)
        assert isinstance(api.variables.variables["MODE"], Unknown)


def test_components_change_what_their_user_has(prod):
    api = prod(
        "components: [../../big]\n",
        **{
            "k8s__big": (
                "kind: Component\npatches:\n  - target: {kind: Deployment}\n    patch: |-\n"
                "      - {op: replace, path: /spec/replicas, value: 20}\n"
            )
        },
    )
    assert at(api.instances) == (20, "k8s/big/kustomization.yaml:5")


class TestWhatIsNotFollowed:
    def test_remote_resources_are_said_once(self, prod):
        api = prod("components: []\nresources: [../../base, 'https://example.com/base?ref=v1']\n")
        assert api.instances.value == 2
        skipped = [s for s in prod.read.tree.skipped if "remote" in s.reason]
        assert [(s.path, s.line) for s in skipped] == [("k8s/overlays/prod/kustomization.yaml", 3)]

    def test_nor_is_anything_outside_the_project(self, prod):
        prod("resources: [../../base, ../../../../../etc/passwd]\n")
        assert any("not among the files" in s.reason for s in prod.read.tree.skipped)

    def test_loops_end(self, make_tree):
        tree = make_tree(
            {
                "a/kustomization.yaml": "resources: [../b]\n",
                "b/kustomization.yaml": "resources: [../c]\n",
                "c/kustomization.yaml": "resources: [../b]\n",
            }
        )
        assert list(kubernetes.read(tree)) == []
        assert any("include each other" in s.reason for s in tree.skipped)

    def test_files_beside_a_kustomization_that_describe_its_objects_are_not_read_again(self, read):
        old = APP.replace("replicas: 2", "replicas: 50")
        assert [f.instances.value for f in read(**{"k8s__base__old.yaml": old})] == [2]

    def test_files_beside_a_kustomization_that_describe_others_are(self, read):
        other = APP.replace("name: api", "name: web")
        assert [f.name for f in read(**{"k8s__base__web.yaml": other})] == ["api", "web"]


class TestUntrustedInput:
    @pytest.mark.parametrize(
        "overlay",
        [
            "replicas: [{name: api, count: [1]}]\nimages: [1, {name: registry/shop}]\nnamePrefix: {a: b}\n",
            "patches: [1, {}, {patch: ''}, {patch: '['}, {path: missing.yaml}, {target: 3, patch: 'a: b'}]\n",
            "patches: [{target: {kind: '(((a+)+)+)+$', name: '.*.*.*.*.*b'}, patch: '[{op: remove, path: /spec}]'}]\n",
            "patchesJson6902: [{target: {kind: Deployment}, patch: '[{op: add, path: "
            + "/a" * 3000
            + ", value: 1}]'}]\n",
            "patches: [{target: {kind: Deployment}, patch: '[{op: replace, path: /spec/template/spec/containers/99999999999/x, value: 1}]'}]\n",
            "configMapGenerator: [1, {name: settings, literals: [1, x], envs: [../../../x], files: ['=', a=b=c]}]\n",
            "replacements: [1, {}, {source: 1, targets: [{select: {}, fieldPaths: ['', '[', a.b]}]}, {path: nowhere.yaml}]\n",
            "components: [3, .]\ncrds: x\nhelmCharts: [{name: x}]\n",
        ],
    )
    def test_odd_kustomizations_change_nothing_else(self, read, overlay):
        (api,) = read(**{"k8s__overlays__prod": "resources: [../../base]\n" + overlay})
        assert api.name == "api" and api.image.startswith("registry/shop")
        assert not any("could not be read" in skipped.reason for skipped in read.tree.skipped)

    def test_deep_bases_end(self, make_tree):
        files = {f"d{n}/kustomization.yaml": f"resources: [../d{n + 1}]\n" for n in range(60)}
        tree = make_tree(files | {"d60/kustomization.yaml": "resources: [app.yaml]\n", "d60/app.yaml": APP})
        assert list(kubernetes.read(tree)) == []
        assert any("more than" in skipped.reason for skipped in tree.skipped)

    @pytest.mark.parametrize("key", ["resources", "components"])
    def test_bases_that_double_with_every_level_end(self, make_tree, key):
        files = {"d0/kustomization.yaml": f"{key}: [../d1a, ../d1b]\n"}
        for n in range(1, 18):
            for side in "ab":
                files[f"d{n}{side}/kustomization.yaml"] = (
                    f"kind: {'Component' if key == 'components' else 'Kustomization'}\n"
                    f"{key}: [../d{n + 1}a, ../d{n + 1}b]\n"
                )
        for side in "ab":
            files[f"d18{side}/kustomization.yaml"] = "resources: [app.yaml]\n"
            files[f"d18{side}/app.yaml"] = APP
        tree = make_tree(files)
        list(kubernetes.read(tree))
        assert any("too often" in skipped.reason for skipped in tree.skipped)
