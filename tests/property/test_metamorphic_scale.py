# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A term that is multiplied by c on its way to the loss has c times the multiplier."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.tf
tf = pytest.importorskip("tensorflow")

from tests.zoo import judging, tf1_losses, tf2_tape
from tests.zoo.case import BuiltCase
from tests.zoo.tf1_program import Program as Program1
from tests.zoo.tf2_program import Program as Program2

# Powers of two and halves stand for constants that float32 holds exactly; the others do not.
FACTORS = st.one_of(
    st.sampled_from([-2.0, -1.0, -0.5, 0.25, 0.5, 1.0, 2.0, 3.0, 128.0]),
    st.floats(0.01, 50.0).map(lambda c: round(c, 3)),
)
WAYS = ("times", "divided", "negated", "before_sum", "twice_scaled")


def _scaled(loss: Any, factor: float, way: str) -> Any:
    if way == "divided":
        return loss / (1.0 / factor)
    if way == "negated":
        return -(loss * -factor)
    if way == "before_sum":
        return tf.reduce_sum(tf.stack([loss * factor]))
    if way == "twice_scaled":
        return 4.0 * (tf.identity(loss) * (factor / 4.0))
    return loss * factor


def _tf1(factor: float, way: str) -> BuiltCase:
    p = Program1({}, resource=True)
    with tf.Graph().as_default():
        x, y = p.batch()
        w1, w2, logits = p.mlp(x)
        data = p.data(tf1_losses.cross_entropy(y, logits))
        first, second = p.l2("w1", w1), p.l2("w2", w2)
        _expect(p, factor)
        p.minimize(data + _scaled(first, factor, way) + second)
        return p.finish("scale")


def _tf2(factor: float, way: str) -> BuiltCase:
    p = Program2({})
    m = tf2_tape.Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            first, second = p.l2("w1", m.w1), p.l2("w2", m.w2)
            loss = p.optimized(data + _scaled(first, factor, way) + second)
        _expect(p, factor)
        tf2_tape.descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    p.trace(step, x, y)
    return p.finish("scale")


def _expect(p: Any, factor: float) -> None:
    p.expect("w2", "included")
    if factor == 1.0:
        p.expect("w1", "included")
    elif factor >= 2.0 and factor == round(factor):
        p.expect("w1", "double_counted", factor)
    else:
        p.expect("w1", "scaled", factor)


BUILDERS: Mapping[str, Any] = {"tf1": _tf1, "tf2": _tf2}


@pytest.mark.parametrize("world", list(BUILDERS))
@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(factor=FACTORS)
def test_the_multiplier_follows_the_factor(world: str, way: str, factor: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        built = BUILDERS[world](factor, way)
    found = judging.compare(built, "graph_def", judging.answer_case(built, "graph_def"))
    assert found.wrong == ()
    assert found.unknown == found.unnumbered == 0
