"""Which environment a file speaks for, by the words of its path or name.

Words count only below the PATHs given: `poollint examples/checkout` judges that folder in full.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poollint.discover import Tree

_WORDS = {
    "prod": ("prod", "production", "live", "prd"),
    "staging": ("staging", "stage", "preprod", "preproduction", "nonprod", "stg"),
    "dev": ("dev", "develop", "development", "devcontainer", "gitpod"),
    "local": ("local", "localhost", "localdev"),
    "test": ("test", "tests", "testing", "e2e"),
    "ci": ("ci",),
    "example": ("example", "examples"),
    "sample": ("sample", "samples", "template"),
}
_NORMALISED = {word: name for name, words in _WORDS.items() for word in words}
_UNJUDGED = frozenset({"dev", "local", "test", "ci", "example", "sample"})

# What a file is called that shows which variables to set: `.env.example`, `template.env`.
EXAMPLE_WORDS = ("example", "sample", "dist", "template")

# Folders whose subfolders are environments: `clusters/dev-eu` is one although `services/dev-agent` is a service.
_HOLDS_ENVIRONMENTS = frozenset(
    "overlays overlay environments environment envs env clusters cluster stages vars tfvars values config configs "
    "deploy deployments".split()
)

# What may stand beside the word in a file's name: `dev-values.yaml` is an environment's, `dev-agent.yaml` is not.
_GENERIC = frozenset(
    "values value compose docker env envs environment config configs settings vars tfvars variables secrets deploy "
    "deployment db stack override overrides infra infrastructure cluster".split()
)


def environment_of(tree: Tree, path: str, name: str | None = None) -> str | None:
    """Return the normalised environment of a file, or None when it is unmarked and so belongs to all.

    name   something that names the environment better than the path does: a stage, a values-file suffix

    The file's own name is asked before its folders, the nearest folder before the others.
    """
    if name and (found := environment_word(name)):
        return found
    *folders, file = tree.below_base(path).split("/")
    if found := environment_of_name(file):
        return found
    for index in range(len(folders) - 1, -1, -1):
        parent = folders[index - 1].lower() if index else ""
        if found := _of_folder(folders[index], parent):
            return found
    return None


def words_of(name: str) -> tuple[str, ...]:
    """Return the words that name an environment."""
    return _WORDS.get(name, (name,))


def environment_word(text: str) -> str | None:
    """Return the environment that a text contains as a word of its own: "prod-eu", "values.staging"."""
    return next((_NORMALISED[word] for word in _words(text) if word in _NORMALISED), None)


def is_production(name: str | None) -> bool:
    """Say whether findings of this environment count in full: all but dev, local, test, ci, example and sample."""
    return name is None or (environment_word(name) or name) not in _UNJUDGED


def _words(text: str) -> list[str]:
    joined = re.sub(r"\b(pre|non)[-_](?=prod)", r"\1", text.lower())
    return [word for word in re.split(r"[^a-z0-9]+", joined) if word]


def environment_of_name(name: str) -> str | None:
    """Return the environment that a file or a release is named for; a developer's word must not be half a name.

    `docker-compose.dev.yml`, `values-prod-eu.yaml`, `dev.tfvars`, `api-dev`, but not `dev-agent`.
    """
    for part in name.split("."):
        words = _words(part)
        for index, word in enumerate(words):
            found = _NORMALISED.get(word)
            rest = words[index + 1 :]
            if found and (found not in _UNJUDGED or not rest or index == 0 and _GENERIC.issuperset(rest)):
                return found
    return None


def _of_folder(folder: str, parent: str) -> str | None:
    found = environment_word(folder)
    if found in _UNJUDGED and folder.lower().strip("._-") not in _NORMALISED and parent not in _HOLDS_ENVIRONMENTS:
        return None
    return found
