# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs that log their losses, run for real, and what readers get back."""

from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.tf

tf = pytest.importorskip("tensorflow")

from tb_regloss import metadata
from tb_regloss.summary import v1 as regloss_v1
from tests import written_logs
from tests.integration.v1_programs import (
    BATCH,
    batch,
    classifier,
    declaration_of,
    evaluated,
    line_above,
    logged,
    penalized,
)

v1 = tf.compat.v1


class TestWhatIsWritten:
    def test_values_of_all_losses(self, graph, tmp_path):
        x, y = batch()
        data_loss = classifier(x, y)
        total = v1.losses.get_total_loss()
        summary = regloss_v1.op(total)
        feed = {x: BATCH["x"], y: BATCH["y"]}
        log = logged(tmp_path, summary, feed, steps=3)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            want_data, want_total = session.run([data_loss, total], feed)
        assert log.scalars["regloss/data_loss"] == [(s, pytest.approx(want_data)) for s in range(3)]
        assert log.scalars["regloss/optimized_loss"][0] == (0, pytest.approx(want_total))
        assert log.scalars["regloss/regularization_sum"][2] == (2, pytest.approx(0.75 + 3.0))
        assert log.vector == [(step, [0.75, 3.0]) for step in range(3)]

    @pytest.mark.parametrize("loader", written_logs.PROVIDERS)
    def test_both_readers_get_all_series(self, graph, tmp_path, loader):
        x, y = batch()
        classifier(x, y)
        summary = regloss_v1.op(v1.losses.get_total_loss())
        logged(tmp_path / "train", summary, {x: BATCH["x"], y: BATCH["y"]}, steps=4)
        with written_logs.PROVIDERS[loader](tmp_path) as provider:
            (run,) = written_logs.series(provider).values()
        (vector,) = [tag for tag in run if tag.startswith(metadata.TAG_REGULARIZATION_LOSSES)]
        (declaration,) = [tag for tag in run if tag.startswith(metadata.TAG_DECLARATION)]
        assert set(run) == {
            vector,
            declaration,
            "regloss/data_loss",
            "regloss/regularization_sum",
            "regloss/optimized_loss",
        }
        assert vector.rpartition("/")[2] == declaration.rpartition("/")[2]
        assert run[vector] == [(step, [0.75, 3.0]) for step in range(4)]
        assert len(run[declaration]) == 1

    def test_declaration_comes_with_few_runs_only(self, graph):
        x, y = batch()
        classifier(x, y)
        summary = regloss_v1.op(v1.losses.get_total_loss())
        runs = evaluated(summary, steps=210, feed={x: BATCH["x"], y: BATCH["y"]})
        declared = [
            index
            for index, run in enumerate(runs)
            if any(value.tag.startswith(metadata.TAG_DECLARATION) for value in run.value)
        ]
        assert declared == [0, 199]

    def test_each_session_declares_anew(self, graph):
        x, y = batch()
        classifier(x, y)
        summary = regloss_v1.op(v1.losses.get_total_loss())
        feed = {x: BATCH["x"], y: BATCH["y"]}
        counts = [len(evaluated(summary, feed=feed)[0].value) for _ in range(2)]
        assert counts == [5, 5]

    def test_nan_and_half_precision(self, graph, tmp_path):
        half = v1.get_variable("w", initializer=np.float16([3.0]))
        penalty = tf.nn.l2_loss(half)
        v1.losses.add_loss(penalty, v1.GraphKeys.REGULARIZATION_LOSSES)
        data_loss = v1.placeholder_with_default(np.float64(np.nan), [])
        log = logged(tmp_path, regloss_v1.op(data_loss, data_loss=data_loss))
        assert np.isnan(log.scalars["regloss/data_loss"][0][1])
        assert log.vector == [(0, [4.5])]

    def test_merges_with_the_summaries_of_the_user(self, graph, tmp_path):
        x, y = batch()
        classifier(x, y)
        loss = v1.losses.get_total_loss()
        v1.summary.scalar("mine", loss)
        assert v1.summary.merge_all() is not None
        own = regloss_v1.op(loss)
        assert len(graph.get_collection(v1.GraphKeys.SUMMARIES)) == 1
        merged = v1.summary.merge([own, v1.summary.merge_all()])
        (run,) = evaluated(merged, feed={x: BATCH["x"], y: BATCH["y"]})
        assert {"mine", "regloss/data_loss"} <= {value.tag for value in run.value}

    def test_merge_all_finds_it_when_asked(self, graph):
        x, y = batch()
        classifier(x, y)
        regloss_v1.op(v1.losses.get_total_loss(), add_to_summaries=True)
        (run,) = evaluated(v1.summary.merge_all(), feed={x: BATCH["x"], y: BATCH["y"]})
        assert "regloss/optimized_loss" in {value.tag for value in run.value}

    def test_thousand_regularization_losses_fit_the_bounds(self, graph, tmp_path):
        for index in range(1000):
            penalized(f"block_{index // 10}/unit_{index % 10}/bottleneck/weights", [1.0])
        data_loss = v1.placeholder_with_default(1.0, [])
        summary = regloss_v1.op(v1.losses.get_total_loss(), data_loss=data_loss)
        logged(tmp_path / "once", summary, steps=1)
        logged(tmp_path / "more", summary, steps=9)
        once, more = (written_logs.size(tmp_path / name) for name in ("once", "more"))
        assert once < 1_000_000 / 2  # A few runs later it is written a second time.
        assert (more - once) / 8 < 4000 + 500


class TestDeclaration:
    def test_names_variables_lines(self, graph, tmp_path):
        x, y = batch()
        classifier(x, y)
        total = v1.losses.get_total_loss()
        line = line_above()
        log = logged(tmp_path, regloss_v1.op(total), {x: BATCH["x"], y: BATCH["y"]})
        first, second = log.declaration.regularization_losses
        assert (first.name, first.tensor) == ("w0_penalty:0", "w0_penalty:0")
        assert (first.variables, second.variables) == (("w0",), ("w1",))
        source = inspect.getsourcelines(penalized)
        assert first.created_at == f"v1_programs.py:{source[1] + 2}"
        assert log.declaration.optimized_loss.name == "total_loss:0"
        assert log.declaration.optimized_loss.created_at == line
        (data_loss,) = log.declaration.data_losses
        assert data_loss.name == "sparse_softmax_cross_entropy_loss/value:0"
        lines, start = inspect.getsourcelines(classifier)
        assert data_loss.created_at == f"v1_programs.py:{start + len(lines) - 1}"
        assert log.declaration.framework == "tf1"

    @pytest.mark.parametrize("resource", [False, True])
    def test_ref_and_resource_partitioned_and_shared_variables(self, graph, resource):
        with v1.variable_scope("m", use_resource=resource):
            w = v1.get_variable("w", [4, 2], partitioner=tf.compat.v1.fixed_size_partitioner(2))
            w = tf.convert_to_tensor(w)
            v1.losses.add_loss(tf.nn.l2_loss(w), v1.GraphKeys.REGULARIZATION_LOSSES)
            for reuse in (False, True):
                with v1.variable_scope("shared", reuse=reuse):
                    shared = v1.get_variable("k", [2])
            decay = v1.get_variable("decay", initializer=0.1, trainable=False)
            penalty = decay * tf.reduce_sum(tf.abs(shared))
            v1.losses.add_loss(penalty, v1.GraphKeys.REGULARIZATION_LOSSES)
        x = v1.placeholder_with_default([1.0], [None])
        declared = declaration_of(tf.reduce_mean(x), data_loss=tf.reduce_mean(x))
        assert [set(loss.variables) for loss in declared.regularization_losses] == [
            {"m/w/part_0", "m/w/part_1"},
            {"m/shared/k"},
        ]

    def test_get_variable_regularizer_adds_no_copy_of_the_penalty(self, graph):
        v1.get_variable("w", [2], regularizer=lambda w: tf.nn.l2_loss(w, name="lazy"))
        before = [op.name for op in graph.get_operations() if op.type == "L2Loss"]
        x = tf.reduce_mean(v1.placeholder(tf.float32, [None]))
        declared = declaration_of(x, data_loss=x)
        after = [op.name for op in graph.get_operations() if op.type == "L2Loss"]
        assert after == before
        assert declared.regularization_losses[0].tensor == f"{before[-1]}:0"
        assert declared.regularization_losses[0].variables == ("w",)

    def test_members_of_losses_that_read_variables_only(self, graph):
        x, y = batch()
        variable = v1.get_variable("w", initializer=np.float32(np.eye(3)))
        v1.losses.add_loss(0.1 * tf.nn.l2_loss(variable, name="decay"))
        v1.losses.sparse_softmax_cross_entropy(y, x @ variable)
        total = tf.add_n(v1.get_collection("losses"), name="total")
        v1.add_to_collection("losses", total)  # As the CIFAR-10 tutorial's loss() ends up.
        declared = declaration_of(total)
        assert [loss.variables for loss in declared.regularization_losses] == [("w",)]
        assert [loss.name for loss in declared.data_losses] == [
            "sparse_softmax_cross_entropy_loss/value:0"
        ]

    def test_total_alone_in_losses_is_taken_apart(self, graph):
        x, _ = batch()
        _, penalty = penalized("w", [1.0])
        data_loss = tf.reduce_mean(x, name="data")
        v1.losses.add_loss(tf.add(data_loss, penalty))
        declared = declaration_of(data_loss)
        assert [loss.name for loss in declared.data_losses] == ["data:0"]
        assert [loss.name for loss in declared.regularization_losses] == ["w_penalty:0"]

    def test_data_held_in_constants_is_data(self, graph):
        weights, _ = penalized("w", [[1.0], [2.0], [3.0]])
        v1.losses.mean_squared_error(BATCH["y"][:, None], np.float32(BATCH["x"]) @ weights)
        declared = declaration_of(v1.losses.get_total_loss())
        assert [loss.name for loss in declared.data_losses] == ["mean_squared_error/value:0"]
        assert len(declared.regularization_losses) == 1

    def test_fed_strength_is_not_data(self, graph):
        x, _ = batch()
        weights = v1.get_variable("w", [3, 3])
        v1.losses.add_loss(v1.placeholder(tf.float32, []) * tf.nn.l2_loss(weights))
        declared = declaration_of(tf.reduce_mean(x), data_loss=tf.reduce_mean(x))
        assert [loss.variables for loss in declared.regularization_losses] == [("w",)]

    def test_further_collections(self, graph, tmp_path):
        x, y = batch()
        classifier(x, y, penalties=1)
        weights = v1.get_variable("late", initializer=[2.0])
        v1.add_to_collection("stage2_l2", tf.nn.l2_loss(weights, name="late_l2"))
        summary = regloss_v1.op(v1.losses.get_total_loss(), collections=["stage2_l2"])
        log = logged(tmp_path, summary, {x: BATCH["x"], y: BATCH["y"]})
        assert log.scalars["regloss/collections/stage2_l2"] == [(0, 2.0)]
        assert [loss.name for loss in log.declaration.collections["stage2_l2"]] == ["late_l2:0"]
        assert log.declaration.regularization_losses[-1].name == "late_l2:0"

    def test_explicit_losses_and_train_op(self, graph):
        x, _ = batch()
        weights = v1.get_variable("w", [3])
        data_loss, penalty = tf.reduce_mean(x * weights), tf.nn.l2_loss(weights)
        train_op = v1.train.AdamOptimizer().minimize(data_loss, name="train")
        declared = declaration_of(
            data_loss, data_loss=[data_loss], regularization_losses=[penalty], train_op=train_op
        )
        assert declared.train_op == "train"
        assert [loss.name for loss in declared.regularization_losses] == [penalty.name]


def test_write_graph(graph, tmp_path):
    x, y = batch()
    v1.train.AdamOptimizer().minimize(classifier(x, y), name="train")
    with v1.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_summary(v1.Summary(), 0)
    regloss_v1.write_graph(str(tmp_path))
    first, _ = sorted(path.name for path in tmp_path.iterdir())
    assert first.endswith(".graph")  # TensorBoard follows the last one.
    log = written_logs.read(tmp_path)
    assert len(log.graph_defs) == len(log.meta_graphs) == 1
    collections = v1.MetaGraphDef.FromString(log.meta_graphs[0]).collection_def
    assert {"losses", "regularization_losses", "trainable_variables", "train_op"} <= set(
        collections
    )


def test_control_flow_and_control_dependencies(graph, tmp_path):
    x, y = batch()
    classifier(x, y)
    loss = v1.losses.get_total_loss()
    with tf.control_dependencies([tf.no_op("before")]), tf.device("/device:GPU:0"):
        summary = regloss_v1.op(loss)
    switched = tf.cond(tf.constant(True), lambda: tf.constant(1.0), lambda: tf.constant(2.0))
    other = regloss_v1.op(switched, data_loss=switched, name="other")
    with v1.Session(config=v1.ConfigProto(allow_soft_placement=True)) as session:
        session.run(v1.global_variables_initializer())
        for each in (summary, other):
            assert session.run(each, {x: BATCH["x"], y: BATCH["y"]})


@pytest.mark.parametrize("module", ["tb_regloss", "tb_regloss.summary.pb", "tb_regloss.metadata"])
def test_import_loads_no_framework(module):
    check = (
        f"import sys, {module}; "
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'torch', 'keras')))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_that_import_check_can_fail():
    check = "import sys, tb_regloss.summary.v1; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 1
