"""Exports keep the rules of the fields they fill."""

import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from adjourn.core.wording.words import BEHAVIOURS
from adjourn.report.dsa_rules import broken_rules
from adjourn.report.exports import CATEGORIES, DUMP_COLUMNS, dsa_dump, dsa_statements, sb243
from adjourn.report.periods import period_of

from .test_figures import ENTRIES, NOVEMBER, entry


def test_only_restrictions_in_force_are_submitted() -> None:
    paused = entry("p", "support", rules=("crisis.on_path", "pause.began 0/600"))
    (one,) = dsa_statements([*ENTRIES, paused], NOVEMBER)
    assert one["puid"] == "ended/end"


def test_every_ground_gives_a_valid_submission() -> None:
    for ground in BEHAVIOURS:
        node = "0" * 64
        ended = entry("a", "end", grounds=(str(ground), "abuse"), node=node, rules=("x" * 90,) * 40)
        (one,) = dsa_statements([ended], NOVEMBER)
        assert list(broken_rules(one)) == []
        assert one["decision_provision"] == "DECISION_PROVISION_PARTIAL_TERMINATION"
        assert one["content_date"] == one["application_date"] == "2026-11-05"
        assert one["category"] not in one["category_addition"]
    assert set(CATEGORIES) == set(BEHAVIOURS)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"category": "STATEMENT_CATEGORY_SELF_HARM"}, "filed under self-harm"),
        ({"category": "VIOLENCE"}, "category has a value"),
        ({"puid": "ended end"}, "puid has a value"),
        ({"puid": "x" * 501}, "puid is longer than 500"),
        ({"content_date": "1999-12-31"}, "content_date has a value"),
        ({"application_date": "tomorrow"}, "application_date has a value"),
        ({"territorial_scope": ["US"]}, "territorial_scope has a value"),
        ({"decision_facts": " "}, "decision_facts has a value"),
        ({"content_language": "en"}, "content_language has a value"),
        ({"colour": "red"}, "no field that we fill"),
    ],
)
def test_a_submission_that_would_be_refused_is_told(changed: dict[str, Any], words: str) -> None:
    (one,) = dsa_statements(ENTRIES, NOVEMBER)
    assert words in " ".join(broken_rules({**one, **changed}))
    del one["category"]
    assert "category is missing" in list(broken_rules(one))


def test_the_dump_has_the_columns_of_the_register() -> None:
    assert len(DUMP_COLUMNS) == 38
    rows = list(csv.DictReader(io.StringIO(dsa_dump(dsa_statements(ENTRIES, NOVEMBER), "shop"))))
    assert list(rows[0]) == list(DUMP_COLUMNS)
    assert rows[0]["platform_name"] == "shop"
    assert rows[0]["platform_uid"] == "ended/end"
    assert rows[0]["territorial_scope"].startswith('["AT","BE"')


def test_california_gets_a_count_and_protocols_and_nothing_else() -> None:
    made = sb243([*ENTRIES, entry("b", "support")], period_of("2026"))
    assert made["crisis_service_provider_referral_notifications"] == 2
    assert set(made) == {
        "calendar_year", "crisis_service_provider_referral_notifications",
        "protocol_to_detect_remove_and_respond", "protocol_to_prohibit_responses_about_actions",
        "method_of_measurement",
    }  # fmt: skip


def test_california_is_told_of_pauses_where_there_were_any() -> None:
    paused = entry("p", "support", rules=("crisis.on_path", "pause.holds 1/600"))
    protocol = "protocol_to_detect_remove_and_respond"
    assert "can pause" in sb243([paused], period_of("2026"))[protocol]
    for none in (replace(paused, acted=False), entry("p", "support")):
        assert "pause" not in sb243([none], period_of("2026"))[protocol]
    assert "pause" not in sb243([paused], period_of("2025"))[protocol]
