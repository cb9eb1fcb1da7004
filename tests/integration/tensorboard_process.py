# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A real `tensorboard` process, and the command line beside it."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
# TensorBoard finds the plugin through its entry point where the project is
# installed; in a bare checkout the loader is handed over.
_LAUNCH = """
import sys
from tensorboard import default, program
from tb_regloss.backend.loader import RegLossLoader
plugins = default.get_plugins()
if RegLossLoader not in plugins:
    plugins = [*plugins, RegLossLoader]
board = program.TensorBoard(plugins)
board.configure(["tensorboard", *sys.argv[1:]])
sys.exit(board.main())
"""
_CHECK = "import sys; from tb_regloss import cli; sys.exit(cli.main(sys.argv[1:]))"
_SECONDS = 60.0


class Board:
    """A TensorBoard that is up."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def get(self, path: str, **query: str) -> Any:
        """Returns the JSON below `data/`."""
        text = self.open(path, **query)[2]
        return json.loads(text)

    def open(self, path: str, **query: str) -> tuple[int, Any, bytes]:
        """Returns status, headers and body of what is below `data/`."""
        url = f"{self.url}/data/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=_SECONDS) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def post(self, path: str, body: Any) -> Any:
        """Returns the JSON that a POST is answered with."""
        request = urllib.request.Request(
            f"{self.url}/data/{path}", json.dumps(body).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            return json.loads(answer.read())

    def settled(self, count: int) -> list[dict[str, Any]]:
        """Returns the runs once there are `count` of them and none is pending."""
        deadline = time.monotonic() + _SECONDS
        while True:
            runs: list[dict[str, Any]] = self.get("plugin/regloss/runs")["runs"]
            if len(runs) >= count and all(run["status"] != "pending" for run in runs):
                return runs
            assert time.monotonic() < deadline, runs
            time.sleep(0.1)

    def differing(self, expected: dict[str, dict[str, Any]], **query: str) -> list[str]:
        """Returns the runs on which TensorBoard does not come to say what is expected.

        Its readers may still be at work when all runs are known already.
        """
        deadline = time.monotonic() + _SECONDS
        different = list(expected)
        while different and time.monotonic() < deadline:
            different = [
                name for name in different if self.verdict(name, **query) != expected[name]
            ]
        return different

    def verdict(self, run: str, **query: str) -> dict[str, Any]:
        """Returns the verdict on a run."""
        found: dict[str, Any] = self.get("plugin/regloss/verdict", run=run, **query)
        return found


@contextlib.contextmanager
def tensorboard(*flags: str) -> Iterator[Board]:
    """Starts TensorBoard with these flags and yields once it answers."""
    process = subprocess.Popen(
        [sys.executable, "-c", _LAUNCH, "--port=0", "--bind_all", *flags],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    log: list[str] = []
    up = threading.Event()
    address: list[str] = []

    def watch() -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                log.append(line)
                found = re.search(r"TensorBoard \S+ at http://[^:]+:(\d+)(/\S*)?", line)
                if found:
                    address.append(f"http://localhost:{found[1]}{found[2] or ''}")
                    up.set()
        up.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert up.wait(_SECONDS), "".join(log)
        assert address, "".join(log)
        yield Board(address[0])
    finally:
        process.terminate()
        process.wait(_SECONDS)
        watcher.join(_SECONDS)


def check(*arguments: str) -> dict[str, Any]:
    """Returns what `tb-regloss check ... --format json` prints."""
    found = subprocess.run(
        [sys.executable, "-c", _CHECK, "check", *arguments, "--format", "json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert found.stderr == ""
    payload: dict[str, Any] = json.loads(found.stdout)
    return payload
