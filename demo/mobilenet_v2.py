# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A small MobileNetV2 of tf-slim layers (Sandler et al. 2018, arXiv:1801.04381)."""

from __future__ import annotations

from typing import Any

from demo.legacy_keras import slim, tf

# Each row is a stage of inverted residuals: expansion, output channels, blocks,
# stride of the first. The paper's table 2, narrowed for images of 32 x 32.
STAGES = (
    (1, 8, 1, 1),
    (6, 16, 2, 2),
    (6, 24, 2, 2),
    (6, 32, 2, 1),
)
LAST_CHANNELS = 128


def training_scope(weight_decay: float) -> dict[Any, Any]:
    """Returns what `slim.arg_scope` takes: batch norm, ReLU6, and L2 on the weights.

    The 3 x 3 depthwise weights carry no penalty: they are few.
    """
    regularizer = slim.l2_regularizer(weight_decay)
    convolutions = [slim.conv2d, slim.separable_conv2d]
    norm = {"is_training": True, "decay": 0.99, "scale": True}
    with (
        slim.arg_scope([slim.conv2d, slim.fully_connected], weights_regularizer=regularizer),
        slim.arg_scope(convolutions, activation_fn=tf.nn.relu6),
        slim.arg_scope(
            convolutions, normalizer_fn=slim.batch_norm, normalizer_params=norm
        ) as scope,
    ):
        return scope


def mobilenet_v2(images: Any, classes: int) -> Any:
    """Returns the logits `[n, classes]` of images `[n, height, width, channels]`."""
    net = slim.conv2d(images, 16, [3, 3], stride=2, scope="stem")
    for stage, (expansion, channels, blocks, stride) in enumerate(STAGES, start=1):
        for block in range(1, blocks + 1):
            with tf.variable_scope(f"stage{stage}_block{block}"):
                net = _inverted_residual(net, expansion, channels, stride if block == 1 else 1)
    net = slim.conv2d(net, LAST_CHANNELS, [1, 1], scope="head")
    net = tf.reduce_mean(net, axis=[1, 2], name="pool")
    return slim.fully_connected(net, classes, activation_fn=None, scope="logits")


def _inverted_residual(inputs: Any, expansion: int, channels: int, stride: int) -> Any:
    """Returns a narrow-wide-narrow block; its output is linear, which is the paper's point."""
    in_channels = inputs.shape[-1]
    net = inputs
    if expansion > 1:
        net = slim.conv2d(net, expansion * in_channels, [1, 1], scope="expand")
    net = slim.separable_conv2d(net, None, [3, 3], 1, stride=stride, scope="depthwise")
    net = slim.conv2d(net, channels, [1, 1], activation_fn=None, scope="project")
    return inputs + net if stride == 1 and channels == in_channels else net
