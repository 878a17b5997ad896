"""Each message of the corpus becomes exactly the ``InboundMessage`` written beside it."""

from pathlib import Path

import pytest

from triage.parse import parse
from triage.parse.wire import from_json, to_json

CORPUS = Path(__file__).parent.parent / "corpus" / "parse"
MESSAGES = sorted(CORPUS.glob("*.eml"))


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_message_is_read_as_expected(path: Path) -> None:
    assert parse(path.read_bytes()) == from_json(path.with_suffix(".json").read_text("utf-8"))


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_line_ends_of_the_network_change_nothing_but_sizes(path: Path) -> None:
    octets = path.read_bytes()
    if b"\r\n" not in octets and "8859" not in path.stem and "utf-16" not in path.stem:
        ours, theirs = parse(octets), parse(octets.replace(b"\n", b"\r\n"))
        assert (ours.new_text, ours.quoted_text, ours.signature) == (
            theirs.new_text,
            theirs.quoted_text,
            theirs.signature,
        )
        assert ours.header_fields == theirs.header_fields
        assert [file.file_name for file in ours.attachments] == [file.file_name for file in theirs.attachments]
        assert ours.defects == theirs.defects


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_wire_form_gives_the_same_message_back(path: Path) -> None:
    message = parse(path.read_bytes())
    assert from_json(to_json(message)) == message


def test_readme_says_why_each_message_exists() -> None:
    readme = (CORPUS / "README.md").read_text("utf-8")
    prefixes = [word.removesuffix("*") for word in readme.replace("`", " ").split() if word.endswith("-*")]
    unexplained = [
        path.stem for path in MESSAGES if f"`{path.stem}`" not in readme and not path.stem.startswith(tuple(prefixes))
    ]
    assert MESSAGES
    assert not unexplained


def test_every_expectation_has_its_message() -> None:
    assert {path.stem for path in CORPUS.glob("*.json")} == {path.stem for path in MESSAGES}


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"date": 1}', "[" * 100_000])
def test_wire_refuses_what_it_did_not_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(text)
