"""Options of a command line, read as getopt, argparse and click read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from poollint._words import Word, as_setting
from poollint.facts import Origin, Setting, Unknown


@dataclass(slots=True)
class Options:
    """
    values       long name → the words given for it, in their order
    flags        options without a value that were given, with their places
    positionals  words that belong to no option
    opaque       an unreadable word that may hold options itself
    """

    values: dict[str, list[Word]] = field(default_factory=dict)
    flags: dict[str, Word] = field(default_factory=dict)
    positionals: list[Word] = field(default_factory=list)
    opaque: Word | None = None

    def last(self, *names: str) -> tuple[str, Word] | None:
        """Return (name, word) of the option that wins: the last one given."""
        for name in names:
            if self.values.get(name):
                return name, self.values[name][-1]
        return None

    def text(self, *names: str) -> str | None:
        found = self.last(*names)
        return None if found is None or found[1].unknown else found[1].text

    def setting(self, *names: str, cast: Callable[[str], Any] = int) -> Setting | None:
        """Return the value of an option; None when it is not given and no unreadable word may give it."""
        found = self.last(*names)
        if found:
            return as_setting(found[1], *found[:1], cast=cast)
        if self.opaque is not None:
            return Unknown(f"{names[0]} may be {self.opaque.unknown}", Origin(names[0], self.opaque.location))
        return None


def parse(words: Sequence[Word], *, takes: dict[str, str], flags: str = "") -> Options:
    """Read the words behind a command.

    takes   spelling → long name, for options with a value: {"-w": "--workers", "--workers": "--workers"}
    flags   spellings of options without one, with blanks between them

    An option in neither list takes a value if it is written with `=`, or if the next word cannot be anything else.
    """
    found, bare = Options(), frozenset(flags.split())
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if word.opaque:
            found.opaque = found.opaque or word
        elif word.text == "--":
            found.positionals.extend(words[index:])
            break
        elif not word.text.startswith("-") or word.text == "-":
            found.positionals.append(word)
        else:
            index += _option(found, word, words, index, takes, bare)
    return found


def _option(
    found: Options, word: Word, words: Sequence[Word], following: int, takes: dict[str, str], bare: frozenset[str]
) -> int:
    """Take one option; return how many of the words behind it belong to it."""
    text = word.text
    name, equals, value = text.partition("=")
    if equals and (name.startswith("--") or name in takes):
        found.values.setdefault(takes.get(name, name), []).append(word.part(value))
        return 0
    if text in takes:
        found.values.setdefault(takes[text], []).extend(words[following : following + 1])
        return 1
    if not text.startswith("--") and text[:2] in takes:
        # -w4, -w=4
        found.values.setdefault(takes[text[:2]], []).append(word.part(text[2:].removeprefix("=")))
        return 0
    found.flags[text] = word
    return 0 if text in bare or text[:2] in bare else _takes_next(text, words, following)


def _takes_next(text: str, words: Sequence[Word], index: int) -> int:
    """Say whether an option poollint does not know takes the next word: guessed from the word's look."""
    if not text.startswith("--") or index >= len(words) or text.startswith("--no-"):
        return 0
    following = words[index].text
    return int(
        not following.startswith("-") and ":" not in following.lstrip("0123456789.:") and not following.isidentifier()
    )


def spellings(table: str) -> dict[str, str]:
    """Turn "-w --workers, --threads" into {"-w": "--workers", "--workers": "--workers", "--threads": "--threads"}."""
    found = {}
    for group in table.split(","):
        names = group.split()
        long = next((name for name in names if name.startswith("--")), names[-1])
        found.update(dict.fromkeys(names, long))
    return found
