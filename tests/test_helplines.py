"""The shipped facts: each is sourced, dialable, fresh today, and shown to its own country only."""

import json
import runpy
import zoneinfo
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjourn.core.errors import BadConfig
from adjourn.core.helplines import DIAL_CHARACTERS, DialKind, Grade, Line, Withheld
from adjourn.core.resources import Resources, as_json, country_code, render_text
from adjourn.runtime.helplines import (
    BuiltInResources,
    ResourceProvider,
    decode_resources,
    load_resources,
    shipped_resources,
)

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "src" / "adjourn" / "data" / "helplines.json"
SHIPPED = shipped_resources()
LINES = [line for country in SHIPPED.countries for line in country.lines]
BY_ID = {line.id: line for line in LINES}
AT = date(2026, 11, 23)


def test_the_file_covers_at_least_forty_countries() -> None:
    assert len(SHIPPED.countries) >= 40
    assert sum(bool(c.emergency) for c in SHIPPED.countries) >= 40
    assert len([c for c in SHIPPED.countries if SHIPPED.for_country(c.country, AT).lines]) >= 25


def test_every_line_that_should_be_shown_is_still_fresh_today() -> None:
    """Fails when a line has outlived its evidence: read a newer source, or withhold it as stale."""
    today = date.today()  # noqa: DTZ011 - the expiry check is about the real day
    hidden = [line.id for line in LINES if line.withheld is None and not line.is_shown(today)]
    assert hidden == []


def test_every_withheld_line_has_its_reason() -> None:
    for line in LINES:
        if line.withheld is Withheld.SINGLE_SOURCE:
            assert line.grade is Grade.D or not line.is_confirmed, line.id
        if line.withheld is Withheld.STALE:
            assert line.expires_on <= AT, line.id
        if line.grade is Grade.D:
            assert line.withheld is not None, line.id


@pytest.mark.parametrize("country", SHIPPED.countries, ids=lambda country: country.country)
def test_what_is_shown_is_sourced_and_never_grade_d(country: Any) -> None:
    support = SHIPPED.for_country(country.country, AT)
    for line in support.lines:
        assert line.sources
        assert line.is_confirmed
        assert line.grade is not Grade.D
        assert line.withheld is None
    for number in support.emergency:
        assert len({source.publisher for source in number.sources}) >= 2


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.id)
def test_numbers_can_be_dialled_and_short_codes_have_no_international_form(line: Line) -> None:
    for number in filter(None, (line.dial, *(text.to for text in line.text))):
        assert set(number) <= DIAL_CHARACTERS
    if line.dial_kind is DialKind.SHORT_CODE:
        assert line.e164 is None
    assert line.checked_by_human_on is None, "a check belongs to the operator who made it"
    if line.hours is not None and line.hours.time_zone:
        assert line.hours.time_zone in zoneinfo.available_timezones()


def test_numbers_known_to_be_stored_wrongly_elsewhere_are_as_dialled() -> None:
    expected = {"fr-3114": "3114", "us-988": "988", "gb-samaritans": "116 123", "cl-4141": "*4141"}
    for id_, dial in expected.items():
        line = BY_ID[id_]
        assert (line.dial, line.dial_kind, line.e164) == (dial, DialKind.SHORT_CODE, None)
    assert SHIPPED.for_country("FR", AT).lines[0].dial == "3114"
    assert [text.to for text in BY_ID["gb-shout"].text] == ["85258"]
    assert "+33333114" not in json.dumps(as_json(SHIPPED.for_country("FR", AT)))


def test_where_the_general_number_reaches_the_police_only_an_ambulance_comes_first() -> None:
    for code in ("BR", "CL", "CN", "IL", "JP", "KR", "NO", "SG", "TH", "TW", "ZA"):
        first, *_ = SHIPPED.for_country(code, AT).emergency
        assert "ambulance" in first.covers, code


CODES = [country.country for country in SHIPPED.countries]


@given(st.one_of(st.none(), st.text(), st.sampled_from(CODES), st.from_regex(r"[A-Za-z]{2}")))
def test_nobody_is_given_the_line_of_another_country(cc: str | None) -> None:
    support = SHIPPED.for_country(cc, AT)
    code = country_code(cc)
    assert support.country in (None, code)
    known = next((c for c in SHIPPED.countries if c.country == code), None)
    assert set(support.lines) <= set(known.lines if known else ())
    assert set(support.emergency) <= set(known.emergency if known else ())
    text = render_text(support)
    others = [x for x in LINES if not (known and x in known.lines)]
    assert not any(f"- {line.name}:" in text for line in others)


@pytest.mark.parametrize("code", CODES)
def test_the_emergency_number_comes_first_in_the_text(code: str) -> None:
    support = SHIPPED.for_country(code, AT)
    first = render_text(support).splitlines()[0]
    for number in support.emergency:
        assert number.dial in first
    if not support.emergency:
        assert "your local emergency number" in first


def test_long_after_the_last_reading_no_line_is_shown_but_the_emergency_number_is() -> None:
    support = SHIPPED.for_country("FR", date(2040, 1, 1))
    assert (support.lines, support.emergency[0].dial) == ((), "112")


async def test_the_built_in_provider_answers_from_the_file() -> None:
    provider: ResourceProvider = BuiltInResources(SHIPPED)
    support = await provider.support("gb", AT)
    assert [line.id for line in support.lines] == ["gb-samaritans", "gb-shout"]
    assert (await provider.support("nowhere", AT)).lines == ()
    await provider.aclose()
    assert BuiltInResources(SHIPPED).resources is SHIPPED


def changed(**at_line: Any) -> bytes:
    """Return the file with keys of its first line changed."""
    document = json.loads(DATA.read_bytes())
    document["countries"][0]["lines"][0] |= at_line
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "truncated"),
        (changed(diall="988"), "unknown key"),
        (changed(grade="E"), "Invalid enum value"),
        (changed(free="yes"), "Expected `bool | null`"),
        (changed(expires_on="2099-01-01"), "more than 24 months"),
        (changed(id="us-988"), "starts with the country's code"),
        (changed(id="ar-asistencia-al-suicida"), "once"),
        (changed(dial_kind="short_code"), "no E.164 form"),
        (DATA.read_bytes().replace(b'"format": 1', b'"format": 2'), "this version reads 1"),
        (DATA.read_bytes().replace(b'"country": "AR"', b'"country": "ar"'), "alpha-2"),
        (DATA.read_bytes().replace(b'"country": "AR"', b'"country": "AT"'), "once"),
        (DATA.read_bytes().replace(b'"dial": "911"', b'"dial": "nine"'), "emergency number"),
    ],
)
def test_a_file_that_is_not_of_the_form_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BadConfig, match=r"own\.json") as caught:
        decode_resources(data, file="own.json")
    assert message in str(caught.value)


def test_an_operators_own_file_is_read_and_a_missing_one_named(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_bytes(DATA.read_bytes())
    assert load_resources(own) == SHIPPED
    with pytest.raises(BadConfig, match="cannot be read"):
        load_resources(tmp_path / "missing.json")


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts" / "make_helplines.py"))


def test_the_documentation_shows_the_countries_of_the_file(script: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "crisis-resources.md").read_text(encoding="utf-8")
    assert script["documented"](page, SHIPPED) == page, "run scripts/make_helplines.py table"


def test_the_documentation_names_every_field_and_reason() -> None:
    page = (ROOT / "docs" / "crisis-resources.md").read_text(encoding="utf-8")
    names = {name for line in LINES for name in Line.__slots__} | set(Withheld) | set(DialKind)
    assert {name for name in names if f"`{name}`" not in page} == set()


def test_the_file_is_written_as_the_script_writes_it(script: dict[str, Any]) -> None:
    assert script["written"](SHIPPED) == DATA.read_bytes()


TABLE = """\
cc,country,name,phone,text_or_chat,url,h24_7,free,emergency,grade,source_date,source_url,\
second_source_url,note
AA,Aland,Old,1-23,,,yes,no,112 / 999,C,2020-05,https://a.example/1,https://b.example/2,
AA,Aland,Alone,,,,,,112,B,2026-06-02,https://github.com/one/list/x,,
AA,Aland,Open,0800 12,,https://c.example/,no,,112,A,2026,https://c.example/1,https://d.example/,
"""

READINGS = """
listings = {ch = "https://github.com/two/list"}
[publishers]
"github.com/two/list" = {kind = "listing", dated = 2024-11-06, read_on = 2026-11-23}
[emergency]
metadata = {url = "https://e.example/", kind = "listing", read_on = 2026-11-23}
eu_source = {url = "https://f.example/", kind = "government", read_on = 2026-11-23}
eu = ["AA"]
by_wp = []
countries = {}
[[lines]]
row = ["AA", "Old"]
id = "aa-old"
dial_kind = "short_code"
[[lines]]
row = ["AA", "Alone"]
id = "aa-alone"
text = [{to = "50 50"}]
[[lines]]
row = ["AA", "Open"]
id = "aa-open"
dial_kind = "national"
time_zone = "UTC"
spans = [{days = ["mon"], opens = "09:00", closes = "17:00"}]
also = ["ch"]
"""


def test_filling_from_a_table_invents_nothing_and_withholds_what_is_old_or_alone(
    script: dict[str, Any], tmp_path: Path
) -> None:
    table, readings = tmp_path / "table.csv", tmp_path / "readings.toml"
    table.write_text(TABLE, encoding="utf-8")
    readings.write_text(READINGS, encoding="utf-8")
    script["fill"].__globals__["READINGS"] = readings
    filled: Resources = script["fill"](table, read_on=date(2026, 10, 7), on=AT)
    (country,) = filled.countries
    old, alone, opened = country.lines
    assert (old.dial, old.withheld, old.expires_on) == ("1 23", "stale", date(2022, 5, 1))
    assert (old.free, old.hours and old.hours.always) == (False, True)
    assert (alone.withheld, alone.free, alone.hours, alone.url) == (
        "single_source",
        None,
        None,
        None,
    )
    assert (opened.withheld, opened.as_of) == (None, date(2026, 1, 1))
    assert [number.dial for number in country.emergency] == ["112", "999"]
    assert len(country.emergency[0].covers) == 3
    assert country.emergency[1].covers == ()
    assert decode_resources(script["written"](filled), file="filled.json") == filled
    assert "| AA Aland | 112, 999 | Open: 0800 12 | Old (stale); Alone (single source) |" in (
        script["table_of"](filled)
    )
