"""Compose files: services as workloads, database and pooler containers, one project per folder.

A project's file set is its base file with the files that belong to it; a file named for an environment is merged over
the base when its services are incomplete alone, and is a set of its own when they are complete.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from poollint import images
from poollint._expand import Piece, Scope, glued, interpolate, setting_of
from poollint._words import places
from poollint._yaml import Mapping, Node, Scalar, Sequence
from poollint.environments import environment_of, environment_word
from poollint.facts import (
    Build,
    Database,
    Environment,
    Image,
    Known,
    Location,
    Origin,
    Pooler,
    Setting,
    Unknown,
    Words,
    Workload,
)
from poollint.readers import dotenv
from poollint.readers._containers import hide, is_infrastructure

if TYPE_CHECKING:
    from poollint.discover import Tree

Fact = Workload | Image | Database | Pooler

_BASE = re.compile(r"(docker-)?compose\.ya?ml$", re.IGNORECASE)
_OVERRIDE = re.compile(r"(docker-)?compose\.override\.ya?ml$", re.IGNORECASE)
_PATTERNS = ("compose.y*ml", "compose[.-_]*.y*ml", "docker-compose*.y*ml", "docker_compose*.y*ml", "*.compose.y*ml",
             "*-compose.y*ml", "docker-stack*.y*ml", "podman-compose*.y*ml")  # fmt: skip
DEEPEST_EXTENDS = 8


def read(tree: Tree) -> Iterator[Fact]:
    """Yield the facts of every Compose project."""
    files = {path: file for path in tree.named(*_PATTERNS) if (file := _file(tree, path)) is not None}
    included = {path for file in files.values() for path in file.included}
    folders: dict[str, list[File]] = {}
    for path, file in files.items():
        if path not in included:
            folders.setdefault(posixpath.dirname(path), []).append(file)
    for folder in sorted(folders):
        for fileset in file_sets(tree, folders[folder]):
            with tree.guard(fileset.files[0].path):
                yield from list(Project(tree, folder, fileset, files).facts())


# -- files and file sets


@dataclass(frozen=True, slots=True)
class File:
    path: str
    root: Mapping
    included: tuple[str, ...] = ()

    @property
    def services(self) -> dict[str, Mapping]:
        return {name: node for name, node in self.root.pairs_at("services") if isinstance(node, Mapping)}

    @property
    def is_complete(self) -> bool:
        """Say whether every service can start from this file alone."""
        services = self.services.values()
        return bool(services) and all(any(key in node for key in ("image", "build", "extends")) for node in services)


@dataclass(frozen=True, slots=True)
class FileSet:
    """The files of one run of Compose, the weakest first, and the environment they are for."""

    environment: str | None
    files: tuple[File, ...]
    services: frozenset[str] | None = None  # only these are new; None: all


def _file(tree: Tree, path: str) -> File | None:
    content = tree.bytes(path)
    if content is None or b"services" not in content and b"include" not in content:
        return None
    documents = tree.yaml(path)
    root = documents[0] if documents else None
    if not isinstance(root, Mapping) or not (isinstance(root.get("services"), Mapping) or "include" in root):
        return None
    return File(path, root, tuple(_included(path, root)))


def _included(path: str, root: Mapping) -> Iterator[str]:
    node = root.get("include")
    for item in node.items if isinstance(node, Sequence) else ():
        names = [item] if isinstance(item, Scalar) else _texts(item.at("path"))
        for name in names:
            found = _relative(posixpath.dirname(path), name.text)
            if found is not None:
                yield found


def _texts(node: Node | None) -> list[Scalar]:
    items = node.items if isinstance(node, Sequence) else (node,)
    return [item for item in items if isinstance(item, Scalar)]


def _relative(folder: str, path: str) -> str | None:
    """Return a path of the project as a path of the tree; None when it leaves the root or is no plain path."""
    path = re.sub(r"^(\$\{?PWD\}?)(?=/|$)", ".", path.strip())
    if "$" in path or "://" in path or path.startswith(("/", "~", "git@")):
        return None
    found = posixpath.normpath(posixpath.join(folder, path))
    return None if found.startswith("..") else "" if found == "." else found


def file_sets(tree: Tree, files: list[File]) -> Iterator[FileSet]:
    """Group the files of one folder: the unmarked set, then one for every environment that a file name says."""
    by_path = {file.path: file for file in files}
    named = {path: environment_word(posixpath.basename(path)) for path in by_path}
    folder_environment = environment_of(tree, posixpath.join(posixpath.dirname(files[0].path), "compose.yaml"))
    base = [by_path[path] for path in sorted(by_path) if _BASE.match(posixpath.basename(path))][-1:]
    override = [by_path[path] for path in by_path if _OVERRIDE.match(posixpath.basename(path))][:1] if base else []
    others = [by_path[path] for path in sorted(by_path) if named[path] is None and by_path[path] not in (*base, *override)]
    if base:
        yield FileSet(folder_environment, tuple(base))
    if override:
        # Compose merges it by itself on a developer's machine; a deployment names its files.
        yield FileSet(folder_environment or "local", (*base, *override))
    seen = {name for file in base for name in file.services}
    for file in others:
        # Beside the base, a further unmarked file is an alternative: only what is new in it can run as well.
        new = frozenset(file.services) - seen
        seen |= new
        if new:
            yield FileSet(folder_environment, (file,) if file.is_complete or not base else (*base, file), new if base else None)
    yield from _environment_sets(by_path, named, base)


def _environment_sets(by_path: dict[str, File], named: dict[str, str | None], base: list[File]) -> Iterator[FileSet]:
    seen: dict[str, set[str]] = {}
    for path in sorted(by_path):
        environment = named[path]
        if environment is None:
            continue
        file = by_path[path]
        files = (file,) if file.is_complete or not base else (*base, file)
        names = {name for member in files for name in member.services}
        known = seen.setdefault(environment, set())
        new = frozenset(names - known)
        if new:
            yield FileSet(environment, files, new if known else None)
        known |= names


# -- one project


@dataclass(slots=True)
class Service:
    """One service over all the mappings that define it, the strongest first."""

    name: str
    layers: list[tuple[Mapping, str]]  # (mapping, folder that its paths are relative to)

    def get(self, *keys: str) -> Node | None:
        for layer, _ in self.layers:
            node = layer.at(*keys)
            if node is not None:
                return None if node.tag == "!reset" or isinstance(node, Scalar) and node.value is None else node
        return None

    def all(self, *keys: str) -> list[tuple[Node, str]]:
        """Return every layer's node, the strongest first."""
        return [(node, folder) for layer, folder in self.layers if (node := layer.at(*keys)) is not None]

    def folder_of(self, *keys: str) -> str:
        return next((folder for layer, folder in self.layers if layer.at(*keys) is not None), "")

    @property
    def location(self) -> Location:
        return self.layers[0][0].location


@dataclass(slots=True)
class Project:
    tree: Tree
    folder: str
    fileset: FileSet
    files: dict[str, File]
    scope: Scope = field(init=False)
    services: dict[str, Service] = field(init=False)
    enabled: frozenset[str] = field(init=False)
    keys: dict[str, Location] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = dotenv.variables(self.tree, posixpath.join(self.folder, ".env")) or {}
        self.scope = Scope(given)
        self.services = self._services()
        self.enabled = self._enabled()

    def _enabled(self) -> frozenset[str]:
        """Return the profiles that `.env`, else the example of one, switches on."""
        for name in (".env", ".env.example", ".env.sample", ".env.dist"):
            given = dotenv.variables(self.tree, posixpath.join(self.folder, name)) or {}
            setting = given.get("COMPOSE_PROFILES")
            if isinstance(setting, Known):
                return frozenset(str(setting.value).split(","))
        return frozenset()

    def _services(self) -> dict[str, Service]:
        found: dict[str, Service] = {}
        for file in (*self._includes(), *self.fileset.files):
            for name, node in file.services.items():
                layers = [(node, posixpath.dirname(file.path)), *self._extended(node, file, 0)]
                key = file.root.at("services")
                if isinstance(key, Mapping) and (place := key.key(name)):
                    self.keys[name] = place.location
                if name in found:
                    found[name].layers[:0] = layers
                else:
                    found[name] = Service(name, layers)
        return found

    def _includes(self) -> Iterator[File]:
        for file in self.fileset.files:
            for path in file.included:
                other = self.files.get(path) or _file(self.tree, path)
                if other is not None:
                    yield other

    def _extended(self, node: Mapping, file: File, depth: int) -> list[tuple[Mapping, str]]:
        """Return the mappings that a service extends, the nearest first."""
        extends = node.get("extends")
        if extends is None or depth >= DEEPEST_EXTENDS:
            return []
        name = extends.text if isinstance(extends, Scalar) else extends.text_at("service")
        path = extends.text_at("file")
        other: File | None = file
        if path is not None:
            target = _relative(posixpath.dirname(file.path), path)
            other = (self.files.get(target) or _file(self.tree, target)) if target is not None else None
        base = other.services.get(name or "") if other is not None else None
        if base is None or other is None:
            return []
        return [(base, posixpath.dirname(other.path)), *self._extended(base, other, depth + 1)]

    # -- facts

    def facts(self) -> Iterator[Fact]:
        wanted = self.fileset.services
        for name, service in self.services.items():
            if wanted is None or name in wanted:
                yield from self.service(service)

    def service(self, service: Service) -> Iterator[Fact]:
        image, build = self.text(service.get("image")), self.build(service)
        variables = self.environment(service)
        entrypoint, command = self.words(service, "entrypoint"), self.words(service, "command")
        place = self.keys.get(service.name, service.location)
        server = self.server(service, image, build, variables, entrypoint, command)
        if server is not None:
            hosts, environment = self.hosts(service), self.environment_name(service)
            common = dict(name=service.name, location=server.location or place, unit=self.folder, environment=environment, hosts=hosts)
            if isinstance(server, Pooler):
                yield replace(server, replicas=self.replicas(service), **common)
            else:
                yield replace(server, **common)
            return
        if image and build:
            yield Image(image, build, place)
        if build is None and (image is None or is_infrastructure(image) or images.kind_of(image)):
            return
        if build is not None and self.runs_no_python(build):
            return
        instances, rollout = self.instances(service)
        yield Workload(
            name=service.name,
            platform="compose",
            kind="service",
            location=place,
            unit=self.folder,
            environment=self.environment_name(service),
            instances=instances,
            rollout_instances=rollout,
            rollout_documented=True,
            cpus=self.cpus(service),
            variables=variables,
            entrypoint=entrypoint,
            command=command,
            working_directory=self.text(service.get("working_dir")),
            mounts=tuple(self.mounts(service)),
            image=image,
            build=build,
            sources=tuple(source for _, source in self.mounts(service) if source in self.tree.folders),
        )

    def server(
        self, service: Service, image: str | None, build: Build | None, variables: Environment,
        entrypoint: Words | None, command: Words | None,
    ) -> Database | Pooler | None:  # fmt: skip
        """Return the database or pooler that a service runs, from its image or from the base of its build."""
        mounts = {target: source for target, source in self.mounts(service)}
        if build is not None:
            from poollint.commands import _container

            container = _container.built(build, self.tree)
            if container is None or images.kind_of(container.base) is None:
                return None
            image, command = container.base, command or container.command
            variables = Environment({**container.variables, **variables.variables}, variables.complete)
            for copy in container.copies:
                mounts.setdefault(copy.target, copy.source)
        if image is None:
            return None
        return images.server_of(image, variables, command or entrypoint, lambda path: self.mounted(path, mounts))

    def runs_no_python(self, build: Build) -> bool:
        from poollint.commands import _container

        container = _container.built(build, self.tree)
        return container is not None and images.runs_no_python(container.base)

    def mounted(self, path: str, mounts: dict[str, str]) -> tuple[str, str] | None:
        """Return the text of a mounted file; a folder stands for the only configuration file in it."""
        for target, source in sorted(mounts.items(), key=lambda pair: -len(pair[0])):
            if path == target or path.startswith(target.rstrip("/") + "/"):
                found = posixpath.normpath(posixpath.join(source, path[len(target) :].lstrip("/")))
                if found in self.tree.folders:
                    inside = [file for file in self.tree.files if posixpath.dirname(file) == found and file.endswith((".cnf", ".conf"))]
                    found = inside[0] if len(inside) == 1 else found
                text = self.tree.text(found) if found in self.tree else None
                return None if text is None else (text, found)
        return None

    def hosts(self, service: Service) -> tuple[str, ...]:
        """Return every name under which the project's other services reach this one."""
        found = [service.name]
        for key in ("container_name", "hostname"):
            found.append(self.text(service.get(key)) or "")
        for node, _ in service.all("networks"):
            for name, _network in node.pairs_at():
                found.extend(item.text for item in node.items_at(name, "aliases") if isinstance(item, Scalar))
        for other in self.services.values():
            for node, _ in (*other.all("links"), *other.all("external_links")):
                for item in _texts(node):
                    target, colon, alias = item.text.partition(":")
                    if colon and target == service.name:
                        found.append(alias)
        return tuple(dict.fromkeys(name.lower() for name in found if name))

    def environment_name(self, service: Service) -> str | None:
        """A profile named for an environment says more than the file does."""
        for profile in _texts(service.get("profiles")):
            if word := environment_word(profile.text):
                return word
        return self.fileset.environment

    # -- numbers

    def instances(self, service: Service) -> tuple[Setting, Setting]:
        """Return (steady, roll-out): the order start-first starts new containers beside the old ones."""
        steady = self.replicas(service)
        profiles = [profile for profile in _texts(service.get("profiles")) if not environment_word(profile.text)]
        if profiles and not self.enabled.intersection(profile.text for profile in profiles):
            names = " or ".join(profile.text for profile in profiles)
            steady = Unknown(f"started only with the profile {names}", Origin("profiles", profiles[0].location))
        order = service.get("deploy", "update_config", "order")
        if not isinstance(steady, Known) or not isinstance(order, Scalar) or order.text != "start-first":
            return steady, steady
        parallel = self.number(service.get("deploy", "update_config", "parallelism"), "parallelism")
        extra = parallel.value if isinstance(parallel, Known) else 1
        surge = min(extra, steady.value) if extra else steady.value  # 0 updates all at once
        return steady, replace(steady, value=steady.value + surge, origin=Origin("start-first", order.location))

    def replicas(self, service: Service) -> Setting:
        mode = service.get("deploy", "mode")
        if isinstance(mode, Scalar) and mode.text.startswith("global"):
            return Unknown("one per node of the swarm", Origin("mode: global", mode.location))
        for keys in (("deploy", "replicas"), ("scale",)):
            node = service.get(*keys)
            if node is not None:
                return self.number(node, keys[-1])
        return Known(1, Origin("default of Compose"), "default")

    def number(self, node: Node | None, says: str) -> Setting:
        setting = self.setting(node, says)
        if isinstance(setting, Unknown):
            return setting
        try:
            return replace(setting, value=int(setting.value))
        except ValueError:
            return Unknown(f"{says} is not a plain number", setting.origin)

    def cpus(self, service: Service) -> Setting:
        for keys in (("deploy", "resources", "limits", "cpus"), ("cpus",)):
            node = service.get(*keys)
            setting = self.setting(node, "cpus") if node is not None else None
            number = str(setting.value) if isinstance(setting, Known) else ""
            # 0 is no limit.
            if isinstance(setting, Known) and re.fullmatch(r"\d{1,4}(\.\d+)?", number) and float(number) > 0:
                return replace(setting, value=float(setting.value))
        return Unknown("cpus is not set", Origin("cpus"))

    # -- text

    def setting(self, node: Node | None, says: str) -> Setting:
        """Return a scalar with its variables filled in; the evidence stands where the value is written."""
        if not isinstance(node, Scalar):
            return Unknown(f"{says} is not set" if node is None else f"{says} is not a single value", Origin(says))
        origin = Origin(says, node.location)
        pieces = interpolate(node.text, self.scope)
        if not pieces:
            return Known("", origin)
        piece = _readable(pieces)
        if piece.unknown:
            return Unknown(piece.unknown, origin)
        setting = setting_of(piece, says, origin)
        # A text that only contains a variable is written here; a text that is one is written where the variable is.
        if isinstance(setting, Known) and len(pieces) > 1:
            return replace(setting, origin=origin)
        return setting

    def text(self, node: Node | None) -> str | None:
        """Return a scalar's text, or None when it is absent or not readable; a placeholder in an image's name stays."""
        if not isinstance(node, Scalar):
            return None
        pieces = interpolate(node.text, self.scope)
        if any(piece.unknown for piece in pieces):
            return node.text
        return "".join(piece.text for piece in pieces) or None

    def environment(self, service: Service) -> Environment:
        """Return the variables: `env_file` in its order, then `environment`; complete when every file was readable."""
        found: dict[str, Setting] = {}
        complete = True
        for node, folder in reversed(service.all("env_file")):
            for path, required in _env_files(node):
                target = _relative(folder, path)
                given = dotenv.variables(self.tree, target) if target is not None else None
                if given is None:
                    complete = complete and not required
                found.update({name: _hidden(name, setting) for name, setting in (given or {}).items()})
        for node, _ in reversed(service.all("environment")):
            found.update(self._variables(node))
        return Environment(found, complete)

    def _variables(self, node: Node) -> Iterator[tuple[str, Setting]]:
        if isinstance(node, Mapping):
            for name, value in node.pairs():
                yield name, self._variable(name, value if isinstance(value, Scalar) and value.value is not None else None, node.location)
        for item in _texts(node) if isinstance(node, Sequence) else ():
            name, equals, text = item.text.partition("=")
            yield name, self._variable(name, Scalar(text, True, None, item.location) if equals else None, item.location)

    def _variable(self, name: str, value: Scalar | None, place: Location) -> Setting:
        if value is None:
            # A name alone is taken from the caller's shell, or from .env.
            return self.scope.variables.get(name, Unknown(f"{name} comes from the caller's shell", Origin(name, place)))
        pieces = interpolate(value.text, self.scope)
        origin = Origin(name, value.location)
        text = _url_with_gaps(pieces, value.text)
        if text is not None:
            return Known(hide(name, text), origin)
        setting = self.setting(value, name)
        if isinstance(setting, Known) and setting.origin.location is not None and len(pieces) == 1 and pieces[0].written:
            setting = replace(setting, origin=replace(setting.origin, says=name))
        return _hidden(name, setting)

    # -- commands and files

    def words(self, service: Service, key: str) -> Words | None:
        """Return a command: a string is split as a shell would, but no shell runs it."""
        node = service.get(key)
        if isinstance(node, Scalar):
            return self._split(node)
        if not isinstance(node, Sequence):
            return None
        words, values, places = [], [], []
        for item in _texts(node):
            pieces = interpolate(item.text, self.scope)
            words.append("".join(piece.text for piece in pieces))
            values.append(_value(pieces, item.location))
            places.append(item.location)
        return Words(node.location, tuple(words), locations=tuple(places), values=tuple(values))

    def _split(self, node: Scalar) -> Words:
        """Mark what variables made before splitting, so that every word still knows how sure it is."""
        pieces = interpolate(re.sub(r"[\ue000-\uf8ff]", "", node.text), self.scope)[:5_000]
        marked = "".join(
            piece.text if not (piece.unknown or piece.written or piece.certainty != "exact")
            else re.sub(r"(^|\s+)(?=\S|$)", lambda gap, mark=chr(0xE000 + index): gap[0] + mark, piece.text)
            for index, piece in enumerate(pieces)
        )  # fmt: skip
        try:
            parts = shlex.split(marked)
        except ValueError:
            parts = marked.split()
        words, values = [], []
        for part in parts:
            inside = [pieces[ord(mark) - 0xE000] for mark in re.findall(r"[\ue000-\uf8ff]", part)]
            word = re.sub(r"[\ue000-\uf8ff]", "", part)
            words.append(word)
            values.append(_value([*inside, Piece()] if inside and word else inside, node.location))
        return Words(node.location, tuple(words), locations=self._places(node, words), values=tuple(values))

    def _places(self, node: Scalar, words: list[str]) -> tuple[Location, ...]:
        """Return where the words stand: they are looked for as they are written, before variables are filled in."""
        try:
            written = shlex.split(node.text)
        except ValueError:
            written = node.text.split()
        same = written if len(written) == len(words) else words
        return places(tuple(same), node.location, self.tree.text(node.location.path))

    def build(self, service: Service) -> Build | None:
        node = service.get("build")
        folder = service.folder_of("build")
        if isinstance(node, Scalar):
            context = _relative(folder, self.text(node) or "")
            return None if context is None else Build(context)
        if not isinstance(node, Mapping):
            return None
        context = _relative(folder, self.text(service.get("build", "context")) or ".")
        if context is None:
            return None
        name = self.text(service.get("build", "dockerfile"))
        dockerfile = _relative(context, name) if name else None
        return Build(context, dockerfile, self.text(service.get("build", "target")))

    def mounts(self, service: Service) -> Iterator[tuple[str, str]]:
        """Yield (path in the container, path here) for bind mounts and configs of files in the tree."""
        for node, folder in reversed(service.all("volumes")):
            for item in node.items if isinstance(node, Sequence) else ():
                source, target = self._volume(item)
                path = _relative(folder, source) if source.startswith((".", "$")) or "/" in source else None
                if path is not None and target.startswith("/"):
                    yield posixpath.normpath(target), path
        for node, _ in service.all("configs"):
            yield from self._configs(node)

    def _volume(self, item: Node) -> tuple[str, str]:
        if isinstance(item, Scalar):
            parts = re.sub(r"\$\{PWD[^}]*\}|\$PWD", ".", item.text).split(":")
            return (parts[0], parts[1]) if len(parts) > 1 else ("", "")
        return item.text_at("source") or "", item.text_at("target") or ""

    def _configs(self, node: Node) -> Iterator[tuple[str, str]]:
        for item in node.items if isinstance(node, Sequence) else ():
            name = item.text if isinstance(item, Scalar) else item.text_at("source") or ""
            target = item.text_at("target") or f"/{name}"
            for file in self.fileset.files:
                path = file.root.text_at("configs", name, "file")
                found = _relative(posixpath.dirname(file.path), path) if path else None
                if found is not None:
                    yield target, found


def _env_files(node: Node) -> Iterator[tuple[str, bool]]:
    """Yield (path, whether it is required)."""
    for item in node.items if isinstance(node, Sequence) else (node,):
        if isinstance(item, Scalar):
            yield item.text, True
        elif (path := item.text_at("path")) is not None:
            yield path, item.text_at("required") != "false"


def _readable(pieces: list[Piece]) -> Piece:
    return glued(pieces)


def _value(pieces: list[Piece], place: Location) -> Setting:
    """Return how sure a word is."""
    piece = glued(pieces or [Piece()])
    if piece.unknown:
        return Unknown(piece.unknown, Origin("", place))
    return Known(piece.text, piece.written or Origin(""), piece.certainty)


def _hidden(name: str, setting: Setting) -> Setting:
    return replace(setting, value=hide(name, str(setting.value))) if isinstance(setting, Known) else setting


def _url_with_gaps(pieces: list[Piece], written: str) -> str | None:
    """Return a URL whose unknown parts leave its scheme and host readable, or None.

    An unknown user or password is no part of a target. An unknown database name stays as it is written: inside one
    project the same placeholder is the same name.
    """
    unknown = [index for index, piece in enumerate(pieces) if piece.unknown]
    if not unknown or "://" not in written:
        return None
    text = "".join(f"\ue000{index}\ue001" if piece.unknown else piece.text for index, piece in enumerate(pieces))
    match = re.fullmatch(r"([a-z][\w+.-]*://)(?:([^/@]*)@)?([\w.-]+(?::\d+)?)(/.*)?", text, re.DOTALL)
    if not match:
        return None
    names = re.findall(r"\$\{?([A-Za-z_]\w*)", written)
    tail = match[4] or ""
    for index in unknown:
        marker = f"\ue000{index}\ue001"
        reason = re.match(r"set by (\w+),", pieces[index].unknown)
        tail = tail.replace(marker, "${" + (reason[1] if reason else names[0] if names else "UNKNOWN") + "}")
    user = "***@" if match[2] is not None else ""
    return f"{match[1]}{user}{match[3]}{tail}"
