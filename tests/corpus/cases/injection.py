"""Encoded line breaks in every header field that we read or write: none may become a field of what we send."""

from __future__ import annotations

from typing import Any

from tests.corpus.cases.making import ANNA, CRLF, OURS, TEXT, Case, file, mail, multi, part, word

GROUP = "injection"
TITLE = "Encoded line breaks in every header field"
_BREAK = "x\r\nBcc: altri@else.example\r\n\r\ncorpo"
_SHOWN = "x Bcc: altri@else.example corpo"


def cases() -> list[Case]:
    """In the order of the README."""
    return [*_subjects(), *_people(), *_identifiers(), *_structure(), *_files()]


def _subjects() -> list[Case]:
    def subject(name: str, why: str, value: str, shown: str = _SHOWN) -> Case:
        return Case(f"subject-{name}", why, mail(head={"Subject": value}), subject=shown)

    return [
        subject("b", "CRLF in a B encoded-word (CVE-2024-6923's kind)", word(_BREAK)),
        subject("q", "CRLF in a Q encoded-word", word(_BREAK, "Q")),
        subject(
            "split",
            "CR ends one encoded-word, LF begins the next",
            word("x\r") + " " + word("\nBcc: altri@else.example"),
            "x Bcc: altri@else.example",
        ),
        subject("lone-cr", "only a CR, encoded", word("x\rBcc: altri@else.example"), "x Bcc: altri@else.example"),
        subject("lone-lf", "only an LF, encoded", word("x\nBcc: altri@else.example"), "x Bcc: altri@else.example"),
        subject("nul", "an encoded NUL", word("x\0y"), "xy"),
        subject("u2028", "the line separator", word("x\u2028Bcc: y\u2029z"), "x Bcc: y z"),
        subject("nel", "U+0085, a line end to some", word("x\x85Bcc: y"), "x Bcc: y"),
        subject("latin1-nel", "octet 85 of ISO-8859-1", word(b"x\x85Bcc: y", "Q", "iso-8859-1"), "x…Bcc: y"),
        subject("utf-16", "CRLF in UTF-16", word("x\r\nBcc: y".encode("utf-16-le"), "B", "utf-16le"), "x Bcc: y"),
        subject("utf-7", "CRLF in UTF-7 (+AA0ACg-)", "=?utf-7?Q?x+AA0ACg-Bcc:_y?=", "x Bcc: y"),
        subject("twice", "an encoded-word that holds an encoded-word", word(word(_BREAK)), word(_BREAK)),
        subject("folded-inside", "a fold inside the encoded-word", "=?utf-8?Q?x=0D\r\n =0ABcc:_y?=", "x Bcc: y"),
        subject("end-of-data", "an encoded end of DATA", word("x\r\n.\r\nQUIT\r\n"), "x . QUIT"),
        subject("only-breaks", "nothing but line breaks", word("\r\n\r\n\r\n"), ""),
    ]


def _people() -> list[Case]:
    evil = word(_BREAK)
    return [
        Case(
            "from-name",
            "in the author's name (cpython 114906)",
            mail(head={"From": f"{evil} <{ANNA}>"}),
            author_name=_SHOWN,
        ),
        Case(
            "from-name-quoted",
            "the same inside a quoted string",
            mail(head={"From": f'"{word(_BREAK, "Q")}" <{ANNA}>'}),
            author_name=_SHOWN,
        ),
        Case(
            "from-comment",
            "in the comment that old programs use for the name",
            mail(head={"From": f"{ANNA} ({evil})"}),
            author_name=_SHOWN,
        ),
        Case(
            "from-address-encoded",
            "a whole address in an encoded-word, with a break and a second one",
            mail(head={"From": word("anna.rossi@family.example\r\nBcc: x@else.example")}),
            author_name="Bcc: x@else.example",
            defects=("address_encoded",),
        ),
        Case(
            "from-second-line",
            "the display name brings a second From",
            mail(head={"From": word("Anna\r\nFrom: Direzione <direzione@agency.example>") + f" <{ANNA}>"}),
            author_name="Anna From: Direzione <direzione@agency.example>",
        ),
        Case("to-name", "in the recipient's name", mail(head={"To": f"{evil} <{OURS}>"})),
        Case("cc-name", "in Cc", mail(TEXT + CRLF, f"Cc: {evil} <bruno@family.example>")),
        Case("reply-to-name", "in Reply-To, whose address we write", mail(TEXT + CRLF, f"Reply-To: {evil} <{ANNA}>")),
        Case(
            "reply-to-address",
            "in Reply-To's address",
            mail(TEXT + CRLF, f"Reply-To: <{word('x@else.example')}>"),
            defects=("address_missing",),
        ),
        Case("sender-name", "in Sender", mail(TEXT + CRLF, f"Sender: {evil} <bruno@family.example>")),
        Case(
            "return-path",
            "in Return-Path: no address to acknowledge to",
            mail(
                head={
                    "Return-Path": f"<{word('anna.rossi@family.example' + chr(13) + chr(10) + 'RCPT TO:<x@else.example>')}>"
                }
            ),
            against=("indirizzo_non_valido",),
        ),
        Case(
            "return-path-percent",
            "a Return-Path with %0d%0a, which only a web form would decode",
            mail(head={"Return-Path": "<anna.rossi%0d%0aRCPT@family.example>"}),
            against=("percorso_riscritto",),
        ),
        Case(
            "disposition-notification-to",
            "in the field that asks for a receipt, which we never send",
            mail(TEXT + CRLF, f"Disposition-Notification-To: {evil} <{ANNA}>"),
        ),
    ]


def _identifiers() -> list[Case]:
    def with_field(name: str, field: str, value: str, why: str, **facts: Any) -> Case:
        return Case(
            name,
            why,
            mail(TEXT + CRLF, f"{field}: {value}")
            if field not in ("Message-ID", "Date")
            else mail(head={field: value}),
            **facts,
        )

    return [
        with_field(
            "message-id",
            "Message-ID",
            word("<x@y>\r\nBcc: altri@else.example"),
            "in Message-ID, which we repeat in In-Reply-To",
            defects=("message_id_malformed",),
        ),
        with_field("message-id-angle", "Message-ID", "<x\r\n Bcc: altri@else.example>", "folded inside the brackets"),
        with_field(
            "references",
            "References",
            f"<a@b.example> {word(chr(13) + chr(10) + 'Bcc: x')} <c@d.example>",
            "among References, which we repeat",
        ),
        with_field("in-reply-to", "In-Reply-To", word("<a@b>\r\nX: y"), "in In-Reply-To"),
        with_field(
            "date", "Date", word("Mon, 4 May 2026 10:22:00 +0200\r\nBcc: x"), "in Date", defects=("date_invalid",)
        ),
        with_field("list-id", "X-List-Name", word(_BREAK), "in a field of nobody's"),
        with_field(
            "auto-submitted",
            "Auto-Submitted",
            word("no\r\nX: y"),
            "in Auto-Submitted: not 'no', so not answered",
            automatic=True,
            proved=True,
            against=("auto_submitted",),
        ),
        with_field("x-mailer", "X-Mailer", word(_BREAK), "in X-Mailer"),
        with_field("comments", "Comments", word(_BREAK), "in Comments"),
        with_field("keywords", "Keywords", word(_BREAK), "in Keywords"),
        with_field("organization", "Organization", word(_BREAK), "in Organization"),
        with_field(
            "received",
            "Received",
            f"from {word(_BREAK)} by mx.agency.example; Mon, 4 May 2026 10:22:00 +0200",
            "in a trace field",
        ),
        with_field("content-language", "Content-Language", word(_BREAK), "in Content-Language"),
    ]


def _structure() -> list[Case]:
    return [
        Case(
            "content-type",
            "in the media type itself",
            mail(kind=f"text/{word('plain' + chr(13) + chr(10) + 'Bcc: x')}"),
            defects=("content_type_invalid",),
        ),
        Case(
            "charset",
            "in the charset's name",
            mail(kind='text/plain; charset="utf-8=0D=0ABcc: x"'),
            defects=("charset_unknown",),
        ),
        Case(
            "charset-2231",
            "in the charset's name, percent-encoded",
            mail(kind="text/plain; charset*=us-ascii''utf-8%0D%0ABcc%3A%20x"),
            defects=("charset_unknown",),
        ),
        Case(
            "boundary-2231",
            "a boundary with an encoded line break",
            mail("--b1\r\n\r\n" + TEXT + "\r\n--b1--\r\n", kind="multipart/mixed; boundary*=us-ascii''b1%0D%0A--x"),
            defects=("boundary_not_found",),
        ),
        Case(
            "transfer-encoding",
            "in Content-Transfer-Encoding",
            mail(TEXT + CRLF, "Content-Transfer-Encoding: 7bit=0D=0ABcc: x"),
            defects=("transfer_encoding_unknown",),
        ),
        Case(
            "content-id",
            "in a part's Content-ID",
            multi(part(TEXT), part(b"GIF89a", "image/gif", f"Content-ID: <{word(_BREAK)}>", encoding="base64")),
            attachments=("",),
        ),
        Case(
            "content-description",
            "in a part's description",
            multi(part(TEXT), part("%PDF", "application/pdf", f"Content-Description: {word(_BREAK)}")),
            attachments=("",),
        ),
    ]


def _files() -> list[Case]:
    def attached(name: str, why: str, field: str, shown: str) -> Case:
        return Case(
            f"file-{name}", why, multi(part(TEXT), part("%PDF", "application/pdf", field)), attachments=(shown,)
        )

    return [
        attached(
            "encoded-word",
            "a file's name with CRLF in an encoded-word",
            f'Content-Disposition: attachment; filename="{word("a" + chr(13) + chr(10) + "Bcc: x.pdf")}"',
            "a Bcc_ x.pdf",
        ),
        attached(
            "2231",
            "the same by RFC 2231",
            "Content-Disposition: attachment; filename*=utf-8''a%0D%0ABcc%3A%20x.pdf",
            "a Bcc_ x.pdf",
        ),
        attached(
            "2231-continued",
            "CR in one continuation, LF in the next",
            "Content-Disposition: attachment; filename*0*=utf-8''a%0D; filename*1*=%0ABcc.pdf",
            "a Bcc.pdf",
        ),
        attached(
            "name-parameter", "in Content-Type's name", f"Content-Disposition: attachment\r\nX-Name: {word(_BREAK)}", ""
        ),
        Case(
            "file-quoted-pair",
            "a backslash before a real line break",
            multi(
                part(TEXT),
                part("%PDF", "application/pdf", 'Content-Disposition: attachment; filename="a\\\r\n Bcc: x.pdf"'),
            ),
            attachments=("Bcc_ x.pdf",),
        ),
        Case(
            "file-ordinary",
            "for comparison: an ordinary file's name",
            multi(part(TEXT), file("referto.pdf")),
            attachments=("referto.pdf",),
        ),
    ]
