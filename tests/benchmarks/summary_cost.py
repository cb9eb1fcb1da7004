# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What logging the losses costs a training loop: `python -m tests.benchmarks.summary_cost`.

The programs train the same model, and each step returns its loss, as training
loops do. They differ in what they log; all record every step where nothing
else is said.
"""

from __future__ import annotations

import os
import pathlib
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import tensorflow as tf

from tb_regloss.summary import v1 as regloss_v1
from tb_regloss.summary import v2 as regloss_v2
from tests.benchmarks import paired, summary_cost_keras, summary_cost_torch, table

v1 = tf.compat.v1

THREE = "three scalars"
EACH = "a scalar for each"
PACKED = "one packed summary"
OURS = "ours"
UNRECORDED = "ours, not recorded"
EACH_UNRECORDED = "a scalar for each, not recorded"
SHAPES = ((3, 512), (53, 64))  # Layers, each with a penalty, and their width.


def tf1_round(layers: int, width: int, steps: int, folder: pathlib.Path) -> paired.Times:
    """Times a session's run and the writer's `add_summary`."""
    with tf.Graph().as_default():
        feed, fetches, kinds = _tf1_program(layers, width)
        writers = {name: v1.summary.FileWriter(str(folder / name)) for name in kinds}
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            calls = {
                name: session.make_callable([*fetches, *summary], list(feed))
                for name, summary in kinds.items()
            }

            def run(name: str, step: int) -> None:
                _, _, *summary = calls[name](*feed.values())
                if summary:
                    writers[name].add_summary(summary[0], step)

            times = paired.times(run, list(kinds), steps)
        for writer in writers.values():
            writer.close()
    return times


def _tf1_program(layers: int, width: int) -> tuple[dict[Any, Any], list[Any], dict[str, list[Any]]]:
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
    three = [
        v1.summary.scalar("data_loss", data_loss),
        v1.summary.scalar("regularization_loss", tf.add_n(penalties)),
        v1.summary.scalar("total_loss", total),
    ]
    each = [v1.summary.scalar(penalty.op.name, penalty) for penalty in penalties]
    packed = tf.raw_ops.TensorSummaryV2(
        tag="penalties", tensor=tf.stack(penalties), serialized_summary_metadata=b""
    )
    kinds = {
        paired.NONE: [],
        THREE: [v1.summary.merge(three)],
        EACH: [v1.summary.merge(each)],
        PACKED: [packed],
        OURS: [regloss_v1.op(total, train_op=train_op)],
        # The op is in the graph here; on this step nobody asks for it.
        UNRECORDED: [],
    }
    random = np.random.default_rng(1)
    feed = {x: random.random([64, width], np.float32), y: random.integers(0, width, 64)}
    return feed, [train_op, total], kinds


def function_round(layers: int, width: int, steps: int, folder: pathlib.Path) -> paired.Times:
    """Times the call of a traced step with a GradientTape."""
    at = tf.Variable(0, dtype=tf.int64)
    is_due = tf.Variable(False)
    kinds: dict[str, tuple[Callable[..., None], Any]] = {
        paired.NONE: (_nothing, True),
        THREE: (_three_scalars, True),
        EACH: (_scalar_for_each, True),
        PACKED: (_packed, True),
        OURS: (_ours, True),
        UNRECORDED: (_ours, lambda: is_due),
        EACH_UNRECORDED: (_scalar_for_each, lambda: is_due),
    }
    functions = {n: tf.function(_step(layers, width, log, at)) for n, (log, _) in kinds.items()}
    writers = {name: tf.summary.create_file_writer(str(folder / name)) for name in kinds}

    def run(name: str, step: int) -> None:
        at.assign(step)
        with writers[name].as_default(), tf.summary.record_if(kinds[name][1]):
            functions[name]()

    times = paired.times(run, list(functions), steps)
    for writer in writers.values():
        writer.close()
    return times


def _step(layers: int, width: int, log: Callable[..., None], at: Any) -> Callable[[], Any]:
    kernels = [tf.Variable(tf.random.normal([width, width]) * 0.1) for _ in range(layers)]
    x, y = tf.random.normal([64, width]), tf.random.uniform([64], 0, width, tf.int32)

    def step() -> Any:
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
        return total

    return step


def _nothing(*losses: Any) -> None:
    del losses


def _three_scalars(data_loss: Any, penalties: list[Any], total: Any, tape: Any, at: Any) -> None:
    del tape
    tf.summary.scalar("data_loss", data_loss, step=at)
    tf.summary.scalar("regularization_loss", tf.add_n(penalties), step=at)
    tf.summary.scalar("total_loss", total, step=at)


def _scalar_for_each(data_loss: Any, penalties: list[Any], total: Any, tape: Any, at: Any) -> None:
    del data_loss, total, tape
    for index, penalty in enumerate(penalties):
        tf.summary.scalar(f"layer_{index}/weights/l2", penalty, step=at)


def _packed(data_loss: Any, penalties: list[Any], total: Any, tape: Any, at: Any) -> None:
    del data_loss, total, tape
    tf.summary.write("penalties", tf.stack(penalties), step=at)


def _ours(data_loss: Any, penalties: list[Any], total: Any, tape: Any, at: Any) -> None:
    regloss_v2.losses(data_loss, penalties, total, step=at, tape=tape)


def rows_of(title: str, round_of: Callable[..., paired.Times], rounds: int) -> list[table.Row]:
    """Measures one way to train; prints it and returns what is limited."""
    rows = []
    for layers, width in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            times = [round_of(layers, width, 300, place) for _ in range(rounds)]
            found = paired.costs(times, place)
        paired.show(f"{title}, {layers} losses", found)
        ours, three, each = found[OURS], found[THREE], found[EACH]
        name = f"{title}: {layers} losses, "
        rows.append(table.Row(name + "a step, over three scalars", ours.step / three.step, 1.05))
        if layers > 3:
            wall = f"wall {ours.wall / each.wall:.2f}; " + (
                f"one packed summary alone {found[PACKED].cpu / each.cpu:.2f}"
            )
            rows += [
                table.Row(name + "added, over a scalar each", ours.cpu / each.cpu, 0.3, wall),
                table.Row(name + "bytes, over a scalar each", ours.size / each.size, 0.3),
            ]
        idle = found[UNRECORDED].step / found[paired.NONE].step
        rows.append(table.Row(name + "a step not recorded, over none", idle, 1.05))
    return rows


def main(rounds: int = 5) -> None:
    """Prints the tables; status 1 where a limit is not kept."""
    rows = rows_of("session", tf1_round, rounds)
    rows += rows_of("tf.function", function_round, rounds)
    rows += summary_cost_keras.rows(rounds)
    rows += summary_cost_torch.rows(rounds)
    print()
    table.show(rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
