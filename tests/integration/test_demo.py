# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The demo as a user starts it, with fewer steps: what it claims must be true."""

from __future__ import annotations

import json
import pathlib
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from tb_regloss import cli
from tests.helpers.processes import hear_interrupts

pytestmark = pytest.mark.tf

# Enough for the table to show its point, in half a minute.
STEPS = 60
STRONG = "10"
RUNS = {f"{kind}_decay_{decay}" for kind in ("bug", "fixed") for decay in ("0", "0.001", "10")}


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def first_start(logdir: pathlib.Path, root: pathlib.Path) -> str:
    """What the first start says; all runs are trained after it."""
    return _demo(root, logdir)


def test_decay_changes_nothing_for_bug_and_hurts_fixed(first_start: str) -> None:
    table = _table(first_start)
    assert list(table) == ["0", "0.001", STRONG]
    bug = {accuracies[0] for accuracies in table.values()}
    assert min(bug) > 90
    # Equal, in fact, but for the order in which threads add up.
    assert max(bug) - min(bug) < 1.5
    assert table["0.001"][1] > 90
    assert table[STRONG][1] < table[STRONG][0] - 20


def test_second_start_reuses_the_logs_and_prints_the_same_table(
    first_start: str, logdir: pathlib.Path, root: pathlib.Path
) -> None:
    before = _event_files(logdir)
    second = _demo(root, logdir)
    assert _table(second) == _table(first_start)
    assert "Training" not in second.replace("Training accuracy", "")
    assert _event_files(logdir) == before


def test_each_run_has_its_verdict(
    first_start: str, logdir: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check", str(logdir), "--format", "json"]) == cli.EXIT_FOUND
    runs = {run["run"]: run for run in json.loads(capsys.readouterr().out)["runs"]}
    assert {name: run["status"] for name, run in runs.items()} == {
        "bug_decay_0": "no_regularization",
        "bug_decay_0.001": "missing",
        "bug_decay_10": "missing",
        "fixed_decay_0": "no_regularization",
        "fixed_decay_0.001": "included",
        "fixed_decay_10": "included",
    }
    losses = runs["bug_decay_0.001"]["regularization_losses"]
    assert len(losses) == runs["bug_decay_0.001"]["coverage"]["total"] == 16
    assert {loss["multiplier"] for loss in losses} == {0.0}
    assert all(re.fullmatch(r".*mobilenet_v2\.py:\d+", loss["created_at"]) for loss in losses)


def test_a_run_that_was_cut_short_is_trained_again_and_no_other(
    first_start: str, logdir: pathlib.Path, root: pathlib.Path
) -> None:
    before = _event_files(logdir)
    (logdir / "fixed_decay_10" / "finished.json").write_text('{"accur', encoding="utf-8")
    _demo(root, logdir)
    after = _event_files(logdir)
    assert before.keys() == after.keys() == RUNS
    assert {name for name in RUNS if before[name] != after[name]} == {"fixed_decay_10"}


def test_serves_the_logs_until_interrupted(
    first_start: str, logdir: pathlib.Path, root: pathlib.Path
) -> None:
    command = [sys.executable, "-m", "demo", "--logdir", str(logdir), "--steps", str(STEPS)]
    with subprocess.Popen(
        [*command, "--port", "0"],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=hear_interrupts,
    ) as process:
        try:
            url = next(
                found[0] for line in process.stdout if (found := re.search(r"http\S+", line))
            )
            with urllib.request.urlopen(url.partition("#")[0], timeout=30) as response:
                assert b"TensorBoard" in response.read()
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()


def _demo(root: pathlib.Path, logdir: pathlib.Path) -> str:
    command = [sys.executable, "-m", "demo", "--no-serve", "--logdir", str(logdir)]
    done = subprocess.run(
        [*command, "--steps", str(STEPS)], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _table(text: str) -> dict[str, tuple[float, float]]:
    """Returns the accuracies of `bug` and `fixed` in percent, by weight decay."""
    rows = re.findall(r"│ +([\d.]+) │ +([\d.]+)% │ +([\d.]+)% │", text)
    return {decay: (float(bug), float(fixed)) for decay, bug, fixed in rows}


def _event_files(logdir: pathlib.Path) -> dict[str, list[tuple[str, int]]]:
    """Returns name and time of change of each run's event files."""
    return {
        folder.name: [(path.name, path.stat().st_mtime_ns) for path in folder.glob("events.*")]
        for folder in sorted(logdir.iterdir())
    }
