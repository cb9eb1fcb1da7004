# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The routes through TensorBoard's own application, with both of its readers."""

from __future__ import annotations

import csv
import io
import pathlib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tb_regloss.backend import plugin as plugin_module
from tests.event_logs import EventLog, declaration, instrumented
from tests.unit.backend.serving import Client, serving, strict_json

RUN_KEYS = {"run", "status", "severity", "headline", "coverage", "multiplier", "related_to"}
VERDICT_KEYS = {
    "version",
    "run",
    "path",
    "argument",
    "status",
    "severity",
    "headline",
    "coverage",
    "losses",
    "roles",
    "related_to",
    "regularization_losses",
    "findings",
    "evidence",
    "fix",
    "notes",
    "problems",
}
ODD_NAMES = ("<script>alert(1)</script>", "quo\"te's", "ünïcode/λ", "a b&c=d?e#f%25", "=1+1")


@pytest.fixture(scope="module", params=["python", "rust"])
def client(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Client]:
    logdir = tmp_path_factory.mktemp("logs")
    instrumented(logdir / "train")
    instrumented(logdir / "train" / "eval", steps=1, graph=False)
    instrumented(logdir / "two" / "deep", steps=3, graph=False)
    for name in ODD_NAMES:
        instrumented(logdir / name, steps=2)
    with EventLog(logdir / "nan") as log:
        log.ours(0, data_loss=float("nan"), regularization_sum=float("inf"))
        log.ours(1, data_loss=float("-inf"), regularization_sum=0.5, optimized_loss=0.0)
    with EventLog(logdir / "meta_only") as log:
        log.meta_graph()
    with serving(logdir, request.param) as served:
        yield served


def test_runs_answers_at_once_and_settles(client: Client) -> None:
    first = client.json("runs")
    settled = client.settled()
    assert settled["version"] == 1
    assert [run["run"] for run in settled["runs"]] == sorted(
        ["train", "train/eval", "two/deep", "nan", "meta_only", *ODD_NAMES]
    )
    for run in [*first["runs"], *settled["runs"]]:
        assert set(run) == RUN_KEYS
    related = {run["run"]: run["related_to"] for run in settled["runs"]}
    assert related.pop("train/eval") == "train"
    assert set(related.values()) == {None}
    assert settled["problems"] == []


def test_a_verdict_has_all_keys(client: Client) -> None:
    found = client.json("verdict", run="train")
    assert set(found) == VERDICT_KEYS
    assert (found["run"], found["version"]) == ("train", 1)
    assert found["path"].endswith("train")
    assert set(found["coverage"]) == {"included", "total", "unknown"}
    assert found["losses"] == {
        "data_loss": pytest.approx(0.2),
        "regularization_sum": 0.25,
        "total_loss": pytest.approx(0.45),
        "optimized_loss": 1.0,
        "step": 4,
    }


@pytest.mark.parametrize("run", ODD_NAMES)
def test_odd_names_come_back_as_they_are(client: Client, run: str) -> None:
    assert client.json("verdict", run=run)["run"] == run
    assert list(client.post("losses", {"runs": [run]})["runs"]) == [run]
    assert client.json("regularization_losses", run=run)["run"] == run
    assert client.get("export", run=run, format="csv").status_code == 200


def test_losses_are_columns(client: Client) -> None:
    found = client.post("losses", {"runs": ["train", "nope", "train", "meta_only"]})
    assert found["version"] == 1
    assert found["not_found"] == ["nope"]
    assert list(found["runs"]) == ["train", "meta_only"]
    train = found["runs"]["train"]
    assert train["data_loss"]["steps"] == [0, 1, 2, 3, 4]
    assert train["data_loss"]["values"] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert train["data_loss"]["tags"] == ["regloss/data_loss"]
    assert len(train["data_loss"]["wall_times"]) == 5
    assert train["total_loss"]["values"] == pytest.approx([1.25, 0.75, 0.25 + 1 / 3, 0.5, 0.45])
    assert train["total_loss"]["tags"] == ["regloss/data_loss", "regloss/regularization_sum"]
    assert set(found["runs"]["meta_only"].values()) == {None}


def test_values_that_are_no_json_numbers_are_strings(client: Client) -> None:
    found = client.post("losses", {"runs": ["nan"]})["runs"]["nan"]
    assert found["data_loss"]["values"] == ["NaN", "-Infinity"]
    assert found["regularization_sum"]["values"] == ["Infinity", 0.5]
    assert found["total_loss"]["values"] == ["NaN", "-Infinity"]
    assert client.json("verdict", run="nan")["losses"]["data_loss"] == "-Infinity"


def test_runs_of_others_are_read_by_convention(tmp_path: pathlib.Path) -> None:
    with EventLog(tmp_path / "slim") as log:
        for step in range(3):
            log.simple(
                step,
                {
                    "losses/softmax_cross_entropy_loss/value": 2.0,
                    "losses/another_loss/value": step,
                    "regularization_loss_1": 0.5,
                    "total_loss_1": 2.5 + step,
                    "accuracy": 0.1,
                },
            )
    with serving(tmp_path) as served:
        found = served.post("losses", {"runs": ["slim"]})["runs"]["slim"]
        assert found["data_loss"]["values"] == [2.0, 3.0, 4.0]
        assert found["data_loss"]["tags"] == [
            "losses/another_loss/value",
            "losses/softmax_cross_entropy_loss/value",
        ]
        assert found["regularization_sum"]["values"] == [0.5, 0.5, 0.5]
        assert found["optimized_loss"]["values"] == [2.5, 3.5, 4.5]
        verdict = served.json("verdict", run="slim")
        assert verdict["losses"]["optimized_loss"] == 4.5
        assert any(note.startswith("The losses were found by") for note in verdict["notes"])


def test_each_regularization_loss_has_its_own_series(client: Client) -> None:
    found = client.json("regularization_losses", run="train")
    assert found["names"] == ["a/l2:0", "b/l2:0"]
    assert found["steps"] == [0, 1, 2, 3, 4]
    assert found["values"] == [[0.125] * 5, [0.125] * 5]
    empty = client.json("regularization_losses", run="meta_only")
    assert (empty["names"], empty["values"], empty["steps"]) == ([], [], [])


def test_export_as_csv_and_json(client: Client) -> None:
    response = client.get("export", run="train", format="csv")
    assert response.content_type == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="regloss_train.csv"'
    rows = list(csv.DictReader(io.StringIO(response.get_data(as_text=True))))
    assert [row["step"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert rows[1]["data_loss"] == "0.5"
    assert rows[1]["a/l2:0"] == "0.125"
    whole = client.json("export", run="train", format="json")
    assert whole["losses"] == client.post("losses", {"runs": ["train"]})["runs"]["train"]
    assert whole["regularization_losses"]["names"] == ["a/l2:0", "b/l2:0"]


def test_a_download_has_a_harmless_file_name(client: Client) -> None:
    headers = client.get("export", run=ODD_NAMES[0], format="json").headers
    assert headers["Content-Disposition"] == (
        'attachment; filename="regloss_script_alert_1_script.json"'
    )


@pytest.mark.parametrize(
    ("route", "query", "status", "message"),
    [
        ("verdict", "", 400, "The argument 'run' is missing"),
        ("verdict", "run=train&run=train", 400, "The argument 'run' was given 2 times"),
        ("verdict", "run=nope", 404, "There is no run 'nope'"),
        ("verdict", "run=", 404, "There is no run ''"),
        ("verdict", "run=%ff%00", 404, "There is no run"),
        ("verdict", "run=" + "x" * 10_000, 404, "There is no run"),
        ("regularization_losses", "", 400, "The argument 'run' is missing"),
        ("regularization_losses", "run=nope", 404, "There is no run 'nope'"),
        ("export", "run=train", 400, "The argument 'format' is missing"),
        ("export", "run=train&format=xls", 400, "The format is csv or json, not 'xls'"),
        ("export", "run=nope&format=csv", 404, "There is no run 'nope'"),
        ("nope", "", 404, "There is no such route"),
    ],
)
def test_bad_requests(client: Client, route: str, query: str, status: int, message: str) -> None:
    response = client.request(route, query_string=query)
    assert response.status_code == status
    error = strict_json(response)["error"]
    assert set(error) == {"code", "message"}
    assert error["message"].startswith(message)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"runs": "train"}',
        b'{"runs": [1]}',
        b'{"runs": [null]}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_bad_bodies(client: Client, body: bytes) -> None:
    response = client.request("losses", method="POST", data=body)
    assert response.status_code == 400
    assert "The body must be JSON" in strict_json(response)["error"]["message"]


def test_a_body_may_name_what_no_run_is_called(client: Client) -> None:
    odd = ["\ud800", "", "x" * 5000, "../..", "%"]
    found = client.post("losses", {"runs": odd})
    assert found["runs"] == {}
    assert found["not_found"] == odd


def test_a_body_beyond_all_measure_is_refused(client: Client) -> None:
    response = client.request("losses", method="POST", data=b" " * (2 << 20))
    assert response.status_code == 413
    assert strict_json(response)["error"]["code"] == "request_entity_too_large"


@pytest.mark.parametrize(
    ("route", "method", "allowed"),
    [
        ("runs", "POST", "GET, HEAD"),
        ("verdict", "DELETE", "GET, HEAD"),
        ("losses", "GET", "POST"),
        ("export", "PUT", "GET, HEAD"),
        ("index.js", "POST", "GET, HEAD"),
    ],
)
def test_wrong_methods(client: Client, route: str, method: str, allowed: str) -> None:
    response = client.request(route, method=method)
    assert response.status_code == 405
    assert response.headers["Allow"] == allowed
    assert strict_json(response)["error"]["code"] == "method_not_allowed"


def test_head_answers_without_a_body(client: Client) -> None:
    response = client.request("runs", method="HEAD")
    assert (response.status_code, response.get_data()) == (200, b"")


def test_the_tab_is_announced(client: Client) -> None:
    metadata = client.plugin.frontend_metadata()
    assert (metadata.tab_name, metadata.es_module_path) == ("RegLoss", "/index.js")
    assert {"regloss", "scalars", "graphs"} <= set(client.plugin.data_plugin_names())


def test_the_tab_is_active_on_a_logdir_with_a_meta_graph_alone(tmp_path: pathlib.Path) -> None:
    with EventLog(tmp_path) as log:
        log.meta_graph()
    with serving(tmp_path) as served:
        deadline = time.monotonic() + 10
        while not served.plugin.is_active():
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_nothing_is_active_on_an_empty_logdir(tmp_path: pathlib.Path) -> None:
    with serving(tmp_path) as served:
        assert not served.plugin.is_active()
        assert served.json("runs") == {
            "version": 1,
            "runs": [],
            "problems": [],
            "logdir": str(tmp_path),
        }


TRAVERSALS = (
    "../plugin.py",
    "assets/../../plugin.py",
    "..%2fplugin.py",
    "%2e%2e/plugin.py",
    "..\\plugin.py",
    "/etc/passwd",
    "//etc/passwd",
    "assets",
    "assets/",
    "\0",
    "index.js/",
    "nope.js",
)


def test_static_files(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.js").write_text("export function render() {}")
    (static / "assets" / "index-1.css").write_text("body {}")
    (static / "assets" / "font.woff2").write_bytes(b"\0\1")
    (tmp_path / "plugin.py").write_text("secret")
    monkeypatch.setattr(plugin_module, "_STATIC", str(static))
    (tmp_path / "logs").mkdir()
    with serving(tmp_path / "logs") as served:
        index = served.get("index.js")
        assert index.get_data() == b"export function render() {}"
        assert index.content_type == "text/javascript; charset=utf-8"
        assert index.headers["X-Content-Type-Options"] == "nosniff"
        assert served.get("assets/index-1.css").content_type == "text/css; charset=utf-8"
        assert served.get("assets/font.woff2").get_data() == b"\0\1"
        for path in TRAVERSALS:
            response = served.request(path)
            assert b"secret" not in response.get_data()
            if path != "index.js/":  # TensorBoard itself drops the slash
                assert response.status_code == 404, path


def test_a_panel_that_is_not_built_says_so(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin_module, "_STATIC", str(tmp_path / "static"))
    with serving(tmp_path) as served:
        response = served.get("index.js")
        assert response.status_code == 404
        assert "npm run build" in strict_json(response)["error"]["message"]


def test_changes_are_seen_and_the_same_is_not_judged_twice(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tb_regloss.backend import judging

    judged: list[str] = []
    judge = judging.verdicts.judge

    def counting(facts: Any, proofs: Any) -> Any:
        judged.append(facts.run)
        return judge(facts, proofs)

    monkeypatch.setattr(judging.verdicts, "judge", counting)
    instrumented(tmp_path / "train")
    with serving(tmp_path) as served:
        first = served.json("verdict", run="train")
        assert served.json("verdict", run="train") == first
        served.settled()
        assert judged == ["train"]
        with EventLog(tmp_path / "written", "events.out.2") as log:
            log.meta_graph()
        # At once, or the thread in the background may judge half of it.
        log.path.rename(tmp_path / "train" / "events.out.tfevents.2")
        served.json("verdict", run="train")
        served.json("verdict", run="train")
        assert judged == ["train", "train"]


def test_a_new_run_is_found_by_its_verdict(tmp_path: pathlib.Path) -> None:
    instrumented(tmp_path / "one")
    with serving(tmp_path) as served:
        served.settled()
        with EventLog(tmp_path / "two") as log:
            log.meta_graph()
        assert served.json("verdict", run="two")["run"] == "two"


def test_a_changed_list_of_losses_counts_from_the_newest(tmp_path: pathlib.Path) -> None:
    with EventLog(tmp_path / "train") as log:
        old = log.declare(declaration("a", "b"))
        log.vector(0, old, [1.0, 2.0])
        new = log.declare(declaration("b", "c", "d"), step=1)
        log.vector(1, new, [3.0, 4.0, 5.0])
        log.vector(2, new, [3.0, 4.0])  # damaged
    with serving(tmp_path) as served:
        found = served.json("regularization_losses", run="train")
        assert (found["names"], found["values"]) == (["b", "c", "d"], [[3.0], [4.0], [5.0]])
        (problem,) = served.json("verdict", run="train")["problems"]
        assert "1 of 2 vectors" in problem["message"]
