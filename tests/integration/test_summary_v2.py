# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""GradientTape programs that log their losses, run for real."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

pytestmark = pytest.mark.tf

tf = pytest.importorskip("tensorflow")

from tb_regloss import errors, metadata
from tb_regloss.summary import v2
from tests import written_logs

BATCH = np.array([[3.0, 4.0]], np.float32)


def line_of(text):
    """Where a line with this text stands in this file."""
    lines, _ = inspect.getsourcelines(inspect.getmodule(line_of))
    found = [number for number, line in enumerate(lines, 1) if line.strip().startswith(text)]
    return f"test_summary_v2.py:{found[0]}"


class Program:
    """A training loop with one penalty that counts and one that is cut off."""

    def __init__(self, persistent=False, inside=False, scale=1.0):
        self.kernel = tf.Variable([2.0, 1.0], name="kernel")
        self.other = tf.Variable([1.0], name="other")
        self.step = tf.Variable(0, dtype=tf.int64)
        self.persistent, self.inside, self.scale = persistent, inside, scale

    def train_step(self, batch):
        with tf.GradientTape(persistent=self.persistent) as tape:
            data_loss = tf.reduce_mean((self.kernel * batch) ** 2)
            kept = 0.1 * tf.nn.l2_loss(self.kernel)
            twice = 0.1 * tf.nn.l2_loss(self.other)
            cut = 0.1 * tf.reduce_sum(tf.abs(self.kernel))
            loss = data_loss + kept + 2.0 * twice + tf.stop_gradient(cut)
            scaled = loss * self.scale
            if self.inside:
                self.log(data_loss, [kept, twice, cut], loss, tape)
        if not self.inside:
            self.log(data_loss, [kept, twice, cut], loss, tape)
        variables = [self.kernel, self.other]
        gradients = tape.gradient(scaled, variables)
        for variable, gradient in zip(variables, gradients):  # noqa: B905  # AutoGraph of 2.12 has no strict=
            variable.assign_sub(0.001 * gradient / self.scale)
        return gradients

    def log(self, data_loss, penalties, loss, tape):
        v2.losses(data_loss, penalties, loss, step=self.step, tape=tape, on_missing=None)


def run(folder, function, program, steps=4, record_if=True):
    with tf.summary.create_file_writer(str(folder)).as_default() as writer:
        for step in range(steps):
            program.step.assign(step)
            with tf.summary.record_if(record_if):
                function(tf.constant(BATCH))
        writer.close()
    return written_logs.read(folder)


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("inside", [False, True])
def test_values_and_multipliers(tmp_path, traced, persistent, inside):
    program = Program(persistent, inside)
    step = tf.function(program.train_step) if traced else program.train_step
    log = run(tmp_path, step, program)
    assert [at for at, _ in log.vector] == [0, 1, 2, 3]
    assert log.vector[0][1] == pytest.approx([0.25, 0.05, 0.3])
    assert log.scalars["regloss/data_loss"][0] == (0, 26.0)
    assert log.scalars["regloss/optimized_loss"][0] == (0, pytest.approx(26.65))
    assert log.scalars["regloss/regularization_sum"][0] == (0, pytest.approx(0.6))
    assert len(log.declarations) == 1
    penalties = log.declaration.regularization_losses
    # Cut, or a copy of what is in the loss: the tape cannot tell, the paths of the graph do.
    assert [loss.multiplier for loss in penalties] == [1.0, 2.0, 0.0 if traced else None]
    assert [loss.detached for loss in penalties] == [False, False, traced]
    assert log.declaration.framework == "tf2"


def test_gradients_of_the_user_are_the_same(tmp_path):
    plain, logged = Program(), Program()
    want = plain.train_step(tf.constant(BATCH))  # No writer: nothing is measured.
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        got = logged.train_step(tf.constant(BATCH))
    assert [each.numpy().tolist() for each in got] == [each.numpy().tolist() for each in want]


def test_multiplier_that_changes_from_step_to_step(tmp_path):
    """Not known while tracing: that of the first recorded step is written."""
    kernel, strength = tf.Variable([2.0]), tf.Variable(3.0, trainable=False)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            data_loss = tf.reduce_sum(kernel)
            penalty = tf.nn.l2_loss(kernel)
            loss = data_loss + strength * penalty
        v2.losses(data_loss, [penalty], loss, step=tf.cast(strength, tf.int64), tape=tape)
        return tape.gradient(loss, kernel)

    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        for _ in range(3):
            step()
            strength.assign_add(1.0)
    log = written_logs.read(tmp_path)
    assert [loss.multiplier for loss in log.declaration.regularization_losses] == [3.0]
    assert len(log.declarations) == 1
    assert [at for at, _ in log.vector] == [3, 4, 5]


@pytest.mark.parametrize("tape_given", [False, True])
def test_declaration_costs_the_steps_no_op(tmp_path, tape_given):
    program = Program()
    if not tape_given:
        program.log = lambda data, penalties, loss, tape: v2.losses(
            data, penalties, loss, step=program.step
        )
    step = tf.function(program.train_step)
    log = run(tmp_path, step, program)
    assert len(log.declarations) == 1
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        graph = step.get_concrete_function(tf.constant(BATCH)).graph
    assert not {op.type for op in graph.get_operations()} & {
        "If",
        "StatelessIf",
        "LookupTableFindV2",
    }


@pytest.mark.parametrize("traced", [False, True])
def test_penalties_that_are_computed_twice_are_not_called_missing(tmp_path, traced):
    """As `model.losses` does at each read."""
    kernel = tf.Variable([2.0])

    def step():
        with tf.GradientTape() as tape:
            data_loss = tf.reduce_sum(kernel)
            loss = data_loss + tf.nn.l2_loss(kernel)
        v2.losses(data_loss, [tf.nn.l2_loss(kernel)], loss, step=0, tape=tape)
        tape.gradient(loss, kernel)

    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        (tf.function(step) if traced else step)()
    (declared,) = written_logs.read(tmp_path).declaration.regularization_losses
    assert declared.multiplier is None


def test_eager_penalty_that_is_not_in_the_value_either(tmp_path):
    kernel = tf.Variable([2.0])
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(kernel)
            penalty = tf.nn.l2_loss(kernel)
        v2.losses(loss, [penalty], loss, step=0, tape=tape, on_missing=None)
        tape.gradient(loss, kernel)
    (declared,) = written_logs.read(tmp_path).declaration.regularization_losses
    assert declared.multiplier == 0.0


@pytest.mark.parametrize("traced", [False, True])
def test_loss_scale_is_divided_out(tmp_path, traced):
    program = Program(scale=1024.0)
    step = tf.function(program.train_step) if traced else program.train_step
    log = run(tmp_path, step, program)
    multipliers = [loss.multiplier for loss in log.declaration.regularization_losses]
    assert multipliers == [1.0, 2.0, 0.0 if traced else None]


def test_source_lines_variables_and_tensors_of_a_traced_step(tmp_path):
    program = Program()
    log = run(tmp_path, v2.export_graph(tf.function(program.train_step), on_missing=None), program)
    kept, twice, cut = log.declaration.regularization_losses
    assert kept.created_at == line_of("kept = ")
    assert twice.created_at == line_of("twice = ")
    assert log.declaration.optimized_loss.created_at == line_of("loss = data_loss + kept")
    assert log.declaration.data_losses[0].created_at == line_of("data_loss = tf.reduce_mean")
    assert [loss.variables for loss in (kept, twice, cut)] == [("kernel",), ("other",), ("kernel",)]
    nodes = {node.name for node in tf.compat.v1.GraphDef.FromString(log.graph_defs[0]).node}
    assert {loss.tensor.split(":")[0] for loss in (kept, twice, cut)} <= nodes


def test_source_line_of_an_eager_step(tmp_path):
    program = Program()
    log = run(tmp_path, program.train_step, program)
    declared = log.declaration
    kept, _, cut = declared.regularization_losses
    assert kept.created_at == line_of("kept = ")
    assert cut.created_at == line_of("cut = ")
    assert declared.data_losses[0].created_at == line_of("data_loss = tf.reduce_mean")
    assert declared.optimized_loss.created_at == line_of("loss = data_loss + kept")


def test_penalties_in_model_losses_are_of_the_lines_of_their_layers(tmp_path):
    keras = pytest.importorskip("keras")
    first = keras.layers.Dense(2, kernel_regularizer="l2")
    second = keras.layers.Dense(2, bias_regularizer="l1")
    model = keras.Sequential([first, second])
    model.build((None, 2))

    @tf.function
    def step():
        mine = 0.1 * tf.nn.l2_loss(first.kernel)
        data_loss = tf.reduce_mean(model(tf.ones([2, 2])))
        v2.losses(data_loss, [*model.losses, mine], data_loss, step=0)

    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        step()
    created = [
        loss.created_at for loss in written_logs.read(tmp_path).declaration.regularization_losses
    ]
    assert created == [line_of(text) for text in ("first = keras", "second = keras", "mine = ")]


def test_penalty_from_outside_of_the_tape_is_detached(tmp_path):
    kernel = tf.Variable([2.0])
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        penalty = tf.nn.l2_loss(kernel)
        with tf.GradientTape() as tape:
            data_loss = tf.reduce_sum(kernel)
            loss = data_loss + penalty
        v2.losses(data_loss, {"kernel": penalty}, loss, step=0, tape=tape)
        tape.gradient(loss, kernel)
    (declared,) = written_logs.read(tmp_path).declaration.regularization_losses
    assert (declared.name, declared.multiplier, declared.detached) == ("kernel", None, True)


@pytest.mark.parametrize("loader", written_logs.PROVIDERS)
def test_both_readers_get_all_series(tmp_path, loader):
    program = Program()
    run(tmp_path / "train", tf.function(program.train_step), program)
    with written_logs.PROVIDERS[loader](tmp_path) as provider:
        (series,) = written_logs.series(provider).values()
    assert {tag for tag in series if tag.count("/") == 1} == {
        "regloss/data_loss",
        "regloss/regularization_sum",
        "regloss/optimized_loss",
    }
    (vector,) = [tag for tag in series if tag.startswith(metadata.TAG_REGULARIZATION_LOSSES)]
    assert len(series[vector]) == 4


class TestConventionsOfTensorFlowsSummaries:
    def test_record_if(self, tmp_path):
        for name, function in (("e", lambda f: f), ("f", tf.function)):
            program = Program()
            step = function(program.train_step)
            log = run(tmp_path / name, step, program, record_if=lambda p=program: p.step % 2 == 1)
            assert [at for at, _ in log.vector] == [1, 3]
            assert len(log.declarations) == 1

    def test_record_if_false_while_tracing_adds_no_op(self, tmp_path):
        program = Program()
        step = tf.function(program.train_step)
        log = run(tmp_path, step, program, record_if=False)
        assert not log.scalars
        (concrete,) = [step.get_concrete_function(tf.constant(BATCH))]
        assert not [op for op in concrete.graph.get_operations() if "Summary" in op.type]

    def test_set_step(self, tmp_path):
        loss = tf.constant(1.0)
        with tf.summary.create_file_writer(str(tmp_path)).as_default():
            tf.summary.experimental.set_step(7)
            try:
                v2.losses(loss, [loss], loss)
            finally:
                tf.summary.experimental.set_step(None)
            with pytest.raises(errors.DeclarationError, match="set_step was not called"):
                v2.losses(loss, [loss], loss)
        assert written_logs.read(tmp_path).vector == [(7, [1.0])]

    def test_no_writer(self):
        loss = tf.constant(1.0)
        v2.losses(loss, [loss], loss, step=0)

    def test_each_writer_and_each_trace_get_a_declaration(self, tmp_path):
        loss = tf.constant(1.0)
        for name in ("a", "b"):
            with tf.summary.create_file_writer(str(tmp_path / name)).as_default():
                for step in range(2):
                    v2.losses(loss, {"x": loss}, loss, step=step)
            assert len(written_logs.read(tmp_path / name).declarations) == 1

    def test_changed_losses(self, tmp_path):
        loss = tf.constant(1.0)
        with tf.summary.create_file_writer(str(tmp_path)).as_default():
            v2.losses(loss, [loss], loss, step=0)
            v2.losses(loss, [loss, loss], loss, step=1)
        assert sorted(len(rows[0][1]) for rows in written_logs.read(tmp_path).vectors.values()) == [
            1,
            2,
        ]


def test_half_precision_odd_names_nan_and_collections(tmp_path):
    half, nan = tf.constant(1.5, tf.float16), tf.constant(np.nan)
    names = {"größe <script>'\"/": half, "": nan}
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        v2.losses([half, half], names, nan, step=0, collections={"l3": [half, half]})
    log = written_logs.read(tmp_path)
    assert [loss.name for loss in log.declaration.regularization_losses] == list(names)
    assert log.scalars["regloss/data_loss"] == [(0, 3.0)]
    assert log.scalars["regloss/collections/l3"] == [(0, 3.0)]
    assert np.isnan(log.vector[0][1][1])


def test_under_a_strategy(tmp_path):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        program = Program()

    @v2.export_graph(on_missing=None)
    @tf.function
    def step(batch):
        return strategy.run(program.train_step, args=(batch,))

    log = run(tmp_path, step, program)
    assert len(log.vector) == 4
    assert [loss.multiplier for loss in log.declaration.regularization_losses] == [1.0, 2.0, 0.0]


class TestCompiledByXla:
    """A summary op in such a function is an error of TensorFlow that ends the training."""

    @pytest.mark.parametrize("nested", [False, True])
    def test_trains_on_and_says_once_how_to_log(self, tmp_path, nested):
        program = Program()
        step = tf.function(program.train_step, jit_compile=True, autograph=False)
        if nested:
            step = v2.export_graph(tf.function(step), on_missing=None)
        with pytest.warns(UserWarning, match="XLA .*outside of it") as said:
            log = run(tmp_path, step, program)
        assert len(said) == 1
        assert not log.vectors
        multipliers = [loss.multiplier for loss in log.declaration.regularization_losses]
        assert multipliers == [1.0, 2.0, 0.0]

    def test_values_are_logged_outside(self, tmp_path):
        kernel = tf.Variable([2.0, 1.0])

        @v2.export_graph
        @tf.function(jit_compile=True)
        def step():
            with tf.GradientTape() as tape:
                data_loss, penalty = tf.reduce_mean(kernel * 3.0), tf.nn.l2_loss(kernel)
                loss = data_loss + penalty
            kernel.assign_sub(0.1 * tape.gradient(loss, kernel))
            return data_loss, penalty, loss

        with tf.summary.create_file_writer(str(tmp_path)).as_default():
            for number in range(3):
                data_loss, penalty, loss = step()
                v2.losses(data_loss, {"l2": penalty}, loss, step=number)
        log = written_logs.read(tmp_path)
        assert len(log.vector) == 3
        assert len(log.graph_defs) == 1
