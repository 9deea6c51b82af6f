"""What ``adjourn replay`` prints."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from adjourn.replay.tally import STEPS


def tell(summary: Mapping[str, Any], rejects: Sequence[str], *, as_json: bool) -> None:
    """Print a summary, and on stderr the first rejected rows."""
    for words in rejects:
        click.echo(words, err=True)
    if summary["rejected"] > len(rejects):
        more = summary["rejected"] - len(rejects)
        click.echo(f"and {more} more rows that are no conversations", err=True)
    if summary["unjudged"]:
        click.echo(
            f"adjourn: {summary['unjudged']} user messages were not judged, since the detector "
            "failed; with --out, the same command asks about them again",
            err=True,
        )
    if as_json:
        click.echo(msgspec.json.encode(summary))
        return
    console = Console()
    for table in _tables(summary):
        console.print(table)
    click.echo(
        f"{summary['conversations']} conversations, {summary['user_messages']} user messages, "
        f"{summary['rejected']} rows rejected"
    )


def _tables(summary: Mapping[str, Any]) -> Iterator[Table]:
    policies = summary["policies"]
    table = Table("conversations that reach", *(one["policy"] for one in policies))
    for step in STEPS:
        table.add_row(_words(step), *(_share(one["reached"][step]) for one in policies))
    table.add_row("median turn of an end", *(_known(one["median_turn_of_end"]) for one in policies))
    grounds = sorted({ground for one in policies for ground in one["ends_by_ground"]})
    for ground in grounds:
        counts = (str(one["ends_by_ground"].get(ground, 0)) for one in policies)
        table.add_row(f"ends on {ground}", *counts)
    yield table
    if "comparison" not in summary:
        return
    found = summary["comparison"]
    table = Table(
        f"the second policy ({found['changed']} conversations change)",
        "first alone", "second alone", "difference of shares", "McNemar p", "Holm p",
    )  # fmt: skip
    for step, one in found["steps"].items():
        table.add_row(
            _words(step), str(one["only_first"]), str(one["only_second"]), _difference(one),
            _known(one["mcnemar_p"]), _known(one.get("holm_p")),
        )  # fmt: skip
    yield table
    both = found["ended_by_both"]
    if both["earlier"] or both["later"]:
        yield Table(
            f"Ended by both: {both['earlier']} earlier and {both['later']} later with the second "
            f"(sign test p = {_known(both['sign_p'])})"
        )


def _words(step: str) -> str:
    return step.replace("_", " ")


def _known(number: float | None) -> str:
    return "-" if number is None else f"{number:g}"


def _share(rate: Mapping[str, Any]) -> str:
    if not rate["of"]:
        return "0"
    return f"{rate['count']} ({rate['share']:.2%}; {rate['low']:.2%} to {rate['high']:.2%})"


def _difference(one: Mapping[str, Any]) -> str:
    if "difference" not in one:
        return "-"
    return f"{one['difference']:+.2%} ({one['low']:+.2%} to {one['high']:+.2%})"
