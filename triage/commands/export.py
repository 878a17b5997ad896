"""``triage export``: a copy of what the record holds of one person (GDPR articles 15 and 20)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.progress import Progress

from triage.acts.people import Person, Role
from triage.commands.act import actor
from triage.commands.destinations import rules_in_force
from triage.commands.opening import FAILED, Opened, fail, json_option, opened, print_json
from triage.duties.exporting import export as write_copy
from triage.duties.finding import Dossier, Part, find
from triage.reading import ParsedMessages, pec_anchors
from triage.rules.addresses import bare_form

Command = TypeVar("Command", bound=Callable[..., Any])

person_argument = click.argument("person", metavar="PERSON")
inside_option = click.option(
    "--inside",
    is_flag=True,
    help="Open every stored original too, and look for the address in Reply-To and in mail passed on by hand: "
    "slower, and finds what a web form or a colleague sent for the person.",
)
LONGEST_REFERENCE = 80


def reference_option(help_text: str) -> Callable[[Command], Command]:
    """``--reference TEXT``, which stands in the sealed record of acts and so may name nobody."""
    return click.option("--reference", required=True, metavar="TEXT", help=help_text, callback=no_address)


def no_address(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """One line for the record of acts; raises ``click.BadParameter`` for an address, nothing, or too much."""
    text = " ".join(value.split())
    if not text or "@" in text or len(text) > LONGEST_REFERENCE:
        raise click.BadParameter(
            f"up to {LONGEST_REFERENCE} characters, such as the number of your register; no address and no name."
        )
    return text


def person_typed() -> Person:
    """Whoever types the command, as acts name them."""
    return Person(None, actor(), actor(), Role.ADMINISTRATOR)


def dossier_of(service: Opened, address: str, inside: bool) -> Dossier:
    """Everything of the person, told on a terminal while it is looked for."""
    local, domain = bare_form(address)
    if not local or "." not in domain:
        fail("PERSON is an e-mail address, such as anna@example.org.", FAILED)
    rules = rules_in_force(service)
    if rules.is_own(address) or rules.project_of_address(address):
        fail("This is an address of ours or of a project: it stands for no person. Nothing was done.", FAILED)
    with Progress(disable=not sys.stderr.isatty(), transient=True) as progress:
        progress.add_task("looking", total=None)
        found = find(service.store, rules, ParsedMessages(pec_anchors(service.settings)), address, inside=inside)
    if found.unread:
        numbers = ", ".join(map(str, found.unread))
        click.echo(
            f"{len(found.unread)} message(s) stop the parser: {numbers}. Look where they lie for whose they are "
            "('triage show NUMBER' says where).",
            err=True,
        )
    return found


@click.command()
@person_argument
@click.option(
    "--to",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder to make, or a file that ends in .zip; only you can read it, and nothing is overwritten.",
)
@reference_option("The number of the request in your register; it stands in the record of acts, so no names.")
@click.option(
    "--with-others",
    is_flag=True,
    help="Give out what other persons wrote in the same cases as well. Their rights come first (GDPR art. 15(4)): "
    "use it only after somebody has weighed them.",
)
@inside_option
@json_option
def export(person: str, to: Path, reference: str, with_others: bool, inside: bool, as_json: bool) -> None:
    """Give a person a copy of their data: messages, decisions, sendings, notes, and what was learnt from them.

    PERSON is an e-mail address; capitals, plus tags and (where the provider ignores them) dots make no difference.
    It writes the originals as .eml, dati.json for programs and leggimi.txt for the person.
    """
    with opened() as service:
        dossier = dossier_of(service, person, inside)
        if not dossier.cases and not dossier.taught:
            fail("Nothing on record is of this address. No file was written.", FAILED)
        try:
            counts = write_copy(
                service.store,
                dossier,
                to,
                person_typed(),
                address=person.strip(),
                reference=reference,
                with_others=with_others,
            )
        except FileExistsError:
            fail(f"{to} is there already. Give another name, or take it away; nothing was written.", FAILED)
        except OSError as error:
            fail(f"{to} cannot be written ({type(error).__name__}). Nothing was left there.", FAILED)
        passed_on = sum(item.part is Part.PASSED_ON for item in dossier.items())
    if as_json:
        print_json(
            {
                "to": str(to),
                "reference": reference,
                "with_others": with_others,
                "unread": dossier.unread,
                **asdict(counts),
            }
        )
        return
    click.echo(f"{counts.messages} message(s) of this person in {counts.cases} case(s); written to {to}:")
    click.echo(f"  {counts.originals} original(s), dati.json, leggimi.txt. Only your account can read them.")
    if counts.gone:
        click.echo(f"  {counts.gone} message(s) have no content any more: their time was over.")
    if counts.others:
        click.echo(f"  {counts.others} message(s) of others are listed without their text (GDPR art. 15(4)).")
    if passed_on:
        click.echo(
            f"  {passed_on} of the person's were passed on by somebody else, whose mail they lie in: look at them."
        )
