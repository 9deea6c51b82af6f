"""``adjourn assess``: one line out for each line in, whatever stands in it."""

import json
from pathlib import Path

import pytest

from adjourn.core.hazards import Hazard

from .conftest import Call

KEYS = {
    "id", "hazards", "harm", "abuse", "crisis", "wants_end", "confirms", "declines", "insists",
    "refuses", "redirects",
}  # fmt: skip


def line(ident: object, text: object, role: str = "user") -> str:
    return json.dumps({"id": ident, "messages": [{"role": role, "content": text}]})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "messages.jsonl"


def test_every_line_is_judged_in_order(call: Call, file: Path) -> None:
    texts = ["What is the capital of France?", "You worthless idiot, I hate you", "I want to die"]
    file.write_text("\n".join(line(i, text) for i, text in enumerate(texts)))
    judged = call("assess", str(file))
    assert judged.status == 0
    answers = [json.loads(one) for one in judged.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [0, 1, 2]
    for answer in answers:
        assert set(answer) == KEYS
        assert set(answer["hazards"]) == set(Hazard)
        assert 0 <= answer["harm"] <= 1
        assert set(answer["crisis"]) == {"self", "others"}
    quiet, abusive, crisis = answers
    assert max(quiet["harm"], quiet["abuse"], quiet["crisis"]["self"]) < 0.2
    assert abusive["abuse"] > 0.8
    assert crisis["crisis"]["self"] > 0.8


def test_strange_texts_are_judged(call: Call, file: Path) -> None:
    texts = [
        "",
        " \n\t",
        "🙂🙂🙂",
        "\x00\x01\x1b[2J",
        "ДbЖ漢字עב",
        "a " * 100_000,
        "\u202e\u200b" * 50,
    ]
    lines = [line(i, text) for i, text in enumerate(texts)]
    lines.append(line("parts", [{"type": "text", "text": "hello"}, {"type": "image_url"}]))
    lines.append(line("reply", "I can't help with that.", role="assistant"))
    file.write_text("\n".join(lines))
    judged = call("assess", str(file))
    assert judged.status == 0, judged.stdout
    assert len(judged.stdout.splitlines()) == len(lines)


def test_a_bad_line_is_told_in_its_place(call: Call, file: Path) -> None:
    bad = [
        b"not json",
        b'{"id": "half", "messages": [{"role": "user", "con',
        b'\xff\xfe{"id": 1}',
        b"[1, 2]",
        b'{"id": "none"}',
        b'{"id": "empty", "messages": []}',
        b'{"id": "role", "messages": [{"role": "wizard", "content": "x"}]}',
        b'{"id": "number", "messages": [{"role": "user", "content": 7}]}',
        b'{"id": "lone", "messages": [{"role": "user", "content": "\\ud800"}]}',
        b"[" * 100_000,
    ]
    good = line("good", "hello").encode()
    file.write_bytes(b"\n".join(b"\n".join([one, good]) for one in bad) + b"\n\n")
    judged = call("assess", str(file))
    assert judged.status == 1
    answers = [json.loads(one) for one in judged.stdout.splitlines()]
    assert len(answers) == 2 * len(bad)
    for told, answer in zip(answers[::2], answers[1::2], strict=True):
        assert told["error"], told
        assert answer["id"] == "good"
        assert set(answer) == KEYS
    assert [told["id"] for told in answers[::2]][4:8] == ["none", "empty", "role", "number"]


def test_an_empty_file_is_no_error(call: Call, file: Path) -> None:
    file.write_text("")
    judged = call("assess", str(file))
    assert (judged.status, judged.stdout) == (0, "")


def test_a_file_or_detector_that_is_not_there_is_told(call: Call, file: Path) -> None:
    missing = call("assess", str(file))
    assert missing.status == 2
    assert "messages.jsonl" in missing.stderr
    file.write_text(line(1, "x"))
    assert "no detector 'locl'" in call("assess", str(file), "--detector", "locl").complaint
