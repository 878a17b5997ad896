"""The demo's invented inbox: well formed where it means to be, invented throughout, labelled by the guide."""

from __future__ import annotations

import csv
import email
import email.policy
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import yaml

from triage.rules.load import load_rules
from triage.vocabulary import PROJECT_TOPICS, SPECIAL_TERRITORIES, TOPICS

ROOT = Path(__file__).resolve().parents[2]
INBOX = ROOT / "triage" / "demo" / "inbox"
FILES = sorted(INBOX.glob("*.eml"))
PROJECTS = frozenset({"crema", "mantova", "ostiglia", "oglio_po", "alto_mantovano"})
KEYS = {
    "territorio",
    "argomento",
    "urgente",
    "lingua",
    "automatico",
    "destinazione",
    "ricevuta",
    "esito",
    "perche",
}
OUR_ADDRESS = "pijss.retifamiglia@ats-valpadana.it"
PROJECT_ADDRESSES = frozenset(
    {
        "orientagiovani@comune.crema.cr.it",
        "info@centrofamiglieinsieme.it",
        "centrofamiglie@aspdestrasecchia.it",
        "info@consociale.it",
        "ufficiodipiano@concast.it",
        "centrofamigliealtomantovano@csa-coop.it",
    }
)
RESERVED = re.compile(r"(?:^|\.)(?:example\.(?:org|com|net)|test|invalid)$")
ADDRESS = re.compile(r"[\w.+$%=&'-]+@([\w-]+(?:\.[\w-]+)+)")
LINK = re.compile(r"(?:https?://|www\.)([\w.-]+)")
HOST = re.compile(r"(?<![\w@.-])((?:[a-z0-9-]+\.)+[a-z]{2,})(?![\w@-])", re.IGNORECASE)
IPV4 = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?![\d.])")
INVENTED_NETWORKS = ("192.0.2.", "198.51.100.", "203.0.113.", "10.")


def expected() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = yaml.safe_load((INBOX / "expected.yaml").read_text(encoding="utf-8"))
    return loaded


EXPECTED = expected()


def parsed(path: Path) -> EmailMessage:
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def header_section(octets: bytes) -> str:
    return octets.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")


def texts(path: Path) -> Iterator[str]:
    """Every text that the message carries, decoded, whatever it claims of its charset."""
    for part in parsed(path).walk():
        if part.get_content_maintype() in ("text", "application"):
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                try:
                    yield payload.decode("utf-8")
                except UnicodeDecodeError:
                    yield payload.decode("latin-1")
        elif part.get_content_type() == "message/delivery-status":
            yield str(part)


def names(**wanted: object) -> list[str]:
    return [name for name, labels in EXPECTED.items() if all(labels[key] == value for key, value in wanted.items())]


# --------------------------------------------------------------------------- the octets


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_line_ends_with_crlf_and_is_short_enough_for_smtp(path: Path) -> None:
    octets = path.read_bytes()
    assert octets.count(b"\n") == octets.count(b"\r") == octets.count(b"\r\n")
    assert max(len(line) for line in octets.split(b"\r\n")) <= 998
    assert b"\0" not in octets


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_message_parses_and_was_delivered_by_the_agencys_server(path: Path) -> None:
    message = parsed(path)
    fields = header_section(path.read_bytes()).split("\r\n")
    assert fields[0].startswith("Return-Path: <")
    assert fields[1] == f"Delivered-To: {OUR_ADDRESS}"
    assert "by posta.ats.test (Postfix)" in " ".join(message.get_all("Received", [])[0].split())
    assert message["From"]
    assert message["Message-ID"]
    assert message["MIME-Version"]


def test_only_the_deliberately_broken_message_has_defects() -> None:
    broken = [path.name for path in FILES if any(part.defects for part in parsed(path).walk())]
    assert broken == ["56-oglio_po-mime-rotto.eml"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nobody_and_no_host_is_real(path: Path) -> None:
    allowed = {OUR_ADDRESS, *PROJECT_ADDRESSES}
    whole = path.read_bytes().decode("latin-1").replace("=\r\n", "")
    for text in (whole, *texts(path)):
        found = [match[1] for match in ADDRESS.finditer(text) if match[0].lower() not in allowed]
        assert [domain for domain in found if not RESERVED.search(domain.lower())] == []
        assert [match[1] for match in LINK.finditer(text) if not RESERVED.search(match[1].rstrip("."))] == []
    for received in parsed(path).get_all("Received", []):
        bare = ADDRESS.sub("", str(received))
        assert [host for host in HOST.findall(bare) if not RESERVED.search(host.lower())] == []
        assert [ip for ip in IPV4.findall(bare) if not ip.startswith((*INVENTED_NETWORKS, "15.20."))] == []


def test_the_mime_forms_that_real_mail_has_are_all_there() -> None:
    types: Counter[str] = Counter()
    encodings: Counter[str] = Counter()
    charsets: Counter[str] = Counter()
    for path in FILES:
        for part in parsed(path).walk():
            types[part.get_content_type()] += 1
            encodings[str(part.get("Content-Transfer-Encoding", "")).lower()] += 1
            charsets[str(part.get_content_charset())] += 1
    assert {
        "text/plain",
        "text/html",
        "text/calendar",
        "multipart/alternative",
        "multipart/mixed",
        "multipart/signed",
        "multipart/report",
        "message/rfc822",
        "message/delivery-status",
        "message/disposition-notification",
        "application/pdf",
        "application/xml",
    } <= set(types)
    assert {"quoted-printable", "base64", "8bit", "7bit"} <= set(encodings)
    assert {"utf-8", "iso-8859-1", "windows-1252", "us-ascii"} <= set(charsets)
    assert [path.name for path in FILES if parsed(path).get_content_type() == "text/html"]
    assert [path.name for path in FILES if parsed(path).get_param("format") == "flowed"]


# --------------------------------------------------------------------------- the labels


def test_every_message_is_labelled_and_every_label_has_its_message() -> None:
    assert [path.name for path in FILES] == sorted(EXPECTED)
    assert len(FILES) >= 44


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_labels_are_complete_and_follow_from_each_other(name: str) -> None:
    """Sections 6 and 7 of the labelling guide."""
    labels = EXPECTED[name]
    assert set(labels) == KEYS
    assert labels["territorio"] in PROJECTS | set(SPECIAL_TERRITORIES)
    assert labels["argomento"] in TOPICS
    assert re.fullmatch(r"[a-z]{2}", labels["lingua"])
    assert {type(labels[key]) for key in ("urgente", "automatico", "ricevuta")} == {bool}
    assert labels["destinazione"] == destination(labels)
    assert labels["ricevuta"] is (not labels["automatico"] and labels["argomento"] != "non_pertinente")
    assert labels["perche"].strip()
    assert "\n" not in labels["perche"]


def destination(labels: dict[str, Any]) -> str:
    if labels["urgente"]:
        return "operatore"
    if labels["argomento"] == "non_pertinente":
        return "nessuna"
    if labels["argomento"] in PROJECT_TOPICS and labels["territorio"] in PROJECTS:
        return str(labels["territorio"])
    return "operatore"


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_happens_agrees_with_the_labels(name: str) -> None:
    """Forwarded is only what a project gets in Italian or English; filed unseen only what a machine sent."""
    labels = EXPECTED[name]
    goes_to_project = labels["destinazione"] in PROJECTS
    if labels["esito"] == "inoltra":
        assert goes_to_project
        assert labels["lingua"] in ("it", "en")
    elif labels["esito"] == "archivia":
        assert labels["destinazione"] == "nessuna"
        assert labels["automatico"]
    else:
        assert labels["esito"] == "trattieni"
        assert not goes_to_project or labels["lingua"] not in ("it", "en")


@pytest.mark.parametrize("name", names(esito="archivia"))
def test_what_is_filed_unseen_is_proved_by_its_header(name: str) -> None:
    message = parsed(INBOX / name)
    proofs = [
        message.get("Auto-Submitted", "no").lower() != "no",
        bool(message["List-Id"]),
        bool(message["X-Ricevuta"]),
        message.get_content_type() == "multipart/report",
    ]
    assert any(proofs)


def test_every_project_gets_several_topics() -> None:
    for project in PROJECTS:
        forwarded = names(esito="inoltra", destinazione=project)
        assert len(forwarded) >= 5, project
        assert len({EXPECTED[name]["argomento"] for name in forwarded}) >= 4, project


def test_every_topic_territory_and_outcome_occurs() -> None:
    assert {labels["argomento"] for labels in EXPECTED.values()} == set(TOPICS)
    assert {labels["territorio"] for labels in EXPECTED.values()} == PROJECTS | set(SPECIAL_TERRITORIES)
    assert {labels["esito"] for labels in EXPECTED.values()} == {"inoltra", "trattieni", "archivia"}
    assert {labels["lingua"] for labels in EXPECTED.values()} >= {"it", "en", "ro", "ar", "pa", "fr"}


def test_at_least_three_are_urgent_and_one_only_sounds_so() -> None:
    assert len(names(urgente=True)) >= 3
    assert EXPECTED["06-crema-serata-violenza.eml"]["urgente"] is False


def test_the_machines_mail_is_there_in_each_form() -> None:
    fields = {path.name: {name.lower() for name in parsed(path)} for path in FILES}

    def has(name: str, field: str) -> bool:
        return field in fields[name]

    kinds = {
        "assenza": [n for n in fields if str(parsed(INBOX / n).get("Auto-Submitted", "")).startswith("auto-replied")],
        "notiziario": [n for n in fields if has(n, "list-unsubscribe") and has(n, "list-id")],
        "busta pec": [n for n in fields if has(n, "x-trasporto") and not has(n, "x-ricevuta")],
        "ricevuta pec": [n for n in fields if has(n, "x-ricevuta")],
        "dal nulla": [n for n in fields if (INBOX / n).read_bytes().startswith(b"Return-Path: <>\r\n")],
        "no-reply": [n for n in fields if re.match(r".*<no-?reply@", str(parsed(INBOX / n)["From"]))],
        "un progetto": [n for n in fields if any(a in str(parsed(INBOX / n)["From"]) for a in PROJECT_ADDRESSES)],
    }
    assert {kind: bool(found) for kind, found in kinds.items()} == dict.fromkeys(kinds, True)
    assert EXPECTED[kinds["busta pec"][0]]["automatico"] is False


def test_one_message_comes_twice_and_one_message_id_names_two() -> None:
    digests = Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in FILES)
    assert sorted(digests.values())[-2:] == [1, 2]
    by_id: dict[str, set[str]] = {}
    for path in FILES:
        by_id.setdefault(str(parsed(path)["Message-ID"]), set()).add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert sorted(len(bodies) for bodies in by_id.values())[-2:] == [1, 2]


# --------------------------------------------------------------------------- apart from the training data


def test_no_person_of_the_demo_shares_wording_with_the_training_data() -> None:
    """Eight words in a row, in what people wrote; machines say the same everywhere."""
    training: set[tuple[str, ...]] = set()
    for path in sorted((ROOT / "models" / "training").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            training |= runs(" \n ".join(str(record.get(key) or "") for key in ("subject", "text", "quoted")))
    people = names(automatico=False)
    shared = [name for name in people if runs(" \n ".join(written(INBOX / name))) & training]
    assert shared == []


def written(path: Path) -> Iterator[str]:
    """The texts of a message without the words of the PEC provider around it."""
    for text in texts(path):
        if not text.startswith(("Messaggio di posta certificata", "<", "%PDF", "PK")):
            yield text


def runs(text: str, length: int = 8) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


# --------------------------------------------------------------------------- the rules of the demo


def test_the_demos_rules_forward_by_themselves_to_every_project() -> None:
    rules = load_rules(INBOX.parent / "routing_rules.yaml", places())
    assert set(rules.projects) == PROJECTS
    text = (INBOX.parent / "routing_rules.yaml").read_text(encoding="utf-8")
    assert "confirmed: false" not in text
    assert set(re.findall(r"mode: (\w+)", text)) == {"automatico"}
    assert re.findall(r"on_call: \[(.+)\]", text) == ["reperibile@example.org"]


def test_the_demo_uses_the_same_rules_as_the_agencys_file() -> None:
    """A rule that changes in the one and not in the other would make the demo a lie."""
    ours, demo = (
        yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in (ROOT / "routing_rules.yaml", INBOX.parent / "routing_rules.yaml")
    )
    assert demo["rules"] == ours["rules"]
    # The demo's areas are confirmed, as they are where the service sends by itself.
    assert {code: {**project["area"], "confirmed": True} for code, project in ours["projects"].items()} == {
        code: project["area"] for code, project in demo["projects"].items()
    }


def places() -> dict[str, str]:
    with (ROOT / "triage" / "classify" / "territory" / "data" / "comuni.csv").open(
        encoding="utf-8", newline=""
    ) as rows:
        return {row["comune"]: row["ambito"] for row in csv.DictReader(rows)}
