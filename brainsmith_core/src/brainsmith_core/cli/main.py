"""The `brainsmith` command: finds commands through plugins, imports one only when it is used, gives exit codes."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Any

import click

from ..errors import BrainsmithError, ConfigurationError, PluginError, did_you_mean
from ..formats.memory import memory
from ..plugins.manager import Offer
from ..processes.own_stdout import own_stdout
from ..records import CommandSpec
from .app import App, SuggestingGroup
from .output import print_error

__all__ = ["main", "run"]

_EPILOG = """\b
Examples:
  brainsmith run build.yaml --output out
  brainsmith explore examples/digits/blueprint.yaml
  brainsmith diagnose out/build.log
\b
Exit codes: 0 done, 1 a build failed, 2 wrong usage or configuration,
3 something needed is missing, 130 interrupted.
"""


class _Shell(SuggestingGroup):
    """A group whose commands are records; help shows their summaries without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._offers(ctx))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        offer = self._offers(ctx).get(cmd_name)
        if offer is None:
            return None
        command = ctx.ensure_object(App).plugins.load(offer, "command")
        if not isinstance(command, click.Command):
            owner = f"the command {cmd_name} of plugin {offer.plugin.label}"
            text = f"{owner} can't be run: {offer.record.target} is {command!r}"
            raise PluginError(text, hint="its target must be a click command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, after naming the plugins that take no part; names those that offer the command twice."""
        app = ctx.ensure_object(App)
        # `plugins` and `doctor` show the plugins' states themselves.
        if args and args[0] not in {"plugins", "doctor"} and not ctx.resilient_parsing:
            app.tell_of_faults(besides=args[0])
        for clash in app.plugins.clashes("brainsmith_commands"):
            if args and clash.name == args[0] and clash.winner is None:
                raise ConfigurationError(f"{clash.message}: say which you mean", hint=clash.fix)
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help; plugins that take no part are named on stderr."""
        super().format_help(ctx, formatter)
        ctx.ensure_object(App).tell_of_faults()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, offer.record.summary) for name, offer in sorted(self._offers(ctx).items())])

    def _offers(self, ctx: click.Context) -> dict[str, Offer[CommandSpec]]:
        app = ctx.ensure_object(App)
        return {offer.record.name: offer for offer in app.plugins.offers("brainsmith_commands")}


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from ..plugins.installed import core_version

        click.echo(f"brainsmith-core {core_version()}")
        ctx.exit()


def _leave_out(ctx: click.Context, _: click.Parameter, names: Sequence[str]) -> None:
    ctx.ensure_object(App).disabled = tuple(names)


def _trace_hooks(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    ctx.ensure_object(App).trace_hooks = wanted


@click.group(
    cls=_Shell,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version.",
)
@click.option(
    "--no-plugin",
    metavar="NAME",
    multiple=True,
    is_eager=True,
    expose_value=False,
    callback=_leave_out,
    help="Leave a plugin out, before its import. May be repeated.",
)
@click.option(
    "--trace-hooks",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_trace_hooks,
    help="Show on stderr which plugin's hook ran where, in which order, for how long.",
)
def main() -> None:
    """FPGA accelerator builds: one model and one configuration become one standard result."""


#: The exit code of a command that was stopped.
INTERRUPTED = 130


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code.

    Args:
        arguments: what follows the program's name; else `sys.argv`.
    """
    try:
        with own_stdout():
            code = _call(list(sys.argv[1:] if arguments is None else arguments))
    finally:
        memory().save()
    sys.exit(code)


def _call(arguments: list[str]) -> int:
    """Run the command line and return its exit code."""
    app = App()
    as_json = "--json" in arguments
    try:
        result: Any = main.main(args=arguments, prog_name="brainsmith", standalone_mode=False, obj=app)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.UsageError as error:
        return _report_usage(error, as_json)
    except click.ClickException as error:
        error.show()
        return 2
    except BrainsmithError as error:
        print_error(error, as_json)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _interrupted()
    except BrokenPipeError:
        # The reader has gone (`| head`): not our failure, and nothing may be printed any more.
        sys.stdout = io.StringIO()
        return 0
    except OSError as error:
        return _report_system_error(error, as_json)
    return result if isinstance(result, int) else 0


def _interrupted() -> int:
    click.echo("interrupted", err=True)
    return INTERRUPTED


def _report_system_error(error: OSError, as_json: bool) -> int:
    """Report what the operating system refused: a name that is too long, a full disk, a missing right."""
    name = str(error.filename or "")
    where = f"{name[:80]}...: " if len(name) > 80 else f"{name}: " if name else ""
    hint = "check the name, the rights and the space on the disk"
    print_error(ConfigurationError(f"{where}{error.strerror or error}", hint=hint), as_json)
    return ConfigurationError.exit_code


def _report_usage(error: click.UsageError, as_json: bool) -> int:
    command = error.ctx.command_path if error.ctx else "brainsmith"
    hint = f"{command} --help shows how to use it"
    if isinstance(error, click.NoSuchOption) and error.possibilities:
        hint = f"{did_you_mean(error.option_name, error.possibilities)} {hint}"
    message = error.format_message()
    print_error(ConfigurationError(message, hint=hint), as_json)
    return 2
