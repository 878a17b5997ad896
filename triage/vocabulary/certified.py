"""What certified mail (PEC) says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PecKind(StrEnum):
    """What a message of certified mail is; the receipts' values are those of X-Ricevuta."""

    TRANSPORT = "posta-certificata"
    ANOMALY = "anomalia"
    """Ordinary mail that reached a certified mailbox: the provider vouches for nothing in it."""
    ACCEPTANCE = "accettazione"
    NON_ACCEPTANCE = "non-accettazione"
    TAKEN_IN_CHARGE = "presa-in-carico"
    DELIVERED = "avvenuta-consegna"
    DELIVERY_ERROR = "errore-consegna"
    DELIVERY_WARNING = "preavviso-errore-consegna"
    VIRUS = "rilevazione-virus"

    @property
    def is_receipt(self) -> bool:
        """A provider's word about a mail; an envelope around somebody's mail otherwise."""
        return self not in (PecKind.TRANSPORT, PecKind.ANOMALY)


class SignatureState(StrEnum):
    """What the provider's signature says of the octets; never that it is legally valid."""

    INTACT = "intatta"
    ALTERED = "alterata"
    UNVERIFIABLE = "non verificabile"


@dataclass(frozen=True, slots=True)
class PecData:
    """What daticert.xml says; empty texts where it says nothing. ``damaged``: read from broken XML."""

    kind: str = ""
    error: str = ""
    """``nessuno``, ``no-dest``, ``no-dominio``, ``virus``, ``altro``."""
    error_detail: str = ""
    message_id: str = ""
    identifier: str = ""
    provider: str = ""
    delivered_to: str = ""
    """Of a receipt about one recipient: whom."""
    time: datetime | None = None
    """The certified time."""
    damaged: bool = False
