"""``adjourn report``: the transparency report, made from the ledger and checked against it."""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from adjourn.cli.ledger import sign_ledger
from adjourn.cli.serve import run
from adjourn.config import load_config
from adjourn.core.entries import Entry
from adjourn.core.errors import BadInput
from adjourn.report.documents import Report, as_csv, as_json, deviations, read_json
from adjourn.report.exports import dsa_dump, dsa_statements, sb243
from adjourn.report.figures import figures_of
from adjourn.report.making import read_entries
from adjourn.report.page import render_page
from adjourn.report.periods import Period, last_month, period_of
from adjourn.runtime.clock import SystemClock
from adjourn.runtime.policies import load_policy
from adjourn.wiring import open_ledger


@click.command()
@click.option("--config", "file", metavar="FILE", help="Configuration (default: adjourn.toml).")
@click.option("--store", metavar="FILE", help="SQLite file with the ledger, or a copy of one.")
@click.option("--policy", metavar="NAME|FILE", help="What can end a conversation, for the page.")
@click.option("--period", metavar="P", help="2026, 2026-Q4 or 2026-11 (default: last month).")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Write files here.")
@click.option("--platform", default="adjourn", show_default=True, help="Name in the EU export.")
@click.option("--check", "checked", metavar="FILE", type=click.Path(path_type=Path),
              help="Count a published report.json again.")  # fmt: skip
@click.option("--json", "as_json_", is_flag=True, help="Print JSON.")
def report(**options: Any) -> None:
    """Make the transparency report of a period from the ledger alone.

    With --out, writes report.html, report.json, report.csv, and the exports for the EU (DSA
    statements of reasons) and, for a whole year, California (SB 243). With --check, exit status 1
    if any number of a published report is not what the ledger says.
    """
    flags = {"store.path": options["store"], "policy": options["policy"]}
    config = load_config(options["file"], flags=flags)
    entries = _read(config.store.path)
    if options["checked"]:
        _check(options["checked"], entries)
        return
    named = options["period"]
    period = period_of(named) if named else last_month(SystemClock().now_ms())
    signed = sign_ledger(config.ledger.key_file, config.store.path)
    made = Report(figures_of(entries, period), len(entries), signed)
    if options["out"]:
        page = render_page(made, load_policy(config.policy)[0])
        exports = _exports(entries, period, options["platform"])
        _write(options["out"], {"report.html": page.encode(), **_documents(made), **exports})
    if options["as_json_"]:
        click.echo(as_json(made))
    elif not options["out"]:
        click.echo(as_csv(made), nl=False)


def _read(path: str) -> list[Entry]:
    found: list[Entry] = []

    async def work() -> None:
        ledger = open_ledger(path)
        try:
            found.extend([entry async for entry in read_entries(ledger)])
        finally:
            await ledger.aclose()

    run(work())
    return found


def _check(file: Path, entries: list[Entry]) -> None:
    try:
        published = read_json(file.read_bytes())
    except OSError as error:
        raise BadInput(f"{file}: cannot be read ({error.strerror})") from None
    if published.up_to > len(entries):
        click.echo(f"{file}: made from {published.up_to} entries; there are {len(entries)}")
        sys.exit(1)
    period = period_of(published.figures.period)
    wrong = deviations(published.figures, figures_of(entries[: published.up_to], period))
    for one in wrong:
        click.echo(f"{file}: {one}")
    if wrong:
        sys.exit(1)
    click.echo(f"{file}: every number is what the first {published.up_to} entries say")


def _documents(made: Report) -> dict[str, bytes]:
    return {"report.json": as_json(made), "report.csv": as_csv(made).encode()}


def _exports(entries: list[Entry], period: Period, platform: str) -> dict[str, bytes]:
    statements = dsa_statements(entries, period)
    files = {
        "dsa-statements.json": _indented(statements),
        "dsa-dump.csv": dsa_dump(statements, platform).encode(),
    }
    if period.is_year:
        files["sb243.json"] = _indented(sb243(entries, period))
    return files


def _indented(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        message = f"{folder}: cannot be written ({error.strerror})"
        raise BadInput(message, hint="check --out") from None
    click.echo(f"{', '.join(files)} in {folder}", err=True)
