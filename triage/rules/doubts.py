"""What is allowed in a rules file and yet probably a mistake: warnings for ``triage check``.

In: valid rules. Out: problems that do not stop the service: rules that can never match, contradict
others or have no effect (``conflicts``), automatic projects with nobody on call, projects that go on in a
service that is itself in ombra, addresses nobody has confirmed, projects whose mail is redirected, a staff
page whose accessibility statement names no contact.
"""

from __future__ import annotations

from triage.rules.conflicts import Fault, Finding, Why, find_faults
from triage.rules.forwarding import ForwardAs
from triage.rules.problems import Problem
from triage.rules.reach import Kind
from triage.rules.types import Rules
from triage.vocabulary import Mode


def doubts_about(rules: Rules) -> tuple[Problem, ...]:
    """Warnings, in order of lines."""
    found = [*_faults(rules), *_nobody_on_call(rules), *_service_in_ombra(rules), *_unconfirmed(rules)]
    found += _redirected(rules)
    found += _no_accessibility_contact(rules)
    return tuple(sorted(found, key=lambda problem: problem.line))


def _faults(rules: Rules) -> list[Problem]:
    return [
        Problem(rules.source, finding.rule.line, f'the rule "{finding.rule.name}" {what}', remedy)
        for finding in find_faults(rules)
        for what, remedy in (_in_words(finding),)
    ]


def _in_words(finding: Finding) -> tuple[str, str]:
    names = " and ".join(f'"{other.name}" on line {other.line}' for other in finding.others)
    match finding.fault:
        case Fault.IMPOSSIBLE:
            return "can never match: no message is as it asks", "mend what it asks for, or delete it"
        case Fault.SHADOWED:
            kind = "repeats" if finding.repeats else "contradicts"
            return f"can never match and {kind} {names}", "move it up, or delete it"
        case Fault.UNREACHABLE:
            return f"can never match: {names} together take all its messages", "move it up, or delete it"
        case Fault.CONFLICT:
            what = f"wants messages that {names} sends elsewhere, such as {_sample(finding.sample)}"
            return what, "add a condition to one of the two, or put the narrower one first"
        case Fault.POWERLESS:
            what, remedy = _POWERLESS[finding.why or Why.URGENT]
            return f"has no effect: {what}", remedy


_POWERLESS = {
    Why.URGENT: ("urgent mail always waits for a person", "write hold: urgente, or urgent_forward_now for a project"),
    Why.LANGUAGE: ("mail in these languages always waits for a person", "add them to thresholds.languages"),
    Why.AUTHOR: ("mail from us or from a project always waits for a person", "delete it, or name other senders"),
    Why.JUNK: ("mail in a junk folder always waits for a person", "delete it, or name another casella"),
    Why.TERRITORY: ("none of its territories has a project, so it only holds", "write hold and the reason instead"),
}


def _sample(kind: Kind | None) -> str:
    if kind is None:
        return "some"
    named = {
        "argomento": kind.topic,
        "territorio": kind.territory,
        "lingua": kind.language,
        "mittente": kind.author,
        "oggetto": kind.subject,
    }
    return ", ".join(f"{key}: {value}" for key, value in named.items() if value)


def _nobody_on_call(rules: Rules) -> list[Problem]:
    automatic = [project for project in rules.projects.values() if project.mode is Mode.AUTOMATIC]
    if not automatic or rules.urgent.on_call:
        return []
    what = f"{automatic[0].code} is in automatico and nobody is told of urgent mail"
    return [Problem(rules.source, automatic[0].line, what, "write an address under urgent.on_call")]


def _service_in_ombra(rules: Rules) -> list[Problem]:
    """Projects may go on by themselves while the service's own mode still keeps notices and alarms back."""
    going = [project for project in rules.projects.values() if project.mode is not Mode.SHADOW]
    if not going or rules.service.mode is not Mode.SHADOW:
        return []
    what = f"{going[0].code} is in {going[0].mode}, but the service itself in ombra: nobody is told of possible danger"
    remedy = "write mode: proposta under service; projects that say their own mode keep it"
    return [Problem(rules.source, going[0].line, what, remedy)]


def _unconfirmed(rules: Rules) -> list[Problem]:
    return [
        Problem(
            rules.source,
            address.line,
            f"{project.code} is in automatico, but nobody has confirmed {address.to}: its mail is held",
            "send it a test mail with 'triage confirm', or write confirmed: true if somebody there has answered one",
        )
        for project in rules.projects.values()
        if project.mode is Mode.AUTOMATIC
        for address in project.addresses.values()
        if not address.confirmed
    ]


def _redirected(rules: Rules) -> list[Problem]:
    """Of mail from ``@libero.it`` that our server sends on, the receiver may think that it is forged."""
    return [
        Problem(
            rules.source,
            project.line,
            f"{project.code} gets mail redirected: its server may refuse it or take it for spam (DMARC), "
            "and it holds neither case code nor the way to hand it back",
            "have its mail administrator let our server pass, or delete forward_as",
        )
        for project in rules.projects.values()
        if project.forward_as is ForwardAs.REDIRECT
    ]


def _no_accessibility_contact(rules: Rules) -> list[Problem]:
    """Staff who cannot use the page must reach somebody, not the mailbox whose mail waits on that page."""
    service = rules.service
    if not service.accessibility_contact:
        what = "the accessibility statement of the staff page names no address to write to"
    elif service.accessibility_contact.casefold() in {one.casefold() for one in _sorted_addresses(rules)}:
        what = f"who reports a barrier would write to {service.accessibility_contact}, whose mail is sorted"
    else:
        return []
    remedy = "write an address of the agency that people read under service.accessibility_contact"
    return [Problem(rules.source, service.line, what, remedy)]


def _sorted_addresses(rules: Rules) -> tuple[str, ...]:
    """Addresses whose mail the service reads. Others of a domain of ours are people's."""
    single = (pattern for pattern in rules.service.own_addresses if not pattern.startswith("@"))
    return (*single, *(box.address for box in rules.mailboxes.values()))
