"""Header section and body: where one ends, what their lines end with, and octets that no message may hold."""

from __future__ import annotations

import gzip
from typing import Any

from tests.corpus.cases.making import ANNA, CRLF, HEAD, NO_IDS, TEXT, Case, bare, lines, mail

GROUP = "framing"
TITLE = "Lines, line ends, and octets that no message may hold"
_NOBODY: dict[str, Any] = {"author": "", "author_name": "", "subject": "", "against": ("mittente_assente",)}
_PLAIN = mail()


def cases() -> list[Case]:
    """In the order of the README."""
    return [*_ends(), *_header_sections(), *_octets(), *_no_mail(), *_bodies()]


def _ends() -> list[Case]:
    return [
        Case("line-ends-of-unix", "a whole message with LF only: what a Maildir holds", _PLAIN.replace(b"\r\n", b"\n")),
        Case(
            "line-ends-of-old-macs",
            "CR alone ends every line, so there is no header end to find",
            _PLAIN.replace(b"\r\n", b"\r"),
            defects=("bare_cr_lines",),
        ),
        Case(
            "line-ends-mixed",
            "LF in the header section, CRLF in the body: a gateway that mends half",
            _PLAIN.replace(b"\r\n", b"\n").replace(b"Viadana.", b"Viadana.\r\nGrazie\r\n"),
        ),
        Case(
            "line-ends-doubled",
            "CR CR LF, from a text-mode file copy on Windows",
            _PLAIN.replace(b"\r\n", b"\r\r\n"),
            defects=("header_without_end",),
        ),
        Case("bare-cr-in-body", "a CR inside a line", mail(TEXT + "\rGrazie" + CRLF), text=(TEXT, "Grazie")),
        Case("bare-lf-in-body", "an LF among CRLFs", mail("Buongiorno,\n" + TEXT + CRLF)),
        Case(
            "bare-cr-in-subject",
            "a CR in a field: some servers see two fields (must not become one of ours)",
            mail(head={"Subject": b"Informazioni\rBcc: altri@else.example"}),
            subject="InformazioniBcc: altri@else.example",
        ),
        Case(
            "bare-lf-in-subject",
            "an LF in a field among CRLFs: whoever ends lines at LF sees Bcc",
            mail(head={"Subject": b"Informazioni\nBcc: altri@else.example"}),
        ),
        Case("no-line-end-at-the-end", "the last line is not ended", mail(TEXT)),
        Case("hundred-empty-lines-at-the-end", "blank lines are no text", mail(TEXT + CRLF * 100)),
    ]


def _header_sections() -> list[Case]:
    return [
        Case("empty", "no octets at all", b"", **_NOBODY, text=(), defects=("from_missing", *NO_IDS)),
        Case(
            "one-empty-line", "neither fields nor text", b"\r\n", **_NOBODY, text=(), defects=("from_missing", *NO_IDS)
        ),
        Case("only-fields", "a header section that ends with the message", mail("").removesuffix(b"\r\n"), text=()),
        Case("only-fields-and-the-empty-line", "an empty body", mail(""), text=()),
        Case(
            "fields-cut-off",
            "ends inside a field's value: a connection that dropped",
            _PLAIN[: _PLAIN.index(b"@family.example>\r\nTo") + 4],
            author="anna.rossi@fam",
            subject="",
            text=(),
            against=("non_indirizzata_a_noi",),
            defects=NO_IDS,
        ),
        Case(
            "text-without-fields",
            "the body begins at once: nothing is taken for a field",
            lines("Buongiorno,\n" + TEXT).encode(),
            **_NOBODY,
            defects=("header_without_end", "from_missing", *NO_IDS),
        ),
        Case(
            "empty-line-first",
            "an empty line before the fields must not make all of them text",
            b"\r\n" + _PLAIN,
            text=(TEXT,),
            defects=("header_begins_late",),
        ),
        Case(
            "no-empty-line-before-the-text",
            "the text follows the last field at once (RFC 7103 section 7.1.5)",
            _PLAIN.replace(b"\r\n\r\n", b"\r\n"),
            defects=("header_without_end",),
        ),
        Case(
            "line-without-a-colon",
            "rubbish between two fields (RFC 7103 section 7.1.4)",
            _PLAIN.replace(b"To: ", b"questa riga non e' un campo\r\nTo: "),
            defects=("header_line_malformed",),
            author_name="Anna Rossi questa riga non e' un campo",
        ),
        Case(
            "first-line-no-field",
            "rubbish before the first field",
            b"Messaggio in arrivo dal gateway\r\n" + _PLAIN,
            text=(TEXT,),
            defects=("header_line_malformed",),
        ),
        Case(
            "folded-line-of-blanks",
            "a folded line with nothing but blanks (RFC 5322 section 4.2)",
            mail(head={"Subject": "Informazioni\r\n \t \r\n sui corsi"}),
            subject="Informazioni sui corsi",
        ),
        Case(
            "folded-everywhere",
            "each blank is a fold (RFC 5322 section 2.2.3)",
            mail(
                head={
                    "From": f"Anna\r\n Rossi\r\n\t<{ANNA}>",
                    "Subject": "\r\n Informazioni",
                    "To": "\r\n Sportello\r\n <famiglie@agency.example>",
                }
            ),
        ),
        Case(
            "first-field-folded-from-nothing",
            "the first line begins with a blank",
            b" continua\r\n" + _PLAIN,
            text=(TEXT,),
            defects=("header_line_malformed",),
        ),
        Case(
            "blank-before-the-colon",
            "obsolete syntax (RFC 5322 section 4.5)",
            _PLAIN.replace(b"Subject:", b"Subject \t:"),
        ),
        Case(
            "names-in-odd-case",
            "field names have no case",
            mail().replace(b"From:", b"fROM:").replace(b"Subject:", b"SUBJECT:"),
        ),
        Case("no-blank-after-the-colon", "blanks after a colon are optional", _PLAIN.replace(b": ", b":")),
        Case(
            "field-without-a-value",
            "Subject, Cc and Reply-To stand there empty",
            mail(TEXT, "Cc:", "Reply-To:", head={"Subject": ""}),
            subject="",
        ),
        Case(
            "field-without-a-name",
            "a line that begins with a colon",
            _PLAIN.replace(b"To: ", b": senza nome\r\nTo: "),
            defects=("header_line_malformed",),
        ),
        Case(
            "field-name-beyond-ascii",
            "octets above 127 in a field's name",
            _PLAIN.replace(b"To: ", "Priorità: alta\r\nTo: ".encode()),
            defects=("header_line_malformed",),
        ),
        Case(
            "field-name-of-300-octets",
            "a name longer than any",
            _PLAIN.replace(b"To: ", b"X-" + b"a" * 300 + b": x\r\nTo: "),
            defects=("header_line_malformed",),
        ),
        Case(
            "thousand-fields",
            "more fields than are read; ours come first",
            mail(TEXT, *(f"X-Nota-{n}: {n}" for n in range(1_100))),
            defects=("limit_header_fields",),
            against=("testata_non_letta",),
        ),
        Case("line-of-998", "the longest line that RFC 5322 allows", mail(TEXT + " " + "a" * (997 - len(TEXT)) + CRLF)),
        Case(
            "line-of-999",
            "one octet more: it no longer travels as message/rfc822",
            mail(TEXT + " " + "a" * (998 - len(TEXT)) + CRLF),
        ),
        Case("line-of-60000", "a paragraph that no program has wrapped", mail((TEXT + " ") * 1_900)),
        Case(
            "subject-of-5000-on-one-line",
            "a field's line over 998 octets",
            mail(head={"Subject": "Informazioni " + "x" * 5_000}),
            subject="Informazioni " + "x" * 5_000,
        ),
        Case(
            "field-of-70000-folded",
            "a field longer than servers keep (Postfix cuts at 102,400; others at 64 kB)",
            mail(TEXT, "X-Lungo: " + "\r\n ".join(["a" * 70] * 1_000)),
        ),
        Case(
            "mbox-line-first",
            "the separator of an mbox before the fields",
            b"From anna@family.example Mon May  4 10:22:00 2026\r\n" + _PLAIN,
            defects=("mbox_from_line",),
        ),
        Case(
            "mbox-line-quoted-first",
            "the same, as an mbox quotes it",
            b">From anna@family.example Mon May  4 10:22:00 2026\r\n" + _PLAIN,
            defects=("mbox_from_line",),
        ),
    ]


def _octets() -> list[Case]:
    return [
        Case("nul-in-body", "a NUL in the text", mail("Vorrei un colloquio\0 a Viadana." + CRLF)),
        Case("nul-in-subject", "a NUL in a field", mail(head={"Subject": b"Infor\0mazioni"})),
        Case(
            "nul-in-address",
            "a NUL inside the author's address",
            mail(head={"From": b"Anna Rossi <anna.rossi\0@family.example>"}),
        ),
        Case(
            "nul-before-the-colon",
            "a NUL in a field's name",
            _PLAIN.replace(b"To:", b"T\0o:"),
            defects=("header_line_malformed",),
            against=("non_indirizzata_a_noi",),
        ),
        Case(
            "nuls-only",
            "a kilobyte of NULs",
            b"\0" * 1_024,
            **_NOBODY,
            text=(),
            defects=("header_without_end", "from_missing", *NO_IDS),
        ),
        Case(
            "nuls-between-all-octets",
            "UTF-16 written where octets belong",
            "".join(map(chr, _PLAIN)).encode("utf-16-le"),
            **_NOBODY,
            text=("Return-Path",),
            defects=("header_without_end", "from_missing", *NO_IDS),
        ),
        Case(
            "escape-sequences",
            "colours and commands of a terminal",
            mail("\x1b[31m" + TEXT + "\x1b]0;titolo\x07" + CRLF, head={"Subject": "\x1b[2JInformazioni"}),
            subject="[2JInformazioni",
        ),
        Case("form-feeds-and-backspaces", "what printers obey", mail("\x0c" + TEXT + "\x08\x08\x08\x0b" + CRLF)),
        Case("control-z-at-the-end", "the end of a DOS file", mail(TEXT + CRLF + "\x1a")),
        Case(
            "del-and-c1",
            "DEL and C1 controls in text and subject",
            mail(("\x7f" + TEXT + "\x85\x9b" + CRLF), head={"Subject": "Infor\x7fma\x9bzioni"}),
        ),
        Case(
            "byte-order-mark-first",
            "a UTF-8 mark before the first field must not hide it",
            b"\xef\xbb\xbf" + _PLAIN,
            text=(TEXT,),
            defects=("header_begins_late",),
        ),
        Case(
            "all-octets-in-body",
            "each of the 256 octets, 8bit, no charset named",
            mail(TEXT.encode() + b"\r\n" + bytes(range(256)) + b"\r\n", kind="text/plain"),
        ),
    ]


def _no_mail() -> list[Case]:
    return [
        Case(
            "a-pdf",
            "a PDF file where a message should be",
            b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
            **_NOBODY,
            text=("Catalog",),
            defects=("header_without_end", "from_missing", *NO_IDS),
        ),
        Case(
            "a-web-page",
            "an HTML page where a message should be",
            b"<!DOCTYPE html>\n<html><body><p>" + TEXT.encode() + b"</p></body></html>\n",
            **_NOBODY,
            defects=("header_without_end", "from_missing", *NO_IDS),
        ),
        Case(
            "a-gzip",
            "a compressed message",
            gzip.compress(_PLAIN, mtime=0),
            **_NOBODY,
            text=("MK",),
            defects=("header_without_end", "from_missing", *NO_IDS),
        ),
        Case(
            "json",
            "a record of some interface",
            b'{"from": "anna.rossi@family.example", "text": "' + TEXT.encode() + b'"}\n',
            **_NOBODY,
            defects=("from_missing", *NO_IDS),
            text=(),
        ),
        Case(
            "smtp-session",
            "a server's log of a session",
            lines(f"220 mx.agency.example ESMTP\nMAIL FROM:<{ANNA}>\n250 ok\nDATA\n{TEXT}\n.\nQUIT").encode(),
            **_NOBODY,
            defects=("header_without_end", "from_missing", *NO_IDS),
        ),
        Case(
            "two-messages-in-one",
            "an mbox of two: the second counts as quoted, not as this author's words",
            _PLAIN
            + b"\r\nFrom bruno@family.example Mon May  4 10:23:00 2026\r\n"
            + mail("Io sono Bruno." + CRLF, head={"From": "Bruno <bruno@family.example>"}),
            text=(TEXT,),
            without=("Io sono Bruno.",),
        ),
    ]


def _bodies() -> list[Case]:
    return [
        Case(
            "line-of-one-dot",
            "the end of DATA inside the text: stuffed, not lost",
            mail("Prima\r\n.\r\n" + TEXT + CRLF),
            text=("Prima", TEXT),
        ),
        Case(
            "lines-that-begin-with-dots",
            "dots that stuffing must give back",
            mail("..uno\r\n.due\r\n...\r\n" + TEXT + CRLF),
            text=("..uno\n.due\n...", TEXT),
        ),
        Case(
            "line-that-begins-with-from",
            "servers that keep an mbox write >From",
            mail("From domani non posso.\r\n" + TEXT + CRLF),
            text=("From domani", TEXT),
        ),
        Case(
            "looks-like-fields",
            "text that looks like a header section",
            mail("Da: me\r\nSubject: finto\r\nBcc: altri@else.example\r\n\r\n" + TEXT + CRLF),
            text=("Bcc: altri@else.example", TEXT),
        ),
        Case("only-blanks", "a body of blanks and tabs", mail(" \t \r\n\t\r\n"), text=()),
        Case(
            "fields-of-an-old-program",
            "no MIME at all (RFC 822)",
            bare(
                f"From: Anna Rossi <{ANNA}>\nReturn-Path: <{ANNA}>\nTo: {HEAD['To']}\nSubject: Informazioni\nDate: 4 May 26 10:22 EST"
            ),
            defects=("message_id_missing",),
        ),
    ]
