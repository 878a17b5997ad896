"""Attached files: names made to deceive, kinds that are dangerous or opaque; winmail.dat, invitations, signed and encrypted mail."""

from __future__ import annotations

import struct
from typing import Any

from tests.corpus.cases.making import CRLF, TEXT, Case, Octets, file, join, lines, mail, multi, part, word

GROUP = "files"
TITLE = "Files, winmail.dat, invitations, signed and encrypted mail"
_ZIP = b"PK\x03\x04\x14\0\0\0\x08\0"


def cases() -> list[Case]:
    """In the order of the README."""
    return [*_names(), *_kinds(), *_winmail(), *_calendar(), *_smime(), *_pgp()]


def _names() -> list[Case]:
    def named(name: str, why: str, written: str, shown: str, **facts: Any) -> Case:
        return Case(
            f"name-{name}",
            why,
            multi(part(TEXT), part("%PDF", "application/pdf", f"Content-Disposition: attachment; filename{written}")),
            attachments=(shown,),
            **facts,
        )

    return [
        named("path-unix", "a path upwards", '="../../../etc/passwd"', "passwd"),
        named("path-windows", "a Windows path", '="C:\\\\Windows\\\\System32\\\\calc.exe"', "calc.exe"),
        named("path-encoded", "a path, percent-encoded by RFC 2231", "*=utf-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        named(
            "turned-round",
            "an .exe that reads as .jpg from right to left",
            f'="{word("foto" + chr(0x202E) + "gpj.exe")}"',
            "fotogpj.exe",
        ),
        named(
            "double-extension",
            "a double extension, far apart",
            '="referto.pdf                              .exe"',
            "referto.pdf .exe",
        ),
        named("nul", "a NUL before the true extension", '="referto.exe\0.pdf"', "referto.exe.pdf"),
        named("device", "a name that Windows keeps for itself", '="CON.txt"', "CON.txt"),
        named("dots", "nothing but dots", '="...."', ""),
        named("of-500", "five hundred letters: cut, the extension kept", f'="{"a" * 500}.pdf"', "a" * 116 + ".pdf"),
        named("with-quotes", "quotes inside", '="a\\"b\\".pdf"', "a_b_.pdf"),
        named("markup", "markup in a name", '="<img src=x onerror=alert(1)>.pdf"', "_img src=x onerror=alert(1)_.pdf"),
        named("formula", "a name that begins a spreadsheet's formula", '="=HYPERLINK(1).csv"', "=HYPERLINK(1).csv"),
        named("emoji", "an emoji", f'="{word("🏥.pdf")}"', "🏥.pdf"),
        named("2231-latin-1", "RFC 2231 with Latin-1", "*=iso-8859-1'it'perch%E9.pdf", "perché.pdf"),
        named(
            "2231-continued",
            "RFC 2231 in three pieces, out of order",
            "*1*=ch%C3; filename*0*=utf-8''per; filename*2*=%A9.pdf",
            "perché.pdf",
        ),
        named(
            "2231-and-plain",
            "both forms: the encoded one counts (RFC 6266 section 4.3)",
            "=perche.pdf; filename*=utf-8''perch%C3%A9.pdf",
            "perché.pdf",
        ),
        named(
            "2231-endless",
            "a hundred and fifty pieces: more parameters than are read",
            "".join(f"{'' if n == 0 else '; filename'}*{n}=a" for n in range(150)),
            "a" * 99,
            defects=("limit_parameters",),
        ),
        named("missing", "no name at all", "", "", defects=("parameter_malformed",)),
        Case(
            "name-unlike-in-two-places",
            "Content-Type and Content-Disposition name it unlike: the second counts",
            multi(
                part(TEXT),
                part("%PDF", "application/pdf; name=a.pdf", "Content-Disposition: attachment; filename=b.exe"),
            ),
            attachments=("b.exe",),
        ),
        Case(
            "name-same-thrice",
            "three files of one name",
            multi(part(TEXT), file("a.pdf"), file("a.pdf", b"2"), file("a.pdf", b"3")),
            attachments=("a.pdf", "a.pdf", "a.pdf"),
        ),
    ]


def _kinds() -> list[Case]:
    def attached(name: str, why: str, file_name: str, content: Octets, kind: str, **facts: Any) -> Case:
        return Case(
            f"kind-{name}", why, multi(part(TEXT), file(file_name, content, kind)), attachments=(file_name,), **facts
        )

    return [
        attached("executable", "a program", "fattura.exe", b"MZ\x90\0", "application/x-msdownload"),
        attached(
            "macro", "a workbook with macros", "modulo.xlsm", _ZIP, "application/vnd.ms-excel.sheet.macroEnabled.12"
        ),
        attached(
            "zip-encrypted",
            "a locked archive: no scanner sees inside",
            "referti.zip",
            b"PK\x03\x04\x14\0\x01\0\x08\0",
            "application/zip",
        ),
        attached(
            "zip-slip",
            "an archive whose names climb out of their folder: never unpacked",
            "x.zip",
            _ZIP + b"../../../etc/cron.d/x",
            "application/zip",
        ),
        attached(
            "zip-quoted-sizes",
            "an archive that calls itself four gigabytes",
            "x.zip",
            b"PK\x03\x04" + b"\xff" * 22,
            "application/zip",
        ),
        attached("svg", "a drawing that may run code", "logo.svg", "<svg onload='alert(1)'/>", "image/svg+xml"),
        attached(
            "html",
            "a page as attachment: listed, not read",
            "avviso.html",
            "<p>Suzzara</p>",
            "text/html",
            without=("Suzzara",),
        ),
        attached("shortcut", "a Windows shortcut", "documento.lnk", b"L\0\0\0", "application/octet-stream"),
        attached("vcard", "a visiting card", "anna.vcf", "BEGIN:VCARD\r\nFN:Anna\r\nEND:VCARD\r\n", "text/vcard"),
        attached(
            "eicar-like",
            "a scanner's test text, cut so that no scanner of ours takes the file",
            "test.com",
            "X5O!P%@AP[4-PZX54(P^)7CC)7-TEST",
            "application/octet-stream",
        ),
        attached("kind-is-a-lie", "a program that calls itself a picture", "foto.jpg", b"MZ\x90\0", "image/jpeg"),
        attached(
            "kind-malformed", "a media type that is none", "a.pdf", b"%PDF", "pdf", defects=("content_type_invalid",)
        ),
        attached("heic", "a phone's photograph", "IMG_0001.HEIC", b"\0\0\0\x18ftypheic", "image/heic"),
        attached("voice", "a voice message", "PTT-20260504.opus", b"OggS", "audio/ogg"),
        Case(
            "kind-only-a-file",
            "a file and no text: a person looks",
            multi(file("richiesta.pdf")),
            text=(),
            attachments=("richiesta.pdf",),
        ),
        Case(
            "kind-only-a-photograph",
            "the whole message is a photograph",
            mail(b"/9j/4AAQ", kind="image/jpeg; name=foto.jpg", encoding="base64"),
            text=(),
            attachments=("foto.jpg",),
        ),
        Case(
            "kind-audio-alone",
            "voice mail from a switchboard",
            mail(b"T2dnUw==", kind="audio/wav; name=msg0001.wav", encoding="base64"),
            text=(),
            attachments=("msg0001.wav",),
        ),
        Case(
            "kind-fax",
            "a fax gateway's TIFF",
            multi(
                part("Fax ricevuto dal numero 0376 000000"),
                file("fax.tif", b"II*\0", "image/tiff"),
                Subject="Fax da 0376 000000",
            ),
            subject="Fax da 0376 000000",
            text=("Fax ricevuto",),
            attachments=("fax.tif",),
        ),
    ]


def _winmail() -> list[Case]:
    def attribute(level: int, number: int, value: bytes) -> bytes:
        return struct.pack("<BII", level, number, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)

    start = b"\x78\x9f\x3e\x22\x01\x00"
    body = attribute(1, 0x0002800C, TEXT.encode() + b"\0")
    page = attribute(1, 0x00069007, struct.pack("<II", 1252, 0))
    one_file = (
        attribute(2, 0x00069002, b"\0" * 14)
        + attribute(2, 0x00018010, b"modulo.doc\0")
        + attribute(2, 0x0006800F, b"doc")
    )

    def rtf() -> bytes:
        return attribute(1, 0x00069003, struct.pack("<IHHII", 1, 0x0102, 0x1009, 1, 4) + b"LZFu")

    def sent(name: str, why: str, content: bytes, outside: str = "", **facts: Any) -> Case:
        octets = (
            multi(part(outside), file("winmail.dat", content, "application/ms-tnef"))
            if outside
            else mail(
                part(content, encoding="base64").partition(b"\r\n\r\n")[2],
                kind="application/ms-tnef; name=winmail.dat",
                encoding="base64",
            )
        )
        return Case(f"winmail-{name}", why, octets, **facts)

    return [
        sent("text", "winmail.dat holds the only text", start + page + body, attachments=("winmail.dat",)),
        sent(
            "text-and-file",
            "text outside, a file inside",
            start + page + one_file,
            TEXT,
            attachments=("winmail.dat", "modulo.doc"),
        ),
        sent(
            "only-rtf",
            "the text exists only as packed RTF: a person reads it",
            start + page + rtf(),
            text=(),
            attachments=("winmail.dat",),
            defects=("tnef_text_only_rtf",),
        ),
        sent(
            "cut-off",
            "the stream ends inside a value",
            (start + page + body)[:-20],
            TEXT,
            attachments=("winmail.dat",),
            defects=("tnef_damaged",),
        ),
        sent(
            "length-is-a-lie",
            "a value of four gigabytes",
            start + struct.pack("<BII", 1, 0x0002800C, 0xFFFFFFFF),
            TEXT,
            attachments=("winmail.dat",),
            defects=("tnef_damaged",),
        ),
        sent(
            "not-tnef",
            "a winmail.dat that is none",
            b"PK\x03\x04",
            TEXT,
            attachments=("winmail.dat",),
            defects=("tnef_damaged",),
        ),
    ]


def _calendar() -> list[Case]:
    def ics(method: str, *more: str) -> str:
        return lines(
            "\n".join(
                [
                    "BEGIN:VCALENDAR",
                    "VERSION:2.0",
                    f"METHOD:{method}",
                    "BEGIN:VEVENT",
                    "UID:1@family.example",
                    "DTSTART:20260511T080000Z",
                    "SUMMARY:Colloquio",
                    *more,
                    "END:VEVENT",
                    "END:VCALENDAR",
                ]
            )
        )

    def invited(name: str, why: str, method: str, text: str, subject: str, **facts: Any) -> Case:
        octets = multi(
            part(text),
            part(ics(method), f"text/calendar; charset=utf-8; method={method}"),
            kind="alternative",
            Subject=subject,
        )
        return Case(
            f"calendar-{name}",
            why,
            octets,
            subject=subject,
            text=(text,),
            attachments=("",),
            against=("calendario",),
            **facts,
        )

    return [
        invited("request", "a person invites us", "REQUEST", TEXT, "Invito: colloquio", automatic=True),
        invited(
            "reply",
            "a calendar accepts by itself",
            "REPLY",
            "Anna Rossi ha accettato l'invito.",
            "Accettato: colloquio",
            automatic=True,
        ),
        invited(
            "counter",
            "a calendar proposes another hour",
            "COUNTER",
            "Proposta nuova ora",
            "Nuova ora proposta: colloquio",
        ),
        invited("cancel", "a calendar cancels", "CANCEL", "Annullato", "Annullato: colloquio", automatic=True),
        Case(
            "calendar-alone",
            "an invitation without any text",
            mail(ics("REQUEST"), kind="text/calendar; method=REQUEST; charset=utf-8"),
            text=(),
            attachments=("",),
            against=("calendario",),
            automatic=True,
        ),
        Case(
            "calendar-file",
            "a person attaches an .ics: she may be answered? the gate says no, the mail goes on",
            multi(part(TEXT), file("corso.ics", ics("PUBLISH"), "application/ics")),
            attachments=("corso.ics",),
            against=("calendario",),
        ),
        Case(
            "calendar-exchange-class",
            "Exchange's own class of content",
            mail(TEXT + CRLF, "Content-Class: urn:content-classes:calendarmessage"),
            against=("calendario",),
        ),
    ]


def _smime() -> list[Case]:
    signature = part(
        b"0\x80\x06\t*\x86H\x86\xf7\r\x01\x07\x02",
        "application/pkcs7-signature; name=smime.p7s",
        "Content-Disposition: attachment; filename=smime.p7s",
        encoding="base64",
    )
    return [
        Case(
            "smime-signed",
            "signed in clear: the text is read, the original travels untouched",
            multi(
                part(TEXT), signature, kind="signed", params='protocol="application/pkcs7-signature"; micalg=sha-256; '
            ),
            attachments=("smime.p7s",),
        ),
        Case(
            "smime-signed-no-text",
            "a signature alone",
            multi(
                part(""), signature, kind="signed", params='protocol="application/pkcs7-signature"; micalg=sha-256; '
            ),
            text=(),
            attachments=("smime.p7s",),
        ),
        Case(
            "smime-encrypted",
            "enveloped: nobody here can read it, a person is told",
            mail(
                b"MIAGCSqGSIb3DQEHA6CA",
                kind="application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m",
                encoding="base64",
            ),
            text=(),
            attachments=("smime.p7m",),
            defects=("encrypted_or_signed_unread",),
        ),
        Case(
            "smime-damaged",
            "DER lengths that point beyond the end",
            mail(
                b"MIAGCSqGSIb3DQEHAqCEf////w==",
                kind="application/pkcs7-mime; smime-type=signed-data; name=smime.p7m",
                encoding="base64",
            ),
            text=(),
            attachments=("smime.p7m",),
            defects=("encrypted_or_signed_unread",),
        ),
        Case(
            "smime-p7m-file",
            "a signed PDF (.p7m) among the files, as offices send",
            multi(part(TEXT), file("domanda.pdf.p7m", b"0\x80", "application/pkcs7-mime")),
            attachments=("domanda.pdf.p7m",),
            defects=("encrypted_or_signed_unread",),
        ),
        Case(
            "smime-triple",
            "signed, in a list's multipart, with a footer",
            multi(
                part(
                    join([part(TEXT), signature], "s"),
                    'multipart/signed; boundary=s; protocol="application/pkcs7-signature"; micalg=sha1',
                ),
                part("-- \r\nUna lista"),
            ),
            attachments=("smime.p7s",),
        ),
        Case(
            "dkim-broken",
            "a DKIM signature that does not hold: no reason to think worse of her",
            mail(TEXT + CRLF, "DKIM-Signature: v=1; a=rsa-sha256; d=family.example; s=x; h=from:to; bh=AAAA; b=AAAA"),
        ),
        Case(
            "arc-sets",
            "five ARC sets",
            mail(
                TEXT + CRLF,
                *(f"ARC-Seal: i={n}; a=rsa-sha256; cv=pass; d=relay.example; s=x; b=AAAA" for n in range(1, 6)),
            ),
        ),
    ]


def _pgp() -> list[Case]:
    armour = lines("-----BEGIN PGP MESSAGE-----\n\nhQEMA0000000000AAAAB\n=AAAA\n-----END PGP MESSAGE-----")
    return [
        Case(
            "pgp-signed",
            "PGP/MIME, signed",
            multi(
                part(TEXT),
                part(
                    "-----BEGIN PGP SIGNATURE-----\r\n\r\nAAAA\r\n-----END PGP SIGNATURE-----",
                    "application/pgp-signature; name=signature.asc",
                ),
                kind="signed",
                params='protocol="application/pgp-signature"; micalg=pgp-sha256; ',
            ),
            attachments=("signature.asc",),
        ),
        Case(
            "pgp-encrypted",
            "PGP/MIME, encrypted: a person is told",
            multi(
                part("Version: 1\r\n", "application/pgp-encrypted"),
                part(armour, "application/octet-stream; name=encrypted.asc"),
                kind="encrypted",
                params='protocol="application/pgp-encrypted"; ',
            ),
            text=(),
            attachments=("", "encrypted.asc"),
            defects=("encrypted_or_signed_unread",),
        ),
        Case(
            "pgp-inline-signed",
            "a signature inside the text",
            mail(
                lines(
                    f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{TEXT}\n-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----"
                )
            ),
        ),
        Case(
            "pgp-inline-encrypted",
            "encrypted inside the text",
            mail(armour),
            text=("BEGIN PGP MESSAGE",),
            defects=("encrypted_or_signed_unread",),
        ),
        Case(
            "pgp-key",
            "her public key",
            multi(part(TEXT), file("chiave.asc", "-----BEGIN PGP PUBLIC KEY BLOCK-----", "application/pgp-keys")),
            attachments=("chiave.asc",),
        ),
        Case(
            "autocrypt",
            "a key in a field of 3,000 signs",
            mail(
                TEXT + CRLF, "Autocrypt: addr=anna.rossi@family.example; keydata=\r\n " + "\r\n ".join(["A" * 70] * 40)
            ),
        ),
        Case(
            "protected-headers",
            "the true subject stands inside",
            multi(part(TEXT, 'text/plain; charset=utf-8; protected-headers="v1"', "Subject: Colloquio"), Subject="..."),
            subject="...",
        ),
    ]
