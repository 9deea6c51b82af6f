"""Ends in the forms that laws and registers ask for. Never text, never anything personal.

EU: the statement-of-reasons fields of the DSA transparency database (Regulation (EU) 2022/2065,
art. 17 and 24(5)), as its API takes them and as its public dump has them. California: the annual
report of Business and Professions Code 22603 (SB 243), from July 2027.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from adjourn.core.decisions import Requester
from adjourn.core.entries import Entry, EntryKind, pause_rule
from adjourn.core.hazards import ABUSE, Hazard
from adjourn.core.wording.words import BEHAVIOURS
from adjourn.report.dsa_rules import LONGEST, TERRITORIES
from adjourn.report.periods import Period

CATEGORIES: Final[Mapping[str, str]] = {
    ABUSE: "OTHER_VIOLATION_TC",
    Hazard.VCR: "VIOLENCE",
    Hazard.NCR: "OTHER_VIOLATION_TC",
    Hazard.SRC: "CYBER_VIOLENCE",
    Hazard.CSE: "PROTECTION_OF_MINORS",
    Hazard.DFM: "ILLEGAL_OR_HARMFUL_SPEECH",
    Hazard.SPC: "OTHER_VIOLATION_TC",
    Hazard.PRV: "DATA_PROTECTION_AND_PRIVACY_VIOLATIONS",
    Hazard.IPV: "INTELLECTUAL_PROPERTY_INFRINGEMENTS",
    Hazard.IWP: "RISK_FOR_PUBLIC_SECURITY",
    Hazard.HTE: "ILLEGAL_OR_HARMFUL_SPEECH",
    Hazard.SSH: "OTHER_VIOLATION_TC",
    Hazard.SXC: "OTHER_VIOLATION_TC",
}
"""Our mapping. Abuse of an assistant is a breach of the terms, and violence against nobody. No end
is ever filed under self-harm: a person in crisis is never ended."""

DUMP_COLUMNS: Final = (
    "uuid",
    "decision_visibility",
    "decision_visibility_other",
    "end_date_visibility_restriction",
    "decision_monetary",
    "decision_monetary_other",
    "end_date_monetary_restriction",
    "decision_provision",
    "end_date_service_restriction",
    "decision_account",
    "end_date_account_restriction",
    "account_type",
    "decision_ground",
    "decision_ground_reference_url",
    "illegal_content_legal_ground",
    "illegal_content_explanation",
    "incompatible_content_ground",
    "incompatible_content_explanation",
    "incompatible_content_illegal",
    "category",
    "category_addition",
    "category_specification",
    "category_specification_other",
    "content_type",
    "content_type_other",
    "content_language",
    "content_date",
    "content_id_ean",
    "territorial_scope",
    "application_date",
    "decision_facts",
    "source_type",
    "source_identity",
    "automated_detection",
    "automated_decision",
    "platform_name",
    "platform_uid",
    "created_at",
)
"""Columns of the public dump, in its order."""


_PAUSES: Final = (
    " Where a person goes on to show a crisis, the model's answers can pause, once on a branch and "
    "for a limited time; each message then gets supportive text and the crisis service providers."
)


def dsa_statements(entries: Iterable[Entry], period: Period) -> list[dict[str, Any]]:
    """Return a submission for each end of the period that restricts somebody.

    An end that the user asked for is no restriction, and shadow mode ends nothing. A pause is none
    either: every message of it is answered.
    """
    return [
        _statement(entry)
        for entry in entries
        if entry.kind is EntryKind.END
        and entry.acted
        and entry.requested_by != Requester.USER
        and period.holds(entry.at_ms)
    ]


def _statement(entry: Entry) -> dict[str, Any]:
    day = datetime.fromtimestamp(entry.at_ms / 1000, UTC).date().isoformat()
    named = " and ".join(BEHAVIOURS[ground] for ground in entry.grounds)
    categories = [f"STATEMENT_CATEGORY_{CATEGORIES[ground]}" for ground in entry.grounds]
    clauses = ", ".join(f"grounds.{ground}" for ground in entry.grounds)
    facts = (
        f"A conversation with an AI system was ended because {named} went on after refusals, "
        f"redirections and a warning. Rules met: {', '.join(entry.rules)}. The account and other "
        "conversations are not affected."
    )
    explanation = f"Policy {entry.policy_digest}: {named} end a conversation if they go on."
    statement = {
        "decision_provision": "DECISION_PROVISION_PARTIAL_TERMINATION",
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": f"{entry.policy or entry.policy_digest[:16]}: {clauses}",
        "incompatible_content_explanation": explanation,
        "content_type": ["CONTENT_TYPE_TEXT"],
        "category": categories[0],
        "category_addition": sorted({*categories[1:]} - {categories[0]}),
        "territorial_scope": list(TERRITORIES),
        "content_date": day,
        "application_date": day,
        "decision_facts": facts,
        "source_type": "SOURCE_VOLUNTARY",
        "automated_detection": "Yes",
        "automated_decision": "AUTOMATED_DECISION_FULLY",
        "puid": entry.node,
    }
    if len(entry.language) == 2:
        statement["content_language"] = entry.language.upper()
    return {
        name: value[: LONGEST[name]] if name in LONGEST and isinstance(value, str) else value
        for name, value in statement.items()
    }


def dsa_dump(statements: Iterable[Mapping[str, Any]], platform: str) -> str:
    """Return submissions as the public dump's CSV; lists are JSON there.

    Args:
        statements: What ``dsa_statements`` returned.
        platform: The platform's name.
    """
    out = io.StringIO()
    rows = csv.DictWriter(out, DUMP_COLUMNS, restval="")
    rows.writeheader()
    for one in statements:
        flat = {
            key: msgspec.json.encode(value).decode() if isinstance(value, list) else value
            for key, value in one.items()
            if key != "puid"
        }
        rows.writerow({**flat, "platform_name": platform, "platform_uid": one["puid"]})
    return out.getvalue()


def sb243(entries: Iterable[Entry], year: Period) -> dict[str, Any]:
    """Return the annual report of California B&P 22603: a count and two protocols, nothing else.

    Args:
        entries: The ledger's entries.
        year: A calendar year.
    """
    of_year = [entry for entry in entries if year.holds(entry.at_ms)]
    referrals = sum(entry.resources_given for entry in of_year)
    pauses = any(entry.acted and pause_rule(entry) for entry in of_year)
    return {
        "calendar_year": year.name,
        "crisis_service_provider_referral_notifications": referrals,
        "protocol_to_detect_remove_and_respond": (
            "Each user message is assessed for suicidal ideation before the model answers, by a "
            "detector whose recall and false alarms are published. Where a person may be in "
            "crisis, or the assessment failed, the model is told to support, the crisis service "
            "providers of the person's country are given, and the conversation is neither ended "
            "nor warned for the rest of that branch." + _PAUSES * pauses
        ),
        "protocol_to_prohibit_responses_about_actions": (
            "The model is instructed to encourage reaching a person or service that can help, and "
            "not to give means. Where its answer cannot be used, the gateway's own supportive text "
            "is sent with the crisis service providers."
        ),
        "method_of_measurement": "Evaluation of the detector on public and own-written messages; "
        "see the model card.",
    }
