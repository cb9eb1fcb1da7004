# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The routes, told which tags stand for which losses."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.event_logs import EventLog, instrumented, unnamed
from tests.unit.backend.serving import Client, serving, strict_json

GIVEN = {"data_loss": ["my/ce"], "regularization_sum": ["my/wd"], "optimized_loss": ["my/total"]}
FOR_ALL = json.dumps({"all": GIVEN})
ODD = "\u8bd5 <b>&?#'\""


@pytest.fixture(scope="module", params=["python", "rust"])
def client(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Client]:
    logdir = tmp_path_factory.mktemp("logs")
    unnamed(logdir / "plain")
    unnamed(logdir / "bug", multiplier=0)
    unnamed(logdir / "odd", prefix=ODD)
    instrumented(logdir / "ours", steps=3)
    with EventLog(logdir / "doubt") as log:
        for step in range(5):
            log.simple(
                step, {"total_loss": 2.0, "ce_loss": 1.0, "reg_loss": 1.0, "reg_loss_1": 0.5}
            )
    with EventLog(logdir / "many") as log:
        log.simple(0, {f"layer_{i}/tag": 1.0 for i in range(10_000)})
    with EventLog(logdir / "graph_only") as log:
        log.meta_graph()
    with serving(logdir, request.param) as served:
        yield served


def settled(client: Client, roles: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while True:
        runs = {run["run"]: run for run in client.json("runs", roles=roles)["runs"]}
        if all(run["status"] != "pending" for run in runs.values()):
            return runs
        assert time.monotonic() < deadline, runs
        time.sleep(0.02)


def test_a_verdict_follows_what_was_said(client: Client) -> None:
    before = client.json("verdict", run="plain")
    assert (before["status"], before["losses"]["data_loss"]) == ("unknown", None)
    assert before["roles"]["data_loss"] == {"tags": [], "source": "none", "candidates": []}
    told = client.json("verdict", run="plain", roles=FOR_ALL)
    assert told["status"] == "included"
    assert told["roles"]["data_loss"] == {"tags": ["my/ce"], "source": "given", "candidates": []}
    assert told["notes"] == [
        'As given: the data loss is "my/ce"; the regularization sum is "my/wd"; '
        'the optimized loss is "my/total".'
    ]
    # What others said, or did not say, is kept apart.
    assert client.json("verdict", run="plain") == before
    assert client.json("verdict", run="plain", roles=FOR_ALL) == told


def test_every_run_is_listed_as_was_said(client: Client) -> None:
    told = settled(client, FOR_ALL)
    assert told["plain"]["status"] == "included"
    for run in ("plain", "bug", "ours", "doubt"):
        whole = client.json("verdict", run=run, roles=FOR_ALL)
        assert {key: told[run][key] for key in ("status", "headline")} == {
            key: whole[key] for key in ("status", "headline")
        }
    assert settled(client, "{}")["plain"]["status"] == "unknown"


def test_runs_that_log_none_of_the_tags_are_not_judged_again(client: Client) -> None:
    settled(client, "{}")
    said = {"all": {"total_loss": ["my/lr"]}, "runs": {"gone": {"data_loss": ["x"]}}}
    runs = {run["run"]: run for run in client.json("runs", roles=json.dumps(said))["runs"]}
    assert runs["plain"]["status"] == "pending"
    assert "pending" not in {runs[run]["status"] for run in ("ours", "doubt", "odd", "many")}


def test_series_and_downloads_follow_too(client: Client) -> None:
    own = {"runs": {"plain": {"data_loss": ["my/wd", "my/ce"]}}, "all": GIVEN}
    found = client.post("losses", {"runs": ["plain", "bug", "ours"], "roles": own})["runs"]
    assert found["plain"]["data_loss"]["tags"] == ["my/wd", "my/ce"]
    assert found["plain"]["data_loss"]["values"][0] == pytest.approx(2.5)
    assert found["plain"]["regularization_sum"] is None  # its tag is in the data loss already
    assert found["bug"]["data_loss"]["tags"] == ["my/ce"]
    assert found["ours"]["data_loss"]["tags"] == ["regloss/data_loss"]
    text = json.dumps(own)
    assert client.json("export", run="plain", format="json", roles=text)["losses"] == found["plain"]
    csv = client.get("export", run="plain", format="csv", roles=text).get_data(as_text=True)
    assert csv.startswith("step,wall_time,data_loss,optimized_loss")


def test_the_users_word_goes_before_our_own_tags(client: Client) -> None:
    roles = json.dumps({"runs": {"ours": {"data_loss": ["regloss/optimized_loss"]}}})
    found = client.json("verdict", run="ours", roles=roles)
    assert found["roles"]["data_loss"]["source"] == "given"
    assert found["roles"]["regularization_sum"]["source"] == "declared"
    assert found["losses"]["data_loss"] == 1.0


def test_ambiguous_roles_name_their_candidates(client: Client) -> None:
    found = client.json("verdict", run="doubt")
    assert found["roles"]["regularization_sum"] == {
        "tags": [],
        "source": "ambiguous",
        "candidates": ["reg_loss", "reg_loss_1"],
    }
    assert found["roles"]["optimized_loss"]["source"] == "convention"
    chosen = json.dumps({"all": {"regularization_sum": ["reg_loss_1"]}})
    told = client.json("verdict", run="doubt", roles=chosen)
    assert told["roles"]["regularization_sum"]["source"] == "given"
    assert told["losses"]["regularization_sum"] == 0.5


def test_odd_tags_are_tags(client: Client) -> None:
    roles = json.dumps({"all": {"data_loss": [ODD + "ce"], "total_loss": ["\ud800"]}})
    assert client.json("verdict", run="odd", roles=roles)["losses"]["data_loss"] is not None


def test_a_tag_that_vanished_leaves_the_role_open(client: Client) -> None:
    roles = json.dumps({"runs": {"doubt": {"optimized_loss": ["gone"]}}})
    found = client.json("verdict", run="doubt", roles=roles)
    assert found["roles"]["optimized_loss"] == {"tags": [], "source": "given", "candidates": []}
    assert (
        'The optimized loss was said to be "gone", which this run does not log.' in (found["notes"])
    )


def test_the_tags_of_a_run(client: Client) -> None:
    assert client.json("tags", run="plain") == {
        "version": 1,
        "run": "plain",
        "tags": ["my/ce", "my/lr", "my/total", "my/wd"],
    }
    assert client.json("tags", run="ours")["tags"] == [
        "regloss/data_loss",
        "regloss/optimized_loss",
        "regloss/regularization_sum",
    ]
    assert len(client.json("tags", run="many")["tags"]) == 10_000
    assert client.json("tags", run="graph_only")["tags"] == []
    assert client.json("verdict", run="graph_only")["roles"] is None


@pytest.mark.parametrize("route", ["runs", "verdict", "export"])
@pytest.mark.parametrize("roles", ["x", "[]", '{"all": {"data_loss": "a"}}'])
def test_what_makes_no_sense_is_refused(client: Client, route: str, roles: str) -> None:
    response = client.get(route, run="plain", format="csv", roles=roles)
    assert response.status_code == 400
    error = strict_json(response)["error"]
    assert error["code"] == "invalid_argument"
    assert 'expected {"all": {"data_loss": ["a tag", ...]' in error["message"]


def test_bad_requests(client: Client) -> None:
    body = {"runs": ["plain"], "roles": {"all": {"data_loss": ["a"], "total_loss": ["a"]}}}
    response = client.request("losses", method="POST", json=body)
    assert response.status_code == 400
    assert "one tag stands for one loss" in strict_json(response)["error"]["message"]
    assert client.get("tags").status_code == 400
    assert client.get("tags", run="nope").status_code == 404
    twice = client.request("verdict", query_string="run=plain&roles={}&roles={}")
    assert twice.status_code == 400
