"""What Cloud Run and Knative share: Services whose revisions scale by annotations, and traffic that names revisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poollint.facts import Known, Origin, Setting, Unknown, weakest

if TYPE_CHECKING:
    from poollint._yaml import Node
    from poollint.readers._manifests import Bundle, Manifest

SERVING = "serving.knative.dev"
RUN = "run.googleapis.com"


def is_cloud_run(manifest: Manifest) -> bool:
    """Say whether a Knative Service is written for Cloud Run, by its annotations, label or image."""
    annotations = [key for where in _ANNOTATIONS for key, _ in manifest.node.pairs_at(*where)]
    if any(f"{RUN}/" in key for key in annotations):
        return True
    if manifest.node.at("metadata", "labels", "cloud.googleapis.com/location") is not None:
        return True
    containers = manifest.node.items_at("spec", "template", "spec", "containers")
    return any(_is_google_image(container.text_at("image") or "") for container in containers)


_ANNOTATIONS = (
    ("metadata", "annotations"),
    ("metadata", "labels"),
    ("spec", "template", "metadata", "annotations"),
)


def _is_google_image(image: str) -> bool:
    registry = image.partition("/")[0]
    return registry == "gcr.io" or registry.endswith((".gcr.io", ".pkg.dev"))


def template_annotation(manifest: Manifest, *names: str) -> Node | None:
    """Return the revision's annotation of the first of these names."""
    return _annotation(manifest, ("spec", "template", "metadata", "annotations"), names)


def service_annotation(manifest: Manifest, *names: str) -> Node | None:
    """Return the service's own annotation of the first of these names."""
    return _annotation(manifest, ("metadata", "annotations"), names)


def _annotation(manifest: Manifest, where: tuple[str, ...], names: tuple[str, ...]) -> Node | None:
    return next((n for name in names if (n := manifest.node.at(*where, name)) is not None), None)


# -- traffic -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Share:
    """One revision in the split: `manifest` describes it; None when no file does."""

    percent: int
    manifest: Manifest | None
    says: str
    node: Node | None = None


def shares(manifest: Manifest, bundle: Bundle) -> list[Share]:
    """Return the revisions that receive traffic; without `traffic` it is the one this file makes."""
    found: dict[str, Share] = {}
    for item in manifest.node.items_at("spec", "traffic"):
        name = item.text_at("revisionName") or ""
        try:
            percent = int(item.text_at("percent") or "0")
        except ValueError:
            percent = 100
        # A tag alone gives an address, but no traffic.
        if percent <= 0:
            continue
        latest = not name or item.text_at("latestRevision") == "true"
        described = manifest if latest or name == revision_name(manifest) else _revision(name, manifest, bundle)
        key = "" if described is manifest else name
        before = found[key].percent if key in found else 0
        found[key] = Share(before + percent, described, f"revision {name}" if name else "latest revision", item)
    return list(found.values()) or [Share(100, manifest, "latest revision")]


def revision_name(manifest: Manifest) -> str | None:
    """Return the name that a file gives the revision it describes."""
    return manifest.node.text_at("spec", "template", "metadata", "name")


def _revision(name: str, manifest: Manifest, bundle: Bundle) -> Manifest | None:
    """Return the file that describes a revision of the same service."""
    described = (m for m in bundle.all("Service") if m.group == SERVING and m.is_called(manifest.name))
    return next((m for m in described if revision_name(m) == name), None)


def add(settings: list[Setting], says: str) -> Setting:
    """Add the maxima of several revisions; one unknown makes the sum unknown."""
    if len(settings) == 1:
        return settings[0]
    unknown = next((s for s in settings if isinstance(s, Unknown)), None)
    if unknown is not None:
        return unknown
    known = [s for s in settings if isinstance(s, Known)]
    largest = max(known, key=lambda s: s.value)
    return Known(sum(s.value for s in known), Origin(says, largest.origin.location, largest.origin.url), weakest(known))
