"""At which stage a report was written."""

from __future__ import annotations

import pytest

from brainsmith_vivado.commands import scope_of_command
from brainsmith_vivado.stages import stage_of_name, stage_of_nets, stage_of_state


@pytest.mark.parametrize(
    ("state", "stage"),
    [
        ("Synthesized", "synth"),
        ("Fully Placed", "place"),
        ("Physopt postPlace", "place"),
        ("Partially Placed", "synth"),
        ("Routed", "route"),
        ("routed", "route"),
        ("Fully Routed", "route"),
        ("Partially Routed", "place"),
        ("Physopt postRoute", "route"),
        ("Out-of-Context", "ooc"),
    ],
)
def test_design_states_are_stages(state: str, stage: str) -> None:
    found = stage_of_state(state)
    assert found is not None
    assert found.value == stage


def test_an_unknown_state_is_no_stage() -> None:
    assert stage_of_state("Enchanted") is None
    assert stage_of_state("") is None


def test_nets_tell_the_stage_by_majority() -> None:
    text = "net (fo=1, routed) net (fo=2, routed) net (fo=3, unplaced) net (fo=5, unset)"
    found = stage_of_nets(text)
    assert found is not None
    assert found.value == "route"
    assert stage_of_nets("net (fo=5, unset)") is None


@pytest.mark.parametrize(
    ("command", "name", "stage"),
    [
        ("report_x -file {./out dir/top_routed.rpt} -pb y", "z", "route"),
        ("report_x", "top_utilization_placed.rpt", "place"),
        ("report_x -file synth/top.rpt", "post_route.rpt", "route"),
        ("report_x", "marketplaces.txt", None),
        ("report_x", "adopted.txt", None),
        ("report_x", "top_opted.rpt", "synth"),
        ("", "", None),
    ],
)
def test_names_hint_at_the_stage(command: str, name: str, stage: str | None) -> None:
    found = stage_of_name({"Command": command}, name)
    assert (found.value if found else None) == stage


@pytest.mark.parametrize(
    ("command", "scope"),
    [
        ("report_utilization", {}),
        ("report_utilization -cells a/b -file x", {"instance": "a/b"}),
        ("report_utilization -cells {a/b c/d}", {"instance": "a/b c/d"}),
        ("report_utilization -cells [get_cells  {top_i/x[3]} ]", {"instance": "top_i/x[3]"}),
        ("report_utilization -pblocks [get_pblocks -regexp {RPU_([1-8])}]", {"pblock": "RPU_([1-8])"}),
        ("report_utilization -pblocks [unclosed", {"pblock": "unclosed"}),
        ("report_utilization -cells []", {}),
        ("report_utilization -hierarchical_min_primitive_count 50", {}),
    ],
)
def test_a_command_may_limit_a_report(command: str, scope: dict[str, str]) -> None:
    assert dict(scope_of_command({"Command": command})) == scope
