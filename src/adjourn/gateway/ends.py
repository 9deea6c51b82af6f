"""The two ends of one chat request: who asks, and who is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from adjourn.gateway.asgi import Client
from adjourn.ports import Upstream, UpstreamReply, UpstreamRequest


@dataclass(frozen=True, slots=True)
class Ends:
    """A client and the model's server, with what of the client's request is not its body."""

    client: Client
    upstream: Upstream
    path: str
    """Path and query, as the client sent them."""
    headers: Sequence[tuple[str, str]]
    """What the model's server gets."""

    async def ask(self, body: bytes) -> UpstreamReply:
        """Send a body to the model's server and return its reply, whose body still flows.

        Raises:
            UpstreamUnavailable: There is none.
        """
        return await self.upstream.send(UpstreamRequest("POST", self.path, self.headers, body))
