"""A file that is walked a piece at a time shows what the whole file shows."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import pytest

from poollint.discover import Tree
from poollint.python.source.modules import Module, Modules

LIBRARY = Path(sysconfig.get_path("stdlib"))
SAMPLE = "argparse.py configparser.py dataclasses.py enum.py functools.py http/client.py logging/config.py typing.py".split()

ODD = """
import other as renamed; first = renamed.make(1); second = make(2)

@make(3)
@renamed.make
class Holder(make(4), metaclass=make): value = make(5)

class Outer:
    @property
    def make(self):
        return (
            self
            .make
        )
    class Inner:
        kept = [make(n) for n in range(3)]

def run(size=make, *, also=lambda: make):
    with make() as made, other.make(): pass
    match made:
        case renamed.Kind(make=inner) if make: return f"{make} {inner.make!r}"
    return (yield make)
"""


def module_of(root: Path, path: str) -> Module:
    module = Modules(Tree(root, [path])).module(path)
    assert module is not None
    return module


def spans(nodes: list[ast.expr]) -> list[tuple[int, int, int, int]]:
    return sorted((node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0) for node in nodes)


def loads_of_all(module: Module) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in module.nodes:
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            found.setdefault(node.id if isinstance(node, ast.Name) else node.attr, []).append(node)
    return found


@pytest.mark.parametrize("path", ["odd.py", *SAMPLE])
def test_what_loads_a_name_is_found_in_pieces_as_in_the_whole(tmp_path: Path, path: str) -> None:
    (tmp_path / "odd.py").write_text(ODD)
    root = tmp_path if path == "odd.py" else LIBRARY
    whole = loads_of_all(module_of(root, path))
    pieces = module_of(root, path)
    assert {name: spans(pieces.loads(name)) for name in whole} == {name: spans(nodes) for name, nodes in whole.items()}
    assert pieces.loads("no_such_name") == []


@pytest.mark.parametrize("path", ["odd.py", *SAMPLE])
def test_calls_of_a_name_are_found_in_the_order_of_the_text(tmp_path: Path, path: str) -> None:
    (tmp_path / "odd.py").write_text(ODD)
    root = tmp_path if path == "odd.py" else LIBRARY
    whole: dict[str, list[ast.expr]] = {}
    for node in ast.walk(module_of(root, path).tree):
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            whole.setdefault(getattr(node.func, "attr", "") or node.func.id, []).append(node)  # type: ignore[attr-defined]
    pieces = module_of(root, path)
    assert pieces.called == whole.keys()
    for name, calls in whole.items():
        found = [(call.lineno, call.col_offset) for call in pieces.calls_of(name)]
        assert found == sorted((call.lineno, call.col_offset) for call in calls)
    assert pieces.calls_of("no_such_name") == []


@pytest.mark.parametrize("path", ["odd.py", *SAMPLE])
def test_every_name_is_near_its_own_text(tmp_path: Path, path: str) -> None:
    (tmp_path / "odd.py").write_text(ODD)
    module = module_of(tmp_path if path == "odd.py" else LIBRARY, path)
    names = {node: node.id for node in module.nodes if isinstance(node, ast.Name)}
    attributes = {node: node.attr for node in module.nodes if isinstance(node, ast.Attribute)}
    for name in {*names.values(), *attributes.values()}:
        near = set(module.near(name))
        assert all(node in near for node, own in (names | attributes).items() if own == name)
    assert not list(module.near("no_such_name"))


@pytest.mark.parametrize("path", ["odd.py", *SAMPLE])
def test_every_node_stands_where_it_stands_in_the_whole(tmp_path: Path, path: str) -> None:
    (tmp_path / "odd.py").write_text(ODD)
    module = module_of(tmp_path if path == "odd.py" else LIBRARY, path)
    parents = {child: parent for parent in ast.walk(module.tree) for child in ast.iter_child_nodes(parent)}
    shared = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)  # ast has one object for all of a kind
    asked = [node for node in parents if not isinstance(node, shared)]
    for node in sorted(asked, key=lambda node: -getattr(node, "lineno", 0))[::7]:
        assert module.parent(node) is parents[node]
    assert module.parent(module.tree) is None
    assert module.parent(ast.Name("elsewhere", ast.Load())) is None


def test_what_stands_further_out_comes_first(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def run():\n    return make()\n\nengine = make()\n")
    assert [node.lineno for node in module_of(tmp_path, "app.py").loads("make")] == [4, 2]
