"""The chat page, as a person uses it."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from adjourn.core.policy import PauseRules
from tests.core.tabletop import POLICY
from tests.gateway.conftest import Running
from tests.gateway.model_server import Answer, Asked, chunk, says
from tests.gateway.test_pause import Watch

Run = Callable[..., Running]
SHOTS = Path(os.environ.get("ADJOURN_SCREENSHOTS") or ".screenshots")


def open_chat(page: Page, running: Running) -> None:
    page.goto(f"{running.url}/chat")
    expect(page.get_by_label("Your message")).to_be_focused()


def say(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#stop")).to_be_hidden()
    expect(page.get_by_role("status")).not_to_have_text(re.compile("answering"))


def insult_to_the_end(page: Page) -> None:
    for _ in range(5):
        say(page, "you idiot")


def shot(page: Page, name: str) -> None:
    """Keep a picture for people to look at, if they asked for it by making the folder."""
    if SHOTS.is_dir():
        page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


def check(page: Page) -> None:
    """No accessibility fault, in light and in dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["impact"]) for one in found] == []
    page.emulate_media(color_scheme="light")


@pytest.mark.slow
def test_an_ordinary_chat(page: Page, run: Run) -> None:
    open_chat(page, run(script=says("There are **two** of them.")))
    shot(page, "start")
    check(page)
    say(page, "How many moons has Mars?")
    expect(page.locator(".assistant .bubble")).to_have_text("There are two of them.")
    expect(page.locator(".bubble strong")).to_have_text("two")
    expect(page.get_by_label("Your message")).to_be_focused()
    check(page)


@pytest.mark.slow
def test_abuse_to_the_end_and_beyond(page: Page, run: Run) -> None:
    running = run()
    open_chat(page, running)
    insult_to_the_end(page)
    expect(page.locator("li.warn .who")).to_have_text("Warning from the model")
    ended = page.locator("#ended")
    expect(ended).to_be_focused()
    expect(ended).to_contain_text("Your account and your other conversations are not affected.")
    expect(page.locator("#compose")).to_be_hidden()
    expect(page.locator("#crisis")).to_be_hidden()
    shot(page, "ended")
    check(page)
    page.get_by_role("button", name="Continue from an earlier message").click()
    page.locator("li.user").nth(1).get_by_role("button", name="Edit").click()
    say(page, "Sorry. Can you help me with a poem?")
    expect(ended).to_be_hidden()
    expect(page.locator("li.user .tools").last).to_contain_text(
        "Version 2 of 2 (ended versions beside this one: 1)"
    )
    shot(page, "branch")
    check(page)
    page.get_by_role("button", name="Previous version").click()
    expect(ended).to_be_visible()
    page.get_by_role("button", name="Start a new chat").click()
    expect(page.locator("li")).to_have_count(0)
    say(page, "hello")
    expect(page.locator(".assistant .bubble")).to_have_text("Fine.")


@pytest.mark.slow
def test_a_warning_can_be_asked_to_be_marked_as_read(page: Page, run: Run) -> None:
    open_chat(page, run(config={"chat": {"acknowledge_warnings": True}}))
    tick = page.get_by_label("I have read the warning")
    for _ in range(2):
        say(page, "you idiot")
        expect(tick).to_be_hidden()
    say(page, "you idiot")
    expect(tick).to_be_visible()
    check(page)
    page.get_by_label("Your message").fill("Sorry")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("li.user")).to_have_count(3)
    tick.check()
    page.get_by_role("button", name="Send").click()
    expect(page.locator("li.user")).to_have_count(4)
    expect(tick).to_be_hidden()


@pytest.mark.slow
def test_a_crisis_needs_no_mark(page: Page, run: Run) -> None:
    open_chat(page, run(config={"chat": {"acknowledge_warnings": True}}))
    for text in ("you idiot", "you idiot", "crisis"):
        say(page, text)
    expect(page.get_by_label("I have read the warning")).to_be_hidden()
    say(page, "you idiot")


@pytest.mark.slow
def test_the_conversation_can_be_saved(page: Page, run: Run) -> None:
    open_chat(page, run())
    insult_to_the_end(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save this conversation").click()
    saved = Path(download.value.path()).read_text()
    assert saved.count("You: you idiot") == 5


@pytest.mark.slow
def test_crisis_in_the_middle_of_abuse(page: Page, run: Run) -> None:
    open_chat(page, run())
    page.get_by_label("Help lines for").select_option("GB")
    for text in ("you idiot", "you idiot", "crisis, you idiot"):
        say(page, text)
    crisis = page.locator("#crisis")
    expect(crisis).to_be_focused()
    expect(crisis.locator("a").first).to_have_text("999")
    expect(crisis).to_contain_text("116 123")
    shot(page, "crisis")
    check(page)
    for _ in range(4):
        say(page, "you idiot")
        expect(crisis).to_be_visible()
        expect(page.locator("#ended")).to_be_hidden()
    expect(page.locator("#compose")).to_be_visible()


@pytest.mark.slow
def test_a_pause_is_told_and_goes_by_itself(page: Page, run: Run) -> None:
    """The browser's clock and the gateway's are two: only how long it lasts is between them."""
    watch = Watch()
    page.clock.install(time=0)
    running = run(policy=replace(POLICY, pause=PauseRules(enabled=True, seconds=600)), clock=watch)
    open_chat(page, running)
    page.get_by_label("Help lines for").select_option("GB")
    paused = page.locator("#paused")
    say(page, "crisis")
    expect(paused).to_be_hidden()
    say(page, "still crisis")
    at = page.evaluate(
        "new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit' })"
        ".format(Date.now() + 600_000)"
    )
    line = f"The answers pause here and go on at {at}. You can keep writing."
    expect(page.get_by_role("status")).to_have_text(line)
    expect(page.locator("#crisis")).to_contain_text("116 123")
    expect(page.locator("#ended")).to_be_hidden()
    shot(page, "pause")
    check(page)
    watch.wall_ms += 60_000
    page.clock.run_for(60_000)
    say(page, "are you there?")
    expect(paused).to_have_text(line)
    expect(page.locator(".assistant .bubble").last).to_contain_text("at most 10 min")
    page.locator("li.user").nth(1).get_by_role("button", name="Edit").click()
    say(page, "can you help me with a poem?")
    expect(paused).to_be_hidden()
    page.get_by_role("button", name="Previous version").click()
    expect(paused).to_have_text(line)
    page.get_by_role("button", name="New chat").click()
    expect(paused).to_be_hidden()
    page.clock.run_for(1)


@pytest.mark.slow
def test_a_pause_that_is_over_leaves_no_trace(page: Page, run: Run) -> None:
    watch = Watch()
    page.clock.install(time=0)
    running = run(policy=replace(POLICY, pause=PauseRules(enabled=True, seconds=600)), clock=watch)
    open_chat(page, running)
    for text in ("crisis", "crisis"):
        say(page, text)
    expect(page.locator("#paused")).to_be_visible()
    watch.wall_ms += 600_000
    page.clock.run_for(600_000)
    expect(page.locator("#paused")).to_be_hidden()
    say(page, "hello")
    expect(page.locator(".assistant .bubble").last).to_contain_text("Fine.")
    expect(page.locator("#paused")).to_be_hidden()
    check(page)


@pytest.mark.slow
def test_an_unknown_country_gets_no_other_country_s_line(page: Page, run: Run) -> None:
    open_chat(page, run())
    say(page, "crisis")
    expect(page.locator("#resources")).to_contain_text("your local emergency number")
    expect(page.locator("#resources .dial")).to_have_count(0)
    expect(page.locator("#resources a")).to_have_attribute("href", "https://findahelpline.com")


@pytest.mark.parametrize("confirms", [True, False])
@pytest.mark.slow
def test_the_user_ends_it(page: Page, run: Run, confirms: bool) -> None:
    open_chat(page, run())
    say(page, "finish this")
    shot(page, "asked-back")
    check(page)
    if confirms:
        page.get_by_role("button", name="Yes, end it").click()
        expect(page.locator("#ended")).to_contain_text("You asked for it.")
    else:
        page.get_by_role("button", name="No, go on").click()
        say(page, "what about tomorrow?")
        expect(page.locator(".assistant .bubble").last).to_have_text("Fine.")


@pytest.mark.slow
def test_a_cut_answer_is_told_and_can_be_tried_again(page: Page, run: Run) -> None:
    cut = Answer(headers={"content-type": "text/event-stream"}, pieces=[chunk({"content": "He"})])
    answers = [cut]

    def script(asked: Asked) -> Answer:
        return answers.pop() if answers else says("Fine.")(asked)

    open_chat(page, run(script=script))
    say(page, "hello")
    expect(page.get_by_role("status")).to_have_text(re.compile("broke off"))
    expect(page.locator(".assistant")).to_have_count(0)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".assistant .bubble")).to_have_text("Fine.")


@pytest.mark.slow
def test_markup_in_messages_stays_text(page: Page, run: Run) -> None:
    evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
    open_chat(page, run(script=says(evil)))
    say(page, evil)
    expect(page.locator(".bubble").first).to_have_text(evil)
    expect(page.locator(".bubble").last).to_have_text(evil)
    expect(page.locator("li img, li script")).to_have_count(0)


@pytest.mark.slow
def test_no_live_region_speaks_every_token(page: Page, run: Run) -> None:
    open_chat(page, run(script=says(" ".join(["word"] * 30))))
    page.evaluate("""() => {
        window.spoken = [];
        for (const region of document.querySelectorAll('[role=status], [role=alert], [aria-live]'))
            new MutationObserver(() => window.spoken.push(region.textContent))
                .observe(region, { childList: true, subtree: true, characterData: true });
    }""")
    say(page, "hello")
    spoken = page.evaluate("() => window.spoken")
    assert len(spoken) <= 2, spoken


@pytest.mark.slow
def test_the_keyboard_is_enough(page: Page, run: Run) -> None:
    open_chat(page, run())
    page.keyboard.type("hello")
    page.keyboard.press("Enter")
    expect(page.locator(".assistant .bubble")).to_have_text("Fine.")
    page.keyboard.type("two")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("lines")
    page.keyboard.press("Enter")
    expect(page.locator(".user .bubble").last).to_have_text("two\nlines")


@pytest.mark.slow
def test_a_phone(page: Page, run: Run) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    open_chat(page, run())
    page.emulate_media(color_scheme="dark")
    insult_to_the_end(page)
    shot(page, "phone-dark")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320


def test_the_page_is_small_and_strict(run: Run) -> None:
    http = run().http()
    page = http.get("/chat")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    names = re.findall(r"/chat/static/([\w.]+)", page.text)
    names += ["api.js", "crisis.js", "tree.js", "words.js"]
    files = [http.get(f"/chat/static/{name}") for name in names]
    assert all(file.status_code == 200 for file in files)
    assert len(page.content) + sum(len(file.content) for file in files) < 100_000
    for hostile in ("..%2Froutes.py", "routes.py", "%2e%2e/chat.css", "none.js"):
        assert http.get(f"/chat/static/{hostile}").status_code == 404
