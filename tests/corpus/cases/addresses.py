"""Who wrote, to whom, when and in answer to what: malformed, repeated, missing, forged."""

from __future__ import annotations

from typing import Any

from tests.corpus.cases.making import ANNA, CRLF, OURS, TEXT, Case, Octets, mail, word

GROUP = "addresses"
TITLE = "Addresses, dates and identifiers: malformed, repeated, missing, forged"


def cases() -> list[Case]:
    """In the order of the README."""
    return [
        *_authors(),
        *_malformed(),
        *_forged(),
        *_reply_and_path(),
        *_recipients(),
        *_repeated(),
        *_identifiers(),
        *_dates(),
    ]


def _from(name: str, why: str, value: Octets, shown: str = "Anna Rossi", address: str = ANNA, **facts: Any) -> Case:
    return Case(f"from-{name}", why, mail(head={"From": value}), author=address, author_name=shown, **facts)


def _authors() -> list[Case]:
    return [
        _from("bare", "an address without a name", ANNA, ""),
        _from("comment", "the name in a comment (RFC 822's manner)", f"{ANNA} (Anna Rossi)"),
        _from("comments-nested", "comments inside comments", f"Anna Rossi (madre (di (tre))) <{ANNA}>"),
        _from(
            "comma-unquoted",
            "surname, name without quotes, as Outlook shows it",
            f"Rossi, Anna <{ANNA}>",
            "Rossi, Anna",
        ),
        _from("comma-quoted", "the same in quotes", f'"Rossi, Anna" <{ANNA}>', "Rossi, Anna"),
        _from(
            "quoted-pairs",
            "escaped quotes and backslashes",
            f'"Anna \\"Nina\\" Rossi\\\\" <{ANNA}>',
            'Anna "Nina" Rossi\\',
        ),
        _from("accents-encoded", "accents in an encoded-word", f"{word('Niccolò Però', 'Q')} <{ANNA}>", "Niccolò Però"),
        _from("accents-raw-utf-8", "accents as raw UTF-8 (RFC 6532)", f"Niccolò Però <{ANNA}>", "Niccolò Però"),
        _from(
            "accents-raw-latin-1",
            "accents as raw Latin-1, which no standard allows",
            b"Niccol\xf2 <" + ANNA.encode() + b">",
            "Niccolò",
            defects=("header_not_utf8",),
        ),
        _from(
            "several",
            "three authors: the first one answers for them",
            f"Anna Rossi <{ANNA}>, Bruno <bruno@family.example>, c@family.example",
        ),
        _from("group", "a group as author (RFC 6854)", f"Famiglia: Anna Rossi <{ANNA}>;"),
        _from(
            "capitals",
            "capitals in domain and local part",
            "Anna Rossi <Anna.Rossi@FAMILY.Example>",
            address="Anna.Rossi@family.example",
        ),
        _from(
            "plus",
            "a plus tag",
            "Anna Rossi <anna.rossi+scuola@family.example>",
            address="anna.rossi+scuola@family.example",
        ),
        _from("idn", "a domain beyond ASCII", "Anna Rossi <anna@münchen.example>", address="anna@münchen.example"),
        _from(
            "idn-punycode",
            "the same as its ASCII form",
            "Anna Rossi <anna@xn--mnchen-3ya.example>",
            address="anna@xn--mnchen-3ya.example",
        ),
        _from(
            "local-part-utf-8",
            "a local part beyond ASCII: no Reply-To, it would need SMTPUTF8",
            "Anna Rossi <nicolò@family.example>",
            address="nicolò@family.example",
        ),
        _from(
            "local-part-quoted",
            "a quoted local part with a blank",
            '"Anna Rossi" <"anna rossi"@family.example>',
            address='"anna rossi"@family.example',
        ),
        _from("domain-literal", "an address by number", "Anna Rossi <anna@[192.0.2.1]>", address="anna@[192.0.2.1]"),
        _from(
            "long-local-part",
            "a local part of 200 octets: no server takes it",
            f"Anna Rossi <{'a' * 200}@family.example>",
            address="a" * 200 + "@family.example",
        ),
        _from("name-of-5000", "a name of 5,000 letters", f"{'Anna ' * 1_000}<{ANNA}>", "Anna " * 40),
        _from("name-of-signs", "a name without a letter", f'"***" <{ANNA}>', "***"),
        _from(
            "emoji", "a name of emoji joined by zero width joiners", f"{word('👩‍👧‍👦 Anna')} <{ANNA}>", "👩‍👧‍👦 Anna"
        ),
        _from(
            "no-reply-lookalike",
            "Nora Reply is a person",
            "Nora Reply <nora.reply@family.example>",
            "Nora Reply",
            "nora.reply@family.example",
        ),
    ]


def _malformed() -> list[Case]:
    none: dict[str, Any] = {"address": "", "against": ("mittente_assente",)}
    return [
        Case(
            "from-missing",
            "no From at all (osTicket 3504)",
            mail(head={"From": None}),
            author="",
            author_name="",
            defects=("from_missing",),
            against=("mittente_assente",),
        ),
        _from("empty", "an empty From", "", "", defects=("from_missing",), **none),
        _from("null", "From: <>", "<>", "", defects=("address_missing",), **none),
        _from("only-a-name", "a name and no address", "Anna Rossi", defects=("address_missing",), **none),
        _from("no-at", "a local part alone", "Anna Rossi <anna.rossi>", defects=("address_missing",), **none),
        _from("two-ats", "two @", "Anna Rossi <anna@rossi@family.example>", address="anna@rossi@family.example"),
        _from("unclosed", "the bracket is not closed", f"Anna Rossi <{ANNA}"),
        _from("unopened", "the bracket is not opened", f"Anna Rossi {ANNA}>"),
        _from("doubled-brackets", "<<address>>", f"Anna Rossi <<{ANNA}>>"),
        _from(
            "two-brackets",
            "two addresses after one name: the first counts",
            f"Anna Rossi <{ANNA}> <bruno@family.example>",
        ),
        _from("unclosed-quote", "a quote that is not closed", f'"Anna Rossi <{ANNA}>'),
        _from(
            "unclosed-comment",
            "a comment that is not closed",
            f"Anna Rossi (madre <{ANNA}>",
            defects=("address_missing",),
            **none,
        ),
        _from(
            "blank-in-local-part",
            "a blank inside: joined, it could be a stranger's address",
            "Anna Rossi <anna rossi@family.example>",
            defects=("address_missing",),
            **none,
        ),
        _from(
            "blanks-around-dots",
            "blanks around @ and dots (RFC 5322 section 4.4)",
            "Anna Rossi <anna . rossi @ family . example>",
        ),
        _from(
            "dots-doubled",
            "two dots in the local part, as some phone companies gave out",
            "Anna Rossi <anna..rossi@family.example>",
            address="anna..rossi@family.example",
        ),
        _from(
            "dot-at-the-end",
            "a local part that ends with a dot",
            "Anna Rossi <anna.@family.example>",
            address="anna.@family.example",
        ),
        _from("domain-with-dot", "a domain with its final dot", f"Anna Rossi <{ANNA}.>"),
        _from("no-domain-dots", "a host of somebody's office", "Anna Rossi <anna@PC-ANNA>", address="anna@pc-anna"),
        _from("mailto", "mailto: before the address", f"Anna Rossi <mailto:{ANNA}>"),
        _from(
            "source-route", "a source route (RFC 5321 appendix C)", f"Anna Rossi <@relay.example,@mx.example:{ANNA}>"
        ),
        _from(
            "percent-hack",
            "routing by percent: never used on the wire as it stands",
            "Anna Rossi <anna%family.example@relay.example>",
            address="anna%family.example@relay.example",
        ),
        _from(
            "bang-path",
            "a UUCP path",
            "Anna Rossi <relay!family!anna@gate.example>",
            address="relay!family!anna@gate.example",
        ),
        _from(
            "semicolons",
            "addresses parted by semicolons, as Outlook shows them",
            f"Anna Rossi <{ANNA}>; Bruno <bruno@family.example>",
        ),
        _from("angle-in-name", "brackets inside the name", f"Anna <Nina> Rossi <{ANNA}>", "Anna Rossi"),
        _from("8000-commas", "eight thousand commas", "," * 8_000 + f"Anna Rossi <{ANNA}>"),
        _from(
            "8000-brackets",
            "eight thousand opening brackets",
            "<" * 8_000 + ANNA + ">" * 10,
            "",
            "",
            defects=("address_missing",),
            against=("mittente_assente",),
        ),
        _from(
            "8000-parentheses",
            "eight thousand opening parentheses",
            "(" * 8_000 + ANNA,
            ANNA,
            "",
            defects=("address_missing",),
            against=("mittente_assente",),
        ),
    ]


def _forged() -> list[Case]:
    return [
        _from(
            "name-is-an-address",
            "a name that looks like a bank's address",
            f'"servizio@banca.example" <{ANNA}>',
            "servizio@banca.example",
        ),
        _from("name-is-our-address", "a name that is our own address", f'"{OURS}" <{ANNA}>', OURS),
        _from(
            "name-is-a-project",
            "a name that is a project's",
            f'"Centro Nord <nord@nord.example>" <{ANNA}>',
            "Centro Nord <nord@nord.example>",
        ),
        _from(
            "name-with-wide-at",
            "an @ of full width in the name",
            f"{word('direzione＠agency.example')} <{ANNA}>",
            "direzione＠agency.example",
        ),
        _from(
            "name-turned-round",
            "a name whose reading direction is turned round",
            f"{word(chr(0x202E) + 'issoR annA')} <{ANNA}>",
            "issoR annA",
        ),
        _from(
            "name-with-tabs",
            "tabs that push the address out of sight",
            f'"Direzione ATS\t\t\t\t\t\t\t" <{ANNA}>',
            "Direzione ATS",
        ),
        _from(
            "homograph",
            "Cyrillic letters that look Latin",
            "Anna Rossi <аnna@family.example>",
            address="аnna@family.example",
        ),
        Case(
            "from-ourselves",
            "our own address as author: a loop or a forgery, never answered",
            mail(head={"From": f"Sportello <{OURS}>", "Return-Path": f"<{OURS}>"}),
            author=OURS,
            author_name="Sportello",
            against=("da_noi", "indirizzo_nostro"),
        ),
        Case(
            "from-ourselves-with-plus",
            "our own address with a tag",
            mail(head={"From": "Sportello <famiglie+x@AGENCY.example>"}),
            author="famiglie+x@agency.example",
            author_name="Sportello",
            against=("da_noi",),
        ),
        Case(
            "from-a-project",
            "a project writes: it is never acknowledged",
            mail(head={"From": "Centro Nord <nord@nord.example>", "Return-Path": "<nord@nord.example>"}),
            author="nord@nord.example",
            author_name="Centro Nord",
            against=("dal_progetto", "percorso_di_progetto"),
        ),
        Case(
            "sender-differs",
            "a secretary sends for the author",
            mail(TEXT + CRLF, "Sender: Segreteria <segreteria@family.example>"),
        ),
        Case("sender-is-ours", "our address as Sender", mail(TEXT + CRLF, f"Sender: <{OURS}>"), against=("da_noi",)),
        Case(
            "sender-is-no-reply",
            "a Sender that nobody reads",
            mail(TEXT + CRLF, "Sender: <noreply@forms.example>"),
            against=("mittente_di_sistema",),
        ),
    ]


def _reply_and_path() -> list[Case]:
    return [
        Case(
            "reply-to-a-stranger",
            "Reply-To names another: the project's answer goes there, and it says so",
            mail(TEXT + CRLF, "Reply-To: Bruno <bruno@else.example>"),
        ),
        Case(
            "reply-to-ourselves",
            "Reply-To is our address: a reply must not come back to us",
            mail(TEXT + CRLF, f"Reply-To: <{OURS}>"),
        ),
        Case(
            "reply-to-a-project",
            "Reply-To is a project's: two projects would write to one another",
            mail(TEXT + CRLF, "Reply-To: <nord@nord.example>"),
        ),
        Case(
            "reply-to-many",
            "Reply-To with three hundred addresses: one is used",
            mail(TEXT + CRLF, "Reply-To: " + ",\r\n ".join(f"x{n}@else.example" for n in range(300))),
        ),
        Case(
            "reply-to-malformed",
            "Reply-To that is no address: the author's is used",
            mail(TEXT + CRLF, "Reply-To: chiamatemi"),
            defects=("address_missing",),
        ),
        Case(
            "return-path-missing",
            "no Return-Path: nothing is guessed",
            mail(head={"Return-Path": None}),
            against=("percorso_assente",),
        ),
        Case(
            "return-path-twice",
            "two that differ",
            mail(TEXT + CRLF, "Return-Path: <bruno@else.example>"),
            against=("percorso_multiplo",),
        ),
        Case(
            "return-path-with-name",
            "a name in Return-Path",
            mail(head={"Return-Path": f"Anna Rossi <{ANNA}>"}),
            against=("indirizzo_non_valido",),
        ),
        Case(
            "return-path-two-addresses",
            "two addresses in one",
            mail(head={"Return-Path": f"<{ANNA}>, <bruno@else.example>"}),
            against=("indirizzo_non_valido",),
        ),
        Case(
            "return-path-batv",
            "a signed path (BATV) is the author's own",
            mail(head={"Return-Path": f"<prvs=0123abcd={ANNA}>"}),
        ),
        Case(
            "return-path-srs",
            "rewritten by a forwarder (SRS): an answer is read as a bounce",
            mail(head={"Return-Path": "<SRS0=Hh=T5=family.example=anna.rossi@forwarder.example>"}),
            against=("percorso_riscritto",),
        ),
        Case(
            "return-path-verp",
            "made for one recipient (VERP)",
            mail(head={"Return-Path": "<lista-famiglie=agency.example@lists.example>"}),
            against=("percorso_riscritto",),
        ),
        Case(
            "return-path-other-domain",
            "another domain of the author's provider",
            mail(head={"Return-Path": "<anna@other.example>"}),
        ),
    ]


def _recipients() -> list[Case]:
    away: dict[str, Any] = {"against": ("non_indirizzata_a_noi",)}
    return [
        Case("to-undisclosed", "undisclosed recipients", mail(head={"To": "undisclosed-recipients:;"}), **away),
        Case("to-missing", "neither To nor Cc", mail(head={"To": None}), **away),
        Case("to-others", "we were in Bcc", mail(head={"To": "Bruno <bruno@family.example>"}), **away),
        Case("cc-us", "we are in Cc", mail(TEXT + CRLF, f"Cc: {OURS}", head={"To": "Bruno <bruno@family.example>"})),
        Case(
            "resent-to-us",
            "a person redirected it to us (RFC 5322 section 3.6.6)",
            mail(
                TEXT + CRLF,
                "Resent-From: <bruno@family.example>",
                f"Resent-To: <{OURS}>",
                "Resent-Date: Mon, 4 May 2026 11:00:00 +0200",
                head={"To": "Bruno <bruno@family.example>"},
            ),
        ),
        Case(
            "to-two-thousand",
            "two thousand recipients, ours last: more than are read",
            mail(head={"To": ",\r\n ".join(f"<p{n}@else.example>" for n in range(2_000)) + f",\r\n <{OURS}>"}),
            defects=("limit_addresses",),
            **away,
        ),
        Case(
            "to-nested-groups",
            "groups inside groups, which no standard has",
            mail(head={"To": f"A: B: C: <{OURS}>;;;"}),
        ),
        Case(
            "bcc-shown",
            "a Bcc field that was left in: never repeated by us",
            mail(TEXT + CRLF, "Bcc: segreto@else.example"),
        ),
    ]


def _repeated() -> list[Case]:
    again: dict[str, Any] = {"defects": ("field_repeated",)}
    return [
        Case(
            "repeated-from",
            "two From: the first counts (RFC 7103 section 7.5)",
            mail(TEXT + CRLF, "From: Bruno <bruno@else.example>"),
            **again,
        ),
        Case("repeated-subject", "two Subject", mail(TEXT + CRLF, "Subject: altro"), **again),
        Case("repeated-date", "two Date", mail(TEXT + CRLF, "Date: Tue, 5 May 2026 10:22:00 +0200"), **again),
        Case("repeated-message-id", "two Message-ID", mail(TEXT + CRLF, "Message-ID: <due@family.example>"), **again),
        Case(
            "repeated-content-type",
            "two Content-Type: a filter may believe the other",
            mail(TEXT + CRLF, "Content-Type: multipart/mixed; boundary=b"),
            **again,
        ),
        Case("repeated-to", "two To: all are read", mail(TEXT + CRLF, "To: bruno@family.example")),
        Case(
            "repeated-transfer-encoding",
            "two transfer encodings: the first counts",
            mail(TEXT + CRLF, "Content-Transfer-Encoding: 7bit", "Content-Transfer-Encoding: base64"),
        ),
    ]


def _identifiers() -> list[Case]:
    def with_id(name: str, why: str, value: Octets | None, **facts: Any) -> Case:
        return Case(f"message-id-{name}", why, mail(head={"Message-ID": value}), **facts)

    return [
        with_id("missing", "none (chatwoot 9069: never ignored for it)", None, defects=("message_id_missing",)),
        with_id("without-brackets", "no brackets", "uno@family.example", defects=("message_id_malformed",)),
        with_id("with-blanks", "blanks inside", "<uno due@family.example>"),
        with_id("microsoft", "square brackets inside (cleanup-maildir 7)", "<[0a1b2c]@family.example>"),
        with_id("without-at", "no @", "<20260504102200.ABC>", defects=("message_id_malformed",)),
        with_id(
            "of-2000", "two thousand letters", f"<{'a' * 2_000}@family.example>", defects=("message_id_malformed",)
        ),
        with_id("two", "two in one field", "<uno@family.example> <due@family.example>"),
        with_id("empty", "empty brackets", "<>", defects=("message_id_missing",)),
        with_id("beyond-ascii", "accents inside: not repeated by us", "<però@family.example>"),
        Case(
            "references-of-5000",
            "five thousand references: the first and the latest are repeated",
            mail(TEXT + CRLF, "References: " + "\r\n ".join(f"<{n}@family.example>" for n in range(5_000))),
        ),
        Case(
            "references-words",
            "words among the references",
            mail(TEXT + CRLF, "References: Il tuo messaggio di ieri <a@family.example>"),
        ),
        Case(
            "in-reply-to-prose",
            "prose in In-Reply-To, as old programs wrote",
            mail(TEXT + CRLF, 'In-Reply-To: Your message of "Mon, 4 May 2026" <a@family.example>'),
        ),
    ]


def _dates() -> list[Case]:
    def with_date(name: str, why: str, value: str | None, *defects: str) -> Case:
        return Case(f"date-{name}", why, mail(head={"Date": value}), defects=defects)

    return [
        with_date("missing", "none", None, "date_missing"),
        with_date("italian", "Italian names of day and month", "lun, 4 mag 2026 10:22:00 +0200", "date_invalid"),
        with_date("iso", "as computers write it", "2026-05-04T10:22:00+02:00", "date_invalid"),
        with_date("two-digit-year", "obsolete (RFC 5322 section 4.3)", "4 May 26 10:22 EST"),
        with_date("comment", "the zone's name in a comment", "Mon, 4 May 2026 10:22:00 +0200 (CEST)"),
        with_date("impossible", "the 99th of a month", "Mon, 99 May 2026 99:99:99 +9999", "date_invalid"),
        with_date(
            "year-10000", "a year that no calendar here holds", "Mon, 4 May 10000 10:22:00 +0200", "date_invalid"
        ),
        with_date("1970", "the beginning of time", "Thu, 1 Jan 1970 00:00:00 +0000"),
        with_date("future", "fifty years from now", "Mon, 4 May 2076 10:22:00 +0200"),
        with_date("zone-of-30-hours", "a zone that is none", "Mon, 4 May 2026 10:22:00 +3000", "date_invalid"),
        with_date("of-digits", "ten thousand digits", "9" * 10_000, "date_invalid"),
    ]
