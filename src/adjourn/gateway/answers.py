"""What the handlers of adjourn's own API have in common."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from adjourn.core.errors import StoreUnavailable
from adjourn.core.tree import NodeId


def node_of(request: Request) -> NodeId | None:
    """Return the node of the path, None if it has not the form of one."""
    text = str(request.path_params["node"])
    legal = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return NodeId(text) if legal else None


def refused(status: HTTPStatus, code: str, message: str) -> Response:
    """Return an error."""
    return JSONResponse({"error": {"message": message, "code": code}}, status)


def not_found(message: str) -> Response:
    """Return the error for what is not there."""
    return refused(HTTPStatus.NOT_FOUND, "no_such_node", message)


def unavailable(error: StoreUnavailable) -> Response:
    """Return the error for a store that does not answer."""
    return refused(HTTPStatus.SERVICE_UNAVAILABLE, error.code, str(error))
