"""Width and words of the streams of each operator, by FINN's own formulas.

Widths are those of `get_instream_width` and `get_outstream_width` of the operators in FINN+ 1.6.1, words those of the
folded shapes. A matrix-vector layer takes its input once and keeps it for all of its outputs, so fewer words go in
than it has cycles; it reads weights in every cycle. Thresholds aren't weights: they are part of the layer's logic.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import attrs

from .cycle_formulas import Attributes, formula_of, integers
from .datatypes import bits_of

__all__ = ["Port", "Stream", "ports_of", "stream_of", "weight_bits_of"]

_Compute = Callable[[Attributes], int]


@attrs.frozen(kw_only=True)
class Stream:
    """A stream of a layer.

    Args:
        bits_per_cycle: its width, moved in a cycle in which it is used.
        bits_per_frame: what goes through it for one frame.
        mbps: MB/s (10^6 bytes/s) at the throughput of the whole; None if that isn't known.
    """

    bits_per_cycle: int
    bits_per_frame: int
    mbps: float | None = None


@attrs.frozen
class Port:
    """How wide a stream is and how many words go through it for a frame.

    Args:
        values: how many values a word has.
        datatype: the attribute that names the type of a value.
        words: how many words a frame has.
    """

    values: _Compute
    datatype: str
    words: _Compute


def stream_of(port: Port, attributes: Attributes, fps: float | None) -> Stream | None:
    """Return a stream of a layer; None if an attribute that it depends on isn't known.

    Args:
        port: which stream.
        attributes: the layer's attributes.
        fps: frames/s of the whole.
    """
    try:
        width = port.values(attributes) * bits_of(attributes, port.datatype)
        total = width * port.words(attributes)
    except KeyError:
        return None
    return Stream(bits_per_cycle=width, bits_per_frame=total, mbps=None if fps is None else total * fps / 8e6)


def ports_of(operator: str) -> tuple[Port, Port, Port | None] | None:
    """Return input, output and weights (None: it has none) of an operator, or None if it isn't known here."""
    return _PORTS.get("Elementwise" if operator.startswith("Elementwise") else operator)


def weight_bits_of(operator: str, attributes: Attributes) -> int | None:
    """Return the size of all weights of a layer in bits, 0 for an operator without; None if that isn't known."""
    ports = ports_of(operator)
    if ports is None:
        return None
    if ports[2] is None:
        return 0
    names = ("MW", "MH") if operator == "MVAU" else ("Channels", "Kernel")
    try:
        return prod(prod(integers(attributes, name)) for name in names) * bits_of(attributes, "weightDataType")
    except KeyError:
        return None


def _of(*names: str) -> _Compute:
    """Return the product of attributes; what is missing of SIMD, batches and vectors is 1, as it is by default."""
    optional = ("SIMD", "numInputVectors", "BatchSize")
    return lambda a: prod(prod(integers(a, name, (1,) if name in optional else None)) for name in names)


def _by(work: _Compute, *parallel: str) -> _Compute:
    """Return the words of a stream of `work` values, each of as many values as `parallel` attributes say."""
    return lambda a: work(a) // _of(*parallel)(a)


def _cycles(operator: str) -> _Compute:
    formula = formula_of(operator)
    assert formula is not None
    return formula.compute


def _one(_: Attributes) -> int:
    return 1


def _window_pixels(a: Attributes) -> int:
    return _of("ConvKernelDim")(a) if integers(a, "parallel_window", (0,))[0] else 1


def _window_values(a: Attributes) -> int:
    return _window_pixels(a) * _of("SIMD")(a)


def _window_words(a: Attributes) -> int:
    return _of("OFMDim", "ConvKernelDim", "IFMChannels")(a) // _window_values(a)


_PE, _SIMD, _BOTH = _of("PE"), _of("SIMD"), _of("PE", "SIMD")
_VECTORS = _by(_of("NumChannels", "numInputVectors"), "PE")
_SHAPED = _cycles("Reshape")

_PORTS: dict[str, tuple[Port, Port, Port | None]] = {
    "MVAU": (
        Port(_SIMD, "inputDataType", _by(_of("MW", "numInputVectors"), "SIMD")),
        Port(_PE, "outputDataType", _by(_of("MH", "numInputVectors"), "PE")),
        Port(_BOTH, "weightDataType", _cycles("MVAU")),
    ),
    "VVAU": (
        Port(_BOTH, "inputDataType", _cycles("VVAU")),
        Port(_PE, "outputDataType", _by(_of("Channels", "Dim"), "PE")),
        Port(_BOTH, "weightDataType", _cycles("VVAU")),
    ),
    "Thresholding": (Port(_PE, "inputDataType", _VECTORS), Port(_PE, "outputDataType", _VECTORS), None),
    "Pool": (
        Port(_PE, "InputDataType", _cycles("Pool")),
        Port(_PE, "OutputDataType", _by(_of("Channels", "OutImgDims", "BatchSize"), "PE")),
        None,
    ),
    "ConvolutionInputGenerator": (
        Port(_SIMD, "inputDataType", _by(_of("IFMDim", "IFMChannels"), "SIMD")),
        Port(_window_values, "outputDataType", _window_words),
        None,
    ),
    "FMPadding": (
        Port(_SIMD, "inputDataType", _by(_of("ImgDim", "NumChannels", "numInputVectors"), "SIMD")),
        Port(_SIMD, "inputDataType", _cycles("FMPadding")),
        None,
    ),
    "LabelSelect": (
        Port(_PE, "inputDataType", _by(_of("Labels"), "PE")),
        Port(_one, "outputDataType", _of("K")),
        None,
    ),
    "Reshape": (Port(_PE, "dtype", _SHAPED), Port(_PE, "dtype", _SHAPED), None),
    "Elementwise": (Port(_PE, "lhs_dtype", _by(_of("lhs_shape"), "PE")), Port(_PE, "out_dtype", _SHAPED), None),
}
