"""A dict that is changed under another name, inside another dict or by a function: never a wrong value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluating import Project, plain
from poollint.facts import Known, Unknown
from poollint.python.evaluator.values import Listing, Table, Value
from poollint.python.source import sharing

PROGRAMS = {
    "inner alias, set": "cfg={\"engine\":{\"pool_size\":1}}\nopts=cfg[\"engine\"]\nopts[\"pool_size\"]=3\nresult=cfg[\"engine\"][\"pool_size\"]",
    "inner alias, whole": "cfg={\"engine\":{\"pool_size\":1}}\nopts=cfg[\"engine\"]\nopts[\"pool_size\"]=3\nresult=cfg",
    "outer changes, inner asked": "cfg={\"engine\":{\"pool_size\":1}}\nopts=cfg[\"engine\"]\ncfg[\"engine\"][\"pool_size\"]=3\nresult=opts[\"pool_size\"]",
    "chain": "a=b={}\na[\"n\"]=1\nresult=b",
    "chain2": "a={\"n\":1}\nb=a\nc=b\nc[\"n\"]=2\nresult=a[\"n\"]",
    "chain3": "a={\"n\":1}\nb=a\nc=b\na[\"n\"]=2\nresult=c[\"n\"]",
    "get alias": "cfg={\"e\":{\"n\":1}}\no=cfg.get(\"e\")\no[\"n\"]=2\nresult=cfg[\"e\"][\"n\"]",
    "setdefault alias": "cfg={}\no=cfg.setdefault(\"e\",{})\no[\"n\"]=2\nresult=cfg",
    "setdefault alias2": "cfg={\"e\":{\"n\":1}}\ncfg.setdefault(\"e\",{})[\"n\"]=2\nresult=cfg[\"e\"][\"n\"]",
    "setdefault update": "cfg={\"e\":{\"n\":1}}\ncfg.setdefault(\"e\",{}).update(n=2)\nresult=cfg[\"e\"][\"n\"]",
    "function": "def fill(d):\n    d[\"n\"]=2\ncfg={\"n\":1}\nfill(cfg)\nresult=cfg[\"n\"]",
    "function kw": "def fill(d):\n    d[\"n\"]=2\ncfg={\"n\":1}\nfill(d=cfg)\nresult=cfg[\"n\"]",
    "function used": "def fill(d):\n    d[\"n\"]=2\n    return 1\ncfg={\"n\":1}\nx=fill(cfg)\nresult=cfg[\"n\"]",
    "function inner": "def fill(d):\n    d[\"n\"]=2\ncfg={\"e\":{\"n\":1}}\nfill(cfg[\"e\"])\nresult=cfg[\"e\"][\"n\"]",
    "function in expr": "def fill(d):\n    d[\"n\"]=2\n    return d\ncfg={\"n\":1}\nother=dict(**fill(cfg))\nresult=cfg[\"n\"]",
    "function star": "def fill(*ds):\n    ds[0][\"n\"]=2\ncfg={\"n\":1}\nfill(cfg)\nresult=cfg[\"n\"]",
    "function in if": "def fill(d):\n    d[\"n\"]=2\n    return True\ncfg={\"n\":1}\nif fill(cfg):\n    pass\nresult=cfg[\"n\"]",
    "fn alias": "def fill(d):\n    e=d\n    e[\"n\"]=2\ncfg={\"n\":1}\nfill(cfg)\nresult=cfg[\"n\"]",
    "fn inner alias": "def fill(d):\n    e=d[\"e\"]\n    e[\"n\"]=2\ncfg={\"e\":{\"n\":1}}\nfill(cfg)\nresult=cfg[\"e\"][\"n\"]",
    "method": "class F:\n    def fill(self,d):\n        d[\"n\"]=2\nf=F()\ncfg={\"n\":1}\nf.fill(cfg)\nresult=cfg[\"n\"]",
    "lambda": "fill=lambda d: d.update(n=2)\ncfg={\"n\":1}\nfill(cfg)\nresult=cfg[\"n\"]",
    "rebound fn": "def fill(d):\n    d={\"n\":2}\ncfg={\"n\":1}\nfill(cfg)\nresult=cfg[\"n\"]",
    "del": "cfg={\"n\":1,\"m\":2}\ndel cfg[\"n\"]\nresult=cfg",
    "del get": "cfg={\"n\":1}\ndel cfg[\"n\"]\nresult=cfg.get(\"n\",5)",
    "del inner": "cfg={\"e\":{\"n\":1}}\ndel cfg[\"e\"][\"n\"]\nresult=cfg",
    "pop": "cfg={\"n\":1}\nx=cfg.pop(\"n\")\nresult=(x,cfg)",
    "pop inner": "cfg={\"e\":{\"n\":1}}\ncfg[\"e\"].pop(\"n\")\nresult=cfg",
    "pop alias": "cfg={\"n\":1}\nd=cfg\nd.pop(\"n\")\nresult=cfg",
    "dict holding": "e={\"n\":1}\ncfg={\"e\":e}\ne[\"n\"]=2\nresult=cfg[\"e\"][\"n\"]",
    "dict holding 2": "e={\"n\":1}\ncfg={\"e\":e}\ncfg[\"e\"][\"n\"]=2\nresult=e[\"n\"]",
    "dict(e=e)": "e={\"n\":1}\ncfg=dict(e=e)\ne[\"n\"]=2\nresult=cfg[\"e\"][\"n\"]",
    "put holding": "e={\"n\":1}\ncfg={}\ncfg[\"e\"]=e\ne[\"n\"]=2\nresult=cfg[\"e\"][\"n\"]",
    "list holding": "e={\"n\":1}\nl=[e]\nfor x in l:\n    x[\"n\"]=2\nresult=e[\"n\"]",
    "loop over dicts": "a={\"n\":1}\nb={\"n\":1}\nfor d in (a,b):\n    d[\"n\"]=2\nresult=a[\"n\"]",
    "loop values": "cfg={\"a\":{\"n\":1},\"b\":{\"n\":1}}\nfor d in cfg.values():\n    d[\"n\"]=2\nresult=cfg[\"a\"][\"n\"]",
    "loop keys": "cfg={\"a\":{\"n\":1},\"b\":{\"n\":1}}\nfor k in cfg:\n    cfg[k][\"n\"]=2\nresult=cfg[\"a\"][\"n\"]",
    "copy": "e={\"n\":1}\nc=e.copy()\nc[\"n\"]=2\nresult=e[\"n\"]",
    "copy2": "e={\"n\":1}\nc=dict(e)\ne[\"n\"]=2\nresult=c[\"n\"]",
    "spread": "e={\"n\":1}\nc={**e}\ne[\"n\"]=2\nresult=c[\"n\"]",
    "shallow copy": "e={\"x\":{\"n\":1}}\nc=e.copy()\nc[\"x\"][\"n\"]=2\nresult=e[\"x\"][\"n\"]",
    "tuple unpack": "e={\"n\":1}\nf,g=e,2\nf[\"n\"]=2\nresult=e[\"n\"]",
    "or": "e={\"n\":1}\nf=e or {}\nf[\"n\"]=2\nresult=e[\"n\"]",
    "global func": "cfg={\"n\":1}\ndef change():\n    cfg[\"n\"]=2\nchange()\nresult=cfg[\"n\"]",
    "global func alias": "cfg={\"n\":1}\ndef change():\n    d=cfg\n    d[\"n\"]=2\nchange()\nresult=cfg[\"n\"]",
    "self alias": "class A:\n    def __init__(self):\n        self.o={\"n\":1}\n        o=self.o\n        o[\"n\"]=2\nresult=A().o[\"n\"]",
    "self alias2": "class A:\n    def __init__(self):\n        o={\"n\":1}\n        self.o=o\n        o[\"n\"]=2\nresult=A().o[\"n\"]",
    "outside attr": "class A:\n    def __init__(self):\n        self.o={\"n\":1}\na=A()\na.o[\"n\"]=2\nresult=a.o[\"n\"]",
    "outside attr alias": "class A:\n    def __init__(self):\n        self.o={\"n\":1}\na=A()\no=a.o\no[\"n\"]=2\nresult=a.o[\"n\"]",
    "class attr": "class A:\n    o={\"n\":1}\nA.o[\"n\"]=2\nresult=A.o[\"n\"]",
    "returned param": "def same(d):\n    return d\ne={\"n\":1}\ng=same(e)\ng[\"n\"]=2\nresult=e[\"n\"]",
    "ior": "e={\"n\":1}\nf=e\nf|={\"n\":2}\nresult=e[\"n\"]",
    "ior2": "e={\"n\":1}\ne|={\"n\":2}\nresult=e[\"n\"]",
    "or new": "e={\"n\":1}\nf=e|{\"n\":2}\nresult=e[\"n\"]",
    "aug item": "e={\"n\":1}\ne[\"n\"]+=1\nresult=e[\"n\"]",
    "aug alias": "e={\"n\":1}\nf=e\nf[\"n\"]+=1\nresult=e[\"n\"]",
    "list alias": "e=[1]\nf=e\nf.append(2)\nresult=e",
    "list aug": "e=[1]\nf=e\nf+=[2]\nresult=e",
    "list item": "e=[1]\ne[0]=2\nresult=e[0]",
    "list del": "e=[1,2]\ndel e[0]\nresult=e[0]",
    "loop alias": "e={\"n\":0}\nf=e\nfor i in (1,2,3):\n    f[\"n\"]=i\nresult=e[\"n\"]",
    "loop fill": "def fill(d,i):\n    d[\"n\"]=i\ne={\"n\":0}\nfor i in (1,2,3):\n    fill(e,i)\nresult=e[\"n\"]",
    "update unpack": "e={\"n\":1}\n(f)=e\nf.update({\"n\":2})\nresult=e[\"n\"]",
    "exec dict.update": "e={\"n\":1}\ndict.update(e, n=2)\nresult=e[\"n\"]",
    "setattr like": "e={\"n\":1}\ne.__setitem__(\"n\",2)\nresult=e[\"n\"]",
    "clear": "e={\"n\":1}\nf=e\nf.clear()\nresult=e.get(\"n\",7)",
    "nested fn closure": "def outer():\n    e={\"n\":1}\n    def inner():\n        e[\"n\"]=2\n    inner()\n    return e[\"n\"]\nresult=outer()",
    "alias mutated before": "e={\"n\":1}\ne[\"n\"]=3\nf=e\nresult=f[\"n\"]",
    "popitem": "e={\"n\":1,\"m\":2}\ne.popitem()\nresult=e",
    "dict fromkeys": "e={\"n\":1}\nd=dict.fromkeys([\"a\",\"b\"],e)\nd[\"a\"][\"n\"]=2\nresult=e[\"n\"]",
    "comp": "e={\"n\":1}\n[d.update(n=2) for d in [e]]\nresult=e[\"n\"]",
    "nested alias2": "c={\"a\":{\"b\":{\"n\":1}}}\nx=c[\"a\"]\ny=x[\"b\"]\ny[\"n\"]=2\nresult=c[\"a\"][\"b\"][\"n\"]",
    "with name": "import contextlib\ne={\"n\":1}\nwith contextlib.nullcontext(e) as f:\n    f[\"n\"]=2\nresult=e[\"n\"]",
    "method self": "class F:\n    def __init__(self):\n        cfg={\"n\":1}\n        self.fill(cfg)\n        self.cfg=cfg\n    def fill(self,d):\n        d[\"n\"]=2\nresult=F().cfg[\"n\"]",
    "method self setdefault": "class F:\n    def __init__(self,kw=None):\n        cfg=dict(kw or {})\n        self.fill(cfg)\n        self.cfg=cfg\n    @staticmethod\n    def fill(d):\n        d.setdefault(\"n\",2)\nresult=F().cfg[\"n\"]",
    "inner by fill of outer": "def fill(d):\n    d[\"e\"][\"n\"]=2\ncfg={\"e\":{\"n\":1}}\no=cfg[\"e\"]\nfill(cfg)\nresult=o[\"n\"]",
    "fill two": "def fill(d,e):\n    e[\"n\"]=2\na={\"n\":1}\nb={\"n\":1}\nfill(a,b)\nresult=(a[\"n\"],b[\"n\"])",
    "fill alias passed": "def fill(d):\n    d[\"n\"]=2\na={\"n\":1}\nb=a\nfill(b)\nresult=a[\"n\"]",
    "fill kwarg dict": "def fill(**d):\n    d[\"e\"][\"n\"]=2\na={\"n\":1}\nfill(e=a)\nresult=a[\"n\"]",
    "fill spread": "def fill(e):\n    e[\"n\"]=2\na={\"e\":{\"n\":1}}\nfill(**a)\nresult=a[\"e\"][\"n\"]",
    "fill chain": "def g(x):\n    x[\"n\"]=2\ndef fill(d):\n    g(d)\na={\"n\":1}\nfill(a)\nresult=a[\"n\"]",
    "fill chain kw": "def g(*,x):\n    x[\"n\"]=2\ndef fill(d):\n    g(x=d)\na={\"n\":1}\nq=fill(a)\nresult=a[\"n\"]",
    "setdefault item": "a={}\na.setdefault(\"c\",{})[\"x\"]=1\na[\"n\"]=2\nresult=a[\"n\"]",
    "module dict changed by function later": "cfg={\"n\":1}\ndef conf():\n    cfg[\"n\"]=2\ndef read():\n    return cfg[\"n\"]\nconf()\nresult=read()",
    "module dict updated by function": "cfg={\"n\":1}\ndef conf():\n    cfg.update(n=2)\ndef read():\n    return cfg.get(\"n\")\nconf()\nresult=read()",
    "module dict filled by function": "cfg={}\ndef conf():\n    cfg.update(n=2)\ndef read():\n    return cfg.get(\"n\",1)\nconf()\nresult=read()",
    "module dict passed": "cfg={\"n\":1}\ndef fill(d):\n    d[\"n\"]=2\ndef conf():\n    fill(cfg)\ndef read():\n    return cfg[\"n\"]\nconf()\nresult=read()",
    "self attr changed by method": "class A:\n    def __init__(self):\n        self.o={\"n\":1}\n    def conf(self):\n        self.o[\"n\"]=2\na=A()\na.conf()\nresult=a.o[\"n\"]",
    "self attr changed by method in init": "class A:\n    def __init__(self):\n        self.o={\"n\":1}\n        self.conf()\n    def conf(self):\n        self.o[\"n\"]=2\na=A()\nresult=a.o[\"n\"]",
    "attr replaced by method": "class A:\n    def __init__(self):\n        self.o={\"n\":1}\n    def conf(self):\n        self.o={\"n\":2}\na=A()\na.conf()\nresult=a.o[\"n\"]",
    "attr set outside": "class A:\n    def __init__(self):\n        self.n=1\na=A()\na.n=2\nresult=a.n",
    "attr set by method": "class A:\n    def __init__(self):\n        self.n=1\n    def big(self):\n        self.n=2\na=A()\na.big()\nresult=a.n",
    "list extend alias": "a=[1]\nb=a\nb+=[2]\nresult=len(a)",
    "dict in tuple": "a=({\"n\":1},)\na[0][\"n\"]=2\nresult=a[0][\"n\"]",
    "nested list": "a={\"l\":[1]}\na[\"l\"].append(2)\nresult=a[\"l\"]",
    "dict comp shares": "a={\"e\":{\"n\":1}}\nb={k:v for k,v in a.items()}\nb[\"e\"][\"n\"]=2\nresult=a[\"e\"][\"n\"]",
    "deepcopy": "import copy\na={\"e\":{\"n\":1}}\nb=copy.deepcopy(a)\nb[\"e\"][\"n\"]=2\nresult=a[\"e\"][\"n\"]",
    "merged shares": "a={\"e\":{\"n\":1}}\nb={**a,\"m\":1}\nb[\"e\"][\"n\"]=2\nresult=a[\"e\"][\"n\"]",
    "or default param": "def f(o=None):\n    o=o or {}\n    o[\"n\"]=2\n    return o\na={\"n\":1}\nb=f(a)\nresult=a[\"n\"]",
    "global rebind": "n=1\ndef f():\n    global n\n    n=2\nf()\nresult=n",
    "nonlocal rebind": "def o():\n    n=1\n    def f():\n        nonlocal n\n        n=2\n    f()\n    return n\nresult=o()",
    "for else": "n=1\nfor i in (1,2):\n    if i==2:\n        break\nelse:\n    n=5\nresult=n",
    "while count": "n=1\nwhile n<4:\n    n+=1\nresult=n",
    "try finally": "n=1\ntry:\n    n=2\nfinally:\n    n+=1\nresult=n",
    "return in try": "def f():\n    try:\n        return 1\n    finally:\n        pass\nresult=f()",
    "except path": "def f():\n    try:\n        return int(\"x\")\n    except ValueError:\n        return 3\nresult=f()",
    "pop opened": "import os\ncfg={\"n\":1, **dict(os.environ)}\ncfg.pop(\"n\")\nresult=cfg.get(\"n\",5)",
    "walrus": "if (d:={\"n\":1}):\n    e=d\ne[\"n\"]=2\nresult=d[\"n\"]",
    "with cond": "e={\"n\":1}\nf=e if True else {}\nf[\"n\"]=2\nresult=e[\"n\"]",
    "alias before rebind": "e={\"n\":1}\nf=e\ne={\"n\":5}\nf[\"n\"]=2\nresult=e[\"n\"]",
    "chained method": "e={\"x\":{\"n\":1}}\ne[\"x\"].update(n=2)\nresult=e[\"x\"][\"n\"]",
    "try": "e={\"n\":1}\ntry:\n    f=e\n    f[\"n\"]=2\nexcept Exception:\n    pass\nresult=e[\"n\"]",
}  # fmt: skip


def _agrees(value: Value, real: Any) -> bool:
    """Say whether everything that is known of a value is so, and no key of a complete dict is missing."""
    match value:
        case Known(value=known):
            return bool(known == real)
        case Table(entries=entries, complete=complete):
            sure = {key for key, entry in entries.items() if not isinstance(entry, Unknown)}
            known_keys = not complete or sure <= set(real) <= set(entries)
            return known_keys and all(_agrees(entry, real[key]) for key, entry in entries.items() if key in real)
        case Listing(items=items, complete=True):
            return len(items) == len(real) and all(map(_agrees, items, real))
    return True


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_what_is_known_after_a_change_under_another_name_is_so(tmp_path: Path, program: str) -> None:
    real: dict[str, Any] = {}
    exec(program, real)  # noqa: S102 - one of the programs above
    found = Project(tmp_path, program).alternatives()
    assert all(_agrees(value, real["result"]) for value in found), (found, real["result"])


STILL_KNOWN = {
    "other keys of a dict of which a part is changed": (
        'o = {}\no["size"] = 5\no.setdefault("args", {})["ssl"] = True\nresult = o["size"]', 5),
    "other keys of a dict that a method fills": (
        'class Storage:\n    def __init__(self, given=None):\n        options = dict(given or {})\n'
        '        self.fill(options)\n        self.size = options["size"]\n'
        '    def fill(self, options):\n        options.setdefault("size", 5)\nresult = Storage().size', 5),
    "other keys of a dict that an alias changes": (
        'a = {"n": 1, "m": 2}\nb = a\nb["m"] = 3\nresult = a["n"]', 1),
    "an attribute that a validator of the whole sets": (
        'from pydantic import BaseModel, model_validator\nclass S(BaseModel):\n    n: int = 1\n'
        '    @model_validator(mode="after")\n    def change(self):\n        self.n = 2\n        return self\nresult = S().n', 2),
    "a flag that a function raises": (
        'ready = False\ndef start():\n    global ready\n    ready = True\ndef read():\n    return 1 if ready else 2\n'
        'result = read()', 2),
    "a part of a dict whose other keys are set": (
        'args = {"n": 1}\ncfg = {"args": args}\ncfg["size"] = 5\nresult = args["n"]', 1),
    "two parts of one dict": (
        'cfg = {"a": {"n": 1}, "b": {"n": 1}}\na = cfg["a"]\nb = cfg["b"]\nb["n"] = 2\nresult = a["n"]', 1),
    "a copy": ('a = {"n": 1}\nb = dict(a)\nb["n"] = 2\nresult = a["n"]', 1),
    "a change after the place that asks": ('a = {"n": 1}\nb = a\nresult = b["n"]\na["n"] = 2', 1),
    "a function that only reads": (
        'def read(d):\n    return d["n"]\na = {"n": 1}\nx = read(a)\nresult = a["n"]', 1),
    "a function that fills what it is given": (
        'def fill(d):\n    d["n"] = 2\na = {"n": 1}\nfill(a)\nresult = a["n"]', 2),
    "a function that is not called": (
        'a = {"n": 1}\ndef change():\n    a["n"] = 2\nresult = a["n"]', 1),
    "a key inside that is deleted": ('a = {"b": {"n": 1, "m": 2}}\ndel a["b"]["n"]\nresult = a["b"]["m"]', 2),
}  # fmt: skip


@pytest.mark.parametrize(("program", "wanted"), STILL_KNOWN.values(), ids=STILL_KNOWN.keys())
def test_what_no_other_name_changes_stays_known(tmp_path: Path, program: str, wanted: int) -> None:
    value = Project(tmp_path, program).value()
    assert isinstance(value, Known) and value.value == wanted



def test_what_a_library_makes_of_names_is_none_of_them(tmp_path: Path) -> None:
    """An engine made of a dict in one branch and of its parts in another lets the parts not be the dict."""
    branch = 'o = {"url": url, "dumps": dumps, "loads": loads, "echo": echo}\n    o.update({"n": 3})\n    engine = make_engine(**o)'
    program = f"""
from library import make_engine, dumps, loads, echo, url, kind
if kind == 1:
    {branch}
elif kind == 2:
    engine = make_engine(url, dumps=dumps, loads=loads, echo=echo)
else:
    {branch}
o = {{"n": 1, "url": url, "dumps": dumps, "loads": loads, "echo": echo}}
engine = make_engine(**o)
result = o["n"]
"""
    assert plain(Project(tmp_path, program).value()) == 1


def test_a_function_that_sets_a_global_name_finds_it_unset_the_first_time(tmp_path: Path) -> None:
    program = """
made = None
def make():
    global made
    if made is None:
        made = 5
        size = 7
    else:
        size = 9
    return size
result = make()
"""
    assert plain(Project(tmp_path, program).value()) == 7


def test_an_object_with_too_many_changed_parts_is_changed_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = "".join(f"    d['k{n}'] = 1\n" for n in range(4))
    program = f"def fill(d):\n{sets}    return 2\noptions = {{'n': 1}}\nother = fill(options)\nresult = options['n']"
    assert plain(Project(tmp_path, program).value()) == 1
    monkeypatch.setattr(sharing, "MOST_PARTS", 2)
    assert isinstance(Project(tmp_path, program).value(), Unknown)
