"""A model's server that is measured while it works, and whose replies can all be cut off."""

from collections.abc import AsyncIterator

from adjourn.core.errors import UpstreamUnavailable
from adjourn.ports import Clock, Upstream, UpstreamReply, UpstreamRequest
from adjourn.runtime.health import Health
from adjourn.runtime.metrics import Metrics


class MeasuredReply:
    """A reply that counts as an open stream until it is let go."""

    def __init__(self, reply: UpstreamReply, upstream: "MeasuredUpstream") -> None:
        self._reply = reply
        self._upstream = upstream
        self.status = reply.status
        self.headers = reply.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """See ``UpstreamReply``."""
        try:
            async for chunk in self._reply.chunks():
                yield chunk
        except UpstreamUnavailable:
            self._upstream.was_cut()
            if self._upstream.is_stopping:
                raise UpstreamUnavailable("the gateway is being stopped") from None
            raise

    async def aclose(self) -> None:
        """See ``UpstreamReply``."""
        self._upstream.let_go(self)
        await self._reply.aclose()


class MeasuredUpstream:
    """A model's server whose replies are timed and counted, and can all be cut off."""

    def __init__(self, upstream: Upstream, metrics: Metrics, clock: Clock) -> None:
        self._upstream = upstream
        self._metrics = metrics
        self._clock = clock
        self._flowing: set[MeasuredReply] = set()
        self.is_stopping = False
        self.health = Health()

    async def send(self, request: UpstreamRequest) -> MeasuredReply:
        """See ``Upstream``."""
        began = self._clock.monotonic_s()
        try:
            reply = MeasuredReply(await self._upstream.send(request), self)
        except UpstreamUnavailable:
            self._metrics.upstream_failures.labels("unreachable").inc()
            self.health.note(worked=False)
            raise
        self._metrics.upstream_s.observe(self._clock.monotonic_s() - began)
        self._metrics.upstream_replies.labels(str(reply.status)).inc()
        self.health.note(worked=reply.status < 500)
        self._flowing.add(reply)
        self._metrics.streams.set(len(self._flowing))
        return reply

    def was_cut(self) -> None:
        """Take note of a reply that was cut."""
        self._metrics.upstream_failures.labels("cut").inc()

    def let_go(self, reply: MeasuredReply) -> None:
        """Take note that nobody reads a reply any more."""
        self._flowing.discard(reply)
        self._metrics.streams.set(len(self._flowing))

    async def cut_off(self) -> None:
        """Cut all replies that flow, so that their clients are told in their dialect's form."""
        self.is_stopping = True
        for reply in tuple(self._flowing):
            await reply.aclose()

    async def aclose(self) -> None:
        """See ``Upstream``."""
        await self._upstream.aclose()
