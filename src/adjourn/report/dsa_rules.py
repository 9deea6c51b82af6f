"""The rules of the fields of the EU's statement-of-reasons register, as far as we fill them.

After the register's API documentation (transparency.dsa.ec.europa.eu, read June 2026): which fields
must be there, which values they take, how long they may be. And two rules of our own: no end is
ever filed under self-harm, and nothing is filed that the user asked for (``exports``).
"""

import string
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, Final

CATEGORIES: Final = frozenset(
    {
        "ANIMAL_WELFARE", "CONSUMER_INFORMATION", "CYBER_VIOLENCE",
        "CYBER_VIOLENCE_AGAINST_WOMEN", "DATA_PROTECTION_AND_PRIVACY_VIOLATIONS",
        "ILLEGAL_OR_HARMFUL_SPEECH", "INTELLECTUAL_PROPERTY_INFRINGEMENTS",
        "NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS", "NOT_SPECIFIED_NOTICE",
        "OTHER_VIOLATION_TC", "PROTECTION_OF_MINORS", "RISK_FOR_PUBLIC_SECURITY",
        "SCAMS_AND_FRAUD", "SELF_HARM", "UNSAFE_AND_PROHIBITED_PRODUCTS", "VIOLENCE",
    }
)  # fmt: skip
"""Without their prefix ``STATEMENT_CATEGORY_``."""
TERRITORIES: Final = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS",
    "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
)  # fmt: skip
"""EU and EEA, ISO 3166-1."""
_PUID: Final = frozenset(string.ascii_letters + string.digits + "_-")
_NEVER: Final = ("SELF_HARM", "KEYWORD_SUICIDE", "KEYWORD_SELF_MUTILATION")

LONGEST: Final[Mapping[str, int]] = {
    "decision_facts": 5000,
    "incompatible_content_explanation": 2000,
    "incompatible_content_ground": 500,
    "puid": 500,
}


def _is_one_of(*values: str) -> Callable[[Any], bool]:
    return lambda value: value in values


def _is_category(value: Any) -> bool:
    return str(value).startswith("STATEMENT_CATEGORY_") and value[19:] in CATEGORIES


def _is_list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(fits(one) for one in value)


def _is_day_from(first: str) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        try:
            day = date.fromisoformat(str(value))
        except ValueError:
            return False
        return str(day) == value and str(day) >= first

    return fits


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


_FIELDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "decision_provision": _is_one_of(
        "DECISION_PROVISION_PARTIAL_SUSPENSION", "DECISION_PROVISION_PARTIAL_TERMINATION",
        "DECISION_PROVISION_TOTAL_SUSPENSION", "DECISION_PROVISION_TOTAL_TERMINATION",
    ),
    "decision_ground": _is_one_of("DECISION_GROUND_INCOMPATIBLE_CONTENT"),
    "incompatible_content_ground": _is_text,
    "incompatible_content_explanation": _is_text,
    "content_type": lambda value: value == ["CONTENT_TYPE_TEXT"],
    "category": _is_category,
    "territorial_scope": lambda value: bool(value)
    and _is_list_of(lambda one: one in TERRITORIES)(value),
    "content_date": _is_day_from("2000-01-01"),
    "application_date": _is_day_from("2020-01-01"),
    "decision_facts": _is_text,
    "source_type": _is_one_of("SOURCE_VOLUNTARY"),
    "automated_detection": _is_one_of("Yes", "No"),
    "automated_decision": _is_one_of(
        "AUTOMATED_DECISION_FULLY", "AUTOMATED_DECISION_PARTIALLY",
        "AUTOMATED_DECISION_NOT_AUTOMATED",
    ),
    "puid": lambda value: _is_text(value) and set(value) <= _PUID,
}  # fmt: skip
_OPTIONAL: Final[Mapping[str, Callable[[Any], bool]]] = {
    "category_addition": _is_list_of(_is_category),
    "content_language": lambda value: len(value) == 2 and value.isascii() and value.isupper(),
}


def broken_rules(statement: Mapping[str, Any]) -> Iterator[str]:
    """Yield which rules of the register a submission breaks, in words; none if it may be sent."""
    for name, fits in _FIELDS.items():
        if name not in statement:
            yield f"{name} is missing"
        elif not fits(statement[name]):
            yield f"{name} has a value it cannot have: {statement[name]!r}"
    for name, value in statement.items():
        if name in _OPTIONAL and not _OPTIONAL[name](value):
            yield f"{name} has a value it cannot have: {value!r}"
        elif name not in _OPTIONAL and name not in _FIELDS:
            yield f"{name} is no field that we fill"
        if len(str(value)) > LONGEST.get(name, 10**6):
            yield f"{name} is longer than {LONGEST[name]} characters"
    if any(never in str(statement) for never in _NEVER):
        yield "an end is filed under self-harm"
