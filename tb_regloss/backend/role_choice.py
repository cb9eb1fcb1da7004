# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Choosing tags for roles, and keeping the doubts where a choice would be a guess."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable

from tb_regloss.analysis.facts import REGULARIZATION_SUM, ROLES, FoundRole

_CLONE = re.compile(r"(?:^|/)((?:clone|tower|worker|replica)_\d+)/", re.IGNORECASE)
_OF_ONE_LAYER = re.compile(r"(?i).+/weights?_loss")


class Doubt(str):
    """A sentence for people: which tags could have a role that therefore stays open.

    Attributes:
      role: the role.
      tags: those tags.
    """

    role: str
    tags: tuple[str, ...]

    def __new__(cls, text: str, role: str, tags: Iterable[str]) -> Doubt:
        """Makes the sentence."""
        doubt = super().__new__(cls, text)
        doubt.role, doubt.tags = role, tuple(tags)
        return doubt


@dataclasses.dataclass(frozen=True)
class Roles:
    """Which tags stand for which losses.

    Attributes:
      data_loss: the tags whose sum is the data loss; empty where not found.
      regularization_sum: likewise.
      total_loss: likewise; empty where it is not logged beside the optimized.
      optimized_loss: likewise; one tag.
      framework: whose convention it is, `""` where nothing was found.
      notes: how the roles were found, for people.
      ambiguities: one sentence for each role that several tags could have,
        naming them; such a role is empty.
      given: the roles that the user said.
      assured: the framework itself optimizes what it logs as the optimized
        loss; see `Convention.assured`.
    """

    data_loss: tuple[str, ...] = ()
    regularization_sum: tuple[str, ...] = ()
    total_loss: tuple[str, ...] = ()
    optimized_loss: tuple[str, ...] = ()
    framework: str = ""
    notes: tuple[str, ...] = ()
    ambiguities: tuple[Doubt, ...] = ()
    given: frozenset[str] = frozenset()
    assured: bool = False

    def by_role(self) -> dict[str, tuple[str, ...]]:
        """Returns the tags by role, roles that were found only."""
        found = {role: getattr(self, role) for role in ROLES}
        return {role: tags for role, tags in found.items() if tags}

    def sources(self) -> dict[str, FoundRole]:
        """Returns by role how it was found, of all roles."""
        found = {role: FoundRole() for role in ROLES}
        for doubt in self.ambiguities:
            found[doubt.role] = FoundRole(source="ambiguous", candidates=doubt.tags)
        own = "declared" if self.framework == "tb_regloss" else "convention"
        for role, tags in self.by_role().items():
            found[role] = FoundRole(tags, own)
        for role in self.given:
            found[role] = FoundRole(getattr(self, role), "given")
        return found


class Choice:
    """Chooses tags for roles and keeps the doubts."""

    def __init__(self, usable: dict[str, tuple[str, ...]]) -> None:
        self.usable = usable
        self.doubts: list[Doubt] = []
        self.matched = 0

    def names(self, patterns: Iterable[str], barred: Collection[str] = ()) -> list[str]:
        """Returns the plain names that match the first pattern that matches any."""
        for pattern in patterns:
            found = [n for n in self.usable if n not in barred and re.fullmatch(pattern, n)]
            if found:
                return sorted(found)
        return []

    def one(self, role: str, names: list[str]) -> tuple[str, ...]:
        """Returns the one tag of the role, nothing (and a doubt) where there are several."""
        tags = [tag for name in names for tag in self.usable[name]]
        self.matched += bool(tags)
        if len(tags) > 1:
            self.doubt(role, tags)
            return ()
        return tuple(tags)

    def summed(self, role: str, names: list[str]) -> tuple[str, ...]:
        """Returns the tags to be summed, nothing (and a doubt) where one has twins."""
        tags = [tag for name in names for tag in self.usable[name]]
        self.matched += bool(tags)
        clones = {match.group(1) for tag in tags if (match := _CLONE.search(tag))}
        if len(tags) > len(names) or len(clones) > 1:
            self.doubt(role, tags)
            return ()
        return tuple(tags)

    def doubt(self, role: str, tags: list[str]) -> None:
        """Notes that several tags could have the role."""
        name = role.replace("_", " ")
        text = f"The {name} could be any of {quoted(sorted(tags))}; say which it is."
        self.doubts.append(Doubt(text, role, sorted(tags)))

    def penalties(self, names: list[str]) -> tuple[str, ...]:
        """Returns the tags of the regularization sum.

        Penalties of single layers are summed; of several sums one must be the sum.
        """
        sums = [name for name in names if not _OF_ONE_LAYER.fullmatch(name)]
        pick = self.one if sums else self.summed
        return pick(REGULARIZATION_SUM, sums or names)

    def leave(self, role: str, names: list[str], why: str) -> None:
        """Notes that the role is left open although these names say that they have it."""
        tags = sorted(tag for name in names for tag in self.usable[name])
        text = f"The {role.replace('_', ' ')} could be {quoted(tags)}, but {why}; say which it is."
        self.matched += 1
        self.doubts.append(Doubt(text, role, tags))


def scope_of(patterns: Iterable[str], names: list[str]) -> str:
    """Returns the scope of the optimized loss as a pattern."""
    for pattern in patterns:
        if "(?P<scope>" in pattern and len(names) == 1:
            match = re.fullmatch(pattern, names[0])
            if match is not None:
                return re.escape(match.group("scope"))
    return "(?:.*/)?"


def quoted(tags: Collection[str]) -> str:
    """Returns the tags as a list for people."""
    shown = [f'"{tag}"' for tag in tags]
    if len(shown) > 8:
        shown = [*shown[:7], f"{len(shown) - 7} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
