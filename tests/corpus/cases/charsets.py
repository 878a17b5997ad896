"""Charsets: wrong, missing, dangerous, and the scripts that families here write."""

from __future__ import annotations

from typing import Any

from tests.corpus.cases.making import ANNA, CRLF, TEXT, Case, Octets, mail, word

GROUP = "charsets"
TITLE = "Charsets: wrong, missing, dangerous; scripts that families here write"
_ACCENTS = "Perché così? È già finita."


def cases() -> list[Case]:
    """In the order of the README."""
    return [*_declared(), *_lies(), *_names(), *_subjects(), *_scripts()]


def _body(
    name: str, why: str, charset: str, octets: Octets, *text: str, defects: tuple[str, ...] = (), kind: str = ""
) -> Case:
    body = octets if isinstance(octets, bytes) else octets.encode()
    return Case(
        name,
        why,
        mail(body if b"\0" in body else body + b"\r\n", kind=kind or f"text/plain; charset={charset}"),
        text=text or (TEXT,),
        defects=defects,
    )


def _in(charset: str, why: str, text: str, codec: str = "") -> Case:
    return _body(f"body-{charset}".lower(), why, charset, text.encode(codec or charset), text)


def _declared() -> list[Case]:
    return [
        _in("iso-8859-1", "Latin-1", _ACCENTS),
        _in("iso-8859-15", "Latin-9 with the euro", "Costa 20 €, perché?"),
        _in("windows-1252", "what Windows writes", "“Perché” costa 20 €…"),
        _in("iso-8859-2", "Central European", "Dobrý den, děti"),
        _in("windows-1250", "Romanian on Windows", "Bună ziua, aş vrea o întâlnire"),
        _in("iso-8859-16", "Romanian with comma below", "Școală și grădiniță"),
        _in("windows-1251", "Cyrillic on Windows", "Добрий день, я живу у Віадані"),
        _in("koi8-u", "Ukrainian of old systems", "Добрий день, я живу тут"),
        _in("iso-8859-6", "Arabic", "مرحبا"),
        _in("windows-1256", "Arabic on Windows", "أسكن في فيادانا"),
        _in("gb2312", "simplified Chinese", "你好，我住在维亚达纳"),
        _in("gb18030", "all of Chinese", "你好，我住在維亞達納"),
        _in("big5", "traditional Chinese", "你好，我住在這裡"),
        _in("shift_jis", "Japanese", "こんにちは"),
        _in("euc-kr", "Korean", "안녕하세요"),
        _in("iso-2022-kr", "Korean by escapes", "안녕하세요"),
        _in("macintosh", "old Macs", _ACCENTS, "mac-roman"),
        _in("ibm850", "DOS", _ACCENTS, "cp850"),
        _in("utf-16be", "UTF-16 without a mark", _ACCENTS),
        _in("utf-32", "UTF-32 with a mark", _ACCENTS),
    ]


def _lies() -> list[Case]:
    return [
        _body("none-named-utf-8", "no charset named, UTF-8 inside", "", _ACCENTS, "Perché così?", kind="text/plain"),
        _body(
            "none-named-latin-1",
            "no charset named, Latin-1 inside",
            "",
            _ACCENTS.encode("latin-1"),
            "Perché così?",
            kind="text/plain",
        ),
        _body("ascii-with-emoji", "us-ascii with an emoji", "us-ascii", TEXT + " 👶", "👶", defects=("charset_wrong",)),
        _body(
            "utf-8-cut",
            "the last character is cut in two",
            "utf-8",
            (TEXT + "é").encode()[:-1],
            TEXT,
            defects=("charset_wrong",),
        ),
        _body(
            "utf-8-overlong",
            "an overlong slash (C0 AF): never a slash",
            "utf-8",
            TEXT.encode() + b" \xc0\xaf",
            TEXT,
            defects=("charset_wrong",),
        ),
        _body(
            "utf-8-surrogates",
            "surrogates encoded (CESU-8)",
            "utf-8",
            TEXT.encode() + b" \xed\xa0\xbd\xed\xb1\xb6",
            TEXT,
            defects=("charset_wrong",),
        ),
        _body(
            "utf-8-twice",
            "UTF-8 encoded twice: shown as it stands",
            "utf-8",
            _ACCENTS.encode().decode("latin-1").encode(),
            "PerchÃ",
        ),
        _body(
            "utf-8-noncharacters",
            "U+FFFE and tag characters that hide ASCII",
            "utf-8",
            TEXT + "\ufffe\U000e0041\U000e0042",
            TEXT,
        ),
        _body(
            "utf-16-named-utf-8-inside", "utf-16 named, ASCII inside", "utf-16", TEXT, TEXT, defects=("charset_wrong",)
        ),
        _body(
            "utf-16-odd",
            "an odd number of octets",
            "utf-16le",
            TEXT.encode("utf-16-le") + b"a",
            TEXT,
            defects=("charset_damaged",),
        ),
        _body("iso-2022-jp-unended", "an escape that is never ended", "iso-2022-jp", b"Ciao \x1b$B$3$s", "Ciao"),
        _body(
            "iso-2022-jp-hides-ascii",
            "escapes around plain words: filters see other words",
            "iso-2022-jp",
            TEXT.encode().replace(b" ", b"\x1b$B\x1b(B "),
            TEXT,
        ),
        _body("utf-7", "UTF-7, in which angle brackets hide", "utf-7", (TEXT + " +ADw-b+AD4-").encode(), TEXT),
        _body("hz", "HZ, which escapes by tildes", "hz-gb-2312", "~{VPND~} " + TEXT, TEXT),
        Case(
            "html-says-otherwise",
            "MIME says UTF-8, the page's meta says Latin-1: MIME counts",
            mail(
                f'<html><head><meta charset="iso-8859-1"></head><body><p>{_ACCENTS}</p></body></html>',
                kind="text/html; charset=utf-8",
            ),
            text=("Perché così?",),
        ),
        Case(
            "html-says-alone",
            "only the page's meta names the charset",
            mail(
                '<html><head><meta charset="windows-1252"></head><body><p>Perché</p></body></html>'.encode("cp1252"),
                kind="text/html",
            ),
            text=("Perché",),
        ),
        Case(
            "references-of-html",
            "numeric references to controls, bidi and surrogates",
            mail(f"<p>{TEXT}&#0;&#x202e;&#xd800;&#x1f476;&#13;&#999999999;</p>", kind="text/html; charset=utf-8"),
            text=(TEXT, "👶"),
            without=("\u202e", "\0"),
        ),
    ]


def _names() -> list[Case]:
    unknown: dict[str, Any] = {"defects": ("charset_unknown",)}
    return [
        _body("named-utf8", "utf8 without its hyphen", "utf8", _ACCENTS, "Perché così?"),
        _body("named-unicode", "unicode-1-1-utf-8", "unicode-1-1-utf-8", _ACCENTS, "Perché così?", **unknown),
        _body("named-with-blanks", "blanks and quotes around it", '" UTF-8 "', _ACCENTS, "Perché così?"),
        _body("named-twice", "two charset parameters", "utf-8; charset=iso-8859-1", _ACCENTS, "Perché così?"),
        _body("named-empty", 'charset=""', '""', _ACCENTS, "Perché così?"),
        _body("named-default", "default_charset, of a form's template", "default_charset", _ACCENTS, "Perché così?"),
        _body("named-x-user-defined", "x-user-defined", "x-user-defined", _ACCENTS, "Perché così?", **unknown),
        _body("named-base64", "a codec of Python's that is no charset", "base64", TEXT, TEXT, **unknown),
        _body("named-zlib", "a codec that would unpack a bomb", "zlib", b"x\x9c" + TEXT.encode(), TEXT, **unknown),
        _body("named-idna", "a codec that is slow on long input", "idna", TEXT, TEXT, **unknown),
        _body("named-punycode", "the same", "punycode", TEXT, TEXT, **unknown),
        _body(
            "named-unicode-escape",
            "a codec that would make controls of text",
            "unicode_escape",
            TEXT + r" \x0d\x0a\u202e",
            TEXT,
            r"\x0d",
            **unknown,
        ),
        _body("named-undefined", "a codec that always raises", "undefined", TEXT, TEXT, **unknown),
        _body("named-rot13", "a codec from text to text", "rot13", TEXT, TEXT, **unknown),
        _body("named-oem", "a codec that only Windows has", "oem", TEXT, TEXT, **unknown),
        _body("named-path", "a name that is a path", "../../etc/passwd", TEXT, TEXT, **unknown),
        _body("named-of-1000", "a name of a thousand letters", "a" * 1_000, TEXT, TEXT, **unknown),
        _body("named-with-nul", "a NUL in the name", "utf\0-8", TEXT, TEXT),
    ]


def _subjects() -> list[Case]:
    def subject(name: str, why: str, value: Octets, shown: str, *defects: str) -> Case:
        return Case(f"subject-{name}", why, mail(head={"Subject": value}), subject=shown, defects=defects)

    return [
        subject("q-lower-case", "lower case hexadecimals and q", "=?utf-8?q?perch=c3=a9?=", "perché"),
        subject(
            "language", "a language in the charset's place (RFC 2231 section 5)", "=?utf-8*it?Q?perch=C3=A9?=", "perché"
        ),
        subject(
            "two-charsets",
            "two words in two charsets",
            word("perché ", "Q", "utf-8") + " " + word("così".encode("latin-1"), "Q", "iso-8859-1"),
            "perché così",
        ),
        subject(
            "cut-in-two",
            "a character cut between two words (against RFC 2047 section 5)",
            "=?utf-8?Q?perch=C3?= =?utf-8?Q?=A9?=",
            "perché",
        ),
        subject("unended", "an encoded-word that is not ended", "=?utf-8?Q?perch=C3=A9", "=?utf-8?Q?perch=C3=A9"),
        subject("bad-base64", "base64 that is none", "=?utf-8?B?c2k!!=?=", "si"),
        subject("encoding-unknown", "neither B nor Q", "=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        subject(
            "charset-unknown", "a charset that nobody has", "=?x-nessuno?Q?perch=E9?=", "perché", "charset_unknown"
        ),
        subject("raw-utf-8", "raw UTF-8", "perché", "perché"),
        subject("raw-latin-1", "raw Latin-1", "perché".encode("latin-1"), "perché", "header_not_utf8"),
        subject("raw-and-encoded", "both in one field", "perché " + word("così"), "perché così"),
        subject(
            "no-blanks-between", "words that follow one another without a blank", word("per") + word("ché"), "perché"
        ),
        subject(
            "blanks-inside-q",
            "blanks inside a Q word, which the RFC forbids",
            "=?utf-8?Q?perch=C3=A9 no?=",
            "perché no",
        ),
        subject("in-quotes", "an encoded-word in quotes", f'"{word("perché")}"', '"perché"'),
        subject("300-words", "three hundred encoded-words", " ".join(word("a") for _ in range(300)), "a" * 300),
        subject("accents-apart", "accents that stand apart from their letters (NFD)", word("perche\u0301"), "perché"),
        subject(
            "10000-accents",
            "ten thousand accents on one letter (Zalgo)",
            word("a" + "\u0301" * 3_000),
            "á" + "\u0301" * 2_999,
        ),
    ]


def _scripts() -> list[Case]:
    def text(name: str, why: str, words: str, writer: str = "Anna Rossi") -> Case:
        return Case(
            f"script-{name}",
            why,
            mail(words + CRLF, head={"From": f"{word(writer)} <{ANNA}>"}, encoding="8bit"),
            author_name=writer,
            text=(words,),
        )

    return [
        text("arabic", "right to left, with Latin inside", "أسكن في Viadana وأحتاج إلى موعد", "فاطمة"),
        text("urdu", "Urdu with a zero width non-joiner", "میں Viadana میں رہتی ہوں", "عائشہ"),
        text("punjabi", "Gurmukhi", "ਮੈਂ Suzzara ਵਿੱਚ ਰਹਿੰਦੀ ਹਾਂ", "ਗੁਰਪ੍ਰੀਤ"),
        text("hindi", "Devanagari with joiners", "मैं Casalmaggiore में रहती हूँ", "सीमा"),
        text("bengali", "Bengali", "আমি Mantova তে থাকি", "রিনা"),
        text("chinese", "Han", "我住在 Cremona", "王芳"),
        text("ukrainian", "Cyrillic", "Я живу в Crema, потрібна зустріч", "Олена"),
        text("albanian", "Albanian", "Banoj në Asola dhe dua një takim", "Besë"),
        text("georgian", "a script that we have no texts for", "მე ვცხოვრობ აქ", "ნინო"),
        text("emoji", "only emoji", "👩‍👧‍👦 🏥 ❓", "👩"),
    ]
