"""Our own API is as its OpenAPI document says, also for requests that nobody would think of."""

import asyncio
import json
from importlib import resources
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case

from adjourn.core.tree import NodeId
from adjourn.gateway.front import Front
from tests.faults.asgi import ask, front

DOCUMENT: dict[str, Any] = json.loads(
    resources.files("adjourn.gateway").joinpath("openapi.json").read_text()
)


def a_gateway_with_an_end() -> tuple[Front, NodeId]:
    """A gateway with one ended conversation."""
    gateway = front()

    async def climb() -> str:
        messages: list[dict[str, Any]] = []
        for _ in range(8):
            messages.append({"role": "user", "content": "you idiot"})
            reply = await ask(gateway, messages)
            if reply.decision == "end":
                return str(json.loads(reply.body)["adjourn"]["node"])
            messages.append({"role": "assistant", "content": reply.text})
        raise AssertionError("it did not end")

    return gateway, NodeId(asyncio.run(climb()))


GATEWAY, ENDED = a_gateway_with_an_end()
schema = schemathesis.openapi.from_asgi("/adjourn/v1/openapi.json", GATEWAY)


def test_every_route_of_the_api_is_described() -> None:
    app: Any = GATEWAY._gateway._own_pages
    served = {route.path for route in app.routes}
    ours = {path for path in served if path.startswith("/adjourn/v1/")}
    assert ours | {"/healthz", "/readyz", "/metrics"} == set(DOCUMENT["paths"])


@pytest.mark.slow
@schema.parametrize()
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_any_request_gets_what_the_document_says(case: Case[Any]) -> None:
    """Schemathesis: no 5xx, no undocumented status, every body as described."""
    case.call_and_validate()


@pytest.mark.parametrize("path", ["nodes", "statements"])
def test_an_end_is_as_described(path: str) -> None:
    operation = schema[f"/adjourn/v1/{path}/{{node}}"]["GET"]
    case = operation.Case(path_parameters={"node": ENDED})
    response = case.call_and_validate()
    assert response.status_code == 200
