"""Reading YAML: text stays text, and what could surprise is refused with its line."""

from __future__ import annotations

import pytest

from tests.rules.builders import problems_of
from triage.rules.problems import RulesError
from triage.rules.yaml_tree import line_at, plain, read_tree


@pytest.mark.parametrize(
    "written",
    [
        "NO",
        "no",
        "yes",
        "on",
        "00100",
        "015146",
        "098031",
        "12:30",
        "1.10",
        "0x1F",
        "1e3",
        "2026-11-25",
        "true",
        "1_000",
    ],
)
def test_a_scalar_stays_what_was_written(written: str) -> None:
    """F111: NO is Novara, 00100 a postal code, 12:30 a time."""
    assert plain(read_tree(f"key: {written}\nlist: [{written}]\n{written}: x\n", "f")) == {
        "key": written,
        "list": [written],
        written: "x",
    }


def test_lines_are_those_of_keys_and_items() -> None:
    tree = read_tree("a:\n  b:\n    - x\n    - y\nc: {d: e}\n", "f")
    assert [line_at(tree, *path) for path in (("a",), ("a", "b"), ("a", "b", 1), ("c", "d"), ("c", "zz"))] == [
        1,
        2,
        4,
        5,
        5,
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", 'f:3: "a" is here twice, first on line 1. Remedy: keep one of the two.'),
        ("a: &x 1\n", "f:1: anchors and aliases (& and *) are not allowed. Remedy: write the value out again."),
        ("a: !!python/name:os.system x\n", None),
        ("a: !!str x\n", "f:1: tags (!) are not allowed. Remedy: delete the tag, or put the value in quotes."),
        ("a: !x {b: c}\n", "f:1: tags (!) are not allowed. Remedy: delete the tag."),
        ("a: 1\nb: null\n", 'f:2: "null" is no value. Remedy: leave the key out, or put the word in quotes.'),
        ("a: 1\n---\nb: 2\n", 'f:2: a second document starts here. Remedy: delete the line "---".'),
        ("{[a, b]: c}\n", "f:1: a key must be plain text. Remedy: write the key as one word before the colon."),
        ("- a\n", None),
        ("", None),
        ("just words", None),
        ("a: [1, 2\nb: 3\n", None),
        ("a: b: c\n", None),
        ("a: \x07\n", "f:1: a character that YAML does not allow. Remedy: delete the invisible character."),
        ("a: " + "[" * 5000, None),
        ("a: " + "x" * 1_000_001, None),
        ("a: @example.org\n", None),
    ],
)
def test_what_could_surprise_is_refused_with_its_line(text: str, expected: str | None) -> None:
    with pytest.raises(RulesError) as caught:
        read_tree(text, "f")
    assert expected is None or str(caught.value) == expected
    assert all(problem.line >= 1 and problem.remedy for problem in caught.value.problems)


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    with pytest.raises(RulesError):
        read_tree(bomb, "f")


def test_a_quoted_null_is_a_word() -> None:
    assert plain(read_tree('a: "null"\n', "f")) == {"a": "null"}


def test_a_merge_key_is_an_unknown_key() -> None:
    assert problems_of("<<: {service: x}\n")[0].startswith('rules.yaml:1: unknown section "<<"')
