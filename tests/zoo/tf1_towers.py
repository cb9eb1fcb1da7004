# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: several towers, clones, gradient clipping, loss scaling.

The data loss of several towers is the mean of the towers' losses: a factor
common to the whole loss does not count (contract), so summing the towers'
gradients instead of averaging them changes no multiplier.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tests.zoo.tf1_losses import cross_entropy
from tests.zoo.tf1_program import Program, register

v1 = tf.compat.v1
REGULARIZATION = v1.GraphKeys.REGULARIZATION_LOSSES
TOWERS = 2


def _shared_model(p: Program, x: Any, y: Any) -> tuple[Any, Any, Any]:
    # The first tower creates the variables, the others get the same by name.
    with v1.variable_scope("", reuse=v1.AUTO_REUSE):
        w1, w2, logits = p.mlp(x)
    return w1, w2, cross_entropy(y, logits)


def _towers(p: Program) -> tuple[list[Any], Any, Any]:
    x, y = p.batch(size=4)
    losses = []
    parts = zip(tf.split(x, TOWERS), tf.split(y, TOWERS), strict=True)
    for index, (each_x, each_y) in enumerate(parts):
        with v1.name_scope(f"tower_{index}"):
            w1, w2, loss = _shared_model(p, each_x, each_y)
        losses.append(p.data(loss, weight=1.0 / TOWERS))
    return losses, w1, w2


def _apply(p: Program, per_tower: list[Any], average: bool) -> None:
    optimizer = v1.train.MomentumOptimizer(0.1, 0.9)
    gradients = [optimizer.compute_gradients(loss) for loss in per_tower]
    merged = []
    for pairs in zip(*gradients, strict=True):
        each = [tf.expand_dims(g, 0) for g, _ in pairs]
        stacked = tf.concat(each, axis=0)
        reduce = tf.reduce_mean if average else tf.reduce_sum
        merged.append((reduce(stacked, 0), pairs[0][1]))
    p.train_op = optimizer.apply_gradients(p.ports(merged))
    v1.add_to_collection(v1.GraphKeys.TRAIN_OP, p.train_op)


def towers(p: Program, mutation: str) -> None:
    """The ways in which penalties join towers, by mutation `<reduction>_<who adds>`."""
    losses, w1, w2 = _towers(p)
    reduction, who = mutation.split("_")
    penalties = [p.l2("w1", w1), p.l2("w2", w2, 0.02)]
    for loss in penalties:
        v1.add_to_collection(REGULARIZATION, loss)
    if who == "all":
        p.expect_all("included")
        losses = [tf.add_n([loss, *penalties]) for loss in losses]
    elif who == "one":
        p.expect_all("scaled", 1.0 / TOWERS)
        losses[0] = tf.add_n([losses[0], *penalties])
    elif who == "twice":
        p.expect_all("double_counted", 2.0)
        losses = [tf.add_n([loss, *penalties, *penalties]) for loss in losses]
    elif who == "piled":
        # Every tower sums the whole collection, and every tower adds its own copy to it.
        p.expect_all("scaled", 1.5)
        losses = [tf.add_n([losses[0], *penalties]), tf.add_n([losses[1], *penalties, *penalties])]
    else:
        p.expect_all("missing")
    _apply(p, losses, reduction == "mean")


def towers_clipped(p: Program, mutation: str) -> None:
    """Towers' gradients are averaged, then clipped; their losses are summed for a chart."""
    losses, w1, w2 = _towers(p)
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    losses = [p.combine(loss, mutation) for loss in losses]
    v1.summary.scalar("costs", tf.add_n(losses))
    optimizer = v1.train.MomentumOptimizer(0.1, 0.9)
    towers = zip(*(optimizer.compute_gradients(loss) for loss in losses), strict=True)
    means = [(tf.add_n([g for g, _ in pairs]) * 0.5, pairs[0][1]) for pairs in towers]
    clipped = [(v1.clip_by_average_norm(g, 0.05), v) for g, v in p.ports(means)]
    p.train_op = optimizer.apply_gradients(clipped)


def clones(p: Program, mutation: str) -> None:
    """Slim's model_deploy: clone losses divided by their number, gradients summed."""
    losses, w1, w2 = _towers(p)
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    scaled = [tf.divide(loss, float(TOWERS), name="scaled_clone_loss") for loss in losses]
    regularization = tf.add_n(v1.get_collection(REGULARIZATION), name="regularization_loss")
    if mutation == "included":
        p.expect_all("included")
        scaled[0] = tf.add_n([scaled[0], regularization])
    elif mutation == "twice":
        p.expect_all("double_counted", 2.0)
        scaled = [tf.add_n([loss, regularization]) for loss in scaled]
    elif mutation == "blocked":
        p.expect_all("blocked")
        scaled[0] = tf.add_n([scaled[0], tf.stop_gradient(regularization)])
    else:
        p.expect_all("missing")
    optimizer = v1.train.RMSPropOptimizer(0.01)
    gradients = [optimizer.compute_gradients(loss) for loss in scaled]
    total = tf.add_n(scaled, name="total_loss")
    v1.summary.scalar("total_loss", total)
    merged = []
    for pairs in zip(*gradients, strict=True):
        merged.append((tf.add_n([g for g, _ in pairs], name="sum_grads"), pairs[0][1]))
    p.running.optimized = total.name
    p.train_op = optimizer.apply_gradients(merged)
    with tf.control_dependencies([p.train_op]):
        total = tf.identity(total, name="train_op")
    v1.add_to_collection(v1.GraphKeys.TRAIN_OP, total)


def clones_of_two_losses(p: Program, mutation: str, charted: bool = True) -> None:
    """Each clone has a main and an auxiliary loss; where the decay joins the mutation says."""
    x, y = p.batch(size=4)
    totals = []
    for each_x, each_y in zip(tf.split(x, TOWERS), tf.split(y, TOWERS), strict=True):
        with v1.variable_scope("", reuse=v1.AUTO_REUSE):
            w1, w2, logits = p.mlp(each_x)
        main = v1.losses.sparse_softmax_cross_entropy(each_y, logits)
        auxiliary = tf.reduce_mean(tf.nn.softplus(logits))
        v1.losses.add_loss(auxiliary)
        p.data(main, auxiliary, weight=1.0 / TOWERS)
        totals.append(tf.add_n([main, auxiliary]) / float(TOWERS))
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    decay = tf.add_n([loss for loss, _ in p.penalties.values()])
    if mutation == "twice":
        p.expect_all("double_counted", float(TOWERS))
        totals = [total + decay for total in totals]
    elif mutation == "last":
        p.expect_all("included")
        totals[-1] = totals[-1] + decay
    elif mutation == "shared":
        p.expect_all("scaled", 1.0 / TOWERS)
        totals[0] = totals[0] + decay / float(TOWERS)
    else:
        p.expect_all("missing")
    if charted:
        v1.summary.scalar("total_loss", tf.add_n(totals))
    _apply(p, totals, average=False)


def towers_in_loss(p: Program, mutation: str) -> None:
    """Towers whose losses are averaged before one gradient is taken."""
    losses, w1, w2 = _towers(p)
    for key, w in (("w1", w1), ("w2", w2)):
        p.l2(key, w)
    p.minimize(p.combine(tf.add_n(losses) / float(TOWERS), mutation))


def towers_of_shares(p: Program, mutation: str) -> None:
    """Each tower's loss is multiplied by one over their number; the first adds the penalties."""
    losses, w1, w2 = _towers(p)
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    if mutation == "charted":
        for loss in losses:
            v1.losses.add_loss(loss)
    shares = [loss * (1.0 / TOWERS) for loss in losses]
    shares[0] += tf.add_n([loss for loss, _ in p.penalties.values()])
    p.expect_all("included")
    if mutation == "in_one":
        p.minimize(tf.add_n(shares))
        return
    if mutation == "charted":
        v1.summary.scalar("mean", tf.reduce_mean(tf.stack(shares)))
    _apply(p, shares, average=False)


def _penalized(p: Program) -> Any:
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    return data


def clip_value(p: Program, mutation: str) -> None:
    """Every gradient is clipped by value."""
    loss = p.combine(_penalized(p), mutation)
    optimizer = v1.train.AdamOptimizer(0.01)
    pairs = p.ports(optimizer.compute_gradients(loss))
    p.running.optimized = loss.name
    p.train_op = optimizer.apply_gradients([(tf.clip_by_value(g, -0.1, 0.1), v) for g, v in pairs])


def clip_norm(p: Program, mutation: str) -> None:
    """Every gradient is clipped by its norm."""
    _clip_each(p, p.combine(_penalized(p), mutation))


def _clip_each(p: Program, loss: Any) -> None:
    optimizer = v1.train.MomentumOptimizer(0.01, 0.9)
    pairs = p.ports(optimizer.compute_gradients(loss))
    p.running.optimized = loss.name
    p.train_op = optimizer.apply_gradients([(tf.clip_by_norm(g, 0.2), v) for g, v in pairs])


def clip_global_norm(p: Program, mutation: str) -> None:
    """All gradients are clipped by their common norm, which ties each to every update."""
    loss = p.combine(_penalized(p), mutation, "add_n")
    variables = v1.trainable_variables()
    gradients = tf.gradients(loss, variables)
    p.ports(list(zip(gradients, variables, strict=True)))
    clipped, norm = tf.clip_by_global_norm(gradients, 0.3)
    v1.summary.scalar("gradient_norm", norm)
    p.running.optimized = loss.name
    optimizer = v1.train.AdamOptimizer(0.01)
    p.train_op = optimizer.apply_gradients(zip(clipped, variables, strict=True))


def _scaled(p: Program, loss: Any, unscaled: Any = None) -> None:
    scale = 128.0
    optimizer = v1.train.MomentumOptimizer(0.01, 0.9)
    pairs = optimizer.compute_gradients(
        loss * scale if unscaled is None else loss * scale + unscaled
    )
    p.running.optimized = loss.name
    p.train_op = optimizer.apply_gradients([(g / scale, v) for g, v in pairs])


def loss_scale(p: Program, mutation: str) -> None:
    """Static loss scaling: the loss times 128, the gradients divided by it."""
    _scaled(p, p.combine(_penalized(p), mutation))


def loss_scale_forgotten(p: Program, mutation: str) -> None:
    """The penalty joins outside of the loss scale: it arrives 1/128 as strong."""
    data = _penalized(p)
    p.expect_all("scaled", 1.0 / 128)
    _scaled(p, data, tf.add_n([loss for loss, _ in p.penalties.values()]))


def _summed(p: Program) -> Any:
    """One penalty over all that is trained."""
    x, y = p.batch()
    data = p.data(cross_entropy(y, p.mlp(x)[-1]))
    variables = v1.trainable_variables()
    decay = tf.add_n([tf.nn.l2_loss(v) for v in variables]) * p.strength("decay")
    v1.add_to_collection(REGULARIZATION, p.penalty("decay", decay, *variables))
    return data


def loss_scale_of_a_sum(p: Program, mutation: str) -> None:
    """What arrives at each weight is rounded on its own."""
    _scaled(p, p.combine(_summed(p), mutation))


def clip_norm_of_a_sum(p: Program, mutation: str) -> None:
    """A bias's gradient is a sum over examples, with dimensions kept as in the norm of it."""
    _clip_each(p, p.combine(_summed(p), mutation))


def half_precision(p: Program, mutation: str) -> None:
    """float32 variables, float16 arithmetic, penalties on the float32 values."""
    x, y = p.batch()
    with v1.variable_scope("fc"):
        w1 = p.variable("weights", [5, 4])
        w2 = p.variable("weights_2", [4, 3])
    h = tf.nn.tanh(tf.matmul(tf.cast(x, tf.float16), tf.cast(w1, tf.float16)))
    logits = tf.cast(tf.matmul(h, tf.cast(w2, tf.float16)), tf.float32)
    data = p.data(cross_entropy(y, logits))
    p.l2("w1", w1)
    p.l2("w2", w2)
    _scaled(p, p.combine(data, mutation))


def half_precision_penalty(p: Program, mutation: str) -> None:
    """Penalties computed on the float16 copies and cast back."""
    x, y = p.batch()
    with v1.variable_scope("fc"):
        w1 = p.variable("weights", [5, 3])
    low = tf.cast(w1, tf.float16)
    logits = tf.cast(tf.matmul(tf.cast(x, tf.float16), low), tf.float32)
    data = p.data(cross_entropy(y, logits))
    strength = tf.constant(p.strength("w1", 0.0625), tf.float16)
    p.penalty("w1", tf.cast(strength * tf.nn.l2_loss(low), tf.float32), w1)
    p.minimize(p.combine(data, mutation))


_ALL = tuple(f"{r}_{w}" for r in ("mean", "sum") for w in ("all", "one", "twice", "piled", "none"))
_FEW = ("included", "missing", "half", "partial")
for _resource, _tag in ((True, "resource"), (False, "ref")):
    register(f"towers_{_tag}", towers, _ALL, resource=_resource)
    register(f"clones_{_tag}", clones, ("included", "missing", "twice", "blocked"), _resource)
    register(f"clip_global_norm_{_tag}", clip_global_norm, _FEW, resource=_resource)
register("towers_clipped", towers_clipped, ("included", "missing", "half", "twice"))
_WHERE = ("last", "twice", "shared", "missing")
register("clones_of_two_losses", clones_of_two_losses, _WHERE)
register("clones_not_charted", lambda p, m: clones_of_two_losses(p, m, False), _WHERE)
register("towers_in_loss", towers_in_loss, ("included", "missing", "half"))
register("towers_of_shares", towers_of_shares, ("in_one", "apart", "charted"))
register("clip_value", clip_value, _FEW)
register("clip_norm", clip_norm, _FEW)
register("loss_scale", loss_scale, _FEW)
register("loss_scale_of_a_sum", loss_scale_of_a_sum, ("included", "half"))
register("clip_norm_of_a_sum", clip_norm_of_a_sum, ("included", "half"))
register("loss_scale_ref", loss_scale, ("included", "missing"), resource=False)
register("loss_scale_forgotten", loss_scale_forgotten, ("scaled",))
register("half_precision", half_precision, ("included", "missing", "blocked"))
register("half_precision_penalty", half_precision_penalty, ("included", "missing", "half"))
