# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""`--format sarif` in a checkout: results stand at the lines of its files."""

from __future__ import annotations

import json
import pathlib

import pytest

from tb_regloss import cli
from tb_regloss.analysis.verdict_types import LossVerdict, RunVerdict, Severity, Status
from tb_regloss.backend import judging
from tests.event_logs import a_graph


def test_results_stand_in_the_checkout(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    losses = tuple(
        LossVerdict(name, ("w",), Status.MISSING, 0.0, created_at=f"{name}.py:7")
        for name in ("model", "away")
    )
    verdict = RunVerdict(
        Status.MISSING, Severity.ERROR, "As the test wants it", regularization_losses=losses
    )
    monkeypatch.setattr(judging.verdicts, "judge", lambda facts, proofs: verdict)
    (tmp_path / "a.pb").write_bytes(a_graph().SerializeToString())
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "model.py").touch()
    monkeypatch.chdir(tmp_path)
    assert cli.main(["check", "a.pb", "--format", "sarif"]) == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    help_text = {rule["id"]: rule["help"]["markdown"] for rule in run["tool"]["driver"]["rules"]}
    assert "thrown away" in help_text["missing"]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert [place["artifactLocation"]["uri"] for place in places] == ["src/model.py", "away.py"]
    assert [place["region"]["startLine"] for place in places] == [7, 7]
