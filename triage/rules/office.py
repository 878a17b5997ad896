"""One office of the address book: what staff may tell a family of it. Nothing is ever sent to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Office:
    """One office. Contacts that nobody knows are empty; ``comuni`` is empty for an office of everybody."""

    code: str
    line: int
    name: str
    what_for: str
    comuni: frozenset[str]
    phone: str = ""
    email: str = ""
    website: str = ""
    place: str = ""
    sensitive: bool = False
    """Its name says what a message was about: staff are warned, since somebody else may read that mailbox."""

    def serves(self, comune: str) -> bool:
        """Whether it is for families of this comune; an office of everybody is."""
        return not self.comuni or comune in self.comuni

    @property
    def contacts(self) -> tuple[str, ...]:
        """How to reach it, a line each."""
        named = (("", self.place), ("telefono: ", self.phone), ("mail: ", self.email), ("sito: ", self.website))
        return tuple(f"{label}{value}" for label, value in named if value)
