"""adjourn's own API: the state of a node."""

from importlib import resources

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from adjourn.core.errors import StoreUnavailable
from adjourn.gateway.answers import node_of, not_found, unavailable
from adjourn.ports import Store


class OwnApi:
    """Handlers over one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the API."""
        return [
            Route("/adjourn/v1/nodes/{node}", self.node),
            Route("/adjourn/v1/openapi.json", _description),
        ]

    async def node(self, request: Request) -> Response:
        """Tell whether a node is recorded, and whether it is ended."""
        node = node_of(request)
        if node is None:
            return not_found("There is no such node.")
        try:
            end = await self._store.end_at(node)
            record = await self._store.node(node)
        except StoreUnavailable as error:
            return unavailable(error)
        if end is None and record is None:
            return not_found("There is no such node.")
        ended = end is not None and end.statement.state == "in_force"
        return JSONResponse({"node": node, "state": "ended" if ended else "open"})


async def _description(_: Request) -> Response:
    """Return the OpenAPI document of this API."""
    file = resources.files("adjourn.gateway").joinpath("openapi.json")
    return Response(file.read_bytes(), media_type="application/json")


def own_app(routes: list[BaseRoute]) -> Starlette:
    """Return the application for adjourn's own API and pages."""
    return Starlette(routes=routes)
