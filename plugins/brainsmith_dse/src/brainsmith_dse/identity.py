"""Ids that come from content: what a build would give decides them, not its place in a list."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from brainsmith_core.config import BuildConfig, GlobalConfig, Kernel, ProcessingStep
from brainsmith_core.formats.json_values import JSONValue

from .choices import Choice
from .input_files import FileDigests
from .space import DesignSpace
from .sweep import canonical

__all__ = ["CONFIG_ID", "config_id", "content_id", "design_space_id", "result_settings"]

#: What an id of a configuration looks like.
CONFIG_ID: Final = re.compile(r"cfg_[0-9a-f]{16}\Z")

# Where and how long builds run, and how much is said about it, doesn't change what they give.
_NO_CONTENT = {
    *("working_directory", "cache_results", "log_level", "max_combinations", "timeout_minutes", "memory_gb"),
}


def result_settings(settings: GlobalConfig) -> dict[str, JSONValue]:
    """Return those of the global settings that change what a build gives."""
    found: dict[str, JSONValue] = {}
    for field in attrs.fields(GlobalConfig):
        if field.name not in _NO_CONTENT:
            value = getattr(settings, field.name)
            found[field.name] = getattr(value, "value", value)
    return found


def config_id(config: BuildConfig, model_sha256: str) -> str:
    """Return the id of a configuration: the same for the same content, wherever it stands.

    Args:
        config: its own id, its folder and its place in a design space don't count; input files count by content.
        model_sha256: digest of the model, which counts instead of its path.
    """
    return content_id(
        model_sha256=model_sha256,
        kernels=config.kernels,
        transforms=config.transforms,
        build_steps=config.build_steps,
        flags=config.config_flags,
        steps=(config.preprocessing, config.postprocessing),
        settings=result_settings(config.global_config),
        files=FileDigests(),
    )


def content_id(
    *,
    model_sha256: str,
    kernels: Iterable[Kernel],
    transforms: Mapping[str, Iterable[str]],
    build_steps: Iterable[str],
    flags: Mapping[str, JSONValue],
    steps: tuple[Iterable[ProcessingStep], Iterable[ProcessingStep]],
    settings: dict[str, JSONValue],
    files: FileDigests,
) -> str:
    """Return the id of what a configuration consists of; see `config_id`."""
    content: dict[str, JSONValue] = {
        "model": model_sha256,
        "kernels": [[name, list(backends)] for name, backends in kernels],
        "transforms": {stage: list(names) for stage, names in transforms.items()},
        "build_steps": list(build_steps),
        "config_flags": {name: files.told_by_content(name, value) for name, value in flags.items()},
        "preprocessing": [_step(step, files) for step in steps[0]],
        "postprocessing": [_step(step, files) for step in steps[1]],
        "global": settings,
    }
    return f"cfg_{hashlib.sha256(canonical(content).encode()).hexdigest()[:16]}"


def _step(step: ProcessingStep, files: FileDigests) -> JSONValue:
    return {
        "name": step.name,
        "parameters": {name: files.told_by_content(name, value) for name, value in step.parameters.items()},
        "enabled": step.enabled,
        "on_error": step.on_error,
    }


def design_space_id(space: DesignSpace, model_sha256: str) -> str:
    """Return the id of a design space: of all that may be chosen, not of how it is searched."""
    hardware, processing, files = space.hw_compiler_space, space.processing_space, FileDigests()
    content: dict[str, JSONValue] = {
        "model": model_sha256,
        "targets": [dict(target.flags()) for target in space.targets],
        "kernels": [_options(choice) for choice in hardware.kernels],
        "transforms": {stage: [_options(each) for each in items] for stage, items in hardware.transforms.items()},
        "build_steps": list(hardware.build_steps),
        "config_flags": {
            name: [files.told_by_content(name, value) for value in sweep.values]
            for name, sweep in hardware.config_flags.items()
        },
        "preprocessing": [[_step(step, files) for step in options] for options in processing.preprocessing],
        "postprocessing": [[_step(step, files) for step in options] for options in processing.postprocessing],
        "global": result_settings(space.global_config),
    }
    return f"dse_{hashlib.sha256(canonical(content).encode()).hexdigest()[:8]}"


def _options(choice: Choice[Any]) -> JSONValue:
    return [list(option) if isinstance(option, tuple) else option for option in choice.options]
