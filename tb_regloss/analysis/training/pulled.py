# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Variables of workers that compute with a copy of what they train.

Asynchronous actor-critic programs give each worker its own network: before a
step it is set to the values of the shared one, and the gradient with respect
to the copy is applied to the original. A penalty on the copy is then one on
the original. A target network is copied as well, but what is trained there is
the network that the gradient is taken of.
"""

from __future__ import annotations

import functools
import operator

from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.op_graph import node_of
from tb_regloss.analysis.training.unfused import ancestors
from tb_regloss.analysis.training.update_arithmetic import behind
from tb_regloss.analysis.training.updates import Training


def originals(flow: Flow, training: Training) -> dict[int, int]:
    """Returns by a copy's node the trained variable whose gradient is taken at the copy."""
    copied = _copied(flow, training)
    trained = dict.fromkeys(copied.values())
    if not trained:
        return {}
    bits = {variable: 1 << place for place, variable in enumerate((*copied, *trained))}
    ports = {
        update: [node_of(port) for port in update.ports]
        for variable in trained
        for update in training.updates[variable]
    }
    used = ancestors(flow, bits, {node for nodes in ports.values() for node in nodes})
    found = {}
    for variable in trained:
        copies = [copy for copy, original in copied.items() if original == variable]
        of_copies = sum(bits[copy] for copy in copies)
        computed_from = [
            functools.reduce(operator.or_, (used.get(node, 0) for node in ports[update]), 0)
            for update in training.updates[variable]
        ]
        if all(mask & of_copies and not mask & bits[variable] for mask in computed_from):
            found.update(dict.fromkeys(copies, variable))
    return found


def _copied(flow: Flow, training: Training) -> dict[int, int]:
    """Returns variables that are set to the value of one trained variable, and to nothing else."""
    reads = {read: v for v in training.updates for read in flow.reads.get(v, ())}
    by_node, found = flow.variables.by_node, {}
    for variable, writes in flow.writes.items():
        if variable in training.updates or variable not in by_node:
            continue
        # What it begins with depends on no variable.
        later = [write for write in writes if flow.parameters[node_of(write.value)]]
        sources = {reads.get(behind(flow, write.value)) for write in later if write.how == "set"}
        if len(sources) != 1 or any(write.how != "set" for write in writes):
            continue
        source = sources.pop()
        if source in by_node and by_node[source].shape == by_node[variable].shape:
            found[variable] = source
    return found
