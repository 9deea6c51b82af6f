"""What a report counts, and what it keeps to itself."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjourn.core.assessments import Assessment
from adjourn.core.entries import Entry, EntryKind
from adjourn.core.errors import BadInput
from adjourn.core.tree import NodeId
from adjourn.report.figures import figures_of
from adjourn.report.periods import last_month, period_of
from adjourn.report.rates import rate_of
from adjourn.report.suppression import publish

NOVEMBER = period_of("2026-11")
AT_MS = int(datetime(2026, 11, 5, tzinfo=UTC).timestamp() * 1000)


def entry(conversation: str, decision: str = "continue", **more: object) -> Entry:
    delivered = {"redirect": "redirection", "warn": "warning", "end": "closing"}.get(decision, "")
    base = Entry(
        kind=EntryKind.END if decision == "end" else EntryKind.TURN,
        at_ms=AT_MS,
        node=NodeId(f"{conversation}/{decision}"),
        parent=NodeId(conversation),
        policy_digest="d" * 64,
        audience="adult",
        decision=decision,
        rules=(),
        model="m",
        delivered=delivered,
        requested_by="policy" if decision == "end" else "",
        grounds=("abuse",) if delivered else (),
        resources_given=decision == "support",
        assessment=Assessment("table"),
        conversation=conversation,
    )
    return replace(base, **more)  # type: ignore[arg-type]


ENTRIES = [
    entry("fine"), entry("fine"),
    *(entry("ended", one) for one in ("redirect", "redirect", "warn", "redirect", "end")),
    *(entry("warned", one) for one in ("redirect", "redirect", "warn", "continue")),
    entry("crisis", "support"),
    entry("own", "confirm_user_end"), entry("own", "end", requested_by="user", grounds=()),
    entry("asked", "redirect", denied_model_requests=2),
    entry("shadow", "end", acted=False),
    entry("ended", kind=EntryKind.LOCKED),
    entry("odd", assessment=None),
    entry("old", "end", at_ms=AT_MS - 40 * 86_400_000),
    *(entry("old", state, kind=EntryKind.APPEAL, node=NodeId("old/end"), grounds=(),
            rules=("context",) if state == "reversed" else ())
      for state in ("filed", "acknowledged", "reversed")),
    entry("ended", "filed", kind=EntryKind.APPEAL, node=NodeId("ended/end"), grounds=()),
    entry("ended", "upheld", kind=EntryKind.APPEAL, node=NodeId("ended/end"), grounds=()),
]  # fmt: skip


def test_everything_is_counted_once() -> None:
    figures = figures_of(ENTRIES, NOVEMBER)
    assert (figures.conversations, figures.turns) == (8, 17)
    assert figures.entries == len(ENTRIES) - 1
    assert (figures.ended.count, figures.ended_by_user.count) == (1, 1)
    assert (figures.warned.count, figures.warned_then_fine.count) == (2, 1)
    assert figures.supported.count == figures.resources_given == 1
    assert (figures.model_denied.count, figures.denied_requests) == (1, 2)
    assert figures.ends_by == {"model": 0, "policy": 1, "user": 1}
    assert (figures.locked_requests, figures.unassessed, figures.looked_on) == (1, 1, 1)
    assert figures.ends_after_support == 0
    assert figures.ended_by_ground == {}
    assert figures.ended.per_10_000 == 1250
    assert (figures.appeals_filed, figures.appeals_decided) == (2, 2)
    assert (figures.reversed_of_decided.count, figures.reversed_of_ends.of) == (1, 1)
    assert figures.reversed_by_ground == figures.reversed_by_reason == {}


def test_tables_say_what_conversations_fall_under() -> None:
    many = [
        one
        for number in range(23)
        for one in (
            entry(str(number), "warn", language="pt" if number < 12 else ""),
            entry(
                str(number),
                "end",
                grounds=("abuse", "cse") if number < 11 else ("abuse",),
                language="pt" if number < 12 else "",
                policy="mine 3",
            ),
        )
    ]
    undone = [
        entry(
            str(n), "reversed", kind=EntryKind.APPEAL, node=NodeId(f"{n}/end"), rules=("context",)
        )
        for n in range(10)
    ]
    figures = figures_of([*many, *undone, entry("x", "end", language="fr")], NOVEMBER)
    assert figures.ended_by_ground == {"abuse": 20, "cse": 10}
    assert figures.warned_by_ground == {"abuse": 20}
    assert figures.ended_by_language == {"(not said)": 10, "pt": 10}
    assert figures.conversations_by_language == {"(not said)": 10, "pt": 10}
    assert figures.ended_by_policy == {"mine 3 (dddddddd)": 20}
    assert figures.ended_by_audience == {"adult": 20}
    assert figures.conversations_by_model == figures.ended_by_model == {"m": 20}
    assert figures.reversed_by_language == {"pt": 10}
    assert figures.reversed_by_reason == {"context": 10}
    bare = figures_of([*many, *undone], NOVEMBER, tables=False)
    assert bare.ended.count == 23
    assert bare.ended_by_ground == bare.conversations_by_model == bare.reversed_by_reason == {}


def test_pauses_are_counted_apart_from_ends() -> None:
    """By the message they began with, however often it is sent; shadow mode pauses nobody."""
    began, held = ("crisis.on_path", "pause.began 0/600"), ("crisis.on_path", "pause.holds 1/600")
    entries = [
        *(entry("a", "support", rules=began) for _ in range(2)),
        entry("a", "support", rules=held),
        entry("b", "support", rules=began, node=NodeId("b/2")),
        entry("c", "support", rules=began, acted=False),
        entry("d", "support"),
    ]
    figures = figures_of(entries, NOVEMBER)
    assert (figures.pauses, figures.answered_in_pauses) == (2, 4)
    assert figures.ended.count == sum(figures.ends_by.values()) == 0
    assert figures.supported.count == 4
    assert (figures_of(ENTRIES, NOVEMBER).pauses, figures.ends_after_support) == (0, 0)


def test_the_order_of_conversations_is_irrelevant() -> None:
    by_name = sorted(ENTRIES, key=lambda one: one.conversation)
    by_name.sort(key=lambda one: one.at_ms)
    assert figures_of(by_name, NOVEMBER) == figures_of(ENTRIES, NOVEMBER)


def test_an_end_after_support_would_be_told() -> None:
    figures = figures_of([entry("a", "support"), entry("a", "end")], NOVEMBER)
    assert figures.ends_after_support == 1


def test_no_conversations_are_no_division_by_zero() -> None:
    figures = figures_of([], NOVEMBER)
    assert figures.ended.per_10_000 is None
    assert figures.conversations == 0


def test_intervals_are_exact_ones() -> None:
    """Values from R 4.4: binom.test(3, 2000)$conf.int and binom.test(0, 3000)$conf.int."""
    some = rate_of(3, 2000)
    assert some.low == pytest.approx(3.095, abs=0.01)
    assert some.high == pytest.approx(43.77, abs=0.01)
    none = rate_of(0, 3000)
    assert none.low == 0
    assert none.high == pytest.approx(12.289, abs=0.01)


@pytest.mark.parametrize("k", [2, 3])
def test_no_table_says_that_a_small_number_is_what_it_is(k: int) -> None:
    """Every table of three names, as somebody sees it who knows the names and the exact total."""
    largest = 4 * k + 1
    behind: dict[tuple[int, tuple[tuple[str, int], ...]], list[tuple[int, ...]]] = {}
    for counts in product(range(largest + 1), repeat=3):
        if sum(counts) <= largest:
            shown = publish([(n,) for n, c in zip("abc", counts, strict=True) for _ in range(c)], k)
            behind.setdefault((sum(counts), tuple(shown.items())), []).append(counts)
    for possible in behind.values():
        for place in range(3):
            numbers = {counts[place] for counts in possible}
            assert len(numbers) > 1 or not numbers & set(range(1, k))


@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=3), max_size=60), st.integers(2, 6))
def test_what_is_listed_is_large_and_rounded_down(names: list[list[str]], k: int) -> None:
    for name, shown in publish(names, k).items():
        true = sum(name in one for one in names)
        assert shown % k == 0
        assert 2 * k <= shown <= true < shown + k


def test_periods_are_whole_and_follow_each_other() -> None:
    names = [f"2026-{month:02}" for month in range(1, 13)]
    for one, two in pairwise(period_of(name) for name in names):
        assert one.ends == two.begins
    assert period_of("2026-Q4").begins == period_of("2026-10").begins
    assert period_of("2026-Q4").ends == period_of("2026").ends == period_of("2027").begins
    assert last_month(AT_MS).name == "2026-10"
    assert [period_of(name).kind for name in ("2026", "2026-Q4", "2026-11")] == [
        "year", "quarter", "month",
    ]  # fmt: skip
    ends_ms = int(NOVEMBER.ends.timestamp() * 1000)
    assert not NOVEMBER.is_over(ends_ms)
    assert NOVEMBER.is_over(ends_ms + 3_600_000)


@pytest.mark.parametrize(
    "name", ["", "26-13", "2026-13", "2026-Q5", "2026-Q0", "-1", "2026-11-05", "x"]
)
def test_other_periods_are_refused(name: str) -> None:
    with pytest.raises(BadInput, match="is no period"):
        period_of(name)
