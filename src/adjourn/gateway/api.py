"""adjourn's own API: the state of a node, the statement of an end, health."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from adjourn.core.entries import EndRecord
from adjourn.core.errors import StoreUnavailable
from adjourn.core.tree import NodeId
from adjourn.ports import Store


class OwnApi:
    """Handlers over one store."""

    def __init__(self, store: Store, *, appeal_contact: str) -> None:
        self._store = store
        self._appeal_contact = appeal_contact

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the API."""
        return [
            Route("/adjourn/v1/nodes/{node}", self.node),
            Route("/adjourn/v1/statements/{node}", self.statement),
            Route("/healthz", self.health),
            Route("/readyz", self.ready),
        ]

    async def node(self, request: Request) -> Response:
        """Tell whether a node is recorded, and whether it is ended."""
        node = _node_of(request)
        if node is None:
            return _not_found("There is no such node.")
        try:
            end = await self._store.end_at(node)
            record = await self._store.node(node)
        except StoreUnavailable as error:
            return _unavailable(error)
        if end is None and record is None:
            return _not_found("There is no such node.")
        ended = end is not None and end.statement.state == "in_force"
        return JSONResponse({"node": node, "state": "ended" if ended else "open"})

    async def statement(self, request: Request) -> Response:
        """Return the statement of reasons for an end."""
        node = _node_of(request)
        try:
            end = await self._store.end_at(node) if node else None
        except StoreUnavailable as error:
            return _unavailable(error)
        if end is None:
            return _not_found("No end is recorded at this node.")
        return JSONResponse(self._as_json(end))

    def _as_json(self, end: EndRecord) -> dict[str, Any]:
        statement = end.statement
        return {
            "node": statement.node,
            "at_ms": statement.at_ms,
            "state": statement.state,
            "requested_by": statement.requested_by,
            "is_restriction": statement.is_restriction,
            "grounds": statement.grounds,
            "rules": statement.rules,
            "policy": {
                "name": statement.policy_name,
                "version": statement.policy_version,
                "digest": statement.policy_digest,
            },
            "counted": statement.counted,
            "warned_at": statement.warned_at,
            "model": statement.model,
            "automated": statement.is_restriction,
            "text": statement.sentences(),
            "appeal": self._appeal_contact or None,
        }

    async def health(self, _: Request) -> Response:
        """Tell that the process is alive."""
        return PlainTextResponse("ok\n")

    async def ready(self, _: Request) -> Response:
        """Tell whether the store answers; chats go on without it, but nothing can end."""
        try:
            await self._store.entries(0, 1)
        except StoreUnavailable:
            return JSONResponse({"ready": True, "degraded": ["store"]})
        return JSONResponse({"ready": True, "degraded": []})


def own_app(routes: list[BaseRoute]) -> Starlette:
    """Return the application for adjourn's own API and pages."""
    return Starlette(routes=routes)


def _node_of(request: Request) -> NodeId | None:
    text = str(request.path_params["node"])
    legal = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return NodeId(text) if legal else None


def _not_found(message: str) -> Response:
    return JSONResponse({"error": {"message": message, "code": "no_such_node"}}, 404)


def _unavailable(error: StoreUnavailable) -> Response:
    return JSONResponse({"error": {"message": str(error), "code": error.code}}, 503)
