"""PEC samples of the corpus, signed in earnest by a provider whose certificates are made here.

A sample's name enters; its octets with the line ends of the network leave, the placeholder of its
signature replaced by a real one over the exact octets of the signed part.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

CORPUS = Path(__file__).parent.parent / "corpus" / "pec"
NAMES = tuple(path.stem for path in sorted(CORPUS.glob("*.eml")))
OUR_ID = "<00112233445566778899aabbccddeeff@agency.example>"
"""What the samples' receipts are about."""
PROVIDERS = (
    "posta-certificata@pec.gestore-uno.example",
    "posta-certificata@sicura.gestore-due.example",
    "posta-certificata@postacert.gestore-tre.example",
    "posta-certificata@legal.gestore-quattro.example",
)
HELD_FROM, HELD_TO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Signer = Callable[[bytes, "Provider"], bytes]


class Provider:
    """A provider's key and certificate. Without an ``issuer`` it is an authority and signs itself."""

    def __init__(
        self,
        name: str,
        issuer: Provider | None = None,
        addresses: tuple[str, ...] = (),
        *,
        key: Key | None = None,
        until: datetime = HELD_TO,
        authority: bool = False,
    ) -> None:
        self.key: Key = key or rsa.generate_private_key(65537, 2048)
        self.issuer = issuer
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = issuer or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(HELD_FROM)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=authority or issuer is None, path_length=None), critical=True)
        )
        digest = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        builder = builder.add_extension(digest, critical=False)
        if addresses:
            names = [x509.RFC822Name(address) for address in addresses]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        self.certificate: x509.Certificate = builder.sign(signer.key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


@cache
def authority() -> Provider:
    """The authority of all the samples' providers."""
    return Provider("Autorita di prova")


@cache
def provider() -> Provider:
    """Signs for every provider of the samples."""
    return Provider("Gestore di prova", authority(), PROVIDERS)


def sign_sha256(content: bytes, by: Provider) -> bytes:
    """By cryptography's own builder, with the signed attributes that mail programs write."""
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(by.certificate, by.key, hashes.SHA256())
    return builder.sign(Encoding.DER, options)


def sign_sha1(content: bytes, by: Provider) -> bytes:
    """As providers signed for years; cryptography's builder makes no such signature any more."""
    assert isinstance(by.key, rsa.RSAPrivateKey)
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
            cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha1(content).digest()]}),  # noqa: S324
        ]
    )
    signature = by.key.sign(attributes.dump(), padding.PKCS1v15(), hashes.SHA1())  # noqa: S303
    return _signed_data(by, "sha1", signature, attributes, None)


def sign_plainly(content: bytes, by: Provider) -> bytes:
    """Without signed attributes: the signature is over the content itself (RFC 5652 section 5.4)."""
    assert isinstance(by.key, rsa.RSAPrivateKey)
    return _signed_data(by, "sha256", by.key.sign(content, padding.PKCS1v15(), hashes.SHA256()), None, None)


def sign_by_key_identifier(content: bytes, by: Provider) -> bytes:
    """The signer is named by its key instead of its issuer (RFC 5652 section 5.3), among odd certificates."""
    assert isinstance(by.key, rsa.RSAPrivateKey)
    signature = by.key.sign(content, padding.PKCS1v15(), hashes.SHA256())
    identifier = by.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    return _signed_data(by, "sha256", signature, None, None, {"subject_key_identifier": core.OctetString(identifier)})


def sign_opaquely(content: bytes, by: Provider) -> bytes:
    """With the content inside, as smime.p7m."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(by.certificate, by.key, hashes.SHA256())
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def _signed_data(
    by: Provider,
    digest: str,
    signature: bytes,
    attributes: cms.CMSAttributes | None,
    content: bytes | None,
    named: dict[str, object] | None = None,
) -> bytes:
    certificate = asn1_x509.Certificate.load(by.certificate.public_bytes(Encoding.DER))
    issuer = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    signer: dict[str, object] = {
        "version": "v1",
        "sid": named or {"issuer_and_serial_number": issuer},
        "digest_algorithm": {"algorithm": digest},
        "signature_algorithm": {"algorithm": "rsassa_pkcs1v15"},
        "signature": signature,
    }
    if attributes is not None:
        signer["signed_attrs"] = attributes
    inside: dict[str, object] = {"content_type": "data"}
    if content is not None:
        inside["content"] = core.ParsableOctetString(content)
    data = {
        "version": "v1",
        "digest_algorithms": [{"algorithm": digest}],
        "encap_content_info": inside,
        "certificates": [certificate],
        "signer_infos": [signer],
    }
    document = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(data)})
    return bytes(document.dump())


def sample(name: str) -> bytes:
    """A sample as it stands in the corpus, with the line ends of the network."""
    return (CORPUS / f"{name}.eml").read_bytes().replace(b"\n", b"\r\n")


def sealed(
    name: str, by: Provider | None = None, sign: Signer = sign_sha256, change: tuple[bytes, bytes] = (b"", b"")
) -> bytes:
    """A sample with a real signature; what has none stays as it is. ``change`` is made before it is signed."""
    return seal(sample(name).replace(*change) if change[0] else sample(name), by or provider(), sign)


def seal(octets: bytes, by: Provider, sign: Signer = sign_sha256) -> bytes:
    """The octets with the placeholder of the outermost signature replaced."""
    content = signed_part(octets)
    if content is None:
        return octets
    head, placeholder, tail = octets.rpartition(b"\r\nMIIB\r\n")
    assert placeholder
    assert content in head
    return head + b"\r\n" + base64.encodebytes(sign(content, by)).replace(b"\n", b"\r\n") + tail


def signed_part(octets: bytes) -> bytes | None:
    """The exact octets between the first two delimiters of the outer multipart/signed (RFC 1847 section 2.1)."""
    head = octets.partition(b"\r\n\r\n")[0]
    found = re.search(rb'multipart/signed;.*?boundary="([^"]+)"', head, re.DOTALL)
    if found is None:
        return None
    return octets.split(b"\r\n--" + found[1] + b"\r\n")[1]


def opaque(name: str, by: Provider | None = None) -> bytes:
    """A sample's header section around its signed part in an application/pkcs7-mime (failure F71)."""
    octets = sample(name)
    content = signed_part(octets)
    assert content is not None
    fields = octets.partition(b"MIME-Version:")[0]
    envelope = base64.encodebytes(sign_opaquely(content, by or provider())).replace(b"\n", b"\r\n")
    return (
        fields
        + b'MIME-Version: 1.0\r\nContent-Type: application/x-pkcs7-mime; smime-type=signed-data; name="smime.p7m"\r\n'
        + b'Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="smime.p7m"\r\n\r\n'
        + envelope
    )


def expired(since: timedelta = timedelta(days=1)) -> Provider:
    """A provider whose certificate had ended before the samples' certified time."""
    return Provider("Gestore scaduto", authority(), PROVIDERS, until=datetime(2026, 11, 25, tzinfo=UTC) - since)
