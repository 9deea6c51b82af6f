"""The rules on a line, the look-up by country, and how the answer reads."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjourn.core.helplines import (
    Channel,
    DialKind,
    Grade,
    Hours,
    Line,
    Source,
    SourceKind,
    Span,
    Text,
    Withheld,
    faults_of,
    is_dialable,
    months_after,
)
from adjourn.core.resources import (
    CountryResources,
    Directory,
    Emergency,
    Resources,
    Service,
    as_json,
    country_code,
    hours_text,
    render_text,
)

AT = date(2026, 11, 23)
READ = date(2026, 6, 2)
OPERATOR = Source("https://www.example.org/contact", SourceKind.OPERATOR, READ)
PRESS = Source("https://news.example.com/1", SourceKind.PRESS, READ, date(2026, 1, 1))
LISTING = Source("https://github.com/One/List/blob/x/a.json", SourceKind.LISTING, READ, READ)
DIRECTORY = Directory("Find A Helpline", "https://findahelpline.com")


def a_line(**given: Any) -> Line:
    line = Line(
        id="aa-one",
        name="One",
        grade=Grade.A,
        expires_on=date(2028, 1, 1),
        sources=(OPERATOR,),
        dial="116 123",
        dial_kind=DialKind.SHORT_CODE,
    )
    return replace(line, **given)


def of(*lines: Line, emergency: tuple[Emergency, ...] = ()) -> Resources:
    return Resources(DIRECTORY, (CountryResources("AA", "Aland", emergency, lines),))


def test_one_repository_or_host_is_one_publisher() -> None:
    assert OPERATOR.publisher == "example.org"
    assert LISTING.publisher == "github.com/one/list"
    assert Source("https://pypi.org/project/x/1.0/", SourceKind.LISTING, READ).publisher == (
        "pypi.org/project/x"
    )


def test_a_source_is_as_old_as_it_says_and_an_undated_listing_proves_nothing() -> None:
    assert OPERATOR.as_of == READ
    assert PRESS.as_of == date(2026, 1, 1)
    assert replace(PRESS, dated=None).as_of is None
    assert replace(LISTING, dated=date(2030, 1, 1)).as_of == READ


@pytest.mark.parametrize(
    ("sources", "confirmed"),
    [
        ((OPERATOR,), True),
        ((replace(OPERATOR, kind=SourceKind.GOVERNMENT),), True),
        ((LISTING,), False),
        ((LISTING, replace(LISTING, url="https://github.com/one/list/other")), False),
        ((LISTING, PRESS), True),
        ((), False),
    ],
)
def test_a_line_needs_its_operator_a_government_or_two_independent_sources(
    sources: tuple[Source, ...], confirmed: bool
) -> None:
    line = a_line(sources=sources)
    assert line.is_confirmed is confirmed
    assert line.is_shown(AT) is confirmed


def test_grade_d_and_withheld_and_expired_lines_are_not_shown() -> None:
    assert a_line().is_shown(AT)
    assert not a_line(grade=Grade.D).is_shown(AT)
    assert not a_line(expires_on=AT).is_shown(AT)
    assert a_line(expires_on=AT + timedelta(days=1)).is_shown(AT)
    for reason in Withheld:
        assert not a_line(withheld=reason).is_shown(AT)


def test_a_line_nobody_vouches_for_is_shown_to_nobody_even_when_checked() -> None:
    assert not a_line(sources=(), checked_by_human_on=AT).is_shown(AT)


def test_a_person_who_reached_it_brings_a_stale_or_single_line_back_but_not_a_conflict() -> None:
    stale = a_line(sources=(LISTING,), withheld=Withheld.STALE, expires_on=date(2026, 1, 1))
    single = replace(stale, withheld=Withheld.SINGLE_SOURCE)
    conflict = replace(stale, withheld=Withheld.CONFLICT)
    assert [x.checked(AT).is_shown(AT) for x in (stale, single, conflict)] == [True, True, False]
    assert stale.checked(AT).expires_on == date(2028, 11, 23)
    assert not stale.checked(AT).is_shown(date(2028, 11, 23))


def test_with_checks_touches_only_the_lines_it_names() -> None:
    other = a_line(id="aa-two", withheld=Withheld.STALE)
    both = of(a_line(withheld=Withheld.STALE), other).with_checks({"aa-one": AT})
    assert [line.id for line in both.for_country("AA", AT).lines] == ["aa-one"]


def test_due_for_check_lists_what_nobody_reached_or_what_expires_soonest_first() -> None:
    fresh = a_line(id="aa-fresh", checked_by_human_on=AT)
    ageing = replace(fresh, id="aa-ageing", expires_on=date(2027, 1, 1))
    unchecked = a_line(id="aa-unchecked")
    due = of(fresh, unchecked, ageing).due_for_check(by=date(2027, 2, 1))
    assert [line.id for line in due] == ["aa-ageing", "aa-unchecked"]


@pytest.mark.parametrize("cc", ["AA", "aa", " Aa "])
def test_a_country_is_found_by_its_code_in_any_case(cc: str) -> None:
    support = of(a_line()).for_country(cc, AT)
    assert (support.country, support.name, len(support.lines)) == ("AA", "Aland", 1)


@pytest.mark.parametrize("cc", [None, "", "A", "AAA", "en-AA", "Å", "ﬀ", "1A", "ZZ", "A A"])
def test_anything_else_is_an_unknown_country(cc: str | None) -> None:
    support = of(a_line(), emergency=(Emergency("112", (OPERATOR,)),)).for_country(cc, AT)
    assert (support.country, support.emergency, support.lines) == (None, (), ())
    assert support.directory == DIRECTORY


def test_the_code_reserved_for_the_united_kingdom_is_understood() -> None:
    assert country_code("uk") == "GB"


@given(st.dates(min_value=date(1950, 1, 1), max_value=date(2150, 12, 31)), st.integers(0, 60))
def test_months_after_keeps_the_day_or_takes_the_months_last(day: date, months: int) -> None:
    later = months_after(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later + timedelta(days=1)).day == 1


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"sources": ()}, "no sources"),
        ({"dial": "", "dial_kind": None}, "no way to reach"),
        ({"dial": "0800-111"}, "characters other"),
        ({"dial": "call me"}, "characters other"),
        ({"dial": "+"}, "characters other"),
        ({"text": (Text("SHOUT 1"),)}, "characters other"),
        ({"dial_kind": None}, "together"),
        ({"e164": "+33333114"}, "no E.164 form"),
        ({"dial": "+116123"}, "too long for a short code"),
        ({"dial": "1161234"}, "too long for a short code"),
        ({"dial_kind": DialKind.INTERNATIONAL}, "does not start with"),
        ({"dial_kind": DialKind.NATIONAL, "e164": "0049116123"}, "not + and"),
        ({"dial_kind": DialKind.NATIONAL, "e164": "+1234567890123456"}, "not + and"),
        ({"dial_kind": DialKind.NATIONAL, "e164": "+49116124"}, "does not end in"),
        ({"expires_on": date(2028, 6, 3)}, "more than 24 months"),
        ({"hours": Hours()}, "neither always nor spans"),
        ({"hours": Hours(spans=(Span(("mon",), "09:00", "17:00"),))}, "without a time zone"),
        ({"hours": Hours(True, (Span(("mon",), "09:00", "17:00"),), "UTC")}, "neither always"),
        (
            {"hours": Hours(spans=(Span(("monday",), "09:00", "17:00"),), time_zone="UTC")},
            "unknown day or time",
        ),
        (
            {"hours": Hours(spans=(Span(("mon",), "9", "25:00"),), time_zone="UTC")},
            "unknown day or time",
        ),
        ({"chat_url": "javascript:alert(1)"}, "not a web address"),
        ({"url": "example.org"}, "not a web address"),
    ],
)
def test_faults_are_found(given: dict[str, Any], fault: str) -> None:
    assert any(fault in found for found in faults_of(a_line(**given))), faults_of(a_line(**given))


def test_a_sound_line_has_no_faults() -> None:
    assert faults_of(a_line()) == ()
    national = a_line(dial="06 7720", dial_kind=DialKind.NATIONAL, e164="+39067720")
    assert faults_of(national) == ()
    assert faults_of(a_line(dial="*4141")) == ()


@given(st.text())
def test_only_what_a_keypad_has_can_be_dialled(number: str) -> None:
    if is_dialable(number):
        assert set(number) <= set("0123456789 +*#")
        assert any(sign.isdigit() for sign in number)


def test_the_text_names_emergency_first_then_lines_then_the_directory() -> None:
    numbers = (
        Emergency("119", (OPERATOR,), (Service.AMBULANCE, Service.FIRE)),
        Emergency("110", (OPERATOR,), (Service.POLICE,)),
        Emergency("112", (OPERATOR,)),
    )
    first = a_line(
        hours=Hours(always=True), free=True, url="https://one.example/", area="the north"
    )
    second = a_line(
        id="aa-two",
        name="Two",
        dial="",
        dial_kind=None,
        text=(Text("741", keyword="HI"), Text("742", Channel.WHATSAPP)),
        chat_url="https://two.example/",
        url="https://two.example/",
        free=False,
    )
    assert render_text(of(first, second, emergency=numbers).for_country("AA", AT)) == (
        "If anybody is in danger right now, call 119 (ambulance, fire), 110 (police) or 112.\n\n"
        "To talk to somebody:\n"
        "- One: call 116 123 (the north, 24 hours a day, free). https://one.example/\n"
        "- Two: text HI to 741 or text 742 on WhatsApp or chat at https://two.example/.\n\n"
        "More helplines: https://findahelpline.com (Find A Helpline)"
    )


def test_an_unknown_country_reads_as_the_generic_answer() -> None:
    assert render_text(of(a_line()).for_country(None, AT)) == (
        "If anybody is in danger right now, call your local emergency number.\n\n"
        "Helplines by country: https://findahelpline.com (Find A Helpline)"
    )


def test_a_line_that_expired_since_the_look_up_is_left_out() -> None:
    support = of(a_line()).for_country("AA", AT)
    later = date(2028, 1, 1)
    assert "116 123" in render_text(support)
    assert "116 123" not in render_text(support, later)
    assert as_json(support, later)["lines"] == []


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (None, ""),
        (Hours(always=True), "24 hours a day"),
        (
            Hours(spans=(Span(("mon", "tue", "wed"), "09:00", "17:00"),), time_zone="UTC"),
            "Mon-Wed 09:00-17:00 UTC time",
        ),
        (
            Hours(
                spans=(
                    Span(("mon", "wed"), "09:00", "17:00"),
                    Span(("sat", "sun"), "10:00", "02:00"),
                ),
                time_zone="Europe/Paris",
            ),
            "Mon and Wed 09:00-17:00, Sat and Sun 10:00-02:00 Europe/Paris time",
        ),
        (
            Hours(
                spans=(Span(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "1:00", "2:00"),),
                time_zone="UTC",
            ),
            "every day 1:00-2:00 UTC time",
        ),
    ],
)
def test_hours_in_words(hours: Hours | None, words: str) -> None:
    assert hours_text(hours) == words


def test_the_wire_form_says_what_is_not_known_and_nothing_about_the_person() -> None:
    line = a_line(hours=Hours(spans=(Span(("mon",), "09:00", "17:00"),), time_zone="UTC"))
    emergency = (Emergency("110", (OPERATOR,), (Service.POLICE,)),)
    wire = as_json(of(line, emergency=emergency).for_country("AA", AT))
    assert wire["emergency"] == [{"dial": "110", "covers": ["police"]}]
    (one,) = wire["lines"]
    assert one["checked_by_human_on"] is None
    assert (one["e164"], one["free"], one["languages"]) == (None, None, [])
    assert one["sources"] == [
        {"url": OPERATOR.url, "kind": "operator", "read_on": "2026-06-02", "dated": None}
    ]
    assert one["hours"]["spans"] == [{"days": ["mon"], "opens": "09:00", "closes": "17:00"}]
    checked = as_json(of(line.checked(AT)).for_country("AA", AT))["lines"][0]
    assert checked["checked_by_human_on"] == "2026-11-23"


def words_of(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [word for key, item in value.items() for word in (key, *words_of(item))]
    if isinstance(value, list):
        return [word for item in value for word in words_of(item)]
    return [str(value)]


def test_neither_form_carries_a_risk_level_or_a_diagnosis() -> None:
    support = of(a_line(), emergency=(Emergency("112", (OPERATOR,)),)).for_country("AA", AT)
    said = " ".join([*words_of(as_json(support)), render_text(support)]).lower()
    for word in ("risk", "level", "severity", "diagnos", "c-ssrs", "score"):
        assert word not in said
