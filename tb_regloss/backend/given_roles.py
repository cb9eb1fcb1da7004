# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What a user said about which tags stand for which losses: for all runs, and for single ones."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from typing import Any

from tb_regloss import errors
from tb_regloss.analysis.facts import ROLES

# Pairs of a role and the tags whose sum it is, in the order of `ROLES`; no
# tags: the run has no such loss. Pairs, for reports are kept by what was said.
RoleTags = tuple[tuple[str, tuple[str, ...]], ...]

_FORM = (
    '{"all": {"data_loss": ["a tag", ...], ...}, "runs": {"name of a run": {...}}}; the losses '
    f"are {', '.join(ROLES)}, several tags are summed, and one tag stands for one loss"
)


@dataclasses.dataclass(frozen=True)
class RunRoles:
    """What was said that concerns one run.

    Attributes:
      own: said of this run.
      shared: said of all runs; holds where the run logs one of the tags.
    """

    own: RoleTags = ()
    shared: RoleTags = ()

    def among(self, tags: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Returns what holds for a run with these tags, by role; its own goes first."""
        told = dict(self.own)
        taken = {tag for chosen in told.values() for tag in chosen}
        for role, chosen in self.shared:
            fits = not chosen or any(tag in tags for tag in chosen)
            if role not in told and fits and taken.isdisjoint(chosen):
                told[role] = chosen
        return told


@dataclasses.dataclass(frozen=True)
class GivenRoles:
    """What was said.

    Attributes:
      shared: of all runs.
      by_run: of single runs, which goes before.
    """

    shared: RoleTags = ()
    by_run: tuple[tuple[str, RoleTags], ...] = ()

    def of(self, run: str) -> RunRoles:
        """Returns what concerns this run."""
        return RunRoles(dict(self.by_run).get(run, ()), self.shared)


def parse(text: str) -> GivenRoles:
    """Returns what a JSON text says.

    Raises:
      errors.UsageError: it says nothing of the form that is expected.
    """
    try:
        return from_json(json.loads(text))
    except (ValueError, RecursionError):
        raise errors.UsageError(f"The roles are no JSON; expected {_FORM}.") from None


def from_json(value: Any) -> GivenRoles:
    """Returns what a value says that was parsed from JSON.

    Raises:
      errors.UsageError: as `parse`.
    """
    whole = _object(value, "The roles", ("all", "runs"))
    runs = _object(whole.get("runs", {}), 'The "runs" of the roles')
    return GivenRoles(
        role_tags(whole.get("all", {}), "all runs"),
        tuple((run, role_tags(said, f'the run "{run}"')) for run, said in sorted(runs.items())),
    )


def role_tags(value: Any, where: str) -> RoleTags:
    """Returns the tags by role.

    Args:
      value: by role a list of tags.
      where: whose roles they are, for the error.

    Raises:
      errors.UsageError: it is something else, or names a tag for two roles.
    """
    said = _object(value, f"The roles of {where}", ROLES)
    holders: dict[str, str] = {}
    for role, tags in said.items():
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise errors.UsageError(
                f'The tags of "{role}" ({where}) are no list of tags; expected {_FORM}.'
            )
        for tag in tags:
            if holders.setdefault(tag, role) != role:
                raise errors.UsageError(
                    f'The tag "{tag}" was given as {_name(holders[tag])} and as {_name(role)} '
                    f"({where}); one tag stands for one loss."
                )
    return tuple((role, tuple(dict.fromkeys(said[role]))) for role in ROLES if role in said)


def _object(value: Any, what: str, keys: Collection[str] | None = None) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise errors.UsageError(f"{what} are no JSON object; expected {_FORM}.")
    odd = sorted(set(value) - set(keys)) if keys is not None else []
    if odd:
        raise errors.UsageError(f'{what} hold "{odd[0][:80]}"; expected {_FORM}.')
    return value


def _name(role: str) -> str:
    return role.replace("_", " ")
