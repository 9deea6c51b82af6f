"""From abuse to the end, to an objection, to its reversal, to going on: two people, one browser."""

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from adjourn.core.audiences import Audience
from adjourn.core.policy import Minors
from tests.console.test_console import USERS
from tests.core.tabletop import POLICY
from tests.gateway.model_server import says

from .test_chat import Run, check, insult_to_the_end, open_chat, say, shot


def other_page(page: Page) -> Page:
    assert page.context.browser
    return page.context.browser.new_page()


@pytest.mark.slow
def test_abuse_end_appeal_reversal_and_going_on(page: Page, run: Run) -> None:
    running = run(config={"console": {"users": USERS}})
    open_chat(page, running)
    insult_to_the_end(page)
    # The address is that of the gateway's public name; here it is this machine.
    appeal = page.get_by_role("link", name="Object to this").get_attribute("href")
    assert appeal
    user = other_page(page)
    user.goto(f"{running.url}{appeal}")
    shot(user, "statement")
    check(user)
    user.get_by_role("link", name="العربية").click()
    expect(user.locator("html")).to_have_attribute("dir", "rtl")
    shot(user, "statement-ar")
    check(user)
    user.get_by_role("link", name="English").click()
    user.get_by_label("What should we know?").fill("I was quoting a play.")
    user.get_by_role("button", name="Object to this end").click()
    expect(user.get_by_text("It waits for a person")).to_be_visible()
    check(user)
    reviewer = other_page(page)
    reviewer.goto(f"{running.url}/console")
    reviewer.get_by_label("Your key").fill("key of rene")
    reviewer.get_by_role("button", name="Sign in").click()
    reviewer.get_by_role("link", name="Appeals").click()
    expect(reviewer.get_by_text("1 to decide.")).to_be_visible()
    check(reviewer)
    reviewer.locator("tbody a").click()
    expect(reviewer.get_by_text("I was quoting a play.")).to_be_visible()
    shot(reviewer, "console-appeal")
    check(reviewer)
    reviewer.get_by_role("button", name="Take it up").click()
    reviewer.get_by_label("Why").select_option("context")
    reviewer.get_by_label("Answer to the user").fill("You were right, sorry.")
    reviewer.get_by_role("button", name="Reverse").click()
    expect(reviewer.get_by_text("Appeal: reversed")).to_be_visible()
    check(reviewer)
    user.reload()
    expect(user.get_by_role("heading", level=1)).to_have_text("This conversation is open again")
    expect(user.get_by_text("You were right, sorry.")).to_be_visible()
    shot(user, "statement-reversed")
    check(user)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.get_by_role("status")).to_have_text("The end was reversed. You can go on here.")
    expect(page.locator("#ended")).to_be_hidden()
    say(page, "hello")
    expect(page.locator(".assistant .bubble").last).to_have_text("Fine.")
    check(page)
    for one in (user, reviewer):
        one.close()


@pytest.mark.slow
def test_a_minor_sees_no_romantic_reply_and_is_helped_in_a_crisis(page: Page, run: Run) -> None:
    for_minors = replace(
        POLICY, unknown_audience=Audience.MINOR, minors=Minors(screen_replies=True, threshold=0.5)
    )
    open_chat(page, run(policy=for_minors, script=says("Well. You look sexy tonight. Bye.")))
    say(page, "hello")
    bubble = page.locator(".assistant .bubble")
    expect(bubble).to_contain_text("I can't talk about that here.")
    expect(bubble).not_to_contain_text("sexy")
    shot(page, "minor")
    check(page)
    say(page, "crisis")
    expect(page.locator("#crisis")).to_be_visible()
    expect(page.locator("#ended")).to_be_hidden()
