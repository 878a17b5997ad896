"""Routing rules in Italian, as staff read them: conditions, what follows, what is wrong with a rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from triage.explaining import language_names, uncapitalised, word_hold
from triage.review.words import project_name, territory_name, topic_name
from triage.rules.conflicts import Fault, Finding, Why
from triage.rules.reach import Kind
from triage.rules.types import ANY_PROJECT, DEFAULT_ADDRESS, Condition, File, Forward, Given, Hold, Rules, Step
from triage.vocabulary import Mode

MODES: Mapping[Mode, tuple[str, str]] = {
    Mode.SHADOW: ("Ombra", "non parte niente: si vede soltanto che cosa partirebbe"),
    Mode.PROPOSAL: ("Proposta", "ogni messaggio aspetta una persona, con una proposta"),
    Mode.AUTOMATIC: ("Automatico", "quello che è abbastanza sicuro parte da solo"),
}


def language_name(code: str) -> str:
    """A language in Italian; its code where we have no name for it."""
    return language_names().get(code, code)


def one_of(values: Iterable[str]) -> str:
    """``a``, ``a o b``, ``a, b o c``."""
    items = list(values)
    return " o ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def condition_phrases(when: Condition, rules: Rules) -> tuple[str, ...]:
    """What a rule asks for, a phrase for each condition; nothing where it takes every message."""
    found = []
    if when.territories is not None:
        found.append(f"la zona è {one_of(_in_order(when.territories, rules))}")
    if when.topics is not None:
        found.append(f"l'argomento è {one_of(f'«{topic_name(topic)}»' for topic in sorted(when.topics))}")
    if when.languages is not None:
        found.append(f"è scritto in {one_of(language_name(code) for code in sorted(when.languages))}")
    if when.urgent is not None:
        found.append("può esserci un pericolo" if when.urgent else "non sembra esserci un pericolo")
    if when.automatic is not None:
        found.append("lo ha spedito un programma" if when.automatic else "lo ha scritto una persona")
    if when.authors is not None:
        found.append(f"scrive {one_of(_sender(pattern) for pattern in when.authors)}")
    if when.subject_contains is not None:
        found.append(f"l'oggetto contiene {one_of(f'«{words}»' for words in when.subject_contains)}")
    if when.mailboxes is not None:
        found.append(f"è arrivato nella casella {one_of(sorted(when.mailboxes))}")
    return tuple(found)


def step_phrase(step: Step, rules: Rules) -> str:
    """What a rule does."""
    match step:
        case Hold(code):
            return f"aspetta una persona. Motivo: {uncapitalised(word_hold(code))}"
        case File(folder):
            names = rules.service.folders
            name = names.not_for_us if folder == "not_for_us" else names.automatic
            return (
                f"va nella cartella «{names.root}/{name}» senza che nessuno lo legga, ma solo se è dimostrato che è "
                "automatico; altrimenti aspetta una persona tra i «forse non per noi»"
            )
        case Forward(project, key):
            if project == ANY_PROJECT:
                return "va al centro della sua zona"
            to = rules.projects[project].addresses[key].to
            return f"va al centro «{project_name(rules, project)}»" + (
                "" if key == DEFAULT_ADDRESS else f", all'indirizzo {to}"
            )


def short_step(step: Step, rules: Rules) -> str:
    """The same in a few words, for examples."""
    match step:
        case Hold(code):
            return f"aspetta una persona ({uncapitalised(word_hold(code))})"
        case File():
            return "va in una cartella, se è dimostrato che è automatico"
        case Forward():
            return step_phrase(step, rules)


def example_phrase(given: Given, rules: Rules) -> str:
    """The message that an example imagines."""
    place = f"da {given.comune}" if given.comune else f"zona «{territory_name(rules, given.territory)}»"
    parts = [place, f"«{topic_name(given.topic)}»"]
    if given.language != "it":
        parts.append(f"in {language_name(given.language)}")
    if given.urgent:
        parts.append("con un possibile pericolo")
    if given.automatic:
        parts.append("spedito da un programma")
    if given.author and given.author != "famiglia@example.org":
        parts.append(f"scrive {given.author}")
    if given.subject:
        parts.append(f"oggetto «{given.subject}»")
    return ", ".join(parts)


def kind_phrase(kind: Kind, rules: Rules) -> str:
    """A message that shows something, such as two rules at odds."""
    parts = [f"zona «{territory_name(rules, kind.territory)}»", f"argomento «{topic_name(kind.topic)}»"]
    if kind.language:
        parts.append(f"in {language_name(kind.language)}")
    if kind.urgent:
        parts.append("con un possibile pericolo")
    if kind.automatic:
        parts.append("spedito da un programma")
    if kind.author:
        parts.append(f"scrive {_sender(kind.author)}")
    if kind.subject:
        parts.append(f"oggetto «{kind.subject}»")
    return ", ".join(parts)


def finding_phrases(finding: Finding, rules: Rules) -> tuple[str, str]:
    """What is wrong with a rule, and what to do about it."""
    names = " e ".join(f"«{other.name}» (riga {other.line})" for other in finding.others)
    match finding.fault:
        case Fault.IMPOSSIBLE:
            return "Questa regola non vale mai: nessun messaggio è come chiede.", "Correggila o cancellala."
        case Fault.SHADOWED:
            what = "fa la stessa cosa" if finding.repeats else "fa un'altra cosa"
            return (
                f"Questa regola non viene mai usata: prima c'è {names}, che prende tutti i suoi messaggi e {what}.",
                "Spostala più in alto o cancellala.",
            )
        case Fault.UNREACHABLE:
            return (
                f"Questa regola non viene mai usata: prima ci sono {names}, che insieme prendono tutto.",
                "Spostala più in alto o cancellala.",
            )
        case Fault.CONFLICT:
            sample = f" Per esempio: {kind_phrase(finding.sample, rules)}." if finding.sample else ""
            return (
                f"Questa regola e {names} vogliono alcuni degli stessi messaggi e li mandano in posti diversi: vince "
                f"quella che viene prima.{sample}",
                "Aggiungi una condizione a una delle due, oppure metti prima la più precisa.",
            )
        case Fault.POWERLESS:
            what, remedy = _POWERLESS[finding.why or Why.URGENT]
            return f"Questa regola non ha effetto: {what}.", remedy


_POWERLESS = {
    Why.URGENT: (
        "dove può esserci un pericolo, il messaggio aspetta sempre una persona",
        "Scrivi «hold: urgente», oppure «urgent_forward_now» per il centro.",
    ),
    Why.LANGUAGE: (
        "i messaggi in queste lingue aspettano sempre una persona",
        "Aggiungi le lingue in «thresholds.languages».",
    ),
    Why.AUTHOR: (
        "la posta nostra e dei centri aspetta sempre una persona",
        "Cancellala o indica altri mittenti.",
    ),
    Why.JUNK: (
        "la posta indesiderata aspetta sempre una persona",
        "Cancellala o indica un'altra casella.",
    ),
    Why.TERRITORY: (
        "nessuna di queste zone ha un centro, quindi il messaggio aspetta sempre una persona",
        "Scrivi al suo posto «hold» con il motivo.",
    ),
}


def _in_order(territories: frozenset[str], rules: Rules) -> list[str]:
    """Names of territories: projects as the file has them, then the others."""
    order = [code for code in rules.projects if code in territories]
    return [f"«{territory_name(rules, code)}»" for code in (*order, *sorted(territories - set(order)))]


def _sender(pattern: str) -> str:
    return f"qualcuno di {pattern[1:]}" if pattern.startswith("@") else pattern
