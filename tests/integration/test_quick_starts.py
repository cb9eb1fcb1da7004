# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Each quick start, as it stands, with its bug and without, and what is said of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tb_regloss import cli

pytestmark = pytest.mark.tf

# Where each program computes its penalties, or what comes nearest.
LINES = {
    "tf1_slim": "slim.fully_connected(",
    "gradient_tape": "tf.keras.layers.Dense(",
    "keras_fit": "kernel_regularizer=",
    "torch_loop": "0.001 * parameter",
}


@pytest.mark.parametrize("bug", [False, True], ids=["right", "bug"])
@pytest.mark.parametrize("name", LINES)
def test_quick_start(name, bug, root, tmp_path, capsys):
    needed = {"tf1_slim": "tf_slim", "keras_fit": "keras", "torch_loop": "torch"}
    for module in ("tensorflow", needed.get(name, "tensorflow")):
        pytest.importorskip(module)
    arguments = [str(tmp_path), *(["--bug"] if bug else [])]
    done = subprocess.run(
        [sys.executable, "-m", f"demo.quick_starts.{name}", *arguments],
        env={**os.environ, "PYTHONPATH": str(root)},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ("never reach" in done.stderr) == bug, done.stderr
    status = cli.main(["check", str(tmp_path), "--format", "json"])
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["status"] == ("missing" if bug else "included"), run
    assert status == (1 if bug else 0)
    source = (root / "demo" / "quick_starts" / f"{name}.py").read_text().splitlines()
    lines = {f"{name}.py:{number}" for number, text in enumerate(source, 1) if LINES[name] in text}
    # Those of the log; the graph may show more.
    losses = [loss for loss in run["regularization_losses"] if loss["value"] is not None]
    created = {loss["created_at"] for loss in losses}
    if not (name == "keras_fit" and bug):
        assert created & lines, (created, lines)
    assert len(losses) == 2
    assert {loss["multiplier"] for loss in losses} == {0.0 if bug else 1.0}
