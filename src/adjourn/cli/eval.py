"""``adjourn eval``: what models do when they may leave."""

from typing import Final

import click

from adjourn.cli.lazy import LazyGroup

_COMMANDS: Final = {
    "bailbench": (
        "adjourn.cli.eval_run:bailbench",
        "BailBench: single prompts, and four ways to leave.",
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


@click.group(cls=LazyGroup, table=_COMMANDS)
def eval() -> None:  # noqa: A001 - the command's name
    """Evaluate models and policies (extra: adjourn[eval]). Logs open in Inspect View."""
