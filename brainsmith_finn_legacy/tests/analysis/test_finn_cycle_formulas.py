"""FINN's cycle formulas, and the foldings that it would choose."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from brainsmith_core.errors import ConfigurationError
from brainsmith_finn_legacy.analysis.cycle_formulas import FORMULAS, formula_of, integers, operator_of
from brainsmith_finn_legacy.analysis.datatypes import bits_of, width_of
from brainsmith_finn_legacy.analysis.folding import check_folding, divisors, folding_for
from brainsmith_finn_legacy.analysis.layers import Layer

from .conftest import CYCLES, LAYERS

#: A 3x3 window over 8x8 pixels of 4 channels.
WINDOW = {
    "IFMChannels": 4,
    "ConvKernelDim": (3, 3),
    "IFMDim": (8, 8),
    "OFMDim": (6, 6),
    "Stride": (1, 1),
    "Dilation": (1, 1),
    "SIMD": 2,
    "depthwise": 0,
}
ROW = {**WINDOW, "ConvKernelDim": (1, 3), "IFMDim": (1, 8), "OFMDim": (1, 6)}
COLUMN = {**WINDOW, "ConvKernelDim": (3, 1), "IFMDim": (8, 1), "OFMDim": (6, 1)}
VVAU = {"Channels": 4, "Kernel": (3, 3), "Dim": (6, 6), "PE": 2, "SIMD": 3}
POOL = {"Channels": 4, "KernelSize": (2, 2), "OutImgDims": (3, 3), "BatchSize": 1, "PE": 2}
PADDING = {"ImgDim": (6, 6), "Padding": (1, 1, 1, 1), "NumChannels": 4, "SIMD": 2, "numInputVectors": 1}


def layer(name: str, attributes: dict[str, Any], **fields: Any) -> Layer:
    """A layer with its attributes; lists are tuples, as they are read from a model."""
    known = {key: tuple(value) if isinstance(value, list) else value for key, value in attributes.items()}
    return Layer(name=name, op_type=name.rpartition("_")[0], attributes=known, **fields)


@pytest.fixture
def layers() -> dict[str, Layer]:
    """The layers of the small build."""
    return {name: layer(name, LAYERS[name], cycles=CYCLES[name]) for name in LAYERS}


@pytest.mark.parametrize(
    ("op_type", "attributes", "cycles"),
    [
        ("MVAU_rtl", {"MW": 9, "MH": 4, "SIMD": 3, "PE": 2, "numInputVectors": (1, 5, 5)}, 3 * 2 * 25),
        ("MVAU_hls", {"MW": 9, "MH": 4, "SIMD": 3, "PE": 2, "TH": 2}, 12),
        ("StreamingFCLayer_Batch", {"MW": 8, "MH": 4, "SIMD": 2, "PE": 2}, 8),
        ("VVAU_hls", VVAU, 4 * 9 * 36 // 6),
        ("Pool_hls", POOL, 4 * 4 * 9 // 2),
        ("Thresholding_rtl", {"NumChannels": 8, "PE": 2, "numInputVectors": (1, 3, 3)}, 36),
        ("GlobalAccPool_hls", {"NumChannels": 8, "PE": 2, "numInputVectors": (1, 3, 3)}, 40),
        ("LabelSelect_hls", {"Labels": 10, "PE": 2}, 5),
        ("Reshape_rtl", {"out_shape": (1, 12), "PE": 3}, 4),
        ("ElementwiseAdd_hls", {"out_shape": (1, 2, 12), "PE": 3}, 8),
        ("FMPadding_rtl", PADDING, 2 * 8 * 8),
        # the line buffer holds two rows and three pixels of two words; then six rows of 6 x 9 windows of two words
        ("ConvolutionInputGenerator_rtl", WINDOW, (2 * 8 + 2 + 1) * 2 + 6 * 6 * 9 * 2),
        ("ConvolutionInputGenerator_rtl", {**WINDOW, "parallel_window": 1, "SIMD": 4}, 64 + 2),
        ("ConvolutionInputGenerator_rtl", {**WINDOW, "ConvKernelDim": (1, 1)}, 64 * 2 + 2),
        ("ConvolutionInputGenerator_rtl", {**WINDOW, "depthwise": 1}, (2 * 8 + 2 + 1) * 2 + 6 * 6 * 9 * 2),
        ("ConvolutionInputGenerator_rtl", ROW, 6 * 3 * 2 + 2),
        ("ConvolutionInputGenerator_rtl", COLUMN, 6 * 3 * 2 + 2),
        ("ConvolutionInputGenerator_rtl", {**ROW, "depthwise": 1}, 6 * 3 * 2 + 3 + 2),
    ],
)
def test_the_cycles_are_those_of_the_formula(op_type: str, attributes: dict[str, Any], cycles: int) -> None:
    formula = formula_of(op_type)
    assert formula is not None
    assert formula.compute(attributes) == cycles


def test_operators_without_a_formula_have_none() -> None:
    assert formula_of("StreamingFIFO_rtl") is None
    assert formula_of("StreamingDataWidthConverter_hls") is None
    assert operator_of("VectorVectorActivation") == "VVAU"


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_every_formula_names_its_source_and_needs_its_attributes(name: str) -> None:
    formula = FORMULAS[name]
    assert formula.source.endswith(".py")
    assert formula.folds
    with pytest.raises(KeyError):
        formula.compute({})


@pytest.mark.parametrize("value", ["text", 1.5, (), (1, "a"), None])
def test_what_is_no_integer_is_missing(value: Any) -> None:
    with pytest.raises(KeyError, match="'x'"):
        integers({"x": value}, "x")


def test_widths_of_data_types() -> None:
    assert [width_of(name) for name in ("UINT4", "INT1", "FLOAT16", "TERNARY", "SCALEDINT<5>", "")] == [
        *(4, 1, 16, 2, 5),
        None,
    ]
    with pytest.raises(KeyError):
        bits_of({"weightDataType": "odd"}, "weightDataType")


def test_folding_takes_the_least_that_meets_the_target(layers: dict[str, Layer]) -> None:
    folding, kept = folding_for(layers, 24)
    assert kept == []
    assert folding == {
        "Thresholding_rtl_0": {"PE": 1},
        "MVAU_hls_0": {"SIMD": 4, "PE": 1},
        "MVAU_hls_1": {"SIMD": 2, "PE": 1},
    }


def test_a_target_that_cannot_be_met_balances_the_layers_with_the_slowest(layers: dict[str, Layer]) -> None:
    slow = attrs.evolve(layers["Thresholding_rtl_0"], op_type="Odd_hls", cycles=16)
    folding, kept = folding_for({**layers, "Thresholding_rtl_0": slow}, 1)
    assert kept == ["Thresholding_rtl_0"]
    assert folding == {"MVAU_hls_0": {"SIMD": 6, "PE": 1}, "MVAU_hls_1": {"SIMD": 2, "PE": 1}}


def test_wide_weights_stop_simd_then_pe_grows(layers: dict[str, Layer]) -> None:
    wide = {**LAYERS["MVAU_hls_0"], "weightDataType": "INT16"}
    folding, _ = folding_for({"MVAU_hls_0": layer("MVAU_hls_0", wide)}, 12)
    assert folding == {"MVAU_hls_0": {"SIMD": 2, "PE": 4}}
    huge = {**wide, "MH": 1024, "MW": 2}
    folding, _ = folding_for({"MVAU_hls_0": layer("MVAU_hls_0", huge)}, 1)
    assert folding == {"MVAU_hls_0": {"SIMD": 2, "PE": 128}}  # a stream of HLS has 8191 bits at most


def test_depthwise_layers_share_their_parallelism_with_the_window_generator() -> None:
    window = layer("ConvolutionInputGenerator_rtl_0", {**WINDOW, "depthwise": 1, "SIMD": 1}, outputs=("w",))
    vvau = layer("VVAU_hls_0", {**VVAU, "PE": 1, "SIMD": 1}, inputs=("w",))
    folding, kept = folding_for({window.name: window, vvau.name: vvau}, 100)
    assert kept == []
    assert folding["VVAU_hls_0"] == {"PE": 4, "SIMD": 9}
    assert folding["ConvolutionInputGenerator_rtl_0"] == {"SIMD": 4, "parallel_window": 1}
    alone, kept = folding_for({window.name: window}, 100)
    assert (alone, kept) == ({}, [window.name])


def test_a_window_generator_that_is_too_slow_drives_the_pool_behind_it() -> None:
    window = layer("ConvolutionInputGenerator_rtl_0", {**WINDOW, "depthwise": 1}, outputs=("w",))
    pool = layer("Pool_hls_0", {**POOL, "KernelSize": (1, 1)}, inputs=("w",))
    folding, _ = folding_for({window.name: window, pool.name: pool}, 400)
    assert folding == {pool.name: {"PE": 4}, window.name: {"SIMD": 4, "parallel_window": 0}}


def test_divisors_are_all_and_sorted() -> None:
    assert divisors(1) == [1]
    assert divisors(36) == [1, 2, 3, 4, 6, 9, 12, 18, 36]


@pytest.mark.parametrize(
    ("folding", "message", "hint"),
    [
        ({"MVAU_hls_7": {"PE": 1}}, 'no layer "MVAU_hls_7"', "did you mean"),
        ({"MVAU_hls_0": {"PE": 3}}, "PE=3 of MVAU_hls_0 doesn't divide MH=8", "1, 2, 4, 8"),
        ({"MVAU_hls_0": {"PE": 0}}, "PE=0 of MVAU_hls_0 doesn't divide", "it may be"),
        ({"MVAU_hls_0": {"M": 3}}, "no folding attribute M", "it takes: PE, SIMD"),
        ({"Odd_hls_0": {"PE": 3}}, "no folding attribute PE", "isn't known here"),
        ({"Thresholding_rtl_9": {"PE": 0}}, "must be 1 or more", None),
    ],
)
def test_a_folding_that_is_not_possible_is_refused(
    layers: dict[str, Layer], folding: dict[str, dict[str, int]], message: str, hint: str | None
) -> None:
    layers["Odd_hls_0"] = layer("Odd_hls_0", {})
    layers["Thresholding_rtl_9"] = layer("Thresholding_rtl_9", {})
    with pytest.raises(ConfigurationError, match=message) as caught:
        check_folding(layers, folding)
    assert (hint or "") in (caught.value.hint or "")


def test_the_window_of_a_depthwise_kernel_may_be_folded_pixel_by_pixel() -> None:
    check_folding({"VVAU_hls_0": layer("VVAU_hls_0", VVAU)}, {"VVAU_hls_0": {"PE": 4, "SIMD": 9}})
