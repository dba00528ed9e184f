"""Find the files of the project, and read them safely.

A pull request from a stranger is the normal input: only regular files inside the PATHs are opened, no link is
followed, nothing above 2 MiB is read, and what is refused is remembered in `Tree.skipped`.
"""

from __future__ import annotations

import os
import posixpath
import re
import signal
import stat
import subprocess
import threading
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import translate
from functools import cached_property, lru_cache
from pathlib import Path

from poollint.facts import Skipped

LARGEST_FILE = 2 * 1024 * 1024  # bytes
SECONDS_PER_FILE = 10

# Folders that hold other people's code or the tools' own, in a Git checkout and outside one.
FOREIGN = frozenset(
    ".git .hg .svn .tox .nox .venv venv node_modules site-packages __pycache__ .mypy_cache .ruff_cache .pytest_cache "
    ".terraform .eggs bower_components".split()
)


class TooSlow(Exception):
    """One file took more than SECONDS_PER_FILE."""


class Tree:
    """The files under the PATHs, as text, bytes or YAML, each read at most once.

    root     the Git root of the first PATH, else that PATH; every path is relative to it, with `/`
    bases    the PATHs, relative to the root ("." for the root itself)
    files    every candidate, sorted; a name here may still turn out to be a link or a socket
    above    the Git root above the PATHs that leaves files unread, or None
    """

    def __init__(self, root: Path, files: list[str], bases: tuple[str, ...] = (".",), above: Path | None = None) -> None:
        self.root = root
        self.bases = bases
        self.above = above
        self.files: tuple[str, ...] = tuple(sorted(files))
        self._known = frozenset(self.files)
        self._skipped: dict[tuple[str, int | None], Skipped] = {}
        self._bytes: dict[str, bytes | None] = {}
        self._documents: dict[str, tuple] = {}

    # -- what is there

    def __contains__(self, path: str) -> bool:
        return path in self._known

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder that holds a file, "" for the root."""
        found = {""}
        for path in self.files:
            while "/" in path:
                path = path.rpartition("/")[0]
                if path in found:
                    break
                found.add(path)
        return frozenset(found)

    def named(self, *patterns: str) -> Iterator[str]:
        """Yield the paths whose last part matches one of the glob patterns, ignoring case."""
        matches = _matcher(patterns)
        for path in self.files:
            if matches(path.rpartition("/")[2]):
                yield path

    def below_base(self, path: str) -> str:
        """Return the path below the PATH it was found under: only there do words such as `examples` mean something."""
        for base in sorted(self.bases, key=len, reverse=True):
            if base != "." and (path == base or path.startswith(base + "/")):
                return path[len(base) + 1 :] or path.rpartition("/")[2]
        return path

    # -- reading

    def bytes(self, path: str) -> bytes | None:
        """Return the file's content, or None when it may not or cannot be read (then it is under `skipped`)."""
        if path not in self._bytes:
            self._bytes[path] = self._open(path) if path in self._known else None
        return self._bytes[path]

    def text(self, path: str) -> str | None:
        """Return the file's content as text without a byte-order mark, or None (then it is under `skipped`).

        UTF-8, or UTF-16 when its mark says so: pip, PyYAML and Windows' shells read and write that, too.
        """
        content = self.bytes(path)
        if content is None:
            return None
        try:
            return content.decode("utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")
        except UnicodeDecodeError as problem:
            self.skip(path, "not UTF-8 text", content.count(b"\n", 0, problem.start) + 1)
            return None

    def yaml(self, path: str) -> tuple:
        """Return the YAML (or JSON) documents of a file as nodes with locations; unreadable ones are skipped and said."""
        if path not in self._documents:
            from poollint import _yaml

            documents: list = []
            with self.guard(path):
                text = self.text(path)
                if text is not None:
                    try:
                        documents.extend(_yaml.documents(path, text))
                    except _yaml.Unreadable as problem:
                        documents.extend(problem.documents)
                        self.skip(path, problem.reason, problem.line)
            self._documents[path] = tuple(documents)
        return self._documents[path]

    def forget(self, path: str) -> None:
        """Give back the memory of a file that no later stage asks for."""
        self._bytes.pop(path, None)

    # -- what could not be read

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        return tuple(sorted(self._skipped.values(), key=lambda s: (s.path, s.line or 0)))

    def skip(self, path: str, reason: str, line: int | None = None) -> None:
        self._skipped.setdefault((path, line), Skipped(path, reason, line))

    @contextmanager
    def guard(self, path: str) -> Iterator[None]:
        """Run the reading of one file: whatever goes wrong ends that file, is said, and never ends the run."""
        try:
            with _deadline(SECONDS_PER_FILE):
                yield
        except TooSlow:
            self.skip(path, f"took more than {SECONDS_PER_FILE} seconds")
        except RecursionError:
            self.skip(path, "nested too deeply")
        except MemoryError:
            self.skip(path, "needs too much memory")
        except Exception as problem:  # noqa: BLE001 - one unreadable file never ends a run
            self.skip(path, f"could not be read: {type(problem).__name__}")

    def _open(self, path: str) -> bytes | None:
        full = os.path.join(self.root, path)
        try:
            status = os.lstat(full)
        except OSError as problem:
            # A tracked file that was deleted in the work tree is no longer part of the project.
            if not isinstance(problem, FileNotFoundError):
                self.skip(path, f"could not be opened: {problem.strerror}")
            return None
        if stat.S_ISLNK(status.st_mode):
            # The target of a link inside the project is read under its own name.
            inside = os.path.realpath(self.root) + os.sep
            if not os.path.realpath(full).startswith(inside):
                self.skip(path, "a link that leaves the project")
            return None
        if not stat.S_ISREG(status.st_mode):
            if not stat.S_ISDIR(status.st_mode):  # a submodule is listed as a folder
                self.skip(path, "not a regular file")
            return None
        if status.st_size > LARGEST_FILE:
            self.skip(path, f"larger than {LARGEST_FILE // 1024 // 1024} MiB")
            return None
        try:
            descriptor = os.open(full, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
            with open(descriptor, "rb") as stream:
                return stream.read(LARGEST_FILE + 1)[:LARGEST_FILE]
        except OSError as problem:
            self.skip(path, f"could not be opened: {problem.strerror}")
            return None


def discover(paths: list[Path], *, exclude: tuple[str, ...] = (), tracked_only: bool = False) -> Tree:
    """List the files under `paths`.

    tracked_only  read only files known to Git (pre-commit stashes changes but leaves untracked files in the tree)

    Raises FileNotFoundError for a path that does not exist.
    """
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(path)
    starts = [Path(os.path.realpath(path)) for path in paths]
    root = root_of(paths)
    top = root if (root / ".git").exists() else None
    found: set[str] = set()
    for start in starts:
        folder = start if start.is_dir() else start.parent
        prefix = _relative(folder, root)
        listed = _git_files(start, tracked_only) if git_root(folder) else None
        names = listed if listed is not None else _walk(start)
        found.update(names if prefix == "." else (posixpath.normpath(f"{prefix}/{name}") for name in names))
    bases = tuple(_relative(start, root) for start in starts)
    kept = [path for path in found if not FOREIGN.intersection(path.split("/")[:-1])]
    if exclude:
        from pathspec import PathSpec

        spec = PathSpec.from_lines("gitwildmatch", exclude)
        kept = [path for path in kept if not spec.match_file(path)]
    above = top if top and all(start != top for start in starts) else None
    tree = Tree(root, kept, bases, above)
    installed = _installed(tree)
    return Tree(root, [path for path in kept if path not in installed], bases, above) if installed else tree


def _installed(tree: Tree) -> set[str]:
    """Return the files that pip has put into the tree: each distribution lists its own in `*.dist-info/RECORD`.

    Only files beside it: what a stranger's list names elsewhere stays.
    """
    found: set[str] = set()
    for record in tree.files:
        if record.endswith(".dist-info/RECORD"):
            folder = posixpath.dirname(posixpath.dirname(record))
            names = (posixpath.normpath(line.partition(",")[0]) for line in (tree.text(record) or "").splitlines())
            found.update(posixpath.join(folder, name) for name in names if not name.startswith(("..", "/")))
    return found


def root_of(paths: list[Path]) -> Path:
    """Return the Git root of the first PATH, else that PATH (its folder, for a file)."""
    first = Path(os.path.realpath(paths[0]))
    folder = first.parent if first.is_file() else first
    return git_root(folder) or folder


def git_root(folder: Path) -> Path | None:
    """Return the top of the checkout that holds `folder`, without running Git."""
    for parent in (folder, *folder.parents):
        if (parent / ".git").exists():
            return parent
    return None


def git(folder: Path, *arguments: str) -> bytes | None:
    """Run Git so that the repository's own configuration runs nothing; None when Git refuses or is absent."""
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _git_files(start: Path, tracked_only: bool) -> list[str] | None:
    """List what Git knows below `start`, relative to its folder."""
    folder = start if start.is_dir() else start.parent
    others = () if tracked_only else ("--others", "--exclude-standard")
    listing = git(folder, "ls-files", "-z", "--cached", *others, "--", "." if start.is_dir() else start.name)
    return None if listing is None else [os.fsdecode(name) for name in listing.split(b"\0") if name]


def _walk(start: Path) -> Iterator[str]:
    """List what is below `start`, relative to its folder, without following links.

    A .gitignore is not asked: outside a checkout nobody can tell which of the files it matches are tracked all the same.
    """
    if start.is_file():
        yield start.name
        return
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(os.path.join(start, folder)))
        except OSError:
            continue
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                yield f"{folder}{entry.name}"
            elif entry.name not in FOREIGN:
                folders.append(f"{folder}{entry.name}/")


def _relative(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()


@lru_cache(maxsize=None)
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], object]:
    return re.compile("|".join(translate(pattern) for pattern in patterns), re.IGNORECASE).match


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Raise TooSlow in the body after so many seconds of processor time, where the platform can count them.

    Not of the clock: what a busy machine can read may not depend on its other work. A deadline inside another one stops
    the outer clock, so that the files of a reader each have their own time, and the reader what it needs besides.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGPROF, ring)
    left, _ = signal.setitimer(signal.ITIMER_PROF, seconds)  # of the deadline around this one
    try:
        yield
    finally:
        # A generator that was dropped ends after the deadline around it, and has nothing to restore.
        if not left or signal.getsignal(signal.SIGPROF) is ring:
            signal.setitimer(signal.ITIMER_PROF, left)
            signal.signal(signal.SIGPROF, before)
