"""``triage erase``: what the record holds of one person goes (GDPR article 17), and the models that knew it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from triage.classify.examples import ExamplesError
from triage.commands.act import actor
from triage.commands.export import dossier_of, inside_option, no_address, person_typed
from triage.commands.opening import FAILED, Opened, fail, json_option, opened, print_json
from triage.commands.refitting import Refitted, file_that_knows, models_that_know, refit
from triage.duties.erasing import Plan, plan_erasure
from triage.duties.erasing import erase as erase_person
from triage.duties.finding import Dossier
from triage.ids import case_code
from triage.learning.learnt import LEARNT, forget_writer
from triage.promotion import RefusedError
from triage.record.identity import secret_if_known
from triage.record.of_person import Against
from triage.record.person_requests import RequestRow

REMEDIES = {
    Against.LEGAL_HOLD: "a legal hold keeps it; when that is over: triage purge --release CASE",
    Against.REGISTER_OPEN: "its entry in the register of misroutes is open; close it on the page Errori di smistamento",
    Against.WAITING: "a message of it waits or is on its way; settle it, or wait until it is filed",
    Against.SENDING: "something has not left yet; wait until it has",
    Against.UNDOABLE: "what a person decided can still be taken back; try again in some minutes",
    Against.UNJUDGED: "it was drawn for the blind check; judge it on the page Controlli a campione",
    Against.UNREGISTERED: "it waits for the register of documents; export it first: triage protocol export --to DIR",
}
"""What stands against erasing a case, and what to do."""
_LEARNT = "{} message(s) of this person taken out of what 'triage learn' has kept; models that learnt it: train anew."
_REPLACE = "The file {file} (TRIAGE_MODEL) is such a model: replace it, or the next start takes it in again."


@click.command()
@click.argument("person", metavar="[PERSON]", default="")
@click.option(
    "--reference",
    default="",
    metavar="TEXT",
    callback=lambda context, parameter, value: no_address(context, parameter, value) if value else "",
    help="The number of the request in your register; it stands in the record of acts, so no names.",
)
@click.option("--dry-run", "only_look", is_flag=True, help="Only say what would go and what would not.")
@click.option("--yes", is_flag=True, help="Do not ask before erasing; for scripts.")
@inside_option
@click.option(
    "--copies-kept",
    type=click.IntRange(0, 3660),
    metavar="DAYS",
    help="For how many days your copies of the record are kept: the report then says until when they hold the data.",
)
@click.option(
    "--refit",
    "out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Train a model into this folder without whoever was erased, if the one in force knew them, and remove other "
    "models that did. Alone, it does so for earlier erasures.",
)
@click.option(
    "--examples",
    default="models/training",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The labelled examples for --refit.",
)
@json_option
def erase(
    person: str,
    reference: str,
    only_look: bool,
    yes: bool,
    inside: bool,
    copies_kept: int | None,
    out: Path | None,
    examples: Path,
    as_json: bool,
) -> None:
    """Erase what the record holds of a person, after showing what would go.

    PERSON is an e-mail address; capitals, plus tags and (where the provider ignores them) dots make no difference.
    Rows, hashes and what happened stay, so that the ledger closes; texts, notes, addresses and whose they were go.
    A case that is under a legal hold, open or alive stays whole, and the command ends with 1 and says what to do.
    Cut off, it goes on when it is said again.
    """
    if not person and out is None:
        raise click.UsageError("Name a PERSON, or give --refit DIR alone.")
    if person and not only_look and not reference:
        raise click.UsageError("Erasing needs --reference TEXT: the number of the request in your register.")
    told: dict[str, Any] = {}
    with opened() as service:
        kept = _person(service, person, reference, only_look, yes, inside, copies_kept, told, as_json) if person else 0
        if out is not None and not only_look:
            _refit(service, examples, out, told, as_json)
    if as_json:
        print_json(told)
    if kept and not only_look:
        fail("Not all of it could be erased: see above. Do what is said there, then say it again.", FAILED)


def _person(
    service: Opened,
    address: str,
    reference: str,
    only_look: bool,
    yes: bool,
    inside: bool,
    copies_kept: int | None,
    told: dict[str, Any],
    as_json: bool,
) -> int:
    """Look, ask, erase, report; how many messages stay for now."""
    dossier = dossier_of(service, address, inside)
    plan = plan_erasure(service.store, dossier)
    if plan.empty:
        learnt = 0 if only_look else forget_writer(service.settings.state_dir / LEARNT, address)
        if learnt:
            told.update(erased=True, messages=0, learnt_lines=learnt)
            click.echo(f"Nothing on record is of this address. {_LEARNT.format(learnt)}", err=as_json)
            return 0
        fail("Nothing on record is of this address. Nothing was erased.", FAILED)
    if not as_json:
        _print_plan(service, plan)
    done = None
    if not only_look:
        if not yes:
            click.confirm("Erase it? This cannot be taken back", abort=True, err=True)
        done = erase_person(service.store, dossier, plan, person_typed(), reference)
        told["learnt_lines"] = forget_writer(service.settings.state_dir / LEARNT, address)
    told.update(_as_mapping(service, dossier, plan, done, copies_kept))
    if not as_json and done is not None:
        _print_done(done, told)
    return plan.kept


def _as_mapping(
    service: Opened, dossier: Dossier, plan: Plan, done: RequestRow | None, copies_kept: int | None
) -> dict[str, Any]:
    now = service.store.clock.now()
    until = None if copies_kept is None else (now + timedelta(days=copies_kept)).date().isoformat()
    file = file_that_knows(service)
    return {
        "erased": done is not None,
        "messages": done.messages if done is not None else plan.messages,
        "octets": done.octets if done is not None else plan.octets,
        "sendings": done.sendings if done is not None else plan.sendings,
        "taught": plan.taught,
        "labelled": done.labelled if done is not None else plan.labelled,
        "kept": plan.kept,
        "unread": list(dossier.unread),
        "refused": [
            {
                "case": _code(service, one.case.id) or None,
                "messages": [item.row.id for item in one.case.of_person()],
                "why": [str(why) for why in one.why],
            }
            for one in plan.refused
        ],
        "of_others": plan.of_others,
        "in_mailboxes": [
            {"mailbox": box, "folder": folder, "messages": count}
            for (box, folder), count in sorted(plan.places.items())
        ],
        "projects": dict(sorted(plan.projects.items())),
        "models_to_train_anew": [one.version for one in models_that_know(service)],
        "model_file": None if file is None else str(file),
        "copies": {"made_before": now.isoformat(timespec="seconds"), "hold_it_until": until},
    }


def _print_plan(service: Opened, plan: Plan) -> None:
    click.echo(f"{plan.messages} message(s), {plan.octets / 1e6:.1f} MB, with notes and what staff wrote: they go.")
    click.echo(f"{plan.sendings} sending(s) to this person: the address goes, that something was sent stays.")
    if plan.taught:
        click.echo(f"{plan.taught} rule(s) taught about this sender or by these messages: ended.")
    if plan.labelled:
        click.echo(f"{plan.labelled} of these message(s) labelled by persons: no later training gets them.")
    if plan.of_others:
        click.echo(f"{plan.of_others} message(s) of other persons in the same cases: stay, they are theirs.")
    for one in plan.refused:
        numbers = ", ".join(str(item.row.id) for item in one.case.of_person())
        code = _code(service, one.case.id)
        click.echo(f"{f'Case {code}' if code else 'No case yet'}: message(s) {numbers} stay for now.")
        for why in one.why:
            click.echo(f"  - {REMEDIES[why]}")


def _print_done(done: RequestRow, told: dict[str, Any]) -> None:
    click.echo(f"Done: {done.messages} message(s) and {done.sendings} sending(s), request {done.reference}.")
    if told["learnt_lines"]:
        click.echo(_LEARNT.format(told["learnt_lines"]))
    click.echo("What this command does not reach:")
    for place in told["in_mailboxes"]:
        where = f"mailbox {place['mailbox']}, folder {place['folder']}"
        click.echo(f"  - {where}: {place['messages']} original(s), yours to delete")
    for project, count in told["projects"].items():
        click.echo(f"  - {project} has {count} of them: tell it that they were erased (GDPR art. 19)")
    until = told["copies"]["hold_it_until"]
    ends = f"until {until}" if until else "until the last of them is deleted"
    click.echo(f"  - copies of the record made before {told['copies']['made_before']} hold the data {ends};")
    click.echo("    after bringing one back, erase again")
    click.echo("  - folders of corrections for 'triage train --also', if you keep such")
    for version in told["models_to_train_anew"]:
        click.echo(f"Model {version} may have learnt from it: to be trained anew, 'triage erase --refit DIR'.")
    if told["model_file"]:
        click.echo(_REPLACE.format(file=told["model_file"]))


def _refit(service: Opened, examples: Path, out: Path, told: dict[str, Any], as_json: bool) -> None:
    try:
        done = refit(service, examples, out, actor())
    except (ExamplesError, RefusedError, ValueError) as error:
        fail(str(error), FAILED)
    except OSError as error:
        fail(f"{error.filename or out} cannot be read or written ({type(error).__name__}).", FAILED)
    told["refit"] = {"trained": done.trained or None, "removed": list(done.removed), "in_force": done.in_force or None}
    file = file_that_knows(service)
    told["model_file"] = None if file is None else str(file)
    if not as_json:
        _print_refit(done, out)
        if file is not None:
            click.echo(_REPLACE.format(file=file))


def _print_refit(done: Refitted, out: Path) -> None:
    for version in done.removed:
        click.echo(f"Model {version} is gone from the record, with its card and reports.")
    if done.in_force:
        click.echo(f"Model {done.trained} was trained without them (in {out}) and waits in the record.")
        click.echo(f"{done.in_force} decides still: 'triage models promote {done.trained}', then say --refit again.")
    elif not done.removed:
        click.echo("No model in the record learnt from mail that was erased.")


def _code(service: Opened, case: int | None) -> str:
    if case is None:
        return ""
    with service.store.read("case code") as tx:
        return case_code(secret_if_known(tx), case)
