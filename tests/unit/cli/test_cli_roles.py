# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The command line, told which tags stand for which losses."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from tb_regloss import cli
from tests.event_logs import EventLog, a_graph, instrumented, unnamed


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("logs")
    unnamed(folder / "plain")
    instrumented(folder / "ours", steps=3, graph=False)
    with EventLog(folder / "keras") as log:
        for step in range(5):
            log.simple(step, {"epoch_loss": 1.0})
    return folder


def checked(capsys: pytest.CaptureFixture[str], *arguments: Any) -> dict[str, dict[str, Any]]:
    assert cli.main(["check", *map(str, arguments), "--format", "json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return {run["run"]: run for run in json.loads(captured.out)["runs"]}


def test_a_tag_holds_for_every_run_that_logs_it(
    capsys: pytest.CaptureFixture[str], logs: pathlib.Path
) -> None:
    flags = ("--data", "my/ce", "--regularization", "my/wd", "--optimized", "my/total")
    runs = checked(capsys, logs, *flags)
    assert runs["plain"]["status"] == "included"
    assert runs["plain"]["notes"][0].startswith('As given: the data loss is "my/ce";')
    assert runs["ours"]["roles"]["data_loss"]["source"] == "declared"
    assert runs["keras"]["roles"]["optimized_loss"]["tags"] == ["epoch_loss"]
    alone = checked(capsys, logs)
    assert runs["ours"] == alone["ours"]
    assert runs["keras"] == alone["keras"]


def test_several_tags_are_summed(capsys: pytest.CaptureFixture[str], logs: pathlib.Path) -> None:
    flags = ("--data", "my/ce", "--data", "my/lr", "--total", "my/total", "--run", "plain")
    losses = checked(capsys, logs, *flags)["plain"]
    assert losses["roles"]["data_loss"]["tags"] == ["my/ce", "my/lr"]
    single = checked(capsys, logs, "--data", "my/ce")["plain"]["losses"]["data_loss"]
    assert losses["losses"]["data_loss"] == pytest.approx(single + 0.1)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--data", "my/cee"), 'No run logs the tag "my/cee"; it may be "my/ce".'),
        (("--data", ""), 'No run logs the tag ""; it may be'),
        (
            ("--data", "my/ce", "--total", "my/ce"),
            'The tag "my/ce" was given as data loss and as total loss (the command line);',
        ),
        # Where only some of the runs are asked for, only these count.
        (("--data", "my/ce", "--run", "ours"), 'No run logs the tag "my/ce"; it may be "regloss/'),
    ],
)
def test_a_slip_is_named_and_nothing_is_reported(
    capsys: pytest.CaptureFixture[str],
    logs: pathlib.Path,
    flags: tuple[str, ...],
    message: str,
) -> None:
    assert cli.main(["check", str(logs), *flags]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"tb-regloss: {message}")
    assert len(captured.err.splitlines()) == 1


def test_a_graph_alone_logs_no_tag(
    capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    (tmp_path / "a.pb").write_bytes(a_graph().SerializeToString())
    assert cli.main(["check", str(tmp_path / "a.pb"), "--data", "x"]) == 2
    assert 'No run logs the tag "x", nor any scalar.' in capsys.readouterr().err
    assert cli.main(["check", str(tmp_path), "--data", "x"]) == 3
