"""The composition root: the only place that picks implementations and puts them together."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from adjourn.chat.routes import chat_routes
from adjourn.config import Config, KeyConfig, StoreConfig
from adjourn.console.access import Access, Role, User
from adjourn.console.routes import Console, ConsoleParts
from adjourn.core.entries import Append, Entry, EntryKind
from adjourn.core.errors import BadConfig, StoreUnavailable
from adjourn.core.exchange import PolicyInForce
from adjourn.core.policy import Policy
from adjourn.core.resources import Resources
from adjourn.core.tree import NodeId
from adjourn.detectors.making import beside, make_detector, make_detectors
from adjourn.gateway.api import OwnApi, own_app
from adjourn.gateway.app import Gateway, GatewaySettings
from adjourn.gateway.dialogue import Links
from adjourn.gateway.front import Front
from adjourn.gateway.keys import GatewayKey, Keyring, KeyScope
from adjourn.gateway.operations import Operations, Readiness
from adjourn.gateway.reloading import Reloading
from adjourn.gateway.served import Served
from adjourn.gateway.statements import Statements
from adjourn.ports import Clock, Detector, Ledger, Store, Upstream
from adjourn.report.routes import ReportPages
from adjourn.runtime.appeals import Appeals
from adjourn.runtime.clock import SystemClock
from adjourn.runtime.driver import Driver
from adjourn.runtime.evidence import Evidence
from adjourn.runtime.helplines import shipped_resources
from adjourn.runtime.live_policy import LivePolicy
from adjourn.runtime.measured_detector import MeasuredDetector
from adjourn.runtime.measured_driver import MeasuredDriver
from adjourn.runtime.measured_store import MeasuredStore
from adjourn.runtime.measured_upstream import MeasuredUpstream
from adjourn.runtime.metrics import Metrics
from adjourn.runtime.panel import Panel
from adjourn.runtime.policies import load_policy, preset_names
from adjourn.runtime.resources_by_country import resources_by_country
from adjourn.runtime.sealing import read_key
from adjourn.runtime.spans import TracedUpstream
from adjourn.runtime.tracing import start_tracing
from adjourn.runtime.watched_upstream import watched_for
from adjourn.store.checkup import check_sqlite
from adjourn.store.jsonl_ledger import JsonlLedger, export_line
from adjourn.store.postgres import PostgresStore
from adjourn.store.postgres_checkup import check_postgres
from adjourn.store.postgres_ledger import PostgresLedger
from adjourn.store.postgres_link import PostgresSettings
from adjourn.store.sqlite import SqliteStore
from adjourn.store.sqlite_ledger import SqliteLedger
from adjourn.upstream.http import HttpUpstream
from adjourn.upstream.local_model import LocalModel

_log = logging.getLogger("adjourn.console")
_SHORTEST_SECRET: Final = 32
_NO_NODE: Final = NodeId("0" * 64)

__all__ = [
    "LocalModel",
    "Parts",
    "appeal_desk",
    "assemble",
    "export_line",
    "make_detector",
    "make_detectors",
    "make_upstream",
    "open_ledger",
    "running",
]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a gateway is put together from; tests and the demo replace single parts."""

    policy: Policy
    store: Store
    detectors: Sequence[Detector]
    upstream: Upstream
    clock: Clock
    resources: Resources
    policy_text: str = ""
    """The policy's document, for the console."""
    policy_file: Path | None = None
    """Where it is kept; None if it is a preset."""
    appeal_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    """Links to object carry a token made with it; a new one at each start if none is kept."""


def assemble(config: Config, parts: Parts, extra_routes: Sequence[BaseRoute] = ()) -> Front:
    """Put a gateway together from its parts, each of them measured."""
    metrics = Metrics()
    store = MeasuredStore(parts.store, metrics, parts.clock)
    watched = watched_for(parts.upstream, config.upstream.dialects)
    upstream = MeasuredUpstream(watched, metrics, parts.clock)
    detectors = [MeasuredDetector(one, metrics, parts.clock) for one in parts.detectors]
    parts = replace(parts, store=store, upstream=upstream, detectors=detectors)
    works = {f"detector:{one.name}": one.health.is_well for one in detectors}
    works["upstream"] = upstream.health.is_well
    needs_store = config.store.when_down == "fail"
    readiness = Readiness(store, works, parts.clock, needs_store=needs_store)
    metrics.watch({"store": store.health.is_well, **works})
    keyring = Keyring(_keys(config.keys), parts.clock)
    appeals = Appeals(parts.store, parts.clock, parts.appeal_key)
    evidence = Evidence(parts.store, parts.clock, parts.appeal_key, config.evidence.keep_days)
    driver = _driver(config, parts, evidence)
    live = _live_policy(parts, driver, metrics)
    pages = own_app(
        [
            *_pages(config, parts, appeals, evidence, live),
            *Operations(readiness, metrics, keyring).routes(),
            *extra_routes,
        ]
    )
    return Front(
        _gateway(config, parts, driver, keyring=keyring, appeals=appeals, pages=pages),
        metrics=metrics,
        clock=parts.clock,
        readiness=readiness,
        upstream=upstream,
        reloading=Reloading(config, live, keyring, _keys, metrics),
        max_requests=config.server.max_requests,
        log_requests=config.log.requests,
    )


def _driver(config: Config, parts: Parts, evidence: Evidence) -> Driver:
    return MeasuredDriver(
        in_force=PolicyInForce.of(parts.policy),
        store=parts.store,
        panel=Panel(
            parts.detectors,
            deadline_s=config.detection.deadline_s,
            deadlines_s={one.name: one.deadline_s for one in config.detector if one.deadline_s},
            beside=beside(config),
        ),
        keep_evidence=evidence.keep,
        needs_store=config.store.when_down == "fail",
    )


def _live_policy(parts: Parts, driver: Driver, metrics: Metrics) -> LivePolicy:
    """Return the policy in force; a new one binds the driver from its next request on."""

    def put_in_force(policy: Policy) -> None:
        driver.in_force = PolicyInForce.of(policy)
        metrics.in_force(policy, driver.in_force.digest)

    metrics.in_force(parts.policy, driver.in_force.digest)
    return LivePolicy(parts.policy, parts.policy_text, parts.policy_file, put_in_force)


def _pages(
    config: Config, parts: Parts, appeals: Appeals, evidence: Evidence, live: LivePolicy
) -> list[BaseRoute]:
    """Return adjourn's own API, and its pages for users, reviewers and the public."""
    statements = Statements(parts.store, appeals, contact=config.appeal_contact, evidence=evidence)
    console = ConsoleParts(
        _access(config, parts.clock),
        parts.store,
        appeals,
        evidence,
        live,
        parts.resources,
        parts.clock,
        partial(_record, parts),
    )
    names = {country.country: country.name for country in parts.resources.countries}
    acknowledge = config.chat.acknowledge_warnings
    reports = ReportPages(parts.store, parts.clock, lambda: live.policy, config.report.tables_every)
    return [
        *OwnApi(parts.store).routes(),
        *statements.routes(),
        *chat_routes(names, acknowledge_warnings=acknowledge),
        *Console(console).routes(),
        *reports.routes(),
    ]


def _gateway(
    config: Config,
    parts: Parts,
    driver: Driver,
    *,
    keyring: Keyring,
    appeals: Appeals,
    pages: ASGIApp,
) -> Gateway:
    def statement_link(node: NodeId) -> str:
        token = appeals.token(node)
        return f"{config.public_url}/adjourn/v1/statements/{node}?t={token}"

    return Gateway(
        driver=driver,
        upstream=parts.upstream,
        keyring=keyring,
        clock=parts.clock,
        resources_for=resources_by_country(parts.resources, parts.clock),
        settings=GatewaySettings(
            max_body_bytes=config.server.max_body_bytes,
            upstream_api_key=config.upstream.api_key,
            default_country=config.default_country,
            links=Links(statement_link, statement_link),
            served=Served(config.upstream.dialects),
        ),
        own_pages=pages,
    )


POLICY_LOOK_S = 2.0
"""How long a policy that another process put in force takes to get here, and its proof a second."""


@asynccontextmanager
async def running(config: Config, policy: Policy | None = None) -> AsyncIterator[Front]:
    """Open everything that the configuration names, and close it again.

    Args:
        config: The configuration.
        policy: Instead of the one that the configuration names.

    Raises:
        BadConfig: The upstream is not set, a detector is not known, or the store cannot be opened.
        BadPolicy: The policy cannot be used.
    """
    text = ""
    if policy is None:
        policy, text = load_policy(config.policy)
    async with AsyncExitStack() as stack:
        upstream = _traced(make_upstream(config), config, stack)
        stack.push_async_callback(upstream.aclose)
        detectors = make_detectors(config)
        for detector in detectors:
            stack.push_async_callback(detector.aclose)
        store = await open_store(config.store)
        stack.push_async_callback(store.aclose)
        parts = Parts(
            policy, store, detectors, upstream, SystemClock(), shipped_resources(),
            policy_text=text,
            policy_file=None if config.policy in preset_names() else Path(config.policy),
            appeal_key=read_key(_appeal_key_file(config)),
        )  # fmt: skip
        gateway = assemble(config, parts)
        stack.push_async_callback(gateway.drain)
        watching = asyncio.create_task(gateway.watch_policy(POLICY_LOOK_S))
        stack.callback(watching.cancel)
        yield gateway


def _traced(upstream: Upstream, config: Config, stack: AsyncExitStack) -> Upstream:
    """Return the upstream with its requests as spans, if there is a collector for them."""
    if not config.telemetry.otlp_endpoint:
        return upstream
    tracer, stop = start_tracing(config.telemetry)
    stack.push_async_callback(asyncio.to_thread, stop)
    return TracedUpstream(upstream, tracer, config.upstream.base_url)


@asynccontextmanager
async def appeal_desk(config: Config) -> AsyncIterator[Appeals]:
    """Open the configured store to work on appeals without a gateway.

    Raises:
        BadConfig: It cannot be opened, or a gateway has it open.
    """
    key = read_key(_appeal_key_file(config))
    store = await open_store(config.store)
    try:
        yield Appeals(store, SystemClock(), key)
    finally:
        await store.aclose()


async def open_store(store: StoreConfig) -> SqliteStore | PostgresStore:
    """Open the configured store; ``BadConfig`` if it cannot be."""
    if store.url:
        return await PostgresStore.open(store.url, PostgresSettings(password=store.password))
    return SqliteStore.open(store.path)


def open_ledger(store: StoreConfig) -> Ledger:
    """Open a store's ledger, or an export of one, to read it; ``BadInput`` if there is none."""
    if store.url:
        return PostgresLedger.open(store.url, PostgresSettings(password=store.password))
    if store.path.endswith(".jsonl"):
        return JsonlLedger(store.path)
    return SqliteLedger.open(store.path)


def make_upstream(config: Config) -> HttpUpstream:
    """Return the client of the model's server; ``BadConfig`` if none is configured."""
    upstream = config.upstream
    if not upstream.base_url:
        raise BadConfig(
            "is not set",
            file="configuration",
            key="upstream.base_url",
            hint="pass --upstream URL, or write it in adjourn.toml under [upstream]",
        )
    return HttpUpstream(
        upstream.base_url,
        connect_timeout_s=upstream.connect_timeout_s,
        head_timeout_s=upstream.head_timeout_s,
        idle_timeout_s=upstream.idle_timeout_s,
    )


async def check_store(config: Config) -> str:
    """Look whether the store could be opened, without making or changing anything.

    Returns:
        What was found, in a few words.

    Raises:
        BadConfig: It cannot be used.
    """
    if config.store.url:
        _appeal_key_file(config)
        return await check_postgres(
            config.store.url, PostgresSettings(password=config.store.password)
        )
    return await asyncio.to_thread(check_sqlite, Path(config.store.path))


def _access(config: Config, clock: Clock) -> Access:
    """Return who may use the console.

    Raises:
        BadConfig: The file with the session key cannot be read, or is too short.
    """
    users = [User(user.id, Role(user.role), user.sha256) for user in config.console.users]
    users += [
        User(f"key:{key.id}:{key.sha256[:8]}", Role.READ_ONLY, key.sha256.lower(), key.ends_ms)
        for key in _keys(config.keys)
        if KeyScope.CONSOLE in key.scopes
    ]
    file = config.console.session_key_file
    try:
        secret = Path(file).read_bytes() if file else secrets.token_bytes(32)
    except OSError as error:
        raise BadConfig(
            f"cannot be read: {error.strerror}", file=file, key="console.session_key_file"
        ) from None
    if len(secret) < _SHORTEST_SECRET:
        raise BadConfig(
            f"has {len(secret)} bytes",
            file=file,
            key="console.session_key_file",
            hint="write 32 random ones: head -c 32 /dev/urandom > FILE",
        )
    return Access(users, secret, clock, secure=config.public_url.startswith("https://"))


def _appeal_key_file(config: Config) -> Path:
    """Return where the key for appeals is kept: beside the SQLite file, if nowhere else.

    Raises:
        BadConfig: Several gateways may use the store, and no file is named that they share.
    """
    given = config.appeals.key_file
    if config.store.url and not given:
        raise BadConfig(
            "is not set, and all gateways on one database must share it",
            file="configuration",
            key="appeals.key_file",
            hint="make one for all of them: head -c 32 /dev/urandom > FILE",
        )
    return Path(given) if given else Path(config.store.path).with_suffix(".appeal-key")


async def _record(parts: Parts, action: str, user: str, subject: str) -> None:
    """Put what a user of the console did into the ledger."""
    entry = Entry(
        kind=EntryKind.CONSOLE,
        at_ms=parts.clock.now_ms(),
        node=_NO_NODE,
        parent=_NO_NODE,
        policy_digest="",
        audience="",
        decision=action,
        rules=(subject,) if subject else (),
        requested_by=user,
    )
    try:
        await parts.store.append(Append((), entry))
    except StoreUnavailable as error:
        _log.warning("not recorded: %s by %s (%s)", action, user, error)


def _keys(keys: Sequence[KeyConfig]) -> list[GatewayKey]:
    return [
        GatewayKey(
            key.id, key.sha256, frozenset(map(KeyScope, key.scopes)), _end_of_day_ms(key.not_after)
        )
        for key in keys
    ]


def _end_of_day_ms(day: date | None) -> int | None:
    if day is None:
        return None
    after = datetime.combine(day + timedelta(days=1), time(), UTC)
    return round(after.timestamp() * 1000)
