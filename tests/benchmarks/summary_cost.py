# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What logging the losses costs a training loop: `python -m tests.benchmarks.summary_cost`.

One TF1 program, one session. The kinds of logging take turns step by step, so
that a busy machine slows all of them alike; medians are compared. A step is
the session's run and the writer's `add_summary`.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import tensorflow as tf

from tb_regloss.summary import v1 as regloss_v1

v1 = tf.compat.v1


@dataclasses.dataclass
class Cost:
    """What one kind of logging costs.

    Attributes:
      step: median of a whole step, seconds.
      added: median of what a step takes longer than the step without logging
        beside it, seconds.
      cpu: processor time that a step takes more than one without, seconds.
      size: bytes on disk for each step, the first one included.
    """

    step: float
    added: float
    cpu: float
    size: float


def measure(layers: int, width: int, steps: int, folder: pathlib.Path) -> dict[str, Cost]:
    """Returns the cost of no logging, of plain scalars and of our op."""
    with tf.Graph().as_default():
        feed, train_op, kinds = _program(layers, width)
        writers = {name: v1.summary.FileWriter(str(folder / name)) for name in kinds}
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            runs = {
                name: session.make_callable([train_op, summary], list(feed))
                for name, summary in kinds.items()
            }
            times = _times(runs, writers, list(feed.values()), steps)
        for writer in writers.values():
            writer.close()
    medians = {name: np.median(np.array(taken), axis=0) for name, taken in times.items()}
    plain = np.array(times["none"])
    return {
        name: Cost(
            medians[name][0],
            *np.median(np.array(taken) - plain, axis=0),
            sum(path.stat().st_size for path in (folder / name).iterdir()) / steps,
        )
        for name, taken in times.items()
    }


def _program(layers: int, width: int) -> tuple[dict[Any, Any], Any, dict[str, Any]]:
    x = v1.placeholder(tf.float32, [None, width])
    y = v1.placeholder(tf.int32, [None])
    net = x
    for index in range(layers):
        kernel = v1.get_variable(f"layer_{index}/weights", [width, width], use_resource=True)
        penalty = tf.multiply(1e-4, tf.nn.l2_loss(kernel), name=f"layer_{index}/weights/l2")
        v1.add_to_collection(v1.GraphKeys.REGULARIZATION_LOSSES, penalty)
        net = tf.nn.relu(net @ kernel)
    data_loss = v1.losses.sparse_softmax_cross_entropy(y, net)
    penalties = v1.losses.get_regularization_losses()
    total = v1.losses.get_total_loss()
    train_op = v1.train.MomentumOptimizer(1e-3, 0.9).minimize(total)
    kinds = {
        "none": tf.no_op(),
        "three scalars": v1.summary.merge(
            [
                v1.summary.scalar("data_loss", data_loss),
                v1.summary.scalar("regularization_loss", tf.add_n(penalties)),
                v1.summary.scalar("total_loss", total),
            ]
        ),
        "a scalar for each": v1.summary.merge(
            [v1.summary.scalar(penalty.op.name, penalty) for penalty in penalties]
        ),
        "our op": regloss_v1.op(total, train_op=train_op),
    }
    random = np.random.default_rng(1)
    feed = {x: random.random([64, width], np.float32), y: random.integers(0, width, 64)}
    return feed, train_op, kinds


def _times(
    runs: dict[str, Callable[..., Any]], writers: dict[str, Any], values: list[Any], steps: int
) -> dict[str, list[tuple[float, float]]]:
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    order = np.random.default_rng(2)
    names = list(runs)
    for step in range(steps):
        order.shuffle(names)
        for name in names:
            begin, begin_cpu = time.perf_counter(), time.process_time()
            _, summary = runs[name](*values)
            if summary is not None:
                writers[name].add_summary(summary, step)
            taken = time.perf_counter() - begin, time.process_time() - begin_cpu
            times[name].append(taken)
    return times


def main(steps: int = 1500) -> int:
    """Prints the table."""
    print(
        f"{'losses':>6} {'logging':<18} {'step ms':>8} {'added us':>9} {'cpu us':>7} {'bytes':>6}"
    )
    for layers, width in ((3, 512), (53, 64)):
        with tempfile.TemporaryDirectory() as folder:
            costs = measure(layers, width, steps, pathlib.Path(folder))
        for name, cost in costs.items():
            print(
                f"{layers:>6} {name:<18} {cost.step * 1e3:>8.3f} {cost.added * 1e6:>9.1f} "
                f"{cost.cpu * 1e6:>7.1f} {cost.size:>6.0f}"
            )
        ours, three, each = (
            costs[name] for name in ("our op", "three scalars", "a scalar for each")
        )
        print(
            f"       our op / three scalars: {ours.step / three.step:.3f} of a step\n"
            f"       our op / a scalar for each: {ours.step / each.step:.3f} of a step, "
            f"{ours.cpu / each.cpu:.2f} of the added processor time, "
            f"{ours.size / each.size:.2f} of the bytes"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
