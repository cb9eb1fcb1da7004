# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Bare analysis, bytes in and evidence out, against parsing the bytes alone.

python -m tests.benchmarks.bare LOGDIR [--repeat 7]
"""

from __future__ import annotations

import argparse
import gc
import pathlib
import statistics
import time
from collections.abc import Callable
from typing import Any

from tensorboard.compat.proto import graph_pb2

from tb_regloss.analysis import verdicts
from tb_regloss.analysis.facts import RunFacts
from tb_regloss.backend import judging
from tb_regloss.backend.logdir import RunFiles
from tests.benchmarks import table


def analyse(data: bytes) -> Any:
    """Returns the verdict on a run whose only graph is this GraphDef."""
    return verdicts.judge(RunFacts("run", "run"), judging.prove(data, "graph_def", "benchmark"))


def seconds(work: Callable[[bytes], Any], data: bytes) -> float:
    """Times one call, in seconds of this process: others may be at work on the machine."""
    gc.collect()
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
        records = RunFiles(str(folder)).scan()[0]
        data = next(record.read() for record in records if record.kind == "graph_def")
        status = analyse(data).status.value
        ours, theirs = [], []
        for _ in range(repeat):
            theirs.append(min(seconds(graph_pb2.GraphDef.FromString, data) for _ in "123"))
            ours.append(seconds(analyse, data))
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        text = (
            f"{statistics.median(ours):.2f} s, FromString {statistics.median(theirs):.3f} s, "
            f"{len(data) / 1e6:.1f} MB, {status}"
        )
        found.append(table.Row(f"{folder.name}: analysis / FromString", ratio, 20.0, text))
    return found


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logdir")
    parser.add_argument("--repeat", type=int, default=7)
    arguments = parser.parse_args()
    table.show(rows(arguments.logdir, arguments.repeat))


if __name__ == "__main__":
    main()
