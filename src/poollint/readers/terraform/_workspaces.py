"""Workspaces of Terraform: the names by which a root module tells its environments apart.

A workspace is an environment when the module looks it up, `local.sizes[terraform.workspace]`, or asks for it,
`terraform.workspace == "prod"`, and its name is an environment's. Others may exist, and nothing tells which.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from poollint.environments import environment_word
from poollint.facts import Setting
from poollint.hcl.values import pairs_of

_NAME = "terraform.workspace"
_SAME = re.compile(r"^[ \t]*(\w+)[ \t]*=[ \t]*terraform\.workspace[ \t]*$", re.MULTILINE)
_MOST = 20


def environments(texts: Iterable[str], value: Callable[[str, str], Setting]) -> dict[str | None, str]:
    """Return environment → workspace; `value("local", "sizes")` is what a name of the module holds.

    None → "" is among them while none is production: that may be a workspace which only the else of a condition means.
    """
    text = "\n".join(text for text in texts)
    if _NAME not in text:
        return {}
    # `locals { env = terraform.workspace }` is how most give it a shorter name.
    spelled = "|".join(map(re.escape, [_NAME, *(f"local.{name}" for name in _SAME.findall(text))]))
    keys = dict.fromkeys(re.findall(rf'(?:{spelled})\s*[!=]=\s*"([\w-]+)"', text))
    looked_up = [
        *re.findall(rf"\b(local|var)\.(\w+)\[\s*(?:{spelled})\s*\]", text),
        *re.findall(rf"\blookup\(\s*(local|var)\.(\w+)\s*,\s*(?:{spelled})\b", text),
    ]
    for kind, name in dict.fromkeys(looked_up):
        keys |= {str(key.value): None for key, _ in pairs_of(value(kind, name)) or ()}
    words = [(environment_word(key), key) for key in keys]
    named = [(word, key) for word, key in words if word is not None][:_MOST]
    alike = [word for word, _ in named]
    found: dict[str | None, str] = {word if alike.count(word) == 1 else key: key for word, key in named}
    return {None: "", **found} if found and "prod" not in alike else found
