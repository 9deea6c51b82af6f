"""A world: several gateways, one database, a model's server, clients, and bad weather."""

import asyncio
import contextvars
import logging
import random
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from adjourn.config import Config, DetectionConfig, DetectorConfig, StoreConfig
from adjourn.core.appeals import AppealReason, AppealState
from adjourn.core.entries import Append, EndRecord
from adjourn.core.errors import StoreUnavailable
from adjourn.core.exchange import PolicyInForce
from adjourn.core.hazards import Hazard
from adjourn.core.policy import Minors, PauseRules
from adjourn.core.tree import NodeId, Origin
from adjourn.gateway.front import Front
from adjourn.ports import PathFacts
from adjourn.report.ledger_check import check_ledger
from adjourn.runtime.appeals import Appeals
from adjourn.runtime.helplines import shipped_resources
from adjourn.store.memory import MemoryStore
from adjourn.store.postgres import PostgresStore
from adjourn.wiring import Parts, assemble
from tests.core.tabletop import POLICY

from .clients import ChatClient, Got
from .clockwork import SkewedClock, VirtualLoop
from .database import Database, Network, at_once, instead_of_postgres
from .laws import Asked, Laws
from .model import Judges, ModelServer, quick, slow

PROCESSES = 3
_CLIENTS = 6
_KEY = b"k" * 32
_MINORS = Minors(screen_replies=True, threshold=0.5, hazards=(Hazard.SXC,))
_PAUSES = PauseRules(enabled=True, seconds=5)
POLICIES = (
    replace(POLICY, minors=_MINORS, pause=_PAUSES),
    replace(POLICY, minors=_MINORS, version="2"),
)
_RESOURCES = shipped_resources()

_process: contextvars.ContextVar[int] = contextvars.ContextVar("process")
_current: contextvars.ContextVar[Asked | None] = contextvars.ContextVar("asked", default=None)
_answered: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("got", default=None)


def _note_answer(query: str) -> None:
    got = _answered.get()
    if got is not None:
        got.append(query)


class WatchedStore(PostgresStore):
    """The real store, with somebody looking over its shoulder."""

    laws: Laws
    process: int

    async def look_up(self, path: Sequence[NodeId]) -> PathFacts:
        got: list[str] = []
        token = _answered.set(got)
        asked = _current.get()
        try:
            facts = await super().look_up(path)
        except StoreUnavailable:
            self.laws.looked_up(asked, self.process, path, None, fresh=False)
            raise
        finally:
            _answered.reset(token)
        if asked is not None and "look_up" not in got:
            asked.unanswered = True
        self.laws.looked_up(asked, self.process, path, facts, fresh="look_up" in got)
        return facts

    async def append(self, append: Append) -> EndRecord | None:
        won = await super().append(append)
        self.laws.appended(self.process, append, won)
        return won


@dataclass(eq=False)
class Process:
    """One gateway process, which may be killed and started again."""

    place: int
    """Which of the gateways it is."""
    number: int
    """A new one at each start."""
    clock: SkewedClock
    tasks: dict[asyncio.Task[Any], None] = field(default_factory=dict)
    """In the order in which they were begun, so that a kill is the same in each run."""
    front: Front | None = None
    store: WatchedStore | None = None
    detectors: list[Judges] = field(default_factory=list)


class World:
    """One run; ``run`` raises ``Broken`` or ``Stuck`` if a law does not hold."""

    def __init__(self, seed: int, steps: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.database = Database()
        self.network = Network(self.database, self.chance)
        self.laws = Laws(self.database)
        self.closing = False
        self._steps = steps
        self._numbers = 0
        self._people: set[asyncio.Task[None]] = set()
        self._asked: dict[str, Asked] = {}
        self._places: list[Process | None] = [None] * PROCESSES
        self._failed: BaseException | None = None
        self._all: list[Process] = []
        self.server = ModelServer(self.chance, lambda m: self.laws.forwarded(self._asked[m]))
        self.database.committed = self.laws.committed
        self.database.reversed = self.laws.reversed
        self.network.answered = _note_answer

    def run(self) -> None:
        """Live until the steps are over, then let all heal and look at what is left."""
        loop = VirtualLoop()
        loop.set_task_factory(self._task)
        loop.set_exception_handler(self._odd)
        log, ours = logging.getLogger("adjourn"), _Errors(self)
        level, log.propagate = log.level, False
        log.addHandler(ours)
        log.setLevel(logging.ERROR)
        try:
            with instead_of_postgres(self.network):
                loop.run_until_complete(self._run())
                if self.failed is not None:
                    raise self.failed
        finally:
            log.removeHandler(ours)
            log.propagate = True
            log.setLevel(level)
            for task in asyncio.all_tasks(loop):
                task.cancel()
            with suppress(Exception):
                loop.run_until_complete(asyncio.sleep(1))
            loop.close()

    def fresh(self) -> int:
        """Return a number that was not there before."""
        self._numbers += 1
        return self._numbers

    def fails(self, error: BaseException | None) -> None:
        """Take note that something failed that must not."""
        if error is not None and self._failed is None:
            self._failed = error

    @property
    def failed(self) -> BaseException | None:
        """A law that is broken, or what failed first."""
        return self._failed or self.laws.failure

    # -- tasks --------------------------------------------------------------------------------

    def _task(self, loop: Any, work: Any, **options: Any) -> asyncio.Task[Any]:
        """Make a task; it dies with the process that it belongs to."""
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
        number = _process.get(-1)
        if number >= 0:
            tasks = self._all[number].tasks
            tasks[task] = None
            task.add_done_callback(lambda done: tasks.pop(done, None))
        return task

    def _odd(self, _: Any, context: dict[str, Any]) -> None:
        """What nobody awaits must not fail either: a law may be broken beside a request."""
        error = context.get("exception")
        if error is not None and not isinstance(error, StoreUnavailable):
            self.fails(error)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Let a client live."""
        task = asyncio.get_running_loop().create_task(work)
        self._people.add(task)
        task.add_done_callback(self._people.discard)
        task.add_done_callback(self._gone)

    def _gone(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.fails(task.exception())

    # -- the run ------------------------------------------------------------------------------

    async def _run(self) -> None:
        for place in range(PROCESSES):
            await self._start(place)
        weather = asyncio.create_task(self._weather())
        reviews = asyncio.create_task(self._review())
        while self.laws.steps < self._steps and self.failed is None:
            while len(self._people) < _CLIENTS:
                self.begin(ChatClient(self, self.fresh()).live())
            await asyncio.sleep(0.5)
        self.closing = True
        for task in (weather, reviews):
            task.cancel()
        if self.failed is None:
            await self._heal()
            await self._look()

    async def _start(self, place: int) -> None:
        number = len(self._all)
        process = Process(place, number, SkewedClock(asyncio.get_running_loop()))
        self._all.append(process)
        self.laws.started(number)
        await asyncio.get_running_loop().create_task(
            self._open(process), context=self._inside(process)
        )
        if self.failed is None:
            self._places[place] = process

    def _inside(self, process: Process) -> contextvars.Context:
        context = contextvars.copy_context()
        context.run(_process.set, process.number)
        return context

    async def _open(self, process: Process) -> None:
        store = await WatchedStore.open(f"postgresql://db/{process.number}", migrations=())
        assert isinstance(store, WatchedStore)
        store.laws, store.process = self.laws, process.number
        reversing = store._known_ends.reversing

        def told(node: NodeId) -> None:
            self.laws.reversing(process.number, node)
            reversing(node)

        store._known_ends.reversing = told  # type: ignore[method-assign]
        process.store = store
        process.detectors = [quick(self.chance), slow(self.chance, self.laws.judged)]
        config = Config(
            detection=DetectionConfig(detectors=("quick", "slow"), deadline_s=2.0),
            detector=(DetectorConfig(name="slow", kind="judge", when="beside", deadline_s=5.0),),
            store=StoreConfig(when_down="fail" if process.place == 2 else "pass"),
        )
        parts = Parts(
            POLICIES[0], store, process.detectors, self.server, process.clock, _RESOURCES,
            appeal_key=_KEY,
        )  # fmt: skip
        process.front = assemble(config, parts)

    def _kill(self, place: int) -> None:
        """Kill a process: from now on nothing it does has any effect."""
        process, self._places[place] = self._places[place], None
        if process is None:
            return
        self.laws.note(f"process {process.number} is killed")
        self.laws.seen["processes killed"] += 1
        self.network.dead.add(process.number)
        for task in tuple(process.tasks):
            task.cancel()

    # -- a request ----------------------------------------------------------------------------

    def ask(self, origin: Origin, messages: tuple[tuple[str, str], ...]) -> Asked:
        """Choose a gateway that runs, and begin a request."""
        running = [one for one in self._places if one is not None]
        process = self.chance.choice(running) if running else None
        number = self.fresh()
        asked = Asked(
            number, process.number if process else -1, origin, messages,
            asyncio.get_running_loop().time(), self.laws.steps,
            process is not None and process.place == 2,
        )  # fmt: skip
        self._asked[f"m-{number}"] = asked
        self.laws.asked(asked)
        return asked

    async def carry(
        self, asked: Asked, body: bytes, headers: list[tuple[bytes, bytes]], leaves_s: float | None
    ) -> Got:
        """Carry a request to its gateway, and what comes of it back."""
        loop, got = asyncio.get_running_loop(), Got()
        if asked.process < 0:
            await asyncio.sleep(1)
            return got
        process, given = self._all[asked.process], False
        scope: dict[str, Any] = {
            "type": "http", "method": "POST", "path": "/v1/chat/completions",
            "raw_path": b"/v1/chat/completions", "query_string": b"", "headers": headers,
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            nonlocal given
            if given:
                await asyncio.sleep(1e6 if leaves_s is None else leaves_s)
                self.laws.note(f"{asked.number} leaves")
                return {"type": "http.disconnect"}
            given = True
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            if process.number in self.network.dead:
                await asyncio.sleep(1e6)
            if message["type"] == "http.response.start":
                told = {name.decode(): value.decode() for name, value in message["headers"]}
                got.status = message["status"]
                got.decision = told.get("x-adjourn-decision", "")
                node = NodeId(told["x-adjourn-node"]) if "x-adjourn-node" in told else None
                self.laws.told(asked, got.status, got.decision, node)
            else:
                got.body += message.get("body", b"")
                got.complete = not message.get("more_body", False)

        assert process.front is not None
        context = self._inside(process)
        context.run(_current.set, asked)
        task = loop.create_task(_as_coroutine(process.front(scope, receive, send)), context=context)
        await asyncio.wait([task])
        if task.cancelled() or leaves_s is not None or process.number in self.network.dead:
            return got
        error = task.exception()
        if error is not None:
            raise error
        took_s = loop.time() - asked.began_s
        self.laws.answered(asked, got.text, got.ended, took_s)
        return got

    # -- weather ------------------------------------------------------------------------------

    async def _weather(self) -> None:
        chance, network = self.chance, self.network
        while True:
            await asyncio.sleep(chance.expovariate(0.5))
            lasts_s = chance.expovariate(0.25)
            what = chance.choice([
                "down", "crash", "full", "slow", "lossy", "black hole", "kill", "kill", "clock",
                "detector", "detector", "upstream", "policy",
            ])  # fmt: skip
            self.laws.note(f"weather: {what}")
            self.laws.seen[f"weather: {what}"] += 1
            running = [one for one in self._places if one is not None]
            if what in ("down", "full"):
                setattr(network, what, True)
                await asyncio.sleep(lasts_s)
                setattr(network, what, False)
            elif what == "crash":
                network.generation += 1
                network.down = True
                await asyncio.sleep(lasts_s / 4)
                network.down = False
            elif what == "slow":
                network.slow_s = chance.choice([0.1, 2.0, 12.0])
                await asyncio.sleep(lasts_s)
                network.slow_s = 0.0
            elif what == "lossy":
                network.lossy = chance.choice([0.05, 0.3])
                await asyncio.sleep(lasts_s)
                network.lossy = 0.0
            elif running:
                await self._on_one(what, chance.choice(running), lasts_s)

    async def _on_one(self, what: str, process: Process, lasts_s: float) -> None:
        chance = self.chance
        if what == "black hole":
            self.network.black_holes.add(process.number)
            await asyncio.sleep(lasts_s)
            self.network.black_holes.discard(process.number)
        elif what == "kill":
            self._kill(process.place)
            await asyncio.sleep(lasts_s / 8)
            await self._start(process.place)
        elif what == "clock":
            process.clock.skew_ms = chance.choice([0, -(10**9), 10**9, 3_600_000, -1])
        elif what == "detector":
            judges = chance.choice(process.detectors)
            judges.mood = chance.choice(["down", "stall", "odd"])
            await asyncio.sleep(lasts_s)
            judges.mood = "well"
        elif what == "upstream":
            self.server.bad = 0.9
            await asyncio.sleep(lasts_s / 4)
            self.server.bad = 0.08
        elif what == "policy" and process.front is not None:
            driver = process.front._gateway._driver
            driver.in_force = PolicyInForce.of(chance.choice(POLICIES))

    async def _review(self) -> None:
        """Now and then an end is objected to, and reversed."""
        while True:
            await asyncio.sleep(self.chance.expovariate(0.2))
            standing = [node for node in self.database.ends if self.database.in_force(node)]
            running = [one for one in self._places if one is not None]
            if not standing or not running:
                continue
            process, node = self.chance.choice(running), self.chance.choice(standing)
            work = self._decide(process, node)
            loop = asyncio.get_running_loop()
            await asyncio.wait([loop.create_task(work, context=self._inside(process))])

    async def _decide(self, process: Process, node: NodeId) -> None:
        assert process.store is not None
        appeals = Appeals(process.store, process.clock, _KEY)
        with suppress(StoreUnavailable):
            await appeals.file(node, "no")
            await appeals.decide(
                node, "reviewer", AppealState.REVERSED, AppealReason.MISREAD, "sorry"
            )

    # -- afterwards ---------------------------------------------------------------------------

    async def _heal(self) -> None:
        network = self.network
        network.down = network.full = False
        network.slow_s = network.lossy = 0.0
        network.black_holes.clear()
        self.server.bad = 0.0
        for place, process in enumerate(self._places):
            if process is None:
                await self._start(place)
        for process in self._all:
            for judges in process.detectors:
                judges.mood = "well"
        while self._people and self.failed is None:
            await asyncio.wait(self._people)
        await asyncio.sleep(30)
        for process in self._places:
            if process is not None and process.front is not None:
                await process.front.drain()

    async def _look(self) -> None:
        """What is left is right: locks hold everywhere, nothing is open, the ledger verifies."""
        laws, database = self.laws, self.database
        laws.all_is_there()
        laws.hold("upstream cancelled", not [r for r in self.server.replies if r.open], "a reply")
        for node in list(database.ends)[-20:]:
            for process in self._places:
                assert process is not None
                assert process.store is not None
                facts = await process.store.look_up([node])
                locked = facts.end is not None
                laws.hold("ended_is_locked", locked == database.in_force(node), node)
        rows = at_once(MemoryStore.rows(database.rows, 0, 10**9))
        kept = {node: not database.in_force(node) for node in database.ends}
        verdict = check_ledger(rows, ends=kept, policies=POLICIES)
        wrong = [str(one) for one in verdict.findings if "dated" not in one.what]
        laws.hold("the ledger verifies", not wrong, "; ".join(wrong[:3]))


async def _as_coroutine(work: Any) -> None:
    await work


class _Errors(logging.Handler):
    """Takes what the gateways log as an error of their own."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        self._world.fails(record.exc_info[1] if record.exc_info else AssertionError(record.msg))
