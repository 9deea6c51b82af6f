"""The command line: ``adjourn``. Sub-commands are loaded when they are called."""

import os
import sys
from typing import Any, Final

import click

from adjourn import __version__
from adjourn.cli.lazy import LazyGroup
from adjourn.core.errors import BadInput, StoreUnavailable

_COMMANDS: Final = {
    "appeals": ("adjourn.cli.appeals:appeals", "Objections to ends: list, show, decide."),
    "assess": ("adjourn.cli.assess:assess", "Judge messages with a detector (JSONL in and out)."),
    "demo": (
        "adjourn.cli.demo:demo",
        "Gateway, chat page and a small local model on this machine.",
    ),
    "doctor": ("adjourn.cli.doctor:doctor", "Look whether everything a gateway needs is there."),
    "eval": (
        "adjourn.cli.eval:eval",
        "What models do when they may leave: ladder, BailBench, welfare, report card.",
    ),
    "keys": ("adjourn.cli.keys:keys", "Make gateway keys."),
    "ledger": ("adjourn.cli.ledger:ledger", "Check the ledger, prove what is in it, sign it."),
    "policy": ("adjourn.cli.policy:policy", "Show, check, prove, explain and compare policies."),
    "replay": (
        "adjourn.cli.replay:replay",
        "A whole corpus through detector and policy: who would have been ended.",
    ),
    "report": (
        "adjourn.cli.report:report",
        "The transparency report: make it from the ledger, or check it.",
    ),
    "serve": ("adjourn.cli.serve:serve", "Run the gateway in front of a model's server."),
}


@click.group(
    cls=LazyGroup, table=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="adjourn")
def cli() -> None:
    """Give any chat model the last resort: to end a conversation, and prove that it was one."""


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; bad input is one line and exit status 2, a store that fails 1."""
    try:
        return cli.main(arguments, prog_name="adjourn")
    except BadInput as error:
        hint = error.hint()
        mend = f" ({hint})" if hint and hint not in str(error) else ""
        click.echo(f"adjourn: {error}{mend}", err=True)
        sys.exit(2)
    except StoreUnavailable as error:
        click.echo(f"adjourn: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read our output has left; nothing is wrong with us (see Python's signal docs).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
