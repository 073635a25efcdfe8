from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brainsmith_core.config import GlobalConfig, OutputStage, ProcessingStep
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_dse.combinations import CombinationGenerator, Configurations
from brainsmith_dse.identity import CONFIG_ID, config_id
from brainsmith_dse.search import SearchConfig, SearchStrategy
from brainsmith_dse.space import DesignSpace, HWCompilerSpace, ProcessingSpace
from brainsmith_dse.targets import Target

MakeSpace = Callable[..., DesignSpace]
OUT = Path("out")


def everything(space: DesignSpace) -> Configurations:
    return CombinationGenerator(OUT).generate_all(space)


def step(**parameters: Any) -> ProcessingStep:
    return ProcessingStep(name="cut", type="preprocessing", parameters=parameters)


def full(make_space: MakeSpace) -> DesignSpace:
    return make_space(
        hw_compiler_space=HWCompilerSpace(
            kernels=["MatMul", ["Gemm", ["rtl", "hls"]], "~Pool"],
            transforms={"cleanup": ["tidy", "~fold"], "opt": [["a", "b"]]},
            build_steps=["one"],
            config_flags={"target_fps": {"values": [1, 2, 3]}, "fixed": True},
        ),
        processing_space=ProcessingSpace(preprocessing=[[step(), step(bits=4)]], postprocessing=[]),
        targets=[{"board": ["A", "B"], "clock_ns": 10}],
    )


def test_all_combinations_are_different_and_as_many_as_counted(make_space: MakeSpace) -> None:
    space = full(make_space)
    configs = everything(space)
    assert len(configs) == space.get_total_combinations() == 2 * 2 * 2 * 2 * 2 * 3 * 2
    assert len(set(configs.ids())) == len(configs)
    contents = [(c.kernels, c.transforms, c.config_flags, c.preprocessing) for c in configs]
    assert all(a != b for a, b in itertools.combinations(contents, 2))


def test_a_configuration_holds_what_was_chosen(make_space: MakeSpace) -> None:
    space = full(make_space)
    first, last = everything(space)[0], everything(space)[-1]
    assert first.kernels == (("MatMul", ("*",)), ("Gemm", ("rtl",)), ("Pool", ("*",)))
    assert first.transforms == {"cleanup": ("tidy", "fold"), "opt": ("a",)}
    assert first.config_flags == {"board": "A", "synth_clk_period_ns": 10.0, "target_fps": 1, "fixed": True}
    assert (first.preprocessing, first.build_steps) == ((step(),), ("one",))
    assert last.kernels == (("MatMul", ("*",)), ("Gemm", ("hls",)))
    assert last.transforms == {"cleanup": ("tidy",), "opt": ("b",)}
    assert last.config_flags["target_fps"] == 3
    assert last.preprocessing == (step(bits=4),)
    assert (last.combination_index, last.total_combinations) == (191, 192)
    assert last.output_dir == str(OUT.absolute() / "builds" / last.id)
    assert CONFIG_ID.match(last.id)
    assert last.design_space_id.startswith("dse_")


def test_the_choices_of_a_combination_say_the_same_as_its_configuration(make_space: MakeSpace) -> None:
    space = full(make_space)
    for config in everything(space):
        chosen = space.choices(config.combination_index)
        assert chosen["target"] == f"{config.config_flags['board']} at 10 ns"
        assert chosen["target_fps"] == config.config_flags["target_fps"]
        assert chosen["kernel 2"] == f"Gemm ({config.kernels[1][1][0]})"
        assert chosen["kernel 3"] == ("Pool (*)" if len(config.kernels) == 3 else "-")
        assert chosen["preprocessing 1 cut"] == ("bits=4" if config.preprocessing[0].parameters else "on")


def test_an_id_can_be_told_from_the_configuration_alone(make_space: MakeSpace) -> None:
    configs = everything(full(make_space))
    for config in configs[::17]:
        assert config_id(config, configs.model_sha256) == config.id


def ids_by_content(space: DesignSpace) -> dict[str, str]:
    def content(config: Any) -> str:
        plain = attrs.evolve(
            config, id="x", output_dir="x", design_space_id="", combination_index=0, total_combinations=1
        )
        return str(plain)

    return {content(config): config.id for config in everything(space)}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.integers(1, 9), unique=True, min_size=1, max_size=5),
    more=st.lists(st.integers(1, 12), unique=True, min_size=1, max_size=5),
    board=st.booleans(),
    transform=st.booleans(),
)
def test_inserting_points_changes_no_other_id(
    make_space: MakeSpace, values: list[int], more: list[int], board: bool, transform: bool
) -> None:
    def space(fps: list[int], boards: list[str], transforms: dict[str, Any]) -> DesignSpace:
        hardware = HWCompilerSpace(config_flags={"target_fps": {"values": fps}}, transforms=transforms)
        return make_space(hw_compiler_space=hardware, targets=[{"board": boards}])

    before = ids_by_content(space(values, ["A"], {}))
    inserted = [*more, *(value for value in values if value not in more)]
    after = ids_by_content(space(inserted, ["B", "A"] if board else ["A"], {"s": ["~t"]} if transform else {}))
    assert before.items() <= after.items()
    assert len(set(after.values())) == len(after)


def test_an_id_follows_from_everything_that_decides_the_result(make_space: MakeSpace, model: Path) -> None:
    def one(**changes: Any) -> str:
        (found,) = everything(make_space(**changes)).ids()
        return found

    base = one()
    others = [
        one(flags={"a": 1}),
        one(flags={"a": 2}),
        one(hw_compiler_space=HWCompilerSpace(kernels=["A"])),
        one(hw_compiler_space=HWCompilerSpace(transforms=["A"])),
        one(hw_compiler_space=HWCompilerSpace(build_steps=["A"])),
        one(processing_space=ProcessingSpace(preprocessing=[[step()]])),
        one(targets=[Target(board="A")]),
        one(targets=[Target(board="A", clock_ns=5)]),
        one(global_config=GlobalConfig(output_stage=OutputStage.RTL)),
        one(global_config=GlobalConfig(save_artifacts=False)),
        one(global_config=GlobalConfig(stop_step="x")),
    ]
    model.write_bytes(model.read_bytes() + b"more")
    others.append(one())
    assert len({base, *others}) == len(others) + 1


def test_an_id_doesnt_follow_from_anything_else(make_space: MakeSpace, model: Path, tmp_path: Path) -> None:
    (base,) = everything(make_space({"clock": 10, "b": 1})).ids()
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(model.read_bytes())
    settings = GlobalConfig(working_directory="x", log_level="DEBUG", timeout_minutes=3, max_combinations=5)
    other = make_space({"b": 1, "clock": 10.0}, model_path=copy, global_config=settings, name="other")
    assert list(everything(other).ids()) == [base]


def test_a_file_counts_by_its_content(make_space: MakeSpace, tmp_path: Path) -> None:
    def of(name: str, text: str) -> list[str]:
        path = tmp_path / name
        path.write_text(text)
        space = make_space(
            {"folding_config_file": str(path)},
            processing_space=ProcessingSpace(preprocessing=[[step(dataset=str(path))]]),
        )
        configs = everything(space)
        return [configs[0].id, configs.design_space_id]

    assert of("a.json", "{}") == of("b.json", "{}")
    assert of("a.json", "{}")[0] != of("a.json", "{ }")[0]
    folder = make_space({"model_path": str(tmp_path)})
    assert everything(folder)[0].config_flags == {"model_path": str(tmp_path)}


def test_the_id_of_a_design_space_says_what_may_be_chosen_not_how_it_is_searched(make_space: MakeSpace) -> None:
    def of(*values: int, **changes: Any) -> str:
        return everything(make_space({"a": {"values": list(values)}}, **changes)).design_space_id

    assert of(1, 2) == of(1, 2, search_config=SearchConfig(seed=3), name="other")
    assert of(1, 2) != of(1, 3) != of(1, 2, 3)
    assert of(1, 2) != of(1, 2, hw_compiler_space=HWCompilerSpace(kernels=["~A"]))


def test_a_huge_space_costs_nothing_until_a_configuration_is_asked_for(make_space: MakeSpace) -> None:
    flags = {f"f{n}": {"range": {"from": 1, "to": 1000, "step": 1}} for n in range(10)}
    search = SearchConfig(strategy=SearchStrategy.RANDOM, max_evaluations=4)
    space = make_space(flags, search_config=search)
    assert space.get_total_combinations() == 10**30
    configs = CombinationGenerator(OUT).select(space)
    assert len(configs) == 4
    assert len({config.id for config in configs}) == 4
    assert all(config.total_combinations == 10**30 for config in configs)


def test_configurations_are_a_sequence(make_space: MakeSpace) -> None:
    configs = everything(make_space({"a": {"values": [1, 2, 3, 4]}}))
    assert [config.config_flags["a"] for config in configs[1:3]] == [2, 3]
    assert configs[-1].config_flags["a"] == 4
    assert [config.id for config in configs] == list(configs.ids())
    chosen = CombinationGenerator.filter_by_indices(configs, [3, 1, 99])
    assert [config.combination_index for config in chosen] == [1, 3]


def test_one_can_go_on_after_a_configuration(make_space: MakeSpace) -> None:
    configs = everything(make_space({"a": {"values": [1, 2, 3, 4]}}))
    rest = CombinationGenerator.filter_by_resume(configs, configs[1].id)
    assert [config.config_flags["a"] for config in rest] == [3, 4]
    with pytest.raises(ConfigurationError, match="has the id cfg_0"):
        CombinationGenerator.filter_by_resume(configs, "cfg_0")


def test_a_model_that_is_none_is_found_at_once(make_space: MakeSpace, tmp_path: Path) -> None:
    with pytest.raises(MissingRequirementError, match="doesn't exist"):
        everything(make_space(model_path=tmp_path / "gone.onnx"))
    text = tmp_path / "text.onnx"
    text.write_text("hello")
    with pytest.raises(ConfigurationError, match="no ONNX model"):
        everything(make_space(model_path=text))


def test_a_design_space_checks_what_it_is_made_of(make_space: MakeSpace) -> None:
    with pytest.raises(ConfigurationError, match="no model"):
        make_space(model_path="")
    with pytest.raises(ConfigurationError, match=r"config_flags\.a: a bare list is ambiguous"):
        make_space({"a": [1]})
    with pytest.raises(ConfigurationError, match="given twice"):
        make_space({"board": "A"}, targets=[{"board": "B"}])
    with pytest.raises(ConfigurationError, match="says that it is a preprocessing step"):
        ProcessingSpace(postprocessing=[[step()]])
    with pytest.raises(ConfigurationError, match="empty design space"):
        ProcessingSpace(preprocessing=[[]])
    with pytest.raises(ConfigurationError, match="same option twice"):
        ProcessingSpace(preprocessing=[[step(), step()]])


def test_a_space_is_named_after_its_model_and_a_single_step_is_a_list_of_one(model: Path) -> None:
    assert DesignSpace(model_path=model).name == "model"
    assert HWCompilerSpace(build_steps="estimate").build_steps == ("estimate",)


def test_options_are_shown_as_people_read_them(make_space: MakeSpace) -> None:
    off = attrs.evolve(step(), enabled=False)
    space = make_space(
        {"a": {"values": [[1], True, None]}},
        processing_space=ProcessingSpace(preprocessing=[[step(), off, step(bits=4)]]),
    )
    assert [axis.shown() for axis in space.varied_axes()] == [[[1], True, "-"], ["on", "off", "bits=4"]]
