# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What tells who wrote a graph, for headlines and advice; no status rests on it.

Names are hints only: a program is free to call its ops as it likes, and then
it gets the general words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tb_regloss.analysis.graph import replicas as reductions
from tb_regloss.analysis.graph.op_graph import OpGraph

# model_deploy's clones, cifar10_multi_gpu_train's towers, MirroredStrategy's
# replicas (whose first has no prefix).
_COPY = re.compile(r"(?:^|/)(?:tower|clone|replica)_(\d+)/")
_REDUCTIONS = ("CollectiveReduceV2", "CollectiveReduce", "NcclAllReduce")
# Ops that only a graph built by hand, without `tf.function`, holds: inside of
# functions variables are captured.
_TF1_VARIABLES = frozenset(("VarHandleOp", "VariableV2", "Variable"))
_ITERATORS = frozenset(("IteratorGetNext", "OneShotIterator", "QueueDequeueManyV2"))


def framework(graph: OpGraph, collections: Mapping[str, tuple[str, ...]]) -> str:
    """Returns the framework that a graph was written with.

    Args:
      graph: the graph.
      collections: of its MetaGraphDef, empty where there is none.

    Returns:
      `"tf1-slim"`, `"tf1-estimator"`, `"tf1"`, `"keras"`, `"tf2"` or `"other"`.
    """
    types = graph.op_types
    if collections or _TF1_VARIABLES & types.keys():
        if _is_slim(graph, collections):
            return "tf1-slim"
        # Estimators, and nobody without a session of their kind, report what is
        # not initialized; they read their examples from a data set.
        reports = graph.named("report_uninitialized_variables/LogicalNot")
        return "tf1-estimator" if reports is not None and _ITERATORS & types.keys() else "tf1"
    if "ReadVariableOp" not in types:
        return "other"
    # `fit` traces its step together with the iterator; a loop hands batches over.
    return "keras" if "IteratorGetNext" in types else "tf2"


def copies(graph: OpGraph) -> int:
    """Returns how many towers, clones or replicas a graph trains, 1 for a plain one.

    Looks at every name: only to be asked where the answer is of use.
    """
    sizes = [
        reductions.size(graph, node) or 1 for op in _REDUCTIONS for node in graph.nodes_with_op(op)
    ]
    if max(sizes, default=1) > 1:
        return max(sizes)
    # Ten times as fast as the pattern on every name.
    likely = [n for n in graph.names if "tower_" in n or "clone_" in n or "replica_" in n]
    found = {int(match[1]) for match in map(_COPY.search, likely) if match}
    return len(found | {0})


def _is_slim(graph: OpGraph, collections: Mapping[str, tuple[str, ...]]) -> bool:
    if "model_variables" in collections:
        return True
    # `create_train_op` collects the tensor that it returns, others collect ops.
    if any(":" in name for name in collections.get("train_op", ())):
        return True
    return graph.named("train_op/CheckNumerics") is not None
