"""What ``triage init`` asks, in order, each question with its default and the setting that it fills.

Enters the answers so far, leaves the next question: some follow from others (OAuth, a second mailbox, another
database). Keys are those of an answers file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from triage.rules.types import DEFAULT_ADDRESS, Rules
from triage.settings import LOGINS, Security


class Kind(StrEnum):
    """How an answer is taken and checked, beside what the settings and the rules themselves say of it."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - a kind of question
    YES_NO = "yes or no"
    LIST = "list"
    """Several, with commas between."""


class Trial(StrEnum):
    """What may be tried on the network once a question is answered; of a login only where nothing else is asked."""

    NOTHING = ""
    DOMAIN = "domain"
    IMAP = "imap"
    SMTP = "smtp"
    DATABASE = "database"
    SCANNER = "scanner"


@dataclass(frozen=True, slots=True)
class Question:
    """One question. ``variable``: the setting that it fills; empty: it goes into the rules file."""

    key: str
    asks: str
    default: str | None = ""
    """Taken for an empty answer; ``None``: something must be said."""
    variable: str = ""
    kind: Kind = Kind.TEXT
    choices: tuple[str, ...] = ()
    group: str = ""
    """What is asked again together, when it does not work."""
    trial: Trial = Trial.NOTHING


def questions(answers: Mapping[str, str], shipped: Rules) -> Iterator[Question]:
    """The next question, each time by what ``answers`` holds then."""
    yield from _service(shipped)
    yield Question("mailboxes", "Names of the mailboxes to read (lower-case letters)", _boxes(shipped), kind=Kind.LIST)
    for name in items(answers["mailboxes"]):
        yield from _mailbox(name, answers)
    own = ", ".join(dict.fromkeys([answers["service_address"], *_box_addresses(answers)]))
    yield Question(
        "own_addresses",
        "All addresses that lead to the same people: aliases, old names, or whole domains like @example.org",
        own,
        kind=Kind.LIST,
    )
    yield Question("state_dir", "Folder of the record, made when it is missing", None, "TRIAGE_STATE_DIR")
    yield from _account("imap", answers)
    yield from _account("smtp", answers)
    yield from _projects(shipped)
    yield from _machine()
    yield from _second_channel(answers)


def items(answer: str) -> tuple[str, ...]:
    """The values of a list answer."""
    return tuple(dict.fromkeys(part for piece in answer.split(",") if (part := piece.strip())))


def _service(shipped: Rules) -> Iterator[Question]:
    address = shipped.service.address
    yield Question("service_address", "The general address that families write to", address, trial=Trial.DOMAIN)
    yield Question("service_phone", "Telephone by which families reach a person (empty: not known yet)")
    yield Question("accessibility_contact", "Address for staff who cannot use the page (empty: not known yet)")
    yield Question("on_call", "Who is told at once of possible danger, in order (empty: nobody yet)", kind=Kind.LIST)
    yield Question("alarms", "Who is told when the service itself is in trouble (empty: nobody yet)", kind=Kind.LIST)


def _boxes(shipped: Rules) -> str:
    return next(iter(shipped.mailboxes))


def _box_addresses(answers: Mapping[str, str]) -> list[str]:
    return [answers[f"mailbox_{name}_address"] for name in items(answers["mailboxes"])]


def _mailbox(name: str, answers: Mapping[str, str]) -> Iterator[Question]:
    yield Question(f"mailbox_{name}_address", f"Mailbox {name}: its address", answers["service_address"])
    yield Question(f"mailbox_{name}_folder", f"Mailbox {name}: the folder to read", "INBOX")
    yield Question(f"mailbox_{name}_pec", f"Mailbox {name}: is it certified mail (PEC)", "no", kind=Kind.YES_NO)
    if len(items(answers["mailboxes"])) > 1:
        suffix = name.upper()
        asks = f"Mailbox {name}: its own IMAP user (empty: the common one)"
        yield Question(f"mailbox_{name}_user", asks, variable=f"TRIAGE_IMAP_USER__{suffix}", group=name)
        if answers[f"mailbox_{name}_user"]:
            asks, key = f"Mailbox {name}: that user's password", f"mailbox_{name}_password"
            yield Question(key, asks, None, f"TRIAGE_IMAP_PASSWORD__{suffix}", Kind.SECRET, group=name)


_ASKED = {"imap": "Mailbox server (IMAP)", "smtp": "Submission server (SMTP)"}
_SECURITY = {"imap": Security.TLS, "smtp": Security.STARTTLS}
_PORTS = {
    "imap": {Security.TLS: "993", Security.STARTTLS: "143", Security.PLAIN: "143"},
    "smtp": {Security.TLS: "465", Security.STARTTLS: "587", Security.PLAIN: "25"},
}


def _account(kind: str, answers: Mapping[str, str]) -> Iterator[Question]:
    prefix, called = f"TRIAGE_{kind.upper()}", _ASKED[kind]
    last = Trial(kind)
    logins = tuple(str(login) for login in LOGINS[kind.upper()])

    def one(name: str, asks: str, default: str | None, what: Kind = Kind.TEXT, *, ends: bool = False) -> Question:
        trial = last if ends else Trial.NOTHING
        variable = f"{prefix}_{name.upper()}"
        return Question(f"{kind}_{name}", f"{called}: {asks}", default, variable, what, group=kind, trial=trial)

    yield one("host", "its name", None)
    yield Question(
        f"{kind}_tls",
        f"{called}: how the connection is protected",
        str(_SECURITY[kind]),
        f"{prefix}_TLS",
        choices=tuple(str(security) for security in Security),
        group=kind,
    )
    yield one("port", "its port", _PORTS[kind][Security(answers[f"{kind}_tls"])])
    if answers[f"{kind}_tls"] != Security.PLAIN:
        # Not "..._ca_file": in a file of answers that would be a file which holds the answer.
        asks = f"{called}: file with the certificate of a private authority (PEM; empty: the system's)"
        yield Question(f"{kind}_authority", asks, "", f"{prefix}_CA_FILE", group=kind)
    asks = f"{called}: how to log in"
    yield Question(f"{kind}_login", asks, "password", f"{prefix}_LOGIN", choices=logins, group=kind, trial=last)
    if answers[f"{kind}_login"] == "none":
        return
    yield one("user", "the user", answers.get("imap_user") or answers["service_address"])
    if answers[f"{kind}_login"] in ("xoauth2", "oauthbearer"):
        yield one("oauth_token_url", "address of the token server (empty: a token is given)", "")
        if answers[f"{kind}_oauth_token_url"]:
            yield one("oauth_client_id", "number of the application", None)
            yield one("oauth_client_secret", "secret of the application", "", Kind.SECRET)
            yield one("oauth_scope", "what the token is to be good for", "")
            yield one("oauth_refresh_token", "refresh token (empty: none)", "", Kind.SECRET, ends=True)
            return
    yield one("password", "the password or token", None, Kind.SECRET, ends=True)


def _projects(shipped: Rules) -> Iterator[Question]:
    for code, project in shipped.projects.items():
        for key, address in project.addresses.items():
            name = project.name if key == DEFAULT_ADDRESS else f"{project.name}, address {key}"
            yield Question(f"address_{code}_{key}", f"{name}: where its mail goes", address.to, trial=Trial.DOMAIN)


def _machine() -> Iterator[Question]:
    yield Question(
        "database_url",
        "Database, as postgresql+psycopg://USER:PASSWORD@HOST/NAME (empty: the embedded one; not shown while you type)",
        "",
        "TRIAGE_DATABASE_URL",
        Kind.SECRET,
        trial=Trial.DATABASE,
    )
    asks = "Lock the record with a key (yes: a key file is made; keep a copy of it elsewhere)"
    yield Question("lock_record", asks, "yes", kind=Kind.YES_NO)
    yield Question("web_port", "Port of the staff page on this machine, or off", "8080", "TRIAGE_WEB_PORT")
    yield Question("web_url", "Address by which people open the page (https://...; empty: none)", "", "TRIAGE_WEB_URL")
    asks = "Malware scanner clamd: its socket or HOST:PORT (empty: none)"
    yield Question("clamd", asks, "", "TRIAGE_CLAMD", trial=Trial.SCANNER)


def _second_channel(answers: Mapping[str, str]) -> Iterator[Question]:
    asks = "Second mail account for urgent notices and alarms: its SMTP server (empty: none)"
    yield Question("alarm_smtp_host", asks, "", "TRIAGE_ALARM_SMTP_HOST", group="alarm")
    if answers["alarm_smtp_host"]:
        yield Question("alarm_smtp_user", "Second account: the user", None, "TRIAGE_ALARM_SMTP_USER", group="alarm")
        asks, variable = "Second account: the address that it sends from", "TRIAGE_ALARM_SMTP_FROM"
        yield Question("alarm_smtp_from", asks, answers["alarm_smtp_user"], variable, group="alarm")
        asks, variable = "Second account: the password", "TRIAGE_ALARM_SMTP_PASSWORD"
        yield Question("alarm_smtp_password", asks, None, variable, Kind.SECRET, group="alarm")
    yield Question("alarm_webhook", "Address that gets alarms as JSON (empty: none)", "", "TRIAGE_ALARM_WEBHOOK")
