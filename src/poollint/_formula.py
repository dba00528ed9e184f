"""Evaluate the arithmetic of the provider files: numbers, names, comparisons and five functions, nothing else."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Mapping
from functools import cache

LONGEST = 300  # characters
LARGEST_EXPONENT = 64

_BINARY = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
_COMPARISONS = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
}
_FUNCTIONS = {"min": min, "max": max, "floor": math.floor, "ceil": math.ceil, "round": round}


class NotAFormula(ValueError):
    """The text is more than arithmetic, or names a variable nobody gave."""


def evaluate(text: str, variables: Mapping[str, float]) -> float:
    """Return the value of an arithmetic expression over `variables`.

    Raises NotAFormula for anything that is not plain arithmetic.
    """
    try:
        return _value(_parse(text), variables)
    except (ArithmeticError, TypeError) as problem:
        raise NotAFormula(f"{text!r} has no value: {problem}") from None


def names(text: str) -> frozenset[str]:
    """Return the variables an expression needs."""
    return frozenset(node.id for node in ast.walk(_parse(text)) if isinstance(node, ast.Name)) - _FUNCTIONS.keys()


@cache
def _parse(text: str) -> ast.expr:
    if len(text) > LONGEST:
        raise NotAFormula(f"longer than {LONGEST} characters")
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotAFormula(f"{text!r} is not an expression") from None


def _value(node: ast.expr, variables: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name) if name in variables:
            return variables[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, variables)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left, variables), _value(right, variables))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_value(left, variables), _value(right, variables))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            return _COMPARISONS[type(op)](_value(left, variables), _value(right, variables))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _value(body if _value(test, variables) else orelse, variables)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*(_value(argument, variables) for argument in arguments))
    raise NotAFormula(f"{ast.unparse(node)!r} is not arithmetic, or nobody gave its value")


def _power(base: float, exponent: float) -> float:
    # 9**9**9 would keep a machine busy for years.
    if abs(exponent) > LARGEST_EXPONENT or abs(base) > 2**32:
        raise NotAFormula("the power is too large")
    return base**exponent
