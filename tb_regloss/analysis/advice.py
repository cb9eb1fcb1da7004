# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The fix, per framework: one sentence and a few lines of code to copy."""

from __future__ import annotations

from tb_regloss.analysis.verdict_types import Fix, Status

_TOTAL_TEXT = (
    "The losses in REGULARIZATION_LOSSES are not part of the loss that is optimized. "
    "Optimize the total loss."
)
_SLIM = """\
- train_op = slim.learning.create_train_op(cross_entropy, optimizer)
+ total_loss = tf.compat.v1.losses.get_total_loss()
+ train_op = slim.learning.create_train_op(total_loss, optimizer)"""
_TF1 = """\
- train_op = optimizer.minimize(cross_entropy)
+ total_loss = cross_entropy + tf.compat.v1.losses.get_regularization_loss()
+ train_op = optimizer.minimize(total_loss)"""
_TAPE = """\
  with tf.GradientTape() as tape:
      predictions = model(images, training=True)
-     loss = loss_fn(labels, predictions)
+     loss = loss_fn(labels, predictions) + tf.add_n(model.losses)
  gradients = tape.gradient(loss, model.trainable_variables)"""
_KERAS = """\
  def train_step(self, data):
      x, y = data
      with tf.GradientTape() as tape:
          y_pred = self(x, training=True)
-         loss = self.loss_fn(y, y_pred)
+         loss = self.compute_loss(x=x, y=y, y_pred=y_pred)  # adds self.losses"""
_TORCH = """\
- loss = criterion(model(x), y)
+ loss = criterion(model(x), y) + regularization_loss
  loss.backward()"""

_ADD = {
    "tf1-slim": (_TOTAL_TEXT, _SLIM),
    "tf1": (_TOTAL_TEXT, _TF1),
    "tf2": ("Add model.losses to the loss inside of the tape.", _TAPE),
    "keras": ("Let compute_loss add the model's own losses, or add self.losses yourself.", _KERAS),
    "tf-keras": ("Let compute_loss add the model's own losses, or add self.losses.", _KERAS),
    "torch": ("Add the regularization loss before backward().", _TORCH),
}
_UNBLOCK = {
    "tf1": """\
- loss = cross_entropy + tf.stop_gradient(regularization_loss)
+ loss = cross_entropy + regularization_loss""",
    "tf2": """\
+ with tf.GradientTape() as tape:
+     penalty = tf.add_n(model.losses)  # computed inside of the tape
      loss = data_loss + penalty""",
    "torch": """\
- loss = data_loss + penalty.detach()
+ loss = data_loss + penalty""",
}
_CONFIGURED = """\
- layer.kernel_regularizer = regularizers.L2(0.001)  # the layer is built already
+ layer = layers.Dense(64, kernel_regularizer=regularizers.L2(0.001))"""
_ONCE = """\
# Add the regularization losses in one place only: one tower (or outside of all
# towers), and either in the loss or in a total that already contains them.
  loss = data_loss + regularization_sum"""


def for_absent(framework: str) -> Fix:
    """Returns what to change where a layer is configured with a regularizer that makes no loss."""
    text = (
        "A regularizer makes a loss only if the layer has it when its variables are created: "
        "give it to the constructor, or rebuild the model from its configuration."
    )
    return Fix(framework, text, _CONFIGURED)


def fix_for(status: Status, framework: str, multiplier: float | None) -> Fix | None:
    """Returns what to change, `None` where nothing is wrong or nothing can be said.

    Args:
      status: the run's status.
      framework: as in `Declaration.framework`.
      multiplier: the multiplier that all its regularization losses share.
    """
    if status in (Status.MISSING, Status.PARTIAL):
        text, code = _ADD.get(framework, (_TOTAL_TEXT, _TF1))
        return Fix(framework, text, code)
    if status is Status.BLOCKED:
        base = "tf1" if framework.startswith("tf1") else framework
        base = "tf2" if base in ("keras", "tf-keras") else base
        text = "The penalty's value is in the loss, but its gradient is cut: let it through."
        return Fix(framework, text, _UNBLOCK.get(base, _UNBLOCK["tf1"]))
    if status is Status.DOUBLE_COUNTED:
        times = f"{multiplier:g} times" if multiplier is not None else "more than once"
        return Fix(framework, f"The regularization losses count {times}: add them once.", _ONCE)
    if status is Status.SCALED and multiplier is not None:
        text = (
            f"The regularization losses count {multiplier:g} times. If that is not meant, "
            "take the factor off; if it is, put it into their strength."
        )
        return Fix(framework, text, _ONCE)
    return None
