# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""One training run: the program that a tf-slim user would write."""

from __future__ import annotations

import pathlib
import warnings
from collections.abc import Callable

import numpy as np

from demo import digits
from demo.legacy_keras import slim, tf  # Before the next: it sets how TensorFlow starts.
from demo.mobilenet_v2 import mobilenet_v2, training_scope
from tb_regloss.summary import v1 as regloss_summary

BATCH_SIZE = 64
LEARNING_RATE = 0.003
STEPS_PER_SUMMARY = 5
# The accuracy that is reported is the mean over about one epoch.
STEPS_PER_EPOCH = 28


def train(
    logdir: pathlib.Path,
    weight_decay: float,
    optimizes_total_loss: bool,
    steps: int,
    on_step: Callable[[float], None],
) -> float:
    """Returns the training accuracy, 0 to 1, of the last epoch.

    Args:
      logdir: where summaries and the graph go.
      weight_decay: the strength of L2 on all weights.
      optimizes_total_loss: `False` is the bug: the optimizer gets the data
        loss, and no weight decay changes anything.
      steps: how many batches are trained on.
      on_step: is told the accuracy after each step.
    """
    with tf.Graph().as_default(), warnings.catch_warnings():
        # TensorFlow's own layers call what TensorFlow deprecates.
        warnings.filterwarnings("ignore", message="`layer.apply` is deprecated")
        # Weight decay 0 is meant to have none.
        warnings.filterwarnings("ignore", message="No regularization losses were found")
        tf.set_random_seed(1)
        images = tf.placeholder(tf.float32, [None, digits.SIZE, digits.SIZE, 1], name="images")
        labels = tf.placeholder(tf.int32, [None], name="labels")

        with slim.arg_scope(training_scope(weight_decay=weight_decay)):
            logits = mobilenet_v2(images, digits.CLASSES)
        loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
        if optimizes_total_loss:
            loss = tf.losses.get_total_loss()

        step = tf.train.get_or_create_global_step()
        rate = tf.train.cosine_decay(LEARNING_RATE, step, steps)
        train_op = slim.learning.create_train_op(loss, tf.train.AdamOptimizer(rate))

        hits = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), labels)
        accuracy = tf.reduce_mean(tf.cast(hits, tf.float32), name="training_accuracy")
        hooks = [
            regloss_summary.RegLossHook(
                str(logdir), loss, train_op=train_op, save_steps=STEPS_PER_SUMMARY
            ),
            tf.train.SummarySaverHook(
                save_steps=STEPS_PER_SUMMARY,
                output_dir=str(logdir),
                summary_op=tf.summary.scalar("accuracy", accuracy),
            ),
        ]
        accuracies = []
        batches = digits.batches(BATCH_SIZE, seed=1)
        with tf.train.MonitoredTrainingSession(hooks=hooks) as session:
            for _ in range(steps):
                batch_images, batch_labels = next(batches)
                _, batch_accuracy = session.run(
                    [train_op, accuracy], {images: batch_images, labels: batch_labels}
                )
                accuracies.append(batch_accuracy)
                on_step(float(batch_accuracy))
    return float(np.mean(accuracies[-STEPS_PER_EPOCH:]))
