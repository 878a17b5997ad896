"""Families of metrics and their text (Prometheus text exposition format 0.0.4).

Own code for forty lines: the client library keeps a registry for the whole process, and ours belong to one service.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: name, kind (``gauge``, ``counter``, ``histogram``), what it means, and its samples.

    A sample is what is added to the name (histograms), labels and a value.
    """

    name: str
    kind: str
    meaning: str
    samples: tuple[tuple[str, Labels, float], ...]


def gauge(name: str, meaning: str, samples: Iterable[tuple[Labels, float]]) -> Family:
    """A value that goes up and down."""
    return Family(name, "gauge", meaning, tuple(("", labels, value) for labels, value in samples))


def written(families: Iterable[Family]) -> str:
    """The text that Prometheus reads."""
    return "".join(f"{line}\n" for family in families for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.meaning}"
    yield f"# TYPE {family.name} {family.kind}"
    for suffix, labels, value in family.samples:
        inner = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        yield f"{family.name}{suffix}{{{inner}}} {value:.10g}" if inner else f"{family.name}{suffix} {value:.10g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
