"""What is counted and timed, for Prometheus.

Every label has a small fixed set of values: what a client can choose (models, keys, paths, ids) is
never a label. Nothing here is a message, and nothing is counted per person.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
    values,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from adjourn import __version__
from adjourn.core.policy import Policy

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120,
    300, 600,
)  # fmt: skip


_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus-client looks for the folder in which processes share their counts."""


def share_metrics(folder: str) -> None:
    """Have the processes that are started from here on count into one folder.

    Each keeps its counts in files of its own, so that whichever is asked tells the sum, and what a
    process has counted stays when it dies. The library takes the folder from the environment alone,
    and when it is first imported.
    """
    os.environ[_FOLDER] = folder  # noqa: TID251 - it is written here, for other processes


def forget_process(pid: int, folder: str) -> None:
    """Take a process that died out of what is told of the living, such as open requests."""
    mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]  # it has no types


class Level:
    """A number that goes up and down with every request, and is told when somebody asks.

    Where processes share their counts, each must write it down as it changes.
    """

    def __init__(self, gauge: Gauge, *, is_shared: bool) -> None:
        self._now = 0
        self._written = gauge if is_shared else None
        if not is_shared:
            gauge.set_function(lambda: self._now)

    def set(self, now: int) -> None:
        """Take note of what it is now."""
        self._now = now
        if self._written is not None:
            self._written.set(now)


class Metrics:
    """All instruments of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._shared = values.ValueClass is not values.MutexValue
        """Whether other processes count along."""
        self._own = CollectorRegistry() if self._shared else self.registry
        """What is told of this process alone."""
        self.requests = self._counter(
            "requests", "Requests by dialect, decision told and status.",
            "dialect", "decision", "status",
        )  # fmt: skip
        self.request_s = self._histogram(
            "request_seconds", "From a request's headers to the end of its reply.", "dialect"
        )
        self.open = self._level("requests_open", "Requests that are being served.")
        self.streams = self._level("streams_open", "Replies of the model that are flowing.")
        self.refused = self._counter(
            "refused", "Requests the gateway refused by itself, by error code.", "code"
        )
        self.turns = self._counter(
            "turns_recorded", "Turns recorded, by decision, and whether it was acted on.",
            "decision", "acted",
        )  # fmt: skip
        self.ends = self._counter("ends", "Ends recorded, by who asked.", "requested_by")
        self.warnings = self._counter("warnings", "Warnings delivered.")
        self.crises = self._counter("crises", "Turns answered with crisis support.")
        self.pauses = self._counter("pauses", "Pauses that began.")
        self.denied = self._counter(
            "denied_model_requests", "Requests of the model to end that were not permitted."
        )
        self.locked = self._counter("locked", "Requests on an ended path, refused.")
        self.detector_s = self._histogram(
            "detector_seconds", "How long a detector took for one question.", "detector"
        )
        self.detector_unknown = self._counter(
            "detector_unknown", "Messages a detector could not judge.", "detector"
        )
        self.store_s = self._histogram("store_seconds", "How long the store took.", "call")
        self.store_failures = self._counter("store_failures", "Calls that failed.", "call")
        self.upstream_s = self._histogram(
            "upstream_head_seconds", "Until the model's server began its reply."
        )
        self.upstream_replies = self._counter(
            "upstream_replies", "Replies of the model's server, by status.", "status"
        )
        self.upstream_failures = self._counter(
            "upstream_failures", "Requests it did not answer, and replies it cut.", "kind"
        )
        self.reloads = self._counter("reloads", "Reloads of configuration and policy.", "result")
        self._info = Info("adjourn", "What is running.", registry=self._own)
        PlatformCollector(registry=self._own)
        if not self._shared:  # else it would be told of whichever process is asked
            ProcessCollector(registry=self._own)

    def watch(self, works: Mapping[str, Callable[[], bool]]) -> None:
        """Tell at each reading which parts do not work at the moment."""
        self._own.register(_Degraded(works))

    def in_force(self, policy: Policy, digest: str) -> None:
        """Tell which policy is in force."""
        self._info.info(
            {
                "version": __version__,
                "policy": policy.name,
                "policy_version": policy.version,
                "policy_digest": digest,
            }
        )

    def text(self) -> bytes:
        """Return all of it in Prometheus's text form, summed over the processes that share it."""
        if not self._shared:
            return generate_latest(self.registry)
        summed = CollectorRegistry()
        MultiProcessCollector(summed)  # type: ignore[no-untyped-call]  # it has no types
        return generate_latest(summed) + generate_latest(self._own)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        counter = Counter(name, meaning, labels, namespace="adjourn", registry=self.registry)
        return _remembering(counter)

    def _level(self, name: str, meaning: str) -> "Level":
        gauge = Gauge(
            name, meaning, namespace="adjourn", registry=self.registry, multiprocess_mode="livesum"
        )
        return Level(gauge, is_shared=self._shared)

    def _histogram(self, name: str, meaning: str, *labels: str) -> Histogram:
        histogram = Histogram(
            name, meaning, labels, namespace="adjourn", registry=self.registry, buckets=_SECONDS
        )
        return _remembering(histogram)


_Labelled = TypeVar("_Labelled", Counter, Histogram)


def _remembering(metric: _Labelled) -> _Labelled:
    """Have a metric find its children without a lock: there are few of them, and they stay."""
    metric.labels = cache(metric.labels)  # type: ignore[method-assign]  # one object's, on purpose
    return metric


class _Degraded(Collector):
    """Looks at each reading which parts work."""

    def __init__(self, works: Mapping[str, Callable[[], bool]]) -> None:
        self._works = works

    def collect(self) -> Iterator[Metric]:
        """See ``Collector``."""
        meaning = "1 where a part does not work at the moment."
        told = GaugeMetricFamily("adjourn_degraded", meaning, labels=["part"])
        for part, is_well in self._works.items():
            told.add_metric([part], float(not is_well()))
        yield told
