# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF2 programs: losses that are put into one vector, to be weighed, picked and summed there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tests.zoo.tf2_program import Family, Program, register
from tests.zoo.tf2_tape import Mlp, descend

# How often the data loss and the penalties of w1 and w2 count.
_WEIGHTS = {
    "included": (1.0, 1.0, 1.0),
    "missing": (1.0, 0.0, 0.0),
    "partial": (1.0, 1.0, 0.0),
    "twice": (1.0, 2.0, 2.0),
    "half": (1.0, 0.5, 0.5),
}


def _train(p: Program, mutation: str, join: Callable[[list[Any]], Any]) -> None:
    """Trains on what `join` makes of the data loss and the penalties of w1 and w2."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            loss = p.optimized(join([data, p.l2("w1", m.w1), p.l2("w2", m.w2, 0.02)]))
        descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    for key, weight in zip(("w1", "w2"), _WEIGHTS[mutation][1:], strict=True):
        status = {0.0: "missing", 1.0: "included", 2.0: "double_counted"}.get(weight, "scaled")
        p.expect(key, status, weight)
    p.trace(step, x, y)


def weighed(product: Callable[[Any, Any], Any]) -> Family:
    """A vector of losses times a constant vector of weights, as multi-task code has it."""

    def family(p: Program, mutation: str) -> None:
        weights = list(_WEIGHTS[mutation])
        _train(p, mutation, lambda losses: product(tf.stack(losses), tf.constant(weights)))

    return family


def summed(total: Callable[[list[Any]], Any]) -> Family:
    """Terms that carry their weight already, and are summed up in one vector."""

    def family(p: Program, mutation: str) -> None:
        def join(losses: list[Any]) -> Any:
            weighed = zip(_WEIGHTS[mutation], losses, strict=True)
            return total([w * loss if w != 1.0 else loss for w, loss in weighed if w])

        _train(p, mutation, join)

    return family


def picked(pick: Callable[[Any, Sequence[int]], Any]) -> Family:
    """Penalties chosen from a vector of them; what is chosen is added to the data loss."""

    def family(p: Program, mutation: str) -> None:
        rows = [row for row in (0, 1) for _ in range(int(_WEIGHTS[mutation][1 + row]))]
        _train(p, mutation, lambda losses: losses[0] + pick(tf.stack(losses[1:]), rows))

    return family


def logged(p: Program, mutation: str) -> None:
    """The total stands beside its terms in the vector that is shown, and is trained on."""

    def join(losses: list[Any]) -> Any:
        terms = [loss for w, loss in zip(_WEIGHTS[mutation], losses, strict=True) if w]
        return tf.stack([*losses, tf.add_n(terms)])[-1]

    _train(p, mutation, join)


def chosen(p: Program, mutation: str) -> None:
    """The data loss is an element like any other."""
    rows = [row for row in (0, 1, 2) for _ in range(int(_WEIGHTS[mutation][row]))]
    _train(p, mutation, lambda losses: tf.reduce_sum(tf.gather(tf.stack(losses), rows)))


def table(p: Program, mutation: str) -> None:
    """A row for each task, a column for each kind of loss; elements are picked from it."""
    places = [[0, 0], *([1, row] for row in (0, 1) if _WEIGHTS[mutation][1 + row])]

    def join(losses: list[Any]) -> Any:
        rows = tf.stack([tf.stack([losses[0], tf.zeros([])]), tf.stack(losses[1:])])
        return tf.reduce_sum(tf.gather_nd(rows, places))

    _train(p, mutation, join)


def _in_array(losses: list[Any]) -> Any:
    array = tf.TensorArray(tf.float32, len(losses))
    for place, loss in enumerate(losses):
        array = array.write(place, loss)
    return tf.reduce_sum(array.stack())


def _gathered(losses: list[Any]) -> Any:
    places = list(range(len(losses)))
    array = tf.TensorArray(tf.float32, len(losses)).scatter(places, tf.stack(losses))
    return tf.reduce_sum(array.gather(places))


def _in_turn(losses: list[Any]) -> Any:
    total = tf.constant(0.0)
    for loss in tf.stack(losses):
        total += loss
    return total


def _growing(losses: list[Any]) -> Any:
    vector, array = tf.stack(losses), tf.TensorArray(tf.float32, 0, dynamic_size=True)
    for place in tf.range(len(losses)):
        array = array.write(place, 2.0 * tf.gather(vector, place))
    return tf.reduce_sum(array.stack()) / 2.0


def _by_task(losses: list[Any]) -> Any:
    return tf.reduce_sum(tf.math.segment_sum(tf.stack(losses), [0, *(1 for _ in losses[1:])]))


def _masked(losses: Any, rows: Sequence[int]) -> Any:
    return tf.reduce_sum(tf.boolean_mask(losses, [row in rows for row in (0, 1)]))


_WEIGHED = {
    "einsum": lambda v, w: tf.einsum("i,i->", v, w),
    "matmul": lambda v, w: tf.squeeze(tf.matmul(v[None], w[:, None])),
    "tensordot": lambda v, w: tf.tensordot(v, w, 1),
    "product": lambda v, w: tf.reduce_sum(v * w),
}
_SUMMED: dict[str, Callable[[list[Any]], Any]] = {
    "concat": lambda v: tf.reduce_sum(tf.concat([[v[0]], v[1:]], 0)),
    "stack": lambda v: tf.reduce_sum(tf.stack(v)),
    "segments": _by_task,
    "cumulated": lambda v: tf.cumsum(tf.stack(v))[-1],
    "split": lambda v: tf.reduce_sum(tf.add_n(tf.split(tf.stack(v), len(v)))),
}
_LOOPED: dict[str, Callable[[list[Any]], Any]] = {
    "folded": lambda v: tf.foldl(lambda a, b: a + b, tf.stack(v)),
    "mapped": lambda v: tf.reduce_sum(tf.map_fn(lambda t: 1.0 * t, tf.stack(v))),
    "folded_from": lambda v: tf.foldr(lambda a, b: a + b, tf.stack(v), 0.0),
    "scanned": lambda v: tf.scan(lambda a, b: a + b, tf.stack(v))[-1],
    "array": _in_array,
    "array_gathered": _gathered,
    "array_growing": _growing,
    "in_turn": _in_turn,
}
_PICKED: dict[str, Callable[[Any, Sequence[int]], Any]] = {
    "gathered": lambda v, rows: tf.reduce_sum(tf.gather(v, rows)),
    "indexed": lambda v, rows: tf.add_n([v[row] for row in rows]),
    "unstacked": lambda v, rows: tf.add_n([tf.unstack(v)[row] for row in rows]),
    "sliced": lambda v, rows: tf.reduce_sum(v[rows[0] : rows[-1] + 1]),
    "masked": _masked,
}
for _name, _product in _WEIGHED.items():
    register(f"joined_{_name}", weighed(_product), ("included", "half"))
register("joined_without", weighed(_WEIGHED["einsum"]), ("partial", "missing"))
for _name, _total in _SUMMED.items():
    register(f"joined_{_name}", summed(_total), ("included", "half"))
for _name, _total in _LOOPED.items():
    register(f"joined_{_name}", summed(_total), ("half",))
for _name, _pick in _PICKED.items():
    register(f"joined_{_name}", picked(_pick), ("included", "partial"))
register("joined_chosen", chosen, ("included", "partial", "twice"))
register("joined_logged", logged, ("included", "partial"))
register("joined_table", table, ("included", "partial"))
