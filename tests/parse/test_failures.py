"""What went wrong in other systems that read mail (the survey's section "Parsing"), one test each.

The number of the failure and the thread that reports it are in each docstring.
"""

import base64
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from triage.parse import parse
from triage.vocabulary import Address, InboundMessage

CORPUS = Path(__file__).parent.parent / "corpus" / "parse"
HEAD = b"From: anna@example.org\nSubject: x\n"
MULTIPART = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n"
HTML = HEAD + b"Content-Type: text/html\n\n"


def from_corpus(name: str) -> InboundMessage:
    return parse((CORPUS / f"{name}.eml").read_bytes())


def test_f62_one_bad_message_does_not_stop_the_rest() -> None:
    """F62 zammad 2754, glpi 14054: a batch with damaged messages gives one message for each."""
    batch = [b"", b"\x00" * 50, b"\xff\xfe", b"From", b":", b"\n", b"\r", HEAD + b"\nciao"]
    assert [parse(octets).size for octets in batch] == [len(octets) for octets in batch]
    assert parse(batch[-1]).new_text == "ciao"


def test_f63_no_author_is_a_defect_and_the_rest_is_read() -> None:
    """F63 osTicket 3504."""
    message = from_corpus("header-no-from")
    assert message.author == Address("", "")
    assert "from_missing" in {defect.code for defect in message.defects}
    assert message.new_text == "Vorrei gli orari di Crema."


@pytest.mark.parametrize(
    "name", ["charset-windows-1258", "charset-iso-2022-jp", "charset-unknown", "header-binary-in-cc"]
)
def test_f64_charsets_and_rubbish_lose_no_text(name: str) -> None:
    """F64 zammad 2224, 3115, 2746."""
    message = from_corpus(name)
    assert message.new_text
    assert "\ufffd" not in message.new_text + message.subject


def test_f64_malformed_content_type() -> None:
    """F64 zammad 6141, 2227: the text is read and the file keeps a name."""
    assert from_corpus("header-malformed-content-type").new_text == "Buongiorno, è aperto?"
    assert from_corpus("attachment-bad-charset-name").attachments[0].file_name == "modulo età.pdf"


def test_f65_line_ends_inside_encoded_words_make_no_field() -> None:
    """F65 cpython 114906, 151857; CVE-2024-6923."""
    message = from_corpus("header-newline-in-encoded-word")
    assert message.subject == "uno Bcc: evil@example.test"
    assert message.author == Address("Anna Rossi", "anna@example.org")
    assert not any("\n" in value or "\r" in value for _, value in message.header_fields)


def test_f65_microsoft_message_ids_are_kept() -> None:
    """F65 cleanup-maildir 7."""
    message = from_corpus("header-microsoft-message-id")
    assert message.message_id == "<[0f2a4d6e8b@example.org]>"
    assert message.in_reply_to == ("<[aa11]-bb@example.org>",)


@pytest.mark.parametrize("name", ["delivery-report", "signed-opaquely", "pec-receipt"])
def test_f67_reports_and_signed_mail_are_read(name: str) -> None:
    """F67 django-helpdesk 771, 567; F71 OCA 1668, 1219."""
    assert from_corpus(name).new_text


def test_f69_winmail_dat_is_opened() -> None:
    """F69 zammad 2403."""
    message = from_corpus("winmail-dat")
    assert message.new_text == "Perché scrivo da Viadana."
    assert [file.file_name for file in message.attachments] == ["winmail.dat", "modulo lungo.pdf"]


@pytest.mark.parametrize("carrier", [b"message/rfc822", b"application/octet-stream; name=a.eml"])
@pytest.mark.parametrize("encoded", [False, True])
def test_f69_attached_messages_are_listed_and_read(carrier: bytes, encoded: bool) -> None:
    """F69 osTicket 4857."""
    inner = b"Subject: richiesta\n\nAbito a Suzzara.\n"
    body = b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(inner) if encoded else b"\n" + inner
    message = parse(MULTIPART + b"--b\nContent-Type: " + carrier + b"\n" + body + b"--b--\n")
    assert message.new_text == "Oggetto: richiesta\n\nAbito a Suzzara."
    assert len(message.attachments) == 1


@pytest.mark.parametrize("name", ["pec-envelope", "pec-envelope-base64"])
def test_f70_the_message_inside_certified_mail_is_the_text(name: str) -> None:
    """F70 bichon 150, mail-mime-parser 254: others show the envelope's text only."""
    message = from_corpus(name)
    assert message.new_text == "Abito a Viadana e chiedo un colloquio."
    assert message.quoted_text.startswith("Messaggio di posta certificata.")
    assert not message.is_forward


def test_f72_a_subject_in_utf_16() -> None:
    """F72 MailScanner 379: one such subject kills all workers."""
    assert from_corpus("charset-utf-16").subject == "perché"


@pytest.mark.parametrize("name", ["reply-only-quoted", "reply-bottom-posted", "reply-inline", "forward-outlook"])
def test_f73_no_message_is_judged_empty(name: str) -> None:
    """F73 osTicket 6487, gitlab 335983."""
    assert from_corpus(name).new_text


def test_f74_attachments_of_an_html_message_are_listed_once() -> None:
    """F74 osTicket 1743, 1468."""
    assert [file.file_name for file in from_corpus("alternative-plain-first").attachments] == ["logo.png"]


def _nested(count: int) -> bytes:
    opened = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(count))
    return HEAD + opened + b"\n\nciao"


HOSTILE: dict[str, Callable[[], bytes]] = {
    "10,000 parts": lambda: MULTIPART + b"--b\n\nciao\n" * 10_000 + b"--b--",
    "a million boundaries": lambda: MULTIPART + b"--b\n" * 1_000_000,
    "boundaries that are none": lambda: MULTIPART + b"\n--bx" * 400_000,
    "1,000 nested multiparts": lambda: _nested(1_000),
    "1,000 nested messages": lambda: HEAD + b"Content-Type: message/rfc822\n\n" * 1_000 + b"\nciao",
    "50 levels around 10 MB": lambda: _nested(50) + b"x" * 10_000_000,
    "header of 10 MB": lambda: HEAD + b"X: " + b"a" * 10_000_000 + b"\n\nciao",
    "two million fields": lambda: b"X: a\n" * 2_000_000 + b"\nciao",
    "folded field of 9 MB": lambda: b"X: a\n" + b" a\n" * 3_000_000 + b"\nciao",
    "41 kB of quotation marks": lambda: HEAD + b"\n" + b">\n" * 20_500,
    "1 MB of quotation marks": lambda: HEAD + b"\n" + b"> \n" * 350_000,
    "one line of quotation marks": lambda: HEAD + b"\n" + b">" * 1_000_000,
    "1 MB of white space": lambda: HEAD + b"\n" + b" \t" * 500_000,
    "1 MB of empty lines": lambda: HEAD + b"\n" + b" \n" * 500_000,
    "1 MB of line ends": lambda: HEAD + b"\n" + b"\n" * 1_000_000,
    "1 MB of dashes": lambda: HEAD + b"\n" + b"-" * 1_000_000,
    "white space in the subject": lambda: b"Subject: a" + b" " * 250_000 + b"b\n\n",
    "20,000 nested divs": lambda: HTML + b"<div>" * 20_000 + b"x" + b"</div>" * 20_000,
    "open comments": lambda: HTML + b"<!--" * 400_000,
    "open scripts": lambda: HTML + b"<script>" * 200_000,
    "2 MB of brackets": lambda: HTML + b"<" * 2_000_000,
    "formatting that multiplies": lambda: (
        HTML + b"<p>" + b"".join(b"<font x=%d>" % n for n in range(480)) + b"<p>x" * 480
    ),
    "from-lines": lambda: HEAD + b"\n" + b"Da:\noggetto\n" * 100_000,
    "attributions": lambda: HEAD + b"\n" + b"Il 3 maggio 2026 10:22\n" * 50_000 + b"ha scritto:",
    "addresses": lambda: b"To: " + b"<a@b>" * 50_000 + b"\n\n",
    "commas": lambda: b"To: " + b"a," * 120_000 + b"\n\n",
    "open comments in addresses": lambda: b"To: " + b"(" * 250_000 + b"\n\n",
    "encoded words": lambda: b"Subject: " + b"=?utf-8?q?a?= " * 18_000 + b"\n\n",
    "open encoded words": lambda: b"Subject: " + b"=?utf-8?q?a" * 20_000 + b"\n\n",
    "parameters": lambda: b"Content-Type: a/b" + b";a*1=b" * 40_000 + b"\n\n",
    "ids": lambda: b"References: " + b"<" * 250_000 + b"\n\n",
    "a date of brackets": lambda: b"Date: " + b"(" * 250_000 + b"\n\n",
    "accents": lambda: HEAD + b"\n" + "\u0301\u0323".encode() * 250_000,
    "broken UTF-8": lambda: HEAD + b"Content-Type: text/plain; charset=utf-8\n\n" + b"\xc3\xa9\xe9" * 300_000,
    "soft breaks": lambda: HEAD + b"Content-Transfer-Encoding: quoted-printable\n\n=" + b" " * 1_000_000,
    "padding": lambda: HEAD + b"Content-Transfer-Encoding: base64\n\n" + b"QQ==" * 300_000 + b"!",
    "uuencoded lines": lambda: HEAD + b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n" + b"Mxx\n" * 300_000,
    "uuencode that never ends": lambda: HEAD + b"\n" + b"begin 644 a\nM\n" * 100_000,
    "20 MB attachment": lambda: (
        MULTIPART
        + b"--b\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(bytes(20_000_000))
    ),
    "zeros": lambda: bytes(1_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_f68_no_message_takes_long(name: str) -> None:
    """F68 zammad 4463 (white space), 1356 (20 MB), 2591 (many attachments): two processor seconds each."""
    octets = HOSTILE[name]()
    started = time.process_time()
    message = parse(octets)
    assert time.process_time() - started < 2
    assert "parser_failed" not in {defect.code for defect in message.defects}


def test_f68_seventy_attachments_are_all_listed() -> None:
    """F68 zammad 2591."""
    parts = b"".join(b"--b\nContent-Type: image/png; name=%d.png\n\nx\n" % number for number in range(70))
    assert len(parse(MULTIPART + parts + b"--b--").attachments) == 70
