"""Valid sections in, plain frozen ``Rules`` out, with every fault that only shows between sections.

In: sections that are well-formed one by one, and the comuni that exist. Out: the rules, or ``None``
when a section is missing, and the problems. Refused: names that mean nothing, addresses that would
send mail back to ourselves, one address or domain for two projects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from triage.rules import schema
from triage.rules.acknowledgements import acknowledgement_problems, build_acknowledgements
from triage.rules.addresses import matches_pattern, same_mailbox
from triage.rules.areas import map_areas
from triage.rules.digest import DigestRules
from triage.rules.forwarding import ForwardRules
from triage.rules.offices import build_offices
from triage.rules.problems import Problem
from triage.rules.retention import RetentionRules
from triage.rules.steps import build_protocol, build_rules
from triage.rules.types import (
    ANY_PROJECT,
    Folders,
    Mailbox,
    MailboxRole,
    OpeningSpan,
    Project,
    ProjectAddress,
    Rules,
    Service,
    Thresholds,
    UrgentRules,
)
from triage.rules.values import day_time, span_times
from triage.rules.yaml_tree import Mapping as TreeMapping
from triage.rules.yaml_tree import line_at
from triage.vocabulary import NOBODY, SPECIAL_TERRITORIES, STAFF, Mode

RESERVED_CODES: frozenset[str] = frozenset({*SPECIAL_TERRITORIES, STAFF, NOBODY, ANY_PROJECT})
"""Words that the rules and the guide use themselves: no project may be called so."""

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Sections:
    """What of a file is well-formed; items that are not have been reported already."""

    tree: TreeMapping
    service: schema.ServiceSection | None
    mailboxes: Mapping[str, schema.MailboxSection]
    projects: Mapping[str, schema.ProjectSection]
    rules: Mapping[int, schema.RuleSection]
    """By position in the file, from 0."""
    thresholds: schema.ThresholdsSection
    forwards: schema.ForwardsSection
    acknowledgements: schema.AcknowledgementsSection
    urgent: schema.UrgentSection
    alarms: schema.AlarmsSection | None
    daily_digest: schema.DailyDigestSection | None
    retention: schema.RetentionSection
    protocol: schema.ProtocolSection
    offices: Mapping[str, schema.OfficeSection]

    def names(self, section: str) -> tuple[str, ...]:
        """All names that the file gives in a section, those of faulty items too."""
        node = self.tree.items.get(section)
        return tuple(node.items) if isinstance(node, TreeMapping) else ()


def assemble(
    sections: Sections, places: Mapping[str, str], *, source: str, text: str, version: str
) -> tuple[Rules | None, tuple[Problem, ...]]:
    """The rules, and what is wrong between their sections."""
    project_of, area_problems = map_areas(sections.projects, places, sections.tree, source)
    rules, rule_problems = build_rules(sections.rules, sections.names, places, sections.tree, source)
    offices, office_problems = build_offices(sections.offices, places, sections.tree, source)
    protocol, protocol_problems = build_protocol(sections.protocol, sections.names, places, sections.tree, source)
    checks = _Checks(sections, source)
    problems = (*area_problems, *rule_problems, *office_problems, *protocol_problems, *checks.problems())
    if sections.service is None:
        return None, problems
    built = Rules(
        version=version,
        text=text,
        source=source,
        service=_service(sections.service, sections),
        mailboxes={name: _mailbox(name, section, sections.tree) for name, section in sections.mailboxes.items()},
        projects={
            code: _project(code, section, sections.service.mode, sections.tree)
            for code, section in sections.projects.items()
        },
        rules=rules,
        thresholds=Thresholds(
            sections.thresholds.min_confidence, sections.thresholds.max_wrong, sections.thresholds.languages
        ),
        forwards=ForwardRules(sections.forwards.attachments_mb, sections.forwards.attachments_most),
        acknowledgements=build_acknowledgements(sections.acknowledgements, sections.tree),
        urgent=UrgentRules(sections.urgent.on_call or (), sections.urgent.repeat_minutes),
        alarms=sections.alarms.addresses if sections.alarms else (),
        places=dict(places),
        project_of=project_of,
        offices=offices,
        daily_digest=_digest(sections.daily_digest),
        retention=RetentionRules(**dict(sections.retention)),
        protocol=protocol,
    )
    return built, problems


def _digest(section: schema.DailyDigestSection | None) -> DigestRules:
    return DigestRules(section.to, day_time(section.at)) if section is not None else DigestRules()


class _Checks:
    """Faults between sections, each with the line of the later one."""

    def __init__(self, sections: Sections, source: str) -> None:
        self._sections = sections
        self._source = source
        self._found: list[Problem] = []

    def problems(self) -> tuple[Problem, ...]:
        own = _own_patterns(self._sections)
        self._check_mailboxes()
        self._check_project_codes()
        self._check_project_addresses(own)
        self._check_project_domains(own)
        self._check_reminders()
        self._check_notices(own)
        self._found += acknowledgement_problems(
            self._sections.acknowledgements,
            self._sections.service,
            self._sections.mailboxes,
            own,
            self._sections.tree,
            self._source,
        )
        return tuple(self._found)

    def _add(self, what: str, remedy: str, *path: str | int) -> None:
        self._found.append(Problem(self._source, line_at(self._sections.tree, *path), what, remedy))

    def _check_mailboxes(self) -> None:
        mailboxes = self._sections.mailboxes
        all_well_formed = len(mailboxes) == len(self._sections.names("mailboxes"))
        if mailboxes and all_well_formed and all(box.role is not MailboxRole.INBOX for box in mailboxes.values()):
            self._add("no mailbox has the role inbox", "give one of them the role inbox", "mailboxes")
        seen: dict[tuple[str, str], str] = {}
        for name, box in mailboxes.items():
            first = seen.setdefault((box.address.casefold(), box.folder), name)
            if first != name:
                what = f"{name} is the same folder of the same account as {first}"
                self._add(what, "keep one of the two: every message would be read twice", "mailboxes", name)

    def _check_project_codes(self) -> None:
        for code in self._sections.projects:
            if code in RESERVED_CODES:
                self._add(f'"{code}" means something else already', "choose another code", "projects", code)

    def _check_project_addresses(self, own: tuple[str, ...]) -> None:
        seen: list[tuple[str, str, int]] = []
        for code, project in self._sections.projects.items():
            for key, section in project.addresses.items():
                path = ("projects", code, "addresses", key, "to")
                if any(matches_pattern(section.to, pattern) for pattern in own):
                    self._add(f"{section.to} is one of our own", "write the project's own address", *path)
                line = line_at(self._sections.tree, *path)
                for other, address, other_line in seen:
                    if same_mailbox(section.to, address) and other != code:
                        what = f"{section.to} is {other}'s too, on line {other_line}"
                        self._add(what, "give each project its own address", *path)
                seen.append((code, section.to, line))

    def _check_project_domains(self, own: tuple[str, ...]) -> None:
        seen: dict[str, str] = {}
        for code, project in self._sections.projects.items():
            for index, domain in enumerate(project.domains):
                path = ("projects", code, "domains", index)
                if any(matches_pattern(pattern, f"@{domain}") for pattern in own):
                    remedy = "delete it: our own mail would pass for the project's"
                    self._add(f"{domain} is our own domain", remedy, *path)
                first = seen.setdefault(domain, code)
                if first != code:
                    self._add(f"{domain} is {first}'s too", "leave it to one project, or to none", *path)

    def _check_reminders(self) -> None:
        for code, project in self._sections.projects.items():
            for key in ("remind_after_days", "weekly_digest"):
                if getattr(project, key) and not project.takes_charge:
                    what = f"{key} needs an answer that {code} cannot give: takes_charge is not true"
                    self._add(what, "write takes_charge: true, or delete it", "projects", code, key)

    def _check_notices(self, own: tuple[str, ...]) -> None:
        listed = [("urgent", "on_call", index, to) for index, to in enumerate(self._sections.urgent.on_call or ())]
        if self._sections.alarms:
            listed += [("alarms", "addresses", index, to) for index, to in enumerate(self._sections.alarms.addresses)]
        if self._sections.daily_digest:
            listed += [("daily_digest", "to", index, to) for index, to in enumerate(self._sections.daily_digest.to)]
        for section, key, index, address in listed:
            if any(matches_pattern(address, pattern) for pattern in own):
                # A notice about a stuck inbox must not be sent into that inbox.
                what = f"{address} is an address that the service reads"
                self._add(what, "write a person's own address", section, key, index)


def _own_patterns(sections: Sections) -> tuple[str, ...]:
    """Everything that is ours: what is declared, the general address, and the mailboxes read."""
    patterns: list[str] = []
    if sections.service is not None:
        patterns += [sections.service.address, *(sections.service.own_addresses or ())]
    patterns += [box.address for box in sections.mailboxes.values()]
    return tuple(dict.fromkeys(patterns))


def _service(section: schema.ServiceSection, sections: Sections) -> Service:
    spans = tuple(
        OpeningSpan(weekday, *span_times(span))
        for weekday, day in enumerate(_WEEKDAYS)
        for span in getattr(section.opening_hours, day) or ()
    )
    names = section.folders
    return Service(
        name=section.name,
        address=section.address,
        own_addresses=_own_patterns(sections),
        sender_name=section.sender_name,
        mode=section.mode,
        timezone=section.timezone,
        phone=section.phone or "",
        pec=section.pec,
        opening_hours=spans,
        folders=Folders(names.root, names.forwarded, names.automatic, names.not_for_us, names.settled),
        closed_days=section.closed_days or (),
        canary_minutes=section.canary_minutes or 0,
        authserv_id=section.authserv_id or "",
        authserv_below=section.authserv_position == "below",
        accessibility_contact=section.accessibility_contact or "",
        line=line_at(sections.tree, "service"),
    )


def _mailbox(name: str, section: schema.MailboxSection, tree: TreeMapping) -> Mailbox:
    return Mailbox(
        name=name,
        line=line_at(tree, "mailboxes", name),
        folder=section.folder,
        role=section.role,
        address=section.address,
        old_mail_days=section.old_mail_days,
        max_message_mb=section.max_message_mb,
        hold_if_moved=section.hold_if_moved,
        pec=section.pec,
        poll_seconds=section.poll_seconds,
        envelope=section.envelope,
    )


def _project(code: str, section: schema.ProjectSection, service_mode: Mode, tree: TreeMapping) -> Project:
    return Project(
        code=code,
        line=line_at(tree, "projects", code),
        name=section.name,
        centre=section.centre,
        contact=section.contact,
        mode=section.mode or service_mode,
        addresses={
            key: ProjectAddress(key, line_at(tree, "projects", code, "addresses", key), address.to, address.confirmed)
            for key, address in section.addresses.items()
        },
        domains=section.domains,
        urgent_forward_now=section.urgent_forward_now,
        forward_as=section.forward_as,
        takes_charge=section.takes_charge,
        remind_after_days=section.remind_after_days or 0,
        weekly_digest=section.weekly_digest,
        area_confirmed=section.area.confirmed is True,
        comuni_confirmed=frozenset(section.area.confirmed)
        if isinstance(section.area.confirmed, tuple)
        else frozenset(),
    )
