# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF2 programs: penalties whose derivatives are no arithmetic of a few ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tests.zoo.tf2_program import Family, Program, register
from tests.zoo.tf2_tape import Mlp, descend

_FORMS: dict[str, Callable[[Any], Any]] = {
    "nuclear": lambda w: tf.reduce_sum(tf.linalg.svd(w, compute_uv=False)),
    "sorted": lambda w: tf.reduce_sum(tf.square(tf.sort(tf.reshape(w, [-1]))[:3])),
}


def of_form(form: str) -> Family:
    """One penalty of that form beside a plain one, which the loss has in any case."""

    def family(p: Program, mutation: str) -> None:
        m = Mlp.make(p)
        x, y = p.batch()
        p.bare = ("included",)

        @tf.function
        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                data = p.data(m.loss(x, y))
                own = p.penalty("w2", p.strength("w2") * _FORMS[form](m.w2), m.w2)
                loss = data + p.l2("w1", m.w1) + (own if mutation == "included" else 0.0)
                p.optimized(loss)
            descend(p, tape.gradient(loss, m.all()), m.all())
            return loss, own

        p.trace(step, x, y)
        p.unlisted.add("w2")
        p.expect("w1", "included")
        p.expect("w2", mutation)

    return family


for _form in _FORMS:
    register(f"form_{_form}", of_form(_form), ("included", "missing"))
