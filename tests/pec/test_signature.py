"""A provider's signature is intact, altered or not verifiable; who is recognised is a matter of anchors."""

from __future__ import annotations

import base64
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from tests.pec.builders import (
    PROVIDERS,
    Provider,
    Signer,
    authority,
    expired,
    provider,
    sample,
    seal,
    sealed,
    sign_by_key_identifier,
    sign_plainly,
    sign_sha1,
    sign_sha256,
    signed_part,
)
from triage.parse import parse
from triage.parse.pec_signature import Signed, check_signature
from triage.pec.seen import as_seen
from triage.pec.trust import Anchors, read_anchors
from triage.vocabulary import CertifiedMail, SignatureState

ENVELOPE = "envelope-x-pkcs7-sha1"
INTACT, ALTERED, UNVERIFIABLE = SignatureState.INTACT, SignatureState.ALTERED, SignatureState.UNVERIFIABLE


def state(octets: bytes) -> SignatureState:
    certified = parse(octets).certified
    assert certified is not None
    return certified.signature


def outside(octets: bytes, anchors: Anchors) -> CertifiedMail:
    """As in an ordinary mailbox."""
    certified = as_seen(parse(octets), declared=False, anchors=anchors).certified
    assert certified is not None
    return certified


def anchors_of(*providers: Provider) -> Anchors:
    return read_anchors(b"".join(item.pem for item in providers))


# --------------------------------------------------------------------------- the octets


@pytest.mark.parametrize("sign", [sign_sha1, sign_sha256, sign_plainly, sign_by_key_identifier])
def test_what_a_provider_signed_is_intact(sign: Signer) -> None:
    assert state(sealed(ENVELOPE, sign=sign)) is INTACT


def test_a_signature_by_an_elliptic_key_is_read_too() -> None:
    by = Provider("Gestore", authority(), PROVIDERS, key=ec.generate_private_key(ec.SECP256R1()))
    assert state(sealed(ENVELOPE, by)) is INTACT


@pytest.mark.parametrize("sign", [sign_sha1, sign_sha256, sign_plainly])
@pytest.mark.parametrize(
    ("written", "changed"),
    [(b"alleghiamo il modulo", b"alleghiamo un modulo"), (b"inn--\r\n", b"inn-- \r\n"), (b"text/html;", b"text/HTML;")],
    ids=["text", "blank", "case"],
)
def test_one_changed_octet_alters_it(sign: Signer, written: bytes, changed: bytes) -> None:
    octets = sealed(ENVELOPE, sign=sign)
    assert written in (signed_part(octets) or b"")
    assert state(octets.replace(written, changed, 1)) is ALTERED


def test_what_stands_outside_the_signed_part_alters_nothing() -> None:
    octets = sealed(ENVELOPE)
    assert state(b"X-Spam-Score: 0\r\n" + octets.replace(b"S/MIME signed message", b"signed message")) is INTACT


def test_a_mailbox_store_that_turned_line_ends_alters_nothing() -> None:
    assert state(sealed(ENVELOPE).replace(b"\r\n", b"\n")) is INTACT


def test_a_signature_of_another_message_is_altered() -> None:
    other = sign_sha256(b"another message\r\n", provider())
    assert state(seal(sample(ENVELOPE), provider(), lambda *_: other)) is ALTERED


@pytest.mark.parametrize("name", ["envelope-signature-missing", "forged-receipt"])
def test_without_a_signature_nothing_can_be_verified(name: str) -> None:
    assert state(sealed(name)) is UNVERIFIABLE


def test_a_placeholder_in_the_place_of_a_signature_cannot_be_verified() -> None:
    assert state(sample(ENVELOPE)) is UNVERIFIABLE


def test_without_the_signers_certificate_nothing_can_be_verified() -> None:
    octets = sign_sha256(b"content", provider())
    assert check_signature(Signed(b"content", octets))[0] is INTACT
    serial = provider().certificate.serial_number
    size = (serial.bit_length() + 8) // 8
    renamed = octets.replace(serial.to_bytes(size, "big"), (serial ^ 1).to_bytes(size, "big"), 1)
    assert check_signature(Signed(b"content", renamed))[0] is UNVERIFIABLE


@given(st.binary(max_size=400), st.integers(0, 4000), st.integers(0, 255))
def test_no_octets_in_the_place_of_a_signature_raise_or_pass_for_intact(junk: bytes, place: int, octet: int) -> None:
    genuine = sign_sha256(b"content", provider())
    assert check_signature(Signed(b"content", junk))[0] is UNVERIFIABLE
    place %= len(genuine)
    broken = genuine[:place] + bytes([octet]) + genuine[place + 1 :]
    assert check_signature(Signed(b"another content", broken))[0] is not INTACT
    assert check_signature(Signed(b"content", genuine[:place]))[0] is not INTACT


def test_deeply_nested_octets_cannot_be_verified_and_stop_nothing() -> None:
    assert check_signature(Signed(b"content", b"\x30\x80" * 60_000))[0] is UNVERIFIABLE


def _der(tag: int, *content: bytes) -> bytes:
    body = b"".join(content)
    length = len(body).to_bytes(3, "big")
    return bytes([tag, 0x83]) + length + body


@pytest.mark.parametrize("where", ["certificates", "signers", "attributes", "values"])
def test_a_signature_of_very_many_elements_costs_no_time(where: str) -> None:
    many = b"\x30\x00" * 30_000
    signed_data, data = bytes.fromhex("06092a864886f70d010702"), bytes.fromhex("06092a864886f70d010701")
    sha256 = _der(0x30, bytes.fromhex("0609608648016503040201"))
    value = _der(0x30, bytes.fromhex("06092a864886f70d010904"), _der(0x31, many))
    certificate = provider().certificate
    sid = _der(0x30, certificate.issuer.public_bytes(), _integer(certificate.serial_number))
    attributes = _der(0xA0, many if where == "attributes" else value)
    signer = _der(0x30, b"\x02\x01\x01", sid, sha256, attributes, sha256, _der(0x04, b"x"))
    certificates = many if where == "certificates" else certificate.public_bytes(Encoding.DER)
    signers = many if where == "signers" else signer
    inside = _der(0x30, b"\x02\x01\x01", _der(0x31), _der(0x30, data), _der(0xA0, certificates), _der(0x31, signers))
    started = time.thread_time()
    assert check_signature(Signed(b"content", _der(0x30, signed_data, _der(0xA0, inside))))[0] is UNVERIFIABLE
    assert time.thread_time() - started < 1.0


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


# --------------------------------------------------------------------------- the provider


def test_without_anchors_no_provider_is_recognised_however_intact() -> None:
    certified = outside(sealed("receipt-accettazione"), ())
    assert (certified.signature, certified.recognised, certified.trusted) == (INTACT, False, False)


@pytest.mark.parametrize("anchor", [authority, provider], ids=["its authority", "the provider itself"])
def test_a_provider_that_leads_to_an_anchor_is_recognised(anchor: object) -> None:
    assert callable(anchor)
    assert outside(sealed("receipt-accettazione"), anchors_of(anchor())).trusted


def test_among_several_authorities_that_came_along_the_chain_is_found() -> None:
    between = Provider("Autorita intermedia", authority(), authority=True)
    by = Provider("Gestore", between, PROVIDERS)
    octets = sealed("receipt-accettazione", by)
    assert not outside(octets, anchors_of(authority())).trusted, "the signature brings no intermediate certificate"
    assert outside(octets, anchors_of(between)).trusted


@pytest.mark.parametrize(
    "by",
    [
        Provider("Autorita finta"),
        Provider("Gestore di altri", authority(), ("posta-certificata@altro.example",)),
        Provider("Senza indirizzo", authority()),
        Provider("Firmato da chi non puo", provider(), PROVIDERS),
        expired(),
    ],
    ids=lambda by: str(by.certificate.subject.rfc4514_string()),
)
def test_whoever_is_not_the_provider_is_not_recognised(by: Provider) -> None:
    certified = outside(sealed("receipt-accettazione", by), anchors_of(authority()))
    assert (certified.signature, certified.trusted) == (INTACT, False)


def test_an_altered_receipt_of_a_known_provider_is_not_trusted() -> None:
    octets = sealed("receipt-accettazione").replace(b"Ricevuta di accettazione", b"Ricevuta di accettazionE", 1)
    certified = outside(octets, anchors_of(authority()))
    assert (certified.signature, certified.trusted) == (ALTERED, False)


@pytest.mark.parametrize(
    ("written", "forged"),
    [
        (b"X-Ricevuta: accettazione", b"X-Ricevuta: avvenuta-consegna"),
        (b"X-Riferimento-Message-ID: <00112233445566778899aabbccddeeff@", b"X-Riferimento-Message-ID: <ours@"),
        (b"X-Ricevuta: accettazione", b"X-Trasporto: posta-certificata"),
    ],
)
def test_another_header_section_before_a_genuine_signed_part_is_not_trusted(written: bytes, forged: bytes) -> None:
    octets = sealed("receipt-accettazione")
    assert written in octets
    assert not outside(octets.replace(written, forged, 1), anchors_of(authority())).trusted


def test_a_file_without_a_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match=r"."):
        read_anchors(b"no certificate\n")


def test_what_the_signer_carries_is_its_own_certificate_first() -> None:
    certified = parse(sealed(ENVELOPE)).certified
    assert certified is not None
    assert provider().pem.count(b"\n") > 1
    assert base64.b64decode(certified.certificates[0]) in base64.b64decode(
        b"".join(provider().pem.split(b"-----")[2].split())
    )
