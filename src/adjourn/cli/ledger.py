"""``adjourn ledger``: check the ledger, prove what is in it, and sign what it is."""

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import msgspec

from adjourn.config import StoreConfig, load_config, store_at
from adjourn.core.errors import BadInput
from adjourn.core.merkle import consistency_proof, inclusion_proof, leaf_hash, root_of
from adjourn.ports import LedgerRow
from adjourn.report.ledger_check import check_ledger
from adjourn.report.signing import sign_ledger
from adjourn.runtime.clock import SystemClock
from adjourn.runtime.notes import Signer, Verifier, read_checkpoint
from adjourn.runtime.policies import load_policy
from adjourn.wiring import export_line, open_ledger

_STORE = click.option(
    "--store",
    metavar="FILE|URL",
    help="SQLite file, a copy of one, a JSONL export, or a PostgreSQL URL.",
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
@click.option(
    "--policy", "policies", metavar="NAME|FILE", multiple=True,
    help="A policy that was in force: what was decided under it is held against it.",
)  # fmt: skip
@_JSON
def verify(config: str | None, store: str | None, **options: Any) -> None:
    """Check every entry: against itself, the laws, checkpoints, an earlier copy, policies.

    In a database, what is locked is held against the entries too.

    Exit status: 0 nothing found, 1 something is wrong.
    """
    keys = [Verifier.parse(text_of(key)) for key in options["keys"]]
    checkpoints = [read_checkpoint(_read(note), keys) for note in options["notes"]]
    copy = options["earlier"]
    earlier = [row.leaf_hash for row in ledger_rows(store_at(copy))] if copy else []
    policies = [load_policy(one)[0] for one in options["policies"]]
    with closing(open_ledger(_store(config, store))) as opened:
        verdict = check_ledger(
            opened.stream(), checkpoints, earlier, ends=opened.ends(), policies=policies
        )
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
    wanted = options["size"]
    leaves: list[bytes] = []
    chosen: tuple[int, str] | None = None
    for row in ledger_rows(_store(config, store)):
        if wanted is not None and len(leaves) >= wanted:
            break
        if _is_chosen(row, options["position"], options["node"]):
            chosen = len(leaves), row.body
        leaves.append(leaf_hash(row.raw))
    if wanted is not None and len(leaves) != wanted:
        raise BadInput(f"the ledger has {len(leaves)} entries, not {wanted}", hint="see --size")
    made: dict[str, Any] = {"size": len(leaves), "root": root_of(leaves).hex()}
    try:
        if options["since"] is not None:
            earlier = options["since"]
            hashes = consistency_proof(leaves, earlier)
            made |= {"earlier": earlier, "earlier_root": root_of(leaves[:earlier]).hex()}
        elif chosen is None:
            raise _nothing_to_prove(len(leaves), options["position"], options["node"])
        else:
            position, body = chosen
            hashes = inclusion_proof(leaves, position)
            leaf = leaves[position].hex()
            made |= {"position": position, "leaf_hash": leaf, "body": body}
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
    help="A further checkpoint that the ledger must have grown from.",
)  # fmt: skip
def checkpoint(
    config: str | None, store: str | None, key_file: str | None, previous: Path | None
) -> None:
    """Sign what the ledger is now, and print the note.

    The newest checkpoint is kept beside the key: a ledger that did not grow from it is not signed.

    Exit status: 1 if the ledger does not begin as an earlier checkpoint says, or is broken.
    """
    loaded = load_config(config, flags={"store.path": store})
    file = key_file or loaded.ledger.key_file
    if not file:
        raise BadInput(
            "there is no signing key", hint="make one with adjourn ledger key, pass --key"
        )
    notes = [_read(previous)] if previous else []
    now_ms = SystemClock().now_ms()
    verdict, note = sign_ledger(file, ledger_rows(loaded.store), now_ms, notes)
    if verdict.findings:
        for one in verdict.findings:
            click.echo(str(one), err=True)
        click.echo("Not signed.", err=True)
        sys.exit(1)
    click.echo(note, nl=False)


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
    for row in ledger_rows(_store(config, store)):
        try:
            click.echo(msgspec.json.encode(export_line(row)))
        except ValueError:
            click.echo(f"entry {row.position} is not text; see adjourn ledger verify", err=True)
            sys.exit(1)


def _store(config: str | None, store: str | None) -> StoreConfig:
    return load_config(config, flags={"store.path": store}).store


def ledger_rows(store: StoreConfig) -> Iterator[LedgerRow]:
    """Yield every entry of a ledger as it is stored, in order."""
    with closing(open_ledger(store)) as opened:
        yield from opened.stream()


def _is_chosen(row: LedgerRow, position: int | None, node: str | None) -> bool:
    if position is not None:
        return row.position == position
    return row.entry is not None and row.entry.node == node


def _nothing_to_prove(size: int, position: int | None, node: str | None) -> BadInput:
    if position is not None:
        return BadInput(f"there is no entry {position} among {size}", hint="they count from 0")
    if node is not None:
        return BadInput(f"the ledger has no entry of node {node!r}", hint="copy it whole")
    return BadInput("nothing to prove", hint="name --position, --node or --since")


def text_of(key_or_file: str) -> str:
    """Return a verifier key that is given as such, or in a file."""
    return key_or_file if "+" in key_or_file else _read(Path(key_or_file))


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise BadInput(f"{file}: cannot be read ({reason})") from None
