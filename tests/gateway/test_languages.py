"""The user's language over the wire: what the gateway says, and the page of the statement."""

import re
from collections.abc import Callable
from typing import Any

import httpx2
import msgspec
import pytest

from adjourn.core.appeals import AppealReason
from adjourn.core.wording import SHIPPED
from adjourn.gateway.statement_words import PAGE_WORDS, page_language
from tests.core.test_wording import slots

from .chatting import Conversation
from .conftest import Running

Run = Callable[..., Running]

LANGUAGES = sorted(SHIPPED)
FEW_AT_FIRST = [
    one if one in ("ar", "de") else pytest.param(one, marks=pytest.mark.slow) for one in LANGUAGES
]
"""Over the wire two languages tell what the fast suite has to know."""
HTML = {"accept": "text/html"}


@pytest.mark.parametrize("language", FEW_AT_FIRST)
@pytest.mark.parametrize("how", ["x-adjourn-language", "accept-language"])
def test_the_gateway_speaks_as_the_header_says(run: Run, language: str, how: str) -> None:
    words = SHIPPED[language]
    value = language if how == "x-adjourn-language" else f"{language}-XX, nl;q=0.3"
    chat = Conversation(run().sdk(), options={"extra_headers": {how: value}})
    replies = [chat.say("idiot") for _ in range(5)]  # a word that tells no language by itself
    named = words.behaviours["abuse"]
    assert replies[0].endswith(words.texts.redirect.format(behaviour=named))
    assert replies[2].endswith(words.texts.warn.format(behaviour=named))
    assert words.texts.close.format(behaviour=named) in replies[4]
    chat.messages.append({"role": "user", "content": "hello?"})
    with pytest.raises(Exception, match=re.escape(words.texts.locked)):
        chat.again()


@pytest.mark.parametrize("language", FEW_AT_FIRST)
def test_crisis_support_is_in_the_language_of_the_header(run: Run, language: str) -> None:
    headers = {"X-Adjourn-Language": language, "X-Adjourn-Country": "GB"}
    chat = Conversation(run().sdk(), options={"extra_headers": headers})
    reply = chat.say("you idiot, crisis")
    assert SHIPPED[language].resources.talk in reply
    assert "116 123" in reply


def ended(running: Running, **headers: str) -> str:
    """Have a conversation ended; return the path of its statement."""
    chat = Conversation(running.sdk(), options={"extra_headers": headers})
    while chat.decision != "end":
        chat.say("you idiot")
    return str(chat.extension["statement_url"]).removeprefix("http://gateway.test")


def page(running: Running, path: str, **headers: str) -> httpx2.Response:
    return running.http().get(path, headers={**HTML, **headers})


def test_a_page_has_all_words_in_every_language() -> None:
    assert set(PAGE_WORDS) == set(SHIPPED)
    english: dict[str, Any] = msgspec.to_builtins(PAGE_WORDS["en"])
    assert set(english["reasons"]) == set(AppealReason)
    for language, words in PAGE_WORDS.items():
        made: dict[str, Any] = msgspec.to_builtins(words)
        for key, text in english.items():
            if key != "reasons":
                assert slots(made[key]) == slots(text), (language, key)
                same = language != "en" and made[key] == text
                assert not same or key in {"policy", "version"}, (language, key)


@pytest.mark.parametrize("language", FEW_AT_FIRST)
def test_a_statement_is_in_the_language_of_its_end(run: Run, language: str) -> None:
    running = run()
    path = ended(running, **{"X-Adjourn-Language": language})
    words = PAGE_WORDS[language]
    told = page(running, path, **{"accept-language": "nl"})
    direction = "rtl" if language == "ar" else "ltr"
    assert f'<html lang="{language}" dir="{direction}">' in told.text
    for text in (words.title, words.how, words.label, words.button, words.record):
        assert text.replace("'", "&#39;") in told.text
    assert SHIPPED[language].statement.automated in told.text
    assert "Accept-Language" in told.headers["vary"]


def test_the_reader_may_choose_another_and_keeps_it(run: Run) -> None:
    running = run()
    path = ended(running, **{"X-Adjourn-Language": "de"})
    chosen = page(running, f"{path}&lang=fr")
    assert PAGE_WORDS["fr"].title in chosen.text
    assert 'lang="fr" hreflang="fr" aria-current="page"' in chosen.text
    node, token = path.rsplit("/", 1)[1].split("?t=")
    for language in LANGUAGES:
        assert f"?t={token}&amp;lang={language}" in chosen.text
    form = {"t": token, "lang": "fr", "words": "Non."}
    filed = running.http().post(f"/adjourn/appeals/{node}", data=form)
    assert filed.headers["location"].endswith(f"?t={token}&lang=fr")
    assert PAGE_WORDS["fr"].waits in page(running, filed.headers["location"]).text.replace(
        "&#39;", "'"
    )
    odd = running.http().post(f"/adjourn/appeals/{node}", data={**form, "lang": "\r\nx: y"})
    assert odd.headers["location"].endswith(f"?t={token}")


@pytest.mark.parametrize(
    ("asked", "ended_in", "accept", "chosen"),
    [
        ("", "", "", "en"),
        ("fr", "de", "es", "fr"),
        ("xx", "de", "es", "de"),
        ("", "nl", "nl, es;q=0.5, de;q=0.9", "de"),
        ("../de", "", "ja", "en"),
    ],
)
def test_which_language_a_page_has(asked: str, ended_in: str, accept: str, chosen: str) -> None:
    assert page_language(asked, ended_in, accept) == chosen
