"""supervisord's configuration: every program it starts, `numprocs` times."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from poollint._words import Word, as_setting
from poollint.facts import Known, Location, Origin, Process, Setting, Unknown

from ._run import Ended, Run

Launch = Callable[[list[Word], Run], None]
PLACES = (
    "supervisord.conf",
    "etc/supervisord.conf",
    "/etc/supervisord.conf",
    "/etc/supervisor/supervisord.conf",
    "/etc/supervisor/conf.d/supervisord.conf",
)
MOST_PROGRAMS = 50


@dataclass(slots=True)
class Program:
    name: str
    options: dict[str, tuple[str, Location]] = field(default_factory=dict)

    def text(self, key: str) -> str | None:
        return self.options[key][0] if key in self.options else None


def programs(text: str, path: str) -> tuple[list[Program], list[str]]:
    """Return the programs and the patterns of `[include]` files; an indented line continues the one above."""
    found: list[Program] = []
    included: list[str] = []
    section, last = "", ""
    for row, line in enumerate(text.splitlines()[:10_000]):
        if not line.strip() or line.lstrip()[0] in ";#":
            continue
        if line.startswith("["):
            section, last = line.strip().strip("[]"), ""
            if section.startswith("program:"):
                found.append(Program(section[8:].strip()))
            continue
        if line[0] in " \t" and last and section.startswith("program:"):
            value, place = found[-1].options[last]
            end = Location(place.path, place.line, place.column, row + 1, len(line) + 1)
            found[-1].options[last] = (f"{value} {_uncommented(line)}".strip(), end)
            continue
        key, equals, value = line.partition("=")
        if not equals:
            continue
        last, value = key.strip().lower(), _uncommented(value)
        if section.startswith("program:") and found:
            column = len(key) + 2
            found[-1].options[last] = (value, Location(path, row + 1, column, row + 1, len(line) + 1))
        elif section == "include" and last == "files":
            included.extend(value.split())
    return found[:MOST_PROGRAMS], included


def _uncommented(value: str) -> str:
    """supervisord's comments start with a blank and a semicolon."""
    return re.split(r"\s;", value, maxsplit=1)[0].strip()


def start(named: tuple[str, Word] | None, run: Run, launch: Launch) -> None:
    """Start every program of the configuration that is named, else of the first that supervisord looks for."""
    if named is not None:
        candidates: tuple[str, ...] = () if named[1].unknown else (named[1].text,)
    else:
        candidates = PLACES
    for path in candidates:
        found = run.text_at(path)
        if found is not None:
            for program in _all(found, path, run, 0):
                start_program(program, run, launch)
            return


def _all(found: tuple[str, Location], path: str, run: Run, depth: int) -> Iterator[Program]:
    listed, included = programs(found[0], found[1].path)
    yield from listed
    if depth > 3:
        return
    for pattern in included:
        for name in _matching(posixpath.join(posixpath.dirname(run.path(path)), pattern), run):
            other = run.text_at(name)
            if other is not None:
                yield from _all(other, name, run, depth + 1)


def _matching(pattern: str, run: Run) -> list[str]:
    """Return the paths, as the process sees them, that a pattern of `[include]` matches."""
    folder = posixpath.dirname(pattern)
    source = run.source(folder)
    here = [] if source is None else [file for file in run.tree.files if posixpath.dirname(file) == source]
    names = [posixpath.join(folder, posixpath.basename(file)) for file in here] + list(run.container.written)
    names += [copy.target for copy in run.container.copies if copy.source in run.tree]
    return sorted({name for name in names if fnmatchcase(name, pattern)})[:MOST_PROGRAMS]


def start_program(program: Program, run: Run, launch: Launch) -> None:
    """Run one program in the background of the others, and multiply what it starts by `numprocs`."""
    if "command" not in program.options or _says(program, "autostart", run) in _FALSE:
        return
    command, place = program.options["command"]
    copies = _copies(program, run)
    before, scope, first, read = run.in_background, run.scope, len(run.started), list(run.read)
    run.in_background, run.scope = True, run.within(directory=run.path(program.text("directory") or "."))
    try:
        _apply_environment(program, run)
        launch(_words(command, place, run), run)
    except Ended:
        pass
    finally:
        run.in_background, run.scope, run.read = before, scope, read
    run.started[first:] = [_times(process, copies) for process in run.started[first:]]
    # `unexpected`, the default, leaves a program alone that ends well.
    if _says(program, "autorestart", run) in _TRUE:
        run.started[first:] = [replace(process, beside="kept") for process in run.started[first:]]


_TRUE, _FALSE = ("true", "yes", "on", "1", "t", "y"), ("false", "no", "off", "0", "f", "n")


def _says(program: Program, key: str, run: Run) -> str:
    """Return a yes or no of supervisord's in small letters, "" where it is absent or not readable."""
    if key not in program.options or not program.text(key):
        return ""
    setting = as_setting(_words(*program.options[key], run)[0], key, str)
    return str(setting.value).lower() if isinstance(setting, Known) else ""


def _copies(program: Program, run: Run) -> Setting:
    if "numprocs" not in program.options:
        return Known(1, Origin("default of supervisord"), "default")
    (word,) = _words(program.options["numprocs"][0] or "1", program.options["numprocs"][1], run)[:1]
    return as_setting(word, "numprocs", int)


def _times(process: Process, copies: Setting) -> Process:
    """Multiply a program's processes; the evidence stands where the number that is not 1 stands."""
    if isinstance(copies, Unknown):
        return replace(process, processes=copies)
    if copies.value == 1 or isinstance(process.processes, Unknown):
        return process
    inner = process.processes
    origin = (
        copies.origin
        if inner.value == 1
        else replace(copies.origin, says=f"numprocs {copies.value} × {inner.value} {inner.origin.says}")
    )
    certainty = copies.certainty if inner.value == 1 and inner.certainty == "default" else inner.certainty
    return replace(process, processes=Known(inner.value * copies.value, origin, certainty))


def _apply_environment(program: Program, run: Run) -> None:
    if "environment" not in program.options:
        return
    text, place = program.options["environment"]
    for name, quoted, single, bare in re.findall(r"(?<!\w)([A-Za-z_]\w*)=(?:\"([^\"]*)\"|'([^']*)'|([^,\s]*))", text):
        run.set(name, Known(quoted or single or bare, Origin(name, place)), export=True)


def _words(command: str, place: Location, run: Run) -> list[Word]:
    """Split a command without a shell; `%(ENV_NAME)s` is a variable."""
    import shlex

    from poollint._expand import as_piece
    from poollint._words import places

    try:
        written = tuple(shlex.split(command))
    except ValueError:
        written = tuple(command.split())
    words = []
    for text, where in zip(written, places(written, place, run.tree.text(place.path))):
        word = Word(text, where)
        match = re.search(r"%\(ENV_(\w+)\)s", text)
        if match:
            piece = as_piece(run.scope.variables.get(match[1], Unknown(f"set by {match[1]}, which no file gives")))
            word = replace(
                word,
                text=text.replace(match[0], piece.text),
                unknown=piece.unknown,
                certainty=piece.certainty,
                written=piece.written,
            )
        words.append(word)
    return words
