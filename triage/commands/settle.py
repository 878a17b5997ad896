"""``triage ask``, ``correct``, ``also``, ``settle``: what staff do about a message without the page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import click

from triage.acts.also import also as send_also
from triage.acts.asking import ask_comune, messages_named, waiting_for_place, with_a_centre
from triage.acts.centres import WHYS, Choice
from triage.acts.correcting import correct as correct_one
from triage.acts.outcome import Outcome
from triage.acts.people import Person, Role
from triage.acts.settling import close as close_one
from triage.commands.act import actor
from triage.commands.destinations import rules_in_force
from triage.commands.opening import FAILED, Opened, fail, opened
from triage.reading import ParsedMessages, pec_anchors
from triage.record import Transaction
from triage.record.identity import is_stopped
from triage.record.messages import MessageRow
from triage.rules.types import DEFAULT_ADDRESS, Rules

Act = Callable[[Transaction, Rules, ParsedMessages, Person, int], Outcome]
Choose = Callable[[Transaction, list[MessageRow]], list[MessageRow]]

AT_ONCE = timedelta()
"""Whoever types a command has thought before: nothing waits to be undone."""
_GO_ON = {
    "centro_sconosciuto": "«triage destinations» li elenca.",
    "mai_deciso": "Provate «triage retry».",
    "quale_centro": "Ditelo con --from.",
    "stato_quarantined": "Prima provate «triage retry».",
    "stato_matched": "«triage show» dice quale.",
}
"""How to go on by commands, after a refusal."""


def typing() -> Person:
    """Whoever types the command."""
    name = actor()
    return Person(None, name, name, Role.ADMINISTRATOR)


@click.command()
@click.argument("names", metavar="ID|CASE...", nargs=-1, required=True)
def ask(names: tuple[str, ...]) -> None:
    """Ask the family for its comune, by a mail of its own: where only the place is missing.

    Give the message's number, or the case's code as it stands in subjects. A family is asked once a case, whether
    by you or by the acknowledgement. Its answer lets the message go on by itself.
    """

    def act(tx: Transaction, rules: Rules, parsed: ParsedMessages, person: Person, key: int) -> Outcome:
        return ask_comune(tx, rules, parsed, person, key, undo=AT_ONCE)

    with opened() as service:
        _act_on(service, "ask", names, waiting_for_place, act)


@click.command()
@click.argument("name", metavar="ID|CASE")
@click.argument("destination", metavar="PROJECT[.ADDRESS]")
@click.option(
    "--why",
    required=True,
    type=click.Choice(WHYS),
    help="zona: not their comuni; pieno: no room there; tema: not their topic; altro. Kept on record.",
)
@click.option("--from", "wrong", default="", metavar="PROJECT", help="Of several centres that have it, the wrong one.")
@click.option("--keep-taught", is_flag=True, help="Keep the taught rule that sent it wrong; it ends otherwise.")
def correct(name: str, destination: str, why: str, wrong: str, keep_taught: bool) -> None:
    """Send a message to the centre that you choose: one that waits, or one that went to another centre.

    Give the message's number; a case's code stands for all its messages that a centre has or has handed back.
    The family is told once, if it was told of another centre. A centre that has the message does not get it twice.
    """
    choice, forget = _choice(destination), not keep_taught

    def act(tx: Transaction, rules: Rules, parsed: ParsedMessages, person: Person, key: int) -> Outcome:
        return correct_one(tx, rules, parsed, person, key, choice, why, wrong=wrong, forget=forget, undo=AT_ONCE)

    with opened() as service:
        _act_on(service, "correct", (name,), with_a_centre, act)


@click.command()
@click.argument("name", metavar="ID|CASE")
@click.argument("destination", metavar="PROJECT[.ADDRESS]")
@click.option("--note", default="", help="Why. Kept on record.")
def also(name: str, destination: str, note: str) -> None:
    """Send a message that a centre has to one more: two families, two places. Whoever has it keeps it.

    Give the message's number; a case's code stands for all its messages that a centre has. The family is told
    once that more than one centre has it, if it was told of a centre. Not to an address that is unconfirmed or sick.
    """
    choice = _choice(destination)

    def act(tx: Transaction, rules: Rules, parsed: ParsedMessages, person: Person, key: int) -> Outcome:
        return send_also(tx, rules, parsed, person, key, choice, note=note, undo=AT_ONCE)

    with opened() as service:
        _act_on(service, "also", (name,), with_a_centre, act)


def _choice(destination: str) -> Choice:
    project, _, key = destination.partition(".")
    return Choice(project, key or DEFAULT_ADDRESS)


@click.command()
@click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)
@click.option("--note", default="gestito da una persona", help="What was done, or why it ends. Kept on record.")
def settle(ids: tuple[int, ...], note: str) -> None:
    """Say that you have dealt with messages that wait: answered, called, or read what a centre wrote.

    Each is moved to the folder of settled mail, and waits no more. Nothing of it leaves any more, and its family gets
    no acknowledgement that has not left yet. What is too large or unreadable stays in the mailbox.
    """

    def act(tx: Transaction, rules: Rules, _parsed: ParsedMessages, person: Person, key: int) -> Outcome:
        return close_one(tx, rules, person, key, note, undo=AT_ONCE)

    with opened() as service:
        _act_on(service, "settle", tuple(map(str, ids)), lambda _tx, rows: rows, act)


def _act_on(service: Opened, step: str, names: tuple[str, ...], choose: Choose, act: Act) -> None:
    rules, parsed = rules_in_force(service), ParsedMessages(pec_anchors(service.settings))
    person, done, refused = typing(), False, []
    for name in names:
        with service.store.read(step) as tx:
            found = messages_named(tx, name)
            keys = [row.id for row in (found if name.isdigit() else choose(tx, found))]
        if not keys:
            what = f"Nel caso {name} nessun messaggio lo richiede" if found else f"Non c'è un messaggio {name}"
            refused.append(f"{what}. «triage held» elenca quelli che aspettano.")
        for key in keys:
            with service.store.write(step, person.name) as tx:
                outcome = act(tx, rules, parsed, person, key)
            done = done or outcome.ok
            if outcome.ok:
                click.echo(said(key, outcome))
            else:
                refused.append(said(key, outcome))
    with service.store.read(step) as tx:
        if done and is_stopped(tx):
            click.echo("Il servizio è fermo: parte dopo «triage start».")
    if refused:
        fail("\n".join(refused), FAILED)


def said(key: int, outcome: Outcome) -> str:
    """One act on one message, in a line."""
    words = outcome.message_it[:1].lower() + outcome.message_it[1:]
    if outcome.ok:
        return f"Messaggio {key}: {words}"
    return " ".join(one for one in (f"Messaggio {key}: non fatto, {words}", _GO_ON.get(outcome.code, "")) if one)
