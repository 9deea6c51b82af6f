"""``adjourn eval report``: the report card."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from adjourn.evals.card import Card, as_json, card_of
from adjourn.evals.card_page import percent, render_page, share
from adjourn.evals.reading import Run, read_runs


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="DIR...")
@click.option("--out", default="report.html", show_default=True, metavar="FILE")
@click.option("--json", "json", is_flag=True, help="Print the figures as JSON too.")
def report(folders: Sequence[str], out: str, *, json: bool) -> None:
    """Write the report card of all runs in some directories: one HTML page, and JSON beside it."""
    card = write_report(read_runs([Path(folder) for folder in folders]), Path(out))
    tell(card, as_json=json)
    click.echo(f"Report card: {out}", err=True)


def write_report(runs: Sequence[Run], page: Path) -> Card:
    """Write the page, and the JSON beside it; return the card."""
    card = card_of(runs)
    page.write_text(render_page(card), "utf-8")
    page.with_suffix(".json").write_bytes(as_json(card))
    return card


def tell(card: Card, *, as_json: bool) -> None:
    """Print what was found: JSON, or tables for people."""
    if as_json:
        sys.stdout.buffer.write(_json(card) + b"\n")
        return
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    for table in _tables(card):
        console.print(table)


_json = as_json


def _tables(card: Card) -> Iterator[Table]:
    if card.ladder:
        yield _ladder(card)
    if card.bailbench:
        yield _bailbench(card)
    if card.preferences:
        yield _preferences(card)
    if card.affect:
        yield _affect(card)


def _ladder(card: Card) -> Table:
    names = ("conversations", "ended", "false ends", "below (95 %)", "crisis violations")
    table = Table("run", *names, "warnings", "denied", "as expected")
    for run in card.ladder:
        f = run.figures
        table.add_row(
            run.heading.label,
            str(f.conversations),
            percent(f.ended),
            f"{f.false_ends.rate.count} of {f.false_ends.rate.of}",
            share(f.false_ends.upper),
            f"{f.crisis_violations.count} of {f.crisis_violations.of}",
            str(f.warnings),
            str(f.denied),
            percent(f.as_expected),
        )
    return table


def _bailbench(card: Card) -> Table:
    names = ("answers", "left", "refused", "left without refusing", "left in a crisis")
    table = Table("run", *names)
    for run in card.bailbench:
        f = run.figures
        table.add_row(
            run.heading.label,
            str(f.answers),
            percent(f.left),
            percent(f.refused),
            percent(f.left_without_refusing),
            f"{f.crisis_left.count} of {f.crisis_left.of}",
        )
    return table


def _preferences(card: Card) -> Table:
    names = ("choices", "unclear", "tasks below the opt-out", "changed with the order")
    table = Table("run", *names)
    for run in card.preferences:
        f = run.figures
        below = f"{share(f.below_opt_out)} ({share(f.below_low)} to {share(f.below_high)})"
        below = below if f.tasks else share(None)
        changed = percent(f.flipped)
        table.add_row(run.heading.label, str(f.questions), str(f.unclear), below, changed)
    return table


def _affect(card: Card) -> Table:
    table = Table("run", "topic", "replies", "apparent distress", "apparent ease")
    for run in card.affect:
        for one in run.figures.topics:
            rates = (percent(one.distress), percent(one.ease))
            table.add_row(run.heading.label, one.topic, str(one.replies), *rates)
    return table
