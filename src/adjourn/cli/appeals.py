"""``adjourn appeals``: objections to ends, from the terminal."""

import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
import msgspec

from adjourn.cli.serve import run
from adjourn.config import load_config
from adjourn.core.appeals import AppealReason, AppealState
from adjourn.core.tree import NodeId
from adjourn.runtime.appeals import Appeals, Written
from adjourn.wiring import appeal_desk

T = TypeVar("T")

_STORE = click.option("--store", metavar="FILE|URL", help="Database (default: configured).")
_CONFIG = click.option("--config", metavar="FILE", help="Configuration (default: adjourn.toml).")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def appeals() -> None:
    """Objections to ends. While a gateway has the SQLite file open, use its console."""


@appeals.command(name="list")
@_CONFIG
@_STORE
@_JSON
def list_(config: str | None, store: str | None, as_json: bool) -> None:
    """List appeals, those filed last first."""
    found = _at_the_desk(config, store, lambda desk: desk.newest(1_000))
    if as_json:
        click.echo(msgspec.json.encode([_document(one) for one in found]))
        return
    for one in found:
        a = one.appeal
        click.echo(f"{a.node[:16]}  {a.state:12}  {a.reviewer:12}  {a.reason}")
    if not found:
        click.echo("There are no appeals.")


@appeals.command()
@click.argument("node")
@_CONFIG
@_STORE
def show(node: str, config: str | None, store: str | None) -> None:
    """Show one appeal with what was written (JSON)."""
    _print(_at_the_desk(config, store, lambda desk: desk.of(NodeId(node))), node)


@appeals.command()
@click.argument("node")
@click.argument("outcome", type=click.Choice(["upheld", "reversed"]))
@click.option("--reviewer", required=True, metavar="ID", help="Who decides.")
@click.option("--reason", required=True, type=click.Choice([str(one) for one in AppealReason]))
@click.option("--answer", default="", metavar="TEXT", help="What the user is told.")
@_CONFIG
@_STORE
def decide(node: str, outcome: str, **options: Any) -> None:
    """Uphold or reverse an end; a reversal reopens the conversation at once."""
    state, reason = AppealState(outcome), AppealReason(options["reason"])

    def deciding(desk: Appeals) -> Awaitable[Written | None]:
        reviewer, answer = options["reviewer"], options["answer"]
        return desk.decide(NodeId(node), reviewer, state, reason, answer)

    _print(_at_the_desk(options["config"], options["store"], deciding), node)


def _at_the_desk(
    config: str | None, store: str | None, work: Callable[[Appeals], Awaitable[T]]
) -> T:
    loaded = load_config(config, flags={"store.path": store})
    found: list[T] = []

    async def main() -> None:
        async with appeal_desk(loaded) as desk:
            found.append(await work(desk))

    run(main())
    return found[0]


def _print(written: Written | None, node: str) -> None:
    if written is None:
        click.echo(f"There is no appeal against an end at {node}.", err=True)
        sys.exit(1)
    click.echo(msgspec.json.format(msgspec.json.encode(_document(written)), indent=2))


def _document(written: Written) -> dict[str, Any]:
    a = written.appeal
    return {
        "node": a.node,
        "state": a.state,
        "filed_at_ms": a.filed_at_ms,
        "acknowledged_at_ms": a.acknowledged_at_ms,
        "decided_at_ms": a.decided_at_ms,
        "reviewer": a.reviewer,
        "reason": a.reason,
        "words": written.words,
        "answer": written.answer,
    }
