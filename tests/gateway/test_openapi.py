"""Our own API is as its OpenAPI document says, also for requests that nobody would think of."""

import asyncio
import json
from importlib import resources
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from adjourn.core.tree import NodeId
from adjourn.gateway.front import Front
from tests.faults.asgi import ask, front

DOCUMENT: dict[str, Any] = json.loads(
    resources.files("adjourn.gateway").joinpath("openapi.json").read_text()
)


def _schema(gateway: Front) -> Any:
    """The document as schemathesis has it, which takes too long to import for the fast suite."""
    import schemathesis

    return schemathesis.openapi.from_asgi("/adjourn/v1/openapi.json", gateway)


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


@pytest.fixture(scope="module")
def gateway() -> tuple[Front, NodeId]:
    return a_gateway_with_an_end()


def test_every_route_of_the_api_is_described(gateway: tuple[Front, NodeId]) -> None:
    app: Any = gateway[0]._gateway._own_pages
    served = {route.path for route in app.routes}
    ours = {path for path in served if path.startswith("/adjourn/v1/")}
    assert ours | {"/healthz", "/readyz", "/metrics"} == set(DOCUMENT["paths"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "method"),
    [(path, method) for path in DOCUMENT["paths"] for method in DOCUMENT["paths"][path]],
)
def test_any_request_gets_what_the_document_says(
    gateway: tuple[Front, NodeId], path: str, method: str
) -> None:
    """Schemathesis: no 5xx, no undocumented status, every body as described."""

    @settings(
        max_examples=150,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=_schema(gateway[0])[path][method.upper()].as_strategy())
    def check(case: Any) -> None:
        case.call_and_validate()

    check()


@pytest.mark.slow
@pytest.mark.parametrize("path", ["nodes", "statements"])
def test_an_end_is_as_described(gateway: tuple[Front, NodeId], path: str) -> None:
    operation = _schema(gateway[0])[f"/adjourn/v1/{path}/{{node}}"]["GET"]
    case = operation.Case(path_parameters={"node": gateway[1]})
    response = case.call_and_validate()
    assert response.status_code == 200
