# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: every optimizer, and updates written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tests.zoo.tf1_losses import cross_entropy
from tests.zoo.tf1_program import Program, old_control_flow, register

v1 = tf.compat.v1
REGULARIZATION = v1.GraphKeys.REGULARIZATION_LOSSES
_train = v1.train

OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "gradient_descent": lambda: _train.GradientDescentOptimizer(0.1),
    "momentum": lambda: _train.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda: _train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adam": lambda: _train.AdamOptimizer(0.01),
    "adagrad": lambda: _train.AdagradOptimizer(0.1),
    "adadelta": lambda: _train.AdadeltaOptimizer(0.1),
    "rmsprop": lambda: _train.RMSPropOptimizer(0.01, momentum=0.9),
    "rmsprop_centered": lambda: _train.RMSPropOptimizer(0.01, centered=True),
    "ftrl": lambda: _train.FtrlOptimizer(
        0.1, l1_regularization_strength=0.01, l2_regularization_strength=0.01
    ),
    "ftrl_v2": lambda: _train.FtrlOptimizer(0.1, l2_shrinkage_regularization_strength=0.1),
    "adagrad_da": lambda: _train.AdagradDAOptimizer(
        0.1, _train.get_or_create_global_step(), l2_regularization_strength=0.01
    ),
    "proximal_gradient_descent": lambda: _train.ProximalGradientDescentOptimizer(
        0.1, l1_regularization_strength=0.01, l2_regularization_strength=0.01
    ),
    "proximal_adagrad": lambda: _train.ProximalAdagradOptimizer(
        0.1, l2_regularization_strength=0.01
    ),
}


def _model(p: Program) -> tuple[Any, Any, Any]:
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    return w1, w2, data


def _with_optimizer(make: Callable[[], Any]) -> Callable[[Program, str], None]:
    def family(p: Program, mutation: str) -> None:
        _, _, data = _model(p)
        p.minimize(p.combine(data, mutation, "add_n"), make())

    return family


def moving_average_of_variables(p: Program, mutation: str) -> None:
    """Polyak averages run after the optimizer; they read and write, and are not training."""
    _, _, data = _model(p)
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    step = _train.get_or_create_global_step()
    train = _train.AdamOptimizer(0.01).minimize(loss, global_step=step)
    averages = _train.ExponentialMovingAverage(0.99, step)
    with old_control_flow(), tf.control_dependencies([train]):
        p.train_op = averages.apply(v1.trainable_variables())
    v1.add_to_collection(v1.GraphKeys.TRAIN_OP, p.train_op)


def accumulated(p: Program, mutation: str) -> None:
    """Gradients are summed in variables over two batches, then applied."""
    _, _, data = _model(p)
    loss = p.combine(data, mutation)
    _accumulate(p, loss)


def accumulated_decay_at_apply(p: Program, mutation: str) -> None:
    """Two batches are summed but the penalty's gradient is added once: half of it.

    How many batches are summed is up to the session's loop; the graph cannot tell.
    """
    p.undecidable = p.also = p.bare = ("included",)
    _, _, data = _model(p)
    p.expect_all("scaled", 0.5)
    penalty = tf.add_n([loss for loss, _ in p.penalties.values()])
    _accumulate(p, data, penalty)


def _accumulate(p: Program, loss: Any, at_apply: Any = None) -> None:
    p.running.optimized = loss.name
    optimizer = _train.MomentumOptimizer(0.1, 0.9)
    pairs = optimizer.compute_gradients(loss)
    sums = [
        v1.get_variable(
            f"sum_{i}",
            v.shape,
            initializer=v1.zeros_initializer(),
            trainable=False,
            use_resource=p.resource,
        )
        for i, (_, v) in enumerate(pairs)
    ]
    reset = tf.group(*[v1.assign(s, tf.zeros_like(s)) for s in sums], name="reset")
    add = tf.group(
        *[v1.assign_add(s, g) for s, (g, _) in zip(sums, pairs, strict=True)], name="accumulate"
    )
    p.running.before = [reset.name, add.name, add.name]
    received = [(tf.identity(s), v) for s, (_, v) in zip(sums, pairs, strict=True)]
    if at_apply is not None:
        extra = tf.gradients(at_apply, [v for _, v in received])
        received = [
            (g if e is None else g + e, v) for (g, v), e in zip(received, extra, strict=True)
        ]
    p.train_op = optimizer.apply_gradients(p.ports(received))
    v1.add_to_collection(v1.GraphKeys.TRAIN_OP, p.train_op)


def by_hand(p: Program, mutation: str) -> None:
    """`assign_sub(w, rate * gradient)`."""
    _, _, data = _model(p)
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    variables = v1.trainable_variables()
    gradients = tf.gradients(loss, variables)
    p.ports(list(zip(gradients, variables, strict=True)))
    updates = [v1.assign_sub(v, 0.1 * g) for v, g in zip(variables, gradients, strict=True)]
    p.train_op = tf.group(*updates, name="train")


def by_hand_assign(p: Program, mutation: str) -> None:
    """`assign(w, w - rate * gradient)`: the update's own read of the variable is no penalty."""
    _, _, data = _model(p)
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    variables = v1.trainable_variables()
    gradients = tf.gradients(loss, variables)
    p.ports(list(zip(gradients, variables, strict=True)))
    updates = [v1.assign(v, v - 0.1 * g) for v, g in zip(variables, gradients, strict=True)]
    p.train_op = tf.group(*updates, name="train")


def momentum_by_hand(p: Program, mutation: str) -> None:
    """Momentum kept in a variable, updated with plain assignments."""
    _, _, data = _model(p)
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    pairs = []
    for v in v1.trainable_variables():
        g = tf.gradients(loss, v)[0]
        name = v.op.name.replace("/", "_") + "_momentum"
        m = v1.get_variable(
            name,
            v.shape,
            initializer=v1.zeros_initializer(),
            trainable=False,
            use_resource=p.resource,
        )
        p.port(v, g)
        new = v1.assign(m, 0.9 * m + g)
        pairs.append(v1.assign_sub(v, 0.1 * new))
    p.train_op = tf.group(*pairs, name="train")


def _adam_by_hand(
    p: Program, loss: Any, decay: float, square: Callable[[Any], Any] = tf.square
) -> None:
    """BERT's optimizer: unfused Adam, decay added to the update, not to the gradient."""
    p.running.optimized = loss.name
    variables = v1.trainable_variables()
    gradients = tf.gradients(loss, variables)
    p.ports(list(zip(gradients, variables, strict=True)))
    gradients, _ = tf.clip_by_global_norm(gradients, 1e9)
    updates = []
    for v, g in zip(variables, gradients, strict=True):
        name = v.op.name.replace("/", "_")
        m, s = (
            v1.get_variable(
                f"{name}_{kind}",
                v.shape,
                initializer=v1.zeros_initializer(),
                trainable=False,
                use_resource=p.resource,
            )
            for kind in ("adam_m", "adam_v")
        )
        next_m = 0.9 * m + 0.1 * g
        next_s = 0.999 * s + 0.001 * square(g)
        update = next_m / (tf.sqrt(next_s) + 1e-6)
        if decay and "bias" not in name:
            update += decay * v
        updates += [v1.assign(v, v - 0.01 * update), v1.assign(m, next_m), v1.assign(s, next_s)]
    p.train_op = tf.group(*updates, name="train")


def adam_by_hand(p: Program, mutation: str) -> None:
    """Unfused Adam without decay."""
    _, _, data = _model(p)
    _adam_by_hand(p, p.combine(data, mutation), 0.0)


def adam_of_products(p: Program, mutation: str) -> None:
    """Unfused Adam that writes the square as a product of a scaled gradient with itself."""
    _, _, data = _model(p)
    _adam_by_hand(p, p.combine(data, mutation), 0.0, lambda g: (0.5 * g) * g)


def decoupled_in_gradient(p: Program, mutation: str) -> None:
    """A multiple of each weight is added to its gradient, as some optimizers' decay is."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    p.run = "decoupled"
    optimizer = _train.MomentumOptimizer(0.1, 0.9)
    pairs = optimizer.compute_gradients(data, [w1, w2])
    p.train_op = optimizer.apply_gradients([(g + 0.001 * w, w) for g, w in pairs])
    p.running.optimized = data.name


def decoupled_alone(p: Program, mutation: str) -> None:
    """AdamWeightDecay as BERT has it and no regularization loss at all."""
    x, y = p.batch()
    _, _, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    p.run = "decoupled"
    _adam_by_hand(p, data, 0.01)


def decoupled_beside(p: Program, mutation: str) -> None:
    """Decoupled decay beside regularization losses: only the losses are judged."""
    _, _, data = _model(p)
    _adam_by_hand(p, p.combine(data, mutation), 0.01)


def decoupled_separate(p: Program, mutation: str) -> None:
    """A fused optimizer, then a separate `w -= rate * decay * w`."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    p.run = "decoupled"
    train = p.minimize(data, _train.MomentumOptimizer(0.1, 0.9))
    with tf.control_dependencies([train]):
        p.train_op = tf.group(
            *[v1.assign_sub(w, 0.1 * 0.01 * w) for w in (w1, w2)], name="train_and_decay"
        )


def decoupled_before(p: Program, mutation: str) -> None:
    """Decay first, as `DecoupledWeightDecayExtension` did, then a fused Apply op."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    p.run = "decoupled"
    optimizer = _train.AdamOptimizer(0.01)
    pairs = optimizer.compute_gradients(data)
    decays = [v1.assign_sub(w, 0.001 * w) for w in (w1, w2)]
    with tf.control_dependencies(decays):
        p.train_op = optimizer.apply_gradients(pairs)
    p.running.optimized = data.name


def decay_gradient_by_hand(p: Program, mutation: str) -> None:
    """The penalty's gradient is added to the gradients; its value is in no loss."""
    w1, w2, data = _model(p)
    optimizer = _train.GradientDescentOptimizer(0.1)
    pairs = optimizer.compute_gradients(data)
    factor = {"included": 1.0, "twice": 2.0}[mutation]
    p.expect_all(*(("included", 1.0) if factor == 1.0 else ("double_counted", 2.0)))
    added = []
    for g, v in pairs:
        for key, w in (("w1", w1), ("w2", w2)):
            if v is w:
                g = g + factor * tf.gradients(p.penalties[key][0], v)[0]
        added.append((g, v))
    p.running.optimized = data.name
    p.train_op = optimizer.apply_gradients(added)


_ADAMS = (adam_by_hand, adam_of_products)
_DECAYS = (decoupled_alone, decoupled_separate, decoupled_before, decoupled_in_gradient)
_THREE = ("included", "missing", "half")
for _name, _make in OPTIMIZERS.items():
    register(f"{_name}_resource", _with_optimizer(_make), ("included", "missing", "twice"))
    register(f"{_name}_ref", _with_optimizer(_make), ("included", "partial"), resource=False)
for _resource, _tag in ((True, "resource"), (False, "ref")):
    for _family in (by_hand, by_hand_assign, momentum_by_hand, *_ADAMS, accumulated):
        register(f"{_family.__name__}_{_tag}", _family, _THREE, resource=_resource)
    for _family in _DECAYS:
        register(f"{_family.__name__}_{_tag}", _family, ("decoupled",), resource=_resource)
    register(f"polyak_{_tag}", moving_average_of_variables, _THREE, resource=_resource)
    register(f"decoupled_beside_{_tag}", decoupled_beside, _THREE, resource=_resource)
register("accumulated_decay_at_apply", accumulated_decay_at_apply, ("half",))
register("decay_gradient_by_hand", decay_gradient_by_hand, ("included", "twice"))
