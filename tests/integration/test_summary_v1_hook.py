# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The hook in real TF1 sessions, MonitoredTrainingSession and tf-slim's own loop."""

from __future__ import annotations

import contextlib
import gc
import os
import pathlib
import subprocess
import sys
import warnings

import numpy as np
import pytest

pytestmark = pytest.mark.tf

tf = pytest.importorskip("tensorflow")

from tb_regloss import errors
from tb_regloss.summary import v1 as regloss_v1
from tests import written_logs
from tests.integration.v1_programs import BATCH, batch, classifier, line_above, logged, penalized

v1 = tf.compat.v1


class TestHook:
    def test_monitored_session(self, graph, tmp_path):
        train_op, hook, feed = self.program(tmp_path, save_steps=3)
        with v1.train.MonitoredTrainingSession(hooks=[hook]) as session:
            for _ in range(7):
                session.run(train_op, feed)
        log = written_logs.read(tmp_path)
        assert [step for step, _ in log.vector] == [1, 4, 7]
        assert [step for step, _ in log.scalars["regloss/data_loss"]] == [1, 4, 7]
        assert len(log.declarations) == 1
        definition, meta = log.graph_defs[-1], log.meta_graphs[-1]
        names = {node.name for node in v1.GraphDef.FromString(definition).node}
        assert "train" in names
        collections = v1.MetaGraphDef.FromString(meta).collection_def
        assert list(collections["regularization_losses"].node_list.value) == [
            "w0_penalty:0",
            "w1_penalty:0",
        ]
        assert "train" in {node.name for node in v1.MetaGraphDef.FromString(meta).graph_def.node}

    def test_restart_into_the_same_folder(self, graph, tmp_path):
        train_op, hook, feed = self.program(tmp_path / "logs", save_steps=2)
        checkpoints = str(tmp_path / "checkpoints")
        for _ in range(2):
            with v1.train.MonitoredTrainingSession(
                checkpoint_dir=checkpoints,
                hooks=[hook],
                save_summaries_steps=None,
                save_summaries_secs=None,
                save_checkpoint_secs=None,
                save_checkpoint_steps=1,
            ) as session:
                for _ in range(3):
                    session.run(train_op, feed)
        log = written_logs.read(tmp_path / "logs")
        assert [step for step, _ in log.vector] == [1, 3, 4, 6]
        assert len({repr(declared) for declared in log.declarations}) == 1
        assert len(log.declarations) == 2

    def test_runs_that_are_not_recorded_fetch_nothing(self, graph, tmp_path):
        _, hook, _ = self.program(tmp_path, save_steps=5)
        hook.begin()
        hook.after_create_session(v1.Session(), None)
        asked = []
        for run in range(6):
            asked.append(hook.before_run(None) is not None)
            if asked[-1]:
                hook._timer.update_last_triggered_step(run)
            hook._runs += 1
        assert asked == [True, False, False, False, False, True]

    def test_each_step_of_a_quick_loop(self, graph, tmp_path):
        train_op, hook, feed = self.program(tmp_path, save_steps=1)
        with v1.train.MonitoredTrainingSession(hooks=[hook]) as session:
            for _ in range(21):
                session.run(train_op, feed)
        log = written_logs.read(tmp_path)
        assert [step for step, _ in log.vector] == list(range(1, 22))
        optimized = [value for _, value in log.scalars["regloss/optimized_loss"]]
        assert optimized == sorted(optimized, reverse=True)
        assert len(log.declarations) == 1

    def test_training_that_fails_keeps_what_was_logged(self, graph, tmp_path):
        def fail():
            train_op, hook, feed = self.program(tmp_path, save_steps=1)
            with v1.train.MonitoredTrainingSession(hooks=[hook]) as session:
                for _ in range(5):
                    session.run(train_op, feed)
                raise ZeroDivisionError

        with contextlib.suppress(ZeroDivisionError):
            fail()
        gc.collect()
        assert [step for step, _ in written_logs.read(tmp_path).vector] == [1, 2, 3, 4, 5]

    def test_writer_that_knows_summaries_only(self, graph, tmp_path):
        class Writer:
            def __init__(self):
                self.added = []

            def add_summary(self, summary, step):
                self.added.append((step, len(summary.value)))

            def add_graph(self, graph):
                del graph

            add_meta_graph = add_graph

            def flush(self):
                self.added.append("flushed")

        writer = Writer()
        train_op, hook, feed = self.program(writer, save_steps=2)
        with v1.train.MonitoredTrainingSession(hooks=[hook]) as session:
            for _ in range(4):
                session.run(train_op, feed)
        assert writer.added == ["flushed", (1, 5), (3, 4), "flushed"]

    def test_given_writer(self, graph, tmp_path):
        x, y = batch()
        classifier(x, y)
        v1.train.get_or_create_global_step()
        writer = v1.summary.FileWriter(str(tmp_path))
        loss = v1.losses.get_total_loss()
        hook = regloss_v1.RegLossHook(writer, loss, save_secs=1000)
        with v1.train.MonitoredTrainingSession(hooks=[hook]) as session:
            session.run(loss, {x: BATCH["x"], y: BATCH["y"]})
        assert [step for step, _ in written_logs.read(tmp_path).vector] == [0]

    def test_wrong_use_fails_when_it_is_made(self, graph, tmp_path):
        with pytest.raises(errors.DeclarationError, match="No data loss"):
            regloss_v1.RegLossHook(str(tmp_path), penalized("w", [1.0])[1])
        good = tf.constant(1.0)
        with pytest.raises(errors.DeclarationError, match="exactly one"):
            regloss_v1.RegLossHook(str(tmp_path), good, good, [good], save_steps=1, save_secs=1.0)

    def test_no_global_step(self, graph, tmp_path):
        good = tf.constant(1.0)
        hook = regloss_v1.RegLossHook(str(tmp_path), good, good, [good])
        with pytest.raises(errors.DeclarationError, match="global step"):
            hook.begin()

    @staticmethod
    def program(folder, save_steps):
        x, y = batch()
        classifier(x, y)
        loss = v1.losses.get_total_loss()
        optimizer = v1.train.GradientDescentOptimizer(0.1)
        step = v1.train.get_or_create_global_step()
        train_op = optimizer.minimize(loss, global_step=step, name="train")
        to = str(folder) if isinstance(folder, pathlib.Path) else folder
        hook = regloss_v1.RegLossHook(to, loss, train_op=train_op, save_steps=save_steps)
        return train_op, hook, {x: BATCH["x"], y: BATCH["y"]}


@pytest.mark.filterwarnings("ignore:`.*` is deprecated and will be removed")
class TestSlim:
    """tf-slim as its users write it."""

    @staticmethod
    def model(slim, weight_decay=0.1):
        images = v1.placeholder_with_default(np.ones([4, 6, 6, 1], np.float32), [None, 6, 6, 1])
        with slim.arg_scope(
            [slim.conv2d, slim.fully_connected],
            weights_regularizer=slim.l2_regularizer(weight_decay),
        ):
            net = slim.conv2d(images, 2, [3, 3], scope="conv1")
            conv = line_above()
            net = slim.fully_connected(slim.flatten(net), 3, scope="fc")
            fc = line_above()
        v1.losses.sparse_softmax_cross_entropy(np.zeros(4, np.int32), net)
        return conv, fc

    @pytest.fixture
    def slim(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pytest.importorskip("tf_slim")

    def test_create_train_op(self, graph, slim, tmp_path):
        conv, fc = self.model(slim)
        total = v1.losses.get_total_loss()
        train_op = slim.learning.create_train_op(total, v1.train.GradientDescentOptimizer(0.1))
        log = logged(tmp_path, regloss_v1.op(total, train_op=train_op))
        declared = log.declaration
        assert declared.framework == "tf1-slim"
        assert [
            (loss.name, loss.variables, loss.created_at) for loss in declared.regularization_losses
        ] == [
            ("conv1/kernel/Regularizer/l2_regularizer:0", ("conv1/weights",), conv),
            ("fc/kernel/Regularizer/l2_regularizer:0", ("fc/weights",), fc),
        ]
        assert declared.train_op == train_op.op.name

    def test_weight_decay_zero_only_warns(self, graph, slim):
        self.model(slim, weight_decay=0.0)
        with pytest.warns(UserWarning, match="weight decay 0"):
            regloss_v1.op(v1.losses.get_total_loss())

    def test_learning_train(self, root, tmp_path):
        program = root / "tests" / "programs" / "slim_learning_train.py"
        subprocess.run(
            [sys.executable, program, tmp_path], check=True, cwd=root, env=_environment(root)
        )
        log = written_logs.read(tmp_path)
        assert log.vector
        assert log.declaration.framework == "tf1-slim"
        lines = program.read_text().splitlines()
        (line,) = [number for number, text in enumerate(lines, 1) if "slim.fully_connected" in text]
        (loss,) = log.declaration.regularization_losses
        assert loss.created_at == f"{program.name}:{line}"
        assert log.graph_defs
        assert log.meta_graphs


def _environment(root):
    return {**os.environ, "PYTHONPATH": str(root)}
