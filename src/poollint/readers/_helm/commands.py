"""`helm upgrade` and `helm install` in scripts, Makefiles and pipelines, with the values that they lay over a chart's.

Precedence: values.yaml, then every `-f` in order, then every `--set` in order.
https://helm.sh/docs/helm/helm_upgrade/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from poollint._yaml import Node, Scalar, Unreadable, documents
from poollint.environments import environment_of, environment_of_name, environment_word
from poollint.readers import _merge
from poollint.readers._helm.charts import Chart
from poollint.readers._helm.places import Places
from poollint.readers._helm.releases import DEEPEST_KEY, Path, Release, Use
from poollint.readers._pipelines import Scope, fill_in, scope_at, scopes, texts
from poollint.readers._texts import Word, commands, options

if TYPE_CHECKING:
    from poollint.discover import Tree

_START = re.compile(r"(?<![\w./-])helm(?=[ \t\\])")
_HOLE = re.compile(r"\$\{\{[^}]*\}\}|\$\{[^}]*\}|\$\(\w+\)|\$\w+")
_MOST_VARIANTS = 20
_FILES = ("-f", "--values")
_SETS = ("--set", "--set-string", "--set-json", "--set-file", "--set-literal")
_KEEPS = ("--reuse-values", "--reset-then-reuse-values")
_SWITCHES = frozenset(
    "-i --install --atomic --wait --wait-for-jobs --debug --create-namespace --cleanup-on-fail --force --devel "
    "--dependency-update --dry-run --reset-values --skip-crds --render-subchart-notes --verify --rollback-on-failure "
    "--hide-notes --hide-secret --take-ownership --generate-name -g --replace --insecure-skip-tls-verify --plain-http "
    "--pass-credentials --disable-openapi-validation --skip-schema-validation --enable-dns".split()
) | frozenset(_KEEPS)


def releases(tree: Tree, charts: list[Chart]) -> Iterator[Release]:
    """Yield what the commands of the tree install of these charts."""
    for path in texts(tree, b"helm"):
        found: list[Release] = []
        with tree.guard(path):
            found.extend(_in_file(tree, path, charts))
        yield from found


def _in_file(tree: Tree, path: str, charts: list[Chart]) -> Iterator[Release]:
    text = tree.text(path) or ""
    parts = scopes(tree, path, text)
    for words in commands(path, text, _START, {}):
        scope = scope_at(parts, words[0].location.line)
        given = _arguments(fill_in(words, scope.variables))
        if given is None:
            continue
        others = [word for name, word in given if not name]
        places = Places(tree, _folders(path, scope))
        chart = places.chart(others[-1].text, charts) if others else None
        for variant in _variants(given, places) if chart is not None else ():
            release = _release(tree, path, chart, variant, scope, places)
            if release is not None:
                yield release


def _arguments(words: list[Word]) -> list[tuple[str, Word]] | None:
    """Return what follows `helm upgrade` and `helm install`; None for another command."""
    given = list(options(words[1:], _SWITCHES))
    verbs = [word.text for name, word in given if not name and word.text != "secrets"]
    if verbs[:1] not in (["upgrade"], ["install"]):
        return None
    return [(name, word) for name, word in given if name or word.text not in ("secrets", verbs[0])]


def _folders(path: str, scope: Scope) -> tuple[str, ...]:
    folder = path.rpartition("/")[0]
    return (scope.directory,) if scope.directory is not None else ("", folder)


def _variants(given: list[tuple[str, Word]], places: Places) -> Iterator[list[tuple[str, Word]]]:
    """Yield the command once per values file that fits `-f values-$ENVIRONMENT.yaml`, with the variable filled in."""
    holed = next((word for name, word in given if name in _FILES and not word.complete), None)
    holes = set(_HOLE.findall(holed.text)) if holed is not None else set()
    if holed is None or len(holes) != 1:
        yield given
        return
    (hole,) = holes
    for value in places.fitting(holed.text, hole)[:_MOST_VARIANTS]:
        yield [(name, _filled(word, hole, value)) for name, word in given]


def _filled(word: Word, hole: str, value: str) -> Word:
    text = word.text.replace(hole, value)
    return replace(word, text=text, complete=not _HOLE.search(text)) if text != word.text else word


def _release(
    tree: Tree, path: str, chart: Chart, given: list[tuple[str, Word]], scope: Scope, places: Places
) -> Release | None:
    others = [word for name, word in given if not name]
    is_named = not any(name in ("-g", "--generate-name") for name, _ in given)
    if len(others) != 1 + is_named or any(name in _KEEPS for name, _ in given):
        return None  # a list of arguments that only the shell knows, or values that only the cluster knows
    use = Use(chart, others[0].text if is_named and others[0].complete else "")
    for name, word in given:
        if name in _FILES:
            for file in word.text.split(","):
                use.add_file(tree, places.file(file), file)
        elif name in _SETS:
            use.sets.update(_assigned(name, word))
    namespace = next((word.text for name, word in given if name in ("-n", "--namespace")), "")
    return use.release(
        tree, scope.environment, environment_of(tree, path), environment_word(namespace), environment_of_name(use.name)
    )


# -- --set -------------------------------------------------------------------------------------------------------------


def _assigned(flag: str, word: Word) -> Iterator[tuple[Path, Node]]:
    """Yield (path, value) of `a.b=1,c[0]=x,d={y,z}`."""
    for pair in [word.text] if flag in ("--set-json", "--set-literal") else re.split(r"(?<!\\),(?![^{}]*\})", word.text):
        key, equals, text = pair.partition("=")
        path = key_path(key)
        if equals and path:
            yield path, _value(flag, text.replace("\\,", ","), word)


def key_path(text: str) -> Path:
    """Split `a.b[0].c\\.d` into keys and positions."""
    parts = re.findall(r"(?:\\.|[^.\[\]\\])+", text.strip())
    return tuple(part.replace("\\", "") for part in parts) if len(parts) <= DEEPEST_KEY else ()


def _value(flag: str, text: str, word: Word) -> Node:
    place = word.location
    if flag == "--set-file" or word.certainty != "exact":
        return _merge.scalar("{{ known to the command }}", place)
    if not word.complete:  # in the one spelling that readers take for a placeholder
        text = re.sub(r"\$\((\w+)\)|\$([A-Za-z_]\w*)", r"${\1\2}", text)
    if flag == "--set-json":
        return _json(text, word)
    if flag == "--set" and text[:1] == "{" and text[-1:] == "}" and "{{" not in text:
        items = [Scalar(item, False, None, place) for item in text[1:-1].split(",") if item]
        return _merge.sequence(items, _merge.scalar("", place))
    return Scalar(text, flag != "--set", None, place)


def _json(text: str, word: Word) -> Node:
    try:
        # Empty lines in front keep the line number.
        return documents(word.location.path, "\n" * (word.location.line - 1) + text)[0]
    except (Unreadable, IndexError):
        return _merge.scalar("{{ known to the command }}", word.location)
