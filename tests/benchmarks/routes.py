# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Our route `verdict` against TensorBoard's own `graphs/graph`, on the same logdir.

Each repetition is a pair of fresh processes that serve the logdir as TensorBoard
does, and are asked for one of the two routes, as a browser asks. `verdict` is then
asked again, warm, and once more for another run with equal graphs; what is
analysed is counted.

python -m tests.benchmarks.routes LOGDIR [--repeat 5] [--reader python|rust]
"""

from __future__ import annotations

import argparse
import gzip
import json
import pathlib
import statistics
import subprocess
import sys
import time
from typing import Any

from tests.benchmarks import table

_WARM = 11
_HEADERS = {"Accept-Encoding": "gzip"}  # as every browser asks


def measure(logdir: str, run: str, reader: str, is_ours: bool) -> dict[str, float]:
    """Times one of the routes in this process, cold; seconds."""
    import argparse as flags

    import werkzeug.test
    from tensorboard.backend import application
    from tensorboard.plugins import base_plugin
    from tensorboard.plugins.graph import graphs_plugin

    from tb_regloss.analysis.proofs import proof
    from tb_regloss.backend import loader
    from tests import written_logs
    from tests.unit.backend import serving

    # The process's own time, as others are at work on the machine; but what the
    # data server does, it does elsewhere.
    clock = time.process_time if reader == "python" else time.perf_counter
    proved = 0
    prove = proof.prove

    def counted(*arguments: Any) -> Any:
        nonlocal proved
        proved += 1
        return prove(*arguments)

    proof.prove = counted
    with written_logs.PROVIDERS[reader](logdir) as provider:
        if reader == "rust":
            serving.await_runs(provider, 60.0)
        given = flags.Namespace(logdir=logdir, logdir_spec="", samples_per_plugin={})
        context = base_plugin.TBContext(data_provider=provider, flags=given, logdir=logdir)
        plugins = [loader.RegLossLoader().load(context), graphs_plugin.GraphsPlugin(context)]
        client = werkzeug.test.Client(application.TensorBoardWSGI(plugins, data_provider=provider))

        def timed(route: str, **query: str) -> float:
            start = clock()
            answer = client.get(f"/data/plugin/{route}", query_string=query, headers=_HEADERS)
            seconds = clock() - start
            assert answer.status_code == 200, answer.get_data(as_text=True)
            if route.startswith("regloss"):
                told = json.loads(gzip.decompress(answer.get_data()))
                assert told["status"] != "unknown", told["headline"]
            return seconds

        if not is_ours:
            graph = timed(
                "graphs/graph",
                run=run,
                conceptual="false",
                limit_attr_size="1024",
                large_attrs_key="_too_large_attrs",
            )
            return {"graph": graph}
        found = {"cold": timed("regloss/verdict", run=run), "proved_cold": proved}
        found["warm"] = statistics.median(timed("regloss/verdict", run=run) for _ in range(_WARM))
        # A second folder with the same events is another run with equal graphs.
        timed("regloss/verdict", run=f"{run}_again")
        found["proved_again"] = proved - found["proved_cold"]
    return found


def rows(logdir: str, repeat: int, reader: str) -> list[table.Row]:
    """Returns the table's rows for all runs of a logdir."""
    found = []
    names = sorted(path.name for path in pathlib.Path(logdir).iterdir() if path.is_dir())
    names = [name for name in names if not name.endswith("_again")]
    for run in names:
        _link_again(pathlib.Path(logdir), run)
    for run in names:
        runs = [
            _in_fresh_process(logdir, run, reader, True)
            | _in_fresh_process(logdir, run, reader, False)
            for _ in range(repeat)
        ]
        cold, graph = table.median(runs, "cold"), table.median(runs, "graph")
        ratio = statistics.median(one["cold"] / one["graph"] for one in runs)
        text = f"verdict {cold:.2f} s, graphs/graph {graph:.2f} s"
        found.append(table.Row(f"{run}: cold verdict / graphs/graph", ratio, 1.0, text))
        warm = table.median(runs, "warm") * 1000
        found.append(table.Row(f"{run}: warm verdict, ms", warm, 10.0))
        again = max(one["proved_again"] for one in runs)
        text = f"{max(one['proved_cold'] for one in runs):.0f} analysed in the first run"
        found.append(table.Row(f"{run}: graphs analysed again in an equal run", again, 0.0, text))
    return found


def _link_again(logdir: pathlib.Path, run: str) -> None:
    again = logdir / f"{run}_again"
    again.mkdir(exist_ok=True)
    for path in (logdir / run).iterdir():
        if not (again / path.name).exists():
            (again / path.name).hardlink_to(path)


def _in_fresh_process(logdir: str, run: str, reader: str, is_ours: bool) -> dict[str, float]:
    script = (
        "import json, sys; from tests.benchmarks import routes; "
        "print(json.dumps(routes.measure(*json.loads(sys.argv[1]))))"
    )
    arguments = json.dumps([logdir, run, reader, is_ours])
    done = subprocess.run(
        [sys.executable, "-c", script, arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logdir")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--reader", choices=("python", "rust"), default="python")
    arguments = parser.parse_args()
    table.show(rows(arguments.logdir, arguments.repeat, arguments.reader))


if __name__ == "__main__":
    main()
