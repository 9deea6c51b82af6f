"""Makes src/adjourn/data/helplines.json, and the table of countries in the documentation.

    python scripts/make_helplines.py import TABLE.csv --read-on 2026-10-07 --on 2026-11-23
    python scripts/make_helplines.py table

`import` fills the file from a table of helplines and from helplines_readings.toml beside this
script, and withholds what may not be shown, with the reason. It is for the first filling, or for
starting over: afterwards the file is edited by hand, and `table` brings the documentation up to
date with it (see docs/crisis-resources.md).
"""

import argparse
import csv
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from adjourn.core.helplines import Line, Source, SourceKind, Withheld, faults_of, months_after
from adjourn.core.resources import CountryResources, Directory, Emergency, Resources, Service
from adjourn.runtime.helplines import FORMAT, Document, load_resources

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "src" / "adjourn" / "data" / "helplines.json"
READINGS = Path(__file__).resolve().parent / "helplines_readings.toml"
DOCS = ROOT / "docs" / "crisis-resources.md"
BEGIN, END = "<!-- countries: made by scripts/make_helplines.py -->", "<!-- end of countries -->"
DIRECTORY = Directory("Find A Helpline", "https://findahelpline.com")
SAID = {"yes": True, "no": False, "": None}


class Filling:
    """Turns rows of the table into lines and emergency numbers, with what else was read."""

    def __init__(self, readings: dict[str, Any], *, read_on: date, on: date) -> None:
        self.readings = readings
        self.read_on = read_on
        self.on = on

    def source(self, url: str, dated: str = "") -> Source:
        """Return the table's citation of a page; a month stands for its first day."""
        known = Source(url, SourceKind.PRESS, self.read_on)
        facts = self.readings["publishers"].get(known.publisher, {})
        day = facts.get("dated") or (earliest(dated) if dated else None)
        kind = SourceKind(facts.get("kind", SourceKind.PRESS))
        return Source(url, kind, facts.get("read_on", self.read_on), day)

    def line(self, row: dict[str, str], reading: dict[str, Any]) -> Line:
        """Return a row as read."""
        sources = [self.source(row["source_url"], row["source_date"])]
        listings = self.readings["listings"]
        urls = [row["second_source_url"], *(listings[name] for name in reading.get("also", []))]
        skipped = {"", row["source_url"], *reading.get("unread", [])}
        sources += [self.source(url) for url in dict.fromkeys(urls) if url not in skipped]
        sources += [msgspec.convert(more, Source) for more in reading.get("more", [])]
        always = reading.get("always", SAID[row["h24_7"]])
        record = {
            "id": reading["id"],
            "name": reading.get("name", row["name"]),
            "grade": reading.get("grade", row["grade"]),
            "dial": reading.get("dial", row["phone"].replace("-", " ")),
            "url": reading.get("url", row["url"] or None),
            "free": reading.get("free", SAID[row["free"]]),
            "hours": hours(always, reading),
            "expires_on": self.on,
            "sources": sources,
        }
        kept = ("dial_kind", "e164", "text", "chat_url", "languages", "area", "withheld", "note")
        record |= {key: reading[key] for key in kept if key in reading}
        return self.dated(msgspec.convert(record, Line, strict=True))

    def dated(self, line: Line) -> Line:
        """Return the line with its last day, and withheld if it may not be shown now."""
        if line.as_of is not None:
            line = replace(line, expires_on=months_after(line.as_of))
        if line.withheld is None and not line.is_shown(self.on):
            alone = line.grade == "D" or not line.is_confirmed
            line = replace(line, withheld=Withheld.SINGLE_SOURCE if alone else Withheld.STALE)
        if faults := faults_of(line):
            raise SystemExit(f"{line.id} {', '.join(faults)}")
        return line

    def emergency(self, country: str, stated: str) -> Iterator[Emergency]:
        """Yield a country's emergency numbers: as read, else as stated in the table."""
        rules = self.readings["emergency"]
        plain = [{"dial": part.strip()} for part in stated.split("/") if part.strip()]
        for number in rules["countries"].get(country, plain):
            dial, covers = number["dial"], number.get("covers", [])
            listing = "wp" if f"{country} {dial}" in rules["by_wp"] else "ch"
            sources = [msgspec.convert(rules["metadata"], Source)]
            if "page" in number:
                kind = SourceKind(number.get("kind", SourceKind.GOVERNMENT))
                sources.append(Source(number["page"], kind, self.on))
            else:
                sources.append(self.source(self.readings["listings"][listing]))
            if dial == "112" and country in rules["eu"]:
                covers = list(Service)
                sources.append(msgspec.convert(rules["eu_source"], Source))
            yield Emergency(dial, tuple(sources), tuple(map(Service, covers)))


def hours(always: bool | None, reading: dict[str, Any]) -> dict[str, Any] | None:
    """Return opening hours as read, or nothing."""
    if "spans" in reading:
        return {"spans": reading["spans"], "time_zone": reading["time_zone"]}
    return {"always": True} if always else None


def earliest(written: str) -> date:
    """Return the first day of what is written as a year, month or day."""
    year, month, day = (*map(int, written.split("-")), 1, 1)[:3]
    return date(year, month, day)


def fill(table: Path, *, read_on: date, on: date) -> Resources:
    """Return the resources that a table and the readings give."""
    readings = tomllib.loads(READINGS.read_text(encoding="utf-8"))
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    by_row = {tuple(reading["row"]): reading for reading in readings["lines"]}
    if unread := {(row["cc"], row["name"]) for row in rows} ^ set(by_row):
        raise SystemExit(f"rows without a reading, or readings without a row: {sorted(unread)}")
    filling = Filling(readings, read_on=read_on, on=on)
    countries: dict[str, CountryResources] = {}
    for row in rows:
        code = row["cc"]
        if code not in countries:
            numbers = tuple(filling.emergency(code, row["emergency"]))
            countries[code] = CountryResources(code, row["country"], numbers)
        line = filling.line(row, by_row[code, row["name"]])
        countries[code] = replace(countries[code], lines=(*countries[code].lines, line))
    return Resources(DIRECTORY, tuple(countries[code] for code in sorted(countries)))


def written(resources: Resources) -> bytes:
    """Return the file's bytes: unknown fields left out, one fact a line."""
    document = Document(FORMAT, resources.directory, resources.countries)
    known = _without_unknown(msgspec.to_builtins(document))
    return msgspec.json.format(msgspec.json.encode(known), indent=2) + b"\n"


def _without_unknown(value: Any) -> Any:
    if isinstance(value, dict):
        known = {key: _without_unknown(item) for key, item in value.items()}
        return {k: v for k, v in known.items() if v is False or v not in (None, "", [], ())}
    if isinstance(value, list | tuple):
        return [_without_unknown(item) for item in value]
    return value


def table_of(resources: Resources) -> str:
    """Return the countries as a Markdown table."""
    out = ["| country | emergency | lines | not shown, and why |", "|---|---|---|---|"]
    for country in resources.countries:
        numbers = ", ".join(number.dial for number in country.emergency) or "not on file"
        shown = [f"{line.name}: {_how(line)}" for line in country.lines if not line.withheld]
        held = [f"{x.name} ({x.withheld.replace('_', ' ')})" for x in country.lines if x.withheld]
        cells = (f"{country.country} {country.name}", numbers, "; ".join(shown), "; ".join(held))
        out.append(f"| {' | '.join(cells)} |")
    return "\n".join(out)


def _how(line: Line) -> str:
    texts = (f"text {' '.join(filter(None, (text.keyword, text.to)))}" for text in line.text)
    return line.dial or ", ".join(texts)


def documented(page: str, resources: Resources) -> str:
    """Return the page with its table of countries brought up to date."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table_of(resources)}\n\n{END}{after}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    importer = commands.add_parser("import", help="fill the file from a table")
    importer.add_argument("table", type=Path)
    importer.add_argument("--read-on", type=date.fromisoformat, required=True)
    importer.add_argument("--on", type=date.fromisoformat, required=True)
    commands.add_parser("table", help="bring the documentation up to date with the file")
    given = parser.parse_args(arguments)
    if given.command == "import":
        DATA.write_bytes(written(fill(given.table, read_on=given.read_on, on=given.on)))
    resources = load_resources(DATA)
    if DOCS.exists():
        page = documented(DOCS.read_text(encoding="utf-8"), resources)
        DOCS.write_text(page, encoding="utf-8")
    lines = sum(len(country.lines) for country in resources.countries)
    sys.stdout.write(f"{len(resources.countries)} countries, {lines} lines\n")


if __name__ == "__main__":
    main()
