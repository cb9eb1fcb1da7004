# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What keeps an answer about a graph from being a proof: damage, and ops that nobody knows."""

from __future__ import annotations

import functools
from collections.abc import Collection, Container, Iterable

from tb_regloss.analysis.graph import cycles
from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.losses import norms
from tb_regloss.analysis.losses.penalties import Penalty
from tb_regloss.analysis.training import fed_weights, unknown_ops
from tb_regloss.analysis.training.unknown_ops import UnknownOps
from tb_regloss.analysis.verdict_types import Status


class Doubts:
    """What of one graph could not be followed.

    Args:
      flow: the graph.
      trained: the variables that it is known to train.
    """

    def __init__(self, flow: Flow, trained: Collection[int]) -> None:
        self._flow = flow
        self._unknown = UnknownOps(flow)
        self._updated = self._unknown.updated(trained)
        self._fed = fed_weights.fed(flow, trained)
        self._trained = trained

    @functools.cached_property
    def damage(self) -> str:
        """What of the graph is no program's, `""` where nothing is."""
        graph = self._flow.graph
        if graph.obstacles:
            return graph.obstacles[0]
        waiting = cycles.first_cycle(graph)
        return "" if waiting is None else f"{graph.names[waiting]!r} waits for itself"

    @property
    def may_train(self) -> bool:
        """Whether a graph that seems to train nothing may train all the same."""
        return bool(self._updated or self._fed or self.damage)

    @functools.cached_property
    def obstacles(self) -> tuple[str, ...]:
        """What could not be followed, for people to read."""
        graph = self._flow.graph
        found = list(graph.obstacles or filter(None, [self.damage]))
        for variable, node in sorted(self._updated.items()):
            if variable not in self._trained:
                found.append(self._not_known(node, f"may update {graph.names[variable]!r}"))
        if self._fed and not self._trained:
            found.append(self._from_outside(min(self._fed)))
        if self._swallower is not None:
            found.append(self._not_known(self._swallower, "reads what may be a penalty"))
        return tuple(found)

    def _from_outside(self, variable: int) -> str:
        names = self._flow.graph.names
        return (
            f"{names[self._fed[variable]]!r} writes what is fed to {names[variable]!r}, whose "
            "gradient is computed: it may be trained outside of the graph"
        )

    @functools.cached_property
    def _swallower(self) -> int | None:
        return self._unknown.swallower()

    def _not_known(self, node: int, what: str) -> str:
        graph = self._flow.graph
        return f"{graph.names[node]!r} ({graph.ops[node]}) {what}, and is an op that is not known"

    def is_followed(self, variables: frozenset[int]) -> bool:
        """Whether no penalty on variables can have been lost on its way to a loss."""
        if self.obstacles:
            return False
        if any(unknown_ops.goes_into_unknown(self._flow, v) for v in variables):
            return False
        return not norms.may_be_added(self._flow, variables)

    def of_untrained(self, penalty: Penalty, trained: Iterable[int]) -> str:
        """Returns why one of a penalty's variables may be trained all the same.

        Args:
          penalty: one none of whose variables is known to be trained.
          trained: the variables that are.
        """
        known = self._flow.variables.by_node
        inside = self._unknown.behind(penalty.node)
        if not penalty.variables and (self.obstacles or inside is not None):
            return "what it penalizes could not be followed"
        updater = self._updater(penalty)
        if updater is not None:
            return self._not_known(updater, "may update its variable")
        outside = [variable for variable in penalty.variables if variable in self._fed]
        if outside:
            return self._from_outside(outside[0])
        if any(variable not in known for variable in trained):
            return "an update's variable could not be followed"
        return self.damage

    def of_fault(
        self, penalty: Penalty, status: Status, members: Iterable[int], sums: Container[int]
    ) -> str:
        """Returns what may have made what seems to be wrong with a penalty.

        Args:
          penalty: the penalty.
          status: what it seems to be.
          members: the nodes that compute it.
          sums: nodes that losses add up to.
        """
        updater = self._updater(penalty)
        if updater is not None:
            return self._not_known(updater, "may update its variable")
        inside = self._unknown.behind(penalty.node)
        if inside is not None:
            return self._not_known(inside, "is part of it")
        reader = self._unknown.after(members, sums)
        if reader is None and penalty.source == "structure" and status is not Status.MISSING:
            reader = self._swallower  # Perhaps it is a part of the penalty only.
        if reader is not None:
            return self._not_known(reader, "reads what may be a part of it")
        return self.damage

    def _updater(self, penalty: Penalty) -> int | None:
        return next((self._updated[v] for v in penalty.variables if v in self._updated), None)
