# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The bench on which TF2 programs are built: eager set-up, a traced training step.

A family is a function `(p: Program, mutation: str) -> None` that ends with
`p.trace(step, *arguments)`.
"""

from __future__ import annotations

import dataclasses
import functools
import glob
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tests.zoo.case import MUTATIONS, BuiltCase, Case, LossTruth, Truth, run_status

# TensorFlow up to 2.15 comes with Keras 2; tf-keras stands for that one here.
HAS_KERAS_3 = hasattr(keras.Model, "stateless_call")
Family = Callable[["Program", str], None]
_CASES: list[Case] = []


@dataclasses.dataclass(frozen=True)
class Place:
    """A tensor within a function of the traced step.

    Attributes:
      graph: name of the FuncGraph that it was traced in.
      op: op name there.
      index: which output.
      replica: each replica of a strategy has its own.
    """

    graph: str
    op: str
    index: int


@dataclasses.dataclass
class Running:
    """What the oracle needs to interpret the traced step.

    Attributes:
      inputs: what the placeholders of the top level hold, by op name.
      variables: handles by name, all copies under a strategy.
      data: `(place, weight)` of the terms of the data loss.
      data_of: the same for single variables.
      penalties: places by key.
      ports: gradients at the optimizer's input; those of one variable are summed.
      slices: row indices of sparse gradients, in the order of their ports.
      optimized: the optimized loss.
      top: name of the FuncGraph of the top level.
    """

    inputs: dict[str, Any] = dataclasses.field(default_factory=dict)
    variables: dict[str, list[Any]] = dataclasses.field(default_factory=dict)
    data: list[tuple[Place, float]] = dataclasses.field(default_factory=list)
    data_of: dict[str, list[tuple[Place, float]]] = dataclasses.field(default_factory=dict)
    penalties: dict[str, Place] = dataclasses.field(default_factory=dict)
    ports: dict[str, list[Place]] = dataclasses.field(default_factory=dict)
    slices: dict[str, list[Place]] = dataclasses.field(default_factory=dict)
    optimized: Place | None = None
    top: str = ""


def place(tensor: Any) -> Place:
    """Returns where a symbolic tensor stands."""
    return Place(tensor.graph.name, tensor.op.name, tensor.value_index)


def resource(variable: Any) -> list[Any]:
    """Returns the tf.Variables behind a tf, Keras or mirrored variable."""
    variable = (
        getattr(variable, "value", variable) if "keras" in type(variable).__module__ else variable
    )
    if callable(variable):
        variable = variable()
    copies = getattr(variable, "values", None)
    return list(copies) if copies is not None and not callable(copies) else [variable]


def _public(variable: Any) -> str:
    return str(getattr(variable, "path", None) or variable.name).split(":")[0]


class Program:
    """One TF2 program under construction."""

    def __init__(self, factors: Mapping[str, float], seed: int = 7) -> None:
        self.factors = factors
        self.running = Running()
        self.random = np.random.default_rng(seed)
        self.penalties: dict[str, tuple[Any, tuple[Any, ...]]] = {}
        self.expected: dict[str, tuple[str, float | None]] = {}
        self.unlisted: set[str] = set()
        self.run: str | None = None
        self.bare: tuple[str, ...] = ()
        self.judge_declared = False
        self.optimizer_weight_decay: float | None = None
        self.configured: tuple[dict[str, Any], ...] = ()
        self.framework = "tf2"
        self._ported: list[tuple[Any, Any]] = []
        self._data_of: list[tuple[Any, Place, float]] = []
        self._traced: Any = None
        self._metadata: bytes | None = None

    def strength(self, key: str, value: float = 0.01) -> float:
        """Returns a strength that the oracle can multiply."""
        return value * self.factors.get(key, 1.0)

    def variable(self, name: str, shape: Sequence[int], **kwargs: Any) -> tf.Variable:
        """Creates a variable with reproducible values."""
        value = self.random.normal(0.2, 0.6, size=shape).astype(np.float32)
        return tf.Variable(value, name=name, **kwargs)

    def batch(self, size: int = 4, features: int = 5, classes: int = 3) -> tuple[Any, Any]:
        """Returns a batch of data."""
        x = self.random.normal(size=(size, features)).astype(np.float32)
        return tf.constant(x), tf.constant(self.random.integers(0, classes, size=size))

    # ---- called while the step is traced; ignored when it is traced once more ----

    def penalty(self, key: str, loss: Any, *variables: Any) -> Any:
        """Declares a regularization loss on variables; returns it."""
        if key not in self.running.penalties and self._traced is None:
            self.penalties[key] = (loss, variables)
            self.running.penalties[key] = place(loss)
        return loss

    def l2(self, key: str, variable: Any, value: float = 0.01) -> Any:
        """Strength times half the sum of squares."""
        return self.penalty(key, self.strength(key, value) * tf.nn.l2_loss(variable), variable)

    def data(self, *terms: Any, weight: float = 1.0, of: Any = None) -> Any:
        """Declares terms of the data loss; returns the first."""
        for term in terms if self._traced is None else ():
            if of is None:
                self.running.data.append((place(term), weight))
            else:
                self._data_of.append((of, place(term), weight))
        return terms[0]

    def ports(self, gradients: Iterable[Any], variables: Iterable[Any]) -> list[tuple[Any, Any]]:
        """Declares what the optimizer receives; returns pairs."""
        pairs = list(zip(gradients, variables, strict=True))
        for gradient, variable in pairs:
            if gradient is not None and self._traced is None:
                self._ported.append((gradient, variable))
        return pairs

    def optimized(self, loss: Any) -> Any:
        """Declares the optimized loss; returns it."""
        if self._traced is None:
            self.running.optimized = place(loss)
        return loss

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

    def combine(self, data: Any, mutation: str, terms: Sequence[Any] | None = None) -> Any:
        """Joins the data loss and all penalties as the mutation says, and states the truth."""
        keys = list(self.penalties)
        terms = [self.penalties[key][0] for key in keys] if terms is None else list(terms)
        add = functools.partial(functools.reduce, lambda a, b: a + b)
        if mutation == "missing":
            self.expect_all("missing")
            return self.optimized(data)
        if mutation == "partial":
            assert len(keys) > 1
            for key in keys[1:]:
                self.expect(key, "missing")
            self.expect(keys[0], "included")
            return self.optimized(data + terms[0])
        if mutation == "twice":
            self.expect_all("double_counted", 2.0)
            return self.optimized(add(terms, add(terms, data)))
        if mutation == "half":
            self.expect_all("scaled", 0.5)
            return self.optimized(data + 0.5 * add(terms))
        if mutation == "blocked":
            self.expect_all("blocked")
            return self.optimized(data + tf.stop_gradient(add(terms)))
        assert mutation == "included", mutation
        self.expect_all("included")
        return self.optimized(data + tf.add_n(terms))

    # ---- the traced step ----

    def trace(self, step: Any, *arguments: Any, run: Callable[[], Any] | None = None) -> None:
        """Traces the step, a `tf.function`, and runs it (or `run`) once under `trace_export`."""
        self._traced = step.get_concrete_function(*arguments)
        with tempfile.TemporaryDirectory() as logdir:
            writer = tf.summary.create_file_writer(logdir)
            with writer.as_default():
                tf.summary.trace_on(graph=True)
                run() if run else step(*arguments)
                tf.summary.trace_export("step", step=0)
            writer.close()
            (path,) = glob.glob(os.path.join(logdir, "*.tfevents*"))
            for event in tf.compat.v1.train.summary_iterator(path):
                for value in event.summary.value:
                    self._metadata = value.tensor.string_val[0]
        graph = self._traced.graph
        self.running.top = graph.name
        flat = tf.nest.flatten(arguments, expand_composites=True)
        external = [*(t for t in flat if tf.is_tensor(t)), *self._traced.captured_inputs]
        for inner, outer in zip(graph.inputs, external, strict=True):
            self.running.inputs[inner.op.name] = outer

    def _name(self, variable: Any) -> str:
        copies = resource(variable)
        for name, value in self.running.inputs.items():
            if value is copies[0].handle:
                self.running.variables[name] = [copy.handle for copy in copies]
                return name
        # Not read by the step: it has no name there.
        return _public(variable)

    def finish(self, name: str) -> BuiltCase:
        """Serializes the traced step."""
        running = self.running
        for gradient, variable in self._ported:
            own = self._name(variable)
            if isinstance(gradient, tf.IndexedSlices):
                running.slices.setdefault(own, []).append(place(gradient.indices))
                gradient = gradient.values
            running.ports.setdefault(own, []).append(place(gradient))
        for variable, where, weight in self._data_of:
            running.data_of.setdefault(self._name(variable), []).append((where, weight))
        losses = []
        aliases = {}
        for key, (_, variables) in self.penalties.items():
            status, multiplier = self.expected[key]
            where = running.penalties[key]
            tensor = f"{where.op}:{where.index}"
            names = tuple(self._name(v) for v in variables)
            aliases.update({own: _public(v) for own, v in zip(names, variables, strict=True)})
            listed = key not in self.unlisted
            losses.append(LossTruth(key, tensor, names, status, multiplier, listed))
        truth = Truth(self.run or run_status(tuple(losses)), tuple(losses), self.bare)
        optimized = running.optimized
        declaration = {
            "data_losses": [f"{where.op}:{where.index}" for where, _ in running.data],
            "optimized_loss": f"{optimized.op}:{optimized.index}" if optimized else None,
            # The user's names; in the graph a captured variable has another.
            "regularization_losses": [
                (t.tensor, tuple(aliases[v] for v in t.variables)) for t in losses
            ],
            "aliases": aliases,
            "train_op": None,
            "optimizer_weight_decay": self.optimizer_weight_decay,
            "configured": self.configured,
            "framework": self.framework,
        }
        return BuiltCase(
            name=name,
            graph_def=self._traced.graph.as_graph_def(add_shapes=True).SerializeToString(),
            meta_graph=None,
            truth=truth,
            declaration=declaration,
            run_metadata=self._metadata,
            judge_declared=self.judge_declared,
            # The concrete function keeps captured tensors alive.
            running=(running, self._traced),
        )


def register(
    name: str,
    family: Family,
    mutations: Sequence[str] = MUTATIONS,
    framework: str = "tf2",
    needs_keras_3: bool = False,
) -> None:
    """Registers a family's cases, unless they need a Keras that is not there."""
    if (needs_keras_3 or framework == "keras") and not HAS_KERAS_3:
        return
    for mutation in mutations:

        def build(
            factors: Mapping[str, float],
            mutation: str = mutation,
            case: str = f"{framework}/{name}/{mutation}",
        ) -> BuiltCase:
            program = Program(factors)
            program.framework = "keras" if framework == "keras" else framework
            # Names and seeds as in a fresh process: two builds must differ in strengths only.
            if HAS_KERAS_3:
                keras.utils.clear_session(free_memory=False)
            keras.utils.set_random_seed(3)
            family(program, mutation)
            return program.finish(case)

        _CASES.append(Case(f"{framework}/{name}/{mutation}", framework, build))


def cases() -> list[Case]:
    """Returns all registered cases."""
    return list(_CASES)
