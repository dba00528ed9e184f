"""Compose files: services as workloads, database and pooler containers, one project per folder."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from poollint import images
from poollint._expand import Piece, Scope, glued, interpolate, is_written, part_of, setting_of
from poollint._words import places
from poollint._yaml import Mapping, Node, Scalar, Sequence
from poollint.environments import environment_word
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
from poollint.readers import _dotenv
from poollint.readers._compose_files import File, FileSet, file_sets, files_of, read_file, relative, scales, texts
from poollint.readers._containers import hide, is_infrastructure

if TYPE_CHECKING:
    from poollint.discover import Tree

Fact = Workload | Image | Database | Pooler

DEEPEST_EXTENDS = 8
_MARK, _END = 0xE000, "\uf8ff"  # the first and the last of Unicode's private characters
_MARKED = re.compile(r"([^\ue000-\uf8ff]+)|([\ue000-\uf8fe])([^\uf8ff]*)\uf8ff?")


def read(tree: Tree) -> Iterator[Fact]:
    """Yield the facts of every Compose project."""
    files = files_of(tree)
    included = {path for file in files.values() for path in file.included}
    scaled = {name: found[0] for name, found in scales(tree).items() if len(found) == 1} if files else {}
    folders: dict[str, list[File]] = {}
    for path, file in files.items():
        if path not in included:
            folders.setdefault(posixpath.dirname(path), []).append(file)
    for folder in sorted(folders):
        for fileset in file_sets(tree, folders[folder]):
            with tree.guard(fileset.files[0].path):
                yield from list(Project(tree, folder, fileset, files, scaled).facts())


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


@dataclass(frozen=True, slots=True)
class Told:
    """What a service says of the program it runs."""

    image: str | None
    build: Build | None
    variables: Environment
    entrypoint: Words | None
    command: Words | None


@dataclass(slots=True)
class Project:
    tree: Tree
    folder: str
    fileset: FileSet
    files: dict[str, File]
    scaled: dict[str, Known]  # what a script says when it starts the project
    scope: Scope = field(init=False)
    services: dict[str, Service] = field(init=False)
    enabled: frozenset[str] = field(init=False)
    awaited: frozenset[str] = field(init=False)  # services that end before others start
    keys: dict[str, Location] = field(default_factory=dict)

    def __post_init__(self) -> None:
        path = posixpath.join(self.folder, ".env")
        given = _dotenv.variables(self.tree, path)
        self.scope = Scope(_dotenv.example(self.tree, path, self.fileset.environment) if given is None else given)
        self.services = self._services()
        self.enabled = self._enabled()
        self.awaited = frozenset(self._awaited())

    def _enabled(self) -> frozenset[str]:
        """Return the profiles that `.env`, else the example of one, switches on."""
        setting = self.scope.variables.get("COMPOSE_PROFILES")
        return frozenset(str(setting.value).split(",")) if isinstance(setting, Known) else frozenset()

    def _awaited(self) -> Iterator[str]:
        """Yield the services that another one waits for to have done their work."""
        for service in self.services.values():
            for waits, _ in service.all("depends_on"):
                for name, how in waits.pairs() if isinstance(waits, Mapping) else ():
                    if how.text_at("condition") == "service_completed_successfully":
                        yield name

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
                other = self.files.get(path) or read_file(self.tree, path)
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
            target = relative(posixpath.dirname(file.path), path)
            other = (self.files.get(target) or read_file(self.tree, target)) if target is not None else None
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
        told = Told(
            self.text(service.get("image")),
            self.build(service),
            self.environment(service),
            self.words(service, "entrypoint"),
            self.words(service, "command"),
        )
        server = self.server(service, told)
        if server is not None:
            yield self.placed(server, service)
        elif told.build is None:
            if told.image and not _is_foreign(told.image):
                yield self.workload(service, told)
        else:
            if told.image:
                yield Image(told.image, told.build, self.place(service))
            if not self.runs_no_python(told.build):
                yield self.workload(service, told)

    def place(self, service: Service) -> Location:
        return self.keys.get(service.name, service.location)

    def placed(self, server: Database | Pooler, service: Service) -> Database | Pooler:
        """Return a server with its name, its place and the names that reach it."""
        if isinstance(server, Pooler):
            server = replace(server, replicas=self.replicas(service))
        return replace(
            server,
            name=service.name,
            location=server.location or self.place(service),
            unit=self.folder,
            environment=self.environment_name(service),
            hosts=self.hosts(service),
            platform="compose",
        )

    def workload(self, service: Service, told: Told) -> Workload:
        instances, rollout = self.instances(service)
        mounts = tuple(self.mounts(service))
        is_awaited = service.name in self.awaited
        return Workload(
            name=service.name,
            platform="compose",
            kind="init" if is_awaited else "job" if self.text(service.get("restart")) == "no" else "service",
            location=self.place(service),
            unit=self.folder,
            environment=self.environment_name(service),
            instances=instances,
            rollout_instances=rollout,
            rollout_documented=True,
            cpus=self.cpus(service),
            variables=told.variables,
            entrypoint=told.entrypoint,
            command=told.command,
            working_directory=self.text(service.get("working_dir")),
            mounts=mounts,
            image=told.image,
            build=told.build,
            sources=tuple(source for _, source in mounts if source in self.tree.folders),
            life="one-off" if is_awaited else "long-lived",
        )

    def server(self, service: Service, told: Told) -> Database | Pooler | None:
        """Return the database or pooler that a service runs, from its image or from the base of its build."""
        image, command, variables = told.image, told.command or told.entrypoint, told.variables
        mounts = dict(self.mounts(service))
        if told.build is not None:
            from poollint.commands import container_of

            container = container_of(told.build, self.tree)
            if container is None or images.kind_of(container.base) is None:
                return None
            image, command = container.base, command or container.command
            variables = Environment({**container.variables, **variables.variables}, variables.complete)
            mounts = {**{copy.target: copy.source for copy in container.copies}, **mounts}
        if image is None:
            return None
        return images.server_of(image, variables, command, lambda path: self.mounted(path, mounts))

    def runs_no_python(self, build: Build) -> bool:
        from poollint.commands import container_of

        container = container_of(build, self.tree)
        return container is not None and images.runs_no_python(container.base)

    def mounted(self, path: str, mounts: dict[str, str]) -> tuple[str, str] | None:
        """Return the text of a mounted file; a folder stands for the only configuration file in it."""
        for target, source in sorted(mounts.items(), key=lambda pair: -len(pair[0])):
            if path == target or path.startswith(target.rstrip("/") + "/"):
                found = posixpath.normpath(posixpath.join(source, path[len(target) :].lstrip("/")))
                if found in self.tree.folders:
                    inside = [
                        file
                        for file in self.tree.files
                        if posixpath.dirname(file) == found and file.endswith((".cnf", ".conf"))
                    ]
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
            for name, network in node.pairs_at():
                found.extend(item.text for item in node.items_at(name, "aliases") if isinstance(item, Scalar))
                if isinstance(network, Mapping):
                    found.append(self.text(network.get("ipv4_address")) or "")
        for other in self.services.values():
            for node, _ in (*other.all("links"), *other.all("external_links")):
                for item in texts(node):
                    target, colon, alias = item.text.partition(":")
                    if colon and target == service.name:
                        found.append(alias)
        return tuple(dict.fromkeys(name.lower() for name in found if name))

    def environment_name(self, service: Service) -> str | None:
        """A profile named for an environment says more than the file does."""
        for profile in texts(service.get("profiles")):
            if word := environment_word(profile.text):
                return word
        return self.fileset.environment

    # -- numbers

    def instances(self, service: Service) -> tuple[Setting, Setting]:
        """Return (steady, roll-out): the order start-first starts new containers beside the old ones."""
        steady = self.replicas(service)
        profiles = [profile for profile in texts(service.get("profiles")) if not environment_word(profile.text)]
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
        """Return how many containers run: `--scale` of the command line beats what the file says."""
        if service.name in self.scaled and self.fileset.environment is None:
            return self.scaled[service.name]
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
        piece = glued(pieces)
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
        """Return the variables: `env_file` in its order, then `environment`; complete when every file was readable.

        The example of a file that nobody commits says what most likely stands in it, and never that there is no more.
        """
        found: dict[str, Setting] = {}
        complete = True
        for node, folder in reversed(service.all("env_file")):
            for path, required in _env_files(node):
                target = relative(folder, path)
                given = _dotenv.variables(self.tree, target) if target is not None else None
                if given is None:
                    complete = complete and not required
                    given = _dotenv.example(self.tree, target, self.fileset.environment) if target is not None else {}
                found.update({name: _hidden(name, setting) for name, setting in given.items()})
        for node, _ in reversed(service.all("environment")):
            found.update(self._variables(node))
        return Environment(found, complete)

    def _variables(self, node: Node) -> Iterator[tuple[str, Setting]]:
        if isinstance(node, Mapping):
            for name, value in node.pairs():
                yield (
                    name,
                    self._variable(
                        name, value if isinstance(value, Scalar) and value.value is not None else None, node.location
                    ),
                )
        for item in texts(node) if isinstance(node, Sequence) else ():
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
        if (
            isinstance(setting, Known)
            and setting.origin.location is not None
            and len(pieces) == 1
            and pieces[0].written
        ):
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
        words, parts, places = [], [], []
        for item in texts(node):
            pieces = interpolate(item.text, self.scope)
            words.append("".join(piece.text for piece in pieces))
            parts.append(tuple(map(part_of, pieces)))
            places.append(item.location)
        return Words(node.location, tuple(words), locations=tuple(places), parts=tuple(parts))

    def _split(self, node: Scalar) -> Words:
        """Mark what variables made before splitting, so that every word still knows what it is made of."""
        pieces = interpolate(re.sub(r"[\ue000-\uf8ff]", "", node.text), self.scope)[:5_000]
        marked = "".join(_marked(piece, index) for index, piece in enumerate(pieces))
        try:
            parts = shlex.split(marked)
        except ValueError:
            parts = marked.split()
        words = [re.sub(r"[\ue000-\uf8ff]", "", part) for part in parts]
        made = tuple(tuple(_parts_of(part, pieces)) for part in parts)
        return Words(node.location, tuple(words), locations=self._places(node, words), parts=made)

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
            context = relative(folder, self.text(node) or "")
            return None if context is None else Build(context)
        if not isinstance(node, Mapping):
            return None
        context = relative(folder, self.text(service.get("build", "context")) or ".")
        if context is None:
            return None
        name = self.text(service.get("build", "dockerfile"))
        dockerfile = relative(context, name) if name else None
        given = service.get("build", "args")
        arguments = tuple(self._variables(given)) if given is not None else ()
        return Build(context, dockerfile, self.text(service.get("build", "target")), arguments)

    def mounts(self, service: Service) -> Iterator[tuple[str, str]]:
        """Yield (path in the container, path here) for bind mounts and configs of files in the tree."""
        for node, folder in reversed(service.all("volumes")):
            for item in node.items if isinstance(node, Sequence) else ():
                source, target = self._volume(item)
                path = relative(folder, source) if source.startswith((".", "$")) or "/" in source else None
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
                found = relative(posixpath.dirname(file.path), path) if path else None
                if found is not None:
                    yield target, found


def _env_files(node: Node) -> Iterator[tuple[str, bool]]:
    """Yield (path, whether it is required)."""
    for item in node.items if isinstance(node, Sequence) else (node,):
        if isinstance(item, Scalar):
            yield item.text, True
        elif (path := item.text_at("path")) is not None:
            yield path, item.text_at("required") != "false"


def _is_foreign(image: str) -> bool:
    """Say whether an image that is not built here runs none of the project's code."""
    return is_infrastructure(image) or images.runs_no_python(image) or images.kind_of(image) is not None


def _marked(piece: Piece, index: int) -> str:
    """Return a piece's text with private characters around each word that a variable made."""
    if is_written(piece):
        return piece.text
    mark = chr(_MARK + index)
    return re.sub(r"\S+", lambda word: mark + word[0] + _END, piece.text) if piece.text.strip() else mark + piece.text + _END


def _parts_of(word: str, pieces: list[Piece]) -> Iterator[str | Setting]:
    """Yield what a marked word is made of."""
    for literal, mark, made in _MARKED.findall(word):
        yield literal or part_of(replace(pieces[ord(mark) - _MARK], text=made))


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
