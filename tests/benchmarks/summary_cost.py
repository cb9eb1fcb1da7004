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
from tb_regloss.summary import v2 as regloss_v2

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


def measure_tf1(layers: int, width: int, steps: int, folder: pathlib.Path) -> dict[str, Cost]:
    """Returns the cost of no logging, of plain scalars and of our op."""
    with tf.Graph().as_default():
        feed, train_op, kinds = _program(layers, width)
        writers = {name: v1.summary.FileWriter(str(folder / name)) for name in kinds}
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            fetches = {
                name: session.make_callable([train_op, summary], list(feed))
                for name, summary in kinds.items()
            }

            def run(name: str, step: int) -> None:
                _, summary = fetches[name](*feed.values())
                if summary is not None:
                    writers[name].add_summary(summary, step)

            times = _times(run, list(kinds), steps)
        for writer in writers.values():
            writer.close()
    return _costs(times, folder, steps)


def measure_tf2(layers: int, width: int, steps: int, folder: pathlib.Path) -> dict[str, Cost]:
    """Returns the same for a traced step with a GradientTape."""
    at = tf.Variable(0, dtype=tf.int64)
    functions = {
        name: tf.function(_step_function(layers, width, log, at))
        for name, log in _TF2_KINDS.items()
    }
    writers = {name: tf.summary.create_file_writer(str(folder / name)) for name in functions}

    def run(name: str, step: int) -> None:
        at.assign(step)
        with writers[name].as_default():
            functions[name]()

    times = _times(run, list(functions), steps)
    for writer in writers.values():
        writer.close()
    return _costs(times, folder, steps)


def _three_scalars(data_loss: Any, penalties: list[Any], total: Any, tape: Any, at: Any) -> None:
    del tape
    tf.summary.scalar("data_loss", data_loss, step=at)
    tf.summary.scalar("regularization_loss", tf.add_n(penalties), step=at)
    tf.summary.scalar("total_loss", total, step=at)


def _scalar_for_each(data_loss: Any, penalties: list[Any], total: Any, tape: Any, at: Any) -> None:
    del data_loss, total, tape
    for index, penalty in enumerate(penalties):
        tf.summary.scalar(f"layer_{index}/weights/l2", penalty, step=at)


def _ours(data_loss: Any, penalties: list[Any], total: Any, tape: Any, at: Any) -> None:
    regloss_v2.losses(data_loss, penalties, total, step=at, tape=tape)


def _nothing(*losses: Any) -> None:
    del losses


_TF2_KINDS: dict[str, Callable[..., None]] = {
    "none": _nothing,
    "three scalars": _three_scalars,
    "a scalar for each": _scalar_for_each,
    "our op": _ours,
}


def _step_function(
    layers: int, width: int, log: Callable[..., None], at: Any
) -> Callable[[], None]:
    kernels = [tf.Variable(tf.random.normal([width, width]) * 0.1) for _ in range(layers)]
    x, y = tf.random.normal([64, width]), tf.random.uniform([64], 0, width, tf.int32)

    def step() -> None:
        with tf.GradientTape() as tape:
            net = x
            for kernel in kernels:
                net = tf.nn.relu(net @ kernel)
            data_loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, net))
            penalties = [1e-4 * tf.nn.l2_loss(kernel) for kernel in kernels]
            total = data_loss + tf.add_n(penalties)
        log(data_loss, penalties, total, tape, at)
        for kernel, gradient in zip(kernels, tape.gradient(total, kernels), strict=True):
            kernel.assign_sub(1e-3 * gradient)

    return step


def _costs(times: dict[str, Any], folder: pathlib.Path, steps: int) -> dict[str, Cost]:
    # The first steps trace and compile.
    kept = {name: np.array(taken)[len(taken) // 20 :] for name, taken in times.items()}
    return {
        name: Cost(
            np.median(taken, axis=0)[0],
            *np.median(taken - kept["none"], axis=0),
            sum(path.stat().st_size for path in (folder / name).glob("*")) / steps,
        )
        for name, taken in kept.items()
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
    run: Callable[[str, int], None], names: list[str], steps: int
) -> dict[str, list[tuple[float, float]]]:
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    shuffled, order = list(names), np.random.default_rng(2)
    for step in range(steps):
        order.shuffle(shuffled)
        for name in shuffled:
            begin, begin_cpu = time.perf_counter(), time.process_time()
            run(name, step)
            taken = time.perf_counter() - begin, time.process_time() - begin_cpu
            times[name].append(taken)
    return times


def main(steps: int = 1500) -> int:
    """Prints the table."""
    for title, measure in (("TF1 session", measure_tf1), ("tf.function", measure_tf2)):
        print(f"{title:<25} {'step ms':>8} {'added us':>9} {'cpu us':>7} {'bytes':>6}")
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
