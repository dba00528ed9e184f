"""`make target`: the recipe of a Makefile, line by line, with its variables filled in."""

from __future__ import annotations

import re
from collections.abc import Callable

from poollint._words import Word
from poollint.facts import Known, Location, Origin, Unknown

from ._options import parse, spellings
from ._run import DEEPEST, Run

RunText = Callable[[str, Location, Run, list[Word], str], None]
MOST_LINES = 5_000
LONGEST_LINE = 2_000
_VARIABLE = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)\s*(\?=|:{1,3}=|=)\s*(.*)")
_RULE = re.compile(r"([\w./-][\w./ -]*?)\s*::?(?!=)\s*([\w./ -]*)(?:#.*)?$")
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_]\w*)\)|\$\{([A-Za-z_]\w*)\}")


def start(words: list[Word], run: Run, run_text: RunText) -> None:
    """Run the recipes of the targets a command names, else of the first one."""
    options = parse(words[1:], takes=spellings("-C --directory, -f --file, -j"), flags="-s --silent -k -B")
    directory = options.text("--directory")
    if directory:
        run.scope = run.within(directory=run.path(directory))
    for name in [options.text("--file")] if options.text("--file") else ["Makefile", "makefile", "GNUmakefile"]:
        found = run.text_at(name or "")
        if found is not None:
            _apply(options.positionals, run)
            _Makefile(found[0], found[1].path, run).start([word.text for word in options.positionals], run_text)
            return


def _apply(words: list[Word], run: Run) -> None:
    """`make web WORKERS=3`"""
    for word in words:
        name, equals, value = word.text.partition("=")
        if equals and name.isidentifier() and not word.unknown:
            run.set(name, Known(value, Origin(name, word.location), word.certainty))


class _Makefile:
    def __init__(self, text: str, path: str, run: Run) -> None:
        self.path, self.run = path, run
        self.recipes: dict[str, tuple[list[str], list[tuple[str, Location]]]] = {}
        targets: list[str] = []
        for row, line in enumerate(text.split("\n")[:MOST_LINES], 1):
            line = line[:LONGEST_LINE]
            if line.startswith("\t"):
                for target in targets:
                    self.recipes[target][1].append((line, Location(path, row, 2, row, len(line) + 1)))
            elif variable := _VARIABLE.match(line):
                self._assign(variable, Location(path, row, variable.start(3) + 1))
            elif rule := _RULE.match(line):
                targets = rule[1].split()
                for target in targets:
                    self.recipes.setdefault(target, ([], []))[0].extend(rule[2].split())
            elif line.strip() and not line.startswith("#"):
                targets = []

    def _assign(self, match: re.Match[str], place: Location) -> None:
        """The environment beats `?=`; a name given on make's own command line beats everything, and is set already."""
        if match[1] not in self.run.scope.variables:
            self.run.scope.variables[match[1]] = Known(match[3].split("#")[0].strip(), Origin(match[1], place))

    def start(self, targets: list[str], run_text: RunText) -> None:
        named = [target for target in targets if "=" not in target]
        first = [target for target in self.recipes if not target.startswith(".")][:1]
        waiting, done = list(reversed(named or first)), set[str]()
        while waiting and len(done) < DEEPEST:
            target = waiting.pop()
            if target in done or target not in self.recipes:
                continue
            needs = [need for need in self.recipes[target][0] if need in self.recipes and need not in done]
            if needs and target not in waiting:
                waiting += [target, *reversed(needs)]
                self.recipes[target] = ([], self.recipes[target][1])
                continue
            done.add(target)
            for line, place in _joined(self.recipes[target][1]):
                run_text(self._expanded(line), place, self.run, [], "sh", {})

    def _expanded(self, line: str) -> str:
        """Turn make's references into the shell's, which knows the same variables and where they come from."""

        def shell(match: re.Match[str]) -> str:
            name = match[1] or match[2]
            if not name:
                return "$"
            setting = self.run.scope.variables.get(name, Unknown(""))
            plain = isinstance(setting, Known) and "$" not in str(setting.value)
            return f"${{{name}}}" if plain or isinstance(setting, Unknown) else str(setting.value)

        return _REFERENCE.sub(shell, line.lstrip("\t").lstrip("@-+ "))


def _joined(lines: list[tuple[str, Location]]) -> list[tuple[str, Location]]:
    """Join the lines that a backslash continues; each joined one stands where its first line starts."""
    found: list[tuple[str, Location]] = []
    for line, place in lines:
        if found and found[-1][0].endswith("\\"):
            before, start = found[-1]
            end = Location(start.path, start.line, start.column, place.end_line, place.end_column)
            found[-1] = (f"{before}\n{line}", end)
        else:
            found.append((line, place))
    return found
