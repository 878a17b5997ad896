"""Which files a project gets again as themselves, under which names, and which never."""

from __future__ import annotations

import io
import struct
import zipfile
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dispatch.builders import a_mail
from tests.servers.mail import AttachedFile
from triage.dispatch.attachments import LONGEST_NAME, PICTURE_OCTETS, repeated_files
from triage.dispatch.mime import file_part, mixed
from triage.parse import parse

MB = 1 << 20
PDF = b"%PDF-1.4\n1 0 obj\n"
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
MP4 = b"\0\0\0\x18ftypmp42" + b"\0" * 60
HEIC = b"\0\0\0\x18ftypheic" + b"\0" * 60


def office(*more: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in ("[Content_Types].xml", *more):
            archive.writestr(name, "<x/>")
    return made.getvalue()


def names(*files: AttachedFile, most_octets: int = 10 * MB, most: int = 20) -> list[tuple[str, str]]:
    found = repeated_files(a_mail(attachments=files), most_octets, most)
    return [(file.name, file.content_type.split(";")[0]) for file in found]


ORDINARY = [
    ("modulo.pdf", PDF, "application/pdf"),
    ("MODULO.PDF", b"\xef\xbb\xbf\r\n" + PDF, "application/pdf"),
    ("foto.JPG", JPEG, "image/jpeg"),
    ("schermata.png", PNG, "image/png"),
    ("IMG_0001.HEIC", HEIC, "image/heic"),
    ("lettera.docx", office(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("vecchia.doc", OLE, "application/msword"),
    ("messaggio vocale.m4a", MP4, "audio/mp4"),
    ("video.mp4", MP4, "video/mp4"),
    ("nota.txt", "così è\r\n".encode(), "text/plain"),
    ("contratto.pdf.p7m", b"\x30\x82\x01\x00" + PDF, "application/pkcs7-mime"),
]


@pytest.mark.parametrize(("name", "octets", "content_type"), ORDINARY, ids=[name for name, _, _ in ORDINARY])
def test_ordinary_files_are_repeated(name: str, octets: bytes, content_type: str) -> None:
    assert names(AttachedFile(name, octets, "application/octet-stream")) == [(name, content_type)]


NEVER = {
    "a program": ("giochi.exe", b"MZ\x90\0" + b"\0" * 60),
    "a program called pdf": ("bolletta.pdf", b"MZ\x90\0" + b"\0" * 60),
    "a program called jpg": ("foto.jpg", b"\x7fELF" + b"\0" * 60),
    "two extensions": ("foto.jpg.exe", JPEG),
    "turned round by a direction mark": ("foto\u202egpj.exe", b"MZ" + b"\0" * 60),
    "a script": ("apri.js", b"alert(1)"),
    "a script called txt": ("apri.txt", b"#!/bin/sh\nrm -rf /\n"),
    "a web page": ("modulo.html", b"<html><script>1</script></html>"),
    "a web page called txt": ("modulo.txt", b"\xef\xbb\xbf <html><script>1</script></html>"),
    "a drawing with scripts": ("logo.svg", b"<svg onload='x'/>"),
    "an archive": ("foto.zip", office()),
    "an archive called docx": ("foto.docx", b"PK\x03\x04" + b"\0" * 200),
    "a document with macros": ("modulo.docm", office("word/vbaProject.bin")),
    "a document with macros called docx": ("modulo.docx", office("word/vbaProject.bin")),
    "an old document with macros": ("modulo.doc", OLE + "_VBA_PROJECT".encode("utf-16-le")),
    "a shortcut": ("foto.lnk", b"L\0\0\0\x01\x14\x02\0"),
    "a signed program": ("setup.exe.p7m", b"\x30\x82\x01\x00MZ"),
    "text with control signs": ("note.txt", b"ciao\x00\x1b[31m"),
    "an appointment": ("invito.ics", b"BEGIN:VCALENDAR\r\n"),
    "nothing at all": ("vuoto.pdf", b""),
    "of no kind that is known": ("dati.bin", b"\1\2\3\4"),
}


@pytest.mark.parametrize("kind", NEVER)
def test_dangerous_and_unknown_files_stay_in_the_original(kind: str) -> None:
    assert names(AttachedFile(NEVER[kind][0], NEVER[kind][1], "application/pdf")) == []


def test_the_media_type_is_what_the_file_is_not_what_was_said() -> None:
    assert names(AttachedFile("foto.jpg", JPEG, "application/x-msdownload")) == [("foto.jpg", "image/jpeg")]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\anna\\modulo.pdf", "modulo.pdf"),
        (".nascosto.pdf", "nascosto.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("nul.prova.pdf", "_nul.prova.pdf"),
        ("a\u202eb\u200b.pdf", "ab.pdf"),
        ('certificato "d\'età".pdf', "certificato _d'età_.pdf"),
        ("x" * 300 + ".pdf", "x" * (LONGEST_NAME - 4) + ".pdf"),
        ("scansione", "scansione.pdf"),
        ("", "allegato.pdf"),
    ],
)
def test_names_are_cleaned(given: str, wanted: str) -> None:
    octets = a_mail(attachments=[AttachedFile("NOME.pdf", PDF)])
    value = given.replace("\\", "\\\\").replace('"', '\\"')
    octets = octets.replace(b'filename="NOME.pdf"', b'filename="' + value.encode() + b'"')
    [file] = repeated_files(octets, MB, 20)
    assert file.name == wanted


def test_files_of_one_name_are_told_apart() -> None:
    files = [AttachedFile("foto.jpg", JPEG + bytes([n])) for n in range(3)]
    assert [name for name, _ in names(*files)] == ["foto.jpg", "foto (2).jpg", "foto (3).jpg"]


def test_limits_of_size_and_number_leave_out_what_does_not_fit() -> None:
    small, large = PDF + b"x" * 1000, PDF + b"x" * 900_000
    files = [AttachedFile(f"{n}.pdf", large if n == 1 else small) for n in range(5)]
    assert [name for name, _ in names(*files, most_octets=100_000)] == ["0.pdf", "2.pdf", "3.pdf", "4.pdf"]
    assert [name for name, _ in names(*files, most=2)] == ["0.pdf", "1.pdf"]
    assert names(*files, most_octets=0) == []


def picture_in_the_text(octets: bytes, disposition: str = "inline") -> bytes:
    part = mixed([file_part("image001.jpg", "image/jpeg", octets)]).replace(b"multipart/mixed", b"multipart/related")
    return b"From: a@family.example\r\n" + part.replace(
        b"Disposition: attachment", b"Disposition: " + disposition.encode()
    )


def test_a_logo_in_the_text_is_no_attachment_but_a_photograph_is() -> None:
    """Phones put photographs into the text, mail programs the logo of a signature."""
    assert repeated_files(picture_in_the_text(JPEG), MB, 20) == ()
    [found] = repeated_files(picture_in_the_text(JPEG + b"x" * PICTURE_OCTETS), MB, 20)
    assert found.name == "image001.jpg"


def test_files_of_a_forwarded_message_are_repeated_too() -> None:
    """A phone would not open the message inside the message inside the message."""
    inner = a_mail(attachments=[AttachedFile("modulo.pdf", PDF)])
    outer = b"From: a@family.example\r\n" + mixed(
        [b"Content-Type: text/plain\r\n\r\nVi giro questa.\r\n", b"Content-Type: message/rfc822\r\n\r\n" + inner]
    )
    [found] = repeated_files(outer, MB, 20)
    assert (found.name, found.octets) == ("modulo.pdf", PDF)
    assert parse(outer).attachments[found.number].file_name == "modulo.pdf"


def tnef(name: str, data: bytes) -> bytes:
    def attribute(kind: int, value: bytes) -> bytes:
        return struct.pack("<BHHI", 2, kind, 6, len(value)) + value + b"\0\0"

    return (
        b"\x78\x9f\x3e\x22\0\0"
        + attribute(0x9002, b"\0" * 14)
        + attribute(0x8010, name.encode() + b"\0")
        + attribute(0x800F, data)
    )


def test_files_inside_winmail_dat_are_repeated() -> None:
    """Nothing but Outlook opens winmail.dat."""
    mail = a_mail(attachments=[AttachedFile("winmail.dat", tnef("modulo.pdf", PDF), "application/ms-tnef")])
    [found] = repeated_files(mail, MB, 20)
    assert (found.name, found.octets) == ("modulo.pdf", PDF)


def test_a_file_that_was_damaged_on_the_way_is_not_repeated() -> None:
    mail = a_mail(attachments=[AttachedFile("modulo.pdf", PDF * 40)])
    assert len(repeated_files(mail, MB, 20)) == 1
    assert repeated_files(mail.replace(b"JVBER", b"JVB!R"), MB, 20) == ()


@given(st.binary(max_size=400), st.text(max_size=40), st.sampled_from(["pdf", "jpg", "txt", "docx", "exe", "p7m", ""]))
def test_whatever_is_repeated_is_exactly_what_was_attached(octets: bytes, name: str, extension: str) -> None:
    part = file_part(f"{name}.{extension}", "application/octet-stream", octets)
    mail = b"From: a@family.example\r\n" + mixed([b"\r\nciao\r\n", part])
    for file in repeated_files(mail, MB, 20):
        assert file.octets == octets
        assert file.name == file.name.strip(" .")
        assert not set(file.name) & set('/\\<>:"|?*\r\n\0')


@given(st.text(st.characters(codec=None), max_size=150))
def test_the_written_name_is_read_back_by_a_library(name: str) -> None:
    """RFC 2231: whatever the name, one parameter, lines under 78 characters."""
    part = file_part(name, "application/pdf", PDF)
    head = part.partition(b"\r\n\r\n")[0]
    assert head.isascii()
    assert all(len(line) <= 78 for line in head.split(b"\r\n"))
    message = message_from_bytes(part, policy=default)
    assert message.get_payload(decode=True) == PDF
    assert message.keys() == ["Content-Type", "Content-Disposition", "Content-Transfer-Encoding"]
    bare = name.strip()
    bracketed = bare.startswith("<") and bare.endswith(">")  # the library takes such brackets for a Content-ID's
    if name.isprintable() and bare and "  " not in name and not bracketed:
        assert " ".join((message.get_filename() or "").split()) == " ".join(name.split())


def test_the_same_file_has_the_same_place_as_in_the_parsed_message() -> None:
    files = [AttachedFile("a.exe", b"MZ"), AttachedFile("b.pdf", PDF), AttachedFile("c.zip", office())]
    mail = a_mail(attachments=files)
    [found] = repeated_files(mail, MB, 20)
    assert parse(mail).attachments[found.number].file_name == "b.pdf"
