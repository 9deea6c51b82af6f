"""Rows in every shape of the public corpora are read; what is none says why."""

from typing import Any

import pytest

from adjourn.core.hazards import Hazard
from adjourn.replay.rows import Conversation, Reject, assessment_of, conversation_of
from tests.replay.corpora import talk

SHAPES: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "image"}]},
                  {"role": "assistant", "content": "yo"}]},
    {"conversations": [{"from": "human", "value": "hi"}, {"from": "GPT", "value": "yo"}]},
    {"conversation_hash": "x", "language": "English", "toxic": False,
     "conversation": [{"role": "user", "content": "hi", "language": "English"},
                      {"role": "assistant", "content": "yo", "language": "English"}]},
    {"conversation_id": "x", "model": "m", "turn": 1,
     "conversation": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]},
]  # fmt: skip


@pytest.mark.parametrize("row", SHAPES)
def test_shapes_of_public_corpora_are_read(row: dict[str, Any]) -> None:
    read = conversation_of(row, 3)
    assert isinstance(read, Conversation)
    assert [(str(m.role), m.text) for m in read.messages] == [("user", "hi"), ("assistant", "yo")]
    assert read.id == ("x" if "x" in row.values() else "3")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (7, "not an object"),
        ({}, "has no list"),
        ({"messages": []}, "has no list"),
        ({"messages": "hi"}, "has no list"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "message 0 has no known role"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "message 0 has no known role"),
        ({"messages": [{"role": "user", "content": 7}]}, "message 0"),
        ({"messages": [*talk(1), None]}, "message 2"),
        ({"messages": talk(10_001)}, "more than 20000"),
        ({"messages": talk(1), "assessments": []}, "one assessment for each of 1"),
        ({"messages": talk(1), "assessments": [{"abuse": 2}]}, "abuse must be a probability"),
        ({"messages": talk(1), "assessments": [{"abuse": "1"}]}, "cannot be read"),
        ({"messages": talk(1), "assessments": [7]}, "cannot be read"),
        ({"messages": talk(1), "assessments": [{"hazards": {"xyz": 1}}]}, "hazard 'xyz'"),
        ({"messages": talk(1), "assessments": [{"hazards": {"iwp": 2}}]}, "iwp must be"),
    ],
)
def test_what_is_no_conversation_is_told(row: Any, why: str) -> None:
    read = conversation_of(row, 9)
    assert isinstance(read, Reject)
    assert why in read.why
    assert read.position == 9


def test_what_a_table_leaves_null_is_absent() -> None:
    given = {"abuse": None, "hazards": {"iwp": 0.5, "hte": None}, "crisis": None, "harm": 1}
    made = assessment_of(given)
    assert (made.abuse, made.harm, dict(made.hazards)) == (0.0, 1, {Hazard.IWP: 0.5})
    row = {"messages": None, "conversation": talk(1), "assessments": None}
    assert isinstance(conversation_of(row, 0), Conversation)
