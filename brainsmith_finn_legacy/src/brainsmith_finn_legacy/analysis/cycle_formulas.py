"""How many cycles a layer needs for one frame, by FINN's own formulas.

Each formula is that of `get_exp_cycles` of the operator in FINN+ 1.6.1 (`finn/custom_op/fpgadataflow/`, module named by
`source`), and gives the very same number; other versions may differ, so whoever uses one compares it with what FINN
reported for the folding that was built. FINN counts no cycles for FIFOs and width converters: they aren't in the graph
yet when it estimates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import prod

import attrs

from .onnx_nodes import Attribute

__all__ = ["FORMULAS", "Attributes", "CycleFormula", "formula_of", "integers", "operator_of"]

#: A layer's attributes by FINN's names.
Attributes = Mapping[str, Attribute]

_IMPLEMENTATION = re.compile(r"(?:_hls|_rtl|_Batch)\Z")
#: What FINN called its operators before version 0.9.
_OLD_NAMES = {
    "StreamingFCLayer": "MVAU",
    "MatrixVectorActivation": "MVAU",
    "Vector_Vector_Activate": "VVAU",
    "VectorVectorActivation": "VVAU",
}


@attrs.frozen(kw_only=True)
class CycleFormula:
    """The cycles of an operator.

    Args:
        text: the formula, in FINN's names of attributes.
        source: FINN's module that holds it.
        compute: calculates it; raises KeyError if an attribute is missing.
        folds: the attributes by which the work is spread. The cycles are inverse to their product, exactly if `exact`.
        exact: whether that is all there is to it.
    """

    text: str
    source: str
    compute: Callable[[Attributes], int]
    folds: tuple[str, ...]
    exact: bool = True


def operator_of(op_type: str) -> str:
    """Return the operator without the way in which it is implemented.

    Example:
        >>> operator_of("MVAU_hls"), operator_of("StreamingFCLayer_Batch"), operator_of("Thresholding")
        ('MVAU', 'MVAU', 'Thresholding')
    """
    name = _IMPLEMENTATION.sub("", op_type)
    return _OLD_NAMES.get(name, name)


def formula_of(op_type: str) -> CycleFormula | None:
    """Return the formula of an operator, or None if it isn't known here.

    Example:
        >>> formula = formula_of("MVAU_hls")
        >>> formula.text, formula.compute({"MW": 784, "MH": 64, "SIMD": 16, "PE": 1, "numInputVectors": (1,)})
        ('MW / SIMD x MH / PE x prod(numInputVectors) x TH', 3136)
    """
    name = operator_of(op_type)
    return _ELEMENTWISE if name.startswith("Elementwise") else FORMULAS.get(name)


def integers(attributes: Attributes, name: str, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
    """Return an attribute that is an integer or a list of integers.

    Raises:
        KeyError: if it is missing and there is no default.
    """
    value = attributes.get(name, default)
    items = value if isinstance(value, tuple) else (value,)
    whole = tuple(item for item in items if isinstance(item, int))
    if not whole or len(whole) < len(items):
        raise KeyError(name)
    return whole


def _one(attributes: Attributes, name: str, default: int | None = None) -> int:
    return integers(attributes, name, None if default is None else (default,))[0]


def _mvau(a: Attributes) -> int:
    work = _one(a, "MW") * _one(a, "MH") * prod(integers(a, "numInputVectors", (1,))) * _one(a, "TH", 1)
    return work // (_one(a, "PE") * _one(a, "SIMD"))


def _vvau(a: Attributes) -> int:
    work = _one(a, "Channels") * prod(integers(a, "Kernel")) * prod(integers(a, "Dim"))
    return work // (_one(a, "PE") * _one(a, "SIMD", 1))


def _pool(a: Attributes) -> int:
    work = _one(a, "Channels") * prod(integers(a, "KernelSize")) * prod(integers(a, "OutImgDims"))
    return work * _one(a, "BatchSize", 1) // _one(a, "PE")


def _stream(a: Attributes) -> int:
    """One cycle for each word of a stream whose words are PE channels wide."""
    return _one(a, "NumChannels") // _one(a, "PE") * prod(integers(a, "numInputVectors", (1,)))


def _accumulate(a: Attributes) -> int:
    return _stream(a) + _one(a, "NumChannels") // _one(a, "PE")


def _shaped(a: Attributes) -> int:
    return prod(integers(a, "out_shape")) // _one(a, "PE")


def _label_select(a: Attributes) -> int:
    return _one(a, "Labels") // _one(a, "PE")


def _padding(a: Attributes) -> int:
    height, width = integers(a, "ImgDim")
    top, left, bottom, right = integers(a, "Padding")
    words = _one(a, "NumChannels") // _one(a, "SIMD") * _one(a, "numInputVectors", 1)
    return words * (height + top + bottom) * (width + left + right)


def _window(a: Attributes) -> int:
    """The RTL sliding window generator."""
    kernel = integers(a, "ConvKernelDim")
    image = integers(a, "IFMDim")
    words = _one(a, "IFMChannels") // _one(a, "SIMD")
    # All pixels of a window at once, or windows of a single pixel.
    if _one(a, "parallel_window", 0) or prod(kernel) == 1:
        return prod(image) * words + 2
    return _window_1d(a, words) if 1 in image else _window_2d(a, words)


def _window_1d(a: Attributes, words: int) -> int:
    """An image with one row; one with a single column is turned."""
    turned = integers(a, "IFMDim")[1] == 1
    side = 0 if turned else 1
    image, out, kernel, stride = (
        integers(a, name)[side] for name in ("IFMDim", "OFMDim", "ConvKernelDim", "Stride")
    )  # fmt: skip
    if not _one(a, "depthwise", 0):
        return out * kernel * words + 2
    # Each window is replayed for every group of channels, so frames can't overlap.
    written = out * kernel * words + (words - 1) * kernel
    read = image * words + words * (kernel - 1) * (stride - 1)
    return max(written, read) + 2


def _window_2d(a: Attributes, words: int) -> int:
    (_, width), (out_height, out_width) = integers(a, "IFMDim"), integers(a, "OFMDim")
    (k_height, k_width), (s_height, s_width) = integers(a, "ConvKernelDim"), integers(a, "Stride")
    d_height, d_width = integers(a, "Dilation", (1, 1))
    buffered = ((k_height - 1) * d_height * width + (k_width - 1) * d_width + 1) * words
    # For each row of the output: write its windows, read the rows of the input that are new.
    row = max(out_width * k_width * k_height * words, s_width * width * words)
    if not _one(a, "depthwise", 0):
        return buffered + out_height * row
    row += out_width * (s_width - 1) * (words - 1)
    return buffered + out_height * row + (s_height - 1) * width * words


_ELEMENTWISE = CycleFormula(
    text="prod(out_shape) / PE", source="elementwise_binary.py", compute=_shaped, folds=("PE",)
)  # fmt: skip
_CHANNELS = "NumChannels / PE x prod(numInputVectors)"

#: By operator.
FORMULAS: dict[str, CycleFormula] = {
    "MVAU": CycleFormula(
        text="MW / SIMD x MH / PE x prod(numInputVectors) x TH",
        source="matrixvectoractivation.py",
        compute=_mvau,
        folds=("PE", "SIMD"),
    ),
    "VVAU": CycleFormula(
        text="Channels x prod(Kernel) x prod(Dim) / (PE x SIMD)",
        source="vectorvectoractivation.py",
        compute=_vvau,
        folds=("PE", "SIMD"),
    ),
    "Pool": CycleFormula(
        text="Channels x prod(KernelSize) x prod(OutImgDims) x BatchSize / PE",
        source="pool.py",
        compute=_pool,
        folds=("PE",),
    ),
    "Thresholding": CycleFormula(text=_CHANNELS, source="thresholding.py", compute=_stream, folds=("PE",)),
    "DuplicateStreams": CycleFormula(text=_CHANNELS, source="duplicatestreams.py", compute=_stream, folds=("PE",)),
    "GlobalAccPool": CycleFormula(
        text=f"{_CHANNELS} + NumChannels / PE", source="globalaccpool.py", compute=_accumulate, folds=("PE",)
    ),
    "LabelSelect": CycleFormula(text="Labels / PE", source="labelselect.py", compute=_label_select, folds=("PE",)),
    "Reshape": CycleFormula(text="prod(out_shape) / PE", source="reshape.py", compute=_shaped, folds=("PE",)),
    "FMPadding": CycleFormula(
        text="NumChannels / SIMD x numInputVectors x padded height x padded width",
        source="fmpadding.py",
        compute=_padding,
        folds=("SIMD",),
    ),
    "ConvolutionInputGenerator": CycleFormula(
        text="words that fill the line buffer + OFMDim rows x max(words of a row's windows, of its new input rows); a"
        " word is SIMD channels; more if depthwise; with parallel_window: words of the input + 2",
        source="rtl/convolutioninputgenerator_rtl.py",
        compute=_window,
        folds=("SIMD",),
        exact=False,
    ),
}
