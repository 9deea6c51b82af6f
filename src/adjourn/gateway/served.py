"""Which dialects the model's server speaks, and what becomes of clients that speak another."""

from collections.abc import Sequence

from adjourn.gateway.asgi import Client, Scope
from adjourn.runtime.trace import CURRENT
from adjourn.wire.dialect import Dialect
from adjourn.wire.spoken import CODE, DIALECTS, MESSAGES, Spoken, not_served, spoken_at


class Served:
    """The dialects that are served.

    Args:
        names: Names of those that the model's server speaks.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = frozenset(names)

    def lacks(self, scope: Scope) -> Spoken | None:
        """Return the dialect of a chat request, if the model's server does not speak it."""
        if len(self._names) == len(DIALECTS) or scope["method"] != "POST":
            return None
        asked = spoken_at(scope["path"])
        return None if asked is None or asked.name in self._names else asked

    async def refuse(self, asked: Spoken, dialect: Dialect, client: Client) -> None:
        """Tell a client which dialects are spoken here, in its own."""
        trace = CURRENT.get()
        if trace is not None:
            trace.error = CODE
        kind = "not_found_error" if asked is MESSAGES else "invalid_request_error"
        body = dialect.error_body(not_served(asked, self._names), type=kind, code=CODE)
        await client.answer(404, body, [("x-should-retry", "false")])
