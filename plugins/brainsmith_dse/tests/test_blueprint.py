from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from brainsmith_core.build.runner import default_plugins
from brainsmith_core.config import OutputStage
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_dse.forge_api import DesignSpaceValidator, forge
from brainsmith_dse.search import DEFAULT_OBJECTIVES, Objective, SearchConstraint, SearchStrategy
from brainsmith_dse.space import DesignSpace
from brainsmith_dse.sweep import Sweep

Read = Callable[..., DesignSpace]

ANY = ("*",)


def test_a_blueprint_needs_no_more_than_a_version_and_a_model(read: Read) -> None:
    space = read()
    assert space.get_total_combinations() == 1
    assert space.name == "blueprint"
    assert space.search_config.objectives == DEFAULT_OBJECTIVES
    assert space.varied_axes() == []


def test_every_block_of_a_blueprint_is_read(read: Read, tmp_path: Path) -> None:
    (tmp_path / "folding.json").write_text("{}")
    (tmp_path / "samples.npz").write_text("x")
    space = read(
        """\
        version: 3.0
        name: everything
        description: all that there is
        model: model.onnx
        targets:
          - board: [Pynq-Z1, Ultra96]
            clock_mhz: [100, 200]
        hw_compiler:
          kernels:
            - MatMul
            - [Gemm, [rtl, hls]]
          transforms:
            cleanup: [tidy, ~]
            dataflow_opt: ["~streamline", [a, b]]
          config_flags:
            target_fps: {range: {from: 1e3, to: 1e5, count: 3, scale: log}}
            folding_config_file: folding.json
            verify_steps: {value: [one, two]}
            auto_fifo_depths: false
          build_steps: [step_a, my.module.step_b]
        processing:
          preprocessing:
            - name: cut
              options:
                - {enabled: false}
                - {bits: 4, dataset: samples.npz, on_error: continue}
          postprocessing: [report]
        search:
          strategy: random
          seed: 7
          objectives:
            - latency
            - {metric: util.lut, direction: maximize}
          constraints:
            - {metric: lut_utilization, operator: "<=", value: 0.7}
          max_evaluations: 12
          timeout_minutes: 1.5
          parallel_builds: 3
        global:
          output_stage: rtl
          working_directory: elsewhere
          start_step: 3
          timeout_minutes: 5
          max_combinations: 5000
        """.replace("cleanup: [tidy, ~]", "cleanup: [[~, tidy]]")
    )
    assert space.get_total_combinations() == 4 * 2 * 2 * 2 * 2 * 3 * 2
    hardware, search = space.hw_compiler_space, space.search_config
    assert hardware.config_flags["target_fps"] == Sweep((1000.0, 10000.0, 100000.0))
    assert hardware.config_flags["folding_config_file"].values == (str(tmp_path / "folding.json"),)
    assert hardware.config_flags["verify_steps"].values == (["one", "two"],)
    assert hardware.build_steps == ("step_a", "my.module.step_b")
    off, on = space.processing_space.preprocessing[0]
    assert (off.enabled, on.parameters) == (False, {"bits": 4, "dataset": str(tmp_path / "samples.npz")})
    assert on.on_error == "continue"
    assert space.processing_space.postprocessing[0][0].name == "report"
    assert search.objectives == (Objective("latency", "minimize"), Objective("util.lut", "maximize"))
    assert search.constraints == (SearchConstraint("lut_utilization", "<=", 0.7),)
    assert (search.strategy, search.seed, search.max_evaluations) == (SearchStrategy.RANDOM, 7, 12)
    assert (search.timeout_minutes, search.parallel_builds) == (1.5, 3)
    assert space.global_config.output_stage is OutputStage.RTL
    assert space.global_config.working_directory == str(tmp_path / "elsewhere")
    assert (space.global_config.start_step, space.global_config.timeout_minutes) == ("3", 5)


def test_the_documented_forms_of_kernels_and_transforms_are_read(read: Read) -> None:
    space = read(
        """\
        hw_compiler:
          kernels:
            - "MatMul"
            - ["Gemm", ["rtl", "hls"]]
            - [["~Softmax", ["flash", "standard"]]]
            - [LayerNorm, RMSNorm]
            - [~, "Transpose"]
            - "~Pool"
          transforms:
            cleanup: ["x", "~y", [a, b], [~, c]]
        """
    )
    lengths = [len(choice.options) for choice in space.hw_compiler_space.kernels]
    assert lengths == [1, 2, 3, 2, 2, 2]
    assert space.hw_compiler_space.kernels[2].options[-1] is None
    assert [len(each.options) for each in space.hw_compiler_space.transforms["cleanup"]] == [1, 2, 2, 2]


def test_transforms_as_a_list_are_the_default_stage_and_a_step_may_be_one_name(read: Read) -> None:
    space = read("hw_compiler: {transforms: [a], build_steps: estimate_only}\n")
    assert list(space.hw_compiler_space.transforms) == ["default"]
    assert space.hw_compiler_space.build_steps == ("estimate_only",)


def test_a_json_file_is_a_blueprint_too(write_blueprint: Callable[..., Path]) -> None:
    path = write_blueprint('{"version": "3.0", "model": "model.onnx", "name": "as json"}', "b.json")
    assert forge(None, path, plugins=default_plugins()).name == "as json"


def test_a_model_that_is_given_goes_before_the_blueprints_own(
    write_blueprint: Callable[..., Path], model: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(model.read_bytes())
    assert forge(other, write_blueprint(), plugins=default_plugins()).model_path == str(other)


WRONG = {
    "an unknown key": ("serach: {}", 3, 'no key "serach"', 'did you mean "search"?'),
    "an unknown key inside": ("search:\n  stratgy: random", 4, 'no key "stratgy"', 'did you mean "strategy"?'),
    "an unknown global key": ("global:\n  output_stag: rtl", 4, 'unknown key "output_stag"', "output_stage"),
    "an unknown stage": ("global:\n  log_level: INFO\n  output_stage: rlt", 5, '"rlt" is no OutputStage', '"rtl"'),
    "an unknown metric": ("search:\n  objectives: [throughputt]", 4, 'no metric "throughputt"', '"throughput"?'),
    "an unknown constraint": (
        "search:\n  constraints:\n    - {metric: util.lutt, operator: <, value: 1}",
        5,
        'no metric "util.lutt"',
        '"util.lut"?',
    ),
    "a metric without direction": ("search:\n  objectives:\n    - model.ops.mac", 5, "which direction", "direction"),
    "an unknown direction": ("search: {objectives: [{metric: latency, direction: up}]}", 3, '"up" is no', "known"),
    "an unknown operator": (
        'search:\n  constraints:\n    - metric: latency\n      operator: "=<"\n      value: 1',
        6,
        '"=<" is no operator',
        "<= >=",
    ),
    "a value that is no number": (
        "search: {constraints: [{metric: latency, operator: <, value: fast}]}",
        3,
        "must be a number, but is str 'fast'",
        "",
    ),
    "a missing part of a constraint": ("search: {constraints: [{metric: latency}]}", 3, '"operator" is missing', ""),
    "a fraction of a build": ("search:\n  max_evaluations: 2.5", 4, "must be a whole number", ""),
    "no build at all": ("search:\n  max_evaluations: 0", 4, "must be greater than 0", ""),
    "an unknown strategy": ("search:\n  strategy: exhaustve", 4, 'no search strategy "exhaustve"', "exhaustive"),
    "no objectives": ("search:\n  objectives: []", 4, "empty list", ""),
    "a bare list": ("hw_compiler:\n  config_flags:\n    target_fps: [1, 2]", 5, "ambiguous", "values"),
    "a range that goes down": (
        "hw_compiler:\n  config_flags:\n    a: 1\n    b: {range: {from: 2, to: 1, count: 2}}",
        6,
        "hw_compiler.config_flags.b: the range goes from 2 down to 1",
        "from is the lesser",
    ),
    "a wrong kernel": ('hw_compiler:\n  kernels:\n    - A\n    - (~, "x")', 6, "is no name of a kernel", "[~, Tra"),
    "a kernel twice": ("hw_compiler:\n  kernels:\n    - A\n    - A", 4, '"A" is named twice', "once"),
    "kernels that are no list": ("hw_compiler:\n  kernels: A", 4, "must be a list, but is str 'A'", ""),
    "a wrong transform": ("hw_compiler:\n  transforms:\n    cleanup:\n      - 7", 6, "a transform must be a name", ""),
    "an empty step name": ("hw_compiler:\n  build_steps:\n    - a\n    - ''", 6, "must be a text", ""),
    "the clock twice": (
        "targets: [{board: A, clock_ns: 5}]\nhw_compiler: {config_flags: {target_clock_ns: 5}}",
        3,
        "the clock is given twice: in targets and as the flag target_clock_ns",
        "one of them",
    ),
    "a flag under two names": (
        "hw_compiler: {config_flags: {clock_period_ns: 5, target_clock_ns: 5}}",
        1,
        "the clock is given twice",
        "one of them",
    ),
    "no target": ("targets: []", 3, "empty design space", ""),
    "a wrong target": ("targets:\n  - {board: A}\n  - {bord: B}", 5, 'a target has no key "bord"', '"board"?'),
    "a target twice": ("targets:\n  - {board: A}\n  - {board: A}", 3, "the target A is given twice", ""),
    "a step without a name": ("processing: {preprocessing: [{options: []}]}", 3, '"name" is missing', ""),
    "a step without options": ("processing: {preprocessing: [{name: a, options: []}]}", 3, "empty design space", ""),
    "an option twice": ("processing: {preprocessing: [{name: a, options: [{b: 1}, {b: 1}]}]}", 3, "twice", ""),
    "a wrong switch": ("processing: {preprocessing: [{name: a, options: [{enabled: 1}]}]}", 3, "must be bool", ""),
    "a block that is none": ("search: 7", 3, "must be a mapping, but is int 7", ""),
    "an empty block": ("search:", 3, "must be a mapping, but is empty", ""),
    "a block for a list": ("search: {objectives: {}}", 3, "must be a list, but is a mapping", ""),
    "a truth for a number": ("search: {timeout_minutes: true}", 3, "must be a number, but is bool True", ""),
    "a name that is no text": ("name: 7", 3, "must be a text, but is int 7", ""),
    "a model that is no text": ('version: "3.0"\nmodel: []', 2, "must be a text, but is a list", ""),
    "another version": ('version: "2.0"\nmodel: model.onnx', 1, 'must be "3.0"', ""),
    "no version": ("# version:\nmodel: model.onnx", 2, '"version" is missing', ""),
    "no model": ('version: "3.0"', 1, "no model is given", "--model"),
    "a list": ("- version:", 1, "a blueprint is a mapping, but this is a list", ""),
    "nothing": ("# version:\n", 1, "the file is empty", 'version: "3.0"'),
    "a key twice": ("name: a\nname: b", 4, 'the key "name" is given twice, first in line 3', ""),
    "a key that is no text": ("? [a]\n: b", 3, "a key must be a text", ""),
    "a merge": ("search: &s {seed: 1}\nglobal:\n  <<: *s", 5, "merge keys", "write the keys out"),
    "itself": ("search: &s\n  objectives: [*s]", 3, "contains itself", ""),
    "an infinite number": ("search: {timeout_minutes: .inf}", 3, "no finite number", ""),
    "bytes": ("name: !!binary aGk=", 3, "JSON can't hold", ""),
    "no YAML": ("search: {", 3, "this is no YAML", ""),
    "a tab": ("search:\n\tseed: 1", 4, "this is no YAML", ""),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_blueprint_is_refused_with_file_line_and_hint(write_blueprint: Callable[..., Path], case: str) -> None:
    text, line, message, hint = WRONG[case]
    path = write_blueprint(text)
    with pytest.raises(ConfigurationError) as caught:
        forge(None, path, plugins=default_plugins())
    assert caught.value.message.startswith(f"{path}, line {line}: ")
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert caught.value.message.count(", line ") == 1 or "first in line" in caught.value.message


def test_a_file_that_isnt_there_is_missing(tmp_path: Path, read: Read) -> None:
    with pytest.raises(MissingRequirementError, match=r"nowhere\.yaml doesn't exist"):
        forge(None, tmp_path / "nowhere.yaml", plugins=default_plugins())
    with pytest.raises(MissingRequirementError, match=r'"folding_config_file" names .*gone\.json'):
        read("hw_compiler: {config_flags: {folding_config_file: gone.json}}\n")
    with pytest.raises(MissingRequirementError, match=r"other\.onnx doesn't exist"):
        read('version: "3.0"\nmodel: other.onnx\n')


def test_a_file_that_cant_be_read_or_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be read"):
        forge(None, tmp_path, plugins=default_plugins())
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="isn't text in UTF-8"):
        forge(None, tmp_path / "b.yaml", plugins=default_plugins())
    (tmp_path / "b.yaml").write_bytes(b"a: \x01")
    with pytest.raises(ConfigurationError, match="no YAML"):
        forge(None, tmp_path / "b.yaml", plugins=default_plugins())


def test_a_date_is_a_text_and_an_alias_is_what_it_stands_for(read: Read) -> None:
    space = read("hw_compiler: {config_flags: {a: &x 2024-01-01, b: *x, c: 1e3}}\n")
    flags = space.hw_compiler_space.config_flags
    assert [flags[name].values[0] for name in "abc"] == ["2024-01-01", "2024-01-01", 1000.0]


def test_an_alias_of_a_metric_is_the_metric(read: Read) -> None:
    space = read("search: {objectives: [{metric: wns}]}\n")
    assert space.search_config.objectives == (Objective("timing.setup.wns_ns", "maximize"),)


_SWEEPS = ", ".join(f"f{n}: {{range: {{from: 1, to: 1000, step: 1}}}}" for n in range(5))
HUGE = f"hw_compiler: {{config_flags: {{{_SWEEPS}}}}}\n"


def test_more_combinations_than_allowed_are_refused_without_being_listed(read: Read) -> None:
    with pytest.raises(ConfigurationError, match="1,000,000,000,000,000 combinations are more than the 100,000"):
        read(HUGE)
    with pytest.raises(ConfigurationError, match="more than the 7 allowed"):
        read("global: {max_combinations: 7}\nhw_compiler: {config_flags: {a: {values: [1,2,3,4,5,6,7,8]}}}\n")


def test_a_random_search_of_a_huge_space_is_allowed_if_it_builds_few(read: Read) -> None:
    assert read(HUGE + "search: {strategy: random, max_evaluations: 5}\n").get_total_combinations() == 10**15
    with pytest.raises(ConfigurationError, match="100,001 combinations are more than"):
        read(HUGE + "search: {strategy: random, max_evaluations: 100001}\n")


def test_many_combinations_are_worth_a_warning(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    space = read("hw_compiler: {config_flags: {a: {range: {from: 1, to: 1001, step: 1}}}}\n")
    assert DesignSpaceValidator().validate(space).is_valid
    assert DesignSpaceValidator().validate(space).warnings == ("1,001 combinations will be built",)
    with caplog.at_level("INFO"):
        forge(None, space.blueprint_path, verbose=True, plugins=default_plugins())
    assert "1,001 combinations will be built" in caplog.text
    assert "blueprint: 1,001 combinations of" in caplog.text
