# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The code of the advice, by cause and framework."""

from __future__ import annotations

from tb_regloss.analysis.causes import Cause

_TF1_NOT_ADDED = """\
- train_op = optimizer.minimize(cross_entropy)
+ total_loss = cross_entropy + tf.compat.v1.losses.get_regularization_loss()
+ train_op = optimizer.minimize(total_loss)"""
_SLIM_NOT_ADDED = """\
- train_op = slim.learning.create_train_op(cross_entropy, optimizer)
+ total_loss = tf.compat.v1.losses.get_total_loss()
+ train_op = slim.learning.create_train_op(total_loss, optimizer)"""
_ESTIMATOR_NOT_ADDED = """\
+ loss += tf.compat.v1.losses.get_regularization_loss()
  train_op = optimizer.minimize(loss, global_step=tf.compat.v1.train.get_global_step())"""
_TAPE_NOT_ADDED = """\
  with tf.GradientTape() as tape:
      predictions = model(images, training=True)
-     loss = loss_fn(labels, predictions)
+     loss = loss_fn(labels, predictions) + tf.add_n(model.losses)"""
_KERAS_NOT_ADDED = """\
  with tf.GradientTape() as tape:
      y_pred = self(x, training=True)
-     loss = self.loss_fn(y, y_pred)
+     loss = self.loss_fn(y, y_pred) + tf.add_n(self.losses)"""
_TORCH_NOT_ADDED = """\
- loss = data_loss
+ loss = data_loss + penalty"""

_TF1_OTHER_LOSS = """\
- train_op = optimizer.minimize(cross_entropy)
+ train_op = optimizer.minimize(total_loss)"""
_SLIM_OTHER_LOSS = """\
- train_op = slim.learning.create_train_op(cross_entropy, optimizer)
+ train_op = slim.learning.create_train_op(total_loss, optimizer)"""
_TAPE_OTHER_LOSS = """\
- gradients = tape.gradient(data_loss, model.trainable_variables)
+ gradients = tape.gradient(loss, model.trainable_variables)"""
_TORCH_OTHER_LOSS = """\
- data_loss.backward()
+ loss.backward()"""

_UNCOLLECTED = """\
- train_op = optimizer.minimize(cross_entropy)
+ total_loss = cross_entropy + tf.add_n(model.losses)
+ train_op = optimizer.minimize(total_loss)"""
_NO_LOSS = """\
  layer.kernel_regularizer = regularizers.L2(0.001)
+ weights = model.get_weights()
+ model = keras.models.clone_model(model)  # builds the layers anew, with their regularizers
+ model.set_weights(weights)"""

_SOME_VARIABLES = """\
- train_decoder = optimizer.minimize(data_loss, var_list=[decoder])
+ train_decoder = optimizer.minimize(total_loss, var_list=[decoder])"""

_TF_CUT = """\
- loss = data_loss + tf.stop_gradient(penalty)
+ loss = data_loss + penalty"""
_TORCH_CUT = """\
- penalty = penalty.detach()
  loss = data_loss + penalty"""
_TAPE_OUTSIDE = """\
- penalty = tf.add_n(model.losses)
  with tf.GradientTape() as tape:
      predictions = model(images, training=True)
+     penalty = tf.add_n(model.losses)"""

_SAME_PENALTY = """\
- penalties = [regularizer(layer.kernel) for layer in layers]
+ penalties = [regularizer(layer.kernel) for layer in dict.fromkeys(layers)]"""
_LATE_BINDING = """\
- penalties.append(lambda: regularizer(layer.kernel))
+ penalties.append(lambda layer=layer: regularizer(layer.kernel))"""
_TF1_EACH_COPY = """\
- loss = data_loss + penalty
+ loss = data_loss + penalty / towers"""
_TF2_EACH_COPY = """\
- loss = data_loss + penalty
+ loss = data_loss + tf.nn.scale_regularization_loss(penalty)"""
_TF1_SEVERAL_TIMES = """\
  loss = tf.compat.v1.losses.get_total_loss()
- loss += tf.compat.v1.losses.get_regularization_loss()"""
_SEVERAL_TIMES = """\
- loss = total_loss + penalty
+ loss = total_loss"""

_TF1_ONE_COPY = """\
- if tower == 0:
-     loss += penalty
+ loss += penalty"""
_TF2_ONE_COPY = """\
- loss = data_loss + tf.nn.scale_regularization_loss(penalty)
+ loss = data_loss / strategy.num_replicas_in_sync + tf.nn.scale_regularization_loss(penalty)"""
_STRENGTH_TWICE = """\
- loss = data_loss + weight_decay * penalty
+ loss = data_loss + penalty"""
_LOSS_SCALE = """\
- scaled_loss = loss_scale * data_loss + penalty
+ scaled_loss = loss_scale * (data_loss + penalty)"""
_SUBTRACTED = """\
- loss = data_loss - penalty
+ loss = data_loss + penalty"""
_FACTOR = """\
- loss = data_loss + {factor} * penalty
+ loss = data_loss + penalty"""

# `other` serves every framework that has no row.
CODE: dict[Cause, dict[str, str]] = {
    Cause.NOT_ADDED: {
        "tf1-slim": _SLIM_NOT_ADDED,
        "tf1-estimator": _ESTIMATOR_NOT_ADDED,
        "tf1": _TF1_NOT_ADDED,
        "tf2": _TAPE_NOT_ADDED,
        "keras": _KERAS_NOT_ADDED,
        "other": _TORCH_NOT_ADDED,
    },
    Cause.OTHER_LOSS: {
        "tf1-slim": _SLIM_OTHER_LOSS,
        "tf1": _TF1_OTHER_LOSS,
        "tf2": _TAPE_OTHER_LOSS,
        "other": _TORCH_OTHER_LOSS,
    },
    Cause.UNCOLLECTED: {"other": _UNCOLLECTED},
    Cause.NO_LOSS: {"other": _NO_LOSS},
    Cause.DROPPED: {"other": _KERAS_NOT_ADDED},
    Cause.SOME_VARIABLES: {"other": _SOME_VARIABLES},
    Cause.CUT: {"tf1": _TF_CUT, "other": _TORCH_CUT},
    Cause.OUTSIDE: {"tf1": _TF_CUT, "tf2": _TAPE_OUTSIDE, "other": _TORCH_CUT},
    Cause.NO_GRADIENT: {"tf1": _TF_CUT, "tf2": _TAPE_OUTSIDE, "other": _TORCH_CUT},
    Cause.SAME_PENALTY: {"other": _SAME_PENALTY},
    Cause.LATE_BINDING: {"other": _LATE_BINDING},
    Cause.EACH_COPY: {"tf2": _TF2_EACH_COPY, "other": _TF1_EACH_COPY},
    Cause.SEVERAL_TIMES: {
        "tf2": _SEVERAL_TIMES,
        "tf1": _TF1_SEVERAL_TIMES,
        "other": _SEVERAL_TIMES,
    },
    Cause.ONE_COPY: {"tf2": _TF2_ONE_COPY, "other": _TF1_ONE_COPY},
    Cause.STRENGTH_TWICE: {"other": _STRENGTH_TWICE},
    Cause.LOSS_SCALE: {"other": _LOSS_SCALE},
    Cause.SUBTRACTED: {"other": _SUBTRACTED},
    Cause.FACTOR: {"other": _FACTOR},
}


def scaled(code: str) -> str:
    """Returns code that adds a model's losses once for all of a strategy's replicas."""
    for losses in ("tf.add_n(model.losses)", "tf.add_n(self.losses)"):
        code = code.replace(losses, f"tf.nn.scale_regularization_loss({losses})")
    return code
