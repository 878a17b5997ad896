"""What all sections of routing_rules.yaml are, and the two smallest of them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from triage.rules import values


class Section(BaseModel):
    """A mapping of the file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FoldersSection(Section):
    """Folder names in the shared mailbox, below ``root``."""

    root: values.Text = "Smistati"
    forwarded: values.Text = "Inoltrati"
    automatic: values.Text = "Automatici"
    not_for_us: values.Text = "Non per noi"
    settled: values.Text = "Gestiti dal personale"


class OpeningHoursSection(Section):
    """When somebody reads, local time; a day that is left out is closed."""

    monday: values.Spans | None = None
    tuesday: values.Spans | None = None
    wednesday: values.Spans | None = None
    thursday: values.Spans | None = None
    friday: values.Spans | None = None
    saturday: values.Spans | None = None
    sunday: values.Spans | None = None
