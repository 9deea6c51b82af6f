"""The chat page in every language it has, and Markdown that can do no harm."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from adjourn.chat.languages import choose_language, languages
from adjourn.core.policy import PauseRules
from adjourn.core.wording import SHIPPED
from tests.core.tabletop import POLICY
from tests.core.test_wording import slots
from tests.gateway.model_server import says

from .test_chat import Run, check, shot

ENGLISH = languages()["en"]


@pytest.mark.parametrize("code", languages())
def test_a_language_is_complete(code: str) -> None:
    language = languages()[code]
    assert list(language.page) == list(ENGLISH.page)
    assert list(language.script) == list(ENGLISH.script)
    assert language.direction == ("rtl" if code == "ar" else "ltr")
    for key, text in language.script.items():
        assert slots(text) == slots(ENGLISH.script[key]), key


@pytest.mark.parametrize(
    ("asked", "accepted", "chosen"),
    [
        ("", "", "en"),
        ("", "nl, fr-CA;q=0.8, de;q=0.9", "de"),
        ("hi", "fr", "hi"),
        ("xx", "ar-EG,en;q=0.5", "ar"),
        ("../de", "es;q=0, ja", "en"),
        ("", "fr;q=many, es", "es"),
        ("", "," * 9000, "en"),
    ],
)
def test_the_language_is_the_reader_s(asked: str, accepted: str, chosen: str) -> None:
    assert choose_language(asked, accepted).code == chosen


@pytest.mark.slow
@pytest.mark.parametrize("code", languages())
def test_a_whole_conversation_in_every_language(page: Page, run: Run, code: str) -> None:
    language = languages()[code]
    pausing = replace(POLICY, pause=PauseRules(enabled=True))
    page.goto(f"{run(policy=pausing).url}/chat?lang={code}")
    expect(page.locator("html")).to_have_attribute("lang", code)
    expect(page.locator("html")).to_have_attribute("dir", language.direction)

    def say(text: str) -> None:
        page.get_by_label(language.page["message"]).fill(text)
        page.get_by_role("button", name=language.page["send"], exact=True).click()
        expect(page.locator("#stop")).to_be_hidden()

    for _ in range(5):
        say("you idiot")
    expect(page.locator("#ended")).to_contain_text(language.page["not_affected"])
    expect(page.locator("li.warn .who")).to_have_text(language.script["warning"])
    shot(page, f"ended-{code}")
    check(page)
    page.get_by_role("button", name=language.page["ended_new"]).click()
    page.get_by_label(language.page["country"]).select_option("FR")
    say("crisis")
    expect(page.locator("#crisis")).to_contain_text(language.page["crisis_title"])
    expect(page.locator("#crisis")).to_contain_text("3114")
    shot(page, f"crisis-{code}")
    check(page)
    say("still crisis")
    before, after = language.script["paused"].split("{time}")
    expect(page.locator("#paused")).to_contain_text(before.strip())
    expect(page.locator("#paused")).to_contain_text(after.strip())
    words = SHIPPED[code].texts.pause.partition("{resources}")[0].strip()
    expect(page.locator(".assistant .bubble").last).to_contain_text(words)
    shot(page, f"pause-{code}")
    check(page)
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide


HARMLESS = """\
# Title
A **bold** and *soft* word, `code <b>`, snake_case_name, 2 * 3 * 4, \\*stars\\*.

1. one
   - inner
2. two

> said

| a | b |
|---|---|
| 1 | <i>2</i> |

```html
<script>window.hurt = 1</script>
```
[good](https://example.org/x) [bad](javascript:window.hurt=1) [worse](data:text/html,x)
<img src=x onerror="window.hurt=1">
"""


@pytest.mark.slow
def test_markdown_is_rendered_and_can_do_no_harm(page: Page, run: Run) -> None:
    page.goto(f"{run(script=says(HARMLESS)).url}/chat")
    page.get_by_label("Your message").fill("go")
    page.get_by_role("button", name="Send").click()
    bubble = page.locator(".assistant .bubble")
    expect(bubble.locator("h2")).to_have_text("Title")
    expect(bubble.locator("strong")).to_have_text("bold")
    expect(bubble.locator("em")).to_have_text("soft")
    expect(bubble.locator("p code")).to_have_text("code <b>")
    expect(bubble.locator("p").first).to_contain_text("snake_case_name, 2 * 3 * 4, *stars*.")
    expect(bubble.locator("ol > li")).to_have_count(2)
    expect(bubble.locator("ol ul li")).to_have_text("inner")
    expect(bubble.locator("blockquote")).to_have_text("said")
    expect(bubble.locator("tbody td").nth(1)).to_have_text("<i>2</i>")
    expect(bubble.locator("pre")).to_have_text(re.compile("<script>"))
    expect(bubble.locator("a")).to_have_count(1)
    expect(bubble.locator("a")).to_have_attribute("rel", "noreferrer noopener")
    expect(bubble).to_contain_text('<img src=x onerror="window.hurt=1">')
    assert page.evaluate("window.hurt === undefined && document.images.length === 0")
    shot(page, "markdown")
    check(page)


@pytest.mark.slow
def test_hostile_markdown_does_not_stall(page: Page, run: Run) -> None:
    page.goto(f"{run().url}/chat")
    took_ms = page.evaluate(
        """async () => {
            const { render } = await import("/chat/static/markdown.js");
            const began = performance.now();
            for (const piece of ["[", "*", "`", "_a", "> ", "- ", "|-|\\n", "**a ", "![](", "~~"])
              render(piece.repeat(20000));
            return performance.now() - began;
        }"""
    )
    assert took_ms < 20_000  # quadratic time would be minutes
