"""``adjourn keys``: gateway keys."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final

import click
import msgspec

from adjourn.runtime.clock import SystemClock

_BYTES: Final = 32
_SCOPES: Final = ("proxy", "console", "report")


@click.group()
def keys() -> None:
    """Gateway keys: clients send the key, the configuration holds only its hash."""


@keys.command()
@click.option("--id", "ident", required=True, metavar="ID", help="Whose key it is.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(_SCOPES), default=("proxy",),
    help="What it is good for; may be given several times (default: proxy).",
)  # fmt: skip
@click.option("--days", type=click.IntRange(min=1), metavar="N", help="Days it is accepted.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def new(ident: str, scopes: tuple[str, ...], days: int | None, as_json: bool) -> None:
    """Make a key; it is shown this once, with the lines for the configuration.

    Nothing is stored. To replace a key, add the new one under the same id, let clients change over,
    then take the old one away (or let it run out) and send the gateway a SIGHUP.
    """
    key = f"adj_{secrets.token_urlsafe(_BYTES)}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    today = datetime.fromtimestamp(SystemClock().now_ms() / 1000, UTC).date()
    last = today + timedelta(days=days) if days else None
    if as_json:
        made = {"id": ident, "key": key, "sha256": digest, "scopes": scopes, "not_after": last}
        click.echo(msgspec.json.encode(made))
        return
    click.echo(f"{key}\n")
    click.echo("Give it to the client; it cannot be shown again. For adjourn.toml:\n", err=True)
    lines = ["[[keys]]", f"id = {_quoted(ident)}", f'sha256 = "{digest}"']
    lines.append(f"scopes = [{', '.join(_quoted(scope) for scope in scopes)}]")
    if last is not None:
        lines.append(f"not_after = {last.isoformat()}")
    click.echo("\n".join(lines))


def _quoted(text: str) -> str:
    """Return a TOML string; JSON's escapes are all TOML's, too."""
    return msgspec.json.encode(text).decode()
