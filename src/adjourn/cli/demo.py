"""``adjourn demo``: gateway, chat page, console and a small local model on this machine."""

import asyncio
import hashlib
import secrets
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import click
import msgspec
from uvicorn import Server

from adjourn.cli.play import play
from adjourn.cli.serve import listen, run, server
from adjourn.config import (
    Config,
    ConsoleConfig,
    ConsoleUser,
    DetectionConfig,
    ServerConfig,
    StoreConfig,
    UpstreamConfig,
)
from adjourn.core.policy import Offer, Policy, Replies
from adjourn.runtime.policies import load_policy
from adjourn.wiring import LocalModel, running

_DEADLINE_S: Final = 10.0
"""Longer than a gateway's own: the demo shares two cores with the model."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8377, show_default=True, help="Port; 0 takes a free one.")
@click.option("--data", metavar="DIR", help="Keep what is recorded here (default: nowhere).")
@click.option("--play", "plays", is_flag=True, help="Play a scripted conversation and exit.")
@click.option("--json", "as_json", is_flag=True, help="With --play: one JSON line a step.")
def demo(host: str, port: int, data: str | None, *, plays: bool, as_json: bool) -> None:
    """Run gateway, chat page, console and a small local model on this machine.

    With --play, a scripted conversation goes up the ladder to the end, and shows the lock, edit
    and retry, and a crisis; exit status 0 only if every step came out as its law says.
    """
    with tempfile.TemporaryDirectory() as folder:
        store = StoreConfig(path=str(Path(data or folder) / "adjourn.sqlite3"))
        config = Config(server=ServerConfig(host=host, port=0 if plays else port), store=store)
        if plays:
            run(_play(config, as_json=as_json))
            return
        with suppress(KeyboardInterrupt):  # how the demo is meant to be stopped
            run(_demo(config))


async def _demo(config: Config) -> None:
    key = secrets.token_urlsafe(6)
    you = ConsoleUser(id="you", role="operator", sha256=hashlib.sha256(key.encode()).hexdigest())
    with_console = msgspec.structs.replace(config, console=ConsoleConfig(users=(you,)))
    async with _serving(with_console) as (url, stop):
        click.echo(f"Chat page   {url}/chat")
        click.echo(f"Console     {url}/console   (key: {key})")
        click.echo(f"API         {url}/v1   (any OpenAI client: set its base_url to this)")
        click.echo(f"""Try it      curl {url}/v1/chat/completions -d \\
            '{{"model": "any", "messages": [{{"role": "user", "content": "Hello!"}}]}}'""")
        click.echo("A tiny model answers: it is here to be talked to, not to be believed.")
        click.echo("Ctrl-C stops everything.")
        await stop.wait()


async def _play(config: Config, *, as_json: bool) -> None:
    async with _serving(config) as (url, _):
        kept = await play(url, as_json=as_json)
    if not kept:
        sys.exit(1)


@asynccontextmanager
async def _serving(config: Config) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Serve the demo; yield its address and an event that is set once the server stops."""
    with listen(config) as listener:
        port = listener.getsockname()[1]
        click.echo("Loading the model ...", err=True)
        model = await asyncio.to_thread(LocalModel.start)
        complete = _complete(config, port, model.base_url)
        try:
            async with (
                running(complete, demo_policy()) as gateway,
                _until_left(server(gateway, complete), listener) as stopped,
            ):
                await _until_it_answers(complete.server.host, port)
                yield complete.public_url, stopped
        finally:
            model.stop()


@asynccontextmanager
async def _until_left(web: Server, listener: socket.socket) -> AsyncIterator[asyncio.Event]:
    """Serve as long as the block runs; the event is set if the server stops before."""
    stopped = asyncio.Event()
    task = asyncio.create_task(web.serve(sockets=[listener]))
    task.add_done_callback(lambda _: stopped.set())
    try:
        yield stopped
    finally:
        web.should_exit = True
        await task


def _complete(config: Config, port: int, upstream: str) -> Config:
    return Config(
        server=ServerConfig(host=config.server.host, port=port),
        upstream=UpstreamConfig(base_url=upstream),
        store=config.store,
        console=config.console,
        detection=DetectionConfig(deadline_s=_DEADLINE_S),
    )


def demo_policy() -> Policy:
    """Return consumer-chat with the gateway's own words, for a model too weak to refuse."""
    policy = load_policy("consumer-chat")[0]
    tool = replace(policy.tool, offer=Offer.NEVER)
    return replace(policy, name="consumer-chat (demo)", replies=Replies.GATEWAY, tool=tool)


async def _until_it_answers(host: str, port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex((host, port)) == 0:
                return
        await asyncio.sleep(0.05)
