"""What monitors are told: numbers and codes, the same names in dashboard, alerts and code, and nothing of any mail."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest
import yaml

from tests.operate.records import make_busy
from tests.record.builders import CREMA, FAMILY, OGLIO_PO, MovedClock
from triage.metrics.families import Family, written
from triage.metrics.process import BUCKETS, Measures
from triage.metrics.serving import MetricsServer, metrics, serve_metrics
from triage.metrics.standing import standing
from triage.record import Store
from triage.record.state import Sick, state_of
from triage.signals import Heartbeats

DEPLOY = Path(__file__).parents[2] / "deploy"
NAME = re.compile(r"\btriage_[a-z_]+")
ALIVE = {"decide", "dispatch"}


@pytest.fixture
def measures() -> Measures:
    """Two stages that have worked."""
    made = Measures()
    made.round("decide", 0.2, 3)
    made.round("dispatch", 400.0, 1)
    made.round("dispatch", 0.001, 0)
    made.error("notices", "record")
    return made


def samples(text: str) -> dict[str, float]:
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if not line.startswith("#")
    }


# --------------------------------------------------------------------------- what is said


def test_a_process_tells_what_its_stages_did(measures: Measures) -> None:
    told = samples(written(measures.families()))
    assert told['triage_done_total{stage="decide"}'] == 3
    assert told['triage_errors_total{stage="notices",family="record"}'] == 1
    assert told['triage_errors_total{stage="decide",family="record"}'] == 0
    assert told['triage_round_seconds_bucket{stage="decide",le="0.1"}'] == 0
    assert told['triage_round_seconds_bucket{stage="decide",le="0.5"}'] == 1
    assert told[f'triage_round_seconds_bucket{{stage="dispatch",le="{BUCKETS[-1]:g}"}}'] == 0
    assert told['triage_round_seconds_bucket{stage="dispatch",le="+Inf"}'] == 1
    assert told['triage_round_seconds_count{stage="dispatch"}'] == 1
    assert told['triage_round_seconds_sum{stage="dispatch"}'] == 400.0


def test_labels_that_hold_quotes_and_lines_stay_one_sample() -> None:
    family = Family("triage_x", "gauge", "X.", (("", {"a": 'b"\\\n'}, 1.0),))
    assert written([family]).splitlines()[2] == r'triage_x{a="b\"\\\n"} 1'


def test_the_record_is_told_in_numbers(store: Store, measures: Measures) -> None:
    make_busy(store)
    told = samples(metrics(store, measures))
    assert told["triage_record_answers"] == 1
    assert told['triage_queue_messages{stage="decide"}'] == 1
    assert told['triage_queue_messages{stage="dispatch"}'] == 5
    assert told['triage_people_messages{group="decide"}'] == 1
    assert told['triage_people_messages{group="danger"}'] == 0
    assert told['triage_left_last_hour{kind="forward",project="oglio_po",outcome="accepted"}'] == 1
    assert told["triage_stopped"] == 0
    assert "triage_backup_age_seconds" not in told


def test_nothing_of_any_mail_is_told(store: Store, measures: Measures) -> None:
    make_busy(store)
    text = metrics(store, measures)
    assert not [word for word in (FAMILY, CREMA, OGLIO_PO, "@", "Oggetto") if word in text]


def test_a_record_that_does_not_answer_is_told_and_the_process_goes_on(
    bare_sqlite_url: str, measures: Measures
) -> None:
    store = Store(bare_sqlite_url, MovedClock())
    told = samples(metrics(store, measures))
    store.close()
    assert told["triage_record_answers"] == 0
    assert told['triage_done_total{stage="decide"}'] == 3


# --------------------------------------------------------------------------- who names what


@pytest.mark.parametrize("file", ["prometheus/alerts.yml", "grafana/triage.json"])
def test_every_metric_that_is_named_exists(store: Store, measures: Measures, file: str) -> None:
    made = set(re.findall(r"^# TYPE (\S+)", metrics(store, measures), re.MULTILINE))
    named = {name.removesuffix("_bucket") for expr in expressions(file) for name in NAME.findall(expr)}
    assert len(named) > 8
    assert named <= made


def expressions(file: str) -> list[str]:
    text = (DEPLOY / file).read_text(encoding="utf-8")
    if file.endswith(".json"):
        return [target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"]]
    return [rule["expr"] for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def test_every_metric_of_the_record_is_on_the_dashboard(store: Store) -> None:
    made = set(re.findall(r"^# TYPE (\S+)", metrics(store, Measures()), re.MULTILINE))
    shown = {name.removesuffix("_bucket") for expr in expressions("grafana/triage.json") for name in NAME.findall(expr)}
    assert made - shown == set()


def test_every_alert_says_what_it_means_and_what_to_do_first() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    names = [rule["alert"] for rule in rules]
    assert len(set(names)) == len(names) >= 10
    for rule in rules:
        assert re.fullmatch(r"Triage[A-Za-z]+", rule["alert"])
        assert set(rule["annotations"]) == {"meaning", "first_step"}
        assert rule["labels"]["severity"] in ("page", "ticket")


# --------------------------------------------------------------------------- the server


@pytest.fixture
def heartbeats() -> Heartbeats:
    made = Heartbeats()
    for loop in ALIVE:
        made.beat(loop)
    return made


@pytest.fixture
def server(sqlite_url: str, heartbeats: Heartbeats, measures: Measures) -> Iterator[MetricsServer]:
    store = Store(sqlite_url, MovedClock())
    made = MetricsServer(store, heartbeats, measures, 0)
    yield made
    made.close()
    store.close()


def asked(server: MetricsServer, path: str, method: str = "GET") -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def test_metrics_and_health_are_served_on_this_machine(server: MetricsServer) -> None:
    status, text = asked(server, "/metrics")
    assert status == 200
    assert "triage_record_answers 1" in text
    assert asked(server, "/salute/viva") == (200, "bene\n")
    assert asked(server, "/salute/pronta") == (200, "bene\n")
    assert asked(server, "/")[0] == 404
    assert asked(server, "/metrics", "POST")[0] == 501


def test_a_loop_that_hangs_is_not_alive(server: MetricsServer, heartbeats: Heartbeats) -> None:
    heartbeats._last["decide"] -= 1000
    assert asked(server, "/salute/viva") == (503, "no\n")
    assert asked(server, "/salute/pronta") == (503, "no\n")


def test_a_port_that_is_taken_keeps_no_mail_from_its_way(
    sqlite_url: str, heartbeats: Heartbeats, measures: Measures, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(sqlite_url, MovedClock())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert serve_metrics(store, heartbeats, measures, taken.getsockname()[1]) is None
    assert "TRIAGE_METRICS_PORT" in caplog.text
    assert serve_metrics(store, heartbeats, measures, 0) is None
    store.close()


def test_two_sick_addresses_of_a_project_are_one_sample(store: Store) -> None:
    with store.read("state") as tx:
        state = state_of(tx)
    sick = (Sick("crema", "full", state.at - timedelta(hours=1)), Sick("crema", "moved", state.at - timedelta(hours=3)))
    told = written(standing(replace(state, sick=sick)))
    assert [line for line in told.splitlines() if line.startswith("triage_destination_sick_seconds{")] == [
        'triage_destination_sick_seconds{project="crema"} 10800'
    ]
