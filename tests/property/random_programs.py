# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Random TF1 training programs, and what TensorFlow itself measures on them.

Nothing here knows the analysis. A program is built from a seed; its graph is
serialized; then the gradients of each penalty and of the data loss are added
to the same graph and one step runs, once as built and once with the strength
of each penalty multiplied. What is true follows from these numbers alone.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from typing import Any

import numpy as np
import tensorflow as tf

from tests.zoo import oracle
from tests.zoo.case import BuiltCase, LossTruth, Truth, run_status
from tests.zoo.measured import FACTOR, Measured
from tests.zoo.tf1_program import old_control_flow

v1 = tf.compat.v1
# Binary fractions, so that half precision on the way does not change them.
CONSTANTS = (0.25, 0.5, 2.0, 3.0, 4.0)
STRENGTHS = (0.01, 0.017, 0.029)
# One of a row is enough on one variable: what is proportional cannot be told apart by anything
# but the way that it takes, and two of the same strength are one penalty (twins).
KINDS = {"quadratic": ("l2", "l2", "square", "mean"), "l1": ("l1",), "lasso": ("lasso",)}
KINDS |= {kind: (kind,) for kind in ("norm", "log", "gram")}


@dataclasses.dataclass(frozen=True)
class Reference:
    """A random program and what was measured on it.

    Attributes:
      built: the case with its measured truth, as the zoo's judging takes it.
      measured: as built, and with each strength multiplied.
      clear: whether every truth follows from the numbers without doubt.
    """

    built: BuiltCase
    measured: tuple[Measured, dict[str, Measured]]
    clear: bool


class RandomProgram:
    """One random program; every choice comes from the seed."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._resource = bool(self._random.integers(2))
        self._old_flow = bool(self._random.integers(2))
        self._feeds: dict[Any, Any] = {}
        self._penalties: dict[str, tuple[Any, Any, list[Any]]] = {}
        self._ports: list[tuple[Any, Any]] = []
        self._taken: set[tuple[str, str]] = set()

    def build(self, name: str) -> Reference:
        """Builds the program, serializes it, and measures it."""
        with tf.Graph().as_default() as graph:
            # The flag is taken once: a conditional's gradient must be of its kind.
            if self._old_flow:
                with old_control_flow():
                    data, optimized = self._program()
                    return self._reference(name, graph, data, optimized)
            data, optimized = self._program()
            return self._reference(name, graph, data, optimized)

    # ---- choices ----

    def _chance(self, probability: float) -> bool:
        return bool(self._random.random() < probability)

    def _pick(self, *choices: Any) -> Any:
        return choices[int(self._random.integers(len(choices)))]

    # ---- the model ----

    def _program(self) -> tuple[Any, Any]:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        y = v1.placeholder(tf.int64, [None], name="y")
        self._feeds[x] = self._random.normal(size=(5, 4)).astype(np.float32)
        self._feeds[y] = self._random.integers(0, 3, size=5)
        weights = self._variables(int(self._random.integers(1, 4)))
        towers = self._pick(1, 1, 1, 2)
        activation = self._pick(tf.nn.tanh, tf.nn.sigmoid, tf.nn.softplus)
        square = self._chance(0.3)
        losses = [
            self._data(x * (1.0 + 0.5 * tower), y, weights, activation, square)
            for tower in range(towers)
        ]
        data = functools.reduce(lambda a, b: a + b, losses) / towers
        self._add_penalties(weights)
        trained = list(weights)
        if len(trained) > 1 and self._chance(0.2):
            del trained[int(self._random.integers(len(trained)))]
        optimizer = self._optimizer()
        route = self._pick("minimize", "minimize", "by_hand", "apart", "towers")
        if route == "towers" and towers > 1:
            optimized = self._train_towers(losses, trained, optimizer)
        else:
            optimized = self._train(data, trained, optimizer, route)
        return data, optimized

    def _variables(self, count: int) -> list[Any]:
        widths = [4, *(int(self._random.integers(2, 5)) for _ in range(count - 1)), 3]
        return [
            v1.get_variable(
                f"layer{i}/w",
                initializer=self._random.normal(0.2, 0.5, size=shape).astype(np.float32),
                use_resource=self._resource,
            )
            for i, shape in enumerate(itertools.pairwise(widths))
        ]

    def _data(self, x: Any, y: Any, weights: list[Any], activation: Any, square: bool) -> Any:
        h = x
        for w in weights[:-1]:
            h = activation(tf.matmul(h, w))
        logits = tf.matmul(h, weights[-1])
        if square:
            return tf.reduce_mean(tf.square(logits - tf.one_hot(y, 3)))
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
        return tf.reduce_mean(each)

    def _optimizer(self) -> Any:
        train = v1.train
        return self._pick(
            train.GradientDescentOptimizer(0.1),
            train.MomentumOptimizer(0.1, 0.9, use_nesterov=self._chance(0.5)),
            train.AdamOptimizer(0.01),
            train.AdagradOptimizer(0.1),
            train.RMSPropOptimizer(0.01, centered=self._chance(0.5)),
            train.AdadeltaOptimizer(0.1),
            train.FtrlOptimizer(0.1),
        )

    # ---- penalties ----

    def _add_penalties(self, weights: list[Any]) -> None:
        for index in range(int(self._random.integers(1, 4))):
            key = f"r{index}"
            variables = [self._pick(*weights)]
            if len(weights) > 1 and self._chance(0.25):
                variables = weights[:2]
            strength = tf.constant(STRENGTHS[index], name=f"{key}/strength")
            norm = functools.reduce(lambda a, b: a + b, [self._norm(v) for v in variables])
            loss = strength * norm if self._chance(0.7) else norm * strength
            self._penalties[key] = (loss, strength, variables)
            if self._chance(0.3):
                v1.summary.scalar(key, loss)
            v1.add_to_collection(v1.GraphKeys.REGULARIZATION_LOSSES, loss)

    def _norm(self, w: Any) -> Any:
        free = [f for f in KINDS if (f, w.op.name) not in self._taken]
        family = "quadratic" if "quadratic" in free and self._chance(0.5) else self._pick(*free)
        self._taken.add((family, w.op.name))
        kind = self._pick(*KINDS[family])
        if kind == "l2":
            return tf.nn.l2_loss(w)
        if kind == "square":
            return tf.reduce_sum(tf.square(w))
        if kind == "l1":
            return tf.reduce_sum(tf.abs(w))
        if kind == "lasso":
            return tf.reduce_sum(tf.sqrt(tf.reduce_sum(tf.square(w), axis=1) + 1e-6))
        if kind == "norm":
            return tf.norm(w)
        if kind == "mean":
            return tf.reduce_mean(tf.square(w))
        if kind == "log":
            return tf.reduce_sum(tf.math.log1p(tf.square(w)))
        gram = tf.matmul(w, w, transpose_a=True)
        return tf.reduce_sum(tf.square(gram - tf.eye(int(w.shape[1]))))

    def _way(self, term: Any) -> Any:
        """Hands a scalar on through some ops."""
        for _ in range(int(self._random.integers(0, 4))):
            term = self._step(term)
        return term

    def _step(self, term: Any) -> Any:
        kind = int(self._random.integers(13))
        c = self._pick(*CONSTANTS)
        if kind == 0:
            return tf.identity(term)
        if kind == 1:
            return term * c
        if kind == 2:
            return term / c
        if kind == 3:
            other = self._pick(tf.float64, tf.float16, tf.bfloat16)
            return tf.cast(tf.cast(term, other), tf.float32)
        if kind == 4:
            return tf.squeeze(tf.reshape(term, [1, 1]))
        if kind == 5:
            return term + c
        if kind == 6:
            return tf.reduce_sum(tf.stack([term, tf.constant(c)]))
        if kind == 7:
            return tf.reduce_mean(tf.stack([term, term]))
        if kind == 8:
            flag = v1.placeholder(tf.bool, [])
            self._feeds[flag] = np.array(self._chance(0.5))
            return tf.cond(flag, lambda: term * c, lambda: c * term)
        if kind == 9:
            return v1.check_numerics(term, "not finite")
        if kind == 10:
            return tf.add_n([tf.concat([[term]], 0)[0], tf.zeros([])])
        if kind == 11:
            return tf.reduce_sum(tf.fill([2], term) * tf.constant([0.25, 0.75]))
        if self._chance(0.4):
            return tf.stop_gradient(term)
        return tf.negative(-term)

    def _joined(self, data: Any) -> Any:
        """The data loss and a random choice of penalties, each none to two times."""
        terms = [data]
        for loss, _, _ in self._penalties.values():
            terms += [self._way(loss) for _ in range(self._pick(0, 1, 1, 1, 2))]
        order = [terms[i] for i in self._random.permutation(len(terms))]
        if self._chance(0.4):
            total = tf.add_n(order, name="total")
        elif self._chance(0.4) and len(order) > 2:
            rest = self._way_of_all(tf.add_n(order[1:]))
            total = order[0] + rest
        else:
            total = functools.reduce(lambda a, b: a + b, order)
        return total

    def _way_of_all(self, total: Any) -> Any:
        # What the whole loss goes through; a cut here would leave no training at all.
        c = self._pick(*CONSTANTS)
        return self._pick(lambda: total, lambda: tf.identity(total), lambda: total * c)()

    # ---- training ----

    def _train(self, data: Any, trained: list[Any], optimizer: Any, route: str) -> Any:
        if route == "apart":
            # Not scaled: nothing would tell the data loss from its multiple.
            loss = tf.identity(data)
            extra = self._way_of_all(self._joined(tf.zeros([])))
            first = tf.gradients(loss, trained)
            second = tf.gradients(extra, trained)
            sums = [a if b is None else a + b for a, b in zip(first, second, strict=True)]
            self._ports = list(zip(sums, trained, strict=True))
            optimizer.apply_gradients(self._ports, name="train")
            return loss + extra
        loss = self._way_of_all(self._joined(data))
        if route == "by_hand":
            self._ports = list(zip(tf.gradients(loss, trained), trained, strict=True))
            updates = [v1.assign_sub(v, 0.1 * g) for g, v in self._ports]
            tf.group(*updates, name="train")
        else:
            self._ports = optimizer.compute_gradients(loss, trained)
            optimizer.apply_gradients(self._ports, name="train")
        return loss

    def _train_towers(self, losses: list[Any], trained: list[Any], optimizer: Any) -> Any:
        joined = [self._joined(losses[0])]
        alike = self._chance(0.5)
        joined += [self._joined(loss) if alike else loss for loss in losses[1:]]
        # The same for all: the data loss has one coefficient.
        c = self._pick(1.0, *CONSTANTS)
        joined = [loss * c for loss in joined]
        per_tower = [optimizer.compute_gradients(loss, trained) for loss in joined]
        for pairs in zip(*per_tower, strict=True):
            mean = tf.reduce_mean(tf.stack([g for g, _ in pairs]), 0)
            self._ports.append((mean, pairs[0][1]))
        optimizer.apply_gradients(self._ports, name="train")
        return functools.reduce(lambda a, b: a + b, joined)

    # ---- what is true ----

    def _reference(self, name: str, graph: Any, data: Any, optimized: Any) -> Reference:
        v1.summary.scalar("loss", optimized)
        init = v1.global_variables_initializer()
        graph_def = graph.as_graph_def(add_shapes=True).SerializeToString()
        meta_graph = v1.train.export_meta_graph(graph=graph).SerializeToString()
        fetches: dict[str, Any] = {
            "ports": {v.op.name: g for g, v in self._ports},
            "data": {v.op.name: tf.gradients(data, v)[0] for _, v in self._ports},
            "penalties": {},
            "values": {},
            "optimized": optimized,
        }
        trained = {v.op.name for _, v in self._ports}
        for key, (loss, _, variables) in self._penalties.items():
            fetches["values"][key] = loss
            for v in variables:
                if v.op.name in trained:
                    fetches["penalties"][key + "|" + v.op.name] = tf.gradients(loss, v)[0]
        with v1.Session(graph=graph) as session:
            session.run(init)
            base = _measured(session.run(fetches, self._feeds))
            changed = {}
            for key, (_, strength, _) in self._penalties.items():
                value = np.float32(FACTOR * STRENGTHS[int(key[1:])])
                changed[key] = _measured(session.run(fetches, {**self._feeds, strength: value}))
        return self._true(name, graph_def, meta_graph, (base, changed))

    def _true(self, name: str, graph_def: bytes, meta_graph: bytes, measured: Any) -> Reference:
        base, changed = measured
        guesses = [
            LossTruth(key, loss.name, tuple(v.op.name for v in variables), "included")
            for key, (loss, _, variables) in self._penalties.items()
        ]
        built = BuiltCase(name, graph_def, meta_graph, Truth("included", tuple(guesses)), {})
        scales, complaints = oracle.data_coefficients(built, base, changed)
        losses = []
        for guess in guesses:
            found = oracle.find(guess, base, changed[guess.key], scales)
            complaints += found.complaints
            losses.append(
                dataclasses.replace(
                    guess, status=found.status, multiplier=found.multiplier, listed=False
                )
            )
        truth = Truth(run_status(tuple(losses)), tuple(losses))
        built = dataclasses.replace(built, truth=truth)
        return Reference(built, measured, not complaints)


def _measured(got: dict[str, Any]) -> Measured:
    def dense(values: dict[str, Any]) -> dict[str, Any]:
        return {key: np.asarray(value, np.float64) for key, value in values.items()}

    return Measured(
        ports=dense(got["ports"]),
        data=dense(got["data"]),
        penalties={tuple(key.split("|")): value for key, value in dense(got["penalties"]).items()},
        values={key: float(value) for key, value in got["values"].items()},
        optimized=float(got["optimized"]),
    )
