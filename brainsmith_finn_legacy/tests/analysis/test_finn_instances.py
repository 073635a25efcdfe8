"""Instances of implemented designs and the FINN layers that they are."""

from __future__ import annotations

import pytest

from brainsmith_finn_legacy.analysis import InstanceMap

P1 = "top_i/StreamingDataflowPartition_1/inst/StreamingDataflowPartition_1_"
OLD_PART = "StreamingDataflowPartition_1_"
OLD = f"top_i/StreamingDataflowPartition_1/StreamingDataflowPartition_1_i/{OLD_PART}"


@pytest.mark.parametrize(
    ("path", "layer"),
    [
        (f"{P1}MVAU_hls_3/inst/core/x_reg[2]/C", "MVAU_hls_3"),
        (f"{P1}MVAU_hls_0/StreamingDataflowPartition_1_MVAU_hls_0_wstrm/inst/core/y_reg/D", "MVAU_hls_0"),
        (f"{OLD}StreamingFCLayer_Batch_2/{OLD_PART}StreamingFCLayer_Batch_2/inst/z", "StreamingFCLayer_Batch_2"),
        (f"{P1}StreamingDataWidthConverter_rtl_0/inst/a", "StreamingDataWidthConverter_rtl_0"),
        (f"{P1}MatrixVectorActivation_7/inst/a", "MatrixVectorActivation_7"),
        ("finn_design_i/MVAU_hls_3/inst/x_reg/D", "MVAU_hls_3"),
        ("finn_design_i/Thresholding_rtl_1/inst/x_reg/D", "Thresholding_rtl_1"),
        ("top_i/smartconnect_0/inst/m00_nodes/m00_r_node/inst/x", ""),
        ("top_i/zynq_ps/inst/PS7_i/FCLKRESETN[0]", ""),
        ("top_i/axi_interconnect_0/s00_couplers/auto_ds/inst/LUT6_2", ""),
        ("regs1_reg/D", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_a_path_is_in_the_layer_that_it_names(path: str, layer: str) -> None:
    assert InstanceMap(["MVAU_hls_3", "MVAU_hls_0"]).layer_of(path) == layer
    assert InstanceMap().layer_of(path) == layer


def test_layers_of_one_name_in_two_partitions_keep_the_partitions_names() -> None:
    parts = [f"StreamingDataflowPartition_{index}_IODMA_hls_0" for index in (0, 2)]
    found = InstanceMap(["MVAU_hls_0"], [*parts, f"{P1}MVAU_hls_0"])
    assert found.ambiguous == {"IODMA_hls_0"}
    assert found.layer_of(f"top_i/idma0/inst/{parts[0]}/inst/x") == parts[0]
    assert found.layer_of(f"{P1}MVAU_hls_0/x") == "MVAU_hls_0"


def test_a_part_of_a_layer_is_not_the_layer() -> None:
    found = InstanceMap(["MVAU_hls_0"])
    assert found.layer_of_instance(f"{P1}MVAU_hls_0") == "MVAU_hls_0"
    assert found.layer_of_instance(f"{P1}MVAU_hls_0/StreamingDataflowPartition_1_MVAU_hls_0") == ""
    assert found.layer_of_instance("top_i/smartconnect_0") == ""
