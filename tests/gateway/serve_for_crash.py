"""A gateway in a process of its own, to be killed: ``python -m tests.gateway.serve_for_crash``.

Arguments: port, SQLite file, base URL of the model's server.
"""

import asyncio
import sys

import uvicorn

from adjourn.config import Config, ServerConfig, UpstreamConfig
from adjourn.runtime.clock import SystemClock
from adjourn.runtime.helplines import shipped_resources
from adjourn.store.sqlite import SqliteStore
from adjourn.testing import FixedDetector
from adjourn.wiring import Parts, assemble, make_upstream
from tests.core.tabletop import POLICY, judge


async def main(port: int, database: str, base_url: str) -> None:
    config = Config(server=ServerConfig(port=port), upstream=UpstreamConfig(base_url=base_url))
    store = SqliteStore.open(database)
    parts = Parts(
        POLICY,
        store,
        [FixedDetector(judge)],
        make_upstream(config),
        SystemClock(),
        shipped_resources(),
    )
    settings = uvicorn.Config(
        assemble(config, parts), port=port, lifespan="off", log_config=None, access_log=False
    )
    await uvicorn.Server(settings).serve()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
