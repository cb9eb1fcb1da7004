# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""`on_missing`: a training program that is stopped, warned or left alone by the proof."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

pytestmark = pytest.mark.tf

tf = pytest.importorskip("tensorflow")

from tb_regloss import errors
from tb_regloss.analysis.verdict_types import Status
from tb_regloss.summary import _guard, v1, v2
from tests import written_logs

tf1 = tf.compat.v1
X = np.linspace(-1, 1, 24, dtype=np.float32).reshape(8, 3)
Y = np.arange(8) % 3


def tf1_program(is_bug):
    """A classifier with two penalties, and what is handed to its optimizer."""
    x, y = tf1.placeholder(tf.float32, [None, 3]), tf1.placeholder(tf.int32, [None])
    net = x
    for name in ("first", "second"):
        kernel = tf1.get_variable(name, [3, 3])
        penalty = tf.multiply(0.1, tf.nn.l2_loss(kernel), name=f"{name}_l2")
        tf1.add_to_collection("regularization_losses", penalty)
        net = net @ kernel
    data_loss = tf1.losses.sparse_softmax_cross_entropy(y, net)
    loss = data_loss if is_bug else tf1.losses.get_total_loss()
    step = tf1.train.get_or_create_global_step()
    train_op = tf1.train.AdamOptimizer().minimize(loss, step)
    return loss, train_op, {x: X, y: Y}


@pytest.fixture
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


class TestHook:
    def test_raise_stops_before_the_first_step(self, graph, tmp_path):
        loss, train_op, _ = tf1_program(is_bug=True)
        hook = v1.RegLossHook(str(tmp_path), loss, train_op=train_op, on_missing="raise")
        with (
            pytest.raises(errors.MissingRegularizationError) as caught,
            tf1.train.MonitoredTrainingSession(hooks=[hook]),
        ):
            pytest.fail("the session was handed out")
        text = str(caught.value)
        assert "2 of 2 regularization losses never reach" in text
        assert "missing: first_l2:0 (created at test_summary_guard.py:" in text
        assert "get_total_loss()" in text or "get_regularization_loss()" in text
        # What was found can be looked at.
        assert written_logs.read(tmp_path).graph_defs

    def test_warns_by_default_and_trains(self, graph, tmp_path):
        loss, train_op, feed = tf1_program(is_bug=True)
        hook = v1.RegLossHook(str(tmp_path), loss, train_op=train_op)
        with (
            pytest.warns(UserWarning, match="2 of 2 regularization losses never reach"),
            tf1.train.MonitoredTrainingSession(hooks=[hook]) as session,
        ):
            session.run(train_op, feed)
        assert written_logs.read(tmp_path).vector

    @pytest.mark.parametrize("on_missing", ["raise", "warn"])
    def test_says_nothing_where_all_is_well(self, graph, tmp_path, on_missing):
        loss, train_op, feed = tf1_program(is_bug=False)
        hook = v1.RegLossHook(str(tmp_path), loss, train_op=train_op, on_missing=on_missing)
        with tf1.train.MonitoredTrainingSession(hooks=[hook]) as session:
            session.run(train_op, feed)

    def test_function_gets_the_verdict(self, graph, tmp_path):
        loss, train_op, _ = tf1_program(is_bug=True)
        verdicts = []
        hook = v1.RegLossHook(str(tmp_path), loss, train_op=train_op, on_missing=verdicts.append)
        with tf1.train.MonitoredTrainingSession(hooks=[hook]):
            pass
        assert [verdict.status for verdict in verdicts] == [Status.MISSING]

    def test_none_does_not_look(self, graph, tmp_path):
        loss, train_op, _ = tf1_program(is_bug=True)
        hook = v1.RegLossHook(str(tmp_path), loss, train_op=train_op, on_missing=None)
        with tf1.train.MonitoredTrainingSession(hooks=[hook]):
            pass


class TestOp:
    def test_raise_with_the_train_op_at_hand(self, graph):
        loss, train_op, _ = tf1_program(is_bug=True)
        with pytest.raises(errors.MissingRegularizationError, match="second_l2:0"):
            v1.op(loss, train_op=train_op, on_missing="raise")

    def test_passes_where_all_is_well(self, graph):
        loss, train_op, _ = tf1_program(is_bug=False)
        v1.op(loss, train_op=train_op, on_missing="raise")

    def test_needs_the_train_op(self, graph):
        loss, _, _ = tf1_program(is_bug=True)
        with pytest.raises(errors.DeclarationError, match=r"without train_op.*RegLossHook"):
            v1.op(loss, on_missing="warn")

    def test_wrong_option(self, graph, tmp_path):
        loss, train_op, _ = tf1_program(is_bug=True)
        with pytest.raises(errors.DeclarationError, match="on_missing is 'stop'"):
            v1.op(loss, train_op=train_op, on_missing="stop")
        with pytest.raises(errors.DeclarationError, match="on_missing is 1"):
            v1.RegLossHook(str(tmp_path), loss, on_missing=1)


def tf2_step(is_bug, on_missing):
    kernel = tf.Variable(tf.random.stateless_normal([3, 3], [1, 2]), name="kernel")

    @v2.export_graph(on_missing=on_missing)
    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(y, x @ kernel)
            data_loss = tf.reduce_mean(entropy)
            penalty = 0.1 * tf.nn.l2_loss(kernel)
            loss = data_loss if is_bug else data_loss + penalty
        v2.losses(data_loss, [penalty], loss, step=tf.constant(0, tf.int64), tape=tape)
        kernel.assign_sub(0.1 * tape.gradient(loss, kernel))
        return loss

    return step


class TestTf2:
    def test_raise_after_the_first_trace(self, tmp_path):
        step = tf2_step(is_bug=True, on_missing="raise")
        with (
            tf.summary.create_file_writer(str(tmp_path)).as_default(),
            pytest.raises(errors.MissingRegularizationError, match=r"test_summary_guard\.py:"),
        ):
            step(X, Y)

    def test_passes_where_all_is_well(self, tmp_path):
        step = tf2_step(is_bug=False, on_missing="raise")
        with tf.summary.create_file_writer(str(tmp_path)).as_default():
            step(X, Y)

    def test_said_once(self, tmp_path):
        step = tf2_step(is_bug=True, on_missing="warn")
        with (
            tf.summary.create_file_writer(str(tmp_path)).as_default(),
            warnings.catch_warnings(record=True) as caught,
        ):
            warnings.simplefilter("always")
            for _ in range(3):
                step(X, Y)
        assert len([each for each in caught if "never reach" in str(each.message)]) == 1


class TestTape:
    """What the tape of an eager step proves, without any graph."""

    @staticmethod
    def step(folder, is_bug, on_missing, persistent):
        kernel = tf.Variable([2.0, 1.0])
        with tf.summary.create_file_writer(str(folder)).as_default():
            for number in range(2):
                with tf.GradientTape(persistent=persistent) as tape:
                    data_loss, penalty = tf.reduce_mean(kernel), 0.1 * tf.nn.l2_loss(kernel)
                    loss = data_loss if is_bug else data_loss + penalty
                v2.losses(
                    data_loss, {"l2": penalty}, loss, number, tape=tape, on_missing=on_missing
                )
                tape.gradient(loss, kernel)

    @pytest.mark.parametrize("persistent", [False, True])
    def test_raise(self, tmp_path, persistent):
        with pytest.raises(errors.MissingRegularizationError, match=r"l2 \(created at test_"):
            self.step(tmp_path, True, "raise", persistent)
        self.step(tmp_path, False, "raise", persistent)

    def test_warns_once_by_default(self, tmp_path):
        with pytest.warns(UserWarning, match="never reaches") as said:
            self.step(tmp_path, True, "warn", persistent=False)
        assert len(said) == 1

    def test_function_and_none(self, tmp_path):
        verdicts = []
        self.step(tmp_path, True, verdicts.append, persistent=False)
        assert [verdict.status for verdict in verdicts] == [Status.MISSING]
        self.step(tmp_path, True, None, persistent=False)

    def test_wrong_option(self):
        one = tf.constant(1.0)
        with pytest.raises(errors.DeclarationError, match="on_missing is 'stop'"):
            v2.losses(one, [one], one, step=0, on_missing="stop")

    def test_traced_step_is_warned_of_once(self, tmp_path):
        """Of what the tape has proved, the graph has nothing new to say."""
        kernel = tf.Variable([2.0, 1.0])

        @v2.export_graph
        @tf.function
        def step():
            with tf.GradientTape() as tape:
                penalty = 0.1 * tf.nn.l2_loss(kernel)
                data_loss = tf.reduce_mean(kernel)
                loss = data_loss + 2.0 * penalty
            v2.losses(data_loss, {"l2": penalty}, loss, step=0, tape=tape)
            kernel.assign_sub(0.1 * tape.gradient(loss, kernel))

        with (
            tf.summary.create_file_writer(str(tmp_path)).as_default(),
            pytest.warns(UserWarning, match="l2") as said,
        ):
            step()
        # TensorFlow's own are of another category.
        assert len([each for each in said if each.category is UserWarning]) == 1


class TestKeras:
    @staticmethod
    def fit(folder, is_bug, on_missing):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            keras = pytest.importorskip("keras")
        from tb_regloss.summary.keras import RegLossCallback

        class Model(keras.Sequential):
            def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
                loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, y_pred))
                return loss if is_bug else loss + tf.add_n(self.losses)

        model = Model([keras.layers.Dense(3, "softmax", kernel_regularizer="l2", name="only")])
        model.compile("adam")
        callback = RegLossCallback(str(folder), on_missing=on_missing)
        return model.fit(X, Y, verbose=0, callbacks=[callback])

    def test_raise(self, tmp_path):
        with pytest.raises(errors.MissingRegularizationError, match="only/kernel_regularizer"):
            self.fit(tmp_path, is_bug=True, on_missing="raise")

    def test_error_of_a_function_is_the_users(self, tmp_path):
        def stop(verdict):
            raise KeyError(verdict.status)

        with pytest.raises(KeyError):
            self.fit(tmp_path, is_bug=True, on_missing=stop)

    def test_passes_where_all_is_well(self, tmp_path):
        self.fit(tmp_path, is_bug=False, on_missing="raise")


def test_graph_that_does_not_parse_only_warns():
    with pytest.warns(UserWarning, match="could not be checked before training"):
        _guard.guard("raise", None, b"\xff\xff", "graph_def")
