"""What was read of a message of the corpus, held against what its case says."""

from __future__ import annotations

from tests.corpus.cases.making import Case
from tests.hostile.claims import ask_gate, decide_about, read
from triage.classify.automatic import judge_automatic


def differences(case: Case, octets: bytes | None = None) -> list[str]:
    """A line for each fact that is not so; empty when all are."""
    message = read(case.octets if octets is None else octets)
    machine = judge_automatic(message)
    verdict = ask_gate(message, decide_about(message))
    against = {reason.code for reason in verdict.reasons}
    pairs: list[tuple[str, object, object]] = [
        ("author", case.author, message.author.addr_spec),
        ("author's name", case.author_name, message.author.display_name),
        ("subject", case.subject, message.subject),
        ("attachments", case.attachments, tuple(item.file_name for item in message.attachments)),
        ("defects", case.defects, tuple(dict.fromkeys(defect.code for defect in message.defects))),
        ("automatic", case.automatic, machine.automatic),
        ("proved", case.proved, machine.proved),
        ("is a forward", case.is_forward, message.is_forward),
        ("may be acknowledged", not case.against, verdict.allowed),
        ("signs against", sorted(case.against), sorted(against & set(case.against) if against else ())),
    ]
    if case.passed_on:
        began = [one.addr_spec for one in message.forwarded_authors[-1:]]
        pairs.append(("passed on", [case.passed_on], began))
    found = [f"{what}: {wanted!r} expected, {is_!r} read" for what, wanted, is_ in pairs if wanted != is_]
    if verdict.allowed != (not case.against):
        found.append(f"all signs: {sorted(against)}")
    text = message.new_text
    found += [f"text: {fragment!r} is not in {text[:200]!r}" for fragment in case.text if fragment not in text]
    found += [f"text: {fragment!r} is in {text[:200]!r}" for fragment in case.without if fragment in text]
    if not case.text and text:
        found.append(f"text: none expected, {text[:200]!r} read")
    return found
