"""Headers that belong to one connection do not cross to the other."""

from collections.abc import Callable

import pytest

from .conftest import Running
from .model_server import Answer, completion, says

Run = Callable[..., Running]
BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings"])
def test_one_date_one_length_and_the_model_s_own_headers(run: Run, path: str) -> None:
    date = "Thu, 01 Jan 1970 00:00:00 GMT"
    headers = {"content-type": "application/json", "date": date, "x-request-id": "abc"}
    answer = Answer(headers=headers, pieces=completion("Fine.").pieces)
    with_date = run(script=lambda _: answer)
    reply = with_date.http().post(path, json=BODY)
    assert reply.status_code == 200
    assert date not in reply.headers.get_list("date")
    assert reply.headers["x-request-id"] == "abc"
    assert len(reply.headers.get_list("content-length")) <= 1


def test_what_is_the_gateway_s_own_stays_with_it(run: Run) -> None:
    running = run(script=says("Fine."))
    secret = {
        "cookie": "adjourn-console=x", "x-adjourn-country": "FR", "x-forwarded-for": "1.2.3.4",
        "connection": "x-hop", "x-hop": "1", "x-kept": "2",
    }  # fmt: skip
    running.http().post("/v1/chat/completions", json=BODY, headers=secret)
    asked = running.model.asked[-1].headers
    assert not set(asked) & {"cookie", "x-adjourn-country", "x-forwarded-for", "x-hop"}
    assert asked["x-kept"] == "2"
