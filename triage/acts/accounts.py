"""Accounts: added, renamed, given another role or password, closed and opened; by the page and by ``triage user``.

Each act is one function over one transaction and leaves a :class:`Changed`. The last administrator who can sign in
stays one: otherwise nobody could let anybody in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from triage.acts.people import Role
from triage.acts.signing_in import let_try_again
from triage.record.people import (
    PersonRow,
    add_person,
    all_people,
    end_sessions_of,
    person_numbered,
    set_disabled,
    set_display,
    set_password,
    set_role,
    set_totp,
)
from triage.record.staff_acts import Actor, note_act
from triage.record.store import Transaction

NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")


@dataclass(frozen=True, slots=True)
class Changed:
    """Whether it was done, why not as a code, and an Italian sentence for whoever asked."""

    ok: bool
    code: str
    message_it: str


def clean_name(name: str) -> str:
    """A name as accounts have it: small letters, no blanks around it."""
    return name.strip().casefold()


def problem_with_name(name: str) -> str:
    """Why a name will not do, in Italian; empty when it will."""
    if NAME.fullmatch(name):
        return ""
    return "Il nome per accedere può avere lettere minuscole senza accenti, cifre, punto, trattino: da 2 a 64 segni."


def add(tx: Transaction, by: Actor, name: str, display: str, role: Role, password_hash: str, *, given: bool) -> Changed:
    """A new account; ``given``: its person chooses another password at the first sign-in."""
    name, display = clean_name(name), " ".join(display.split())[:120]
    if problem := problem_with_name(name):
        return Changed(False, "name", problem)
    number = add_person(tx, name, display or name, role, password_hash, given=given)
    if number is None:
        return Changed(False, "taken", f"Il nome «{name}» è già usato: scegline un altro.")
    note_act(tx, by, "person_added", "person", number, {"role": str(role)})
    return Changed(True, "added", f"{display or name} può accedere con il nome «{name}».")


def give_password(tx: Transaction, by: Actor, person_id: int, password_hash: str, *, given: bool = True) -> Changed:
    """Another password by somebody else; the person may try again at once. ``given``: and chooses another then."""
    row = _known(tx, person_id)
    if row is None:
        return _NOBODY
    set_password(tx, row.id, password_hash, given=given)
    let_try_again(tx, row.name)
    note_act(tx, by, "password_given", "person", row.id)
    rest = " Al primo accesso ne sceglie una sua." if given else ""
    return Changed(True, "password", f"{row.display}: nuova password.{rest}")


def give_role(tx: Transaction, by: Actor, person_id: int, role: Role, display: str = "") -> Changed:
    """Another role, and how the person is called."""
    row = _known(tx, person_id)
    if row is None:
        return _NOBODY
    if _is_last(tx, row) and role is not Role.ADMINISTRATOR:
        return _LAST
    display = " ".join(display.split())[:120]
    if display and display != row.display:
        set_display(tx, row.id, display)
        note_act(tx, by, "person_renamed", "person", row.id)
    if role != row.role:
        set_role(tx, row.id, role)
        note_act(tx, by, "role_changed", "person", row.id, {"from": row.role, "to": str(role)})
    return Changed(True, "role", f"{display or row.display}: modifiche salvate.")


def close(tx: Transaction, by: Actor, person_id: int) -> Changed:
    """Nobody signs in with this account any more; what the person did stays on record."""
    row = _known(tx, person_id)
    if row is None:
        return _NOBODY
    if _is_last(tx, row):
        return _LAST
    if row.disabled_at is None:
        set_disabled(tx, row.id, True)
        note_act(tx, by, "person_closed", "person", row.id)
    return Changed(True, "closed", f"{row.display} non può più accedere.")


def reopen(tx: Transaction, by: Actor, person_id: int) -> Changed:
    """The account may be used again."""
    row = _known(tx, person_id)
    if row is None:
        return _NOBODY
    if row.disabled_at is not None:
        set_disabled(tx, row.id, False)
        note_act(tx, by, "person_reopened", "person", row.id)
    return Changed(True, "reopened", f"{row.display} può di nuovo accedere.")


def reset_totp(tx: Transaction, by: Actor, person_id: int) -> Changed:
    """The telephone is lost: codes are set up anew at the next sign-in."""
    row = _known(tx, person_id)
    if row is None:
        return _NOBODY
    set_totp(tx, row.id, "", 0, ())
    end_sessions_of(tx, row.id)
    note_act(tx, by, "second_factor_reset", "person", row.id)
    return Changed(
        True, "totp_reset", f"{row.display}: il codice del telefono si imposta di nuovo al prossimo accesso."
    )


def sign_out(tx: Transaction, by: Actor, person_id: int) -> Changed:
    """End the person's sessions everywhere, as when a computer was left open."""
    row = _known(tx, person_id)
    if row is None:
        return _NOBODY
    end_sessions_of(tx, row.id)
    note_act(tx, by, "person_signed_out", "person", row.id)
    return Changed(True, "signed_out", f"{row.display}: tutti gli accessi aperti sono stati chiusi.")


def unlock(tx: Transaction, by: Actor, person_id: int) -> Changed:
    """Too many wrong attempts rest for a while; an administrator may end it."""
    row = _known(tx, person_id)
    if row is None:
        return _NOBODY
    let_try_again(tx, row.name)
    note_act(tx, by, "person_unlocked", "person", row.id)
    return Changed(True, "unlocked", f"{row.display} può riprovare subito ad accedere.")


_NOBODY = Changed(False, "nobody", "Questa persona non esiste.")
_LAST = Changed(
    False, "last_administrator", "È l'unico amministratore: prima dai questo ruolo anche a un'altra persona."
)


def _known(tx: Transaction, person_id: int) -> PersonRow | None:
    return person_numbered(tx, person_id)


def _is_last(tx: Transaction, row: PersonRow) -> bool:
    left = [one for one in all_people(tx) if one.role == Role.ADMINISTRATOR and one.disabled_at is None]
    return [one.id for one in left] == [row.id]
