"""``adjourn eval``: what models do when they may leave."""

from importlib.util import find_spec
from typing import Final

import click

from adjourn.cli.lazy import LazyGroup
from adjourn.core.errors import BadConfig

_COMMANDS: Final = {
    "bailbench": (
        "adjourn.cli.eval_run:bailbench",
        "BailBench: single prompts, and four ways to leave.",
    ),
    "detectors": (
        "adjourn.cli.eval_detectors:detectors",
        "How good a detector is: by source, language, length and group.",
    ),
    "ladder": (
        "adjourn.cli.eval_run:ladder",
        "Conversations with simulated users, up the ladder: when do they end?",
    ),
    "welfare": (
        "adjourn.cli.eval_run:welfare",
        "Task preferences, apparent affect, end rate by topic: reported, never passed or failed.",
    ),
    "report": ("adjourn.cli.eval_report:report", "The report card of one run or several."),
}


class _OfExtra(LazyGroup):
    """Says what to install if the extra is not there."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if find_spec("inspect_ai") is None:
            raise _missing("inspect-ai")
        try:
            return super().get_command(ctx, cmd_name)
        except ModuleNotFoundError as error:
            raise _missing(error.name or "of the extra") from None


def _missing(package: str) -> BadConfig:
    return BadConfig(
        f"the package {package} is not installed",
        file="adjourn eval",
        hint="pip install 'adjourn[eval]'",
    )


@click.group(cls=_OfExtra, table=_COMMANDS)
def eval() -> None:  # noqa: A001 - the command's name
    """Evaluate models and policies (extra: adjourn[eval]). Logs open in Inspect View."""
