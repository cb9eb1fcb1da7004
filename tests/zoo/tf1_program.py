# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The bench on which TF1 graph-mode programs are built.

A family is a function `(p: Program, mutation: str) -> None`; `register` turns
it into one case for each mutation.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tests.zoo.case import MUTATIONS, BuiltCase, Case, LossTruth, Truth, run_status

v1 = tf.compat.v1
Family = Callable[["Program", str], None]
_CASES: list[Case] = []


@dataclasses.dataclass
class Running:
    """What the oracle needs to run a TF1 program; tensors are given by name.

    Attributes:
      feeds: values of placeholders.
      data: `(data-loss tensor, weight)`; their weighted sum is the data loss.
      data_of: the same for single variables (the players of a GAN).
      ports: gradient at the optimizer's input by variable, as
        `(values, indices or None)`; a variable that stands in the list of an
        Apply op needs none.
      optimized: the optimized loss, `None` where there is not one alone.
      before: ops to run first, one session call each.
      numeric: dD/dv is to be measured by differences.
      alive: the graph, where its Python functions must outlive it.
    """

    feeds: dict[str, Any] = dataclasses.field(default_factory=dict)
    data: list[tuple[str, float]] = dataclasses.field(default_factory=list)
    data_of: dict[str, list[tuple[str, float]]] = dataclasses.field(default_factory=dict)
    ports: dict[str, tuple[str, str | None]] = dataclasses.field(default_factory=dict)
    optimized: str | None = None
    before: list[str] = dataclasses.field(default_factory=list)
    numeric: bool = False
    alive: Any = None


def name_of(variable: Any) -> str:
    """Returns the op name of a variable."""
    return str(variable.name).split(":")[0]


class Program:
    """One TF1 program under construction.

    Attributes:
      resource: whether variables are resource variables.
      factors: multiplies strengths by key; the oracle's lever.
    """

    def __init__(self, factors: Mapping[str, float], resource: bool, seed: int = 7) -> None:
        self.factors = factors
        self.resource = resource
        self.running = Running()
        self.random = np.random.default_rng(seed)
        self.penalties: dict[str, tuple[Any, tuple[str, ...]]] = {}
        self.expected: dict[str, tuple[str, float | None]] = {}
        self.unlisted: set[str] = set()
        self.run: str | None = None
        self.undecidable: tuple[str, ...] = ()
        self.bare: tuple[str, ...] = ()
        self.also: tuple[str, ...] = ()
        self.train_op: Any = None
        self.judge_declared = False

    # ---- parts of a model ----

    def strength(self, key: str, value: float = 0.01) -> float:
        """Returns a strength that the oracle can multiply."""
        return value * self.factors.get(key, 1.0)

    def variable(
        self, name: str, shape: Sequence[int], dtype: Any = tf.float32, **kwargs: Any
    ) -> Any:
        """Creates a variable with distinct, reproducible values."""
        value = self.random.normal(0.2, 0.6, size=shape).astype(dtype.as_numpy_dtype)
        return v1.get_variable(
            name, dtype=dtype, initializer=tf.constant(value), use_resource=self.resource, **kwargs
        )

    def batch(self, size: int = 4, features: int = 5, classes: int = 3) -> tuple[Any, Any]:
        """Creates placeholders for a batch, and what to feed to them."""
        x = v1.placeholder(tf.float32, [None, features], name="images")
        y = v1.placeholder(tf.int64, [None], name="labels")
        self.feed(x, self.random.normal(size=(size, features)).astype(np.float32))
        self.feed(y, self.random.integers(0, classes, size=size))
        return x, y

    def feed(self, placeholder: Any, value: Any) -> None:
        """Says what to feed to a placeholder."""
        self.running.feeds[placeholder.name] = np.asarray(value)

    def mlp(self, x: Any, hidden: int = 4, classes: int = 3) -> tuple[Any, Any, Any]:
        """A two-layer network: `(weights 1, weights 2, logits)`."""
        with v1.variable_scope("fc1"):
            w1 = self.variable("weights", [int(x.shape[-1]), hidden])
            b1 = self.variable("biases", [hidden])
            h = tf.nn.relu(tf.matmul(x, w1) + b1 + 0.5)
        with v1.variable_scope("fc2"):
            w2 = self.variable("weights", [hidden, classes])
            b2 = self.variable("biases", [classes])
            logits = tf.matmul(h, w2) + b2
        return w1, w2, logits

    def l2(self, key: str, variable: Any, value: float = 0.01) -> Any:
        """The classic penalty: strength times half the sum of squares, declared under key."""
        with v1.name_scope(f"{name_of(variable)}/Regularizer/"):
            loss = tf.multiply(
                tf.cast(self.strength(key, value), variable.dtype.base_dtype),
                tf.nn.l2_loss(variable),
                name="l2_regularizer",
            )
        return self.penalty(key, loss, variable)

    # ---- what is true ----

    def penalty(self, key: str, loss: Any, *variables: Any) -> Any:
        """Declares a regularization loss on variables; returns it."""
        self.penalties[key] = (loss, tuple(name_of(v) for v in variables))
        return loss

    def data(self, *terms: Any, weight: float = 1.0, of: Any = None) -> Any:
        """Declares terms of the data loss; returns the first."""
        pairs = [(term.name, weight) for term in terms]
        if of is None:
            self.running.data += pairs
        else:
            self.running.data_of.setdefault(name_of(of), []).extend(pairs)
        return terms[0]

    def port(self, variable: Any, gradient: Any) -> None:
        """Declares the gradient at the optimizer's input where an Apply op does not show it."""
        if isinstance(gradient, tf.IndexedSlices):
            pair = (gradient.values.name, gradient.indices.name)
        else:
            pair = (gradient.name, None)
        self.running.ports[name_of(variable)] = pair

    def ports(self, pairs: Sequence[tuple[Any, Any]]) -> Sequence[tuple[Any, Any]]:
        """Declares `compute_gradients` pairs as the optimizer's input; returns them."""
        for gradient, variable in pairs:
            if gradient is not None:
                self.port(variable, gradient)
        return pairs

    def expect(self, key: str, status: str, multiplier: float | None = None) -> None:
        """States the truth of one regularization loss."""
        if multiplier is None:
            multiplier = {"included": 1.0, "missing": 0.0, "blocked": 0.0}.get(status)
        self.expected[key] = (status, multiplier)

    def expect_all(self, status: str, multiplier: float | None = None) -> None:
        """States the truth of all regularization losses not stated yet."""
        for key in self.penalties:
            if key not in self.expected:
                self.expect(key, status, multiplier)

    # ---- the optimized loss ----

    def combine(self, data: Any, mutation: str, style: str = "add") -> Any:
        """Joins the data loss and all penalties as the mutation says, and states the truth."""
        keys = list(self.penalties)
        terms = [self.penalties[key][0] for key in keys]
        if mutation == "missing":
            self.expect_all("missing")
            return data
        if mutation == "partial":
            assert len(keys) > 1
            for key in keys[1:]:
                self.expect(key, "missing")
            self.expect(keys[0], "included")
            return self._sum(data, terms[:1], style)
        if mutation == "twice":
            self.expect_all("double_counted", 2.0)
            return self._sum(self._sum(data, terms, style), terms, style)
        if mutation == "half":
            self.expect_all("scaled", 0.5)
            return data + 0.5 * self._sum(terms[0], terms[1:], style)
        if mutation == "blocked":
            self.expect_all("blocked")
            return self._sum(data, [tf.stop_gradient(term) for term in terms], style)
        assert mutation == "included", mutation
        self.expect_all("included")
        return self._sum(data, terms, style)

    def _sum(self, first: Any, terms: Sequence[Any], style: str) -> Any:
        if not terms:
            return first
        if style == "add_n":
            return tf.add_n([first, *terms], name="total_loss")
        if style == "stack":
            return tf.reduce_sum(tf.stack([first, *terms]), name="total_loss")
        if style == "grouped":
            return tf.add(first, tf.add_n(list(terms), name="weight_loss"), name="total_loss")
        return functools.reduce(lambda a, b: a + b, terms, first)

    def minimize(self, loss: Any, optimizer: Any = None, **kwargs: Any) -> Any:
        """Trains with an optimizer, gradient descent by default."""
        self.running.optimized = loss.name
        optimizer = optimizer or v1.train.GradientDescentOptimizer(0.1)
        step = v1.train.get_or_create_global_step()
        self.train_op = optimizer.minimize(loss, global_step=step, **kwargs)
        v1.add_to_collection(v1.GraphKeys.TRAIN_OP, self.train_op)
        return self.train_op

    def finish(self, name: str) -> BuiltCase:
        """Adds what every program has (summaries, saver, init) and serializes it."""
        graph = v1.get_default_graph()
        for index, (tensor, _) in enumerate(self.running.data):
            v1.summary.scalar(f"data_{index}", graph.get_tensor_by_name(tensor))
        if self.running.optimized:
            v1.summary.scalar("loss", graph.get_tensor_by_name(self.running.optimized))
        v1.summary.merge_all()
        v1.global_variables_initializer()
        v1.local_variables_initializer()
        v1.train.Saver(v1.global_variables())
        losses = []
        for key, (loss, variables) in self.penalties.items():
            status, multiplier = self.expected[key]
            listed = key not in self.unlisted
            also = self.undecidable
            losses.append(LossTruth(key, loss.name, variables, status, multiplier, listed, also))
        truth = Truth(self.run or run_status(tuple(losses)), tuple(losses), self.bare, self.also)
        declaration = {
            "data_losses": [tensor for tensor, _ in self.running.data],
            "optimized_loss": self.running.optimized,
            "regularization_losses": [(t.tensor, t.variables) for t in losses],
            "train_op": None if self.train_op is None else self.train_op.name,
        }
        if any(op.type in ("PyFunc", "EagerPyFunc") for op in graph.get_operations()):
            self.running.alive = graph
        meta = v1.train.export_meta_graph(graph=graph)
        return BuiltCase(
            name=name,
            graph_def=graph.as_graph_def(add_shapes=True).SerializeToString(),
            meta_graph=meta.SerializeToString(),
            truth=truth,
            declaration=declaration,
            judge_declared=self.judge_declared,
            running=self.running,
        )


@contextlib.contextmanager
def old_control_flow() -> Iterator[None]:
    """Builds Switch, Merge, Enter, ... instead of If and While."""
    v1.disable_control_flow_v2()
    try:
        yield
    finally:
        v1.enable_control_flow_v2()


def register(
    name: str, family: Family, mutations: Sequence[str] = MUTATIONS, resource: bool = True
) -> None:
    """Registers a family's cases."""
    for mutation in mutations:

        def build(
            factors: Mapping[str, float], mutation: str = mutation, case: str = f"{name}/{mutation}"
        ) -> BuiltCase:
            program = Program(factors, resource)
            with tf.Graph().as_default():
                v1.set_random_seed(3)
                family(program, mutation)
                return program.finish(case)

        _CASES.append(Case(f"tf1/{name}/{mutation}", "tf1", build))


def cases() -> list[Case]:
    """Returns all registered cases."""
    return list(_CASES)
