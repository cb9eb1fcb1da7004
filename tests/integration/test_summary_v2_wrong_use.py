# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What the TF2 writer says of wrong use."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.tf

tf = pytest.importorskip("tensorflow")

from tb_regloss import errors
from tb_regloss.summary import v2
from tests import written_logs


class TestWrongUse:
    @pytest.mark.parametrize(
        ("make", "text"),
        [
            (lambda: None, r"regularization_losses\[1\] is None"),
            (lambda: 0.5, r"regularization_losses\[1\] is a float"),
            (lambda: tf.zeros([2]), r"regularization_losses\[1\] has shape \(2,\)"),
            (lambda: tf.constant(1), r"regularization_losses\[1\] has type int32"),
        ],
    )
    @pytest.mark.parametrize("traced", [False, True])
    def test_what_is_no_scalar_loss(self, make, text, traced):
        def step():
            good = tf.constant(1.0)
            v2.losses(good, [good, make()], good, step=0)

        with pytest.raises(errors.DeclarationError, match=text):
            (tf.function(step) if traced else step)()

    def test_no_data_loss(self):
        good = tf.constant(1.0)
        with pytest.raises(errors.DeclarationError, match="data_loss is empty"):
            v2.losses([], [good], good)

    def test_empty_model_losses_only_warns(self, tmp_path):
        good = tf.constant(1.0)
        with (
            tf.summary.create_file_writer(str(tmp_path)).as_default(),
            pytest.warns(UserWarning, match="before the model was called") as caught,
        ):
            v2.losses(good, [], good, step=0)
        assert caught[0].filename == __file__
        assert written_logs.read(tmp_path).scalars["regloss/regularization_sum"] == [(0, 0.0)]

    def test_used_tape(self, tmp_path):
        variable = tf.Variable(1.0)
        with tf.GradientTape() as tape:
            loss = variable * 2.0
        tape.gradient(loss, variable)
        with pytest.raises(errors.DeclarationError, match="tape was used already"):
            v2.losses(loss, [loss], loss, step=0, tape=tape)
        with pytest.raises(errors.DeclarationError, match="tape is a list"):
            v2.losses(loss, [loss], loss, step=0, tape=[])


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ("three", "step has type string"),
        (object(), "step is a object"),
        ([1, 2], r"step has shape \(2,\)"),
        (tf.constant(True), "step has type bool"),
        (None, "set_step was not called"),
    ],
)
def test_wrong_step(tmp_path, step, text):
    with (
        tf.summary.create_file_writer(str(tmp_path)).as_default(),
        pytest.raises(errors.DeclarationError, match=f"{text}.*expected the number of the"),
    ):
        v2.losses(tf.constant(1.0), [tf.constant(1.0)], tf.constant(2.0), step=step)


@pytest.mark.parametrize("step", [2**40, np.int64(2**40), tf.constant(2**40, tf.int64)])
def test_large_step(tmp_path, step):
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        v2.losses(tf.constant(1.0), [tf.constant(1.0)], tf.constant(2.0), step=step)
    assert written_logs.read(tmp_path).vector[0][0] == 2**40


def test_jacobian_of_a_tape_that_was_to_measure(tmp_path):
    """It takes gradients in a loop of its own, where nothing can be measured or written."""
    kernel = tf.Variable([2.0, 1.0])
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        with tf.GradientTape() as tape:
            penalty = tf.nn.l2_loss(kernel)
            loss = tf.reduce_mean(kernel) + penalty
        v2.losses(tf.reduce_mean(kernel), {"l2": penalty}, loss, step=0, tape=tape)
        assert tape.jacobian(loss, kernel).numpy() == pytest.approx([2.5, 1.5])
    (loss,) = written_logs.read(tmp_path).declaration.regularization_losses
    assert (loss.name, loss.multiplier) == ("l2", None)


@pytest.mark.parametrize("given", ["abc", {1.0}, (each for each in [1.0])])
def test_what_is_no_list_of_losses(given):
    with pytest.raises(errors.DeclarationError, match="Several go into a list"):
        v2.losses(tf.constant(1.0), given, tf.constant(1.0), step=0)


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"regularization_losses": {1: 1.0, "1": 1.0}}, "two values named '1'"),
        ({"collections": [1.0]}, "collections is a list; expected a dict"),
        ({"step": float("nan")}, "step is nan; expected the number"),
    ],
)
def test_clear_error_instead_of_pythons_own(tmp_path, given, text, traced):
    one = tf.constant(1.0)

    def step():
        known = {"regularization_losses": [one], "step": 0, **given}
        if "regularization_losses" in given:
            known["regularization_losses"] = dict.fromkeys(given["regularization_losses"], one)
        v2.losses(one, optimized_loss=one, **known)

    with (
        tf.summary.create_file_writer(str(tmp_path)).as_default(),
        pytest.raises(errors.DeclarationError, match=text),
    ):
        (tf.function(step) if traced else step)()


@pytest.mark.parametrize("traced", [False, True])
def test_tensor_of_another_function(tmp_path, traced):
    one, kept = tf.constant(1.0), []

    @tf.function
    def other():
        kept.append(tf.reduce_sum(tf.ones([2])))
        return kept[0]

    other()

    def step():
        v2.losses(one, [kept[0]], one, step=0)

    with (
        tf.summary.create_file_writer(str(tmp_path)).as_default(),
        pytest.raises(errors.DeclarationError, match="of another graph; expected"),
    ):
        (tf.function(step) if traced else step)()
