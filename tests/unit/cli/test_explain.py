# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""`tb-regloss explain` shows sections of the page on verdicts."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tb_regloss import cli
from tb_regloss.analysis.verdict_types import Status


@pytest.mark.parametrize("status", [status.value for status in Status])
def test_a_status_is_explained(status: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", status]) == cli.EXIT_FINE
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[0].strip() == status
    starts = ("Means:", "Proved by:", "Cannot be known:", "To do:")
    assert [line.split(": ")[0] + ":" for line in lines if line.startswith(starts)] == list(starts)
    assert not any("**" in line or "](" in line or "#" in line for line in lines)


def test_several_words_in_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "zero", "graph", "loss_and_decay"]) == cli.EXIT_FINE
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines.index("zero") < lines.index("graph") < lines.index("loss_and_decay")


def test_an_unknown_word_is_refused_with_those_that_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["explain", "mising"])
    assert stopped.value.code == cli.EXIT_UNREADABLE
    said = capsys.readouterr().err
    assert "'mising'" in said
    assert "missing" in said


def test_a_reader_that_leaves_costs_no_stack_trace() -> None:
    words = " ".join(status.value for status in Status)
    command = (
        f"{sys.executable} -c 'from tb_regloss import cli; cli.main()' explain {words} | head -1"
    )
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stderr == ""
