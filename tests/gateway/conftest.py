"""A running gateway: real sockets, real SDKs; the model's server and the detector are scripted."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import msgspec
import openai
import pytest
import uvicorn

from adjourn.config import Config
from adjourn.core.entries import Entry
from adjourn.core.policy import Policy
from adjourn.gateway.front import Front
from adjourn.gateway.serving import ServerSettings, limits_of
from adjourn.ports import Clock, Detector, Store
from adjourn.runtime.clock import SystemClock
from adjourn.runtime.helplines import shipped_resources
from adjourn.runtime.policies import load_policy
from adjourn.store.memory import MemoryStore
from adjourn.testing import FixedDetector
from adjourn.wiring import Parts, assemble, make_upstream
from tests.core.tabletop import POLICY, judge

from .model_server import ModelServer, Script, says


@dataclass
class Running:
    """One gateway with its model server, in a thread of their own."""

    script: Script = field(default_factory=lambda: says("Fine."))
    policy: Policy = POLICY
    store: Store = field(default_factory=MemoryStore)
    config: dict[str, Any] = field(default_factory=dict)
    upstream: dict[str, Any] = field(default_factory=dict)
    policy_file: Path | None = None
    more_detectors: tuple[Detector, ...] = ()
    clock: Clock = field(default_factory=SystemClock)
    model: ModelServer = field(init=False)
    front: Front = field(init=False)
    settings: ServerSettings = field(init=False)
    loop: asyncio.AbstractEventLoop = field(init=False)
    port: int = 0
    clients: list[openai.OpenAI | anthropic.Anthropic | httpx2.Client] = field(default_factory=list)

    def start(self) -> None:
        self.model = ModelServer(self.script)
        self._ready = threading.Event()
        self._stop: Callable[[], object] = lambda: None
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._main, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        if self._failed:
            raise self._failed

    def stop(self) -> None:
        self.begin_to_stop()
        self.wait_until_stopped()

    def begin_to_stop(self) -> None:
        if not self._thread.is_alive():  # a test may have stopped it already
            return
        for client in self.clients:
            client.close()
        self._stop()

    def wait_until_stopped(self) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self._failed = error
            self._ready.set()

    async def _serve(self) -> None:
        await self.model.start()
        loop = self.loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.model.stop)
            base_url = f"http://127.0.0.1:{self.model.port}/v1"
            document = {
                "server": {"public_url": "http://gateway.test"},
                "upstream": {"base_url": base_url, **self.upstream},
                **self.config,
            }
            config = msgspec.convert(document, Config)
            upstream = make_upstream(config)
            stack.push_async_callback(upstream.aclose)
            stack.push_async_callback(self.store.aclose)
            detectors = [FixedDetector(judge), *self.more_detectors]
            policy, text = self.policy, ""
            if self.policy_file:
                policy, text = load_policy(str(self.policy_file))
            parts = Parts(
                policy, self.store, detectors, upstream, self.clock, shipped_resources(),
                policy_text=text, policy_file=self.policy_file,
            )  # fmt: skip
            gateway = self.front = assemble(config, parts)
            stack.push_async_callback(gateway.drain)
            settings = self.settings = ServerSettings(
                gateway, limits_of(config), drain_s=0.1, port=0, lifespan="off"
            )
            # Server.serve() looks every 0.1 s whether it is to stop; its halves do not wait.
            settings.load()
            server = uvicorn.Server(settings)
            server.lifespan = settings.lifespan_class(settings)
            stopping = asyncio.Event()
            self._stop = lambda: loop.call_soon_threadsafe(stopping.set)
            await server.startup()
            self.port = server.servers[0].sockets[0].getsockname()[1]
            self._ready.set()
            await stopping.wait()
            for connection in tuple(server.server_state.connections):
                connection.shutdown()
            await server.shutdown()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def store_nodes(self) -> int:
        """How many ledger entries there are."""
        reading = self.store.entries(0, 100)
        return len(asyncio.run_coroutine_threadsafe(reading, self.loop).result(10))

    def entries(self) -> list[Entry]:
        """The ledger's entries."""
        reading = self.store.entries(0, 1000)
        read = asyncio.run_coroutine_threadsafe(reading, self.loop).result(10)
        return [entry for _, entry in read]

    def sdk(self, **options: Any) -> openai.OpenAI:
        """The official SDK, as a developer would have it."""
        client = openai.OpenAI(base_url=f"{self.url}/v1", **{"api_key": "client-key", **options})
        self.clients.append(client)
        return client

    def http(self) -> httpx2.Client:
        client = httpx2.Client(base_url=self.url, timeout=20)
        self.clients.append(client)
        return client


@pytest.fixture(scope="session")
def stopping() -> Iterator[list[Running]]:
    """Gateways that stop while the next test runs: uvicorn takes a tenth of a second for it."""
    gateways: list[Running] = []
    yield gateways
    for gateway in gateways:
        gateway.wait_until_stopped()


@pytest.fixture
def run(stopping: list[Running]) -> Iterator[Callable[..., Running]]:
    """Start gateways; they are stopped after the test."""
    started: list[Running] = []

    def start(**options: Any) -> Running:
        running = Running(**options)
        running.start()
        started.append(running)
        return running

    yield start
    for running in started:
        running.begin_to_stop()
    while stopping:
        stopping.pop().wait_until_stopped()
    stopping.extend(started)
