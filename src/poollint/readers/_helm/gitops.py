"""Argo CD Applications and Flux HelmReleases that install a chart of the project.

Argo CD   valueFiles < values < valuesObject < parameters: https://argo-cd.readthedocs.io/en/stable/user-guide/helm/
Flux      valuesFiles < valuesFrom < values: https://fluxcd.io/flux/components/helm/helmreleases/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from posixpath import join, normpath
from typing import TYPE_CHECKING

from poollint._yaml import Mapping, Node, Scalar, Unreadable, documents
from poollint.environments import environment_of, environment_of_name, environment_word
from poollint.readers import _merge
from poollint.readers._helm.charts import Chart
from poollint.readers._helm.commands import key_path
from poollint.readers._helm.releases import Release, Use

if TYPE_CHECKING:
    from poollint.discover import Tree
    from poollint.readers._manifests import Bundle, Manifest

_ARGO, _FLUX = "argoproj.io", "helm.toolkit.fluxcd.io"


def releases(tree: Tree, charts: list[Chart], bundles: Iterable[Bundle]) -> Iterator[Release]:
    """Yield what the objects of these bundles install of these charts."""
    folders = {chart.folder: chart for chart in charts}
    for bundle in bundles:
        for manifest in bundle.of("Application", group=_ARGO):
            yield from _application(tree, manifest, bundle, folders)
        for manifest in bundle.of("HelmRelease", group=_FLUX):
            yield from _helm_release(tree, manifest, bundle, folders)


def _application(tree: Tree, manifest: Manifest, bundle: Bundle, folders: dict[str, Chart]) -> Iterator[Release]:
    spec = manifest.node.at("spec")
    source = manifest.node.at("spec", "source")
    sources = [source] if source is not None else manifest.node.items_at("spec", "sources")
    for source in sources if spec is not None else ():
        chart = folders.get(_clean(source.text_at("path")))
        if chart is None or not source.text_at("path"):
            continue
        use = Use(chart, source.text_at("helm", "releaseName") or manifest.name)
        for item in source.items_at("helm", "valueFiles"):
            written = item.text_at() or ""
            path = _argo_file(tree, chart, written)
            if path is not None or source.text_at("helm", "ignoreMissingValueFiles") != "true":
                use.add_file(tree, path, written)
        _lay_text(use, source.at("helm", "values"))
        _lay(use, source.at("helm", "valuesObject"))
        for parameter in source.items_at("helm", "parameters"):
            _set(use, parameter)
        yield from _finished(tree, use, manifest, bundle, manifest.node.text_at("spec", "destination", "namespace"))


def _argo_file(tree: Tree, chart: Chart, written: str) -> str | None:
    """Relative to the chart; `/x` from the root of its repository, `$values/x` from that of another source."""
    if written.startswith(("/", "$")):
        path = _clean(written.partition("/")[2])
    else:
        path = normpath(join(chart.folder, written))
    return path if path in tree else None


def _helm_release(tree: Tree, manifest: Manifest, bundle: Bundle, folders: dict[str, Chart]) -> Iterator[Release]:
    spec = ("spec", "chart", "spec")
    chart = folders.get(_clean(manifest.node.text_at(*spec, "chart")))
    if chart is None or manifest.node.text_at(*spec, "sourceRef", "kind") == "HelmRepository":
        return
    use = Use(chart, manifest.node.text_at("spec", "releaseName") or manifest.name)
    for item in manifest.node.items_at(*spec, "valuesFiles"):
        written = item.text_at() or ""
        path = _clean(written)
        use.add_file(tree, path if path in tree else None, written)
    for source in manifest.node.items_at("spec", "valuesFrom"):
        _values_from(use, source, manifest, bundle)
    _lay(use, manifest.node.at("spec", "values"))
    yield from _finished(tree, use, manifest, bundle, manifest.node.text_at("spec", "targetNamespace"))


def _values_from(use: Use, source: Node, manifest: Manifest, bundle: Bundle) -> None:
    """Lay over the values of a ConfigMap; a Secret holds what no number rests on, as a file of secrets does."""
    key = source.text_at("valuesKey") or "values.yaml"
    kind, name = source.text_at("kind") or "", source.text_at("name") or ""
    found = bundle.find(kind, name, manifest) if kind == "ConfigMap" else None
    data = found.node.at("data", key) if found is not None else None
    if target := source.text_at("targetPath"):
        use.sets[key_path(target)] = _merge.scalar(f"{{{{ {key} of {kind} {name} }}}}", source.location)
    elif data is not None:
        _lay_text(use, data)
    elif kind != "Secret" and source.text_at("optional") != "true":
        use.is_whole = False


def _finished(
    tree: Tree, use: Use, manifest: Manifest, bundle: Bundle, namespace: str | None
) -> Iterator[Release]:
    hints = (
        bundle.environment,
        environment_of(tree, manifest.path),
        environment_word(namespace or manifest.namespace),
        environment_of_name(manifest.name),
    )
    release = use.release(tree, *hints)
    if release is not None:
        yield release


def _lay(use: Use, node: Node | None) -> None:
    if isinstance(node, Mapping):
        use.layers.append(node)


def _lay_text(use: Use, node: Node | None) -> None:
    """Lay over a text that is YAML itself."""
    if not isinstance(node, Scalar) or not node.text.strip():
        return
    place = node.location
    # A block of text starts on the line after its `|`; empty lines in front keep the line numbers.
    skipped = place.line - 1 + (place.end_line != place.line)
    try:
        for document in documents(place.path, "\n" * skipped + node.text)[:1]:
            _lay(use, document)
    except Unreadable:
        use.is_whole = False


def _set(use: Use, parameter: Node) -> None:
    name, value = parameter.text_at("name"), parameter.at("value")
    if name and isinstance(value, Scalar) and (path := key_path(name)):
        use.sets[path] = Scalar(value.text, parameter.text_at("forceString") == "true", None, value.location)


def _clean(path: str | None) -> str:
    clean = normpath(path or ".")
    return "" if clean == "." else clean
