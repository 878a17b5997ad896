"""The provider's S/MIME signature -> intact, altered or unverifiable, over the octets as they came.

Reads CMS SignedData (RFC 5652) by asn1crypto, checks by cryptography: the digest of the signed
octets, then the signature over the signed attributes (section 5.4). This says that the octets are
those that somebody signed, not who that was: certificates are looked at in ``triage.pec.trust``.
Nothing is fetched. Total: what cannot be read is unverifiable, never an error.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from asn1crypto import cms, core, parser
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, SubjectKeyIdentifier, load_der_x509_certificate

from triage.vocabulary import SignatureState

_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - providers signed so for years; the state says intact, not safe
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_MOST_CERTIFICATES = 10
_MOST_SIGNERS = 4
_MOST_ATTRIBUTES = 30
_DATA = "1.2.840.113549.1.7.1"
_MOST_AROUND = 64 * 1024
"""Octets of a CMS beside the content inside it; real ones have three to ten thousand."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The octets that were signed, and the CMS that signs them; ``inside``: how many of them it holds itself."""

    content: bytes
    cms: bytes
    inside: int = 0


def check_signature(signed: Signed | None) -> tuple[SignatureState, tuple[str, ...]]:
    """The state, and the certificates (DER in base64), the signer's first. Raises nothing but ``MemoryError``."""
    if signed is None or not signed.cms or len(signed.cms) > _MOST_AROUND + signed.inside * 11 // 10:
        return SignatureState.UNVERIFIABLE, ()
    try:
        return _check(signed)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - asn1crypto and cryptography raise what they like at hostile octets
        return SignatureState.UNVERIFIABLE, ()


def _check(signed: Signed) -> tuple[SignatureState, tuple[str, ...]]:
    document = cms.ContentInfo.load(signed.cms)
    if document["content_type"].native != "signed_data":
        return SignatureState.UNVERIFIABLE, ()
    data = document["content"]
    included = [
        item for item in map(_readable, _elements(data["certificates"], _MOST_CERTIFICATES)) if item is not None
    ]
    states: list[tuple[SignatureState, tuple[str, ...]]] = []
    for signer in map(cms.SignerInfo.load, _elements(data["signer_infos"], _MOST_SIGNERS)):
        own = next((item for item in included if _is_signer(signer, item)), None)
        if own is None:
            states.append((SignatureState.UNVERIFIABLE, ()))
            continue
        others = [item for item in included if item is not own]
        listed = tuple(base64.b64encode(item.public_bytes(Encoding.DER)).decode("ascii") for item in (own, *others))
        states.append((_check_signer(signer, own, signed.content), listed))
    # One signature that does not hold is enough to say so, whatever another one says.
    for wanted in (SignatureState.ALTERED, SignatureState.UNVERIFIABLE):
        if found := next((state for state in states if state[0] is wanted), None):
            return found
    return states[0] if states else (SignatureState.UNVERIFIABLE, ())


def _readable(octets: bytes) -> Certificate | None:
    """One that came along and that nobody can read does not spoil the others."""
    try:
        return load_der_x509_certificate(octets)
    except ValueError:
        return None


def _elements(collection: core.Asn1Value, most: int) -> list[bytes]:
    """The encoded elements of a SET; raises ``ValueError`` when there are more.

    The library makes objects of all of them at the first look: 60,000 empty ones took it six seconds.
    """
    left = collection.contents or b""
    found: list[bytes] = []
    while left:
        if len(found) == most:
            raise ValueError("too many elements")
        _, _, _, header, content, trailer = parser.parse(left)
        size = len(header) + len(content) + len(trailer)
        found.append(left[:size])
        left = left[size:]
    return found


def _is_signer(signer: cms.SignerInfo, certificate: Certificate) -> bool:
    named = signer["sid"]
    if named.name == "issuer_and_serial_number":
        return bool(
            named.chosen["serial_number"].native == certificate.serial_number
            and named.chosen["issuer"].dump() == certificate.issuer.public_bytes()
        )
    identifier = certificate.extensions.get_extension_for_class(SubjectKeyIdentifier)
    return bool(named.chosen.native == identifier.value.digest)


def _check_signer(signer: cms.SignerInfo, certificate: Certificate, content: bytes) -> SignatureState:
    name = signer["digest_algorithm"]["algorithm"].native
    algorithm = _DIGESTS.get(name)
    if algorithm is None:
        return SignatureState.UNVERIFIABLE
    attributes = signer["signed_attrs"]
    signature = signer["signature"].native
    listed = [cms.CMSAttribute.load(item) for item in _elements(attributes, _MOST_ATTRIBUTES)]
    if not listed:
        states = [_verified(certificate, signer, signature, octets, algorithm) for octets in _forms(content)]
        return SignatureState.INTACT if SignatureState.INTACT in states else states[0]
    said = [_value(item) for item in listed if item["type"].native == "message_digest"]
    types = [_value(item) for item in listed if item["type"].native == "content_type"]
    if len(said) != 1 or len(types) != 1 or core.ObjectIdentifier.load(types[0]).native != _DATA:
        return SignatureState.UNVERIFIABLE  # RFC 5652 section 11: both once, and the type is that of the content
    wanted = core.OctetString.load(said[0]).native
    digests = [hashlib.new(name, octets, usedforsecurity=False).digest() for octets in _forms(content)]
    if not any(hmac.compare_digest(digest, wanted) for digest in digests):
        return SignatureState.ALTERED
    # Signed as the SET OF that they are, not under the implicit tag that they travel with (section 5.4).
    return _verified(certificate, signer, signature, attributes.untag().dump(), algorithm)


def _value(attribute: cms.CMSAttribute) -> bytes:
    (value,) = _elements(attribute["values"], 1)
    return value


def _forms(content: bytes) -> Sequence[bytes]:
    """As it came, then with the line ends of the network: mailbox stores have turned CRLF into LF."""
    canonical = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return (content,) if canonical == content else (content, canonical)


def _verified(
    certificate: Certificate,
    signer: cms.SignerInfo,
    signature: bytes,
    octets: bytes,
    digest: hashes.HashAlgorithm,
) -> SignatureState:
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            scheme = signer["signature_algorithm"]
            if scheme["algorithm"].native == "rsassa_pss":
                pss = padding.PSS(padding.MGF1(digest), int(scheme["parameters"]["salt_length"].native))
                key.verify(signature, octets, pss, digest)
            else:
                key.verify(signature, octets, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, octets, ec.ECDSA(digest))
        else:
            return SignatureState.UNVERIFIABLE
    except InvalidSignature:
        return SignatureState.ALTERED
    except UnsupportedAlgorithm:
        return SignatureState.UNVERIFIABLE
    return SignatureState.INTACT
