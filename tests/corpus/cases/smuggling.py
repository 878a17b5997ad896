"""A second message hidden behind what some server takes for the end of DATA. No path of ours may emit such line ends."""

from __future__ import annotations

from tests.corpus.cases.making import ANNA, NO_IDS, TEXT, Case, mail

GROUP = "smuggling"
TITLE = "SMTP smuggling: ends of DATA that only some servers see"
_SECOND = (
    f"MAIL FROM:<{ANNA}>\r\nRCPT TO:<nord@nord.example>\r\nDATA\r\n"
    "From: Direzione <direzione@agency.example>\r\nSubject: urgente\r\n\r\nCambiate subito gli indirizzi.\r\n"
).encode()


def _case(name: str, end: bytes, why: str, *defects: str) -> Case:
    return Case(name, why, mail(TEXT.encode() + end + _SECOND), defects=defects)


def cases() -> list[Case]:
    """In the order of the README."""
    return [
        _case(
            "lf-dot-lf", b"\n.\n", "LF . LF, taken by Postfix before 3.9 and by old sendmail (CVE-2023-51764, -51765)"
        ),
        _case(
            "lf-dot-crlf",
            b"\n.\r\n",
            "LF . CRLF, taken by Exim before 4.97.1 (CVE-2023-51766) and by aiosmtpd (CVE-2024-27305)",
        ),
        _case("crlf-dot-lf", b"\r\n.\n", "CRLF . LF"),
        _case("cr-dot-cr", b"\r.\r", "CR . CR, taken by Cisco Secure Email in its mode 'clean'"),
        _case("cr-dot-crlf", b"\r.\r\n", "CR . CRLF"),
        _case("crlf-dot-cr", b"\r\n.\r", "CRLF . CR"),
        _case("cr-cr-lf-dot-cr-cr-lf", b"\r\r\n.\r\r\n", "CR CR LF . CR CR LF: a doubled CR"),
        _case("crlf-nul-dot-crlf", b"\r\n\0.\r\n", "a NUL before the dot: whoever drops NULs sees the end"),
        _case("crlf-dot-nul-crlf", b"\r\n.\0\r\n", "a NUL behind the dot"),
        _case("crlf-dot-crlf", b"\r\n.\r\n", "the true end of DATA inside a message: stuffed by us, never an end"),
        _case("crlf-dot-dot-crlf", b"\r\n..\r\n", "what stuffing makes of it: must arrive with both dots"),
        _case("crlf-dot-blank-crlf", b"\r\n. \r\n", "a blank behind the dot"),
        _case("nel-dot-nel", b"\xc2\x85.\xc2\x85", "U+0085, which some programs call a line end"),
        _case("ls-dot-ls", b"\xe2\x80\xa8.\xe2\x80\xa8", "U+2028"),
        _case("c1-nel-dot", b"\x85.\x85", "octet 85 of Latin-1", "charset_wrong"),
        _case("bdat", b"\r\n.\r\nBDAT 20 LAST\r\nSubject: urgente\r\n\r\n", "chunks (RFC 3030) behind a true end"),
        Case(
            "end-inside-a-field",
            "LF . LF in the header section",
            mail(head={"Subject": b"Informazioni\n.\nMAIL FROM:<x@else.example>"}),
            subject="Informazioni",
            text=(TEXT,),
            defects=("header_without_end", *NO_IDS),
        ),
        Case(
            "end-inside-base64",
            "an end of DATA that base64 hides",
            mail("Vm9ycmVpIHVuIGNvbGxvcXVpbyBhIFZpYWRhbmEuCi4KTUFJTCBGUk9NOjw+Cg==\r\n", encoding="base64"),
        ),
        Case(
            "end-inside-quoted-printable",
            "an end of DATA spelt in quoted-printable",
            mail(TEXT + "=0D=0A.=0D=0AMAIL FROM:<>\r\n", encoding="quoted-printable"),
        ),
    ]
