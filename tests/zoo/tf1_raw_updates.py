# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: every fused update op that TensorFlow registers, called directly.

No Python optimizer reaches some of these ops any more, but older logs hold them.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tensorflow.python.framework import op_def_registry

from tests.zoo.tf1_losses import cross_entropy
from tests.zoo.tf1_program import Program, register

v1 = tf.compat.v1
STATE = (
    "accum",
    "accum_update",
    "linear",
    "m",
    "v",
    "vhat",
    "mg",
    "ms",
    "mom",
    "gradient_accumulator",
    "gradient_squared_accumulator",
)
SCALARS = {
    "lr": 0.05,
    "alpha": 0.05,
    "l1": 0.001,
    "l2": 0.001,
    "l2_shrinkage": 0.01,
    "lr_power": -0.5,
    "rho": 0.9,
    "epsilon": 1e-3,
    "momentum": 0.9,
    "beta1": 0.9,
    "beta2": 0.99,
    "beta1_power": 0.9,
    "beta2_power": 0.99,
    "logbase": 1.0,
    "sign_decay": 0.5,
    "beta": 0.9,
}
DENSE = (
    "AdaMax",
    "Adadelta",
    "Adagrad",
    "AdagradDA",
    "AdagradV2",
    "Adam",
    "AddSign",
    "CenteredRMSProp",
    "Ftrl",
    "FtrlV2",
    "GradientDescent",
    "Momentum",
    "PowerSign",
    "ProximalAdagrad",
    "ProximalGradientDescent",
    "RMSProp",
)
SPARSE = (
    "Adadelta",
    "Adagrad",
    "AdagradDA",
    "AdagradV2",
    "CenteredRMSProp",
    "Ftrl",
    "FtrlV2",
    "Momentum",
    "ProximalAdagrad",
    "ProximalGradientDescent",
    "RMSProp",
)
RESOURCE_ONLY = ("ResourceApplyKerasMomentum", "ResourceApplyAdamWithAmsgrad")
RESOURCE_ONLY_SPARSE = ("ResourceSparseApplyKerasMomentum",)


def _update(p: Program, name: str, variable: Any, gradient: Any, indices: Any = None) -> Any:
    """Calls the op on a variable; state and numbers follow from its arguments' names."""
    definition = op_def_registry.get(name)

    def handle(v: Any) -> Any:
        return v.handle if p.resource else v._ref()

    arguments: dict[str, Any] = {}
    for argument in definition.input_arg:
        key = argument.name
        if key == "var":
            arguments[key] = handle(variable)
        elif key in ("grad", "delta"):
            arguments[key] = gradient
        elif key == "indices":
            arguments[key] = indices
        elif key == "global_step":
            arguments[key] = tf.constant(1, tf.int64)
        elif key in STATE:
            shape = variable.shape
            slot = v1.get_variable(
                f"{variable.op.name}_{key}",
                initializer=tf.fill(shape, 0.1),
                trainable=False,
                use_resource=p.resource,
            )
            arguments[key] = handle(slot)
        else:
            arguments[key] = tf.constant(SCALARS[key])
    return getattr(tf.raw_ops, name)(**arguments)


def dense(p: Program, mutation: str) -> None:
    """Each op has a weight of its own; every second penalty is left out."""
    x, y = p.batch()
    names = [f"{_prefix(p)}Apply{name}" for name in DENSE]
    names += RESOURCE_ONLY if p.resource else ()
    logits = 0.0
    for name in names:
        logits += tf.matmul(x, p.variable(name, [5, 3]))
    _finish(p, cross_entropy(y, logits), names)


def sparse(p: Program, mutation: str) -> None:
    """Rows of tables are looked up and penalized; only these rows are updated."""
    ids = v1.placeholder(tf.int64, [None], name="ids")
    y = v1.placeholder(tf.int64, [None], name="labels")
    p.feed(ids, [0, 3, 1, 3])
    p.feed(y, [0, 2, 1, 0])
    names = [f"{_prefix(p)}SparseApply{name}" for name in SPARSE]
    names += RESOURCE_ONLY_SPARSE if p.resource else ()
    rows = [tf.gather(p.variable(name, [5, 3]), ids) for name in names]
    _finish(p, cross_entropy(y, tf.nn.tanh(tf.add_n(rows))), names, rows)


def _prefix(p: Program) -> str:
    return "Resource" if p.resource else ""


def _finish(p: Program, data: Any, names: list[str], rows: Any = None) -> None:
    p.data(data)
    loss = data
    variables = v1.trainable_variables()
    for index, (name, v) in enumerate(zip(names, variables, strict=True)):
        used = index % 2 == 0
        strength = "used" if used else "unused"
        term = p.strength(strength) * tf.nn.l2_loss(v if rows is None else rows[index])
        key = f"{strength}:{name}"
        p.penalty(key, term, v)
        if rows is not None:
            p.unlisted.add(key)
        p.expect(key, "included" if used else "missing")
        loss = loss + term if used else loss
    p.running.optimized = loss.name
    updates = []
    for name, v, g in zip(names, variables, tf.gradients(loss, variables), strict=True):
        parts = (g.values, g.indices) if rows is not None else (g,)
        updates.append(_update(p, name, v, *parts))
    p.train_op = tf.group(*updates, name="train")


for _resource, _tag in ((True, "resource"), (False, "ref")):
    register(f"raw_dense_{_tag}", dense, ("partial",), resource=_resource)
    register(f"raw_sparse_{_tag}", sparse, ("partial",), resource=_resource)
