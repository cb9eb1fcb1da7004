# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""`model.fit` with the callback, for Keras 3 on its backends and tf-keras."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

pytestmark = [
    pytest.mark.tf,
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning", "ignore:.*np.object"),
]

tf = pytest.importorskip("tensorflow")

from tb_regloss import errors
from tb_regloss.backend import checking
from tb_regloss.summary.keras import RegLossCallback
from tests import written_logs
from tests.integration.keras_programs import NAMES, X, Y, assert_sums_up, build, fit, is_keras_3


@pytest.mark.parametrize("how", [{}, {"jit_compile": True}, {"run_eagerly": True}])
def test_fit(keras, tmp_path, how):
    log, history = fit(keras, build(keras), tmp_path, **how)
    assert [step for step, _ in log.vector] == list(range(1, 9))
    declared = log.declaration
    assert [loss.name for loss in declared.regularization_losses] == NAMES
    assert [loss.multiplier for loss in declared.regularization_losses] == [1.0, 1.0, 1.0]
    assert declared.regularization_losses[0].variables == ("first/kernel",)
    assert declared.framework == ("keras" if is_keras_3(keras) else "tf-keras")
    assert declared.optimizer_weight_decay == 0.0
    assert not declared.configured
    assert_sums_up(log)
    # What Keras reports is the mean over the epoch.
    means = [
        np.mean([value for _, value in log.scalars["regloss/optimized_loss"][at : at + 4]])
        for at in (0, 4)
    ]
    assert means == pytest.approx(history["loss"], rel=1e-4)
    assert len(log.graph_defs) == (0 if "run_eagerly" in how else 1)
    assert len(log.declarations) == 1


def test_values_are_those_of_the_step_itself(keras, tmp_path):
    model = build(keras)
    kernel = model.get_layer("first").get_weights()[0]
    log, _ = fit(keras, model, tmp_path, epochs=1)
    assert log.vector[0][1][0] == pytest.approx(0.01 * (kernel**2).sum(), rel=1e-5)


def test_tensors_stand_in_the_exported_graph(keras, tmp_path):
    log, _ = fit(keras, build(keras), tmp_path)
    graph = tf.compat.v1.GraphDef.FromString(log.graph_defs[0])
    names = {node.name for node in graph.node}
    for function in graph.library.function:
        names |= {node.name for node in function.node_def}
    for loss in log.declaration.regularization_losses:
        assert loss.tensor.split(":")[0] in names
    assert any("Gradient" in name or "gradient" in name for name in names)


@pytest.mark.parametrize(
    ("update_freq", "steps"), [("epoch", [4, 8]), ("batch", list(range(1, 9))), (3, [1, 4, 7])]
)
def test_update_freq(keras, tmp_path, update_freq, steps):
    log, _ = fit(keras, build(keras), tmp_path, update_freq)
    assert [step for step, _ in log.vector] == steps


def test_update_freq_counts_batches_where_several_are_one_execution(keras, tmp_path):
    log, _ = fit(keras, build(keras), tmp_path, 3, epochs=3, steps_per_execution=2)
    # After batches 1, 4, 7, 10: at the end of the execution that holds them.
    assert [step for step, _ in log.vector] == [2, 4, 8, 10]


def test_frozen_layer_is_not_called_missing(keras, tmp_path):
    model = build(keras)
    model.get_layer("first").trainable = False
    log, _ = fit(keras, model, tmp_path)
    assert not log.declaration.configured


def test_two_callbacks_in_one_fit(keras, tmp_path):
    model = build(keras)
    other = RegLossCallback(str(tmp_path / "b"))
    log, _ = fit(keras, model, tmp_path / "a", callbacks=[other])
    assert_sums_up(log)
    second = written_logs.read(tmp_path / "b")
    assert [step for step, _ in log.vector] == list(range(1, 9))
    assert second.vector == [log.vector[3], log.vector[7]]
    assert second.declaration.regularization_losses == log.declaration.regularization_losses
    assert [loss.multiplier for loss in log.declaration.regularization_losses] == [1.0, 1.0, 1.0]
    assert len(log.graph_defs) == len(second.graph_defs) == 1
    assert "train_step" not in vars(model)


def test_second_fit_goes_on_counting_and_leaves_the_model_as_it_was(keras, tmp_path):
    model = build(keras)
    penalized = model.get_layer("first").kernel
    fit(keras, model, tmp_path / "a", epochs=1)
    assert "train_step" not in vars(model)
    assert "compute_loss" not in vars(model)
    if is_keras_3(keras):
        assert isinstance(penalized.regularizer, keras.regularizers.Regularizer)
    callback = RegLossCallback(str(tmp_path / "b"), update_freq="batch")
    for _ in range(2):
        model.fit(X, Y, batch_size=16, verbose=0, callbacks=[callback])
    log = written_logs.read(tmp_path / "b")
    assert [step for step, _ in log.vector] == list(range(5, 13))
    model.fit(X, Y, batch_size=16, verbose=0)
    assert len(written_logs.read(tmp_path / "b").vector) == 8


def steps_of(folder):
    return [step for step, _ in written_logs.read(folder).scalars["regloss/optimized_loss"]]


def test_steps_go_on_where_the_optimizer_begins_anew(keras, tmp_path):
    """Weights that were loaded, with `initial_epoch`; a second `compile`; a restored optimizer."""
    callback = RegLossCallback(str(tmp_path), update_freq="batch", on_missing=None)
    arguments = {"batch_size": 16, "verbose": 0, "callbacks": [callback]}
    model = build(keras)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=3, initial_epoch=2, **arguments)
    assert steps_of(tmp_path) == [9, 10, 11, 12]
    model.fit(X, Y, epochs=4, initial_epoch=3, **arguments)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=1, **arguments)
    assert steps_of(tmp_path) == list(range(9, 21))
    other = RegLossCallback(str(tmp_path / "b"), update_freq="batch", on_missing=None)
    model.fit(X, Y, epochs=9, initial_epoch=8, batch_size=16, verbose=0, callbacks=[other])
    assert steps_of(tmp_path / "b") == [5, 6, 7, 8]


def test_regularizer_that_returns_no_scalar(keras, tmp_path):
    if not is_keras_3(keras):
        pytest.skip("Keras 2 takes no such loss")

    def squares(weights):
        return 0.1 * weights**2

    inputs = keras.Input((8,))
    net = keras.layers.Dense(3, kernel_regularizer=squares, activation="softmax", name="a")(inputs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        log, _ = fit(keras, keras.Model(inputs, net), tmp_path)
    said = [str(each.message) for each in caught if "returns no scalar" in str(each.message)]
    assert len(said) == 1
    assert said[0].startswith("a/kernel_regularizer: ")
    (declared,) = log.declaration.regularization_losses
    assert (declared.tensor, declared.multiplier) == (None, None)
    assert len(log.vector) == 8


def test_add_loss_is_additional_and_several_outputs(keras, tmp_path):
    class Kl(keras.layers.Layer):
        def call(self, inputs):
            self.add_loss(0.01 * tf.reduce_mean(inputs**2))
            return inputs

    inputs = keras.Input((8,))
    net = Kl(name="kl")(inputs)
    first = keras.layers.Dense(3, activation="softmax", kernel_regularizer="l2", name="x")(net)
    second = keras.layers.Dense(3, activation="softmax", name="y")(net)
    model = keras.Model(inputs, [first, second])
    model.compile("adam", ["sparse_categorical_crossentropy"] * 2, loss_weights=[1.0, 0.5])
    callback = RegLossCallback(str(tmp_path), update_freq=1)
    model.fit(X, [Y, Y], batch_size=16, verbose=0, callbacks=[callback])
    log = written_logs.read(tmp_path)
    assert [loss.name for loss in log.declaration.additional_losses] == ["kl/add_loss"]
    assert [loss.name for loss in log.declaration.regularization_losses] == ["x/kernel_regularizer"]
    gap = log.scalars["regloss/optimized_loss"][0][1] - (
        log.scalars["regloss/data_loss"][0][1] + log.scalars["regloss/regularization_sum"][0][1]
    )
    assert gap == pytest.approx(0.01 * (X**2).mean(), rel=0.2)


def test_mixed_precision(keras, tmp_path):
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        inputs = keras.Input((8,))
        net = keras.layers.Dense(16, kernel_regularizer="l2", name="first")(inputs)
        outputs = keras.layers.Dense(3, activation="softmax", dtype="float32")(net)
        log, _ = fit(keras, keras.Model(inputs, outputs), tmp_path)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert [loss.multiplier for loss in log.declaration.regularization_losses] == [1.0]
    assert_sums_up(log)


def test_no_regularization(keras, tmp_path):
    model = keras.Sequential([keras.layers.Dense(3, activation="softmax")])
    log, _ = fit(keras, model, tmp_path)
    assert log.declaration.regularization_losses == ()
    assert log.scalars["regloss/regularization_sum"][0] == (1, 0.0)


def test_fit_after_one_that_an_error_stopped(keras, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyError("stop")

    model = build(keras)
    original = tf.GradientTape.gradient
    with pytest.raises(KeyError):
        fit(keras, model, tmp_path / "a", callbacks=[Stop()])
    log, _ = fit(keras, model, tmp_path / "b")
    assert [loss.multiplier for loss in log.declaration.regularization_losses] == [1.0, 1.0, 1.0]
    assert [step for step, _ in log.vector] == list(range(1, 9))
    assert "train_step" not in vars(model)
    assert tf.GradientTape.gradient is original


def test_checkpoints_of_the_model_while_it_is_watched(keras, tmp_path):
    saved = str(tmp_path / "model.keras")
    checkpoint = keras.callbacks.ModelCheckpoint(saved)
    fit(keras, build(keras), tmp_path / "logs", callbacks=[checkpoint])
    assert keras.models.load_model(saved).get_layer("first").kernel_regularizer is not None


def test_failure_is_said_once_and_training_goes_on(keras, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    model = build(keras)
    model.compile("sgd", "sparse_categorical_crossentropy")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        callback = RegLossCallback(str(blocked), update_freq="batch")
        history = model.fit(X, Y, batch_size=16, epochs=3, verbose=0, callbacks=[callback])
    assert len(history.history["loss"]) == 3
    said = [str(each.message) for each in caught if "RegLossCallback" in str(each.message)]
    assert len(said) == 1
    assert "stops logging, training goes on" in said[0]
    assert "train_step" not in vars(model)


@pytest.mark.parametrize("update_freq", [0, -1, "step", None, 1.5])
def test_wrong_update_freq(update_freq, tmp_path):
    with pytest.raises(errors.DeclarationError, match=r"update_freq is .*expected \"epoch\""):
        RegLossCallback(str(tmp_path), update_freq=update_freq)


@pytest.mark.parametrize(
    "arguments",
    [
        ["torch"],
        ["torch", "half"],
        ["torch", "none"],
        ["jax", "none"],
        ["jax"],
        ["jax", "half"],
        ["jax", "several"],
        ["jax", "accumulated"],
        ["tensorflow", "mirrored"],
    ],
    ids=lambda arguments: "-".join(arguments),
)
def test_other_backends_and_replicas(tmp_path, root, arguments):
    if arguments[0] != "tensorflow":
        pytest.importorskip(arguments[0])
        pytest.importorskip("keras", minversion="3.0", reason="Keras 2 runs on TensorFlow only")
    program = root / "tests" / "programs" / "keras_fit.py"
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, program, tmp_path, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "RegLossCallback" not in done.stderr
    log = written_logs.read(tmp_path)
    names = [] if "none" in arguments else NAMES
    assert [loss.name for loss in log.declaration.regularization_losses] == names
    for loss in log.declaration.regularization_losses:
        assert loss.multiplier == 1.0
        assert loss.created_at.startswith("keras_fit.py:")
    if "half" not in arguments:  # Steps of which the gradients overflow update nothing.
        steps = [step for step, _ in log.scalars["regloss/optimized_loss"]]
        assert steps == ([3, 4, 7, 8] if "several" in arguments else list(range(1, 9)))
    assert_sums_up(log)
    assert bool(log.graph_defs) == (arguments[0] == "tensorflow")
    # Where the graph shows no constant (a loss scale, replicas), what was measured counts.
    (run,) = checking.check([str(tmp_path)]).runs
    judged = [(loss["status"], loss["multiplier"]) for loss in run["regularization_losses"]]
    assert judged == [("included", 1.0)] * len(names), run["headline"]


@pytest.mark.parametrize("strength", ["0", "0.5", "1"])
def test_training_step_of_the_users_own_on_jax(tmp_path, root, strength):
    pytest.importorskip("jax")
    pytest.importorskip("keras", minversion="3.0", reason="Keras 2 runs on TensorFlow only")
    program = root / "tests" / "programs" / "keras_jax_step.py"
    done = subprocess.run(
        [sys.executable, program, tmp_path, strength],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # What we hand out of the step is not for others to see.
    assert done.stdout.splitlines() == ["['loss']"] * 2
    log = written_logs.read(tmp_path)
    multipliers = [loss.multiplier for loss in log.declaration.regularization_losses]
    assert multipliers == [float(strength)] * 2
    assert log.scalars["regloss/regularization_sum"][0][1] > 0.05
    assert len(log.scalars["regloss/optimized_loss"]) == 2
