"""The shape of routing_rules.yaml, section by section, and the JSON Schema that editors use.

These models refuse unknown keys and convert nothing by themselves (see ``values``). They check one
item at a time; what depends on several items is checked in ``assemble``.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from triage.rules import values
from triage.rules.forwarding import ForwardAs
from triage.rules.meanings import with_meanings
from triage.rules.section import FoldersSection as FoldersSection
from triage.rules.section import OpeningHoursSection as OpeningHoursSection
from triage.rules.section import Section as Section
from triage.rules.types import FOLDER_KEYS, HOLD_CODES, Envelope, MailboxRole, WithoutReturnPath
from triage.rules.values import refusal
from triage.vocabulary import Mode


class ServiceSection(Section):
    """The agency's side."""

    name: values.Text
    address: values.SenderText
    own_addresses: values.Patterns | None = None
    sender_name: values.Text = "Reti Famiglia ATS"
    mode: Mode = Mode.SHADOW
    timezone: values.ZoneText = "Europe/Rome"
    phone: values.Text | None = None
    accessibility_contact: values.AddressText | None = None
    pec: values.Flag = False
    authserv_id: values.AuthservText | None = None
    authserv_position: Literal["above", "below"] = "above"
    canary_minutes: Annotated[values.Whole, Field(ge=15, le=1440)] | None = None
    closed_days: values.Days | None = None
    opening_hours: OpeningHoursSection = OpeningHoursSection()
    folders: FoldersSection = FoldersSection()


class MailboxSection(Section):
    """One watched mailbox."""

    folder: values.Text = "INBOX"
    role: MailboxRole = MailboxRole.INBOX
    address: values.AddressText
    old_mail_days: Annotated[values.Whole, Field(ge=1, le=365)] = 3
    max_message_mb: Annotated[values.Whole, Field(ge=1, le=200)] = 40
    hold_if_moved: values.Flag = True
    pec: values.Flag = False
    poll_seconds: Annotated[values.Whole, Field(ge=1, le=3600)] = 60
    envelope: Envelope | None = None


class AddressSection(Section):
    """One address of a project."""

    to: values.AddressText
    confirmed: values.Flag


class AreaSection(Section):
    """Whose families: whole ambiti and single comuni, less some comuni."""

    ambiti: values.Texts | None = None
    comuni: values.Texts | None = None
    except_comuni: values.Texts | None = None
    confirmed: values.Ticked = False


class ProjectSection(Section):
    """One project."""

    name: values.Text
    centre: values.Text
    contact: values.Text
    mode: Mode | None = None
    addresses: Annotated[dict[values.CodeText, AddressSection], Field(json_schema_extra={"required": ["default"]})]
    domains: Annotated[tuple[values.DomainText, ...], Field(json_schema_extra={"uniqueItems": True})] = ()
    area: AreaSection
    urgent_forward_now: values.Flag = False
    forward_as: ForwardAs = ForwardAs.MESSAGE
    takes_charge: values.Flag = False
    remind_after_days: Annotated[values.Whole, Field(ge=1, le=60)] | None = None
    weekly_digest: values.Flag = False

    @model_validator(mode="after")
    def _has_default(self) -> ProjectSection:
        if "default" not in self.addresses:
            raise refusal('the project has no address named "default"', "name the address for families default")
        return self


class WhenSection(Section):
    """What a rule asks for; every key given must hold, and one of a key's values."""

    territorio: values.Codes | None = None
    argomento: values.Topics | None = None
    lingua: values.Languages | None = None
    urgente: values.Flag | None = None
    automatico: values.Flag | None = None
    mittente: values.Patterns | None = None
    oggetto_contiene: values.Texts | None = None
    casella: values.Texts | None = None


class StepSection(Section):
    """What a rule does: exactly one key."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    forward: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")] | None = None
    hold: Literal[HOLD_CODES] | None = None  # type: ignore[valid-type]  # a tuple that is data
    file: Literal[FOLDER_KEYS] | None = None  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _exactly_one(self) -> StepSection:
        if len(self.model_fields_set) != 1:
            raise refusal("it must say exactly one thing", "write one of forward, hold, file")
        return self


class GivenSection(Section):
    """The message that an example imagines."""

    territorio: values.CodeText | None = None
    comune: values.Text | None = None
    argomento: values.TopicText
    lingua: values.LanguageText = "it"
    urgente: values.Flag = False
    automatico: values.Flag = False
    mittente: values.AddressText = "famiglia@example.org"
    oggetto: values.Text | None = None
    casella: values.Text | None = None

    @model_validator(mode="after")
    def _one_place(self) -> GivenSection:
        if (self.territorio is None) == (self.comune is None):
            raise refusal("the example needs one place", "write either comune or territorio")
        return self


class ExampleSection(Section):
    """A message and what must happen to it."""

    given: GivenSection
    expect: StepSection


class RuleSection(Section):
    """One routing rule."""

    name: values.Text
    when: WhenSection
    then: StepSection
    acknowledgement: values.CodeText | None = None
    examples: tuple[ExampleSection, ...] = ()


class ProtocolSection(Section):
    """Which mail must be entered in the agency's register of documents, wherever it goes."""

    pec: values.Flag = True
    when: tuple[WhenSection, ...] = ()


class ThresholdsSection(Section):
    """What must be reached before anything is forwarded without a person."""

    min_confidence: Annotated[values.Share, Field(ge=0.5)] = 0.90
    max_wrong: Annotated[values.Share, Field(gt=0.0, le=0.5)] = 0.01
    languages: values.Languages = ("it", "en")


class ForwardsSection(Section):
    """Which attachments a project gets as files of their own, beside the attached original."""

    attachments_mb: Annotated[values.Whole, Field(ge=0, le=50)] = 10
    attachments_most: Annotated[values.Whole, Field(ge=1, le=100)] = 20


class WebFormSection(Section):
    """A form on a site whose mail is answered at its Reply-To."""

    author: values.AddressText = Field(alias="from")
    requires: Literal["dkim", "dmarc"]


class AcknowledgementsSection(Section):
    """What families get by themselves. ``reverse_path`` is the old form of a dedicated address."""

    enabled: values.Flag = False
    pec: values.Flag = False
    envelope: Envelope | None = None
    dedicated_address: values.SenderText | None = None
    reverse_path: values.SenderText | None = None
    return_path: WithoutReturnPath = WithoutReturnPath.NONE
    web_forms: tuple[WebFormSection, ...] = ()
    ask_comune: values.Flag = False
    undo_minutes: Annotated[values.Whole, Field(ge=0, le=1440)] = 0
    neutral_after_hours: Annotated[values.Whole, Field(ge=1, le=72)] = 4
    per_address_per_day: Annotated[values.Whole, Field(ge=1, le=20)] = 3
    per_domain_per_hour: Annotated[values.Whole, Field(ge=1, le=100_000)] = 60
    per_hour_total: Annotated[values.Whole, Field(ge=1, le=100_000)] = 120
    per_mailbox_per_hour: Annotated[values.Whole, Field(ge=1, le=100_000)] = 120
    breaker_sent_per_hour: Annotated[values.Whole, Field(ge=1, le=100_000)] | None = None
    breaker_returned_per_hour: Annotated[values.Whole, Field(ge=1, le=100_000)] = 20


class UrgentSection(Section):
    """Whom urgent mail is announced to."""

    on_call: values.Addresses | None = None
    repeat_minutes: Annotated[tuple[Annotated[values.Whole, Field(ge=1, le=1440)], ...], Field(min_length=1)] = (15, 60)


class OfficeSection(Section):
    """Another office that staff may name to a family; a contact that nobody knows is left out."""

    name: values.Text
    what_for: values.Text = Field(alias="for")
    ambiti: values.Texts | None = None
    comuni: values.Texts | None = None
    phone: values.Text | None = None
    email: values.AddressText | None = None
    website: values.WebText | None = None
    place: values.Text | None = None
    sensitive: values.Flag = False


class DailyDigestSection(Section):
    """Who is told once a day what waits."""

    to: values.Addresses
    at: values.TimeText = "08:00"


class RetentionSection(Section):
    """How many days what is kept, from the last thing that happened in a case."""

    forwarded: values.Kept = 365
    settled: values.Kept = 365
    not_for_us: values.Kept = 90
    server_replies: Annotated[values.Whole, Field(ge=7, le=36_500)] = 21


class AlarmsSection(Section):
    """Whom the service's own troubles are reported to."""

    addresses: values.Addresses


class RulesFile(Section):
    """The whole file."""

    service: ServiceSection
    mailboxes: Annotated[dict[values.CodeText, MailboxSection], Field(min_length=1)]
    projects: Annotated[dict[values.CodeText, ProjectSection], Field(min_length=1)]
    rules: Annotated[tuple[RuleSection, ...], Field(min_length=1)]
    thresholds: ThresholdsSection = ThresholdsSection()
    forwards: ForwardsSection = ForwardsSection()
    acknowledgements: AcknowledgementsSection = AcknowledgementsSection()
    urgent: UrgentSection = UrgentSection()
    alarms: AlarmsSection | None = None
    daily_digest: DailyDigestSection | None = None
    retention: RetentionSection = RetentionSection()
    protocol: ProtocolSection = ProtocolSection()
    offices: dict[values.CodeText, OfficeSection] = Field(default={})


def published_schema() -> str:
    """The text of docs/routing_rules.schema.json."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **with_meanings(RulesFile.model_json_schema())}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
