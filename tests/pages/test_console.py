"""The console in a browser: accessible, and worth looking at."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.console.test_console import POLICY, USERS, abuse

from .test_chat import Run, check, shot

pytestmark = pytest.mark.slow


def test_the_whole_console(page: Page, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(POLICY)
    running = run(policy_file=file, config={"console": {"users": USERS}})
    node = abuse(running)
    page.goto(f"{running.url}/console")
    check(page)
    page.get_by_label("Your key").fill("key of olga")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Figures")).to_be_visible()
    shot(page, "console-figures")
    check(page)
    page.get_by_role("link", name=node[:12]).click()
    expect(page.get_by_role("img")).to_be_visible()
    shot(page, "console-end")
    check(page)
    page.get_by_role("link", name="Ends").click()
    page.get_by_label("Search").fill("abuse")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("status")).to_have_text("1 found.")
    check(page)
    page.get_by_role("link", name="Policy").click()
    page.get_by_label("Document").fill(POLICY.replace("0.8", "0.99").replace('"1"', '"2"'))
    page.get_by_role("button", name="Check, prove and compare").click()
    expect(page.get_by_text("Every law is proved")).to_be_visible()
    shot(page, "console-policy")
    check(page)
    page.get_by_role("button", name="Put in force").click()
    expect(page.get_by_role("status")).to_have_text("mine 2 is in force.")
    page.get_by_role("link", name="Help lines").click()
    shot(page, "console-helplines")
    check(page)
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto(f"{running.url}/console/ends/{node}")
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    check(page)
