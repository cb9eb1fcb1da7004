# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The command as a process: its streams, its signals, a terminal."""

from __future__ import annotations

import os
import pathlib
import pty
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree

import pytest

from tests.event_logs import EventLog, instrumented
from tests.helpers.processes import hear_interrupts

COMMAND = [sys.executable, "-c", "import sys; from tb_regloss import cli; sys.exit(cli.main())"]


def test_a_fault_of_ours_prints_a_stack_trace_only_when_asked(tmp_path: pathlib.Path) -> None:
    instrumented(tmp_path)
    program = (
        "import sys\n"
        "from tb_regloss import cli\n"
        "from tb_regloss.backend import judging\n"
        "judging.verdicts.judge = lambda facts, proofs: 1 / 0\n"
        "sys.exit(cli.main())\n"
    )
    command = [sys.executable, "-c", program, "check", str(tmp_path)]
    quiet = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert "ZeroDivisionError" in quiet.stdout
    loud = subprocess.run([*command, "--debug"], capture_output=True, text=True, check=False)
    assert "Traceback" in loud.stderr
    assert loud.stdout == quiet.stdout


@pytest.mark.parametrize(
    ("form", "encoding"),
    [
        *((form, "ascii") for form in ("text", "json", "junit", "sarif", "markdown")),
        ("text", "utf-16"),
        ("junit", "utf-16"),
    ],
)
def test_any_file_name_into_a_file_of_any_encoding(
    tmp_path: pathlib.Path, form: str, encoding: str
) -> None:
    instrumented(tmp_path / "logs" / os.fsdecode(b"\xff\xce\xbb|`\x1b"))
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [*COMMAND, "check", str(tmp_path), "--format", form]
    with open(tmp_path / "report", "wb") as out:
        done = subprocess.run(command, env=environment, stdout=out, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")
    # Programs that read documents expect UTF-8.
    written = (tmp_path / "report").read_bytes()
    text = written.decode(encoding if form == "text" else "utf-8")
    assert text.endswith("\n")
    assert form == "sarif" or "logs" in text  # SARIF holds faults only.
    if form == "junit":
        ElementTree.fromstring(written)


@pytest.mark.parametrize("form", ["text", "sarif"])
def test_head_ends_it_quietly(tmp_path: pathlib.Path, form: str) -> None:
    for number in range(300):
        with EventLog(tmp_path / f"{number:03d}" / ("x" * 200)) as log:
            log.simple(0, {"a": 1.0})
    check = subprocess.Popen(
        [*COMMAND, "check", str(tmp_path), "--format", form],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert check.stdout is not None
    assert check.stderr is not None
    check.stdout.readline()
    check.stdout.close()
    errors = check.stderr.read()
    check.stderr.close()
    assert check.wait(timeout=60) == 0
    assert errors == b""


def test_an_interrupt_ends_it_with_one_line(tmp_path: pathlib.Path) -> None:
    instrumented(tmp_path)
    program = (
        "import sys, time\n"
        "from tb_regloss import cli\n"
        "from tb_regloss.backend import judging\n"
        "def slow(facts, proofs):\n"
        "    print('judging', flush=True)\n"
        "    time.sleep(60)\n"
        "judging.verdicts.judge = slow\n"
        "sys.exit(cli.main())\n"
    )
    check = subprocess.Popen(
        [sys.executable, "-c", program, "check", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=hear_interrupts,
    )
    assert check.stdout is not None
    assert check.stdout.readline() == b"judging\n"
    check.send_signal(signal.SIGINT)
    _, errors = check.communicate(timeout=30)
    assert check.returncode == 130
    assert errors == b"tb-regloss: interrupted\n"


def test_a_terminal_gets_a_bar_on_stderr_and_colours_on_stdout(tmp_path: pathlib.Path) -> None:
    instrumented(tmp_path)
    streams = []
    for stream in ("stdout", "stderr"):
        ours, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
        other = {"stdout": "stderr", "stderr": "stdout"}[stream]
        check = subprocess.Popen(
            [*COMMAND, "check", str(tmp_path)],
            env=environment,
            **{stream: theirs, other: subprocess.DEVNULL},
        )
        os.close(theirs)
        seen = b""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux's way to say that the other end is closed.
                break
            if not part:
                break
            seen += part
        os.close(ours)
        assert check.wait(timeout=30) == 0
        streams.append(seen)
    assert b"\x1b[1" in streams[0]
    assert b"1 run: 1 " in streams[0]
    assert b"0/1" in streams[1] or b"1/1" in streams[1]
