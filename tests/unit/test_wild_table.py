# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The table over public graphs and logs: every verdict is right, and a wrong one would be seen."""

from __future__ import annotations

import json
import pathlib
import sys

import pytest

from tests import wild_table
from tests.event_logs import EventLog


def test_every_public_file_gets_a_right_verdict(wild: pathlib.Path) -> None:
    found = list(wild_table.rows(wild))
    assert len(found) >= 100
    assert [row.cells() for row in found if not row.right] == []


@pytest.mark.parametrize(("truth", "status"), [("included", 0), ("missing", 1)])
def test_the_command_tells_roles_and_ends_by_the_truth(
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    truth: str,
    status: int,
) -> None:
    with EventLog(tmp_path / "run") as log:
        for step in range(20):
            data, penalty = 1.0 + (step * 37 % 11) / 11, 0.5 + step / 64
            values = {"total_loss": data + penalty, "cross_entropy": data, "wd_loss": penalty}
            log.simple(step, values)
    file = {"file": f"run/{log.path.name}", "expect": [truth]}
    manifest = json.dumps([{"name": "one", "files": [file]}])
    (tmp_path / "manifest.json").write_text(manifest)
    monkeypatch.setattr(sys, "argv", ["wild_table", str(tmp_path)])
    assert wild_table.main() == status
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == (
        f"| run/{log.path.name} | data: cross_entropy; regularization: wd_loss; "
        f"optimized: total_loss | scalars included | {'**included**' if status else 'included'} "
        f"| {truth} |"
    )
    assert lines[-1] == f"{1 - status} of 1 verdicts are right."
