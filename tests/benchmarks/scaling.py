# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Time per op and peak memory of the bare analysis, from 50,000 to 1,000,000 ops.

python -m tests.benchmarks.scaling [--repeat 3]
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from tests.benchmarks import synthetic, table

_SMALL, _LARGE = 50_000, 1_000_000
_MISSING_EVERY = 10


def measure(path: str) -> dict[str, float]:
    """Analyses a graph in this process; seconds of this process, bytes of memory."""
    from tb_regloss.backend import judging

    judging.prove(b"", "graph_def", "warm-up")
    before = _peak()
    data = pathlib.Path(path).read_bytes()
    start = time.process_time()
    (proof,) = judging.prove(data, "graph_def", path)
    seconds = time.process_time() - start
    missing = sum(loss.status.value == "missing" for loss in proof.losses)
    included = sum(loss.status.value == "included" for loss in proof.losses)
    assert missing, "the penalties that were left out were not found"
    assert missing + included == len(proof.losses), "some could not be told"
    assert abs(missing / len(proof.losses) - 1 / _MISSING_EVERY) < 0.02, missing
    return {"seconds": seconds, "bytes": _peak() - before, "size": len(data)}


def _peak() -> int:
    # Not `ru_maxrss`: a child starts with its parent's.
    status = pathlib.Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) * 1024


def rows(repeat: int) -> list[table.Row]:
    """Returns the table's rows."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for wanted in (_SMALL, _LARGE):
            graph = synthetic.training_graph(wanted, _MISSING_EVERY)
            paths[len(graph.node)] = f"{folder}/{wanted}.pb"
            pathlib.Path(paths[len(graph.node)]).write_bytes(graph.SerializeToString())
            del graph
        found = {n: [_in_fresh_process(path) for _ in range(repeat)] for n, path in paths.items()}
    small, large = sorted(found)
    per_op = {n: table.median(found[n], "seconds") / n * 1e6 for n in found}
    text = ", ".join(f"{n:,} ops: {per_op[n]:.1f} us an op" for n in (small, large))
    result = [
        table.Row(
            "time per op, large graph / small graph", per_op[large] / per_op[small], 2.0, text
        )
    ]
    for n in (small, large):
        factor = statistics.median(one["bytes"] / one["size"] for one in found[n])
        text = f"{found[n][0]['size'] / 1e6:.0f} MB serialized"
        result.append(table.Row(f"peak memory / serialized size, {n:,} ops", factor, 12.0, text))
    return result


def _in_fresh_process(path: str) -> dict[str, float]:
    script = (
        "import json, sys; from tests.benchmarks import scaling; "
        "print(json.dumps(scaling.measure(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, path], stdout=subprocess.PIPE, text=True, check=True
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    table.show(rows(parser.parse_args().repeat))


if __name__ == "__main__":
    main()
