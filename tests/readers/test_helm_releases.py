"""Uses of Helm charts: what commands, helmfiles and GitOps objects lay over the values of a chart."""

from __future__ import annotations

import textwrap

import pytest

from places import at
from poollint.facts import Unknown
from poollint.readers import kubernetes

FILES = {
    "chart/Chart.yaml": "apiVersion: v2\nname: shop\n",
    "chart/values.yaml": "replicas: 2\nworkers: 1\nargs: [a, b]\n",
    "chart/templates/app.yaml": """\
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: {{ .Release.Name }}
        spec:
          replicas: {{ .Values.replicas }}
          template:
            spec:
              containers:
                - name: app
                  image: shop
                  args: ["--workers", "{{ .Values.workers }}", "{{ index .Values.args 1 }}"]
        """,
}


@pytest.fixture
def read(make_tree):
    """Return {(name, environment): replicas} of a project with the chart and further files."""

    def read(files: dict[str, str]):
        read.tree = make_tree(FILES | files)
        read.found = {(fact.name, fact.environment): fact for fact in kubernetes.read(read.tree)}
        return {key: fact.instances.value if not isinstance(fact.instances, Unknown) else None for key, fact in read.found.items()}

    return read


def script(*lines: str) -> dict[str, str]:
    return {"deploy.sh": "\n".join(lines) + "\n"}


class TestCommands:
    def test_lay_files_and_then_settings_over_the_values(self, read):
        prod = {"chart/values-prod.yaml": "replicas: 5\nworkers: 3\n"}
        found = read(prod | script("helm upgrade --install api ./chart -f chart/values-prod.yaml \\", "  --set replicas=7"))
        assert found == {("api", "prod"): 7}
        api = read.found["api", "prod"]
        assert at(api.instances) == (7, "deploy.sh:2")
        assert str(api.command.locations[1]) == "chart/values-prod.yaml:2"

    @pytest.mark.parametrize(
        ("command", "replicas"),
        [
            ("helm install api chart --set replicas=3", 3),
            ("helm -n shop upgrade -i api chart --set-string replicas=3", 3),
            ("helm secrets upgrade api ./chart --set workers=2,replicas=3 --wait", 3),
            ("helm upgrade api chart --set replicas=4 --set replicas=3", 3),
            ("helm upgrade api chart --set-json 'replicas=3'", 3),
            ("helm upgrade api chart --set replicas=$N", None),
            ("helm upgrade api chart --set replicas=${N:-3}", None),
            ("N=3; helm upgrade api chart --set replicas=null", None),
            ("helm upgrade api chart --values more.yaml", 9),
            ("helm upgrade api chart -f more.yaml -f secrets.yaml", 9),
        ],
    )
    def test_take_values_in_several_spellings(self, read, command, replicas):
        assert read({"more.yaml": "replicas: 9\n"} | script(command)) == {("api", None): replicas}

    @pytest.mark.parametrize(
        "command",
        [
            "helm upgrade api oci://registry.example/chart --set replicas=3",
            "helm upgrade api bitnami/chart --set replicas=3",
            "helm upgrade api chart --reuse-values --set replicas=3",
            "helm upgrade api chart \"${ARGUMENTS[@]}\" --set replicas=3",
            "helm upgrade api chart -f missing.yaml --set replicas=3",
            "helm upgrade api chart -f $VALUES --set replicas=3",
            "helm lint chart --set replicas=3",
            "# helm upgrade api chart --set replicas=3",
        ],
    )
    def test_that_are_not_readable_as_a_whole_change_nothing(self, read, command):
        assert read(script(command)) == {("shop", None): 2}

    def test_reach_items_of_lists(self, read):
        read(script("helm upgrade api chart --set args[1]=x"))
        assert read.found["api", None].command.words[-1] == "x"

    def test_stand_for_every_file_that_a_variable_can_mean(self, read):
        files = {"chart/values-prod.yaml": "replicas: 5\n", "chart/values-dev.yaml": "replicas: 1\n"}
        found = read(files | script('helm upgrade api ./chart -f "chart/values-${STAGE}.yaml" --set workers=4'))
        assert found == {("api", "prod"): 5, ("api", "dev"): 1}
        assert read.found["api", "prod"].command.words[1] == "4"

    def test_run_where_their_job_says(self, read):
        workflow = """\
            jobs:
              deploy:
                environment: production
                defaults: {run: {working-directory: chart}}
                steps:
                  - run: |
                      helm upgrade api . -f big.yaml \\
                        --set image.tag=${{ github.sha }}
            """
        found = read({"chart/big.yaml": "replicas: 8\n", ".github/workflows/deploy.yml": workflow})
        assert found == {("api", "prod"): 8}

    def test_run_where_a_cd_led_when_only_one_chart_fits(self, read):
        files = {f"deploy/{path}": text for path, text in FILES.items()} | {"deploy/prod.yaml": "replicas: 6\n"}
        files |= dict.fromkeys(FILES, "")
        assert read(files | script("cd deploy && helm upgrade api ./chart -f prod.yaml")) == {("api", "prod"): 6}

    def test_of_two_environments_are_two(self, read):
        commands = ("helm upgrade api chart -n shop-prod --set replicas=9", "helm upgrade api chart -n shop-staging")
        assert read(script(*commands)) == {("api", "prod"): 9, ("api", "staging"): 2}

    def test_of_one_chart_for_two_services_are_two_units(self, read):
        read(script("helm upgrade api chart --set replicas=3", "helm upgrade worker chart"))
        assert {name: fact.unit for (name, _), fact in read.found.items()} == {"api": "chart/api", "worker": "chart/worker"}

    def test_that_contradict_each_other_leave_the_value_open(self, read):
        both = script("helm upgrade api chart --set replicas=3,workers=2", "helm upgrade api chart --set replicas=4")
        assert read(both) == {("api", None): None}
        assert read.found["api", None].command.words[1] == "2"

    def test_with_other_files_for_one_environment_count_neither(self, read):
        files = {"a.yaml": "replicas: 3\n", "b.yaml": "replicas: 4\n"}
        assert read(files | script("helm upgrade api chart -f a.yaml", "helm upgrade api chart -f b.yaml")) == {
            ("shop", None): 2
        }

    def test_leave_other_values_files_their_environments(self, read):
        files = {"chart/values-prod.yaml": "replicas: 5\n", "chart/values-staging.yaml": "replicas: 3\n"}
        found = read(files | script("helm upgrade api chart -f chart/values-prod.yaml"))
        assert found == {("api", "prod"): 5, ("shop", "staging"): 3}

    def test_of_a_test_leave_the_values_of_the_chart_alone(self, read):
        found = read(script("helm install api chart --namespace test --set replicas=1"))
        assert found == {("shop", None): 2, ("api", "test"): 1}


HELMFILE = """\
    environments:
      production:
        values: [{size: 12}]
      staging: {}
    ---
    releases:
      - name: api
        chart: ../chart
        namespace: shop
        values:
          - ../values/{{ .Environment.Name }}.yaml
          - workers: 4
        set:
          - {name: "args[1]", value: x}
      - name: redis
        chart: bitnami/redis
    """


class TestHelmfiles:
    VALUES = {"values/production.yaml": "replicas: 6\n", "values/staging.yaml": "replicas: 3\n"}

    def test_make_one_release_per_environment(self, read):
        assert read({"ops/helmfile.yaml": HELMFILE} | self.VALUES) == {("api", "prod"): 6, ("api", "staging"): 3}
        api = read.found["api", "prod"]
        assert api.command.words[1:] == ("4", "x")
        assert str(api.command.locations[1]) == "ops/helmfile.yaml:12"

    def test_fill_in_the_values_of_the_environment(self, read):
        text = HELMFILE.replace("- ../values/{{ .Environment.Name }}.yaml", "- replicas: '{{ .Values.size }}'")
        assert read({"ops/helmfile.yaml": text}) == {("api", "prod"): 12, ("api", "staging"): None}

    @pytest.mark.parametrize("line", ["installed: false", "inherit: [{template: base}]", "condition: api.enabled"])
    def test_that_switch_a_release_off_or_make_it_elsewhere_add_nothing(self, read, line):
        text = HELMFILE.replace("values: [{size: 12}]", "values: [{api: {enabled: false}}]")
        text = text.replace("staging: {}", "").replace("namespace: shop", line)
        assert ("api", "prod") not in read({"ops/helmfile.yaml": text} | self.VALUES)

    def test_without_environments_are_for_the_one_their_path_names(self, read):
        text = HELMFILE.partition("---\n")[2].replace("- ../values/{{ .Environment.Name }}.yaml", "- replicas: 5")
        assert read({"prod/helmfile.yaml": text}) == {("api", "prod"): 5}

    def test_whose_files_are_missing_say_nothing(self, read):
        assert read({"ops/helmfile.yaml": HELMFILE}) == {("shop", None): 2}


APPLICATION = """\
    apiVersion: argoproj.io/v1alpha1
    kind: Application
    metadata: {name: api, namespace: argocd}
    spec:
      destination: {namespace: shop-prod}
      source:
        repoURL: https://git.example/shop.git
        path: chart
        helm:
          valueFiles: [big.yaml]
          values: |
            workers: 4
          valuesObject: {replicas: 6}
          parameters:
            - {name: "args[1]", value: x}
    """


class TestArgoApplications:
    def test_lay_over_files_texts_objects_and_parameters(self, read):
        found = read({"chart/big.yaml": "replicas: 5\nworkers: 2\n", "argo/api.yaml": APPLICATION})
        assert found == {("api", "prod"): 6}
        api = read.found["api", "prod"]
        assert at(api.instances) == (6, "argo/api.yaml:13")
        assert api.command.words[1:] == ("4", "x")
        assert str(api.command.locations[1]) == "argo/api.yaml:12"

    def test_take_files_of_another_source(self, read):
        sources = """\
            apiVersion: argoproj.io/v1alpha1
            kind: Application
            metadata: {name: api}
            spec:
              sources:
                - {repoURL: https://git.example/shop.git, ref: values}
                - path: ./chart
                  helm: {valueFiles: [$values/envs/prod.yaml], releaseName: web}
            """
        assert read({"envs/prod.yaml": "replicas: 4\n", "argo/api.yaml": sources}) == {("web", "prod"): 4}

    def test_of_charts_elsewhere_say_nothing(self, read):
        assert read({"argo/api.yaml": APPLICATION.replace("path: chart", "path: other")}) == {("shop", None): 2}

    def test_whose_files_are_missing_say_nothing_unless_they_may_be(self, read):
        assert read({"argo/api.yaml": APPLICATION}) == {("shop", None): 2}
        text = APPLICATION.replace("valueFiles: [big.yaml]", "valueFiles: [big.yaml]\n          ignoreMissingValueFiles: true")
        assert read({"argo/api.yaml": text}) == {("api", "prod"): 6}


class TestFluxReleases:
    RELEASE = """\
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: api, namespace: shop}
        spec:
          chart: {spec: {chart: ./chart, sourceRef: {kind: GitRepository, name: shop}}}
          values: {replicas: 4}
        """

    def test_give_values(self, read):
        assert read({"clusters/production/api.yaml": self.RELEASE}) == {("api", "prod"): 4}

    def test_are_patched_by_overlays(self, read):
        overlay = """\
            resources: [../base]
            patches: [{path: patch.yaml}]
            """
        patch = self.RELEASE.replace("replicas: 4", "replicas: 9").replace(
            "chart: {spec: {chart: ./chart, sourceRef: {kind: GitRepository, name: shop}}}", ""
        )
        files = {
            "flux/base/kustomization.yaml": "resources: [api.yaml]\n",
            "flux/base/api.yaml": self.RELEASE,
            "flux/prod/kustomization.yaml": overlay,
            "flux/prod/patch.yaml": patch,
        }
        assert read(files) == {("api", "prod"): 9}

    @pytest.mark.parametrize(
        ("source", "replicas"),
        [
            ("{kind: ConfigMap, name: values}", 7),
            ("{kind: ConfigMap, name: elsewhere}", None),
            ("{kind: Secret, name: values}", 2),
            ("{kind: Secret, name: values, targetPath: replicas}", None),
        ],
    )
    def test_take_values_from_config_maps(self, read, source, replicas):
        values = textwrap.dedent("""\
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: values, namespace: shop}
            data:
              values.yaml: |
                replicas: 7
            """)
        release = self.RELEASE.replace("values: {replicas: 4}", f"valuesFrom: [{source}]")
        found = read({"flux/api.yaml": release, "flux/values.yaml": values})
        assert found.get(("api", None)) == replicas

    def test_of_a_registry_say_nothing(self, read):
        text = self.RELEASE.replace("GitRepository", "HelmRepository")
        assert read({"flux/api.yaml": text}) == {("shop", None): 2}
