# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs are proved once, forgotten, and one bad graph harms nothing else."""

from __future__ import annotations

import pathlib
import threading
import time
from typing import Any

import pytest

from tb_regloss.backend import judging, kept_reports, reader
from tb_regloss.backend.cache import SingleFlight
from tb_regloss.backend.logdir import RunFiles
from tests.event_logs import EventLog, a_graph


class Seen:
    """What the analysis was given; the real analysis runs behind it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.proved: list[str] = []
        self.judged: list[list[str]] = []
        prove, judge = judging.proof.prove, judging.verdicts.judge

        def proving(logged: Any, declaration: Any = None) -> Any:
            self.proved.append(logged.source)
            return prove(logged, declaration)

        def judging_(facts: Any, proofs: Any) -> Any:
            self.judged.append([proof.source for proof in proofs])
            return judge(facts, proofs)

        monkeypatch.setattr(judging.proof, "prove", proving)
        monkeypatch.setattr(judging.verdicts, "judge", judging_)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    return Seen(monkeypatch)


def source(folder: pathlib.Path) -> reader.RunSource:
    return reader.RunSource(folder.name, str(folder), RunFiles(str(folder)), None, folder.name)


def test_an_equal_graph_in_another_run_is_not_proved_again(
    tmp_path: pathlib.Path, seen: Seen
) -> None:
    judge = judging.Judge()
    for name in ("one", "two"):
        with EventLog(tmp_path / name, f"events.out.tfevents.{name}") as log:
            log.graph()
        judge.report(source(tmp_path / name), "logs")
    assert seen.proved == ["graph, graph event 1 of events.out.tfevents.one"]
    assert seen.judged == [
        ["graph, graph event 1 of events.out.tfevents.one"],
        ["graph, graph event 1 of events.out.tfevents.two"],
    ]


def test_graphs_come_oldest_first_and_equal_ones_once_at_their_newest(
    tmp_path: pathlib.Path, seen: Seen
) -> None:
    with EventLog(tmp_path, "events.out.tfevents.2") as log:
        log._time += 1000
        log.graph(a_graph("c"))
        log.graph(a_graph("a"))
    with EventLog(tmp_path, "events.out.tfevents.1") as log:
        log.graph(a_graph("a"))
        log.graph(a_graph("b"))
    judging.Judge().report(source(tmp_path), "logs")
    assert seen.judged == [
        [
            "graph, graph event 2 of events.out.tfevents.1",
            "graph, graph event 1 of events.out.tfevents.2",
            "graph, graph event 2 of events.out.tfevents.2",
        ]
    ]


def test_of_very_many_graphs_the_newest_are_looked_at(tmp_path: pathlib.Path, seen: Seen) -> None:
    with EventLog(tmp_path) as log:
        for number in range(70):
            log.graph(a_graph(f"n{number}"))
    found = judging.Judge().report(source(tmp_path), "logs")
    assert len(seen.judged[0]) == 64
    assert seen.judged[0][-1].startswith("graph, graph event 70 of")
    assert found["notes"] == ["70 different graphs were logged; the newest 64 were looked at."]


def test_a_graph_that_does_not_parse_is_told_and_the_others_count(
    tmp_path: pathlib.Path, seen: Seen
) -> None:
    from tensorboard.compat.proto import event_pb2

    with EventLog(tmp_path) as log:
        log.add(event_pb2.Event(graph_def=b"\xff\xff\xff"))
        log.graph()
    found = judging.Judge().report(source(tmp_path), "logs")
    assert seen.judged == [["graph, graph event 2 of events.out.tfevents.1"]]
    (problem,) = found["problems"]
    assert problem["path"] == str(log.path)
    assert "graph event 1 of events.out.tfevents.1" in problem["message"]


def test_many_who_ask_at_once_cost_one_analysis(tmp_path: pathlib.Path, seen: Seen) -> None:
    with EventLog(tmp_path) as log:
        log.graph()
    reports = kept_reports.KeptReports(judging.Judge(), "logs")
    run, found = source(tmp_path), []
    threads = [
        threading.Thread(target=lambda: found.append(reports.current("key", run))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(one == found[0] for one in found)
    assert (len(seen.proved), len(seen.judged)) == (1, 1)


def test_a_provider_that_fails_makes_the_run_unknown_and_is_asked_again(
    tmp_path: pathlib.Path,
) -> None:
    class Failing:
        def listings(self, runs: Any) -> Any:
            raise ConnectionError("the data server is gone")

    reports = kept_reports.KeptReports(judging.Judge(), "logs")
    run = reader.RunSource("a", "a", None, Failing(), "a")
    found = reports.current("key", run)
    assert found["status"] == "unknown"
    assert "ConnectionError: the data server is gone" in found["evidence"][0]["text"]
    assert reports.last("key") == found
    assert reports.fingerprint("key") is None


def test_who_comes_late_does_not_overwrite_what_is_newer(
    tmp_path: pathlib.Path, seen: Seen
) -> None:
    with EventLog(tmp_path) as log:
        log.graph()
    reports = kept_reports.KeptReports(judging.Judge(), "logs")
    run = source(tmp_path)
    before, old = reports.fingerprint("key"), run.fingerprint()
    with EventLog(tmp_path) as log:
        log.meta_graph()
    newer = reports.current("key", run)
    reports.refresh("key", run, old, None, before)
    assert reports.last("key") is newer
    assert reports.current("key", run) is newer
    assert len(seen.judged) == 1
    reports.refresh("key", run, run.fingerprint(), None, reports.fingerprint("key"))
    assert len(seen.judged) == 2


def test_single_flight_computes_once_and_forgets_failures() -> None:
    cache: SingleFlight[int] = SingleFlight(2)
    calls = []

    def compute() -> int:
        calls.append(1)
        time.sleep(0.05)
        return len(calls)

    results: list[int] = []
    threads = [
        threading.Thread(target=lambda: results.append(cache.get("a", compute))) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [1] * 5
    with pytest.raises(ZeroDivisionError):
        cache.get("b", lambda: 1 // 0)
    assert cache.get("b", lambda: 7) == 7


def test_single_flight_keeps_what_was_used_last() -> None:
    cache: SingleFlight[int] = SingleFlight(2)
    for key in ("a", "b", "a", "c"):
        cache.get(key, lambda: 0)
    made = []
    for key in ("a", "c", "b"):
        cache.get(key, lambda key=key: made.append(key) or 0)
    assert made == ["b"]
