"""Every example of every rule page is a test: marked findings are found, cited lines are cited, the rest is silent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from poollint import pipeline, rulebook
from poollint._pages import pages_directory
from poollint.facts import Finding, Known

HEADINGS = ("## What it finds", "## Why", "## Examples", "## How to fix")
FILE = re.compile(r"^`(?P<path>[^`\n]+)`:\n(?P<fence>`{3,})[^\n]*\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)
MARK = re.compile(
    r"\s*(?:#|//|;)\s*(?P<kind>finds|cites): (?P<rules>[a-z-]+(?:, [a-z-]+)*)(?=\s*(?:(?:#|//|;)\s*(?:finds|cites): |$))"
)
JUDGE = "unused-suppression"


@dataclass(frozen=True)
class Example:
    """The files under one `###` heading, without their marks; marks by (path, line)."""

    rule: str
    title: str
    files: dict[str, str] = field(default_factory=dict)
    finds: frozenset[tuple[str, int]] = frozenset()
    cites: frozenset[tuple[str, int]] = frozenset()

    def __str__(self) -> str:
        return f"{self.rule}: {self.title}"


def examples_of(rule: str, page: str) -> Iterator[Example]:
    for section in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        title, _, body = re.split(r"^## ", section, flags=re.MULTILINE)[0].partition("\n")
        files, marks = {}, {"finds": set(), "cites": set()}
        for match in FILE.finditer(body):
            files[match["path"]] = _without_marks(rule, match["path"], match["text"], marks)
        yield Example(rule, title, files, frozenset(marks["finds"]), frozenset(marks["cites"]))


def _without_marks(rule: str, path: str, text: str, marks: dict[str, set[tuple[str, int]]]) -> str:
    lines = []
    for number, line in enumerate(text.split("\n"), 1):
        while match := MARK.search(line):
            if rule in match["rules"].split(", "):
                marks[match["kind"]].add((path, number))
            line = line[: match.start()] + line[match.end() :]
        lines.append(line)
    return "\n".join(lines)


PAGES = sorted(page for page in pages_directory().glob("*.md") if page.stem != "README")
EXAMPLES = [example for page in PAGES for example in examples_of(page.stem, page.read_text("utf-8"))]


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_the_example_gets_the_findings_it_marks_and_no_other(example: Example, tmp_path: Path) -> None:
    """A mark is the line of the finding or of one of its values; whatever is not marked is an error."""
    findings = _judge(example, tmp_path)
    assert {(f.location.path, f.location.line) for f in findings} == example.finds, _told(findings)
    cited = {place for finding in findings for place in _cited(finding)}
    assert example.cites <= cited, f"not cited: {sorted(example.cites - cited)}\n{_told(findings)}"


def _judge(example: Example, folder: Path) -> list[Finding]:
    for path, text in example.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    # What a suppression silences is known only when every rule has judged.
    select = None if example.rule == JUDGE else frozenset({example.rule})
    outcome = pipeline.run([folder], select=select)
    return [f for f in outcome.findings if f.rule == example.rule and not f.suppressed]


def _cited(finding: Finding) -> Iterator[tuple[str, int]]:
    for evidence in finding.evidence:
        if isinstance(evidence.setting, Known) and (at := evidence.setting.origin.location):
            yield at.path, at.line


def _told(findings: list[Finding]) -> str:
    return (
        "\n".join(f"{f.location} {f.severity}: {f.message} (cites {sorted(set(_cited(f)))})" for f in findings)
        or "no finding"
    )


# -- the rule book as a whole --------------------------------------------------------------------------------------


def test_every_rule_has_a_page_and_every_page_a_rule() -> None:
    assert {page.stem for page in PAGES} == rulebook.names()


@pytest.mark.parametrize("rule", sorted(rulebook.names()))
def test_a_page_has_the_fixed_headings_and_a_known_severity(rule: str) -> None:
    found = rulebook.rule(rule)
    assert found.severity in ("error", "warning", "note")
    assert tuple(re.findall(r"^## .*$", found.page, re.MULTILINE)) == HEADINGS
    assert found.summary and not found.summary.endswith(".")


@pytest.mark.parametrize("rule", sorted(rulebook.names()))
def test_a_page_shows_what_is_found_and_what_stays_silent(rule: str) -> None:
    examples = [example for example in EXAMPLES if example.rule == rule]
    assert any(example.finds for example in examples)
    assert any(not example.finds for example in examples)
    assert all(example.files for example in examples), "an example without a file tests nothing"


def test_no_block_of_an_example_is_left_out() -> None:
    """A fence without a path before it would look like a test and be none."""
    for rule in rulebook.names():
        examples = rulebook.rule(rule).page.partition("## Examples")[2].partition("## How to fix")[0]
        blocks = len(re.findall(r"^`{3,}", examples, re.MULTILINE)) / 2
        assert blocks == sum(len(example.files) for example in EXAMPLES if example.rule == rule), rule


README = Path(__file__).parents[1] / "rules" / "README.md"


def _rows() -> list[str]:
    return [f"| [{r.name}]({r.name}.md) | {r.severity} | {r.summary} |" for r in rulebook.rules().values()]


def test_the_table_in_the_rule_book_says_what_the_pages_say() -> None:
    table = [line for line in README.read_text("utf-8").splitlines() if line.startswith("| [")]
    assert table == _rows(), "write it with: python tests/test_rule_pages.py"


# -- the harness itself --------------------------------------------------------------------------------------------

PAGE = """---
summary: s
severity: note
---
## Examples

### One

`a.py`:
```python
x = 1  # finds: some-rule
y = 2  # cites: some-rule, other-rule  # finds: other-rule
```
`b/c.yaml`:
````yaml
z: 3  # poollint: ignore[some-rule] why  # cites: some-rule
````

### Two

`a.py`:
```python
# finds: nothing in prose
```

## How to fix
`d.py`:
```python
no example
```
"""


def test_the_harness_reads_files_and_marks_of_one_heading_and_takes_the_marks_out() -> None:
    one, two = examples_of("some-rule", PAGE)
    assert one.title == "One"
    assert one.files == {"a.py": "x = 1\ny = 2\n", "b/c.yaml": "z: 3  # poollint: ignore[some-rule] why\n"}
    assert one.finds == {("a.py", 1)}
    assert one.cites == {("a.py", 2), ("b/c.yaml", 1)}
    assert two.finds == frozenset() and set(two.files) == {"a.py"}


if __name__ == "__main__":
    kept = [line for line in README.read_text("utf-8").splitlines() if not line.startswith("| [")]
    at = next(number for number, line in enumerate(kept) if line.startswith("|---")) + 1
    README.write_text("\n".join([*kept[:at], *_rows(), *kept[at:]]) + "\n", "utf-8")
