"""The demo's own page, on loopback: whose mail arrived, and a form that writes to the general mailbox.

Enters: what the demo's SMTP server took, and a function that puts octets into the mailbox. Leaves: plain pages without
scripts. Refused: any other interface, names that are not this machine's, forms of other sites. There is no sign-in:
the mail is invented, and only the demo has this page.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jinja2

from triage.demo.letters import Arrived, Draft, arrived, as_delivered
from triage.demo.loopback import LOOPBACK
from triage.demo.smtp_server import AcceptedMessage

MOST = 200_000
"""Octets that the form may send."""
_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Post:
    """What the page shows and does. ``names``: of addresses that are no family's; ``examples``: where to begin."""

    ours: str
    names: Mapping[str, str]
    examples: Sequence[tuple[str, Draft]]
    messages: Callable[[], Sequence[AcceptedMessage]]
    deliver: Callable[[bytes], object]
    staff_page: str = ""


class MailPage:
    """Serves between :meth:`start` and :meth:`stop`, in threads of its own, on a free port."""

    def __init__(self, post: Post) -> None:
        self._server = _Server((LOOPBACK, 0), _Handler)
        self._server.post = post
        self._thread = threading.Thread(target=self._server.serve_forever, name="demo mail page", daemon=True)

    @property
    def address(self) -> str:
        """What people type to open it."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def start(self) -> None:
        """Serve; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Serve no more, and give the port back."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    post: Post

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.token = secrets.token_urlsafe(16)
        self.pages = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
        )


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the demo's window shows what the service does."""

    def do_GET(self) -> None:
        path, asked = self._asked()
        if not self._is_ours():
            self._answer(403, "text/plain", "")
        elif path == "/":
            self._page("arrived.html", groups=_groups(self._arrived(), self.server.post.names))
        elif path == "/scrivi":
            self._form(self._begun(asked))
        elif path == "/stile.css":
            self._answer(200, "text/css", (_TEMPLATES / "style.css").read_text(encoding="utf-8"))
        else:
            self._answer(404, "text/plain", "Questa pagina non c'è.")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not self._is_ours() or not length.isdigit() or int(length) > MOST or self._asked()[0] != "/scrivi":
            self._answer(403, "text/plain", "")
            return
        sent = parse_qs(self.rfile.read(int(length)).decode("utf-8", "replace"))
        given = {name: values[0] for name, values in sent.items()}
        if not secrets.compare_digest(given.get("token", "").encode(), self.server.token.encode()):
            self._answer(403, "text/plain", "")
            return
        draft = Draft(*(given.get(name, "") for name in ("da", "oggetto", "testo", "risponde_a")))
        try:
            octets = as_delivered(draft, self.server.post.ours, datetime.now(UTC))
        except ValueError as error:
            self._form(draft, str(error), 422)
            return
        self.server.post.deliver(octets)
        self._page("sent.html", draft=draft)

    def _asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}

    def _is_ours(self) -> bool:
        """A foreign page must not reach us by a name that it makes lead here."""
        port = self.server.server_address[1]
        return self.headers.get("Host", "") in (f"{LOOPBACK}:{port}", f"localhost:{port}")

    def _arrived(self) -> list[Arrived]:
        return arrived(self.server.post.messages(), self.server.post.ours)

    def _begun(self, asked: Mapping[str, str]) -> Draft:
        """An example, an answer to an arrived mail or one of its links; else an empty form."""
        examples = dict(self.server.post.examples)
        if draft := examples.get(asked.get("esempio", "")):
            return draft
        for mail in self._arrived():
            if (str(mail.number), mail.to) == (asked.get("risposta"), asked.get("a")):
                link = asked.get("link", "")
                chosen = mail.links[int(link)] if link.isdecimal() and int(link) < len(mail.links) else mail.answer
                return chosen or Draft(mail.to)
        return Draft()

    def _form(self, draft: Draft, wrong: str = "", status: int = 200) -> None:
        self._page("write.html", status, draft=draft, wrong=wrong, examples=self.server.post.examples)

    def _page(self, template: str, status: int = 200, **values: object) -> None:
        post = self.server.post
        known = {"ours": post.ours, "staff_page": post.staff_page, "token": self.server.token}
        self._answer(status, "text/html", self.server.pages.get_template(template).render(**known, **values))

    def _answer(self, status: int, content_type: str, text: str) -> None:
        octets = text.encode("utf-8")
        self.send_response(status)
        for name, value in (
            ("Content-Type", f"{content_type}; charset=utf-8"),
            ("Content-Length", str(len(octets))),
            ("Content-Security-Policy", _POLICY),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(octets)


Inbox = tuple[str, str, list[Arrived]]
"""An address, whose it is, and its mail, the newest first."""


def _groups(mails: Sequence[Arrived], names: Mapping[str, str]) -> list[tuple[str, list[Inbox]]]:
    """Centres and colleagues, then families; whoever got something last stands first."""
    inboxes: dict[str, list[Arrived]] = {}
    for mail in reversed(mails):
        inboxes.setdefault(mail.to, []).append(mail)
    named = [(to, names[to], its) for to, its in inboxes.items() if to in names]
    families = [(to, "", its) for to, its in inboxes.items() if to not in names]
    return [("Centri e colleghi", named), ("Famiglie e altri che hanno scritto", families)]
