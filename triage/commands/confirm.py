"""``triage confirm``: the test mail by which a project confirms an address, as the page sends it."""

from __future__ import annotations

import click

from triage.acts import addresses
from triage.acts.accounts import Changed
from triage.acts.people import Person, Role
from triage.commands.act import actor
from triage.commands.opening import FAILED, fail, json_option, opened, print_json
from triage.knowledge import Knowledge
from triage.record.address_tests import AddressTest, TestState, newest_tests
from triage.rules.addresses import same_mailbox
from triage.rules.types import Project, ProjectAddress, Rules

_SAYS = {
    "modo_ombra": "the project is in ombra: nothing leaves, not even this. Put it in proposta first",
    "again": "a test mail has left less than an hour ago; wait for its answer",
    "late": "it has left already, or none was asked for",
    "not_confirmed": "it was not confirmed by a test mail",
}


@click.command()
@click.argument("address", required=False)
@click.option("--cancel", is_flag=True, help="Take the test mail back; within two minutes, before it leaves.")
@click.option("--withdraw", is_flag=True, help="Take the confirmation away, as when the wrong person has answered.")
@json_option
def confirm(address: str | None, cancel: bool, withdraw: bool, as_json: bool) -> None:
    """Ask a project to confirm its address by answering a test mail.

    The mail to ADDRESS leaves after two minutes. Somebody's answer confirms it, and it counts like "confirmed: true" in
    the rules. Without ADDRESS all addresses are listed.
    """
    if address is None and (cancel or withdraw):
        raise click.UsageError("Name the ADDRESS: 'triage confirm' alone lists them.")
    with opened() as service:
        rules = Knowledge(service.store, service.settings.rules_path, service.settings.model_path).in_force().rules
        if address is None:
            with service.store.read("address tests") as tx:
                _list(rules, newest_tests(tx), as_json=as_json)
            return
        project, key = _find(rules, address)
        person = Person(None, actor(), actor(), Role.ADMINISTRATOR)
        with service.store.write("address test", actor()) as tx:
            if cancel:
                done = addresses.cancel(tx, person, project.code, key.key)
            elif withdraw:
                done = addresses.unconfirm(tx, person, rules, project.code, key.key)
            else:
                done = addresses.send_test(tx, rules, person, project.code, key.key)
    _tell(done, key.to, as_json=as_json)


def _tell(done: Changed, address: str, *, as_json: bool) -> None:
    if not done.ok:
        fail(f"{address}: nothing was done: {_SAYS.get(done.code, done.code)}.", FAILED)
    if as_json:
        print_json({"address": address, "done": done.code})
        return
    said = {
        "sent": f"The test mail to {address} leaves in two minutes. Take it back: 'triage confirm {address} --cancel'.",
        "cancelled": f"Taken back: no test mail goes to {address}.",
        "withdrawn": f"{address} is not confirmed any more: nothing goes there without a person.",
    }
    click.echo(said[done.code])


def _find(rules: Rules, address: str) -> tuple[Project, ProjectAddress]:
    known = ((project, one) for project in rules.projects.values() for one in project.addresses.values())
    found = next((pair for pair in known if same_mailbox(address, pair[1].to)), None)
    if found is None:
        fail(f"{address} is no project's address in the rules in force. 'triage confirm' lists them.", FAILED)
    return found


def _list(rules: Rules, tests: dict[tuple[str, str, str], AddressTest], *, as_json: bool) -> None:
    for project in rules.projects.values():
        for one in project.addresses.values():
            test = tests.get((project.code, one.key, one.to))
            state = "" if test is None else _STATES.get(test.state, test.state)
            if test is not None and test.state == TestState.ASKED and test.sent_at is not None:
                state = f"test mail sent on {test.sent_at:%Y-%m-%d %H:%M} UTC, no answer yet"
            if as_json:
                print_json(
                    {
                        "project": project.code,
                        "key": one.key,
                        "address": one.to,
                        "confirmed": one.confirmed,
                        "test": None if test is None else test.state,
                        "sent_at": None if test is None else test.sent_at,
                        "answered_at": None if test is None else test.answered_at,
                    }
                )
                continue
            name = project.code if one.key == "default" else f"{project.code}.{one.key}"
            click.echo(f"{'confirmed' if one.confirmed else 'UNCONFIRMED':12} {name:24} {one.to}")
            if state:
                click.echo(f"{'':12} {state}")


_STATES: dict[str, str] = {
    TestState.ASKED: "test mail about to leave",
    TestState.NOT_SENT: "the test mail did not leave: 'triage ledger' may say why",
    TestState.RETURNED: "the test mail came back: the address takes no mail",
    TestState.CONFIRMED: "somebody answered the test mail",
    TestState.WITHDRAWN: "somebody answered, and the confirmation was taken away",
}
