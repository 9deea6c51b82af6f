"""``adjourn serve``: the gateway."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import click
import uvicorn

from adjourn.cli.workers import check_workers, supervise
from adjourn.config import Config, load_config
from adjourn.core.errors import BadConfig
from adjourn.gateway.front import Front
from adjourn.gateway.serving import GatewayServer, ServerSettings, limits_of, reloaded_on_hangup
from adjourn.runtime.logs import start_log
from adjourn.wiring import running

_STOP_S: Final = 30.0
"""For a worker to close everything, beside the time that replies have to end."""


@click.command()
@click.option("--config", "file", metavar="FILE", help="Configuration (default: adjourn.toml).")
@click.option("--upstream", metavar="URL", help="The model's server, e.g. https://host/v1.")
@click.option("--policy", metavar="NAME|FILE", help="A preset's name or a policy document.")
@click.option("--host", metavar="HOST", help="Address to listen on (default: 127.0.0.1).")
@click.option("--port", type=int, metavar="PORT", help="Port to listen on (default: 8377).")
@click.option("--store", metavar="FILE|URL", help="SQLite file or PostgreSQL URL.")
@click.option("--workers", type=int, default=1, metavar="N", help="Worker processes.")
def serve(file: str | None, workers: int, **flags: Any) -> None:
    """Run the gateway in front of a model's server."""
    load = partial(
        load_config,
        file,
        flags={
            "upstream.base_url": flags["upstream"],
            "policy": flags["policy"],
            "server.host": flags["host"],
            "server.port": flags["port"],
            "store.path": flags["store"],
        },
    )
    config = load()
    check_workers(config, workers)
    start_log(config.log)
    with listen(config) as listener:
        if workers == 1:
            _work(load, listener)
            return
        run(_try_out(config))
        listener.listen()
        click.echo(f"adjourn listens on {config.public_url}/v1 with {workers} workers", err=True)
        work = partial(_work, load, listener, of_several=True)
        supervise(work, workers, config.server.drain_s + _STOP_S)


def _work(load: Callable[[], Config], listener: socket.socket, *, of_several: bool = False) -> None:
    """Be a gateway on a port until a signal comes."""
    config = load()
    if of_several:
        start_log(config.log)
    with suppress(KeyboardInterrupt):  # Ctrl-C is a way to stop it; what was under way has ended
        run(_serve(config, load, listener, told=of_several))


def run(main: Any) -> None:
    """Run a coroutine on uvloop where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        asyncio.run(main)
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)


async def _serve(
    config: Config, load: Callable[[], Config], listener: socket.socket, *, told: bool
) -> None:
    async with running(config) as gateway, reloaded_on_hangup(gateway, load):
        listener.listen()  # from here on a request waits rather than being refused
        if not told:
            click.echo(f"adjourn listens on {config.public_url}/v1", err=True)
        await server(gateway, config).serve(sockets=[listener])


async def _try_out(config: Config) -> None:
    """Open and close everything, so that what is wrong is told once, and before it is served."""
    async with running(config):
        pass


def listen(config: Config) -> socket.socket:
    """Bind the port before anything else is opened.

    Raises:
        BadConfig: The address is taken or not this machine's.
    """
    address = (config.server.host, config.server.port)
    family = socket.AF_INET6 if ":" in config.server.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise BadConfig(
            f"cannot listen on {address[0]}:{address[1]}: {error.strerror}",
            file="configuration",
            key="server.port",
            hint="choose another with --port",
        ) from None
    return listener


def server(gateway: Front, config: Config) -> uvicorn.Server:
    """Return the HTTP server for a gateway."""
    settings = ServerSettings(
        gateway, limits_of(config), drain_s=config.server.drain_s, lifespan="off"
    )
    return GatewayServer(settings, gateway)
