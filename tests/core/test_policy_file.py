"""Policy documents: read, refused with file, line, key and mend, linted, digested, compared."""

from dataclasses import replace

import pytest

from adjourn.core.audiences import Audience
from adjourn.core.errors import AdjournError, BadPolicy, BadRequest
from adjourn.core.messages import Message, OpaquePart, Role, TextPart, canonical_content
from adjourn.core.policy import (
    Keys,
    LadderRules,
    PauseRules,
    Policy,
    Threshold,
    behaviour,
    numbers_of,
    policy_digest,
)
from adjourn.core.policy_diff import differences
from adjourn.core.policy_file import line_of, parse_policy
from adjourn.core.policy_lint import lint
from adjourn.runtime.policies import load_policy, preset_names

GOOD = """\
format = 1
name = "mine"
version = "1"

[ladder]
recover_after = 4  # friendlier

[keys]
by_model = true

[grounds]
abuse = 0.9
cse = { adult = 0.8, minor = 0.7 }
iwp = { adult = 0.95 }

[sources]
"ladder.recover_after" = "our own study"
grounds = "the same"
"""


def test_a_document_is_read() -> None:
    policy = parse_policy(GOOD)
    assert policy.ladder == LadderRules(recover_after=4)
    assert policy.grounds == {
        "abuse": Threshold(0.9, 0.9), "cse": Threshold(0.8, 0.7), "iwp": Threshold(0.95, 0.95),
    }  # fmt: skip
    assert policy.source_of("grounds.cse.minor") == "the same"
    assert policy.source_of("signals.insists") is None
    assert lint(policy, GOOD) == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "mend"),
    [
        ("format = 1", "format = 2", 1, "format", "format = 1"),
        ("[ladder]", "[lader]", 5, "lader", "did you mean ladder?"),
        ("recover_after", "recover_aftr", 6, "ladder.recover_aftr", "recover_after?"),
        ("= 4", "= 0", 6, "ladder.recover_after", "from 1 to 100"),
        ("= 4", "= 4.5", 6, "ladder.recover_after", "whole number"),
        ("= 4", "= true", 6, "ladder.recover_after", "whole number"),
        ("= true", "= 1", 9, "keys.by_model", "true or false"),
        ("abuse = 0.9", "abuze = 0.9", 12, "grounds.abuze", "did you mean abuse?"),
        ("abuse = 0.9", "zzz = 0.9", 12, "grounds.zzz", "known:"),
        ("abuse = 0.9", "abuse = 0", 12, "grounds.abuse", "above 0, at most 1"),
        ("abuse = 0.9", "abuse = 1.01", 12, "grounds.abuse", "above 0, at most 1"),
        ("abuse = 0.9", 'abuse = "x"', 12, "grounds.abuse", "probability"),
        ("minor = 0.7", "child = 0.7", 13, "grounds.cse.child", "known: adult, minor"),
        ("adult = 0.95", "minor = 0.95", 14, "grounds.iwp", "no adult threshold"),
        ('name = "mine"', "name = 7", 2, "name", "in quotes"),
        ('name = "mine"', "", None, "name", "in quotes"),
        ('"our own study"', "7", 17, "sources.ladder.recover_after", "quote keys"),
        ("[keys]", "[[keys]]", 8, "keys", "[keys] on a line of its own"),
        ('version = "1"', 'version = "1"\nmode = "shadwo"', 4, "mode", 'did you mean "shadow"?'),
        ('version = "1"', 'version = "1"\nunknown_audience = "cat"', 4, "unknown_audience", "one"),
        ("[keys]", '[texts]\nwarn = "{who}"\n[keys]', 9, "texts.warn", "{behaviour}"),
        ("[keys]", '[texts]\nlocked = "{who}"\n[keys]', 9, "texts.locked", "no slots"),
        ("[keys]", '[texts]\nwarn = "{"\n[keys]', 9, "texts.warn", "double it"),
        ("[keys]", '[tool]\nname = "a b"\n[keys]', 9, "tool.name", "letters"),
        ("[keys]", '[minors]\nhazards = ["sxx"]\n[keys]', 9, "minors.hazards", "did you mean"),
        ("[keys]", "[minors]\nhazards = 7\n[keys]", 9, "minors.hazards", "list of texts"),
        ("[keys]", "[pause]\nseconds = 0\n[keys]", 9, "pause.seconds", "from 1 to 3600"),
        ("[keys]", "[pause]\nseconds = 3601\n[keys]", 9, "pause.seconds", "from 1 to 3600"),
        ("[keys]", "[pause]\nseconds = 1.5\n[keys]", 9, "pause.seconds", "whole number"),
        ("[keys]", "[pause]\nminutes = 20\n[keys]", 9, "pause.minutes", "known: enabled"),
        ("[keys]", '[pause]\nenabled = "yes"\n[keys]', 9, "pause.enabled", "true or false"),
        ("[keys]", "[pause]\nenabled = true\n[keys]", 9, "pause.enabled", "self_threshold and"),
        ("[keys]", '[texts]\npause = "{behaviour}"\n[keys]', 9, "texts.pause", "{minutes}"),
    ],
)
def test_what_is_wrong_is_told(old: str, new: str, line: int | None, key: str, mend: str) -> None:
    with pytest.raises(BadPolicy) as told:
        parse_policy(GOOD.replace(old, new, 1), file="p.toml")
    message = str(told.value)
    place = "p.toml" if line is None else f"p.toml:{line}"
    assert message.startswith(f"{place}: {key}:")
    assert mend in message
    assert "\n" not in message
    assert told.value.param == key


def test_broken_toml_is_told_with_its_line() -> None:
    with pytest.raises(BadPolicy, match=r"p\.toml:2: not TOML"):
        parse_policy("format = 1\na = = 2\n", file="p.toml")
    with pytest.raises(BadPolicy, match=r"p\.toml.*not TOML"):
        parse_policy('a = "', file="p.toml")


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ('"ladder.recover_after" =', '"signals.insists" =', "ladder.recover_after", "no entry in"),
        ('"ladder.recover_after" =', '"ladder.x" =', "sources.ladder.x", "no such number"),
        ("by_model = true", "by_model = false", "keys", "nobody may end"),
        ("iwp = {", "ssh = {", "grounds.ssh", "crisis"),
    ],
)
def test_what_is_odd_is_found(old: str, new: str, key: str, said: str) -> None:
    text = GOOD.replace(old, new)
    found = {finding.key: finding for finding in lint(parse_policy(text), text)}
    assert said in found[key].message
    assert found[key].line is not None


CRISIS = "[crisis]\nself_threshold = 0.3\nothers_threshold = 0.3\n"
PAUSES = GOOD.replace("[keys]", f"{CRISIS}[pause]\nenabled = true\n[keys]")
PAUSES += 'crisis = "the same"\n'


def test_a_document_that_pauses_is_read() -> None:
    policy = parse_policy(PAUSES)
    assert policy.pause == PauseRules(enabled=True, seconds=1200)
    assert numbers_of(policy)["pause.seconds"] == 1200
    assert lint(policy, PAUSES) == ()
    assert "pause.seconds" not in numbers_of(parse_policy(GOOD))
    shorter = PAUSES.replace("enabled = true", "enabled = true\nseconds = 60")
    (found,) = lint(parse_policy(shorter), shorter)
    assert (found.key, found.line) == ("pause.seconds", 13)
    assert "no entry in [sources]" in found.message
    with pytest.raises(BadPolicy, match="without a threshold every message is a crisis"):
        parse_policy(PAUSES.replace("others_threshold = 0.3\n", ""))


@pytest.mark.parametrize(
    ("lines", "key", "said"),
    [
        ('[texts]\npause = "Back soon."\n', "texts.pause", "too little without {resources}"),
        ('[texts]\npause = "{resources} Else it is ended."\n', "texts.pause", "speaks of an end"),
        ('[texts]\npause = "{resources}"\n', "texts.pause", "has no text in ar, de"),
    ],
)
def test_odd_words_of_a_pause_are_found(lines: str, key: str, said: str) -> None:
    text = PAUSES + lines
    assert any(f.key == key and said in f.message for f in lint(parse_policy(text), text))


def test_seconds_without_pauses_are_odd() -> None:
    text = GOOD.replace("[keys]", "[pause]\nseconds = 60\n[keys]")
    (found,) = lint(parse_policy(text), text)
    assert (found.key, found.line) == ("pause.seconds", 9)
    assert found.message == "nothing pauses: pause.enabled is not true"
    assert lint(parse_policy(GOOD + "[pause]\nenabled = false\n"), GOOD) == ()


def test_a_policy_that_does_not_pause_keeps_its_digest() -> None:
    """Digests stand in ledgers and statements: what is not used is no part of them."""
    policy = parse_policy(GOOD)
    off = replace(
        policy, pause=PauseRules(seconds=60), texts=replace(policy.texts, pause="{resources}")
    )
    assert off.digest == policy.digest
    on = replace(policy, pause=PauseRules(enabled=True))
    assert len({one.digest for one in (
        policy, on, replace(on, pause=PauseRules(enabled=True, seconds=60)),
        replace(on, texts=replace(on.texts, pause="{resources}")),
    )}) == 4  # fmt: skip


def test_keys_without_grounds_are_odd() -> None:
    text = 'format = 1\nname = "x"\nversion = "1"\n[keys]\nby_policy = true\n'
    assert [finding.key for finding in lint(parse_policy(text), text)] == ["grounds"]


def test_lines_are_found() -> None:
    assert line_of(GOOD, "grounds.cse.minor") == 13
    assert line_of(GOOD, "signals.insists") is None
    assert line_of('"a.b" = 1\n# c = 2\n', "a.b") == 1


def test_the_digest_names_what_is_decided() -> None:
    policy = parse_policy(GOOD)
    assert policy.digest == parse_policy(GOOD + "# a comment\n").digest
    assert policy.digest == parse_policy(GOOD.replace("our own study", "another")).digest
    assert (
        policy.digest
        == replace(policy, grounds=dict(reversed(list(policy.grounds.items())))).digest
    )
    changed = [
        replace(policy, version="2"),
        replace(policy, keys=Keys(by_model=True, by_user=True)),
        replace(policy, grounds={**policy.grounds, "abuse": Threshold(0.9, 0.91)}),
        replace(policy, texts=replace(policy.texts, warn="Stop.")),
        replace(policy, tool=replace(policy.tool, name="leave")),
        replace(policy, minors=replace(policy.minors, hazards=("sxc",))),
    ]
    digests = {policy_digest(one) for one in [policy, *changed]}
    assert len(digests) == len(changed) + 1


@pytest.mark.parametrize("name", preset_names())
def test_presets_have_nothing_odd_and_every_number_a_source(name: str) -> None:
    policy, text = load_policy(name)
    assert policy.name == name
    assert policy.summary
    assert lint(policy, text) == ()
    assert all(policy.source_of(key) for key in numbers_of(policy) if line_of(text, key))


def test_a_preset_that_does_not_exist_is_told() -> None:
    with pytest.raises(BadPolicy, match="did you mean minors"):
        load_policy("minor")
    with pytest.raises(BadPolicy, match="presets: coding-agent"):
        load_policy("/no/such/file")
    with pytest.raises(BadPolicy, match="cannot be read"):
        load_policy("/")


def test_differences_say_in_which_direction() -> None:
    old = parse_policy(GOOD)
    new = replace(
        old,
        version="2",
        grounds={"abuse": Threshold(0.8, 0.9), "hte": Threshold(0.9, 0.9)},
        ladder=LadderRules(recover_after=2, redirections_before_warning=3),
        keys=Keys(by_policy=True),
        texts=replace(old.texts, warn="Stop."),
    )
    found = {one.key: one.effect for one in differences(old, new)}
    easier, harder = "ends are easier to reach", "ends are harder to reach"
    assert found == {
        "version": "",
        "grounds.abuse.adult": easier,
        "grounds.cse.adult": harder,
        "grounds.cse.minor": harder,
        "grounds.iwp.adult": harder,
        "grounds.iwp.minor": harder,
        "grounds.hte.adult": easier,
        "grounds.hte.minor": easier,
        "ladder.redirections_before_warning": harder,
        "ladder.recover_after": harder,
        "keys.by_model": harder,
        "keys.by_policy": easier,
        "texts.warn": "",
    }
    assert differences(old, old) == ()
    signal = replace(old, signals=replace(old.signals, confirms=0.5))
    assert [one.effect for one in differences(old, signal)] == [""]


def test_audiences_and_behaviours() -> None:
    policy = Policy(unknown_audience=Audience.MINOR)
    assert policy.audience(Audience.UNKNOWN) is Audience.MINOR
    assert policy.audience(Audience.ADULT) is Audience.ADULT
    assert behaviour(()) == "this"
    assert behaviour(("abuse", "iwp", "cse")).count(" and ") == 2


def test_errors_say_what_to_do() -> None:
    assert AdjournError("x").hint() == ""
    assert BadRequest("x", hint="mend it").hint() == "mend it"
    assert str(BadPolicy("odd", file="p.toml")) == "p.toml: odd"


def test_content_is_canonical() -> None:
    image = OpaquePart("image_url", b"...")
    message = Message(Role.USER, (TextPart(" a\n b "), image, TextPart("")))
    assert message.text == " a\n b \n"
    assert canonical_content(message) == canonical_content(
        Message(Role.USER, (TextPart("a b"), image))
    )
    assert canonical_content(message) != canonical_content(Message.of("user", "a b"))
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    assert canonical_content(Message.of("user", composed)) == canonical_content(
        Message.of("user", decomposed)
    )
