# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which losses a TF1 graph holds: the arguments of `v1.op` and the collections.

Everything that can be wrong with them is said here, when the op is built.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tb_regloss import errors
from tb_regloss.analysis import facts
from tb_regloss.summary import _source_lines, _tf1_graph

_LOSSES = tf.compat.v1.GraphKeys.LOSSES
_REGULARIZATION_LOSSES = tf.compat.v1.GraphKeys.REGULARIZATION_LOSSES


@dataclasses.dataclass(frozen=True)
class Losses:
    """The losses of a training program, as tensors of one graph.

    Attributes:
      data: the terms of the data loss, at least one.
      regularization: one tensor for each regularization loss.
      optimized: what the user says is optimized.
      collections: members of further collections, totals left out.
    """

    data: tuple[Any, ...]
    regularization: tuple[Any, ...]
    optimized: Any
    collections: dict[str, tuple[Any, ...]]


def find(
    optimized_loss: Any,
    data_loss: Any,
    regularization_losses: Any,
    collections: Sequence[str],
) -> Losses:
    """Returns the losses that were passed or stand in the graph's collections.

    Raises:
      errors.DeclarationError: an argument cannot be logged, or there is no
        data loss.
    """
    graph = tf.compat.v1.get_default_graph()
    optimized = _scalar("optimized_loss", optimized_loss, graph)
    if isinstance(collections, str):
        collections = (collections,)
    losses = _Sorter(
        given_data=_scalars("data_loss", data_loss, graph),
        given_regularization=_scalars("regularization_losses", regularization_losses, graph),
        graph=graph,
    )
    members = {name: _members(name, graph) for name in collections}
    for name, tensors in members.items():
        if not tensors:
            raise errors.DeclarationError(
                f"Collection {name!r} was asked for and is empty. The graph's collections are "
                f"{sorted(map(str, graph.get_all_collection_keys()))}. Build the op after the "
                "losses have been added, or leave the name out."
            )
    data, regularization = losses.sort(members)
    if not data:
        raise errors.DeclarationError(_no_data_loss(graph, regularization))
    return Losses(tuple(data), tuple(regularization), optimized, losses.without_totals(members))


def declaration(losses: Losses, train_op: Any) -> facts.Declaration:
    """Returns what is to be written about the losses."""
    stacks = {
        _tf1_graph.key(tensor): _tf1_graph.stack_of(tensor.op)
        for tensor in (*losses.data, *losses.regularization, losses.optimized)
    }
    through_slim = any(map(_source_lines.passes_through_slim, stacks.values()))

    def declared(tensor: Any, with_variables: bool = False) -> facts.DeclaredLoss:
        frames = stacks.get(_tf1_graph.key(tensor)) or _tf1_graph.stack_of(tensor.op)
        return facts.DeclaredLoss(
            name=tensor.name,
            tensor=tensor.name,
            variables=_tf1_graph.reads(tensor).variables if with_variables else (),
            created_at=_source_lines.user_line(frames),
        )

    return facts.Declaration(
        framework="tf1-slim" if through_slim else "tf1",
        regularization_losses=tuple(
            declared(t, with_variables=True) for t in losses.regularization
        ),
        data_losses=tuple(declared(tensor) for tensor in losses.data),
        optimized_loss=declared(losses.optimized),
        collections={
            name: tuple(declared(tensor) for tensor in tensors)
            for name, tensors in losses.collections.items()
        },
        train_op=_train_op_name(train_op),
    )


class _Sorter:
    """Tells data losses, regularization losses and totals apart."""

    def __init__(self, given_data: Any, given_regularization: Any, graph: Any) -> None:
        self._given_data = given_data
        self._losses = _members(_LOSSES, graph)
        self._regularization = (
            _members(_REGULARIZATION_LOSSES, graph)
            if given_regularization is None
            else given_regularization
        )
        self._given = given_data or []

    def sort(self, further: dict[str, list[Any]]) -> tuple[list[Any], list[Any]]:
        """Returns the data losses and the regularization losses."""
        named = [tensor for tensors in further.values() for tensor in tensors]
        everything = _unique([*self._given, *self._regularization, *self._losses, *named])
        keys = {_tf1_graph.key(tensor) for tensor in everything}
        regularization = [t for t in self._regularization if not _is_total(t, keys)]
        taken = {_tf1_graph.key(t) for t in (*regularization, *self._given)}
        data = list(self._given)
        for tensor in _unique([*self._losses, *named]):
            # What a total sums beside members of the collections are losses
            # too: `add_loss(cross_entropy + penalty)`.
            for term in _tf1_graph.terms(tensor, keys) if _is_total(tensor, keys) else [tensor]:
                if _tf1_graph.key(term) in taken:
                    continue
                taken.add(_tf1_graph.key(term))
                reads = _tf1_graph.reads(term)
                if reads.data:
                    if self._given_data is None and not _holds(named, tensor):
                        data.append(term)
                elif reads.variables:
                    regularization.append(term)
        return data, _unique(regularization)

    def without_totals(self, further: dict[str, list[Any]]) -> dict[str, tuple[Any, ...]]:
        """Returns the members that sum no other members of their collection."""
        return {
            name: tuple(
                t for t in tensors if not _is_total(t, {_tf1_graph.key(each) for each in tensors})
            )
            for name, tensors in further.items()
        }


def _is_total(tensor: Any, keys: set[tuple[str, int]]) -> bool:
    terms = _tf1_graph.terms(tensor, keys)
    return any(term is not tensor and _tf1_graph.key(term) in keys for term in terms)


def _holds(tensors: Sequence[Any], tensor: Any) -> bool:
    return _tf1_graph.key(tensor) in {_tf1_graph.key(each) for each in tensors}


def _unique(tensors: Sequence[Any]) -> list[Any]:
    return list({_tf1_graph.key(tensor): tensor for tensor in tensors}.values())


def _members(collection: str, graph: Any) -> list[Any]:
    found = [
        _scalar(f"Member {index} of collection {collection!r}", member, graph)
        for index, member in enumerate(graph.get_collection(collection))
    ]
    return _unique(found)


def _scalars(argument: str, given: Any, graph: Any) -> list[Any] | None:
    if given is None:
        return None
    if not isinstance(given, (list, tuple)):
        return [_scalar(argument, given, graph)]
    return _unique([_scalar(f"{argument}[{i}]", item, graph) for i, item in enumerate(given)])


def _scalar(argument: str, given: Any, graph: Any) -> Any:
    """Returns the scalar tensor of this graph that was given, or says what it is instead."""
    expected = "expected a scalar floating-point tensor of the default graph"
    if given is None:
        raise errors.DeclarationError(
            f"{argument} is None; {expected}. A regularizer of strength 0 makes no loss: leave "
            "it out of the list."
        )
    if isinstance(given, tf.Variable) and not tf.executing_eagerly():
        given = given.value()
    if not (hasattr(given, "op") and hasattr(given, "graph")):
        raise errors.DeclarationError(
            f"{argument} is a {type(given).__name__} ({given!r:.80}); {expected}. In eager "
            "programs and inside of tf.function use tb_regloss.summary.v2.losses."
        )
    if given.graph is not graph:
        raise errors.DeclarationError(
            f"{argument} ({given.name}) belongs to another graph than the default one; "
            f"{expected}. Build the op inside of `with loss.graph.as_default():`."
        )
    tensor = _tf1_graph.real(given)
    if not tensor.dtype.is_floating:
        raise errors.DeclarationError(
            f"{argument} ({tensor.name}) has type {tensor.dtype.name}; {expected}. "
            "Pass the loss itself."
        )
    if tensor.shape.rank not in (None, 0):
        raise errors.DeclarationError(
            f"{argument} ({tensor.name}) has shape {tensor.shape}; {expected}. "
            "Reduce it to a scalar first, as tf.reduce_mean and tf.add_n do."
        )
    return tensor


def _train_op_name(train_op: Any) -> str | None:
    if train_op is None:
        return None
    op = getattr(train_op, "op", train_op)
    if not isinstance(op, tf.Operation):
        raise errors.DeclarationError(
            f"train_op is a {type(train_op).__name__}; expected the operation or tensor that is "
            "run to train, as optimizer.minimize or slim.learning.create_train_op return it."
        )
    return str(op.name)


def _no_data_loss(graph: Any, regularization: Sequence[Any]) -> str:
    members = [member.name for member in graph.get_collection(_LOSSES)]
    found = (
        f"holds {members[:5]}, which read only variables and constants" if members else "is empty"
    )
    return (
        f"No data loss was found: collection {_LOSSES!r} {found}, and data_loss was not given "
        f"({len(regularization)} regularization losses were found). Build the op after the loss, "
        "with a loss of tf.compat.v1.losses (which adds itself to the collection), or pass "
        "data_loss=the tensor that compares predictions with labels."
    )
