"""`brainsmith validate`: check a file without building."""

from __future__ import annotations

from pathlib import Path

import click

from ..formats.config_file import load_build_config, read_mapping
from ..formats.json_values import JSONValue
from ..plugins.manager import load_target
from .app import App, json_option, pass_app
from .output import print_json

__all__ = ["command"]


@click.command(
    "validate",
    epilog="""\b
Examples:
  brainsmith validate build.yaml
  brainsmith validate examples/digits/blueprint.yaml --backend legacy_finn""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--backend", default="auto", show_default=True, help="The backend to check it for.")
@json_option
@pass_app
def command(app: App, file: Path, backend: str, as_json: bool) -> None:
    """Check FILE, a build's configuration or a blueprint, for a backend; nothing is built or written."""
    from ..build.runner import create_build_runner_factory

    factory = create_build_runner_factory(backend, app.plugins)
    data = read_mapping(file)
    for offer in app.plugins.offers("brainsmith_validators"):
        if offer.record.key in data:
            validate = load_target(offer.record.target, f"validator {offer.record.name}")
            found: dict[str, JSONValue] = validate(file, factory)
            break
    else:
        build = load_build_config(file)
        factory().validate(build)
        found = {"kind": "build", "id": build.id, "builds": 1}
    if as_json:
        print_json({"file": str(file), "valid": True, **found})
    else:
        click.echo(f"{file} is valid: " + ", ".join(f"{key} {value}" for key, value in found.items()))
