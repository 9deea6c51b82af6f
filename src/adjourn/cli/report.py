"""``adjourn report``: the transparency report, made from the ledger and checked against it."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from adjourn.cli.ledger import ledger_rows, text_of
from adjourn.config import load_config
from adjourn.core.entries import Entry
from adjourn.core.errors import BadInput
from adjourn.core.merkle import leaf_hash, root_of
from adjourn.ports import LedgerRow
from adjourn.report.documents import Report, as_csv, as_json, deviations, read_json
from adjourn.report.dsa_rules import broken_rules
from adjourn.report.exports import dsa_dump, dsa_statements, sb243
from adjourn.report.figures import figures_of
from adjourn.report.page import render_page
from adjourn.report.periods import Period, last_month, period_of
from adjourn.report.signing import sign_ledger
from adjourn.runtime.clock import SystemClock
from adjourn.runtime.notes import Verifier, read_checkpoint
from adjourn.runtime.policies import load_policy


@click.command()
@click.option("--config", "file", metavar="FILE", help="Configuration (default: adjourn.toml).")
@click.option("--store", metavar="FILE|URL", help="SQLite file or PostgreSQL URL.")
@click.option("--policy", metavar="NAME|FILE", help="What can end a conversation, for the page.")
@click.option("--period", metavar="P", help="2026, 2026-Q4 or 2026-11 (default: last month).")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Write files here.")
@click.option("--platform", default="adjourn", show_default=True, help="Name in the EU export.")
@click.option("--check", "checked", metavar="FILE", type=click.Path(path_type=Path),
              help="Count a published report.json again.")  # fmt: skip
@click.option("--vkey", "keys", metavar="KEY|FILE", multiple=True,
              help="With --check: whose signature its checkpoint must carry.")  # fmt: skip
@click.option("--json", "as_json_", is_flag=True, help="Print JSON.")
def report(**options: Any) -> None:
    """Make the transparency report of a period from the ledger alone.

    With --out, writes report.html, report.json and report.csv, which may be published, and into the
    folder submissions/, which names single ends and may not, the exports for the EU (DSA statements
    of reasons) and, for a whole year, California (SB 243). Tables are made for the kind of period
    that report.tables_every names, once it is over.

    With --check, exit status 1 if any number of a published report, or its checkpoint, is not what
    the ledger says.
    """
    flags = {"store.path": options["store"], "policy": options["policy"]}
    config = load_config(options["file"], flags=flags)
    rows = list(ledger_rows(config.store))
    if options["checked"]:
        _check(options["checked"], rows, [Verifier.parse(text_of(key)) for key in options["keys"]])
        return
    entries = _entries(rows)
    now_ms = SystemClock().now_ms()
    named = options["period"]
    period = period_of(named) if named else last_month(now_ms)
    tables = period.kind == config.report.tables_every and period.is_over(now_ms)
    if not tables:
        click.echo(f"{period.name}: without tables; see report.tables_every", err=True)
    figures = figures_of(entries, period, tables=tables)
    made = Report(figures, len(entries), _signed(config.ledger.key_file, rows), tables)
    if options["out"]:
        page = render_page(made, load_policy(config.policy)[0])
        exports = _exports(entries, period, options["platform"])
        _write(options["out"], {"report.html": page.encode(), **_documents(made), **exports})
    if options["as_json_"]:
        click.echo(as_json(made))
    elif not options["out"]:
        click.echo(as_csv(made), nl=False)


def _entries(rows: Sequence[LedgerRow]) -> list[Entry]:
    """Return the entries of a ledger; a report is made of a whole one or not at all."""
    entries = [row.entry for row in rows if row.entry is not None]
    if len(entries) < len(rows):
        click.echo("entries cannot be read; adjourn ledger verify says which", err=True)
        sys.exit(1)
    return entries


def _signed(key_file: str, rows: Sequence[LedgerRow]) -> str:
    """Return a checkpoint over what the report is made from; empty without a key or if the ledger
    is not as it should be."""
    if not key_file:
        return ""
    verdict, note = sign_ledger(key_file, rows, SystemClock().now_ms())
    if verdict.findings:
        click.echo(f"the ledger: {verdict.findings[0]}; the report is not signed", err=True)
    return note


def _check(file: Path, rows: Sequence[LedgerRow], keys: Sequence[Verifier]) -> None:
    try:
        published = read_json(file.read_bytes())
    except OSError as error:
        raise BadInput(f"{file}: cannot be read ({error.strerror})") from None
    if published.up_to > len(rows):
        click.echo(f"{file}: made from {published.up_to} entries; there are {len(rows)}")
        sys.exit(1)
    counted = rows[: published.up_to]
    period = period_of(published.figures.period)
    wrong = [
        *deviations(published, figures_of(_entries(counted), period, tables=published.tables)),
        *_unlike(published.checkpoint, counted, keys),
    ]
    for one in wrong:
        click.echo(f"{file}: {one}")
    if wrong:
        sys.exit(1)
    click.echo(f"{file}: every number is what the first {published.up_to} entries say")


def _unlike(note: str, rows: Sequence[LedgerRow], keys: Sequence[Verifier]) -> Iterator[str]:
    """Yield how a report's checkpoint is not one over the entries it was made from."""
    if not note:
        if keys:
            yield "it carries no checkpoint"
        return
    try:
        signed = read_checkpoint(note, keys)
    except BadInput as error:
        yield str(error)
        return
    if (signed.size, signed.root) != (len(rows), root_of([leaf_hash(row.raw) for row in rows])):
        yield "its checkpoint is not over these entries: the ledger was changed, or the report"


def _documents(made: Report) -> dict[str, bytes]:
    return {"report.json": as_json(made), "report.csv": as_csv(made).encode()}


def _exports(entries: list[Entry], period: Period, platform: str) -> dict[str, bytes]:
    statements = dsa_statements(entries, period)
    for one in statements:
        for broken in broken_rules(one):
            click.echo(f"statement {one['puid']}: {broken}", err=True)
    files = {
        "submissions/dsa-statements.json": _indented(statements),
        "submissions/dsa-dump.csv": dsa_dump(statements, platform).encode(),
    }
    if period.kind == "year":
        files["submissions/sb243.json"] = _indented(sb243(entries, period))
    return files


def _indented(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
    except OSError as error:
        message = f"{folder}: cannot be written ({error.strerror})"
        raise BadInput(message, hint="check --out") from None
    click.echo(f"{', '.join(files)} in {folder}", err=True)
