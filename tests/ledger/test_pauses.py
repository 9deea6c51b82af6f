"""Pauses in the ledger: lawful ones are never blamed, and whoever makes one up is found."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjourn.core import turns as t
from adjourn.core.assessments import Assessment
from adjourn.core.entries import Entry, EntryKind
from adjourn.core.policy import Mode, PauseRules, Policy
from adjourn.core.tree import NodeId, Origin
from adjourn.report.figures import figures_of
from adjourn.report.ledger_check import check_ledger
from adjourn.store.sqlite import SqliteStore
from tests.cli.conftest import Call, call
from tests.core.tabletop import POLICY, Chat, Table
from tests.report.test_figures import AT_MS, NOVEMBER, entry

from .second_verifier import complaints
from .test_ledger import SIGNER, checkpoint_of, rows_of

__all__ = ["call"]

PAUSING = replace(POLICY, pause=PauseRules(enabled=True, seconds=600))
CRISIS = Assessment("table", crisis_self=0.9)


def step(number: int, *rules: str, seconds: int = 0, **more: Any) -> Entry:
    made = entry("talk", "support", node=NodeId(f"{number:064x}"), at_ms=AT_MS + seconds * 1000)
    told: dict[str, Any] = {"rules": ("crisis.on_path", *rules), "assessment": CRISIS, **more}
    return replace(made, policy_digest=PAUSING.digest, delivered="support", **told)


LAWFUL = [
    step(1),
    step(2, "pause.began 0/600", seconds=1),
    step(3, "pause.holds 5/600", seconds=6, assessment=None),
    step(4, "pause.holds 599/600", seconds=600),
    step(5, seconds=601),
]


def findings(entries: list[Entry], *policies: Policy) -> list[str]:
    return [str(one) for one in check_ledger(rows_of(entries), policies=policies).findings]


def test_a_lawful_pause_is_not_blamed() -> None:
    assert findings(LAWFUL, PAUSING) == []


@pytest.mark.parametrize(
    ("at", "more", "said"),
    [
        (1, {"rules": ("pause.began 0/600",)}, "a pause without a crisis"),
        (2, {"decision": "continue"}, "a pause in which somebody was told continue"),
        (2, {"resources_given": False}, "a pause without support"),
        (2, {"delivered": "nothing"}, "a pause without support"),
        (0, {"delivered": "nothing"}, "no earlier entry of this conversation is support"),
        (2, {"conversation": "another"}, "no pause that an earlier entry tells of"),
        (3, {"rules": ("crisis.on_path", "pause.holds 6/600")}, "lasts so long"),
        (3, {"at_ms": AT_MS + 601_000, "rules": ("crisis.on_path", "pause.holds 600/600")},
         "lasts so long"),
        (3, {"at_ms": AT_MS + 700_000, "rules": ("crisis.on_path", "pause.holds 699/900")},
         "lasts so long"),
        (3, {"at_ms": AT_MS, "rules": ("crisis.on_path", "pause.holds 0/600")}, "lasts so long"),
        (2, {"kind": EntryKind.END, "decision": "end"}, "somebody was told end"),
        (2, {"acted": False, "resources_given": False}, ""),
    ],
)  # fmt: skip
def test_a_pause_that_breaks_the_law_is_named(at: int, more: dict[str, Any], said: str) -> None:
    entries = list(LAWFUL)
    entries[at] = replace(entries[at], **more)
    found = findings(entries)
    assert bool(found) == bool(said)
    assert not said or any("pause_always_resumes" in one and said in one for one in found), found


@pytest.mark.parametrize(
    ("policy", "at", "more", "said"),
    [
        (POLICY, 1, {}, "a pause that is not in this policy"),
        (PAUSING, 1, {"rules": ("crisis.on_path", "pause.began 0/601")}, "not in this policy"),
        (PAUSING, 1, {"assessment": Assessment("table")}, "with a message that is no crisis"),
        (PAUSING, 1, {"assessment": None}, "a pause began with a message nobody assessed"),
    ],
)
def test_a_policy_at_hand_is_held_against_its_pauses(
    policy: Policy, at: int, more: dict[str, Any], said: str
) -> None:
    entries = [replace(one, policy_digest=policy.digest) for one in LAWFUL]
    entries[at] = replace(entries[at], **more)
    assert not any("entry 1" in one for one in findings(entries))
    assert any(said in one for one in findings(entries, policy))


def is_paused(table: Table) -> bool:
    last = table.commands[-1]
    return isinstance(last, t.Reply) and last.outcome.resumes is not None


WORDS = st.lists(
    st.tuples(
        st.sampled_from(["crisis", "crisis", "hello", "half crisis", "idiot", "unknown"]),
        st.sampled_from([0, 1, 999, 60_000, 300_000, 600_000, -1, -60_000]),
        st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=80)
@given(st.lists(WORDS, min_size=1, max_size=3), st.sampled_from(["", "c1"]), st.booleans())
def test_what_a_pausing_gateway_records_is_never_blamed(
    talks: list[list[tuple[str, int, bool]]], named: str, shadow: bool
) -> None:
    """Whatever is said or sent again, with whatever clock; and what is counted is what happened."""
    policy = replace(PAUSING, mode=Mode.SHADOW) if shadow else PAUSING
    table = Table(policy)
    at_ms, held = AT_MS, 0
    for number, words in enumerate(talks):
        origin = Origin("tenant", str(number), named and f"{named}-{number}")
        chat = Chat(table, request={"origin": origin})
        for word, later_ms, again in words:
            at_ms += later_ms
            chat.request["at_ms"] = at_ms
            if chat.say(word) == "locked":
                break
            held += is_paused(table)
            if again:
                table.play(chat.messages[:-1], origin=origin, at_ms=at_ms)
                held += is_paused(table)
    entries = [append.entry for append in table.entries]
    found = check_ledger(rows_of(entries), ends=dict.fromkeys(table.ends, False), policies=[policy])
    assert [one for one in found.findings if "back-dated" not in str(one)] == []
    figures = figures_of(entries, NOVEMBER)
    assert figures.answered_in_pauses == held
    assert figures.pauses <= figures.supported.count


@pytest.mark.parametrize("policy", [PAUSING, POLICY])
def test_a_ledger_with_pauses_verifies(call: Call, tmp_path: Path, policy: Policy) -> None:
    """By the command, and by the verifier that shares no code with it."""
    table = Table(policy)
    chat = Chat(table)
    for seconds in (0, 1, 2, 700):
        chat.request["at_ms"] = AT_MS + seconds * 1000
        chat.say("crisis")

    async def fill() -> None:
        store = SqliteStore.open(tmp_path / "a.sqlite3")
        for append in table.entries:
            await store.append(append)
        assert [await store.node(r.node) for a in table.entries for r in a.nodes] == [
            record for append in table.entries for record in append.nodes
        ]
        await store.aclose()

    asyncio.run(fill())
    assert call("ledger", "verify", "--store", str(tmp_path / "a.sqlite3")).status == 0
    export = call("ledger", "export", "--store", str(tmp_path / "a.sqlite3")).stdout
    assert export.count("pause.") == (2 if policy.pause.enabled else 0)
    rows = rows_of([append.entry for append in table.entries])
    note = SIGNER.sign(checkpoint_of(rows).body())
    assert complaints(export, note, str(SIGNER.verifier)) == []
