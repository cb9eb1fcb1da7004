# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF2 programs: GradientTape in a tf.function on raw variables."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from tests.zoo.tf2_program import Program, register


@dataclasses.dataclass
class Mlp:
    """A two-layer network on raw variables."""

    w1: Any
    b1: Any
    w2: Any
    b2: Any

    @classmethod
    def make(cls, p: Program) -> Mlp:
        """Creates the variables."""
        return cls(
            p.variable("w1", [5, 4]),
            p.variable("b1", [4]),
            p.variable("w2", [4, 3]),
            p.variable("b2", [3]),
        )

    def loss(self, x: Any, y: Any) -> Any:
        """The data loss."""
        logits = tf.matmul(tf.nn.tanh(tf.matmul(x, self.w1) + self.b1), self.w2) + self.b2
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
        return tf.reduce_mean(each)

    def all(self) -> list[Any]:
        """All variables."""
        return [self.w1, self.b1, self.w2, self.b2]


def descend(p: Program, gradients: Any, variables: Any, rate: float = 0.1) -> None:
    """Gradient descent by hand."""
    for gradient, variable in p.ports(gradients, variables):
        variable.assign_sub(rate * gradient)


def plain(p: Program, mutation: str) -> None:
    """One flat tf.function."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.l2("w1", m.w1)
            p.l2("w2", m.w2, 0.02)
            loss = p.combine(data, mutation)
        descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    p.trace(step, x, y)


def outside_tape(p: Program, mutation: str) -> None:
    """Penalties computed before the tape starts: in the value, not in the gradient."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        penalty = p.l2("w1", m.w1) + p.l2("w2", m.w2)
        with tf.GradientTape() as tape:
            loss = p.optimized(p.data(m.loss(x, y)) + penalty)
        p.expect_all("blocked")
        descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    p.trace(step, x, y)


def after_tape(p: Program, mutation: str) -> None:
    """Penalties added after the gradients were taken, for the report only."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = p.optimized(p.data(m.loss(x, y)))
        gradients = tape.gradient(loss, m.all())
        total = loss + p.l2("w1", m.w1) + p.l2("w2", m.w2)
        p.expect_all("missing")
        descend(p, gradients, m.all())
        return total

    p.trace(step, x, y)


def nested(p: Program, mutation: str, depth: int = 1, jit: bool = False) -> None:
    """Model and penalties in inner tf.functions: forward and backward functions."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def penalties() -> Any:
        return p.l2("w1", m.w1), p.l2("w2", m.w2)

    @tf.function(jit_compile=jit or None)
    def loss_of(x: Any, y: Any) -> Any:
        data = p.data(m.loss(x, y))
        terms = penalties() if depth > 1 else (p.l2("w1", m.w1), p.l2("w2", m.w2))
        return p.combine(data, mutation, terms)

    @tf.function
    def gradients_of(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(x, y)
        return loss, tape.gradient(loss, m.all())

    @tf.function
    def step(x: Any, y: Any) -> Any:
        loss, gradients = gradients_of(x, y)
        descend(p, gradients, m.all())
        return loss

    p.trace(step, x, y)


def jit_step(p: Program, mutation: str) -> None:
    """The whole step is compiled by XLA inside of an outer function."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function(jit_compile=True)
    def compiled(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.l2("w1", m.w1)
            p.l2("w2", m.w2)
            loss = p.combine(data, mutation)
        descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    @tf.function
    def step(x: Any, y: Any) -> Any:
        return compiled(x, y)

    p.trace(step, x, y)


def steps_in_loop(p: Program, mutation: str) -> None:
    """Several steps in a tf.while_loop: the updates sit in the loop's body."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        loss = tf.constant(0.0)
        for _ in tf.range(2):
            with tf.GradientTape() as tape:
                data = p.data(m.loss(x, y)) if not p.running.data else m.loss(x, y)
                p.l2("w1", m.w1)
                p.l2("w2", m.w2)
                loss = p.combine(data, mutation)
            descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    p.trace(step, x, y)


def update_in_cond(p: Program, mutation: str) -> None:
    """The update happens only where all gradients are finite."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.l2("w1", m.w1)
            p.l2("w2", m.w2)
            loss = p.combine(data, mutation)
        gradients = tape.gradient(loss, m.all())
        pairs = p.ports(gradients, m.all())
        if tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in gradients]):
            for gradient, variable in pairs:
                variable.assign_sub(0.1 * gradient)
        return loss

    p.trace(step, x, y)


def penalty_in_cond(p: Program, mutation: str) -> None:
    """The penalty is switched on by an argument (If), or chosen by an index (Case)."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any, on: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            s = p.strength("w", 0.01)
            branches = [
                lambda: tf.constant(0.0),
                lambda: s * (tf.nn.l2_loss(m.w1) + tf.nn.l2_loss(m.w2)),
            ]
            if mutation.startswith("case"):
                loss = tf.switch_case(tf.cast(on, tf.int32), branches)
            else:
                loss = tf.cond(on, branches[1], branches[0])
            p.penalty("w", loss, m.w1, m.w2)
            p.unlisted.add("w")
            state = mutation.split("_")[-1]
            loss = p.combine(data, state)
            if state == "included":
                p.expected["w"] = ("included", None)
            else:
                p.bare = ("no_regularization",)
        descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    p.trace(step, x, y, tf.constant(True))


def model_in_loop(p: Program, mutation: str) -> None:
    """A recurrent model: a While with its gradient While; penalties beside it."""
    kernel, out = p.variable("kernel", [7, 4]), p.variable("out", [4, 3])
    x = tf.constant(p.random.normal(size=(4, 2, 3)).astype("float32"))
    y = tf.constant([0, 2])

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            h = tf.zeros([2, 4])
            for t in tf.range(4):
                h = tf.tanh(tf.matmul(tf.concat([x[t], h], 1), kernel))
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=h @ out)
            data = p.data(tf.reduce_mean(each))
            p.l2("kernel", kernel)
            p.l2("out", out)
            loss = p.combine(data, mutation)
        descend(p, tape.gradient(loss, [kernel, out]), [kernel, out])
        return loss

    p.trace(step, x, y)


def kinds(p: Program, mutation: str) -> None:
    """L1, group lasso, orthogonal, one penalty on several variables."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.penalty("l1", p.strength("l1") * tf.reduce_sum(tf.abs(m.w1)), m.w1)
            rows = tf.sqrt(tf.reduce_sum(m.w2**2, axis=1) + 1e-8)
            p.penalty("lasso", p.strength("lasso") * tf.reduce_sum(rows), m.w2)
            gram = tf.matmul(m.w2, m.w2, transpose_a=True) - tf.eye(3)
            p.penalty("orthogonal", p.strength("orthogonal") * tf.reduce_sum(gram**2), m.w2)
            both = tf.add_n([tf.nn.l2_loss(v) for v in m.all()])
            p.penalty("all", p.strength("all") * both, *m.all())
            p.unlisted |= {"l1", "lasso", "orthogonal"}
            loss = p.combine(data, mutation)
        descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    p.trace(step, x, y)


_MOST = ("included", "missing", "partial", "half", "blocked", "twice")
_FEW = ("included", "missing", "blocked", "half")
register("plain", plain, _MOST)
register("outside_tape", outside_tape, ("blocked",))
register("after_tape", after_tape, ("missing",))
register("nested", nested, _MOST)
register("nested_deep", lambda p, m: nested(p, m, depth=2), _FEW)
register("nested_jit", lambda p, m: nested(p, m, jit=True), _FEW)
register("jit_step", jit_step, _FEW)
register("steps_in_loop", steps_in_loop, _FEW)
register("update_in_cond", update_in_cond, _FEW)
register(
    "penalty_in_cond",
    penalty_in_cond,
    ("if_included", "if_missing", "case_included", "case_missing"),
)
register("model_in_loop", model_in_loop, _MOST)
register("kinds", kinds, _MOST)
