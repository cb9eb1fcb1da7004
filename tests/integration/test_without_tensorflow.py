# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The viewer works where TensorFlow cannot be imported, and where it could it does not."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

from tests.event_logs import instrumented

ROOT = pathlib.Path(__file__).resolve().parents[2]

_NO_FRAMEWORKS = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "tf_keras", "torch"):
            raise ImportError(f"refused: {name}")
sys.meta_path.insert(0, Refuse())
"""
_SERVE = """
import sys
from tests.unit.backend import serving
with serving.serving(sys.argv[1], sys.argv[2]) as client:
    assert [run["run"] for run in client.settled()["runs"]] == ["train"]
    verdict = client.json("verdict", run="train")
    assert verdict["losses"]["step"] == 4, verdict
    assert verdict["problems"] == [], verdict
    assert "failed" not in str(verdict["evidence"]), verdict
"""
_CHECK = """
from tb_regloss import cli
assert cli.main(["check", sys.argv[1], "--fail-on", "never"]) == 0
"""
# What a careless change of ours would look like.
_CARELESS = """
from tb_regloss.backend import series
def careless(*arguments, read=series.read_series):
    import tensorflow
    return read(*arguments)
series.read_series = careless
"""
_NOT_LOADED = """
assert not {"tensorflow", "keras", "torch"} & set(sys.modules), "a framework was imported"
"""


def ended(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def logdir(tmp_path: pathlib.Path) -> pathlib.Path:
    instrumented(tmp_path / "train")
    return tmp_path


@pytest.mark.parametrize("reader", ["python", "rust"])
def test_the_routes_work_without_tensorflow(logdir: pathlib.Path, reader: str) -> None:
    found = ended(_NO_FRAMEWORKS + _SERVE, logdir, reader)
    assert found.returncode == 0, found.stderr


def test_the_test_above_can_fail(logdir: pathlib.Path) -> None:
    found = ended(_NO_FRAMEWORKS + _CARELESS + _SERVE, logdir, "rust")
    assert found.returncode != 0
    assert "refused: tensorflow" in found.stderr


def test_the_command_line_works_without_tensorflow(logdir: pathlib.Path) -> None:
    found = ended(_NO_FRAMEWORKS + _CHECK, logdir)
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("program", [_SERVE, "import sys" + _CHECK])
def test_tensorflow_is_left_alone_where_it_is_installed(logdir: pathlib.Path, program: str) -> None:
    found = ended(program + _NOT_LOADED, logdir, "rust")
    assert found.returncode == 0, found.stderr


def test_that_test_can_fail_too(logdir: pathlib.Path) -> None:
    pytest.importorskip("tensorflow")
    found = ended(_CARELESS + _SERVE + _NOT_LOADED, logdir, "rust")
    assert found.returncode != 0
    assert "a framework was imported" in found.stderr
