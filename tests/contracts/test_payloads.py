# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Each payload stands in `payloads/` as an example that both languages can read.

After a change that is meant: `python -m tests.contracts.test_payloads`, then
look at what git shows.
"""

from __future__ import annotations

import json
import pathlib
import tempfile
from typing import Any

import pytest

from tb_regloss import report
from tb_regloss.report.outcome import check_object, outcome_of
from tests.event_logs import EventLog, declaration
from tests.unit.backend.serving import serving
from tests.unit.report.test_text import FACTS, VERDICT

PAYLOADS = pathlib.Path(__file__).parent / "payloads"


def make(logdir: pathlib.Path) -> dict[str, Any]:
    """Returns every payload by name."""
    with EventLog(logdir / "train") as log:
        name = log.declare(declaration("a/l2:0", "b/l2:0"))
        log.ours(0, data_loss=1.0, regularization_sum=0.375, optimized_loss=1.375)
        log.vector(0, name, [0.25, 0.125])
        log.ours(10, data_loss=float("nan"), regularization_sum=float("inf"), optimized_loss=-0.0)
        log.vector(10, name, [float("inf"), 0.125])
    run = report.run_object(FACTS, VERDICT, "logs")
    runs = [
        report.summary_object("train", run),
        report.summary_object("train/eval", None, "train"),
    ]
    with serving(logdir) as client:
        return {
            "runs": report.runs_object(runs, run["problems"]),
            "verdict": run,
            "check": check_object(outcome_of(["logs"], [run], run["problems"])),
            "losses": client.post("losses", {"runs": ["train", "nope"]}),
            "regularization_losses": client.json("regularization_losses", run="train"),
            "export": client.json("export", run="train", format="json"),
            "error": client.get("verdict", run="nope").json,
        }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return make(tmp_path_factory.mktemp("logs"))


@pytest.mark.parametrize("name", sorted(path.stem for path in PAYLOADS.glob("*.json")))
def test_a_payload_is_as_its_example(made: dict[str, Any], name: str) -> None:
    assert made[name] == json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))


def test_every_payload_has_an_example(made: dict[str, Any]) -> None:
    assert {path.stem for path in PAYLOADS.glob("*.json")} == set(made)


def test_every_payload_but_errors_has_a_version(made: dict[str, Any]) -> None:
    assert {name for name, payload in made.items() if payload.get("version") != 1} == {"error"}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for payload_name, payload in make(pathlib.Path(folder)).items():
            text = json.dumps(payload, indent=2) + "\n"
            (PAYLOADS / f"{payload_name}.json").write_text(text, encoding="utf-8")
