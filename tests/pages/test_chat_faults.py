"""The chat page when something goes wrong, or the user does things at odd moments."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.gateway.conftest import Running
from tests.gateway.model_server import Answer, Asked, chunk, says

from .test_chat import open_chat, say

Run = Callable[..., Running]
EVENTS = {"content-type": "text/event-stream"}
CUT = Answer(headers=EVENTS, pieces=[chunk({"content": "He"})])
HANGS = Answer(headers=EVENTS, pieces=[chunk({"content": "He"})], ending="hang")


def first(*answers: Answer) -> Callable[[Asked], Answer]:
    """These answers, one a request, then an ordinary one."""
    left = list(answers)

    def script(asked: Asked) -> Answer:
        return left.pop(0) if left else says("Fine.")(asked)

    return script


def send(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.get_by_role("button", name="Send").click()


@pytest.mark.slow
def test_help_is_shown_even_if_the_answer_breaks_off(page: Page, run: Run) -> None:
    """The gateway's own words of support come behind what the model had said."""
    open_chat(page, run(script=first(CUT)))
    page.get_by_label("Help lines for").select_option("GB")
    say(page, "crisis")
    crisis = page.locator("#crisis")
    expect(crisis).to_be_focused()
    expect(crisis.locator("a").first).to_have_text("999")
    expect(page.locator("#messages > li").last).to_contain_text("He")
    expect(page.locator("#messages > li").last).to_contain_text("999")
    expect(page.get_by_role("status")).not_to_contain_text("broke off")


@pytest.mark.slow
def test_help_is_shown_before_a_slow_answer_is_complete(page: Page, run: Run) -> None:
    open_chat(page, run(script=first(HANGS)))
    send(page, "crisis")
    expect(page.locator("#crisis")).to_be_visible()
    expect(page.locator("#stop")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("status")).to_contain_text("Stopped")
    expect(page.locator("#crisis")).to_be_focused()


@pytest.mark.slow
def test_a_new_chat_in_the_middle_of_an_answer(page: Page, run: Run) -> None:
    open_chat(page, run(script=first(HANGS)))
    send(page, "hello")
    expect(page.locator(".assistant .bubble")).to_have_text("He")
    page.get_by_role("button", name="New chat").click()
    expect(page.locator("#messages li")).to_have_count(0)
    expect(page.locator("#stop")).to_be_hidden()
    say(page, "hello again")
    expect(page.locator(".bubble")).to_have_text(["hello again", "Fine."])
    expect(page.get_by_role("status")).to_have_text("The model has answered.")


@pytest.mark.slow
def test_a_stopped_answer_can_be_asked_for_again(page: Page, run: Run) -> None:
    open_chat(page, run(script=first(HANGS)))
    send(page, "hello")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".bubble")).to_have_text(["hello", "Fine."])


@pytest.mark.slow
def test_an_edit_can_be_left(page: Page, run: Run) -> None:
    open_chat(page, run())
    say(page, "hello")
    edit = page.get_by_role("button", name="Edit")
    leaves: list[Callable[[], None]] = [
        lambda: page.keyboard.press("Escape"),
        lambda: page.locator("#cancel").click(),
    ]
    for leave in leaves:
        edit.click()
        expect(page.get_by_label("Your message")).to_have_value("hello")
        leave()
        expect(page.get_by_label("Your message")).to_have_value("")
        expect(edit).to_be_focused()
    say(page, "more")
    expect(page.locator(".user .bubble")).to_have_text(["hello", "more"])


@pytest.mark.slow
def test_the_keyboard_moves_between_versions(page: Page, run: Run) -> None:
    open_chat(page, run())
    for text in ("one", "two", "three"):
        if text != "one":
            page.get_by_role("button", name="Edit").click()
        say(page, text)
    page.get_by_role("button", name="Previous version").focus()
    for shown in ("two", "one"):
        page.keyboard.press("Enter")
        expect(page.locator(".user .bubble")).to_have_text(shown)
    expect(page.get_by_role("button", name="Next version")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("Version 1 of 3")


@pytest.mark.slow
def test_a_server_without_https_and_far_away_is_enough(page: Page, run: Run) -> None:
    """What a page has that came over plain HTTP from another machine: no crypto.randomUUID."""
    page.add_init_script("delete Crypto.prototype.randomUUID")
    open_chat(page, run())
    say(page, "hello")
    expect(page.locator(".assistant .bubble")).to_have_text("Fine.")


@pytest.mark.parametrize(("width", "height"), [(375, 700), (1000, 760)])
@pytest.mark.slow
def test_help_is_not_covered_by_the_input(page: Page, run: Run, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    open_chat(page, run())
    page.get_by_label("Help lines for").select_option("GB")
    say(page, "hello")
    say(page, "crisis")
    expect(page.locator("#crisis")).to_be_focused()
    panel, dock = page.locator("#crisis").bounding_box(), page.locator(".dock").bounding_box()
    assert panel
    assert dock
    assert panel["y"] >= 0
    assert panel["y"] + panel["height"] <= dock["y"]


@pytest.mark.slow
def test_the_end_of_an_answer_is_not_covered_by_the_input(page: Page, run: Run) -> None:
    open_chat(page, run(script=says("word " * 200)))
    say(page, "hello")
    say(page, "hello")
    bubble, dock = page.locator(".bubble").last.bounding_box(), page.locator(".dock").bounding_box()
    assert bubble
    assert dock
    assert bubble["y"] + bubble["height"] <= dock["y"]
