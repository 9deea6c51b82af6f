"""Words in every language: complete, lawful, chosen as they should be, and never silence."""

import string
from collections.abc import Iterator
from dataclasses import fields, replace

import pytest

from adjourn.core import turns as t
from adjourn.core.entries import EntryKind
from adjourn.core.hazards import GROUND_IDS
from adjourn.core.messages import Message
from adjourn.core.policy import PauseRules, Policy, Replies, Translation
from adjourn.core.policy_file import parse_policy
from adjourn.core.policy_lint import lint
from adjourn.core.speaking import behaviour_in, choose_language, say, text_in
from adjourn.core.tongues import language_of, told_language
from adjourn.core.tree import Origin
from adjourn.core.wording import ENGLISH, SHIPPED, name_behaviours
from adjourn.core.wording.words import StatementWords, Texts

from .tabletop import POLICY, Table

TOLD = {
    "en": "you are a worthless machine and I hate what you just told me",
    "es": "eres una máquina inútil y no me ayudas con nada",
    "fr": "tu es vraiment nul et tu ne sers à rien",
    "de": "du bist so ein dummes Stück, halt die Klappe",
    "pt": "você é um lixo inútil, cala a boca",
    "hi": "तुम बेकार हो, मुझे बताओ कि यह क्या है",
    "zh": "你是个没用的东西 闭嘴",
    "ar": "أنت غبي جدا ولا تفهم شيئا",
}
OTHERS = {
    "Marathi": "तू मूर्ख आहेस, मला सांग हे काय आहे",
    "Persian": "تو احمق هستی به من بگو چگونه",
    "Urdu": "تم بے وقوف ہو، مجھے بتاؤ",
    "Japanese": "お前は役に立たない機械だ",
    "Korean": "너는 쓸모없어",
    "Russian": "ты бесполезная машина",
    "Italian": "sei un idiota e non capisci niente di quello che voglio",
    "short": "idiot",
    "code": "for x in range(10): print(x)",
    "nothing": "12 + 30 = ?",
}


def slots(text: str) -> set[str]:
    return {slot for _, slot, _, _ in string.Formatter().parse(text) if slot is not None}


def texts_of(words: object) -> Iterator[tuple[str, str]]:
    for f in fields(words):  # type: ignore[arg-type]  # any of the classes of words
        value = getattr(words, f.name)
        if isinstance(value, str):
            yield f.name, value


def asking(*words: str, stated: str = "", accepted: tuple[str, ...] = ()) -> t.TurnRequest:
    messages = tuple(Message.of("user", text) for text in words)
    return t.TurnRequest(Origin("x"), messages, "m", 0, language=stated, accepted=accepted)


@pytest.mark.parametrize("language", SHIPPED)
def test_each_language_says_everything_and_keeps_the_laws(language: str) -> None:
    words = SHIPPED[language]
    assert set(words.behaviours) == set(GROUND_IDS)
    for name, text in texts_of(words.texts):
        assert slots(text) == slots(getattr(Texts(), name)), name
    for name, text in texts_of(words.statement):
        assert slots(text) == slots(getattr(StatementWords(), name)), name
    for name, text in texts_of(words.resources):
        assert slots(text) == slots(getattr(ENGLISH.resources, name)), name
    assert len(words.resources.days) == 7
    assert len(words.resources.services) == 3
    # The shipped words pass the check that a policy's own have to pass.
    texts = {f.name: getattr(words.texts, f.name) + " " for f in fields(Texts)}
    named = words.behaviours
    pausing = replace(POLICY, pause=PauseRules(enabled=True))
    for own in (
        replace(pausing, language=language, texts=Texts(**texts), languages=(language,)),
        replace(pausing, language="nl", languages=(language,),
                translations={language: Translation(texts), "nl": Translation({}, named)}),
    ):  # fmt: skip
        assert lint(own) == ()


@pytest.mark.parametrize("language", [code for code in SHIPPED if code != "en"])
def test_nothing_is_left_in_english(language: str) -> None:
    words = SHIPPED[language]
    for group in ("texts", "statement"):
        english = dict(texts_of(getattr(ENGLISH, group)))
        for name, text in texts_of(getattr(words, group)):
            assert text != english[name], name
    for ground in GROUND_IDS:
        assert words.behaviours[ground] != ENGLISH.behaviours[ground]
    assert words.behaviours["abuse"] in name_behaviours(words, ("abuse", "iwp"))
    assert words.behaviours["iwp"] in name_behaviours(words, ("abuse", "iwp"))
    assert name_behaviours(words, ()) == words.this


@pytest.mark.parametrize(("language", "text"), TOLD.items())
def test_a_language_is_told(language: str, text: str) -> None:
    assert language_of(text.lower()) == language


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_what_is_not_certain_is_not_said(text: str) -> None:
    assert language_of(text.lower()) not in SHIPPED


def test_the_newest_three_user_messages_tell() -> None:
    said = [Message.of("user", TOLD["fr"])] * 4
    said += [Message.of("assistant", TOLD["en"])] * 3
    assert told_language(said) == "fr"
    assert told_language([*said, *[Message.of("user", TOLD["ar"])] * 3]) == "ar"
    assert told_language([]) == ""


def test_what_is_stated_comes_first_then_what_is_told_then_what_is_accepted() -> None:
    def choose(request: t.TurnRequest, ended_in: str = "", policy: Policy = POLICY) -> str:
        return choose_language(policy, request, ended_in)

    assert choose(asking(TOLD["de"], stated="fr", accepted=("es",)), "pt") == "fr"
    assert choose(asking(TOLD["de"], stated="xx", accepted=("es",)), "pt") == "pt"
    assert choose(asking(TOLD["de"], accepted=("es",))) == "de"
    assert choose(asking("hm", accepted=("xx", "es"))) == "es"
    assert choose(asking("hm")) == "en"
    german = replace(POLICY, language="de", texts=SHIPPED["de"].texts, languages=("fr",))
    assert choose(asking(TOLD["es"]), policy=german) == "de"
    assert choose(asking(TOLD["fr"]), policy=german) == "fr"


@pytest.mark.parametrize(("language", "text"), TOLD.items())
def test_the_whole_ladder_is_told_in_the_users_language(language: str, text: str) -> None:
    table = Table(replace(POLICY, replies=Replies.GATEWAY))
    words, said = SHIPPED[language], [Message.of("user", text)]
    named = words.behaviours["abuse"]
    wanted = ["redirect", "redirect", "warn", "redirect", "close"]
    for name in wanted:
        said[-1] = Message.of("user", f"idiot, {text}")
        last = table.play(said)
        assert isinstance(last, t.Reply)
        assert last.text == getattr(words.texts, name).format(behaviour=named)
        assert table.entries[-1].entry.words == language
        said += [Message.of("assistant", last.text), Message.of("user", "")]
    (end,) = table.ends.values()
    assert end.statement.language == language
    assert end.statement.sentences()[0] == words.statement.ended.format(behaviour=named)
    said[-1] = Message.of("user", "idiot")
    refused = table.play(said)
    assert isinstance(refused, t.Refuse)
    assert refused.text == words.texts.locked
    assert table.entries[-1].entry.kind is EntryKind.LOCKED
    assert table.entries[-1].entry.words == language


def test_crisis_support_is_in_the_users_language() -> None:
    table = Table(replace(POLICY, replies=Replies.GATEWAY))
    last = table.play([Message.of("user", "crisis")], language="hi")
    assert isinstance(last, t.Reply)
    assert last.text == SHIPPED["hi"].texts.support.format(resources="Call 000.")


def test_no_language_is_looked_for_where_nothing_is_said() -> None:
    table = Table()
    table.play([Message.of("user", TOLD["de"])], language="fr")
    assert table.entries[-1].entry.words == ""
    assert table.entries[-1].entry.language == "fr"


def test_a_missing_text_goes_out_in_the_policys_own_language() -> None:
    own = Texts(warn="Stop it: {behaviour}, or this chat is ended.")
    policy = replace(POLICY, texts=own)
    assert text_in(policy, "de", "warn") is None
    assert say(policy, "de", "warn", ("abuse",)).startswith("Stop it: insults and abuse")
    assert say(policy, "de", "redirect", ("abuse",)).startswith("Dabei")
    half = replace(
        policy, translations={"nl": Translation({"warn": "Stop: {behaviour}", "go_on": "?"})}
    )
    assert behaviour_in(half, "nl", ("abuse",)) is None
    assert say(half, "nl", "warn", ("abuse",)).startswith("Stop it: insults and abuse")
    assert say(half, "nl", "go_on") == "?"
    named = {"nl": Translation({"warn": "Stop: {behaviour}"}, {"abuse": "gescheld"})}
    assert say(replace(policy, translations=named), "nl", "warn", ("abuse",)) == "Stop: gescheld"
    dutch = replace(policy, language="nl", texts=Texts(warn="Stop: {behaviour}"))
    assert say(dutch, "nl", "warn", ("abuse",)) == "Stop: insults and abuse"


DOCUMENT = """\
format = 1
name = "mine"
version = "1"
"""


def test_a_document_may_bring_its_own_languages() -> None:
    policy = parse_policy(
        DOCUMENT + 'language = "de"\n[texts]\ngo_on = "Und?"\n[texts.behaviours]\nabuse = "Zank"\n'
        '[texts.nl]\nwarn = "Stop: {behaviour}"\nbehaviours = { abuse = "gescheld" }\n'
    )
    assert policy.texts.go_on == "Und?"
    assert policy.texts.warn == SHIPPED["de"].texts.warn
    assert "Zank" in say(policy, "de", "redirect", ("abuse",))
    assert say(policy, "nl", "warn", ("abuse",)) == "Stop: gescheld"
    assert policy.digest != replace(policy, translations={}).digest
    english = parse_policy(DOCUMENT + 'languages = ["de"]\n')
    assert choose_language(english, asking(TOLD["fr"])) == "en"
    assert choose_language(english, asking(TOLD["de"])) == "de"


@pytest.mark.parametrize(
    ("lines", "key", "mend"),
    [
        ('language = "german"', "language", "two letters"),
        ('language = "DE"', "language", "write de"),
        ('languages = ["de", "x"]', "languages", "two letters"),
        ('[texts.dutch]\nwarn = "x"', "texts.dutch", "two letters"),
        ('[texts.en]\nwarn = "x"', "texts.en", "under [texts]"),
        ('[texts.nl]\nwern = "x"', "texts.nl.wern", "did you mean warn?"),
        ('[texts.nl]\nwarn = "{who}"', "texts.nl.warn", "{behaviour}"),
        ('[texts.nl.behaviours]\nabuze = "x"', "texts.nl.behaviours.abuze", "did you mean abuse?"),
        ("[texts.nl]\nbehaviours = 7", "texts.nl.behaviours", "line of its own"),
        ("[texts]\nwarn = { a = 1 }", "texts.warn", 'write warn = "…"'),
        ('[texts]\nwern = "x"', "texts.wern", "did you mean warn?"),
    ],
)
def test_what_is_wrong_with_words_is_told(lines: str, key: str, mend: str) -> None:
    from adjourn.core.errors import BadPolicy

    with pytest.raises(BadPolicy) as told:
        parse_policy(DOCUMENT + lines)
    assert told.value.key == key
    assert mend in told.value.hint()


def test_check_says_what_is_missing() -> None:
    text = DOCUMENT + (
        '[grounds]\nabuse = 0.9\n[sources]\ngrounds = "x"\n[keys]\nby_model = true\n'
        '[texts]\nwarn = "Please stop."\nsupport = "Or this is ended."\n'
        '[texts.nl]\nclose = "Einde: {behaviour}"\n'
    )
    found = {(one.key, one.line): one.message for one in lint(parse_policy(text), text)}
    assert found["texts.nl.behaviours", 13] == (
        "does not name abuse: what speaks of it is sent in another language"
    )
    assert found["texts.warn", 11].startswith("does not say that the conversation ends")
    assert found["texts.support", 12] == "speaks of an end, which this text must not"
    messages = {one.message for one in lint(parse_policy(text), text)}
    assert "says too little without {behaviour}" in messages
    missing = [one for one in lint(parse_policy(text), text) if "has no text in" in one.message]
    assert {one.key for one in missing} == {f"texts.{f.name}" for f in fields(Texts)} - {
        "texts.close", "texts.pause",
    }  # fmt: skip
    only_english = text.replace("[grounds]", 'languages = ["en"]\n[grounds]', 1)
    assert not [one for one in lint(parse_policy(only_english), "") if "no text in" in one.message]
