"""A private certificate authority, so that tests verify TLS as in earnest.

Nothing enters but a directory; PEM files leave. Certificates hold for ``localhost`` and 127.0.0.1
unless told otherwise; expired ones and ones for a wrong name are made to prove that clients refuse them.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files of one server: certificate and private key (unencrypted)."""

    certificate_path: Path
    key_path: Path

    def server_context(self) -> ssl.SSLContext:
        """What a Python server on loopback gives to its sockets."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate_path, self.key_path)
        return context


class Authority:
    """Signs server certificates; ``ca_path`` is the PEM file that clients must trust."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Autorita di prova")])
        now = datetime.now(UTC)
        root = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=60))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.ca_path = directory / "ca.pem"
        self.ca_path.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        self._issued = 0

    def issue(self, names: Sequence[str] = ("localhost", "127.0.0.1"), *, expired: bool = False) -> Certificate:
        """A certificate for these host names or addresses; ``expired`` ended it yesterday."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + timedelta(days=-1 if expired else 30))
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        self._issued += 1
        stem = self._directory / f"server{self._issued}"
        files = Certificate(stem.with_suffix(".pem"), stem.with_suffix(".key"))
        files.certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files.key_path.touch(mode=0o600)
        files.key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return files

    def client_context(self) -> ssl.SSLContext:
        """What a client uses that trusts this authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.ca_path))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
