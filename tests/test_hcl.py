"""Terraform's language: what is a block, what an expression is worth, and what broken or hostile text costs."""

from __future__ import annotations

import time

import pytest

from poollint.hcl import syntax as hcl
from poollint.hcl.evaluate import Budget, evaluate
from poollint.hcl.values import Reference, reference
from poollint.facts import Known, Location, Origin, Setting, Unknown


class Names:
    """`var.three` is 3, `var.hosts` a list; everything else is a resource."""

    def __init__(self) -> None:
        self.budget = Budget()

    def resolve(self, path: tuple[str | int, ...]) -> tuple[Setting, int]:
        if path[:2] == ("var", "three"):
            return Known(3, Origin("var.three", Location("variables.tf", 2))), 2
        if path[:2] == ("var", "secret"):
            return Unknown("var.secret has no default"), 2
        return Known(reference(*path), Origin("")), len(path)

    def read(self, path: str) -> Known | None:
        text = {"a.tpl": "x ${name} ${other}"}.get(path)
        return Known(text, Origin("file", Location(path, 1))) if text else None


def value(text: str) -> Setting:
    return evaluate(hcl.parse("main.tf", f"a = {text}\n").body.attributes["a"], Names())


def plain(setting: Setting) -> object:
    assert isinstance(setting, Known), setting
    if isinstance(setting.value, tuple):
        return [plain(item) for item in setting.value]
    if isinstance(setting.value, dict):
        return {key: plain(item) for key, item in setting.value.items()}
    return setting.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 3 - 2", 5),
        ("-var.three - -1", -2),
        ("7 / 2", 3.5),
        ("7 % 4", 3),
        ("var.three > 2 && !false", True),
        ('"a" == "b" || 1 >= 2', False),
        ("var.three == 3 ? 40 : 4", 40),
        ('"a${1 + 1}b"', "a2b"),
        ('"${var.three}"', 3),
        ('"tab\\tquote\\" $${kept}"', 'tab\tquote" ${kept}'),
        ('""', ""),
        ("null", None),
        ('max(1, "20", var.three)', 20),
        ("min(5, var.three)", 3),
        ("floor(7 / 2)", 3),
        ("ceil(7 / 2)", 4),
        ('tonumber("12")', 12),
        ("tostring(12)", "12"),
        ('coalesce(null, "", "x")', "x"),
        ('lookup({a = 1}, "a", 9)', 1),
        ('lookup({a = 1}, "b", 9)', 9),
        ('format("%s-%d", "api", 3)', "api-3"),
        ('join(",", ["a", "b"])', "a,b"),
        ('length(["a", "b"])', 2),
        ("merge({a = 1, b = 1}, {b = 2})", {"a": 1, "b": 2}),
        ("concat([1], [2, 3])[1]", 2),
        ('{"a" = 1, (tostring(2)) = 3}', {"a": 1, "2": 3}),
        ("[{n = 1}, {n = 2}][*].n", [1, 2]),
        ('[for k, v in {a = 1, b = 2} : "${k}=${v}" if v > 1]', ["b=2"]),
        ('{for name in ["a"] : upper(name) => name}', {"A": "a"}),
        ("{a = {b = [5]}}.a.b[0]", 5),
        ("try(var.three, 9)", 3),
        ("try({a = 1}.b, 9)", 9),
        ('split("/", "a/b")', ["a", "b"]),
        ("flatten([[1], [2, 3]])", [1, 2, 3]),
        ('compact(["", null, "a"])', ["a"]),
        ("one([])", None),
        ("false ? 1 : true ? 2 : 3", 2),
        ("false ? 1 : false ? 2 : true ? 3 : 4", 3),
        ("true ? 1 : var.secret ? 2 : 3", 1),
        ("aws_db_instance.main.arn != null", True),
        ("[for v in [1, null] : v if v != null]", [1]),
    ],
)
def test_an_expression_is_worth(text: str, expected: object) -> None:
    assert plain(value(text)) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("var.secret + 1", "var.secret has no default"),
        ("aws_db_instance.main.port + 1", "only known after an apply"),
        ("aws_db_instance.main.port > 5 ? 1 : 2", "depends on aws_db_instance.main.port > 5"),
        ('cidrhost("10.0.0.0/8", 1)', "cidrhost() is not evaluated"),
        ("1 / 0", "operands that do not fit"),
        ("try(var.secret, 9)", "var.secret has no default"),
        ("false ? 1 : var.secret ? 2 : 3", "depends on var.secret"),
        ("[for x in [1] : x if var.secret]", "a filter that cannot be decided"),
        ("[for x in var.secret : x]", "loops over var.secret"),
        ('"%{ if true }x%{ endif }"', "directives"),
        ('replace("aaaa", "/a+/", "b")', "replace() of values"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, reason: str) -> None:
    setting = value(text)
    assert isinstance(setting, Unknown)
    assert reason in setting.reason


def test_a_condition_nobody_knows_does_not_matter_when_both_sides_agree() -> None:
    assert plain(value("var.secret ? 5 : 5")) == 5


def test_a_filter_for_what_is_set_keeps_what_nobody_can_read() -> None:
    setting = value("[for v in [var.secret] : v if v != null]")
    assert isinstance(setting, Known)
    assert isinstance(setting.value[0], Unknown)


def test_a_resource_stays_a_reference_inside_a_text() -> None:
    setting = value('"postgresql://u:p@${aws_db_instance.main.address}:5432/${var.secret}"')
    assert isinstance(setting, Known)
    assert isinstance(setting.value, Reference)
    assert setting.value == "postgresql://u:p@${aws_db_instance.main.address}:5432/${var.secret}"


def test_an_index_in_a_reference_is_written_so_that_a_host_can_hold_it() -> None:
    assert plain(value("google_sql_database_instance.main.ip_address[0].ip_address")) == (
        "${google_sql_database_instance.main.ip_address.0.ip_address}"
    )


def test_a_template_file_is_filled_in_where_it_can_be() -> None:
    setting = value('templatefile("a.tpl", { name = "api", other = aws_db_instance.main.address })')
    assert plain(setting) == "x api ${aws_db_instance.main.address}"
    assert str(setting.origin.location) == "a.tpl:1"
    assert isinstance(value('file("missing.json")'), Unknown)


def test_a_heredoc_keeps_its_text_between_interpolations() -> None:
    assert plain(value("<<-EOT\n  [a] ${1 + 1}\n  b\n  EOT")).splitlines()[:2] == ["  [a] 2", "  b"]


def test_a_value_stands_where_its_literal_is_written() -> None:
    setting = value("max(1, var.three)")
    assert (setting.origin.says, str(setting.origin.location)) == ("var.three", "variables.tf:2")


def test_columns_count_code_points() -> None:
    file = hcl.parse("main.tf", 'a = "é" == "x" ? 1 : 22\n')
    setting = evaluate(file.body.attributes["a"], Names())
    assert setting.origin.location == Location("main.tf", 1, 22, 1, 24)


def test_blocks_have_types_labels_and_places() -> None:
    file = hcl.parse("main.tf", '\nresource "aws_db_instance" "main" {\n  nested { deep = 1 }\n}\n')
    (block,) = file.body.blocks
    assert (block.type, block.labels, str(block.location)) == ("resource", ("aws_db_instance", "main"), "main.tf:2")
    assert list(block.body.blocks[0].body.attributes) == ["deep"]


def test_a_broken_block_loses_only_itself() -> None:
    file = hcl.parse(
        "main.tf",
        'variable "a" {\n  default = 1\n}\n\nresource "x" "broken" {\n  b = = 3\n}\n\n'
        'variable "c" {\n  default = 3\n}\n',
    )
    assert [block.labels[-1] for block in file.body.blocks] == ["a", "c"]
    assert [str(place) for place in file.broken] == ["main.tf:5"]
    assert str(file.body.blocks[1].location) == "main.tf:9"


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 50_000,
        "a = " + "(" * 50_000 + "1" + ")" * 50_000,
        'a = "' + '${"' * 50_000,
        "a {" * 20_000,
        "a = 1" + "+1" * 50_000,
        "a = " + "x ? y : " * 20_000 + "z",
        "a = " + "!" * 50_000 + "true",
        "\x00\x01}}}}{{{{" * 1_000,
    ],
    ids=["brackets", "parentheses", "templates", "blocks", "sum", "conditions", "negations", "noise"],
)
def test_nesting_without_end_is_no_crash(text: str) -> None:
    started = time.monotonic()
    file = hcl.parse("main.tf", text + "\n")
    for expression in file.body.attributes.values():
        assert isinstance(evaluate(expression, Names()), (Known, Unknown))
    assert time.monotonic() - started < 5


def test_a_file_above_the_limit_is_refused() -> None:
    with pytest.raises(hcl.Unreadable, match="larger than 512 KiB"):
        hcl.parse("main.tf", "# padding\n" * 60_000)


def test_texts_that_double_are_cut() -> None:
    setting = value('join("", [' + ",".join(['"' + "x" * 500 + '"'] * 100) + "])")
    assert isinstance(setting, Unknown)
