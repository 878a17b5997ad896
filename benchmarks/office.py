"""The office that learns: a champion that answers, a challenger that only watches, staff who settle.

Enters segments of the stream, leaves a line of figures each. Staff label what is held, and a blind
share of what was forwarded; nothing else is ever known to a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.stats import binom

from benchmarks.drift import AuditAlarm, NewWordsAlarm, UnknownWordsAlarm
from benchmarks.taught import Model, Piece, new_words, teach, unknown_words
from triage.learning.answers import Answer, answer
from triage.learning.figures import share
from triage.rules import Rules
from triage.vocabulary import Action

AUDITED = 0.05
"""Share of forwards that a person labels without seeing the proposal."""
WATCHED = 200
"""A challenger is judged when so many later messages have a label."""
CHANCE = 0.1
"""A challenger is promoted when chance alone would make it look so much better at most this often."""


@dataclass(frozen=True, slots=True)
class Line:
    """What happened in one segment. Only ``audited`` and ``audited_wrong`` are known in the office itself."""

    until: int
    messages: int
    shifted: bool
    forwarded: int
    wrong: int
    coverage: float
    held: int
    audited: int
    audited_wrong: int
    unknown: float
    new_words: int
    sums: tuple[float, float, float]
    """Of the alarms: unknown words, new words, audit."""
    proposing: bool
    model: int
    events: tuple[str, ...]


@dataclass(slots=True)
class Office:
    """The state between two segments; ``known`` are the messages that have a label."""

    champion: Model
    rules: Rules
    known: list[Piece]
    refit_every: int
    random: np.random.Generator
    challenger: Model | None = None
    pairs: list[tuple[bool, bool, bool]] = field(default_factory=list)
    """Of each later label: champion right, challenger right, audited forward."""
    watched_unknown: dict[str, list[float]] = field(default_factory=dict)
    proposing: bool = False
    """After an alarm nothing leaves without a person, until another model is promoted."""
    models: int = 1
    arrived: int = 0
    since_refit: int = 0
    audit_alarm: AuditAlarm = field(init=False)
    words_alarm: UnknownWordsAlarm = field(init=False)
    new_alarm: NewWordsAlarm = field(init=False)

    def __post_init__(self) -> None:
        self._trust(self.champion, self.champion.usual_unknown)

    def work(self, pieces: Sequence[Piece], *, shifted: bool) -> Line:
        """One segment: answer, settle, audit, judge the challenger, ring, refit."""
        answers = self._answers(self.champion, pieces)
        if self.proposing:
            answers = [replace(one, decision=replace(one.decision, action=Action.HOLD)) for one in answers]
        forwarded = [one.decision.action is Action.FORWARD for one in answers]
        audited = [sent and bool(self.random.random() < AUDITED) for sent in forwarded]
        labelled = [n for n, one in enumerate(answers) if one.decision.action is Action.HOLD or audited[n]]
        for number in labelled:
            if audited[number]:
                self.audit_alarm.look(not answers[number].right)
        new = len(new_words(self.champion, pieces))
        self.words_alarm.look(unknown_words(answers))
        self.new_alarm.look(new)
        line = self._line(answers, audited, new, shifted)
        events = [*self._watch(pieces, answers, audited, labelled), *self._ring()]
        self.known += [pieces[number] for number in labelled]
        self.since_refit += len(pieces)
        if self.challenger is None and (self.since_refit >= self.refit_every or "alarm" in " ".join(events)):
            self.models += 1
            self.challenger = teach(self.known, self.rules, self.models)
            self.since_refit, self.pairs, self.watched_unknown = 0, [], {}
            events.append(f"refit: model {self.models} on {len(self.known)} labels")
        return replace(line, events=tuple(events))

    def _answers(self, model: Model, pieces: Sequence[Piece]) -> list[Answer]:
        return answer(model.classifier, [one.example for one in pieces], [one.prepared for one in pieces], self.rules)

    def _line(self, answers: Sequence[Answer], audited: Sequence[bool], new: int, shifted: bool) -> Line:
        self.arrived += len(answers)
        wrong = share(answers, "forwarded_wrong")
        return Line(
            until=self.arrived,
            messages=len(answers),
            shifted=shifted,
            forwarded=wrong.n,
            wrong=wrong.right,
            coverage=share(answers, "coverage").share or 0.0,
            held=sum(one.decision.action is Action.HOLD for one in answers),
            audited=sum(audited),
            audited_wrong=sum(seen and not one.right for seen, one in zip(audited, answers, strict=True)),
            unknown=self.words_alarm.last,
            new_words=new,
            sums=(self.words_alarm.sum, self.new_alarm.sum, self.audit_alarm.sum),
            proposing=self.proposing,
            model=self.champion.number,
            events=(),
        )

    def _watch(
        self, pieces: Sequence[Piece], answers: Sequence[Answer], audited: Sequence[bool], labelled: Sequence[int]
    ) -> list[str]:
        """The challenger answers too, unseen; enough labels later it is promoted or dropped."""
        if self.challenger is None:
            return []
        others = self._answers(self.challenger, pieces)
        self.pairs += [(answers[number].right, others[number].right, audited[number]) for number in labelled]
        for writer, shares in unknown_words(others).items():
            self.watched_unknown.setdefault(writer, []).extend(shares)
        if len(self.pairs) < WATCHED:
            return []
        challenger, self.challenger = self.challenger, None
        verdict, told = judge(self.pairs, lenient=self.proposing)
        if not verdict:
            return [f"model {challenger.number} not promoted ({told})"]
        self.champion, self.proposing = challenger, False
        self._trust(challenger, [float(np.mean(shares)) for shares in self.watched_unknown.values()])
        return [f"model {challenger.number} promoted ({told})"]

    def _trust(self, model: Model, usual: Sequence[float]) -> None:
        self.audit_alarm = AuditAlarm(self.rules.thresholds.max_wrong)
        self.new_alarm = NewWordsAlarm()
        self.words_alarm = UnknownWordsAlarm(usual if len(usual) > 1 else model.usual_unknown)

    def _ring(self) -> list[str]:
        if self.proposing:
            return []
        rings = {
            "unknown words": self.words_alarm.rings,
            "new words": self.new_alarm.rings,
            "audit": self.audit_alarm.rings,
        }
        rung = [name for name, yes in rings.items() if yes]
        self.proposing = bool(rung)
        return [f"alarm: {name}" for name in rung]


def judge(pairs: Sequence[tuple[bool, bool, bool]], *, lenient: bool) -> tuple[bool, str]:
    """Whether a challenger is promoted, and the count: a sign test on the messages where one alone was right.

    Held mail is what the champion doubted, which flatters any challenger; so among the audited
    forwards, which are a fair sample, it must not be worse either. ``lenient``: the champion is out of
    service after an alarm, and whoever is not worse takes its place.
    """
    won = sum(other and not own for own, other, _ in pairs)
    lost = sum(own and not other for own, other, _ in pairs)
    audit_won = sum(other and not own for own, other, audited in pairs if audited)
    audit_lost = sum(own and not other for own, other, audited in pairs if audited)
    by_chance = float(binom.sf(won - 1, won + lost, 0.5)) if won + lost else 1.0
    better = won >= lost if lenient else by_chance <= CHANCE
    return better and audit_lost <= audit_won, f"{won} better, {lost} worse, p {by_chance:.2f}"
