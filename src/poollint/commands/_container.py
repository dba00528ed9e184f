"""What a process finds around it: its folder, its files as paths of this repository, the variables of its image."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from poollint._expand import Scope, expand, glued, setting_of
from poollint.facts import Build, Image, Location, Origin, Setting, Words, Workload
from poollint.readers._dockerfile import in_context

if TYPE_CHECKING:
    from poollint.discover import Tree
    from poollint.readers._dockerfile import Dockerfile, Instruction, Stage

LONGEST_RUN = 100_000  # characters
DEEPEST_IMAGES = 5  # images built upon images of this repository


@dataclass(frozen=True, slots=True)
class Copy:
    """A file or folder of the repository, and its place in the container."""

    source: str
    target: str


@dataclass(slots=True)
class Container:
    """
    directory  the working directory, as the process sees it
    copies     what was copied in, the last wins
    written    files made by `RUN echo ... > file` or a heredoc: path → (text, place)
    read       the Dockerfiles that said so
    base       the image it is built on, when that is not from this repository
    is_checkout  there is no container: the command runs in the repository itself
    """

    directory: str = "/"
    copies: list[Copy] = field(default_factory=list)
    written: dict[str, tuple[str, Location]] = field(default_factory=dict)
    variables: dict[str, Setting] = field(default_factory=dict)
    entrypoint: Words | None = None
    command: Words | None = None
    read: list[str] = field(default_factory=list)
    base: str = ""
    context: str | None = None
    is_checkout: bool = False

    def path(self, path: str, directory: str | None = None) -> str:
        """Return the absolute path that `path` means in `directory`."""
        return posixpath.normpath(posixpath.join(directory or self.directory, path))

    def source(self, path: str, tree: Tree) -> str | None:
        """Return the file or folder of the repository that stands at an absolute path, or None."""
        for copy in reversed(self.copies):
            candidate = _below(copy, path)
            if candidate is not None and (candidate in tree or candidate in tree.folders):
                return candidate
        return self._folder_of_parts(path, tree)

    def _folder_of_parts(self, path: str, tree: Tree) -> str | None:
        """Return the folder whose parts were copied one by one: `COPY api/app /srv/api/app` for /srv/api."""
        prefix = path.rstrip("/") + "/"
        for copy in reversed(self.copies):
            inside = copy.target.removeprefix(prefix)
            if copy.target.startswith(prefix) and f"/{copy.source}".endswith(f"/{inside}"):
                folder = copy.source[: len(copy.source) - len(inside)].rstrip("/")
                if folder in tree.folders:
                    return folder
        return None


def _below(copy: Copy, path: str) -> str | None:
    if path == copy.target:
        return copy.source
    prefix = copy.target.rstrip("/") + "/"
    if path.startswith(prefix):
        return posixpath.normpath(posixpath.join(copy.source, path[len(prefix) :])).removeprefix("./")
    return None


def of(workload: Workload, tree: Tree, images: Sequence[Image] = ()) -> Container | None:
    """Return the container that a workload runs in, from its build or from the build of its image.

    None when its image is not made here; a workload without any image runs in the repository itself.
    """
    build = workload.build or build_of(workload.image, images)
    if build is None and workload.image is None:
        container: Container | None = _bare(workload, tree)
    else:
        container = built(build, tree, images) if build else None
    if container is not None:
        container.copies.extend(Copy(source, target) for target, source in workload.mounts)
    return container


def foreign(workload: Workload) -> Container:
    """The container of an image that is not made here: only its name is known."""
    return Container(base=workload.image or "", copies=[Copy(source, target) for target, source in workload.mounts])


def build_of(image: str | None, images: Sequence[Image]) -> Build | None:
    """Return how an image is built in this repository, by its full name or by a last path segment that is unique."""
    if not image:
        return None
    name = _untagged(image)
    exact = [one for one in images if _untagged(one.name) == name]
    if exact:
        return exact[0].build
    tail = name.rpartition("/")[2]
    if not tail or "$" in tail or "{" in tail:
        return None
    builds = {one.build for one in images if _untagged(one.name).rpartition("/")[2] == tail}
    return builds.pop() if len(builds) == 1 else None


def _untagged(image: str) -> str:
    image = image.partition("@")[0]
    head, _, tail = image.rpartition(":")
    return head if head and "/" not in tail else image


def _bare(workload: Workload, tree: Tree) -> Container:
    """A command that runs from a checkout: `/` is the root of the repository."""
    folder = workload.working_directory
    if folder is None:
        folder = posixpath.dirname(workload.location.path)
    container = Container(directory="/", copies=[Copy("", "/")], is_checkout=True)
    if folder.startswith("/"):
        # A unit file names a place on the server: its longest tail that is a folder here.
        parts = folder.strip("/").split("/")
        tails = ("/".join(parts[index:]) for index in range(len(parts)))
        tail = next((tail for tail in tails if tail in tree.folders), "")
        container.copies.append(Copy(tail, folder))
        container.directory = folder
    else:
        container.directory = posixpath.normpath("/" + folder)
    return container


_BUILT: WeakKeyDictionary[Tree, dict[tuple[Build, object, int], Container | None]] = WeakKeyDictionary()


def built(build: Build, tree: Tree, images: Sequence[Image] = (), depth: int = 0) -> Container | None:
    """Return the container that a Dockerfile makes; each is read once, and every caller gets a copy of its own."""
    known = _BUILT.setdefault(tree, {})
    key = (build, build.arguments, len(images))  # the images are those of one tree: none, or all of them
    if key not in known:
        known[key] = _built(build, tree, images, depth)
    found = known[key]
    return found and replace(
        found,
        copies=list(found.copies),
        written=dict(found.written),
        variables=dict(found.variables),
        read=list(found.read),
    )


def _built(build: Build, tree: Tree, images: Sequence[Image], depth: int) -> Container | None:
    """Follow a Dockerfile to its final (or named) stage."""
    from poollint.readers._dockerfile import parse

    path = dockerfile_of(build, tree)
    text = tree.text(path) if path else None
    if path is None or text is None:
        return None
    file = parse(path, text)
    stage = file.stage(build.target)
    if stage is None:
        return None
    container = _stage(file, stage, build, tree, images, depth)
    container.context = build.context
    return container


def dockerfile_of(build: Build, tree: Tree) -> str | None:
    """Return the path of the Dockerfile of a build, or None when it is not in the tree."""
    if build.dockerfile:
        return build.dockerfile if build.dockerfile in tree else None
    for name in ("Dockerfile", "Containerfile", "dockerfile"):
        path = _joined(build.context, name)
        if path in tree:
            return path
    return None


def _joined(folder: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(folder, name)) if folder not in ("", ".") else posixpath.normpath(name)


def _stage(file: Dockerfile, stage: Stage, build: Build, tree: Tree, images: Sequence[Image], depth: int) -> Container:
    lineage = file.lineage(stage)
    container = _base(lineage[0].base, tree, images, depth)
    container.read.append(file.path)
    scope = Scope(dict(container.variables), complete=True)
    for argument in file.arguments:
        _argument(argument, scope, build)
    reader = _Instructions(container, scope, file, build, tree, images, depth)
    for member in lineage:
        for instruction in member.instructions:
            reader.follow(instruction)
    return container


def _base(image: str, tree: Tree, images: Sequence[Image], depth: int) -> Container:
    """Start from an image: one of this repository, or a foreign one of which only the name is known."""
    build = build_of(image, images) if depth < DEEPEST_IMAGES else None
    container = built(build, tree, images, depth + 1) if build else None
    if container is None:
        container = Container(base=image)
    return container


def _argument(instruction: Instruction, scope: Scope, build: Build) -> None:
    name, equals, default = instruction.joined.partition("=")
    name = name.strip()
    given = dict(build.arguments).get(name)
    if given is not None:
        scope.variables.setdefault(name, given)
    elif equals and name not in scope.variables:
        value = glued(expand(default.strip().strip("\"'"), scope) or expand(" ", scope))
        scope.variables[name] = setting_of(value, name, Origin(name, instruction.location))


@dataclass(slots=True)
class _Instructions:
    """Applies the instructions of a stage to a container."""

    container: Container
    scope: Scope  # ENV and ARG, for expansion while building
    file: Dockerfile
    build: Build
    tree: Tree
    images: Sequence[Image]
    depth: int

    def follow(self, instruction: Instruction) -> None:
        method = getattr(self, "_" + instruction.name.lower(), None)
        if method:
            method(instruction)

    def _text(self, text: str) -> str:
        return "".join(piece.text for piece in expand(text, self.scope))

    def _arg(self, instruction: Instruction) -> None:
        _argument(instruction, self.scope, self.build)

    def _env(self, instruction: Instruction) -> None:
        from poollint._words import Source
        from poollint.readers._dockerfile import pairs

        place = Source(instruction.text, instruction.location, self.tree.text(self.file.path))
        for name, value, expands in pairs(instruction.joined):
            offset = instruction.text.find(name)
            origin = Origin(name, place.at(max(offset, 0)))
            piece = glued(expand(value, self.scope) or expand(" ", self.scope)) if expands and value else None
            from poollint.facts import Known

            setting: Setting = Known(value, origin) if piece is None else setting_of(piece, name, origin)
            if isinstance(setting, Known) and piece is not None and setting.origin is not origin:
                setting = Known(setting.value, origin, setting.certainty)
            self.scope.variables[name] = setting
            self.container.variables[name] = setting

    def _workdir(self, instruction: Instruction) -> None:
        path = self._text(instruction.joined.strip().strip("\"'"))
        self.container.directory = self.container.path(path)

    def _entrypoint(self, instruction: Instruction) -> None:
        self.container.entrypoint = instruction.command()
        # An ENTRYPOINT drops the CMD of the image below, not one of the same file.
        if self.container.command and self.container.command.location.path != self.file.path:
            self.container.command = None

    def _cmd(self, instruction: Instruction) -> None:
        self.container.command = instruction.command()

    def _copy(self, instruction: Instruction) -> None:
        words = instruction.words or _split(instruction.joined)
        flags = [word for word in words if word.startswith("--")]
        words = [word for word in words if not word.startswith("--")]
        if len(words) < 2:
            return
        target = self._text(words[-1])
        for heredoc in instruction.heredocs:
            self.container.written[self.container.path(target)] = (heredoc.text, heredoc.location)
        origin = next((flag[7:] for flag in flags if flag.startswith("--from=")), None)
        for source in words[:-1]:
            if not source.startswith("<<"):
                self._place(self._text(source), target, len(words) > 2, origin)

    _add = _copy

    def _place(self, source: str, target: str, several: bool, origin: str | None) -> None:
        into_folder = several or target.endswith("/") or target in (".", "..")
        where = self.container.path(target)
        if origin is not None:
            self._place_from_stage(origin, source, where, into_folder)
            return
        path = _joined(self.build.context, in_context(source) or ".")
        if path.startswith(".."):
            return  # the context itself is no folder here
        path = "" if path == "." else path
        for found in self._matching(path):
            if found in self.tree and into_folder:
                self.container.copies.append(Copy(found, posixpath.join(where, posixpath.basename(found))))
            else:
                self.container.copies.append(Copy(found, where))

    def _matching(self, path: str) -> list[str]:
        if not re.search(r"[*?\[]", path):
            return [path]
        depth = path.count("/")
        names = [*self.tree.files, *self.tree.folders]
        return [name for name in names if name.count("/") == depth and fnmatchcase(name, path)][:200]

    def _place_from_stage(self, origin: str, source: str, where: str, into_folder: bool) -> None:
        stage = self.file.stage(origin)
        if stage is None or self.depth >= DEEPEST_IMAGES:
            return
        other = _stage(self.file, stage, self.build, self.tree, (), self.depth + 1)
        path = posixpath.normpath(posixpath.join("/", source))
        prefix = path.rstrip("/") + "/"
        for copy in other.copies:
            if copy.target == path or path.startswith(copy.target.rstrip("/") + "/"):
                found = other.source(path, self.tree)
                if found is not None:
                    target = (
                        posixpath.join(where, posixpath.basename(path)) if found in self.tree and into_folder else where
                    )
                    self.container.copies.append(Copy(found, target))
            elif copy.target.startswith(prefix):
                self.container.copies.append(Copy(copy.source, posixpath.join(where, copy.target[len(prefix) :])))
        for name, content in other.written.items():
            if name == path or name.startswith(prefix):
                self.container.written[where if name == path else posixpath.join(where, name[len(prefix) :])] = content

    def _run(self, instruction: Instruction) -> None:
        """A script written while building: `RUN printf '...' > /start.sh`, or a heredoc redirected to a file."""
        for target, heredoc in zip(
            re.findall(r"cat\s*>\s*(\S+)|(?:>\s*(\S+))", instruction.joined), instruction.heredocs
        ):
            path = next(filter(None, target), "")
            self.container.written[self.container.path(self._text(path))] = (heredoc.text, heredoc.location)
        if instruction.heredocs:
            return
        for words, appends, target in _written(instruction.joined):
            path = self.container.path(self._text(target))
            before = self.container.written[path][0] if appends and path in self.container.written else ""
            self.container.written[path] = (before + _printed(words) + "\n", instruction.location)


def _written(text: str) -> list[tuple[list[str], bool, str]]:
    """Return (words, whether it appends, file) of every `echo ... > file` and `printf ... > file`."""
    if ">" not in text or len(text) > LONGEST_RUN or not re.search(r"\b(echo|printf)\b", text):
        return []
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        tokens = list(lexer)
    except ValueError:
        return []
    found = []
    command: list[str] = []
    for index, token in enumerate(tokens):
        if token in (">", ">>") and command[:1] in (["echo"], ["printf"]) and index + 1 < len(tokens):
            found.append((command, token == ">>", tokens[index + 1]))
        if token in ("&&", "||", ";", "|", "(", ")", "&", ">", ">>"):
            command = []
        else:
            command.append(token)
    return found


def _printed(words: list[str]) -> str:
    """Return what echo or printf writes, near enough to read the commands in it."""
    told = [word for word in words[1:] if word not in ("-e", "-n", "-en", "-ne", "-E")]
    text = ("\n" if words[0] == "printf" else " ").join(told)
    return text.replace("\\n", "\n").replace("\\t", "\t").replace("%%", "%")


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
