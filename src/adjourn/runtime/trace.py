"""What is noted of a request while it is served: for metrics, the log and spans.

One object a request, held by the only context variable of the product, because a log line of any
part must name the request it belongs to. Nothing is ever decided on it.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


@dataclass(slots=True)
class RequestTrace:
    """One request: what it was, and what became of it. Never what was written in it."""

    request_id: str
    dialect: str = ""
    tenant: str = ""
    model: str = ""
    """As the client named it, so it may be anything: not a label of a metric."""
    decision: str = ""
    node: str = ""
    denied: int = 0
    """How often the model asked for an end that was not permitted."""
    silent: bool = False
    """In shadow mode the client is not to notice anything."""
    error: str = ""
    """Code of the error that the gateway itself answered with."""


CURRENT: Final[ContextVar[RequestTrace | None]] = ContextVar("adjourn_request", default=None)
"""The request that the running task serves."""
