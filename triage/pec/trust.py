"""Whether a message that claims to be certified mail may be believed.

In: the claim, whether its mailbox is declared a PEC mailbox (there the provider wraps everything
that is not certified), and the administrator's trust anchors. Out: yes or no. Anybody can write
``X-Ricevuta`` into ordinary mail, and an intact signature only says that somebody signed. Without
anchors no provider is recognised. Nothing is fetched: revocation is not looked at.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    ExtensionNotFound,
    KeyUsage,
    NameOID,
    RFC822Name,
    SubjectAlternativeName,
    load_der_x509_certificate,
    load_pem_x509_certificates,
)
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder, Store, VerificationError

from triage.vocabulary import CertifiedMail, SignatureState

Anchors = Sequence[Certificate]
_LONGEST_CHAIN = 4


def read_anchors(pem: bytes) -> Anchors:
    """The certificates of a PEM file; raises ``ValueError`` when there is none."""
    return tuple(load_pem_x509_certificates(pem))


def is_recognised(certified: CertifiedMail, author: str, anchors: Anchors) -> bool:
    """Whether an intact signature is the provider's own: made for the From address (RFC 8551 section 3),
    by a certificate that leads to an anchor and held at the certified time.

    The outer header section is not signed: somebody may put another one before a provider's genuine receipt.
    So the signed data must say the same of kind and Message-ID; what has none (an anomaly) is not recognised.
    """
    at = certified.data.time if certified.data is not None else None
    if certified.signature is not SignatureState.INTACT or not anchors or not certified.certificates or at is None:
        return False
    if not _says_the_same(certified):
        return False
    try:
        chain = [load_der_x509_certificate(base64.b64decode(item)) for item in certified.certificates]
        return _names(chain[0], author) and (_is_anchor(chain[0], anchors, at) or _leads_to(chain, anchors, at))
    except (ValueError, UnsupportedAlgorithm):
        return False  # a certificate that no library reads is nobody's


def _says_the_same(certified: CertifiedMail) -> bool:
    data = certified.data
    if data is None or data.kind != certified.kind:
        return False
    return not certified.reference or certified.reference.strip("<>") == data.message_id.strip().strip("<>")


def _names(certificate: Certificate, address: str) -> bool:
    wanted = address.casefold()
    subject = [str(item.value) for item in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    try:
        extension = certificate.extensions.get_extension_for_class(SubjectAlternativeName)
        alternative = extension.value.get_values_for_type(RFC822Name)
    except ExtensionNotFound:
        alternative = []
    return bool(wanted) and wanted in {name.casefold() for name in (*subject, *alternative)}


def _is_anchor(certificate: Certificate, anchors: Anchors, at: datetime) -> bool:
    """A provider's certificate may itself be given, as AgID's list has them."""
    return certificate in anchors and certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _leads_to(chain: Sequence[Certificate], anchors: Anchors, at: datetime) -> bool:
    builder = PolicyBuilder().store(Store(list(anchors))).time(at).max_chain_depth(_LONGEST_CHAIN)
    # Made for web servers, the library's own policies would ask a mail certificate for names of hosts.
    authorities = ExtensionPolicy.permit_all().require_present(BasicConstraints, Criticality.AGNOSTIC, _may_sign)
    authorities = authorities.may_be_present(KeyUsage, Criticality.AGNOSTIC, _for_certificates)
    holders = ExtensionPolicy.permit_all()
    verifier = builder.extension_policies(ca_policy=authorities, ee_policy=holders).build_client_verifier()
    try:
        verifier.verify(chain[0], list(chain[1:]))
    except VerificationError:
        return False
    return True


def _may_sign(policy: Policy, certificate: Certificate, extension: BasicConstraints) -> None:  # noqa: ARG001
    if not extension.ca:
        raise ValueError("not an authority's certificate")


def _for_certificates(policy: Policy, certificate: Certificate, extension: KeyUsage | None) -> None:  # noqa: ARG001
    if extension is not None and not extension.key_cert_sign:
        raise ValueError("not for signing certificates")
