# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What README.md says is so."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import re
import subprocess
import sys

import pytest

from tb_regloss import cli
from tb_regloss.analysis.verdict_types import Status


@pytest.fixture(scope="module")
def readme(root: pathlib.Path) -> str:
    return (root / "README.md").read_text(encoding="utf-8")


def test_files_that_it_links_to_are_there(readme: str, root: pathlib.Path) -> None:
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)|(?:src|srcset)=\"([^\"]+)\"", readme)
    assert [path for pair in linked for path in pair if path and not (root / path).is_file()] == []


def test_its_commands_are_there(readme: str, root: pathlib.Path) -> None:
    scripts = set(re.findall(r"^sh (\S+)", readme, re.MULTILINE))
    assert scripts == {"demo/run", "tests/run"}
    for script in (*scripts, ".ci/run", ".ci/venv"):
        subprocess.run(["sh", "-n", str(root / script)], check=True)


def test_ci_runs_the_test_command(readme: str, root: pathlib.Path) -> None:
    assert "sh tests/run" in readme
    assert "exec sh tests/run" in (root / ".ci" / "run").read_text(encoding="utf-8")


def test_it_explains_every_status_and_no_other(readme: str) -> None:
    section = _section(readme, "Read the panel")
    of_losses = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    of_runs_only = {"no_regularization", "decoupled", "not_training"}
    assert all(f"`{status}`" in section for status in of_runs_only)
    assert of_losses | of_runs_only == {status.value for status in Status}


def test_its_exit_statuses_are_those_of_the_command(readme: str) -> None:
    section = _section(readme, "On the command line")
    named = set(map(int, re.findall(r"^\| (\d+) \|", section, re.MULTILINE)))
    assert named == {cli.EXIT_FINE, cli.EXIT_FOUND, cli.EXIT_UNREADABLE, cli.EXIT_NO_RUN}


def test_options_that_it_shows_exist(readme: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = set(re.findall(r"--[a-z][a-z-]+", _section(readme, "On the command line")))
    with pytest.raises(SystemExit):
        cli.main(["check", "--help"])
    known = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out))
    assert shown
    assert shown <= known


@pytest.mark.tf
def test_quick_starts_run_as_they_stand_and_are_proved(
    readme: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert programs
    for number, program in enumerate(programs):
        if "import torch" in program and importlib.util.find_spec("torch") is None:
            continue  # Two gigabytes that the test command does not fetch.
        folder = tmp_path / str(number)
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        cli.main(["check", str(folder), "--format", "json"])
        (run,) = json.loads(capsys.readouterr().out)["runs"]
        assert (run["run"], run["status"]) == ("logs/train", "included"), run


def _section(readme: str, title: str) -> str:
    _, _, rest = readme.partition(f"\n## {title}\n")
    assert rest, f"README.md has no section {title!r}"
    return rest.partition("\n## ")[0]
