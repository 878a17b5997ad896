"""An office for tests: the app on a free port over a real record, people of each role, and browsers to open it with.

Passwords are hashed with little effort here, else each test would wait for argon2.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyotp
from argon2 import PasswordHasher

from triage.acts import passwords
from triage.acts.people import SECOND_FACTOR, Role
from triage.dispatch.text_files import load_texts
from triage.knowledge import Knowledge
from triage.listening import Listening
from triage.reading import ParsedMessages
from triage.record import Store
from triage.record.people import add_person, set_totp
from triage.record.sessions import begin_session
from triage.review.app import create_app
from triage.review.desk import Desk
from triage.review.serving import PageServer
from triage.settings import load_settings, without_accounts

ROOT = Path(__file__).parent.parent.parent
DEMO_RULES = ROOT / "triage" / "demo" / "routing_rules.yaml"
MODEL = ROOT / "models" / "model.skops"
PASSWORD = "quattro lampioni verdi in salita"
NAMES = {
    Role.READER: ("lina.vedi", "Lina Vedi"),
    Role.OPERATOR: ("anna.rossi", "Anna Rossi"),
    Role.RESPONSIBLE: ("bruno.verdi", "Bruno Verdi"),
    Role.ADMINISTRATOR: ("carla.neri", "Carla Neri"),
    Role.DATA_PROTECTION: ("dario.bruni", "Dario Bruni"),
}
FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Somebody:
    """An account that tests sign in with."""

    id: int
    name: str
    display: str
    role: Role
    secret: str

    def code(self, at: datetime) -> str:
        """What the telephone shows."""
        return pyotp.TOTP(self.secret).at(at)


class Office:
    """The running page. ``woken`` counts wake-ups that pages gave."""

    def __init__(self, store: Store, *, url: str = "", totp_required: bool = True, model: Path = MODEL) -> None:
        self.store = store
        settings = load_settings(
            without_accounts({"TRIAGE_RULES": str(DEMO_RULES), "TRIAGE_MODEL": str(model)}), "page-test"
        )
        self.knowledge = _knowledge(store, settings.rules_path, model)
        self.woken = {"decide": 0, "dispatch": 0, "file": 0}
        listening = Listening("127.0.0.1", 0, url)
        self._server = PageServer(listening)
        self.desk = Desk(
            store,
            self.knowledge,
            settings,
            load_texts(),
            ParsedMessages(),
            listening,
            decide_wake=lambda: self._wake("decide"),
            dispatch_wake=lambda: self._wake("dispatch"),
            file_wake=lambda: self._wake("file"),
            totp_required=totp_required,
        )
        self.app = create_app(self.desk)
        self._server.start(self.app)
        self.port = self._server.port
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop serving; the store stays open."""
        self._server.stop()

    def _wake(self, name: str) -> None:
        self.woken[name] += 1

    def somebody(self, role: Role = Role.OPERATOR, *, password: str = PASSWORD, totp: bool | None = None) -> Somebody:
        """An account of this role; with codes where the role needs them, or as told."""
        name, display = NAMES[role]
        name = f"{name}{next(_numbers)}"
        with_code = totp if totp is not None else role in SECOND_FACTOR
        secret = passwords.new_totp_secret() if with_code else ""
        with self.store.write("somebody") as tx:
            number = add_person(tx, name, display, role, FAST.hash(password))
            assert number is not None
            if secret:
                set_totp(tx, number, secret, 0, [])
        return Somebody(number, name, display, role, secret)

    def session(self, person: Somebody) -> str:
        """A session's token, as if the person had signed in."""
        with self.store.write("session") as tx:
            return begin_session(tx, person.id)


def _knowledge(store: Store, rules: Path, model: Path) -> Knowledge:
    knowledge = Knowledge(store, rules, model)
    assert knowledge.import_files() == ()
    knowledge.in_force()
    return knowledge


def shown_in(page: str) -> str:
    """What stands for the mails that a preview shows; empty where it shows none."""
    found = re.search(r'name="mostrato" value="([0-9a-f]{64})"', page)
    return found[1] if found is not None else ""


def token_of(page: str) -> str:
    """The token of the session that a page was drawn for."""
    found = re.search(r'<meta name="csrf-token" content="([^"]+)">', page)
    assert found is not None, "the page has no token: nobody is signed in"
    return found[1]
