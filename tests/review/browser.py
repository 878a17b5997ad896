"""A real Chromium that fails the test when a page is not accessible, breaks its own policy, or asks another host."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect, sync_playwright

from tests.review.office import Office, Somebody
from tests.servers.process import MissingServerError

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
WIDTHS = (1280, 320)
PATIENCE = 30_000
"""Milliseconds: nothing waits so long unless the machine is busy or the page is broken."""
expect.set_options(timeout=PATIENCE)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window; the sandbox needs a user other than root."""
    path = shutil.which("chromium")
    if path is None:
        raise MissingServerError("Chromium is not installed: run 'make servers', or install the package chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One browser profile at one office, and everything that went wrong in it."""

    def __init__(self, browser: Browser, office: Office, *, width: int = 1280, javascript: bool = True) -> None:
        self.office = office
        self.troubles: list[str] = []
        self.context: BrowserContext = browser.new_context(
            base_url=office.url,
            viewport={"width": width, "height": 900},
            java_script_enabled=javascript,
            locale="it-IT",
            # Our policy forbids scripts from outside; axe is let in by the browser itself, not by the page.
            bypass_csp=False,
        )
        self.context.set_default_timeout(PATIENCE)
        self.context.on("request", self._watch)
        self.context.on("console", self._hear)
        self.page: Page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.troubles.append(f"script error: {error}"))

    def sign_in(self, person: Somebody) -> None:
        """Be signed in without the forms."""
        self.context.add_cookies([{"name": "sessione", "value": self.office.session(person), "url": self.office.url}])

    def _watch(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "about", "blob") and parts.netloc != urlsplit(self.office.url).netloc:
            self.troubles.append(f"asked another host: {parts.netloc}")

    def _hear(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.troubles.append(message.text[:80] + " ... " + message.text[-120:])

    def close(self) -> None:
        """End the visit; whatever went wrong fails the test."""
        self.context.close()
        assert self.troubles == [], self.troubles


def axe(page: Page) -> None:
    """Fail on any violation of WCAG 2.1 A and AA or of axe's best practices, in the page as it is now."""
    # Through the debugger, which the page's policy does not concern.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
        ".map(v => `${v.id}: ${v.help} :: ` + v.nodes.map("
        "n => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '')).join(' | '))"
    )
    assert found == [], f"{urlsplit(page.url).path}: " + "\n".join(found)


def unchecked(page: Page) -> None:
    """Let the page's forms be sent as a browser would send them that does not look at required fields."""
    page.evaluate("for (const form of document.forms) form.noValidate = true")


def refused(field: Locator, says: str, of: Locator | None = None) -> None:
    """The field has the focus, is marked as wrong, and is described by the sentence that says why.

    ``of``: what carries the mark where the field is one choice of several.
    """
    expect(field).to_be_focused()
    marked = of if of is not None else field
    expect(marked).to_have_attribute("aria-invalid", "true")
    expect(marked).to_have_accessible_description(re.compile(re.escape(says)))


def fits(page: Page) -> None:
    """Fail where a page must be scrolled sideways (WCAG 1.4.10)."""
    wide, seen = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= seen, f"{urlsplit(page.url).path}: {wide} px wide in {seen}"
