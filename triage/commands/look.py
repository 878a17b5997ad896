"""``triage held`` and ``show``: what waits, and one message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from triage.commands.charge import word_charge
from triage.commands.opening import FAILED, fail, json_option, opened, print_json
from triage.explaining import word_confidence, word_hold, word_reason
from triage.parse import parse
from triage.parse.isolated import ParserCrash, parse_isolated
from triage.pec.seen import as_seen
from triage.pec.trust import Anchors
from triage.pec.words import certified_lines, word_pec
from triage.reading import pec_anchors
from triage.record.audit import history
from triage.record.charge import charges_of
from triage.record.decisions import decision_of
from triage.record.dispatches import DispatchRow, attempts_of, dispatches_of
from triage.record.filing import AT_REST
from triage.record.messages import MessageRow, get_message, mailbox_name, messages_in
from triage.record.octets import read_octets
from triage.record.receipts import receipts_about
from triage.record.staff_notices import notices_of
from triage.vocabulary import Decision, DispatchKind, DispatchState, Reason

_LEFT_OUT = ("con l'originale e gli allegati", "con l'originale", "senza l'originale, troppo grande")
"""What a forward holds, by what was left out of it."""


@click.command()
@json_option
@click.option("--limit", default=100, show_default=True, type=click.IntRange(min=1), help="Show at most so many.")
def held(as_json: bool, limit: int) -> None:
    """List the messages that wait for a person: possible danger first, then the oldest."""
    with opened() as service:
        with service.store.read("held") as tx:
            rows = messages_in(tx, AT_REST, limit)
            decisions = {row.id: decision_of(tx, row.id, row.generation) for row in rows}
            charges = charges_of(tx, [row.id for row in rows])
        for row in rows:
            decision = decisions[row.id]
            guess = decision.destination if decision else ""
            if as_json:
                print_json(
                    {
                        "id": row.id,
                        "state": row.state,
                        "reason": row.hold_reason,
                        "urgent": row.urgent,
                        "guess": guess,
                        "received_at": row.received_at or row.listed_at,
                        "taken_at": charges[row.id].taken_at if row.id in charges else None,
                        "taken_by": charges[row.id].taken_by if row.id in charges else "",
                    }
                )
            else:
                mark = "!" if row.urgent else " "
                when = (row.internal_date or row.listed_at).strftime("%Y-%m-%d %H:%M")
                taken = word_charge(charges.get(row.id))
                click.echo(f"{mark} {row.id:>6}  {when}  {word_hold(row.hold_reason)}{f' [{taken}]' if taken else ''}")
        if not rows and not as_json:
            click.echo("Nothing waits.")


@click.command()
@click.argument("message_id", type=int)
@json_option
def show(message_id: int, as_json: bool) -> None:
    """Show one message: what it is, why it was decided so, and everything that happened to it."""
    with opened() as service, service.store.read("show") as tx:
        row = get_message(tx, message_id)
        if row is None:
            fail(f"There is no message {message_id}. 'triage held' lists those that wait.", FAILED)
        box = mailbox_name(tx, row.mailbox_id)
        decision = decision_of(tx, row.id, row.generation)
        sends = [
            (dispatch, [_plain(attempt) for attempt in attempts_of(tx, dispatch.id)])
            for dispatch in dispatches_of(tx, row.id)
        ]
        charge = charges_of(tx, [row.id]).get(row.id)
        told = notices_of(tx, row.id)
        events = [_plain(event) for event in history(tx, "message", row.id)]
        octets = read_octets(tx, [row.sha256]).get(row.sha256) if row.sha256 else None
        receipts = receipts_about(tx, row.id, row.case_id)
        if as_json:
            print_json(
                {
                    "message": asdict(row),
                    "mailbox": box,
                    "decision": asdict(decision) if decision else None,
                    "receipts": [{"id": number, **params} for number, params in receipts],
                    "dispatches": [{**asdict(dispatch), "tries": tries} for dispatch, tries in sends],
                    "in_charge": asdict(charge) if charge else None,
                    "notices": [asdict(notice) for notice in told],
                    "history": events,
                }
            )
            return
        _print_message(row, box, octets, decision, pec_anchors(service.settings))
        if taken := word_charge(charge):
            click.echo(f"{taken[0].upper()}{taken[1:]}.")
        if decision is not None:
            click.echo(f"Decisione: {decision.action} -> {decision.destination}")
            click.echo(f"Fiducia: {word_confidence(decision)}")
            for said in dict.fromkeys(map(word_reason, decision.reasons)):
                click.echo(f"  - {said}")
        for dispatch, tries in sends:
            less = f" ({_LEFT_OUT[dispatch.left_out]})" if _was_forwarded(dispatch) else ""
            click.echo(f"{dispatch.kind} -> {dispatch.forward_path}: {dispatch.state}{less}")
            for attempt in tries:
                words = " ".join(str(attempt["reply"]).split())[:200]
                click.echo(f"    {attempt['started_at']:%Y-%m-%d %H:%M:%S} {attempt['outcome']} {words}")
        for number, params in receipts:
            words = word_pec(Reason(str(params["code"]), {**params, "message": ""}))
            click.echo(f"Ricevuta PEC (messaggio {number}): {words}")
        for notice in told:
            click.echo(f"notice {notice.step} -> {notice.recipient or notice.channel}: {notice.state}")
        for event in events:
            arrow = f"{event['from_state'] or '-'} -> {event['to_state']}" if event["to_state"] else ""
            scanner = f" (antivirus: {event['params']['scanner']})" if "scanner" in event["params"] else ""
            click.echo(f"  {event['at']:%Y-%m-%d %H:%M:%S} {event['actor']}: {event['event']} {arrow}{scanner}")


def _was_forwarded(dispatch: DispatchRow) -> bool:
    return dispatch.kind == DispatchKind.FORWARD and dispatch.state == DispatchState.ACCEPTED


def _print_message(
    row: MessageRow, box: str, octets: bytes | None, decision: Decision | None, anchors: Anchors
) -> None:
    click.echo(f"Messaggio {row.id} nella casella {box}: {row.state} {word_hold(row.hold_reason)}".rstrip())
    if octets is None:
        return
    trusted = any(reason.code == "pec" and reason.params.get("trusted") for reason in _reasons(decision))
    try:
        parsed = parse_isolated(octets) if row.stopped_the_parser else parse(octets)
    except ParserCrash:
        click.echo("Non si riesce a leggerlo: va guardato nella casella.")
        return
    message = as_seen(parsed, declared=trusted, anchors=anchors)
    click.echo(f"Da:      {message.author.display_name} <{message.author.addr_spec}>")
    if (passed_on := message.forwarded_author) is not None:
        click.echo(f"Inoltra un messaggio di: {passed_on.display_name} <{passed_on.addr_spec}>")
    click.echo(f"Oggetto: {message.subject}")
    if message.certified is not None:
        for label, text in certified_lines(message.certified):
            click.echo(f"{label}: {text}")
    for item in message.attachments:
        click.echo(f"Allegato: {item.file_name} ({item.content_type}, {item.size} byte)")
    for defect in message.defects:
        click.echo(f"Difetto: {defect.code}")
    click.echo("")
    click.echo(message.new_text.strip())
    click.echo("")


def _reasons(decision: Decision | None) -> tuple[Reason, ...]:
    return decision.reasons if decision is not None else ()


def _plain(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    return dict(mapping)
