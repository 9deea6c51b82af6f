"""The end tool is added to a request without touching a byte of what the client wrote."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjourn.core.policy import EndTool
from adjourn.wire.anthropic_messages import Messages
from adjourn.wire.dialect import Dialect
from adjourn.wire.openai_chat import ChatCompletions
from adjourn.wire.openai_responses import Responses

DIALECTS: list[tuple[Dialect, str]] = [
    (ChatCompletions(), "messages"),
    (Messages(), "messages"),
    (Responses(), "input"),
]
NAMES = ["chat", "messages", "responses"]
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(("dialect", "history"), DIALECTS, ids=NAMES)
@given(
    others=st.dictionaries(st.text().map("x-{}".format), JSON, max_size=4),
    space=st.sampled_from(["", " ", "\n\t"]),
    indent=st.sampled_from([None, 1]),
)
def test_all_that_the_client_wrote_stays_as_it_came(
    dialect: Dialect, history: str, others: dict[str, Any], space: str, indent: int | None
) -> None:
    asked = {"model": "m", history: [{"role": "user", "content": "Hi {}"}], **others}
    body = (space + json.dumps(asked, indent=indent) + space).encode("utf-8", "surrogatepass")
    sent = dialect.forward_body(dialect.parse_request(body), tool=EndTool(name="leave"))
    assert sent.startswith(body.rstrip()[:-1])
    told = json.loads(sent)
    (tool,) = told.pop("tools")
    assert told == asked
    assert "leave" in json.dumps(tool)


@pytest.mark.parametrize(("dialect", "history"), DIALECTS, ids=NAMES)
@pytest.mark.parametrize("tools", [None, []])
def test_an_empty_field_of_tools_is_not_there_twice(
    dialect: Dialect, history: str, tools: list[Any] | None
) -> None:
    body = json.dumps({"model": "m", "tools": tools, history: [{"role": "user", "content": "Hi"}]})
    sent = dialect.forward_body(dialect.parse_request(body.encode()), tool=EndTool())
    assert sent.count(b'"tools"') == 1
    assert len(json.loads(sent)["tools"]) == 1
