"""What each key of ``routing_rules.yaml`` means, in a sentence: for editors, by the schema, and for the guide.

Enters the JSON Schema that pydantic makes, leaves the same with a ``description`` on every key. Keys stand under the
name of their section in ``schema``; a key without a sentence, or a sentence without a key, is refused by a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "RulesFile": {
        "service": "Who we are: general address, own addresses, mode, opening hours, folders.",
        "mailboxes": "Which mailboxes are read, by a name of your own; passwords stand in the environment.",
        "projects": "The projects by their code: addresses, area, mode.",
        "rules": "Tried from top to bottom; the first whose 'when' holds decides. What none matches is held.",
        "thresholds": "How sure a forward must be, and in which languages.",
        "forwards": "Which attachments go again as files of their own, beside the attached original.",
        "acknowledgements": "What families get by themselves, and the limits.",
        "urgent": "Who is told of possible danger, and how often.",
        "alarms": "Who is told when the service itself is in trouble.",
        "daily_digest": "Who is told once a working day how much waits.",
        "retention": "For how long what is kept.",
        "offices": "Other offices that staff may name to a family; nothing is sent to them.",
        "protocol": "Which mail must be entered in the agency's register of documents.",
    },
    "ServiceSection": {
        "name": "The agency's name, as families read it.",
        "address": "The general address; everything is sent from it.",
        "own_addresses": "All other addresses that lead to the same people, or a domain as '@example.org'. The service "
        "never writes to them and never treats their mail as a family's.",
        "sender_name": "The name beside the address in what leaves.",
        "mode": "What may be done without a person, for projects that do not say otherwise.",
        "timezone": "The zone of all hours in this file, as 'Europe/Rome'.",
        "phone": "How families reach a person; needed before acknowledgements are enabled.",
        "accessibility_contact": "Whom staff write to when they cannot use a page.",
        "pec": "The account that sends is a PEC account: it can write as 'address' only.",
        "authserv_id": "The name by which your own mail server signs Authentication-Results (RFC 8601).",
        "authserv_position": "Where that field stands: above the topmost Received field, or directly below it.",
        "canary_minutes": "How often each mailbox is sent a test message, which is missed when it does not arrive.",
        "closed_days": "Days without anybody, beside Sundays and Italy's holidays: '2026-12-24'; '11-13' every year.",
        "opening_hours": "When somebody reads.",
        "folders": "Names of the folders into which dealt-with mail is moved.",
    },
    "FoldersSection": {
        "root": "The folder that holds all others.",
        "forwarded": "For what was forwarded and whose project has no folder of its own any more.",
        "automatic": "For what a header field proves to be a machine's.",
        "not_for_us": "For what a person called not for us.",
        "settled": "For what a person dealt with.",
    },
    "OpeningHoursSection": dict.fromkeys(_DAYS, "Spans as '09:00-12:30'; several as a list; left out: closed."),
    "MailboxSection": {
        "folder": "The folder that is read, as the server calls it.",
        "role": "'inbox', or 'junk': what is not proven machine mail waits for a person there.",
        "address": "The mailbox's own address.",
        "old_mail_days": "Mail older than so many days is never acknowledged.",
        "max_message_mb": "Larger messages are held and left in the mailbox.",
        "hold_if_moved": "A message that a colleague has moved out of the inbox waits for a person.",
        "pec": "A PEC mailbox: its envelopes and receipts are believed.",
        "poll_seconds": "How often the mailbox is looked at where the server does not call.",
        "envelope": "As under acknowledgements, for this mailbox only.",
    },
    "AddressSection": {
        "to": "The address.",
        "confirmed": "Somebody there has said that it is right; in 'automatico' nothing goes to any other.",
    },
    "AreaSection": {
        "ambiti": "Whole ambiti, by their official names.",
        "comuni": "Single comuni, by their official names.",
        "except_comuni": "Comuni of these ambiti that do not belong.",
        "confirmed": "ATS has confirmed the area: all of it, or the comuni listed; unconfirmed ones refuse automatico.",
    },
    "ProjectSection": {
        "name": "Whose project it is.",
        "centre": "The centre's name, as families read it.",
        "contact": "How families reach the centre.",
        "mode": "What may be done without a person for this project; left out: the service's mode.",
        "addresses": "'default' gets the families' mail; others are for rules, as 'oglio_po.piano'.",
        "domains": "Whoever writes from here writes for the project. Leave out a domain that others share.",
        "area": "Whose families it answers. No comune may belong to two projects.",
        "urgent_forward_now": "Urgent mail waits for a person as always, and is also forwarded at once.",
        "forward_as": "'message': a new message with the original attached; 'redirect': the family's own, unchanged.",
        "takes_charge": "Each forward carries a link 'Preso in carico'.",
        "remind_after_days": "Working days of silence after which the project is reminded of a case, once.",
        "weekly_digest": "On the week's first working day, the codes of cases that it has not taken in charge.",
    },
    "WhenSection": {
        "territorio": "A project's code, or scoperto, fuori_ats, multiplo, non_indicato.",
        "argomento": "The topic.",
        "lingua": "The language, by its two letters.",
        "urgente": "Whether there may be danger.",
        "automatico": "Whether a machine wrote it.",
        "mittente": "An address, or '@example.org' for everybody there.",
        "oggetto_contiene": "Words of the subject; capitals do not matter.",
        "casella": "The name of a mailbox of this file.",
    },
    "StepSection": {
        "forward": "To a project ('crema'), its other address ('oglio_po.piano'), or that of the 'territorio'.",
        "hold": "For a person, with this reason.",
        "file": "To this folder: unseen only if a header field proves a machine.",
    },
    "GivenSection": {
        "territorio": "Where the imagined message is from: this, or a comune.",
        "comune": "The comune that the imagined message names.",
        "argomento": "Its topic.",
        "lingua": "Its language.",
        "urgente": "Whether there may be danger in it.",
        "automatico": "Whether a machine wrote it.",
        "mittente": "Who wrote it.",
        "oggetto": "Its subject.",
        "casella": "The mailbox in which it came.",
    },
    "ExampleSection": {
        "given": "The message that the example imagines.",
        "expect": "What must happen to it.",
    },
    "RuleSection": {
        "name": "What staff and 'triage explain' call the rule.",
        "when": "Every key given must hold; of a list, one value is enough.",
        "then": "What happens: exactly one of forward, hold, file.",
        "acknowledgement": "A text of its own for what the rule forwards, by its name in it.yaml; 'none': none.",
        "examples": "Run by 'triage check': keep one or two with every rule.",
    },
    "ThresholdsSection": {
        "min_confidence": "A forward that is less sure than this waits for a person.",
        "max_wrong": "Share of wrong forwards that must be proved; the model brings the probability that it takes.",
        "languages": "Mail in any other language waits for a person, with a proposal.",
    },
    "ForwardsSection": {
        "attachments_mb": "At most so much in all; 0 repeats none.",
        "attachments_most": "At most so many files.",
    },
    "WebFormSection": {
        "from": "The address from which the form's mail comes.",
        "requires": "What your own server must have found of it: a pass of dkim, or of dmarc.",
    },
    "AcknowledgementsSection": {
        "enabled": "Whether families get one.",
        "pec": "Also to PEC senders, and from a PEC account: each brings two receipts back.",
        "envelope": "Whom a failure is told to: 'none' nobody, 'dedicated' an address of yours, 'plus' a tag of ours.",
        "dedicated_address": "An address of yours that never answers, for 'envelope: dedicated'.",
        "reverse_path": "The old form of the same.",
        "return_path": "Without a Return-Path: 'none' answers nobody, 'from_if_dmarc_pass' the author.",
        "web_forms": "Forms on a site, answered at their Reply-To.",
        "ask_comune": "Where only the place is missing, it asks for the comune, at once.",
        "undo_minutes": "It waits so long after the forward, so that the destination can still be changed.",
        "neutral_after_hours": "If nothing was forwarded by then, a text that names no centre.",
        "per_address_per_day": "At most so many to one address in 24 hours.",
        "per_domain_per_hour": "At most so many to one domain in an hour.",
        "per_hour_total": "At most so many to everybody in an hour.",
        "per_mailbox_per_hour": "At most so many for one of our mailboxes in an hour.",
        "breaker_sent_per_hour": "So many in an hour stop all acknowledgements; left out: per_hour_total.",
        "breaker_returned_per_hour": "So many that came back in an hour stop them, too.",
    },
    "UrgentSection": {
        "on_call": "Told, without content, in this order, until somebody has the message in hand.",
        "repeat_minutes": "Pauses after which the same contact is told again; with the last, the next one as well.",
    },
    "OfficeSection": {
        "name": "The office's name, as the family shall read it.",
        "for": "For whom and for what, in a few words, for staff.",
        "ambiti": "Whose families it serves, by ambito; neither this nor comuni: everybody's.",
        "comuni": "Whose families it serves, by comune.",
        "phone": "Leave out a contact that you are not sure of.",
        "email": "The same.",
        "website": "The same.",
        "place": "The same.",
        "sensitive": "The office's name says what the message was about: staff are warned of it.",
    },
    "DailyDigestSection": {
        "to": "Whom it goes to: numbers and links only.",
        "at": 'From this hour on, on working days; quoted: "08:00".',
    },
    "RetentionSection": {
        "forwarded": "Days for which octets and texts of what was forwarded are kept; 'keep' for ever.",
        "settled": "The same for what a person dealt with.",
        "not_for_us": "The same for what was not for us and for machines' mail.",
        "server_replies": "Days for which other servers' answers are kept.",
    },
    "ProtocolSection": {
        "pec": "Certified mail that is genuine is marked for the register.",
        "when": "And so is mail of which one of these holds; written like a rule's 'when'.",
    },
    "AlarmsSection": {"addresses": "Each is told of each trouble once, and once that it is over."},
}
"""By section and key."""


def with_meanings(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with a sentence on every key; raises ``KeyError`` for a key that has none."""
    sections = {"RulesFile": schema, **schema["$defs"]}
    for name, section in sections.items():
        for key, shape in section.get("properties", {}).items():
            shape["description"] = MEANINGS[name][key]
    return schema
