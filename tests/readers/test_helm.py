"""Helm charts by their values, and by the plain lines of their templates."""

from __future__ import annotations

import pytest

from places import at
from poollint.facts import Unknown
from poollint.readers import helm, kubernetes
from poollint.readers._helm.template import Chart, read_template

CHART = "apiVersion: v2\nname: shop\nappVersion: '1.2'\n"
VALUES = """\
replicaCount: 2
image: {repository: registry/shop}
autoscaling:
  enabled: false
  maxReplicas: 100
env:
  POOL_SIZE: "5"
extraEnv: []
workers: 4
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "shop.fullname" . }}
  labels:
    {{- include "shop.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicaCount }}
  {{- end }}
  template:
    metadata:
      {{- with .Values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      labels:
        {{- include "shop.selectorLabels" . | nindent 8 }}
    spec:
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          args: ["--workers", "{{ .Values.workers | default 1 | int }}"]
          env:
            {{- range $name, $value := .Values.env }}
            - name: {{ $name }}
              value: {{ $value | quote }}
            {{- end }}
            {{- toYaml .Values.extraEnv | nindent 12 }}
            - name: LOG_LEVEL
              value: info
"""
HPA = """\
{{- if .Values.autoscaling.enabled }}
{{- if .Capabilities.APIVersions.Has "autoscaling/v2" }}
apiVersion: autoscaling/v2
{{- else }}
apiVersion: autoscaling/v2beta1
{{- end }}
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "shop.fullname" . }}
spec:
  scaleTargetRef: {kind: Deployment, name: {{ include "shop.fullname" . }}}
  maxReplicas: {{ .Values.autoscaling.maxReplicas }}
{{- end }}
"""
FILES = {
    "chart/Chart.yaml": CHART,
    "chart/values.yaml": VALUES,
    "chart/templates/deployment.yaml": DEPLOYMENT,
    "chart/templates/hpa.yaml": HPA,
}


@pytest.fixture
def read(make_tree):
    """Read the chart with some files added or replaced."""

    def read(**more: str):
        read.tree = make_tree(FILES | {f"chart/{path.replace('__', '/')}": text for path, text in more.items()})
        return list(kubernetes.read(read.tree))

    return read


class TestValues:
    def test_are_counted_where_they_are_written(self, read):
        (shop,) = read()
        assert (shop.name, shop.unit, shop.environment) == ("shop", "chart", None)
        assert (shop.instances.value, shop.instances.origin.says, shop.instances.certainty) == (2, "replicas", "exact")
        assert str(shop.instances.origin.location) == "chart/values.yaml:1"
        assert shop.rollout_instances.value == 3
        assert shop.image == "registry/shop:1.2"
        assert read.tree.skipped == ()

    def test_reach_variables_and_commands(self, read):
        (shop,) = read()
        pool = shop.variables.variables["POOL_SIZE"]
        assert at(pool) == ("5", "chart/values.yaml:7")
        log = shop.variables.variables["LOG_LEVEL"]
        assert at(log) == ("info", "chart/templates/deployment.yaml:31")
        assert shop.variables.complete
        assert (shop.command.words, str(shop.command.locations[1])) == (("--workers", "4"), "chart/values.yaml:9")

    def test_that_switch_the_autoscaler_on_replace_the_replicas(self, read):
        (shop,) = read(**{"values.yaml": VALUES.replace("enabled: false", "enabled: true")})
        assert (shop.instances.value, shop.instances.origin.says) == (100, "maxReplicas")
        assert str(shop.instances.origin.location) == "chart/values.yaml:5" == str(shop.autoscaler)

    def test_of_an_environment_lie_over_the_others(self, read):
        (shop,) = read(
            **{"values-prod.yaml": "autoscaling: {enabled: true, maxReplicas: 12}\nenv: {POOL_SIZE: '20'}\n"}
        )
        assert (shop.environment, shop.instances.value) == ("prod", 12)
        assert str(shop.instances.origin.location) == "chart/values-prod.yaml:1"
        assert shop.variables.variables["POOL_SIZE"].value == "20"

    @pytest.mark.parametrize(
        ("files", "environments"),
        [
            (["values-prod.yaml", "values.staging.yaml"], ["prod", "staging"]),
            (["values-staging.yaml"], [None, "staging"]),
            (["values/production.yaml"], ["prod"]),
            (["environments/prod/values.yaml"], ["prod"]),
            (["values-eu.yaml", "values-us.yaml"], [None, "eu", "us"]),
            (["values-prod-eu.yaml", "values-prod-us.yaml"], ["prod-eu", "prod-us"]),
            (["values-dev.yaml"], [None, "dev"]),
            (["values-secrets.yaml"], [None]),
            (["values-prod.yaml", "values-dev.yaml"], ["dev", "prod"]),
        ],
    )
    def test_name_environments_by_their_files(self, read, files, environments):
        facts = read(**dict.fromkeys(files, "replicaCount: 7\n"))
        assert sorted(fact.environment or "" for fact in facts) == [name or "" for name in environments]
        assert all(fact.instances.value == (2 if fact.environment is None else 7) for fact in facts)

    def test_of_a_chart_at_the_root_are_not_searched_in_the_whole_project(self, make_tree):
        files = {path.removeprefix("chart/"): text for path, text in FILES.items()}
        tree = make_tree(
            files
            | {
                "values-prod.yaml": "replicaCount: 8\n",
                "docs/values-staging.yaml": "a: 1\n",
                "sub/Chart.yaml": CHART,
                "sub/values-eu.yaml": "a: 1\n",
            }
        )
        assert [(fact.environment, fact.instances.value) for fact in kubernetes.read(tree)] == [("prod", 8)]

    def test_that_no_file_has_are_unknown(self, read):
        (shop,) = read(**{"values.yaml": VALUES.replace("replicaCount: 2\n", "")})
        assert isinstance(shop.instances, Unknown)

    def test_have_the_default_of_their_line(self, read):
        text = DEPLOYMENT.replace(".Values.replicaCount", ".Values.replicas | default 6")
        (shop,) = read(**{"templates/deployment.yaml": text})
        assert at(shop.instances) == (6, "chart/templates/deployment.yaml:9")


class TestTemplates:
    def test_insert_whole_lists(self, read):
        (shop,) = read(**{"values.yaml": VALUES.replace("extraEnv: []", "extraEnv:\n  - {name: MODE, value: fast}")})
        mode = shop.variables.variables["MODE"]
        assert at(mode) == ("fast", "chart/values.yaml:9")

    def test_whose_helpers_give_variables_leave_them_open(self, read):
        text = DEPLOYMENT.replace(
            "{{- toYaml .Values.extraEnv | nindent 12 }}", '{{- include "shop.env" . | nindent 12 }}'
        )
        (shop,) = read(**{"templates/deployment.yaml": text})
        assert not shop.variables.complete and shop.instances.value == 2
        assert [(s.path, s.line) for s in read.tree.skipped] == [("chart/Chart.yaml", 1)]
        assert "render it and pass the result as a PATH" in read.tree.skipped[0].reason

    def test_that_are_no_yaml_are_said_once_per_chart(self, read):
        broken = DEPLOYMENT + '  {{ include "shop.more" . }}: [\n'
        assert read(**{"templates/deployment.yaml": broken, "templates/worker.yaml": broken}) == []
        assert len(read.tree.skipped) == 1

    def test_whose_names_only_helpers_make_are_called_after_their_files(self, read):
        text = DEPLOYMENT.replace('{{ include "shop.fullname" . }}', '{{ include "shop.web" . }}')
        assert [
            fact.name for fact in read(**{"templates/deployment.yaml": "", "templates/web-deployment.yaml": text})
        ] == ["web"]

    def test_put_aside_are_not_read(self, read):
        read(templates_disabled__old="", **{"templates_disabled/old.yaml": DEPLOYMENT})
        assert read.tree.skipped == ()

    def test_never_guess_which_branch_is_taken(self, read):
        text = DEPLOYMENT.replace("if not .Values.autoscaling.enabled", 'if include "shop.fixed" .')
        (shop,) = read(**{"templates/deployment.yaml": text})
        assert isinstance(shop.instances, Unknown)

    def test_without_workloads_say_nothing(self, read):
        read(**{"templates/notes.yaml": 'kind: ConfigMap\ndata: [{{ include "x" . }}\n'})
        assert read.tree.skipped == ()

    def test_are_not_read_as_plain_manifests(self, make_tree):
        tree = make_tree(
            {
                "chart/Chart.yaml": CHART,
                "chart/templates/app.yaml": "{{ if }}\nkind: Deployment\napiVersion: apps/v1\n{{ end }}\n",
            }
        )
        assert list(kubernetes.read(tree)) == [] and tree.skipped == ()


class TestHelpers:
    HELPERS = """\
        {{/* The name */}}
        {{- define "shop.fullname" -}}
        {{- if .Values.fullnameOverride }}
        {{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
        {{- else }}
        {{- $name := default .Chart.Name .Values.nameOverride }}
        {{- if contains $name .Release.Name }}
        {{- .Release.Name | trunc 63 | trimSuffix "-" }}
        {{- else }}
        {{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
        {{- end }}
        {{- end }}
        {{- end }}
        {{- define "shop.env" -}}
        - name: POOL_CLASS
          value: {{ .Values.pool | quote }}
        {{- end }}
        {{- define "shop.fixed" -}}
        {{- if .Values.fixed -}}true{{- end -}}
        {{- end }}
        {{- define "shop.loop" -}}
        {{ include "shop.loop" . }}
        {{- end }}
        {{- define "shop.odd" -}}
        {{ lookup "v1" "Secret" "a" "b" | nindent 4 }}
        {{- end }}
        """

    @pytest.fixture
    def shop(self, read):
        import textwrap

        def shop(values: str, replaced: str = "", by: str = ""):
            (found,) = read(
                **{
                    "templates/_helpers.tpl": textwrap.dedent(self.HELPERS),
                    "values.yaml": VALUES + values,
                    "templates/deployment.yaml": DEPLOYMENT.replace(replaced, by),
                }
            )
            return found

        return shop

    @pytest.mark.parametrize(
        ("values", "name"), [("", "shop"), ("fullnameOverride: store\n", "store"), ("nameOverride: api\n", "shop-api")]
    )
    def test_make_names(self, shop, values, name):
        assert shop(values).name == name

    def test_make_variables_with_their_places(self, shop):
        found = shop(
            "pool: small\n", "{{- toYaml .Values.extraEnv | nindent 12 }}", '{{- include "shop.env" . | nindent 12 }}'
        )
        pool = found.variables.variables["POOL_CLASS"]
        assert at(pool) == ("small", "chart/values.yaml:10")
        assert found.variables.complete

    @pytest.mark.parametrize(
        ("condition", "fixed", "replicas"),
        [
            ('if eq (include "shop.fixed" .) "true"', "true", 2),
            ('if eq (include "shop.fixed" .) "true"', "false", 1),
            ('if include "shop.fixed" .', "true", 2),
            ('if include "shop.fixed" .', "false", 1),
        ],
    )
    def test_decide_conditions(self, shop, condition, fixed, replicas):
        assert shop(f"fixed: {fixed}\n", "if not .Values.autoscaling.enabled", condition).instances.value == replicas

    @pytest.mark.parametrize("name", ["shop.loop", "shop.odd", "shop.missing"])
    def test_that_are_not_readable_leave_the_value_unknown(self, shop, name):
        found = shop("", "{{ .Values.replicaCount }}", f'{{{{ include "{name}" . }}}}')
        assert isinstance(found.instances, Unknown)


class TestSubcharts:
    FILES = {
        "app/Chart.yaml": (
            "apiVersion: v2\nname: app\ndependencies: [{name: shop, version: 1.0.0, condition: shop.enabled}]\n"
        ),
        "app/values.yaml": "shop:\n  replicaCount: 9\n",
    } | {f"app/charts/shop/{path.removeprefix('chart/')}": text for path, text in FILES.items()}

    def test_see_their_section_of_their_parents_values(self, make_tree):
        (shop,) = kubernetes.read(make_tree(self.FILES))
        assert (shop.name, shop.unit, shop.instances.value) == ("app-shop", "app", 9)
        assert str(shop.instances.origin.location) == "app/values.yaml:2"
        assert shop.variables.variables["POOL_SIZE"].value == "5"

    def test_can_be_switched_off(self, make_tree):
        assert list(kubernetes.read(make_tree(self.FILES | {"app/values.yaml": "shop: {enabled: false}\n"}))) == []

    def test_from_a_registry_may_be_databases(self, make_tree):
        tree = make_tree(
            {
                "app/Chart.yaml": (
                    "apiVersion: v2\nname: app\n"
                    "dependencies: [{name: postgresql, repository: 'https://charts.example/bitnami'}]\n"
                ),
                "app/values.yaml": (
                    "postgresql:\n  primary:\n    extendedConfiguration: |\n      shared_buffers = 1GB\n"
                    "      max_connections = 250\n"
                ),
            }
        )
        (database,) = helm.read(tree)
        assert (database.name, database.dialect, database.provider) == (
            "app-postgresql",
            "postgresql",
            "bitnami-postgresql",
        )
        assert "app-postgresql" in database.hosts
        assert at(database.max_connections) == (250, "app/values.yaml:5")


class TestTheLanguage:
    @pytest.fixture
    def value(self):
        """Read `value: {{ code }}` with some values."""
        from poollint._yaml import documents

        values = documents("values.yaml", "a: 3\nzero: 0\nname: web\nempty: ''\nnested: {deep: x}\nitems: [1, 2]\n")[0]
        chart = Chart("shop", "shop", "1.2", values)
        return lambda code: read_template("t.yaml", f"value: {code}\n", chart).documents[0].text_at("value")

    @pytest.mark.parametrize(
        ("code", "text"),
        [
            ("{{ .Values.a }}", "3"),
            ("{{.Values.nested.deep}}", "x"),
            ("{{ $.Values.a | int }}", "3"),
            ("{{ default 5 .Values.zero }}", "5"),
            ("{{ .Values.nothing | default 5 }}", "5"),
            ("{{ .Values.empty | default .Values.name | quote }}", "web"),
            ('{{ required "say it" .Values.a }}', "3"),
            ('"{{ .Release.Name }}-{{ .Values.name }}"', "shop-web"),
            ("{{ if .Values.a }}yes-{{ .Values.a }}{{ else }}no{{ end }}", "yes-3"),
            ("{{ if .Values.zero }}a{{ else if .Values.name }}b{{ else }}c{{ end }}", "b"),
            ('{{ if eq .Values.name "web" }}a{{ else }}b{{ end }}', "a"),
            ('{{ if and .Values.a (ne .Values.name "web") }}a{{ else }}b{{ end }}', "b"),
            ("{{ if or .Values.zero .Values.nothing }}a{{ else }}b{{ end }}", "b"),
            ("{{ if gt .Values.a 2 }}a{{ else }}b{{ end }}", "a"),
            ('{{ ternary "a" "b" .Values.empty }}', "b"),
            ("{{ $x := .Values.a }}{{ $x }}", "3"),
            ("{{ tpl .Values.name $ }}", "web"),
            ('{{ printf "%s:%d" .Values.name .Values.a }}', "web:3"),
            ('{{ include "shop.fullname" . }}-api', "shop-api"),
            ('{{ include "shop.resourceName" (list . "api") }}', "shop-api"),
            ('{{/* a "comment */}}{{ .Values.a }}', "3"),
            ('{{ index .Values.nested "deep" }}', "x"),
            ('{{ if hasKey .Values.nested "deep" }}a{{ else }}b{{ end }}', "a"),
            ('{{ if eq (toString (index .Values.nested "none" | default "")) "true" }}a{{ else }}b{{ end }}', "b"),
            ("{{ with .Values.nested }}{{ .deep }}{{ end }}", "x"),
            ('{{ if kindIs "invalid" .Values.nothing }}a{{ else }}b{{ end }}', "a"),
            ('{{ if kindIs "string" .Values.a }}a{{ else if kindIs "map" .Values.nested }}b{{ else }}c{{ end }}', "b"),
            ("{{ (.Values.nested).deep }}", "x"),
            ("{{ ((.Values.nothing).at).all | default 7 }}", "7"),
            ("{{ default 1 (default dict .Values.nested).deep }}", "x"),
            ("{{ default 1 (default dict .Values.nothing).deep }}", "1"),
        ],
    )
    def test_has_a_readable_part(self, value, code, text):
        assert value(code) == text

    @pytest.mark.parametrize(
        "code",
        [
            "{{ lookup }}",
            '{{ (dict "deep" .Values.a).deep }}',
            '{{ (include "shop.other" .).deep }}',
            "{{ .Values.nothing }}",
            "{{ randAlphaNum 5 }}",
            "{{ .Files.Get }}",
            "{{ ( }}",
            "{{ | }}",
            "{{ .Values.a | b64enc }}",
            '{{ printf "%s" .Values.nothing }}',
            '{{ include "shop.url" . }}',
        ],
    )
    def test_leaves_the_rest_unknown(self, value, code):
        assert "{{" in value(code)

    @pytest.mark.parametrize(
        "text",
        [
            "{{ if .Values.a }}" * 60 + "x",
            "{{ range .Values.items }}" * 30 + "kind: x\n" * 10 + "{{ end }}" * 30,
            "{{ range .Values.items }}" * 35 + "{{ end }}" * 35,
            "{{ " * 20_000,
            "{{ x }}" * 30_000,
            "kind: {{ " + "(" * 5_000 + " }}",
            "{{ end }}{{ else }}kind: x",
        ],
    )
    def test_ends_for_every_text(self, make_tree, text):
        tree = make_tree(
            {"chart/Chart.yaml": CHART, "chart/values.yaml": "items: [1, 2, 3]\na: 1\n", "chart/templates/t.yaml": text}
        )
        assert list(kubernetes.read(tree)) == []
