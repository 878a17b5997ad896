"""The simulation of learning in ``benchmarks/``: its stream, its alarms, its promotions, and the whole in small."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks import curve
from benchmarks.curve import one_in
from benchmarks.drift import FALSE_ALARM_AUDITS, USUAL_NEW, WORSE, AuditAlarm, NewWordsAlarm, UnknownWordsAlarm
from benchmarks.learning import main
from benchmarks.office import judge
from benchmarks.stream import CAMPAIGN, RENAMED, draw, shift, touched
from benchmarks.taught import Model, make_ready, new_words
from tests.learning.builders import labelled_messages, write_lines
from triage.classify import Classifier
from triage.classify.acceptance import UNTAUGHT
from triage.classify.examples import Example, read_examples
from triage.classify.fitting import Labelled, fit
from triage.classify.territory import load_gazetteer

# --------------------------------------------------------------------------- the stream


@pytest.fixture
def read(tmp_path: Path) -> tuple[Example, ...]:
    return read_examples(write_lines(tmp_path, labelled_messages(30)))[0]


def test_no_writer_is_in_two_segments_nor_in_the_first_models_messages(read: tuple[Example, ...]) -> None:
    history, segments = draw(read, 120, None, 20, seed=1)
    met = [{one.writer for one in history}, *({one.writer for one in segment.examples} for segment in segments)]
    assert sum(len(writers) for writers in met) == len(set().union(*met))
    assert sum(len(segment.examples) for segment in segments) == 120
    assert len(history) == 120


def test_the_words_change_half_way_and_nowhere_else(read: tuple[Example, ...]) -> None:
    _, segments = draw(read, 160, 10, 16, seed=1)
    original = {one.identity: one for one in read}
    assert [segment.shifted for segment in segments] == [False] * 5 + [True] * 5
    for segment in segments:
        for one in segment.examples:
            assert one == (shift(original[one.identity]) if segment.shifted else original[one.identity])
    changed, of = touched(segments)
    assert of == 80
    assert 0 < changed < of


def test_the_same_seed_draws_the_same_stream(read: tuple[Example, ...]) -> None:
    assert draw(read, 100, None, 20, seed=4) == draw(read, 100, None, 20, seed=4)
    assert draw(read, 100, None, 20, seed=4) != draw(read, 100, None, 20, seed=5)


def test_a_word_is_replaced_once_and_keeps_its_capital(read: tuple[Example, ...]) -> None:
    """A new name that is also an old word of the table must not be replaced again."""
    message = shift(_saying(read[0], "Laboratorio e corso, la SERATA dei laboratoriali")).message
    assert message.new_text == "Percorso e gruppo, la Agorà dei laboratoriali"
    assert not {*CAMPAIGN.values(), *RENAMED.values()} & {*CAMPAIGN, *RENAMED}


def _saying(one: Example, text: str) -> Example:
    return replace(one, message=replace(one.message, new_text=text))


# --------------------------------------------------------------------------- the alarms


def audits_until_alarm(error: float, promised: float, seed: int, most: int) -> int:
    random = np.random.default_rng(seed)
    alarm = AuditAlarm(promised)
    for number in range(1, most + 1):
        alarm.look(bool(random.random() < error))
        if alarm.rings:
            return number
    return most


def test_the_audit_seldom_rings_while_the_promise_holds_and_soon_when_it_is_broken() -> None:
    kept = [audits_until_alarm(0.05, 0.05, seed, 2_000) for seed in range(60)]
    broken = [audits_until_alarm(WORSE * 0.05, 0.05, seed, 2_000) for seed in range(60)]
    assert float(np.mean(kept)) >= FALSE_ALARM_AUDITS
    assert float(np.mean(broken)) < 100


def test_right_forwards_never_ring_and_wrong_ones_always_do() -> None:
    alarm = AuditAlarm(0.01)
    for _ in range(10_000):
        alarm.look(False)
    assert alarm.sum == 0.0
    looks = 0
    while not alarm.rings:
        alarm.look(True)
        looks += 1
    assert looks == math.ceil(math.log(FALSE_ALARM_AUDITS) / math.log(WORSE))


def segments_until_alarm(mean: float, seed: int, most: int = 400) -> int:
    random = np.random.default_rng(seed)
    alarm = UnknownWordsAlarm([float(value) for value in random.normal(0.10, 0.04, 200)])
    for number in range(1, most + 1):
        alarm.look({f"w{n}": [float(random.normal(mean, 0.04))] * (1 + n) for n in range(10)})
        if alarm.rings:
            return number
    return most


def test_unknown_words_ring_within_a_few_segments_and_seldom_without_cause() -> None:
    assert float(np.mean([segments_until_alarm(0.10, seed) for seed in range(30)])) > 100
    assert float(np.mean([segments_until_alarm(0.13, seed) for seed in range(30)])) < 4


def test_new_words_ring_in_the_second_segment_of_a_campaign_and_hardly_ever_in_usual_mail() -> None:
    campaign = NewWordsAlarm()
    rung = []
    for _ in range(2):
        campaign.look(4)
        rung.append(campaign.rings)
    assert rung == [False, True]
    random = np.random.default_rng(2)
    usual, rings = NewWordsAlarm(), 0
    for count in random.poisson(USUAL_NEW, 20_000):
        usual.look(int(count))
        if usual.rings:
            usual, rings = NewWordsAlarm(), rings + 1
    assert 0 < rings <= 20


def test_only_what_three_writers_share_is_a_new_word(read: tuple[Example, ...]) -> None:
    texts = [Labelled(make_ready(one).prepared.topic_text, one.topic, False, False, one.writer, 0) for one in read]
    weights = fit(texts)
    classifier = Classifier(weights, load_gazetteer(), "m")
    model = Model(1, classifier, UNTAUGHT, (), frozenset(weights.fields["text"].terms))
    said = {
        "w00": "Buongiorno, vorrei iscrivere mia figlia alla agorà con lo zampirone",
        "w01": "Buongiorno, vorrei iscrivere mia figlia alla agorà con lo zampirone",
        "w02": "Buongiorno, vorrei iscrivere mia figlia alla agorà",
    }
    ready = [make_ready(_saying(one, said[one.writer])) for one in read if one.writer in said]
    assert "agor" in new_words(model, ready)
    assert "zampiron" not in new_words(model, ready)
    assert "figl" not in new_words(model, ready)
    assert new_words(model, [one for one in ready if one.example.writer != "w02"]) == frozenset()


def test_one_writer_of_many_messages_counts_once() -> None:
    few, many = (UnknownWordsAlarm([0.1, 0.2, 0.1, 0.2]) for _ in range(2))
    few.look({"odd": [0.9], "plain": [0.1]})
    many.look({"odd": [0.9] * 50, "plain": [0.1]})
    assert few.sum == many.sum > 0


def test_a_model_without_writers_to_compare_with_never_rings() -> None:
    alarm = UnknownWordsAlarm([])
    alarm.look({"w": [1.0]})
    assert not alarm.rings


# --------------------------------------------------------------------------- champion and challenger


def pairs(won: int, lost: int, *, audit_won: int = 0, audit_lost: int = 0) -> list[tuple[bool, bool, bool]]:
    return [
        *[(False, True, False)] * won,
        *[(True, False, False)] * lost,
        *[(False, True, True)] * audit_won,
        *[(True, False, True)] * audit_lost,
        *[(True, True, False)] * 50,
        *[(False, False, False)] * 50,
    ]


@pytest.mark.parametrize(
    ("given", "promoted", "promoted_after_alarm"),
    [
        (pairs(15, 3), True, True),
        (pairs(9, 7), False, True),
        (pairs(7, 9), False, False),
        (pairs(0, 0), False, True),
        (pairs(15, 3, audit_lost=1), False, False),
        (pairs(15, 3, audit_lost=1, audit_won=1), True, True),
    ],
)
def test_a_challenger_is_promoted_when_it_is_better_beyond_chance_and_no_worse_in_the_audit(
    given: list[tuple[bool, bool, bool]], promoted: bool, promoted_after_alarm: bool
) -> None:
    assert judge(given, lenient=False)[0] is promoted
    assert judge(given, lenient=True)[0] is promoted_after_alarm


# --------------------------------------------------------------------------- the whole


def test_a_small_simulation_runs_to_its_end_and_gives_the_same_table_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of the labels of one topic are wrong, so that there is doubt to learn from."""
    lines = labelled_messages(24)
    for number, line in enumerate(lines):
        if line["argomento"] == "eventi" and number % 3:
            line["destinazione"] = "operatore"
    examples = write_lines(tmp_path / "examples", lines)
    picture = tmp_path / "picture.svg"
    options = ["--messages", "96", "--segment", "24", "--refit", "48", "--max-wrong", "0.3", "--floor", "0.8"]
    options += ["--examples", str(examples), "--svg", str(picture)]
    found = main(options)
    told = capsys.readouterr().out
    assert sum(line.messages for line in found) == 96
    assert [line.shifted for line in found] == [False, False, True, True]
    assert sum(line.forwarded for line in found) > 8
    assert all(line.forwarded + line.held <= line.messages for line in found)
    assert any("refit: model 2" in event for line in found for event in line.events)
    assert len(re.findall(r"^ +\d+ +24 ", told, re.MULTILINE)) == 4
    assert f"Picture: {picture}" in told
    drawn = ElementTree.fromstring(picture.read_text(encoding="utf-8"))  # noqa: S314 - our own file
    assert drawn.tag.endswith("svg")
    assert main(options) == found
    assert capsys.readouterr().out == told


def test_a_stream_that_leaves_no_messages_to_begin_with_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = write_lines(tmp_path, labelled_messages(4))
    with pytest.raises(SystemExit) as refused:
        main(["--messages", "100", "--examples", str(examples)])
    assert refused.value.code == 2
    assert "leaves none for the first model" in capsys.readouterr().err


# --------------------------------------------------------------------------- the curve


def test_smaller_parts_lie_within_larger_ones_and_kin_stay_together(read: tuple[Example, ...]) -> None:
    pieces = [make_ready(one) for one in read]
    parts = [{one.example.identity for one in one_in(pieces, part)} for part in (1, 2, 4)]
    assert len(parts[0]) == len(read)
    assert parts[0] > parts[1] > parts[2] > set()
    writer_of = {one.identity: one.writer for one in read}
    for some in parts:
        assert not {writer_of[name] for name in some} & {writer_of[name] for name in parts[0] - some}


def test_the_curve_learns_nothing_from_what_it_asks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = labelled_messages(30)
    asked, rest = lines[: len(lines) // 4], lines[len(lines) // 4 :]
    for one in asked:
        one["batch"] = "held"
    write_lines(tmp_path, rest)
    (tmp_path / "natural_eu.jsonl").write_text("".join(json.dumps(one) + "\n" for one in asked), encoding="utf-8")
    found = curve.main(["--examples", str(tmp_path), "--parts", "2", "1"])
    assert found[1][0] == len(rest)
    assert found[0][0] < found[1][0]
    assert set(found[1][1]) == set(curve.FIGURES)
    assert f"Answered: {len(asked)} messages" in capsys.readouterr().out
