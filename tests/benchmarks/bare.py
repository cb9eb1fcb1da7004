# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Bare analysis, bytes in and evidence out, against parsing the bytes alone.

Each repetition is a pair of fresh processes, one of which parses and the other
analyses, so that neither finds memory that was used before. What each needs the
second time is told beside it.

python -m tests.benchmarks.bare LOGDIR [--repeat 7]
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks import table


def measure(folder: str, is_ours: bool) -> dict[str, float]:
    """Times parsing or analysing a run's GraphDef twice; seconds of this process."""
    from tensorboard.compat.proto import graph_pb2

    from tb_regloss.analysis import verdicts
    from tb_regloss.analysis.facts import RunFacts
    from tb_regloss.backend import judging
    from tb_regloss.backend.logdir import RunFiles

    def analyse(data: bytes) -> Any:
        found = judging.prove(data, "graph_def", "benchmark")
        verdict = verdicts.judge(RunFacts("run", "run"), found)
        assert verdict.regularization_losses
        return verdict

    records = RunFiles(folder).scan()[0]
    data = next(record.read() for record in records if record.kind == "graph_def")
    work: Callable[[bytes], Any] = analyse if is_ours else graph_pb2.GraphDef.FromString
    return {"first": _seconds(work, data), "second": _seconds(work, data), "size": len(data)}


def _seconds(work: Callable[[bytes], Any], data: bytes) -> float:
    start = time.process_time()
    kept = work(data)
    taken = time.process_time() - start
    del kept
    return taken


def rows(logdir: str, repeat: int) -> list[table.Row]:
    """Returns a row for each run."""
    found = []
    for folder in sorted(pathlib.Path(logdir).iterdir()):
        if folder.name.endswith("_again"):
            continue
        pairs = [
            (_in_fresh_process(folder, True), _in_fresh_process(folder, False))
            for _ in range(repeat)
        ]
        ours, theirs = [a for a, _ in pairs], [b for _, b in pairs]
        ratio = statistics.median(a["first"] / b["first"] for a, b in pairs)
        text = "; ".join(
            f"{time} {table.median(ours, time):.2f} s, {table.median(theirs, time):.3f} s"
            for time in ("first", "second")
        )
        text += f"; {ours[0]['size'] / 1e6:.1f} MB"
        found.append(table.Row(f"{folder.name}: analysis / FromString", ratio, 20.0, text))
    return found


def _in_fresh_process(folder: pathlib.Path, is_ours: bool) -> dict[str, float]:
    script = (
        "import json, sys; from tests.benchmarks import bare; "
        "print(json.dumps(bare.measure(*json.loads(sys.argv[1]))))"
    )
    arguments = json.dumps([str(folder), is_ours])
    done = subprocess.run(
        [sys.executable, "-c", script, arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logdir")
    parser.add_argument("--repeat", type=int, default=7)
    arguments = parser.parse_args()
    table.show(rows(arguments.logdir, arguments.repeat))


if __name__ == "__main__":
    main()
