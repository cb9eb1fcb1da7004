# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Trains what is not trained yet, prints the table, shows it in TensorBoard."""

from __future__ import annotations

import argparse
import pathlib
import sys
import threading
import time
import types

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from demo import runs

_INTERRUPTED = 130  # What a shell reports for a program that Ctrl-C ended.


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="demo/run", description=__doc__)
    parser.add_argument(
        "--logdir",
        type=pathlib.Path,
        default=pathlib.Path(__file__).with_name("logs"),
        help="where the logs go, and whence finished runs are reused (default: demo/logs)",
    )
    parser.add_argument(
        "--steps",
        type=_steps,
        default=400,
        help="training steps of each run (default: %(default)s)",
    )
    parser.add_argument("--no-serve", action="store_true", help="end after the table")
    parser.add_argument(
        "--port", type=int, help="TensorBoard's port (default: 6006 or the next free one)"
    )
    options = parser.parse_args(arguments)
    console = Console()
    try:
        accuracies = _train_missing(console, options.logdir, options.steps)
        console.print(_table(accuracies))
        return 0 if options.no_serve else _serve(console, options.logdir, options.port)
    except KeyboardInterrupt:
        console.print("\nStopped. The next start trains only what is not finished.")
        return _INTERRUPTED


def _train_missing(console: Console, logdir: pathlib.Path, steps: int) -> dict[runs.Run, float]:
    accuracies = {run: runs.finished_accuracy(logdir, run, steps) for run in runs.RUNS}
    missing = [run for run, accuracy in accuracies.items() if accuracy is None]
    if not missing:
        console.print(f"All {len(runs.RUNS)} runs are in {logdir} already.")
        return accuracies
    console.print(f"Training {len(missing)} runs of {steps} steps; the logs go to {logdir}")
    from demo import training  # TensorFlow takes seconds to import: only where it is needed.

    started = time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[accuracy]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(missing) * steps, accuracy="")

        def on_step(accuracy: float) -> None:
            progress.update(task, advance=1, accuracy=f"accuracy {accuracy:4.0%}")

        for run in missing:
            progress.update(task, description=run.name)
            accuracies[run] = training.train(
                runs.start(logdir, run), run.weight_decay, run.is_fixed, steps, on_step
            )
            runs.finish(logdir, run, steps, accuracies[run])
    console.print(f"Trained in {time.monotonic() - started:.0f} s.")
    return accuracies


def _table(accuracies: dict[runs.Run, float]) -> Table:
    table = Table(
        *(Column(name, justify="right") for name in ("weight decay", "bug", "fixed")),
        title="Training accuracy",
        caption="bug optimizes the data loss,\nfixed the total loss",
    )
    for decay in runs.WEIGHT_DECAYS:
        pair = (accuracies[runs.Run(is_fixed, decay)] for is_fixed in (False, True))
        table.add_row(f"{decay:g}", *(f"{accuracy:.1%}" for accuracy in pair))
    return table


def _serve(console: Console, logdir: pathlib.Path, port: int | None) -> int:
    """Shows the logs until Ctrl-C; returns the exit status."""
    # TensorBoard's own switch: it reads logs without TensorFlow, and is up seconds sooner.
    sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")
    from tensorboard import program

    server = program.TensorBoard()
    arguments = ["tensorboard", "--logdir", str(logdir)]
    server.configure(argv=arguments if port is None else [*arguments, "--port", str(port)])
    try:
        url = server.launch()
    except program.TensorBoardServerException as error:
        console.print(f"TensorBoard does not start: {error.msg}")
        return 1
    console.print(f"\nTensorBoard is up: [bold]{url}#regloss[/]   (Ctrl-C ends it)")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        console.print()
    return 0


def _steps(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of steps")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
