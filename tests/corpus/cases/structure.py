"""MIME: boundaries, nesting, encodings, kinds of parts."""

from __future__ import annotations

from typing import Any

from tests.corpus.cases.making import CRLF, TEXT, Case, Octets, file, join, mail, multi, part

GROUP = "structure"
TITLE = "MIME: boundaries, nesting, transfer encodings, kinds of parts"
_HTML = f"<html><body><p>{TEXT}</p></body></html>"


def cases() -> list[Case]:
    """In the order of the README."""
    return [*_boundaries(), *_nesting(), *_alternatives(), *_encodings(), *_messages(), *_html()]


def _boundaries() -> list[Case]:
    def with_boundary(name: str, why: str, written: str, used: str, *defects: str) -> Case:
        return Case(
            f"boundary-{name}",
            why,
            mail(join([part(TEXT)], used), kind=f"multipart/mixed; boundary={written}"),
            defects=defects,
        )

    return [
        with_boundary("with-signs", "all signs that a boundary may hold", '"a\'()+_,-./:=?b"', "a'()+_,-./:=?b"),
        with_boundary("with-blanks-inside", "blanks inside, quoted", '"a b c"', "a b c"),
        with_boundary(
            "unquoted-with-equals",
            "an equals sign without quotes, as Outlook once wrote",
            "----=_Part_1",
            "----=_Part_1",
        ),
        with_boundary("of-200", "longer than the 70 that are allowed", "x" * 200, "x" * 200),
        with_boundary("of-dashes", "nothing but dashes", "------", "------"),
        with_boundary(
            "in-other-case", "boundaries have case: this one is not found", "ABC", "abc", "boundary_not_found"
        ),
        with_boundary("empty", 'boundary=""', '""', "b9", "boundary_not_found"),
        with_boundary("beyond-ascii", "accents in a boundary", "però", "però"),
        Case(
            "boundary-prefix",
            "the inner boundary begins with the outer one",
            mail(
                join([part(join([part(TEXT)], "b1b"), 'multipart/mixed; boundary="b1b"'), file("a.pdf")]),
                kind="multipart/mixed; boundary=b1",
            ),
            attachments=("a.pdf",),
        ),
        Case(
            "boundary-same-inside",
            "inner and outer boundary are the same: the inner part ends at once, and what stands behind is unreached; a person reads it",
            mail(
                join([part(join([part(TEXT)]), "multipart/mixed; boundary=b1"), file("a.pdf")]),
                kind="multipart/mixed; boundary=b1",
            ),
            defects=("boundary_not_found",),
        ),
        Case(
            "boundary-not-closed",
            "the last boundary is missing",
            mail(join([part(TEXT)]).replace(b"--b1--\r\n", b""), kind="multipart/mixed; boundary=b1"),
            defects=("boundary_not_closed",),
        ),
        Case(
            "boundary-closed-at-once",
            "only the closing one",
            mail(TEXT + "\r\n--b1--\r\n", kind="multipart/mixed; boundary=b1"),
            defects=("boundary_not_found",),
        ),
        Case(
            "boundary-of-lf-lines",
            "LF around boundaries, CRLF in parts",
            mail(join([part(TEXT)]).replace(b"--b1\r\n", b"--b1\n"), kind="multipart/mixed; boundary=b1"),
        ),
        Case(
            "boundary-with-blanks-behind",
            "blanks behind it on its line (RFC 2046 section 5.1.1)",
            mail(join([part(TEXT)]).replace(b"--b1\r\n", b"--b1 \t \r\n"), kind="multipart/mixed; boundary=b1"),
        ),
        Case(
            "boundary-in-the-middle-of-a-line", "not at a line's begin: it is none", multi(part(TEXT + " --b1 e basta"))
        ),
        Case(
            "preamble-and-epilogue",
            "text before and after the parts, which old programs show",
            mail(join([part(TEXT)], before="This is MIME.\r\n", after="fine"), kind="multipart/mixed; boundary=b1"),
            without=("This is MIME", "fine"),
        ),
        Case(
            "only-a-preamble",
            "all text stands before the first boundary",
            mail(TEXT + CRLF * 2 + join([]).decode(), kind="multipart/mixed; boundary=b1"),
            defects=("boundary_not_found",),
        ),
        Case(
            "parts-without-fields",
            "parts that begin with their empty line",
            multi(part(TEXT, ""), part("Grazie", "")),
            text=(TEXT, "Grazie"),
        ),
        Case(
            "parts-without-empty-line",
            "a part's fields without the line that ends them",
            mail(
                b"--b1\r\nContent-Type: text/plain\r\n" + TEXT.encode() + b"\r\n--b1--\r\n",
                kind="multipart/mixed; boundary=b1",
            ),
            defects=("header_without_end",),
        ),
        Case(
            "no-parts",
            "a multipart without a part",
            mail("", kind="multipart/mixed; boundary=b1"),
            text=(),
            defects=("boundary_not_found",),
        ),
    ]


def _nesting() -> list[Case]:
    def nested(levels: int) -> bytes:
        inner = part(TEXT)
        for level in range(levels):
            inner = part(join([inner], f"n{level}"), f"multipart/mixed; boundary=n{level}")
        kind, _, body = inner.partition(b"\r\n\r\n")
        return mail(body, kind=kind.decode().partition(": ")[2])

    def messages(levels: int) -> bytes:
        inner = mail()
        for _ in range(levels):
            inner = mail(inner, kind="message/rfc822")
        return inner

    return [
        Case("nested-5", "five multiparts, as lists and scanners make them", nested(5)),
        Case("nested-45", "nearly as deep as is read", nested(45)),
        Case("nested-60", "deeper than is read", nested(60), text=(), defects=("limit_depth",), attachments=("",)),
        Case(
            "messages-in-messages-5",
            "forwarded five times as an attachment",
            messages(5),
            is_forward=True,
            attachments=("Informazioni.eml",) * 5,
        ),
        Case(
            "messages-in-messages-60",
            "sixty times: deeper than is read",
            messages(60),
            text=("Informazioni",),
            is_forward=True,
            attachments=("Informazioni.eml",) * 50 + ("",),
            defects=("limit_depth",),
        ),
        Case(
            "hundred-parts",
            "a hundred small parts",
            multi(part(TEXT), *[part(f"riga {n}") for n in range(99)]),
            text=(TEXT, "riga 98"),
        ),
        Case(
            "two-hundred-and-fifty-files",
            "more files than are listed",
            multi(part(TEXT), *[file(f"{n}.pdf") for n in range(250)]),
            attachments=tuple(f"{n}.pdf" for n in range(200)),
            defects=("limit_attachments",),
        ),
        Case("single-part-mixed", "a multipart of one part", multi(part(TEXT))),
        Case(
            "multipart-in-base64",
            "a multipart that is itself encoded (against RFC 2045 section 6.4)",
            mail(
                part(join([part(TEXT)]), encoding="base64").partition(b"\r\n\r\n")[2],
                kind="multipart/mixed; boundary=b1",
                encoding="base64",
            ),
        ),
        Case(
            "multipart-unknown",
            "a subtype that nobody knows is mixed (RFC 2046 section 5.1.3)",
            multi(part(TEXT), kind="x-nuovo"),
        ),
        Case(
            "multipart-parallel",
            "parts to be shown at once",
            multi(part(TEXT), part("Grazie"), kind="parallel"),
            text=(TEXT, "Grazie"),
        ),
        Case(
            "multipart-form-data",
            "a web form's upload sent as mail",
            multi(part(TEXT, "text/plain", 'Content-Disposition: form-data; name="messaggio"'), kind="form-data"),
        ),
        Case(
            "multipart-digest",
            "a digest: each part is a message",
            multi(part(mail("Uno."), ""), part(mail("Due."), ""), kind="digest"),
            text=("Uno.", "Due."),
            is_forward=True,
            attachments=("Informazioni.eml", "Informazioni.eml"),
        ),
        Case(
            "multipart-appledouble",
            "a Mac's file in two forks",
            multi(
                part(TEXT),
                part(
                    join(
                        [
                            part(b"\0\5\x16\7", "application/applefile; name=foto.jpg", encoding="base64"),
                            part(b"\xff\xd8", "image/jpeg; name=foto.jpg", encoding="base64"),
                        ],
                        "b2",
                    ),
                    "multipart/appledouble; boundary=b2",
                ),
            ),
            attachments=("foto.jpg", "foto.jpg"),
        ),
        Case(
            "related-with-picture",
            "HTML with its picture",
            multi(
                part(_HTML, "text/html; charset=utf-8"),
                part(
                    b"GIF89a",
                    "image/gif; name=logo.gif",
                    "Content-ID: <logo>",
                    "Content-Disposition: inline",
                    encoding="base64",
                ),
                kind="related",
                params='type="text/html"; ',
            ),
            attachments=("logo.gif",),
        ),
    ]


def _alternatives() -> list[Case]:
    html = part(_HTML, "text/html; charset=utf-8")
    return [
        Case(
            "alternative-three",
            "plain, HTML and AMP",
            multi(
                part(TEXT), part("<html amp4email></html>", "text/x-amp-html; charset=utf-8"), html, kind="alternative"
            ),
        ),
        Case(
            "alternative-html-first",
            "against the order that RFC 2046 asks for",
            multi(html, part(TEXT), kind="alternative"),
        ),
        Case("alternative-html-only", "one alternative", multi(html, kind="alternative")),
        Case(
            "alternative-plain-empty", "an empty plain text beside the HTML", multi(part(""), html, kind="alternative")
        ),
        Case(
            "alternative-differs",
            "plain and HTML say different things: the plain one is read",
            multi(part(TEXT), part("<p>Abito a Suzzara.</p>", "text/html; charset=utf-8"), kind="alternative"),
            without=("Suzzara",),
        ),
        Case(
            "alternative-with-calendar",
            "an invitation as third alternative",
            multi(
                part(TEXT),
                html,
                part("BEGIN:VCALENDAR\r\nEND:VCALENDAR", "text/calendar; method=REQUEST"),
                kind="alternative",
            ),
            attachments=("",),
            against=("calendario",),
        ),
        Case(
            "alternative-files-inside",
            "a file inside the alternative (Apple Mail)",
            multi(
                part(TEXT), part(join([html, file("a.pdf")], "b2"), "multipart/mixed; boundary=b2"), kind="alternative"
            ),
            attachments=("a.pdf",),
        ),
        Case("html-alone", "HTML and nothing else", mail(_HTML, kind="text/html; charset=utf-8")),
        Case(
            "enriched",
            "text/enriched (RFC 1896)",
            mail(f"<bold>{TEXT}</bold>\r\n", kind="text/enriched; charset=utf-8"),
        ),
        Case(
            "text-unknown",
            "a kind of text that nobody knows",
            mail(TEXT + CRLF, kind="text/x-nuovo; charset=utf-8"),
            attachments=("",),
            defects=("text_only_attached",),
        ),
        Case("text-markdown", "Markdown", mail(f"# Richiesta\r\n\r\n{TEXT}\r\n", kind="text/markdown; charset=utf-8")),
        Case(
            "text-csv-inline",
            "a table as only part",
            mail(f"nome,testo\r\nAnna,{TEXT}\r\n", kind="text/csv; charset=utf-8"),
            attachments=("",),
            defects=("text_only_attached",),
        ),
        Case(
            "rtf-inline", "RTF as only part: a file", mail(r"{\rtf1 ciao}", kind="text/rtf"), text=(), attachments=("",)
        ),
    ]


def _encodings() -> list[Case]:
    def encoded(name: str, why: str, encoding: str, body: Octets, *defects: str) -> Case:
        return Case(f"encoding-{name}", why, mail(body, encoding=encoding), defects=defects)

    solid = b"Vm9ycmVpIHVuIGNvbGxvcXVpbyBhIFZpYWRhbmEu"
    return [
        encoded("base64-one-line", "base64 without line ends", "base64", solid),
        encoded(
            "base64-line-a-sign", "a line end behind every sign", "base64", b"\r\n".join(bytes([o]) for o in solid)
        ),
        encoded(
            "base64-no-padding",
            "the padding is missing",
            "base64",
            b"Vm9ycmVpIHVuIGNvbGxvcXVpbyBhIFZpYWRhbmEuIA",
            "base64_damaged",
        ),
        encoded(
            "base64-padding-inside",
            "two encoded texts, joined",
            "base64",
            b"Vm9ycmVpIHVuIGNvbGxvcXVpbyA=" + b"YSBWaWFkYW5hLg==",
            "base64_damaged",
        ),
        encoded(
            "base64-rubbish-inside",
            "signs of no alphabet inside",
            "base64",
            solid[:20] + b"!*" + solid[20:],
            "base64_damaged",
        ),
        encoded("base64-capitals", "the encoding's name in capitals, with a comment", "BASE64 (testo)", solid),
        encoded("qp-lower-case", "lower case hexadecimals", "quoted-printable", TEXT.replace(".", "=2e") + CRLF),
        encoded("qp-soft-break-at-the-end", "a soft break ends the text", "quoted-printable", TEXT + "="),
        encoded(
            "qp-invalid",
            "escapes that are none",
            "quoted-printable",
            TEXT + " =ZZ 100=% =" + CRLF,
            "quoted_printable_damaged",
        ),
        encoded(
            "qp-of-html-length", "a line of 5,000 where 76 are allowed", "quoted-printable", TEXT + " a" * 2_500 + CRLF
        ),
        encoded("qp-8-bit-inside", "octets above 127 in quoted-printable", "quoted-printable", TEXT + " però" + CRLF),
        encoded("binary", "binary", "binary", TEXT + CRLF),
        encoded("8bit-in-quotes", "the encoding in quotes", '"8bit"', TEXT + CRLF),
        encoded(
            "unknown",
            "an encoding that nobody knows: the text is taken as it stands",
            "x-nuovo",
            TEXT + CRLF,
            "transfer_encoding_unknown",
        ),
        encoded("utf-8", "a charset in its place", "utf-8", TEXT + CRLF, "transfer_encoding_unknown"),
        encoded("7bit-with-8-bit", "7bit is a lie", "7bit", TEXT + " però" + CRLF),
        encoded(
            "uuencode-as-encoding",
            "x-uuencode as the whole body's encoding",
            "x-uuencode",
            b"begin 644 testo.txt\r\n>5F]R<F5I('5N(&-O;&QO<75I;R!A(%9I861A\r\n#;F$N\r\n`\r\nend\r\n",
        ),
        Case(
            "yenc-inside",
            "yEnc pasted into the text",
            mail(f"{TEXT}\r\n=ybegin line=128 size=3 name=a.bin\r\nabc\r\n=yend size=3\r\n"),
        ),
        Case(
            "binhex-inside",
            "BinHex pasted into the text",
            mail(f"{TEXT}\r\n(This file must be converted with BinHex 4.0)\r\n:#Q0d!:\r\n"),
        ),
        Case("content-length-wrong", "Content-Length is a lie", mail(TEXT + CRLF, "Content-Length: 3", "Lines: 1")),
        Case(
            "content-encoding-gzip", "a field of the web: never unpacked", mail(TEXT + CRLF, "Content-Encoding: gzip")
        ),
        Case(
            "content-md5-wrong",
            "a digest that does not match",
            mail(TEXT + CRLF, "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA=="),
        ),
        Case(
            "mime-version-missing",
            "MIME fields without MIME-Version: read all the same",
            mail(solid, head={"MIME-Version": None}, encoding="base64"),
        ),
        Case("mime-version-2", "a version that is none", mail(head={"MIME-Version": "2.0 (futuro)"})),
    ]


def _messages() -> list[Case]:
    inner = mail("Abito a Suzzara." + CRLF, head={"From": "Bruno <bruno@family.example>", "Subject": "Domanda"})
    forwarded: dict[str, Any] = {"text": (TEXT, "Abito a Suzzara."), "is_forward": True}
    return [
        Case(
            "message-base64",
            "an attached message in base64, which PEC providers write",
            multi(part(TEXT), part(inner, "message/rfc822", encoding="base64")),
            attachments=("Domanda.eml",),
            **forwarded,
        ),
        Case(
            "message-quoted-printable",
            "the same in quoted-printable",
            multi(part(TEXT), part(inner, "message/rfc822", encoding="quoted-printable")),
            attachments=("Domanda.eml",),
            **forwarded,
        ),
        Case(
            "message-as-octets",
            "an .eml as application/octet-stream",
            multi(part(TEXT), file("inoltrata.eml", inner, "application/octet-stream")),
            attachments=("inoltrata.eml",),
            **forwarded,
        ),
        Case(
            "message-empty",
            "message/rfc822 without a message",
            multi(part(TEXT), part("", "message/rfc822")),
            attachments=("",),
        ),
        Case(
            "message-without-fields",
            "an attached message that is only text",
            multi(part(TEXT), part("Abito a Suzzara.", "message/rfc822")),
            text=(TEXT,),
            attachments=("",),
            defects=("header_without_end",),
            is_forward=True,
        ),
        Case(
            "message-global",
            "message/global (RFC 6532)",
            multi(part(TEXT), part(inner.replace(b"Domanda", "Perché".encode()), "message/global")),
            attachments=("Perché.eml",),
            **forwarded,
        ),
        Case(
            "message-outlook-msg",
            "an Outlook .msg: listed, not opened",
            multi(part(TEXT), file("inoltrata.msg", b"\xd0\xcf\x11\xe0", "application/vnd.ms-outlook")),
            attachments=("inoltrata.msg",),
        ),
        Case(
            "partial-first",
            "message/partial, the first of three: never joined, a person reads it",
            mail(mail(), kind='message/partial; id="x@family.example"; number=1; total=3'),
            text=(),
            attachments=("",),
            defects=("message_partial",),
        ),
        Case(
            "partial-last",
            "message/partial, the last",
            mail("resto", kind='message/partial; id="x@family.example"; number=3; total=3'),
            text=(),
            attachments=("",),
            defects=("message_partial",),
        ),
        Case(
            "external-url",
            "external-body by URL: never fetched",
            multi(
                part(TEXT),
                part(
                    "Content-Type: text/plain\r\n\r\n",
                    'message/external-body; access-type=URL; URL="http://127.0.0.1:9/x"',
                ),
            ),
            attachments=("",),
            defects=("message_external_body",),
        ),
        Case(
            "external-anon-ftp",
            "external-body by FTP",
            multi(
                part(TEXT),
                part(
                    "Content-Type: text/plain\r\n\r\n",
                    "message/external-body; access-type=anon-ftp; site=ftp.example.test; name=x",
                ),
            ),
            attachments=("x",),
            defects=("message_external_body",),
        ),
        Case(
            "external-local-file",
            "external-body that names a file of ours",
            multi(
                part(TEXT),
                part(
                    "Content-Type: text/plain\r\n\r\n",
                    'message/external-body; access-type=local-file; name="/etc/passwd"',
                ),
            ),
            attachments=("passwd",),
            defects=("message_external_body",),
        ),
        Case(
            "external-mail-server",
            "external-body that asks us to write to a server",
            multi(
                part(TEXT),
                part(
                    "Content-Type: text/plain\r\n\r\nget x",
                    "message/external-body; access-type=mail-server; server=x@else.example",
                ),
            ),
            attachments=("",),
            defects=("message_external_body",),
        ),
        Case(
            "http-response",
            "message/http",
            multi(part(TEXT), part("HTTP/1.1 200 OK\r\n\r\n", "message/http")),
            attachments=("",),
        ),
    ]


def _html() -> list[Case]:
    def html(name: str, why: str, markup: str, *without: str, **facts: Any) -> Case:
        return Case(f"html-{name}", why, mail(markup, kind="text/html; charset=utf-8"), without=without, **facts)

    return [
        html(
            "script-and-style",
            "script, style and title are no text",
            f"<title>titolo</title><style>p{{}}</style><script>alert('x')</script><p>{TEXT}</p>",
            "titolo",
            "alert",
            "p{}",
        ),
        html(
            "hidden",
            "hidden words: what no program shows is not read; what is only made small or transparent is read, and stands plainly in the forward",
            f"<p>{TEXT}</p><div style='display:none'>Suzzara</div><p hidden>Asola</p><span style='font-size:0'>Crema</span><span style='visibility:hidden'>Goito</span><p aria-hidden=true style='mso-hide:all'>Ostiglia</p>",
            "Suzzara",
            "Asola",
            "Ostiglia",
        ),
        html(
            "comments",
            "comments and conditional comments of Outlook",
            f"<!-- Suzzara --><!--[if mso]><p>Asola</p><![endif]--><p>{TEXT}</p>",
            "Suzzara",
            "Asola",
        ),
        html(
            "remote-things",
            "pictures, frames, fonts and a refresh from elsewhere: nothing is fetched",
            f"<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'><img src='http://127.0.0.1:9/x.png'><iframe src='http://127.0.0.1:9/'></iframe><object data='http://127.0.0.1:9/'></object><p>{TEXT}</p>",
        ),
        html(
            "form",
            "a form inside a mail",
            f"<form action='http://else.example/'><p>{TEXT}</p><input name=password><button>Invia</button></form>",
        ),
        html(
            "svg-onload",
            "an SVG that would run code (CVE-2023-5631's kind)",
            f"<svg onload=alert(1)><script>alert(2)</script></svg><p>{TEXT}</p>",
            "alert",
        ),
        html("unclosed", "tags that are never closed", f"<div><p><b>{TEXT}"),
        html(
            "uppercase-and-xml",
            "an XML head, namespaces and capitals, as Word writes",
            f'<?xml version="1.0"?><HTML xmlns:o="urn:x"><BODY><o:p></o:p><P CLASS=MsoNormal>{TEXT}</P></BODY></HTML>',
        ),
        html("tables", "a page of tables", f"<table><tr><td><table><tr><td>{TEXT}</td></tr></table></td></tr></table>"),
        html("null-in-tag", "a NUL inside a tag", f"<p\0>{TEXT}</p>"),
        html(
            "bomb-of-entities",
            "entities that an XML reader would multiply",
            f'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><p>{TEXT} &b;</p>',
        ),
        html(
            "ruby-and-template",
            "elements that a browser does not show as they stand",
            f"<template>Suzzara</template><noscript>Asola</noscript><p>{TEXT}</p>",
            "Suzzara",
        ),
        html(
            "picture-in-the-text",
            "a picture as data inside the page",
            f"<p>{TEXT}</p><img alt='logo' src='data:image/png;base64,{'A' * 4_000}'>",
            "AAAA",
        ),
        html("only-a-picture", "a page of one picture: a person reads it", "<img src='cid:volantino'>", text=()),
    ]
