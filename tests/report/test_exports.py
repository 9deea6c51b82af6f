"""Exports keep the rules of the fields they fill."""

import csv
import io
import string

from adjourn.core.policy import BEHAVIOURS
from adjourn.report.exports import CATEGORIES, DUMP_COLUMNS, dsa_dump, dsa_statements, sb243
from adjourn.report.periods import period_of

from .test_figures import ENTRIES, NOVEMBER, entry

_CATEGORIES = {
    "ANIMAL_WELFARE", "CONSUMER_INFORMATION", "CYBER_VIOLENCE", "CYBER_VIOLENCE_AGAINST_WOMEN",
    "DATA_PROTECTION_AND_PRIVACY_VIOLATIONS", "ILLEGAL_OR_HARMFUL_SPEECH",
    "INTELLECTUAL_PROPERTY_INFRINGEMENTS", "NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS",
    "NOT_SPECIFIED_NOTICE", "OTHER_VIOLATION_TC", "PROTECTION_OF_MINORS",
    "RISK_FOR_PUBLIC_SECURITY", "SCAMS_AND_FRAUD", "UNSAFE_AND_PROHIBITED_PRODUCTS", "VIOLENCE",
}  # fmt: skip


def test_only_restrictions_in_force_are_submitted() -> None:
    (one,) = dsa_statements(ENTRIES, NOVEMBER)
    assert one["puid"] == "ended/end"


def test_every_ground_gives_a_valid_submission() -> None:
    for ground in BEHAVIOURS:
        node = "0" * 64
        ended = entry("a", "end", grounds=(str(ground), "abuse"), node=node, rules=("x" * 90,) * 40)
        (one,) = dsa_statements([ended], NOVEMBER)
        assert one["category"].removeprefix("STATEMENT_CATEGORY_") in _CATEGORIES
        assert "SELF_HARM" not in str(one)
        assert one["decision_provision"] == "DECISION_PROVISION_PARTIAL_TERMINATION"
        assert len(one["decision_facts"]) <= 5000
        assert len(one["incompatible_content_ground"]) <= 500
        assert len(one["incompatible_content_explanation"]) <= 2000
        assert set(one["puid"]) <= set(string.ascii_letters + string.digits + "_-")
        assert one["content_date"] == one["application_date"] == "2026-11-05"
        assert one["category"] not in one["category_addition"]
    assert set(CATEGORIES) == set(BEHAVIOURS)


def test_the_dump_has_the_columns_of_the_register() -> None:
    assert len(DUMP_COLUMNS) == 38
    rows = list(csv.DictReader(io.StringIO(dsa_dump(dsa_statements(ENTRIES, NOVEMBER), "shop"))))
    assert list(rows[0]) == list(DUMP_COLUMNS)
    assert rows[0]["platform_name"] == "shop"
    assert rows[0]["platform_uid"] == "ended/end"
    assert rows[0]["territorial_scope"].startswith("AT;BE")


def test_california_gets_a_count_and_protocols_and_nothing_else() -> None:
    made = sb243([*ENTRIES, entry("b", "support")], period_of("2026"))
    assert made["crisis_service_provider_referral_notifications"] == 2
    assert set(made) == {
        "calendar_year", "crisis_service_provider_referral_notifications",
        "protocol_to_detect_remove_and_respond", "protocol_to_prohibit_responses_about_actions",
        "method_of_measurement",
    }  # fmt: skip
