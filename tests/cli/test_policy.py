"""``adjourn policy``, as a person or a program calls it: output, errors, exit status."""

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from adjourn.core import engine
from adjourn.core.decide import decide_at
from adjourn.core.decisions import Decision
from adjourn.core.ladder import CrisisStatus, PathState
from adjourn.core.policy import Policy
from adjourn.runtime.policies import preset_names

from .conftest import Call

ROOT = Path(__file__).parent.parent.parent
SMALL = """\
format = 1
name = "small"
version = "1"
[keys]
by_policy = true
[crisis]
self_threshold = 0.3
others_threshold = 0.3
[grounds]
abuse = 0.9
[sources]
crisis = "a test"
grounds = "a test"
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def test_the_presets_are_listed(call: Call) -> None:
    listed = call("policy", "show").stdout
    assert [line.split()[0] for line in listed.splitlines()] == list(preset_names())
    as_json = call("policy", "show", "--json").json
    assert {one["name"] for one in as_json} == set(preset_names())
    assert all(len(one["digest"]) == 64 for one in as_json)


@pytest.mark.parametrize("name", preset_names())
def test_every_number_of_a_preset_names_its_source(call: Call, name: str) -> None:
    shown = call("policy", "show", name).stdout
    assert "digest " in shown
    assert call("policy", "check", name).status == 0, call("policy", "check", name).stdout


def test_a_policy_is_shown_whole(call: Call, small: Path) -> None:
    document = call("policy", "show", str(small), "--json").json
    assert document["grounds"] == {"abuse": {"adult": 0.9, "minor": 0.9}}
    assert "{resources}" in document["texts"]["support"]
    assert "may end: policy; replies by the model" in call("policy", "show", str(small)).stdout


def test_odd_things_are_told_with_file_line_and_key(call: Call, small: Path) -> None:
    small.write_text(SMALL.replace('grounds = "a test"\n', "").replace("abuse", "ssh"))
    told = call("policy", "check", str(small))
    assert told.status == 1
    assert f"{small}:10: grounds.ssh: people who ask about self-harm" in told.stdout
    assert f"{small}:10: grounds.ssh.adult: this number has no entry in [sources]" in told.stdout
    as_json = call("policy", "check", str(small), "--json").json
    assert {finding["line"] for finding in as_json["findings"]} == {10}


def test_a_proof_is_printed_and_exits_0(call: Call, small: Path) -> None:
    proved = call("policy", "verify", str(small))
    assert proved.status == 0
    assert re.search(r"[\d,]+ states and [\d,]+ transitions explored", proved.stdout)
    assert proved.stdout.count("  proved  ") == 8
    (as_json,) = call("policy", "verify", str(small), "--json").json
    assert as_json["holds"]
    assert as_json["transitions"] > as_json["states"] > 100


def test_a_broken_engine_is_shown_as_a_conversation_and_exits_1(
    call: Call, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ignores_crises(policy: Policy, state: PathState, *asked: Any) -> Decision:
        return decide_at(policy, replace(state, crisis=CrisisStatus.CLEAR), *asked)

    monkeypatch.setattr(engine, "decide_at", ignores_crises)
    broken = call("policy", "verify", str(small))
    assert broken.status == 1
    assert "small 1: BROKEN" in broken.stdout
    assert "  broken  crisis_trumps_end" in broken.stdout
    (as_json,) = call("policy", "verify", str(small), "--json").json
    (law,) = [law for law in as_json["laws"] if law["law"] == "crisis_trumps_end"]
    assert not law["holds"]
    assert law["counterexample"][0]["user"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("format = 1\nname = 'x'\nversion = '1'\n[ladder]\nrecover = 3\n", ":5: ladder.recover:"),
        ("format = 1\nname = = 2\n", ":2: not TOML"),
        ("format = 2\n", ":1: format:"),
        ("", ": format:"),
    ],
)
def test_a_broken_document_is_one_line_and_exits_2(
    call: Call, tmp_path: Path, text: str, place: str
) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text)
    for command in ("show", "check", "verify", "explain"):
        assert call("policy", command, str(path)).complaint.startswith(f"{path}{place}")


@pytest.mark.parametrize("name", ["consumer-chta", "no/such.toml", ".", "\0"])
def test_a_policy_that_is_not_there_is_told(call: Call, name: str) -> None:
    assert call("policy", "show", name).complaint


def test_what_changed_is_told_with_its_direction(call: Call, tmp_path: Path, small: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(SMALL.replace("abuse = 0.9", "abuse = 0.8"))
    changed = call("policy", "diff", str(small), str(other)).stdout
    assert re.search(r"grounds\.abuse\.adult: 0\.9 -> 0\.8  \[.+\]", changed)
    assert (
        call("policy", "diff", str(small), str(small)).stdout == "The two policies decide alike.\n"
    )
    assert call("policy", "diff", str(small), str(other), "--json").json


@pytest.mark.parametrize("name", preset_names())
def test_the_page_for_people_says_what_is_enforced(call: Call, name: str) -> None:
    page = call("policy", "explain", name).stdout
    digest = call("policy", "show", name, "--json").json["digest"]
    assert digest in page
    assert ("no conversation is ended" in page) == (name == "observe")


def test_every_key_is_in_the_documentation() -> None:
    text = (ROOT / "docs" / "policy.md").read_text()
    for field in fields(Policy):
        value = getattr(Policy(), field.name)
        names = [f.name for f in fields(value)] if hasattr(value, "__dataclass_fields__") else []
        missing = [name for name in names if f"`{name}`" not in text]
        assert not missing, (field.name, missing)
        assert f"`{field.name}`" in text or f"`[{field.name}]`" in text, field.name
