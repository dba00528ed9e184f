"""Arithmetic, comparisons and truth, over values that may not be known."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from poollint.facts import Known, Origin, Unknown
from poollint.python.evaluator import containers, environment, objects, text, urls
from poollint.python.evaluator.values import (
    ClassRef,
    FunctionRef,
    Instance,
    LibraryObject,
    LibraryRef,
    Listing,
    Member,
    ModuleRef,
    Open,
    Partial,
    Table,
    Text,
    Traced,
    Url,
    Value,
    certainty_of,
    derived,
    failing,
    operation,
    origin_of,
    reason_of,
    same_value,
    symbol_of,
    unsettled,
    variables_of,
)

if TYPE_CHECKING:
    from poollint.python.evaluator.evaluate import Lesson, World

LARGEST_NUMBER = 10**12
LONGEST_TEXT = 100_000

_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
    ast.RShift: operator.rshift,
}
_COMPARISONS: dict[type, Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def binary(op: ast.operator, left: Value, right: Value, origin: Origin) -> Value:
    """Return `left op right`."""
    name = type(op).__name__
    match op, left, right:
        case ast.BitOr(), Table(), _:
            return left.merged(right)
        case ast.Add(), Listing(), Listing():
            return Listing((*left.items, *right.items), left.origin, left.complete and right.complete)
        case ast.Add(), _, _ if _are_text(left, right):
            return text.joined((_as_piece(left), _as_piece(right)), origin)
        case ast.Mod(), _, _ if text.is_text(left):
            return text.percent(left, right, origin)
        case ast.Div(), LibraryObject(name="pathlib.Path"), _:
            return text.path_join(left, right)
        case _, Known(value=a), Known(value=b):
            return _calculated(op, a, b, left, right, origin)
    return unsettled(
        reason_of(left if not isinstance(left, Known) else right),
        left,
        right,
        origin=origin,
        symbol=operation(name, left, right),
    )


def _are_text(left: Value, right: Value) -> bool:
    """`"postgresql://" + HOST`: one text makes the other one text too, as far as it is not known."""
    is_text = [text.is_text(value) for value in (left, right)]
    return all(is_text) or (any(is_text) and any(isinstance(value, _ANY_TEXT) for value in (left, right)))


_ANY_TEXT = (Unknown, LibraryObject, LibraryRef)  # beside a text it is one: `"sqlite:///" + str(Path(folder) / "a.db")`


def _as_piece(value: Value) -> Value:
    return value if text.is_text(value) or isinstance(value, Unknown) else Unknown(reason_of(value), origin_of(value))


def _calculated(op: ast.operator, a: Any, b: Any, left: Value, right: Value, origin: Origin) -> Value:
    function = _ARITHMETIC.get(type(op))
    if isinstance(op, ast.Mult) and isinstance(a, str) and isinstance(b, int) and 0 <= b <= 100 and len(a) <= 100:
        return derived(a * b, left, right, origin=origin)
    if function is None or not _is_number(a) or not _is_number(b):
        if isinstance(op, ast.Pow) and _is_number(a) and _is_number(b) and abs(a) <= 1024 and 0 <= b <= 16:
            function = operator.pow
        elif isinstance(op, ast.LShift) and isinstance(a, int) and isinstance(b, int) and 0 <= b <= 40 and abs(a) <= 1024:
            function = operator.lshift
        else:
            return Unknown("an operation that is not worked out", origin)
    try:
        result = function(a, b)
    except (ArithmeticError, ValueError, TypeError) as problem:
        return failing(type(problem), origin)
    if abs(result) > LARGEST_NUMBER:
        return Unknown("a number out of all proportion", origin)
    return derived(
        result, left, right, origin=_written(left, right, origin), symbol=operation(type(op).__name__, left, right)
    )


def _written(left: Value, right: Value, origin: Origin) -> Origin:
    """A number that is worked out stands where its only variable part is written, else where it is worked out."""
    places = [value for value in (left, right) if variables_of(value)]
    return origin_of(places[0]) if len(places) == 1 else origin


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float))


def unary(op: ast.unaryop, value: Value, origin: Origin) -> Value:
    """Return `op value` for numbers; `not` is `negated`."""
    if isinstance(value, Known) and _is_number(value.value):
        result = -value.value if isinstance(op, ast.USub) else +value.value
        return derived(
            ~value.value if isinstance(op, ast.Invert) and isinstance(value.value, int) else result,
            value,
            origin=origin,
        )
    return unsettled(reason_of(value), value, origin=origin)


def negated(world: World, value: Value, origin: Origin) -> Value:
    """Return `not value`."""
    if isinstance(value, Known) and value.start:
        return Traced(False, origin)
    if (plain := plain_truth(value)) is not None:
        _teach_presence(world, value)
        return derived(not plain, value, origin=origin, symbol=_not(truth_symbol(value)))
    return Open(reason_of(value), origin, _not(truth_symbol(value)), variables_of(value))


def _teach_presence(world: World, value: Value) -> None:
    """Remember what `not url` asks of a text: whether the variable is there, not whether it is True."""
    from poollint.python.evaluator.evaluate import Lesson

    symbol = truth_symbol(value)
    if isinstance(value, Known) and not isinstance(value.value, bool) and symbol.startswith("env:"):
        world.teach(symbol, ((Lesson(symbol),), ()))


def _not(symbol: str) -> str:
    if not symbol:
        return ""
    return symbol[4:-1] if symbol.startswith("not(") else f"not({symbol})"


def plain_truth(value: Value) -> bool | None:
    """Return the truth of a value where it can be read."""
    match value:
        case Member(is_plain=False):
            return True
        case Known():
            return bool(value.value)
        case Table(entries=entries, complete=complete):
            return True if entries else (False if complete else None)
        case Listing(items=items, complete=complete):
            return True if items else (False if complete else None)
        case Text(parts=parts) if not value.variables:
            return True if any(isinstance(part, str) and part for part in parts) else None
        case Instance(cls=cls) if any(getattr(stmt, "name", "") in ("__bool__", "__len__") for stmt in cls.node.body):
            return None
        case Url(whole=None) | FunctionRef() | ClassRef() | Instance() | ModuleRef() | Partial():
            return True
        case LibraryRef(name=name) if name.startswith("builtins."):
            return True
        case LibraryRef(name=name) | LibraryObject(name=name) if name.rpartition(".")[2][:1].isupper():
            return True  # a class or what it made; what a function returns may be anything
    return None


def truth_symbol(value: Value) -> str:
    """Return the name of the question whether a value is true; "" when it has none but its place."""
    return getattr(value, "symbol", "") if isinstance(value, Known) else symbol_of(value)


def truth(world: World, value: Value, place: str) -> bool | None:
    """Return the truth of a condition; asks the world when nobody can tell, None when it does not answer.

    A flag, name or URL that the environment may replace is a question too: production may well replace it. The default's
    answer comes first. A number that may be replaced is taken as it is: `if pool_size:` is no branch of interest.
    """
    plain = plain_truth(value)
    if plain is not None and not _may_turn(value):
        return plain
    key = truth_symbol(value) or place + world.turns_so_far()
    flipped = key.startswith("not(")
    asked = key[4:-1] if flipped else key
    off = _without_tests(asked)
    if off is not None and (plain is None or plain == (off != flipped)):
        return off != flipped  # no production sets TESTING, nor ENV=test
    if isinstance(value, Known) and isinstance(value.value, bool) and asked.startswith("env:"):
        # A flag by itself: the answer is its value, wherever else it is used.
        _teach_flag(world, asked, value)
    answer = _answer(world, asked, plain, flipped, variables_of(value))
    if answer is None:
        return plain
    return answer != flipped


_TEST_WORDS = frozenset("test tests testing pytest unittest".split())


@lru_cache(1_000)
def _without_tests(symbol: str) -> bool | None:
    """Return the answer where no test runs to a question about a variable that only tests set, None to any other.

    `TESTING`, `IS_TEST == "1"`, `ENV == "test"`: no; `PYTEST_CURRENT_TEST is None`: yes
    """
    compared = symbol.rpartition(", ")[2].strip("')").lower() if symbol.startswith("eq(env:") else None
    names = re.findall(r"env:(\w+)", symbol)
    if any(_TEST_WORDS & set(name.lower().split("_")) for name in names):
        return compared in ("none", "")
    return False if compared in _TEST_WORDS else None


def _teach_flag(world: World, key: str, value: Known) -> None:
    from poollint.python.evaluator.evaluate import Lesson

    flag = [(Lesson(key, Known(answer, value.origin)),) for answer in (True, False)]
    world.teach(key, (flag[0], flag[1]))


def _may_turn(value: Value) -> bool:
    if isinstance(value, Known):
        is_open = value.value is None or isinstance(value.value, (str, bool))
        return is_open and not value.start and bool(variables_of(value))
    return bool(variables_of(value))


def _answer(world: World, key: str, plain: bool | None, flipped: bool, variables: frozenset[str]) -> bool | None:
    from poollint.python.evaluator.evaluate import Answer, Lesson, Question

    if world.closed or key in world.answers:  # as nearly always: nobody needs to know what the answers would mean
        choice = world.ask(Question(key, ()))
        return None if choice is None else bool(choice)
    likely = True if plain is None else plain != flipped
    when_true, when_false = world.evaluator.meanings.get(key, ((), ()))
    if plain is not None:
        # The other answer means that the default is replaced.
        replaced = tuple(Lesson(f"env:{name}") for name in sorted(variables))
        if likely:
            when_true, when_false = (), _with_replaced(when_false, replaced)
        else:
            when_true, when_false = _with_replaced(when_true, replaced), ()
    answers = {True: Answer(1, when_true), False: Answer(0, when_false)}
    return bool(world.ask(Question(key, (answers[likely], answers[not likely]))))


def _with_replaced(told: tuple[Lesson, ...], replaced: tuple[Lesson, ...]) -> tuple[Lesson, ...]:
    """Return what an answer teaches; what it tells of a text that is made of variables is nothing about these."""
    return told if {lesson.symbol for lesson in told} & {lesson.symbol for lesson in replaced} else (*told, *replaced)


def settled(world: World, value: Value) -> Value:
    """Return a condition as this world has answered it, wherever it was asked."""
    symbol = symbol_of(value) if variables_of(value) or isinstance(value, Open) else ""
    if not symbol:
        return value
    flipped = symbol.startswith("not(")
    asked = symbol[4:-1] if flipped else symbol
    world.rests_on("answered", asked)
    answer = world.answers.get(asked)
    return value if answer is None else Traced(bool(answer.choice) != flipped, origin_of(value), "fallback", symbol)


def compare(world: World, op: ast.cmpop, left: Value, right: Value, origin: Origin) -> Value:
    """Return `left op right` for one comparison."""
    return settled(world, _compared(world, op, left, right, origin))


def _compared(world: World, op: ast.cmpop, left: Value, right: Value, origin: Origin) -> Value:
    match op:
        case ast.NotEq():
            return negated(world, compare(world, ast.Eq(), left, right, origin), origin)
        case ast.IsNot():
            return negated(world, compare(world, ast.Is(), left, right, origin), origin)
        case ast.NotIn():
            return negated(world, compare(world, ast.In(), left, right, origin), origin)
        case ast.Is() | ast.Eq() if isinstance(right, Known) and isinstance(right.value, bool) and _is_answer(left):
            return left if right.value else negated(world, left, origin)  # `url.startswith("sqlite") is False`
        case ast.Is() | ast.Eq():
            return _equal(world, left, right, origin)
        case ast.In():
            return _contained(world, left, right, origin)
    if isinstance(left, Known) and isinstance(right, Known):
        try:
            result = bool(_COMPARISONS[type(op)](left.value, right.value))
        except (TypeError, KeyError):
            return Unknown("a comparison that fails", origin)
        # Without `variables`: a number that may be replaced decides as it is.
        return Traced(result, origin, certainty_of(left, right), operation(type(op).__name__, left, right))
    return unsettled(
        reason_of(right if isinstance(left, Known) else left),
        left,
        right,
        origin=origin,
        symbol=operation(type(op).__name__, left, right),
    )


_ANSWERS = ("startswith(", "endswith(", "contains(", "in(", "eq(", "not(", "flag(", "isinstance(")


def _is_answer(value: Value) -> bool:
    """Say whether a value is what a question is answered with, so that it is True or False and nothing else."""
    is_plain = isinstance(value, Open) or (isinstance(value, Known) and isinstance(value.value, bool))
    return is_plain and symbol_of(value).startswith(_ANSWERS)


def _equal(world: World, left: Value, right: Value, origin: Origin) -> Value:
    if isinstance(left, Known) and not isinstance(right, Known):
        left, right = right, left
    symbol = operation("eq", left, right)
    if (name := getattr(left, "symbol", "")) and name == getattr(right, "symbol", ""):
        return Traced(True, origin, "exact")  # whatever it is, it is itself
    if isinstance(left, Known) and isinstance(right, Known):
        if isinstance(left, Member) and not left.is_plain and not isinstance(right, Member):
            return Traced(False, origin, certainty_of(left, right))  # a member is not its value
        if right.value is None and left.value is not None:
            return Traced(False, origin, certainty_of(left, right))  # what may replace it is text, and never None
        if left.start and not str(right.value).startswith(left.start):
            return Traced(False, origin)
        result: Value = derived(same_value(left, right), left, right, origin=origin, symbol=symbol)
    elif (same := _same_reference(world, left, right)) is not None:
        return Traced(same, origin, "exact", symbol)
    elif isinstance(left, Text) and isinstance(right, Known) and not str(right.value).startswith(left.prefix):
        return text.as_decided(False, left, origin, symbol)
    elif _is_answered_true(world, left) and isinstance(right, Known) and not right.value:
        return Traced(False, origin, "fallback", symbol)
    else:
        result = unsettled(reason_of(left), left, right, origin=origin, symbol=symbol)
    _teach_equality(world, symbol, left, right)
    return result


def _is_answered_true(world: World, value: Value) -> bool:
    """Say whether this world has answered `if value:` with yes: then it is neither None nor empty."""
    if not isinstance(value, Open) or not value.symbol:
        return False
    world.rests_on("answered", value.symbol)
    answer = world.answers.get(value.symbol)
    return answer is not None and bool(answer.choice)


def _same_reference(world: World, left: Value, right: Value) -> bool | None:
    """Compare things that are not plain: two classes, an object with itself or a number, anything with None."""
    if isinstance(right, Known) and isinstance(left, (Table, Listing)):
        return False
    if isinstance(right, Known) and right.value is None:
        return False if plain_truth(left) is not None else None
    if isinstance(left, LibraryRef) and isinstance(right, LibraryRef):
        return left.name == right.name
    if isinstance(left, (ClassRef, FunctionRef)) and type(left) is type(right):
        return left.node is right.node  # type: ignore[union-attr]
    if isinstance(left, Instance) and isinstance(right, Instance):
        return True if left.symbol and left.symbol == right.symbol else None
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Instance) and isinstance(other, (Known, ClassRef, FunctionRef, LibraryRef)):
            return False if objects.is_equal_to_itself_only(world, one) else None
    return None


def _teach_equality(world: World, symbol: str, left: Value, right: Value) -> None:
    from poollint.python.evaluator.evaluate import Lesson

    if not symbol or not isinstance(right, Known) or not (name := getattr(left, "symbol", "")):
        return
    lesson: tuple[Lesson, ...] = (Lesson(name, Known(right.value, right.origin)),)
    contrary = () if not isinstance(left, Known) else (Lesson(name),)
    if (url := text.url_behind(left)) != name:
        dialect = urls.dialect_named(right.value) if isinstance(right.value, str) else None
        lesson = (Lesson(url, dialect=dialect),) if dialect else ()
        is_backend = dialect is not None and name.startswith(text.BACKEND)
        contrary = (Lesson(url, not_dialects=frozenset({dialect})),) if dialect and is_backend else ()
    world.teach(symbol, (lesson, contrary))


def _contained(world: World, left: Value, right: Value, origin: Origin) -> Value:
    symbol = operation("in", left, right)
    if isinstance(right, Listing) and right.complete and len(right.items) == 1 and isinstance(right.items[0], Known):
        return _equal(world, left, right.items[0], origin)  # the same question as `left == item`
    if isinstance(right, Listing) and right.complete and all(isinstance(item, Known) for item in right.items):
        choices = ",".join(repr(item.value) for item in right.items if isinstance(item, Known))
        symbol = f"in({symbol_of(left)}, [{choices}])" if symbol_of(left) else ""
        if isinstance(left, Known):
            found = any(same_value(left, item) for item in right.items if isinstance(item, Known))
            return derived(found, left, *right.items, origin=origin, symbol=symbol)
    elif isinstance(right, Table) and isinstance(left, Known):
        if (found := _key_known(world, right, containers.key_of(left))) is not None:
            return Traced(found, origin, "exact")
    elif environment.is_environ(right) and isinstance(left, Known):
        if (present := environment.is_set(world, str(left.value))) is not None:
            return Traced(present, origin, "exact")
    elif isinstance(right, LibraryRef) and right.name == "sys.modules" and isinstance(left, Known):
        if left.value in _TEST_WORDS:
            return Traced(False, origin, "exact")
    elif isinstance(left, Known) and isinstance(left.value, str) and (text.is_text(right) or isinstance(right, Open)):
        return text.contains(world, right, left.value, origin)
    return unsettled(
        reason_of(left if not isinstance(left, Known) else right), left, right, origin=origin, symbol=symbol
    )


def _key_known(world: World, table: Table, key: Any) -> bool | None:
    if _hashable(key) and key in table.entries:
        is_missing = isinstance(found := table.entries[key], Unknown) and "KeyError" in found.failure
        return None if is_missing and isinstance(found, Open) else not is_missing
    if table.beneath is not None:
        return _key_known(world, table.beneath, key) or environment.is_set(world, str(key))
    return False if table.complete else None


def _hashable(key: Any) -> bool:
    try:
        hash(key)
    except TypeError:
        return False
    return True
