"""``adjourn ledger``: check the ledger, prove what is in it, and sign what it is."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from adjourn.cli.serve import run
from adjourn.config import load_config
from adjourn.core.errors import BadInput
from adjourn.core.merkle import consistency_proof, inclusion_proof, root_of
from adjourn.ports import LedgerRow
from adjourn.report.ledger_check import Verdict, check_ledger
from adjourn.runtime.clock import SystemClock
from adjourn.runtime.notes import Checkpoint, Signer, Verifier, read_checkpoint
from adjourn.wiring import open_ledger

_BATCH: Final = 5_000

_STORE = click.option(
    "--store", metavar="FILE", help="SQLite file, a copy of one, or a JSONL export."
)
_CONFIG = click.option("--config", metavar="FILE", help="Configuration (default: adjourn.toml).")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def ledger() -> None:
    """Check the ledger, prove what is in it, and sign what it is."""


@ledger.command()
@_CONFIG
@_STORE
@click.option(
    "--checkpoint", "notes", metavar="FILE", multiple=True, type=click.Path(path_type=Path),
    help="A signed checkpoint of an earlier day; several may be given.",
)  # fmt: skip
@click.option("--vkey", "keys", metavar="KEY|FILE", multiple=True, help="Whose signature counts.")
@click.option("--earlier", metavar="FILE", help="An earlier copy: names the very entry.")
@_JSON
def verify(config: str | None, store: str | None, **options: Any) -> None:
    """Check every entry: against itself, against checkpoints, against an earlier copy.

    Exit status: 0 nothing found, 1 something is wrong.
    """
    keys = [Verifier.parse(_text_of(key)) for key in options["keys"]]
    checkpoints = [read_checkpoint(_read(note), keys) for note in options["notes"]]
    earlier = [row.leaf_hash for row in _rows(options["earlier"])] if options["earlier"] else []
    verdict = check_ledger(_rows(_path(config, store)), checkpoints, earlier)
    if options["as_json"]:
        found = [{"position": f.position, "last": f.last, "what": f.what} for f in verdict.findings]
        click.echo(
            msgspec.json.encode(
                {"size": verdict.size, "root": verdict.root.hex(), "findings": found}
            )
        )
    else:
        for one in verdict.findings:
            click.echo(str(one))
        word = "something is wrong" if verdict.findings else "nothing is wrong"
        unsigned = "" if keys or not checkpoints else "; no --vkey: signatures were not checked"
        click.echo(f"{verdict.size} entries, root {verdict.root.hex()}: {word}{unsigned}")
    if verdict.findings:
        sys.exit(1)


@ledger.command()
@_CONFIG
@_STORE
@click.option("--position", type=int, metavar="N", help="Prove that entry N (from 0) is in it.")
@click.option("--node", metavar="ID", help="Prove the newest entry of a node.")
@click.option("--since", type=int, metavar="SIZE", help="Prove that it began as it was then.")
@click.option("--size", type=int, metavar="SIZE", help="In the ledger of this size (default: now).")
def proof(config: str | None, store: str | None, **options: Any) -> None:
    """Print a proof (JSON): that an entry is in the ledger, or that the ledger only grew."""
    rows = list(_rows(_path(config, store)))
    size = len(rows) if options["size"] is None else options["size"]
    if not 0 <= size <= len(rows):
        raise BadInput(f"the ledger has {len(rows)} entries, not {size}", hint="leave --size out")
    leaves = [row.leaf_hash for row in rows[:size]]
    made: dict[str, Any] = {"size": size, "root": root_of(leaves).hex()}
    try:
        if options["since"] is not None:
            earlier = options["since"]
            hashes = consistency_proof(leaves, earlier)
            made |= {"earlier": earlier, "earlier_root": root_of(leaves[:earlier]).hex()}
        else:
            position = _position(rows[:size], options["position"], options["node"])
            hashes = inclusion_proof(leaves, position)
            leaf = leaves[position].hex()
            made |= {"position": position, "leaf_hash": leaf, "body": rows[position].body}
    except ValueError as error:
        raise BadInput(str(error)) from None
    click.echo(msgspec.json.encode({**made, "proof": [one.hex() for one in hashes]}))


@ledger.command()
@_CONFIG
@_STORE
@click.option(
    "--key", "key_file", metavar="FILE", help="The signing key (default: ledger.key_file)."
)
@click.option(
    "--previous", metavar="FILE", type=click.Path(path_type=Path),
    help="The checkpoint before: a ledger that did not grow from it is not signed.",
)  # fmt: skip
def checkpoint(
    config: str | None, store: str | None, key_file: str | None, previous: Path | None
) -> None:
    """Sign what the ledger is now, and print the note.

    Exit status: 1 if the ledger does not begin as the previous checkpoint says, or is broken.
    """
    loaded = load_config(config, flags={"store.path": store})
    file = key_file or loaded.ledger.key_file
    if not file:
        raise BadInput(
            "there is no signing key", hint="make one with adjourn ledger key, pass --key"
        )
    signer = Signer.read(file)
    earlier = [read_checkpoint(_read(previous), [signer.verifier])] if previous else []
    verdict = check_ledger(_rows(loaded.store.path), earlier)
    if verdict.findings:
        for one in verdict.findings:
            click.echo(str(one), err=True)
        click.echo("Not signed.", err=True)
        sys.exit(1)
    click.echo(_signed(signer, verdict), nl=False)


def sign_ledger(key_file: str, store: str) -> str:
    """Return a signed checkpoint for a report; empty without a key, or if something is wrong."""
    if not key_file:
        return ""
    verdict = check_ledger(_rows(store))
    if verdict.findings:
        click.echo(f"{store}: {verdict.findings[0]}; the report is not signed", err=True)
        return ""
    return _signed(Signer.read(key_file), verdict)


def _signed(signer: Signer, verdict: Verdict) -> str:
    now_ms = SystemClock().now_ms()
    return signer.sign(Checkpoint(signer.name, verdict.size, verdict.root, now_ms).body())


@ledger.command()
@click.option("--name", required=True, metavar="NAME", help="The log's name, e.g. log.example.org.")
@click.option("--out", required=True, metavar="FILE", type=click.Path(path_type=Path))
def key(name: str, out: Path) -> None:
    """Make a signing key; print the verifier key, which is to be published."""
    signer = Signer.new(name)
    signer.write(out)
    click.echo(str(signer.verifier))


@ledger.command()
@_CONFIG
@_STORE
def export(config: str | None, store: str | None) -> None:
    """Print the ledger as JSONL, one entry a line, for an auditor."""
    for row in _rows(_path(config, store)):
        line = {
            "position": row.position,
            "leaf_hash": row.leaf_hash.hex(),
            "at_ms": row.at_ms,
            "body": row.body,
        }
        click.echo(msgspec.json.encode(line))


def _path(config: str | None, store: str | None) -> str:
    return load_config(config, flags={"store.path": store}).store.path


def _rows(path: str) -> Iterator[LedgerRow]:
    """Yield every row of a ledger file, reading it in batches."""
    found: list[LedgerRow] = []

    async def work() -> None:
        opened = open_ledger(path)
        try:
            while batch := await opened.rows(found[-1].position + 1 if found else 0, _BATCH):
                found.extend(batch)
        finally:
            await opened.aclose()

    run(work())
    yield from found


def _position(rows: list[LedgerRow], position: int | None, node: str | None) -> int:
    if position is not None:
        return position
    if node is None:
        raise BadInput("nothing to prove", hint="name --position, --node or --since")
    found = [i for i, row in enumerate(rows) if row.entry is not None and row.entry.node == node]
    if not found:
        raise BadInput(f"the ledger has no entry of node {node!r}", hint="copy it whole")
    return found[-1]


def _text_of(key_or_file: str) -> str:
    return key_or_file if "+" in key_or_file else _read(Path(key_or_file))


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise BadInput(f"{file}: cannot be read ({reason})") from None
