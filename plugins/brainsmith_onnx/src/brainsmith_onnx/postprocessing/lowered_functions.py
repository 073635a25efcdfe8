"""QONNX's operators as ONNX functions of standard operators, step by step as qonnx's own definitions have them."""

from __future__ import annotations

from typing import Final

__all__ = ["BIPOLAR", "BIPOLAR_QUANT", "ROUNDING", "ROUND_BEFORE_OPSET_11", "XNOR", "multi_threshold", "quant"]

#: From `inside`, what the quantiser clamped, to `whole`, by the name of the rounding mode.
ROUNDING: Final = {
    "ROUND": "whole = Round(inside)",
    "HALF_EVEN": "whole = Round(inside)",
    "CEIL": "whole = Ceil(inside)",
    "FLOOR": "whole = Floor(inside)",
    "UP": """
        sign = Sign(inside)
        size = Abs(inside)
        up = Ceil(size)
        whole = Mul(sign, up)
    """,
    "DOWN": """
        sign = Sign(inside)
        size = Abs(inside)
        down = Floor(size)
        whole = Mul(sign, down)
    """,
    "HALF_UP": """
        half = Constant <value = float {0.5}> ()
        sign = Sign(inside)
        size = Abs(inside)
        more = Add(size, half)
        down = Floor(more)
        whole = Mul(sign, down)
    """,
    "HALF_DOWN": """
        half = Constant <value = float {0.5}> ()
        sign = Sign(inside)
        size = Abs(inside)
        less = Sub(size, half)
        up = Ceil(less)
        whole = Mul(sign, up)
    """,
}

#: Rounding half to even where there is no Round yet. `rest` is exact, or so near to 1 that its rounding does no harm.
ROUND_BEFORE_OPSET_11: Final = """
    half = Constant <value = float {0.5}> ()
    one = Constant <value = float {1.0}> ()
    down = Floor(inside)
    rest = Sub(inside, down)
    more = Greater(rest, half)
    less = Less(rest, half)
    unequal = Or(more, less)
    tie = Not(unequal)
    halved = Mul(down, half)
    even_half = Floor(halved)
    odd = Less(even_half, halved)
    tie_up = And(tie, odd)
    up = Or(more, tie_up)
    next = Add(down, one)
    whole = Where(up, next, down)
"""

BIPOLAR_QUANT: Final = """(x, scale) => (y) {
    zero = Constant <value = float {0.0}> ()
    one = Constant <value = float {1.0}> ()
    other = Constant <value = float {-1.0}> ()
    below = Less(x, zero)
    level = Where(below, other, one)
    y = Mul(level, scale)
}"""

#: A quantiser of one bit with a sign: its levels are -1 and 1 whatever its bounds are.
BIPOLAR: Final = """(x, scale, zeropoint) => (y) {
    zero = Constant <value = float {0.0}> ()
    one = Constant <value = float {1.0}> ()
    other = Constant <value = float {-1.0}> ()
    scaled = Div(x, scale)
    moved = Add(scaled, zeropoint)
    below = Less(moved, zero)
    level = Where(below, other, one)
    back = Sub(level, zeropoint)
    y = Mul(back, scale)
}"""

XNOR: Final = """(a, b, length) => (y) {
    two = Constant <value = float {2.0}> ()
    one = Constant <value = float {1.0}> ()
    half = Constant <value = float {0.5}> ()
    twice_a = Mul(two, a)
    sign_a = Sub(twice_a, one)
    twice_b = Mul(two, b)
    sign_b = Sub(twice_b, one)
    dot = MatMul(sign_a, sign_b)
    moved = Add(dot, length)
    y = Mul(moved, half)
}"""


def multi_threshold(rank: int, axes_as_input: bool) -> str:
    """Return the function that counts the thresholds that a value reaches.

    Args:
        rank: directions of the input. The thresholds have one more, so that nothing is transposed.
        axes_as_input: whether the opset is one in which axes are inputs instead of attributes.
    """
    if axes_as_input:
        axes = f"axes = Constant <value = int64[1] {{{rank}}}> ()"
        column, count = "Unsqueeze(x, axes)", "ReduceSum <keepdims = 0> (ones, axes)"
    else:
        axes = ""
        column, count = f"Unsqueeze <axes = [{rank}]> (x)", f"ReduceSum <axes = [{rank}], keepdims = 0> (ones)"
    return f"""(x, thresholds, scale, bias) => (y) {{
        {axes}
        column = {column}
        below = Less(column, thresholds)
        reached = Not(below)
        ones = Cast <to = 1> (reached)
        count = {count}
        scaled = Mul(scale, count)
        y = Add(scaled, bias)
    }}"""


def quant(rounding: str) -> str:
    """Return the function of a quantiser: scale, clamp, round, scale back.

    Args:
        rounding: how it rounds: one of the texts above.
    """
    return f"""(x, scale, zeropoint, low, high) => (y) {{
        scaled = Div(x, scale)
        moved = Add(scaled, zeropoint)
        below = Min(moved, high)
        inside = Max(below, low)
        {rounding}
        back = Sub(whole, zeropoint)
        y = Mul(back, scale)
    }}"""
