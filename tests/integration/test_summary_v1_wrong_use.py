# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What the TF1 op says of wrong use, and where it cannot be built."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

pytestmark = pytest.mark.tf

tf = pytest.importorskip("tensorflow")

from tb_regloss import errors
from tb_regloss.summary import v1 as regloss_v1
from tests.integration.v1_programs import logged, penalized

v1 = tf.compat.v1


class TestWrongUse:
    def test_no_data_loss(self, graph):
        _, penalty = penalized("w", [1.0])
        with pytest.raises(
            errors.DeclarationError, match=r"collection 'losses' is empty.*data_loss"
        ):
            regloss_v1.op(penalty)

    def test_only_penalties_in_losses(self, graph):
        weights = v1.get_variable("w", [3])
        v1.losses.add_loss(tf.nn.l2_loss(weights, name="decay"))
        with pytest.raises(errors.DeclarationError, match=r"decay:0.*only variables"):
            regloss_v1.op(v1.losses.get_total_loss())

    def test_tensor_of_another_graph(self, graph):
        with tf.Graph().as_default():
            foreign = tf.constant(1.0, name="foreign")
        with pytest.raises(errors.DeclarationError, match=r"optimized_loss \(foreign:0\).*another"):
            regloss_v1.op(foreign, data_loss=tf.constant(1.0))

    @pytest.mark.parametrize(
        ("make", "text"),
        [
            (lambda: tf.zeros([2]), r"shape \(2,\).*Reduce it"),
            (lambda: tf.constant(1), r"type int32"),
            (lambda: None, r"\[1\] is None"),
            (lambda: 0.25, r"is a float \(0.25\)"),
            (lambda: np.float32(1), r"is a float32"),
            (lambda: "conv/weights", r"is a str"),
        ],
    )
    def test_what_is_no_scalar_loss(self, graph, make, text):
        good = tf.constant(1.0)
        with pytest.raises(errors.DeclarationError, match=text):
            regloss_v1.op(good, data_loss=good, regularization_losses=[good, make()])

    def test_wrong_member_of_a_collection(self, graph):
        v1.add_to_collection("losses", tf.zeros([4], name="per_example"))
        with pytest.raises(errors.DeclarationError, match=r"Member 0 of collection 'losses'"):
            regloss_v1.op(tf.constant(1.0))

    def test_empty_further_collection(self, graph):
        good = tf.constant(1.0)
        with pytest.raises(errors.DeclarationError, match="'l3' was asked for and is empty"):
            regloss_v1.op(good, data_loss=good, collections=["l3"])

    def test_no_regularization_only_warns(self, graph, tmp_path):
        loss = v1.placeholder_with_default(2.0, [])
        with pytest.warns(UserWarning, match="No regularization losses") as caught:
            summary = regloss_v1.op(loss, data_loss=loss)
        assert caught[0].filename == __file__
        log = logged(tmp_path, summary)
        assert log.scalars["regloss/regularization_sum"] == [(0, 0.0)]
        assert not log.vectors

    def test_train_op_that_is_none(self, graph):
        good = tf.constant(1.0)
        with pytest.raises(errors.DeclarationError, match="train_op is a list"):
            regloss_v1.op(good, data_loss=good, regularization_losses=[good], train_op=[])


def test_loss_inside_of_a_loop_is_refused(graph):
    inner = []

    def body(i):
        inner.append(tf.cast(i, tf.float32))
        return i + 1

    with contextlib.suppress(ValueError):
        v1.disable_control_flow_v2()
    try:
        tf.while_loop(lambda i: i < 3, body, [0])
        with pytest.raises(errors.DeclarationError, match="loop"):
            regloss_v1.op(inner[0], data_loss=inner[0], regularization_losses=[inner[0]])
    finally:
        v1.enable_control_flow_v2()
