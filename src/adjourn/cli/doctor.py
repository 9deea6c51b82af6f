"""``adjourn doctor``: whether everything a gateway needs is there, before it is started."""

import asyncio
import ipaddress
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from adjourn.cli.asking import State, ask, headers_for, tell
from adjourn.cli.serve import run
from adjourn.config import Config, load_config
from adjourn.core.assessments import Assessment
from adjourn.core.errors import BadInput, UpstreamUnavailable
from adjourn.core.messages import Message, Role
from adjourn.core.verifier import verify
from adjourn.ports import Upstream, UpstreamReply, UpstreamRequest
from adjourn.runtime.clock import SystemClock
from adjourn.runtime.helplines import shipped_resources
from adjourn.runtime.policies import load_policy
from adjourn.wire.spoken import CHAT_COMPLETIONS, MESSAGES
from adjourn.wiring import check_store, make_detectors, make_upstream

_PATIENCE_S: Final = 10.0
_SKEW_S: Final = 30.0
_SOON: Final = timedelta(days=14)
_OLD: Final = timedelta(days=180)
_BUILT: Final = date(2026, 1, 1)
"""No clock that is right is before this."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found. ``look`` is not a problem, but somebody should know."""

    check: str
    state: State
    message: str


@click.command()
@click.option("--config", "file", metavar="FILE", help="Configuration (default: adjourn.toml).")
@click.option("--upstream", metavar="URL", help="The model's server, e.g. https://host/v1.")
@click.option("--store", metavar="FILE|URL", help="SQLite file or PostgreSQL URL.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one line a check.")
def doctor(file: str | None, upstream: str | None, store: str | None, as_json: bool) -> None:
    """Look whether everything a gateway needs is there; exit status 1 if something is not.

    Nothing is made or changed. The model's server is asked for its list of models, and with an
    empty request in each dialect, which costs no tokens; each detector is asked to judge one
    harmless sentence.
    """
    bad = False

    async def examine() -> None:
        nonlocal bad
        flags = {"upstream.base_url": upstream, "store.path": store}
        async for finding in _findings(lambda: load_config(file, flags=flags)):
            bad = bad or finding.state == "bad"
            if as_json:
                click.echo(msgspec.json.encode(asdict(finding)))
            else:
                click.echo(f"{finding.state:4}  {finding.check:10}  {finding.message}")

    run(examine())
    if bad:
        sys.exit(1)


async def _findings(load: Callable[[], Config]) -> AsyncIterator[Finding]:
    try:
        config = load()
    except BadInput as error:
        yield Finding("config", "bad", str(error))
        return
    yield Finding("config", "ok", f"serves {config.public_url}/v1")
    yield await asyncio.to_thread(_policy, config)
    yield await _store(config)
    async for finding in _detectors(config):
        yield finding
    today = datetime.fromtimestamp(SystemClock().now_ms() / 1000, UTC).date()
    async for finding in _upstream(config):
        yield finding
    for finding in (*_keys(config, today), *_files(config), _helplines(today)):
        yield finding


def _policy(config: Config) -> Finding:
    try:
        policy, _ = load_policy(config.policy)
    except BadInput as error:
        return Finding("policy", "bad", str(error))
    proof = verify(policy)
    if not proof.holds:
        broken = ", ".join(result.law for result in proof.results if not result.holds)
        return Finding("policy", "bad", f"{policy.name} breaks {broken} (adjourn policy verify)")
    return Finding("policy", "ok", f"{policy.name} {policy.version}: every law is proved")


async def _store(config: Config) -> Finding:
    try:
        return Finding("store", "ok", await check_store(config))
    except BadInput as error:
        return Finding("store", "bad", str(error))


async def _detectors(config: Config) -> AsyncIterator[Finding]:
    try:
        detectors = make_detectors(config)
    except BadInput as error:
        yield Finding("detector", "bad", str(error))
        return
    clock = SystemClock()
    for one in detectors:
        began = clock.monotonic_s()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                (answer,) = await one.assess([[Message.of(Role.USER, "Good morning!")]])
            seconds = clock.monotonic_s() - began
            why = "" if isinstance(answer, Assessment) else answer.why
        except TimeoutError:
            why = f"no answer within {_PATIENCE_S:g} seconds"
        except Exception as error:  # noqa: BLE001 - a plug-in's bug is what is looked for
            why = f"failed ({type(error).__name__})"
        finally:
            await one.aclose()
        if why:
            yield Finding("detector", "bad", f"{one.name} cannot judge: {why}")
        else:
            yield Finding("detector", "ok", f"{one.name} answers in {seconds * 1000:.0f} ms")


async def _upstream(config: Config) -> AsyncIterator[Finding]:
    try:
        upstream = make_upstream(config)
    except BadInput as error:
        yield Finding("upstream", "bad", str(error))
        return
    key = config.upstream.api_key
    try:
        async with asyncio.timeout(_PATIENCE_S):
            reply = await _models(upstream, key)
        yield _answered(reply, has_key=bool(key))
        yield _clock(reply)
        async with asyncio.timeout(_PATIENCE_S):
            found = await ask(upstream, key)
        yield Finding("dialects", *tell(found, config.upstream.dialects))
    except UpstreamUnavailable as error:
        yield Finding("upstream", "bad", f"{config.upstream.base_url}: {error}")
    except TimeoutError:
        yield Finding("upstream", "bad", f"no answer within {_PATIENCE_S:g} seconds")
    finally:
        await upstream.aclose()


async def _models(upstream: Upstream, key: str) -> UpstreamReply:
    """Ask for the list of models, with the key as OpenAI's servers take it or as Anthropic's do."""
    for dialect in (CHAT_COMPLETIONS, MESSAGES):
        request = UpstreamRequest("GET", "/v1/models", headers_for(dialect, key), b"")
        reply = await upstream.send(request)
        await reply.aclose()
        if reply.status not in {401, 403} or not key:
            break
    return reply


def _answered(reply: UpstreamReply, *, has_key: bool) -> Finding:
    refused = reply.status in {401, 403}
    if refused and has_key:
        return Finding("upstream", "bad", f"refuses the key ({reply.status}): upstream.api_key")
    if refused:
        return Finding("upstream", "ok", "is there, and wants the client's own key")
    if reply.status >= 500:
        return Finding("upstream", "bad", f"answers {reply.status}")
    return Finding("upstream", "ok", f"answers {reply.status} to GET /v1/models")


def _clock(reply: UpstreamReply) -> Finding:
    """Compare this machine's clock with the model server's."""
    now = datetime.fromtimestamp(SystemClock().now_ms() / 1000, UTC)
    if now.date() < _BUILT:
        return Finding("clock", "bad", f"says {now:%Y-%m-%d}; set it")
    sent = next((value for name, value in reply.headers if name.lower() == "date"), "")
    try:
        skew_s = abs((now - parsedate_to_datetime(sent)).total_seconds())
    except (ValueError, TypeError):
        return Finding("clock", "ok", f"says {now:%Y-%m-%d %H:%M} UTC")
    if skew_s > _SKEW_S:
        return Finding("clock", "look", f"is {skew_s:.0f} s off the model server's; use NTP")
    return Finding("clock", "ok", f"agrees with the model server's within {_SKEW_S:g} s")


def _keys(config: Config, today: date) -> list[Finding]:
    found: list[Finding] = []
    if not config.keys and not _is_loopback(config.server.host):
        words = f"none, and {config.server.host} is not this machine alone: adjourn keys new"
        found.append(Finding("keys", "bad", words))
    for key in config.keys:
        if key.not_after is not None and key.not_after < today:
            words = f"one of {key.id} ran out on {key.not_after}; take it away"
            found.append(Finding("keys", "look", words))
        elif key.not_after is not None and key.not_after - today < _SOON:
            words = f"one of {key.id} runs out on {key.not_after}: adjourn keys new"
            found.append(Finding("keys", "look", words))
    if config.keys and all(k.not_after is not None and k.not_after < today for k in config.keys):
        found.append(Finding("keys", "bad", "all have run out: adjourn keys new"))
    if not config.keys:
        words = f"none: whoever reaches {config.server.host} may use the gateway"
        return found or [Finding("keys", "ok", words)]
    return found or [Finding("keys", "ok", f"{len(config.keys)} gateway keys")]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _files(config: Config) -> list[Finding]:
    """Look whether files that hold secrets are there, and closed to other users."""
    secret = {
        "upstream.api_key_file": config.upstream.api_key_file,
        "appeals.key_file": config.appeals.key_file,
        "ledger.key_file": config.ledger.key_file,
        "console.session_key_file": config.console.session_key_file,
    }
    found: list[Finding] = []
    for key, name in secret.items():
        if not name:
            continue
        try:
            mode = Path(name).stat().st_mode
        except OSError as error:
            found.append(Finding("files", "bad", f"{key}: {name}: {error.strerror}"))
            continue
        if mode & 0o077:
            found.append(Finding("files", "look", f"{key}: others may read {name}: chmod 600"))
    return found or [Finding("files", "ok", "secrets are closed to other users")]


def _helplines(today: date) -> Finding:
    lines = [line for country in shipped_resources().countries for line in country.lines]
    shown = [line for line in lines if line.is_shown(today)]
    if not shown:
        return Finding("helplines", "bad", "all have expired; update adjourn")
    newest = max((line.as_of for line in shown if line.as_of), default=None)
    words = f"{len(shown)} of {len(lines)} are shown, confirmed up to {newest}"
    if newest is None or today - newest > _OLD:
        return Finding("helplines", "look", f"{words}; update adjourn")
    return Finding("helplines", "ok", words)
