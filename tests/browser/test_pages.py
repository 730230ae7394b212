"""The pages in a real browser: Debian's chromium, wide and narrow, light and dark."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from engine.adapters.databases.connect import open_definitions, open_instances
from engine.core.events import TaskSucceeded
from engine.web.headers import SecurityHeaders
from tests.web.definitions import GATE, NIGHTLY, RELEASE
from tests.web.nested import FLEET, under_way, wide
from tests.web.world import World, api, populate, release_until_approval, served
from webhooks.approvals import routes

CHROMIUM = Path(os.environ.get("HEADRACE_TEST_CHROMIUM", "/usr/bin/chromium"))
REQUIRED = "browser" in os.environ.get("HEADRACE_TEST_REQUIRE", "")
"""Where the pages must be looked at, a missing browser is a failure."""

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]
VIEWS = [(width, scheme) for width in (390, 1440) for scheme in ("light", "dark")]
PAGES = (
    "/", "/?state=failed", "/instances/{succeeded}", "/instances/{failed}", "/instances/{running}", "/instances/{waiting}",
    "/instances/{cancelled}", "/instances/{nested}", "/instances/{wide}", "/instances/{wide}/part?scope=ping", "/workflows/fleet", "/workflows", "/workflows/release", "/approvals", "/approvals?state=any", "/deliveries",
    "/deliveries/d-started", "/syncs", "/login", "/nope",
)  # fmt: skip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM.exists() and not REQUIRED,
        reason=f"{CHROMIUM} is not installed: pages were not looked at in a browser",
    ),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('browser') / 'h.db'}"
    for database in (open_instances(url), open_definitions(url)):
        database.upgrade()
        database.close()
    made = World(url)
    made.ids = populate(made)
    long = "a-rather-long-name-of-a-thing-that-nobody-shortened-" * 4
    made.ids["long"] = release_until_approval(made)
    made.log(made.ids["long"], "scan", long * 3)
    made.load(RELEASE, GATE, NIGHTLY, FLEET, wide(600))
    made.ids["nested"] = under_way(made)
    made.ids["wide"] = made.start("wide")
    made.settle()
    made.succeed(made.ids["wide"], "ping[0]")
    made.fail(made.ids["wide"], "ping[599]", {"kind": "http_status", "message": long})
    made.delivery("d-long", "failed", reason=long, event=long[:80])
    made.definitions.record_sync(made.report("failed", None, error=long, message=long))
    yield made
    made.close()


@pytest.fixture(scope="module")
def site(world):
    with api(world) as client:
        yield str(client.base_url).rstrip("/")


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def look(chromium):
    """Opens pages in one view, and keeps what the console says."""
    contexts = []

    def open_(width, scheme, **options):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.said = []
        page.on(
            "console",
            lambda message: page.said.append(f"{page.url}: {message.text}") if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: page.said.append(f"{page.url}: {error}"))
        return page

    yield open_
    for context in contexts:
        context.close()


def scrolls_sideways(page):
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def contrasts(page):
    """Texts whose contrast with what is behind them is below WCAG AA (4.5:1), by the colours that the browser computed."""
    return page.evaluate(Path(__file__).with_name("contrast.js").read_text())


def seen_every_way(page, what):
    """Narrow and wide, light and dark: nothing scrolls sideways, everything can be read."""
    for width, scheme in VIEWS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert not scrolls_sideways(page), (what, width)
        assert contrasts(page) == [], (what, width, scheme)


def test_pages_fit_and_are_quiet(look, site, world):
    page = look(1440, "light")
    for path in (*PAGES, "/instances/{long}", "/deliveries/d-long"):
        page.goto(site + path.format(**world.ids))
        page.evaluate(
            "document.querySelectorAll('main details:not(.menu)').forEach(details => { details.open = true })"
        )
        seen_every_way(page, path)
        if path.startswith("/instances/"):
            tasks = page.evaluate(
                "Array.from(document.querySelectorAll('[data-task][data-state]'), e => e.dataset.task)"
            )
            assert len(tasks) == len(set(tasks)) > 0
    assert [line for line in page.said if "/nope" not in line] == []


def test_approval_pages_fit_and_are_quiet(look, world):
    opened = world.instances.approvals.at(world.ids["long"], "approve")
    token = world.link(opened.id, "cleo", "cleo-0123456789abcdef")
    services = world.services
    app = Starlette(
        routes=routes(
            approver=services.approver, approvals=services.approvals, reader=services.reader, links=services.links
        ),
        middleware=[Middleware(SecurityHeaders)],
    )
    with served(app) as url:
        page = look(390, "light")
        for path in (f"/approvals/{token}", f"/approvals/at/{opened.id}", "/approvals/nope"):
            page.goto(url + path)
            seen_every_way(page, path)
        page.goto(f"{url}/approvals/{token}")
        page.fill("[name='form.change_ticket']", "nope")
        page.click("text=Approve >> nth=-1")
        page.wait_for_selector(".problem")
        assert page.input_value("[name='form.change_ticket']") == "nope"
        seen_every_way(page, "a form that does not fit")
        page.close()
    assert [line for line in page.said if "422" not in line and "404" not in line] == []


def test_an_instance_page_follows_what_happens(look, site, world):
    instance = world.start("nightly-cleanup")
    page = look(1440, "light")
    page.goto(f"{site}/instances/{instance}")
    assert page.get_attribute("[data-task=list_images]", "data-state") == "queued"
    world.succeed(instance, "list_images")
    page.wait_for_selector("[data-task=list_images][data-state=succeeded]", timeout=15_000, state="attached")
    world.tell(instance, TaskSucceeded(task="delete", attempt=1, outputs={}))
    page.wait_for_selector("h1 .badge.good", timeout=15_000)
    assert page.said == []


def test_what_is_within_a_task_can_be_opened_and_stays_so(look, site, world):
    page = look(1440, "light")
    page.goto(f"{site}/instances/{world.ids['nested']}")
    row = page.locator("[id='task-ping-host-07-']")
    assert not row.is_visible(), "many items are folded"
    page.click("[data-task='ping[host-13]']")
    page.wait_for_selector("[id='task-ping-host-13-']", state="visible")
    assert row.is_visible(), "a small node leads to its row, and unfolds it"
    page.click("[id='b-task-deploy-eu--probe'] > summary")
    assert not page.locator("[id='task-deploy-eu--probe-2']").is_visible()
    world.succeed(world.ids["nested"], "deploy[eu]/probe#3", {})
    page.wait_for_selector("[data-task='deploy[eu]/probe#4']", timeout=15_000, state="attached")
    assert row.is_visible()
    assert not page.locator("[id='task-deploy-eu--probe-4']").is_visible(), "what was folded stays so"
    assert page.said == []


def test_a_workflow_is_started_and_cancelled_without_scripts(look, site):
    page = look(390, "light", java_script_enabled=False)
    page.goto(f"{site}/workflows/gate")
    page.click("text=Start gate")
    assert re.search(r"/instances/[0-9a-f-]+$", page.url)
    page.click("summary:has-text('Cancel')")
    page.fill("#cancel [name=reason]", "only looking")
    page.click("text=Cancel the instance")
    assert page.text_content("h1 .badge") == "cancelled"
    assert page.said == []


def test_everything_can_be_reached_by_keyboard(look, site, world):
    page = look(1440, "light")
    page.goto(f"{site}/instances/{world.ids['succeeded']}")
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.textContent.trim().slice(0, 40)"))
    assert "Skip to the content" in seen
    assert any(text.startswith("deploy") for text in seen), "the nodes of the graph are links"
    assert any(text.startswith("History") for text in seen)
