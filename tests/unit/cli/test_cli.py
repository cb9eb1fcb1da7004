# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The command line: exit statuses, formats, streams, bad input."""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Callable
from typing import Any

import pytest

import tb_regloss
from tb_regloss import cli
from tb_regloss.analysis.verdict_types import RunVerdict, Severity, Status
from tb_regloss.backend import engine, judging
from tests.event_logs import EventLog, a_graph, instrumented

FORMATS = ["text", "json", "junit", "sarif", "markdown"]
RUN_KEYS = [
    "version",
    "run",
    "path",
    "argument",
    "status",
    "severity",
    "headline",
    "coverage",
    "losses",
    "roles",
    "regularization_losses",
    "findings",
    "evidence",
    "fix",
    "related_to",
    "notes",
    "problems",
]

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: Any) -> tuple[int, str, str]:
        capsys.readouterr()
        status = cli.main(list(map(str, arguments)))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def judged(monkeypatch: pytest.MonkeyPatch, severity: Severity) -> None:
    """Has every run judged with this severity, whatever its graph says."""
    verdict = RunVerdict(Status.UNKNOWN, severity, "As the test wants it")
    monkeypatch.setattr(judging.verdicts, "judge", lambda facts, proofs: verdict)


@pytest.mark.parametrize(
    ("severity", "fail_on", "status"),
    [
        (Severity.OK, "unknown", 0),
        (Severity.UNKNOWN, "unknown", 1),
        (Severity.UNKNOWN, "warning", 0),
        (Severity.WARNING, "warning", 1),
        (Severity.WARNING, "error", 0),
        (Severity.ERROR, "error", 1),
        (Severity.ERROR, "unknown", 1),
        (Severity.ERROR, "never", 0),
    ],
)
def test_exit_status(
    run: Run,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    severity: Severity,
    fail_on: str,
    status: int,
) -> None:
    judged(monkeypatch, severity)
    (tmp_path / "a.pb").write_bytes(a_graph().SerializeToString())
    assert run("check", tmp_path / "a.pb", "--fail-on", fail_on)[0] == status


def test_error_is_the_default_of_fail_on(
    run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.pb").write_bytes(a_graph().SerializeToString())
    judged(monkeypatch, Severity.ERROR)
    assert run("check", tmp_path / "a.pb")[0] == 1
    judged(monkeypatch, Severity.WARNING)
    assert run("check", tmp_path / "a.pb")[0] == 0


def test_no_run_is_status_3(run: Run, tmp_path: pathlib.Path) -> None:
    status, out, _ = run("check", tmp_path)
    assert status == 3
    assert out == f"! There is no event file in or below {tmp_path}.\n\nNo run was found.\n"
    instrumented(tmp_path / "train")
    assert run("check", tmp_path, "--run", "eval")[0] == 3
    assert run("check", tmp_path, "--run", "^tr.*n$", "--fail-on", "never")[0] == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nope", None, "does not exist"),
        ("a.pb", b"\x89PNG\r\n\x1a\n", "holds no graph that RegLoss knows"),
        ("a.txt", b"hello", "holds no graph that RegLoss knows"),
        ("empty.pb", b"", "holds no graph that RegLoss knows"),
        ("events.out.tfevents.1", b"garbage garbage garbage", "is no event file"),
        ("broken.meta", b"\xff\xff\xff\xff", "broken.meta"),
    ],
)
def test_what_cannot_be_read_is_status_2_and_harms_no_other(
    run: Run, tmp_path: pathlib.Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    instrumented(tmp_path / "logs")
    status, out, _ = run("check", tmp_path / name, tmp_path / "logs", "--format", "json")
    found = json.loads(out)
    assert status == 2
    assert [one["argument"] for one in found["runs"]] == [str(tmp_path / "logs")]
    (problem,) = found["problems"]
    assert problem["path"] == str(tmp_path / name)
    assert message in problem["message"]


def test_json_has_every_key_and_only_json(run: Run, tmp_path: pathlib.Path) -> None:
    with EventLog(tmp_path / "train") as log:
        log.ours(3, data_loss=float("nan"), optimized_loss=float("inf"))
    _, out, err = run("check", tmp_path, "--format", "json")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads(out, parse_constant=refuse)
    assert list(found) == ["version", "runs", "problems", "baseline"]
    assert found["baseline"] is None
    (one,) = found["runs"]
    assert list(one) == RUN_KEYS
    assert one["losses"] == {
        "data_loss": "NaN",
        "regularization_sum": None,
        "total_loss": None,
        "optimized_loss": "Infinity",
        "step": 3,
    }
    assert (one["run"], one["argument"]) == ("train", str(tmp_path))
    assert one["path"] == str(tmp_path / "train")
    assert err == ""


def test_event_files_of_any_name_and_graphs_of_any_form(run: Run, tmp_path: pathlib.Path) -> None:
    instrumented(tmp_path)
    event_file = tmp_path / "events.out.tfevents.1"
    renamed = tmp_path / "copy of my log"
    renamed.write_bytes(event_file.read_bytes())
    pb = tmp_path / "a.pb"
    pb.write_bytes(a_graph().SerializeToString())
    _, out, _ = run("check", event_file, renamed, pb, "--format", "json")
    found = json.loads(out)
    assert [one["path"] for one in found["runs"]] == [str(event_file), str(renamed), str(pb)]
    assert [one["run"] for one in found["runs"]] == [".", ".", "."]
    assert [one["losses"]["step"] for one in found["runs"]] == [4, 4, None]
    assert found["problems"] == []


def test_both_engines_answer_the_same(
    run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("train", "eval/deep", "<script>", "ü/λ", "a'b\"c"):
        instrumented(tmp_path / name)
    with EventLog(tmp_path / "restarted") as log:
        for step in (0, 10, 20, 30, 20, 25):
            log.ours(step, data_loss=float(step), regularization_sum=1.0)
    arguments = ("check", tmp_path, tmp_path / "train", "--format", "json")
    fast = run(*arguments)
    started: list[object] = []

    def none(self: engine.Engine) -> None:
        started.append(self)

    monkeypatch.setattr(engine.Engine, "_start", none)
    assert run(*arguments) == fast
    assert started
    assert len(json.loads(fast[1])["runs"]) == 7


def test_a_server_that_does_not_start_is_replaced(
    run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instrumented(tmp_path)
    fine = run("check", tmp_path, "--format", "json")
    monkeypatch.setenv("TENSORBOARD_DATA_SERVER_BINARY", "/bin/false")
    assert run("check", tmp_path, "--format", "json") == fine
    monkeypatch.setenv("TENSORBOARD_DATA_SERVER_BINARY", "/does/not/exist")
    assert run("check", tmp_path, "--format", "json") == fine


def test_without_what_older_tensorboards_reach_the_server_by(
    run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before TensorBoard 2.21 that is pkg_resources, which left setuptools."""
    instrumented(tmp_path)
    fine = run("check", tmp_path, "--format", "json")
    monkeypatch.setitem(sys.modules, "tensorboard.data.server_ingester", None)
    monkeypatch.delattr("tensorboard.data.server_ingester")
    assert run("check", tmp_path, "--format", "json") == fine


def test_one_failing_run_harms_no_other(
    run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instrumented(tmp_path / "bad")
    instrumented(tmp_path / "good")
    judge = judging.verdicts.judge

    def failing(facts: Any, proofs: Any) -> Any:
        if facts.run == "bad":
            raise ZeroDivisionError("a fault of ours")
        return judge(facts, proofs)

    monkeypatch.setattr(judging.verdicts, "judge", failing)
    status, out, _ = run("check", tmp_path, "--format", "json")
    bad, good = json.loads(out)["runs"]
    assert status == 0
    assert (bad["run"], bad["status"]) == ("bad", "unknown")
    assert "please report" in bad["evidence"][0]["text"]
    assert "Traceback" not in out
    assert good["losses"]["step"] == 4
    assert len(json.loads(out)["problems"]) == 1


def test_a_damaged_event_file_is_told_beside_its_run(run: Run, tmp_path: pathlib.Path) -> None:
    instrumented(tmp_path / "fine")
    instrumented(tmp_path / "broken")
    path = tmp_path / "broken" / "events.out.tfevents.1"
    data = bytearray(path.read_bytes())
    data[-100:] = b"\0" * 100
    path.write_bytes(data + b"\0" * 4000)
    status, out, _ = run("check", tmp_path, "--fail-on", "never", "--format", "json")
    found = json.loads(out)
    assert status == 0
    assert [one["run"] for one in found["runs"]] == ["broken", "fine"]
    assert "is damaged at byte" in found["runs"][0]["problems"][0]["message"]
    assert found["problems"] == found["runs"][0]["problems"]
    assert found["runs"][1]["problems"] == []


def test_text_names_the_run_and_sums_up(run: Run, tmp_path: pathlib.Path) -> None:
    instrumented(tmp_path / "train")
    _, out, err = run("check", tmp_path, tmp_path / "nope")
    assert f"train  ({tmp_path / 'train'})" in out
    assert "data loss 0.2, regularization sum 0.25, total loss 0.45, optimized loss 1" in out
    assert f"! {tmp_path / 'nope'} does not exist." in out
    assert out.splitlines()[-1].startswith("1 run: 1 ")
    assert err == ""
    assert "\x1b" not in out


@pytest.mark.parametrize("form", FORMATS)
def test_exit_statuses_are_the_same_in_every_format(
    run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    (tmp_path / "a.pb").write_bytes(a_graph().SerializeToString())
    (tmp_path / "empty").mkdir()
    judged(monkeypatch, Severity.ERROR)
    assert run("check", tmp_path / "a.pb", "--format", form)[0] == 1
    assert run("check", tmp_path / "a.pb", "--format", form, "--fail-on", "never")[0] == 0
    assert run("check", tmp_path / "a.pb", tmp_path / "nope", "--format", form)[0] == 2
    status, out, err = run("check", tmp_path / "empty", "--format", form)
    assert (status, err) == (3, "")
    assert "There is no event file in or below" in out


def test_a_baseline_keeps_what_is_known_from_failing(
    run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(monkeypatch, Severity.ERROR)
    for name in ("a", "b"):
        (tmp_path / f"{name}.pb").write_bytes(a_graph().SerializeToString())
    status, out, _ = run("check", tmp_path / "a.pb", "--format", "json")
    known = tmp_path / "known.json"
    known.write_text(out, encoding="utf-8")
    assert status == 1
    arguments = ("check", tmp_path / "a.pb", "--baseline", known)
    for form in FORMATS:
        status, out, err = run(*arguments, "--format", form)
        assert (status, err) == (0, "")
        assert "known" in out
    assert run("check", tmp_path / "b.pb", *arguments[1:])[0] == 1
    status, out, _ = run(*arguments, "--format", "json")
    known.write_text(out, encoding="utf-8")  # Its own output is a baseline too.
    assert run(*arguments)[0] == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "'known.json' cannot be read: No such file or directory"),
        (b"", "known.json is empty. A shell empties the file behind `>`"),
        (b"ERROR train", "known.json is no output of `tb-regloss check --format json`"),
        (b'{"version": 2}', "known.json has version 2, expected was 1"),
    ],
)
def test_a_bad_baseline_is_status_2(
    capsys: pytest.CaptureFixture[str],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes | None,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        pathlib.Path("known.json").write_bytes(content)
    with pytest.raises(SystemExit) as stopped:
        cli.main(["check", "logs", "--baseline", "known.json"])
    assert stopped.value.code == 2
    captured = capsys.readouterr()
    assert f"argument --baseline: {message}" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["check"], "required: PATH"),
        (["check", "x", "--run", "("], "'(' is no regular expression"),
        (["check", "x", "--fail-on", "info"], "invalid choice: 'info'"),
        (["check", "x", "--format", "xml"], "invalid choice: 'xml'"),
    ],
)
def test_wrong_use_is_status_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (["--version"], f"tb-regloss {tb_regloss.__version__}"),
        (["check", "--help"], "exit status:"),
    ):
        with pytest.raises(SystemExit) as stopped:
            cli.main(arguments)
        assert stopped.value.code == 0
        assert words in capsys.readouterr().out
