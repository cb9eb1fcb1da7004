# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Series of runs, read through TensorBoard's DataProvider.

The two providers sample differently and treat restarts differently; what comes
out of here is the same for both: one value a step, steps ascending.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from tb_regloss import metadata
from tb_regloss.analysis.facts import (
    DATA_LOSS,
    OPTIMIZED_LOSS,
    REGULARIZATION_SUM,
    TOTAL_LOSS,
    FoundRole,
    Series,
)
from tb_regloss.backend.conventions import find_roles
from tb_regloss.backend.given_roles import RunRoles
from tb_regloss.backend.provider import ALL_POINTS, SCALARS_PLUGIN, Provider
from tb_regloss.backend.role_choice import Roles


@dataclasses.dataclass(frozen=True)
class RunSeries:
    """The series of one run.

    Attributes:
      roles: by role, only those found.
      extra: further collections by name.
      found: how each role was found, `None` where the run logs no scalars.
      notes: how the roles were found, for people.
      assured: see `RunFacts.optimized_assured`.
      most_points: of the longest series, as the provider has it.
    """

    roles: Mapping[str, Series] = dataclasses.field(default_factory=dict)
    extra: Mapping[str, Series] = dataclasses.field(default_factory=dict)
    found: Mapping[str, FoundRole] | None = None
    notes: tuple[str, ...] = ()
    assured: bool = False
    most_points: int = 0


def read_series(
    source: Provider, runs: Sequence[str], said: Mapping[str, RunRoles] | None = None
) -> dict[str, RunSeries]:
    """Returns the series of each of `runs` by role.

    What the user said goes first; else runs with tags of ours are read from
    these alone, the others by the conventions of the frameworks.

    Args:
      source: where they are.
      runs: their names.
      said: by run what the user said.
    """
    told = {run: roles for run, roles in (said or {}).items() if roles != RunRoles()}
    own = source.call("list_scalars", metadata.PLUGIN_NAME, runs, None)
    others = [run for run in runs if not own.get(run) or run in told]
    listed = source.call("list_scalars", SCALARS_PLUGIN, others, None) if others else {}
    roles = {}
    for run in runs:
        tags = {*own.get(run, ()), *listed.get(run, ())}
        roles[run] = find_roles(tags, told[run].among(tags) if run in told else None)
    ours = [run for run in runs if own.get(run)]
    data = _read_scalars(source, metadata.PLUGIN_NAME, {run: own[run].keys() for run in ours})
    chosen = {
        run: [tag for tags in roles[run].by_role().values() for tag in tags if tag in listed[run]]
        for run in others
        if run in listed
    }
    foreign = _read_scalars(source, SCALARS_PLUGIN, chosen)
    return {
        run: _run_series(
            {**foreign.get(run, {}), **data.get(run, {})},
            own.get(run, {}),
            roles[run],
            run in own or run in listed,
        )
        for run in runs
    }


def _read_scalars(
    source: Provider, plugin: str, wanted: Mapping[str, Collection[str]]
) -> dict[str, dict[str, Any]]:
    """Returns the points of these tags of each run."""
    runs = [run for run, tags in wanted.items() if tags]
    if not runs:
        return {}
    tags = {tag for run in runs for tag in wanted[run]}
    found = source.call("read_scalars", plugin, runs, tags, downsample=ALL_POINTS)
    # The question names the tags of all runs; a run may have those of its neighbours too.
    return {
        run: {tag: points for tag, points in found.get(run, {}).items() if tag in wanted[run]}
        for run in runs
    }


def _run_series(
    data: Mapping[str, Any], own: Mapping[str, Any], found: Roles, has_scalars: bool
) -> RunSeries:
    """Returns the series of one run.

    Args:
      data: the points by tag.
      own: what is listed of our own tags.
      found: which tags stand for which losses.
      has_scalars: whether the run logs any scalars.
    """
    roles = {}
    for role, tags in found.by_role().items():
        terms = [_series(data[tag], tag) for tag in tags if data.get(tag)]
        if len(terms) == len(tags):
            roles[role] = terms[0] if len(terms) == 1 else add(terms)
    extra = {
        tag.removeprefix(metadata.TAG_COLLECTIONS): _series(points, tag)
        for tag, points in sorted(data.items())
        if tag.startswith(metadata.TAG_COLLECTIONS) and points
    }
    notes = [*found.notes, *found.ambiguities]
    newest = max((metadata.content_version(s.plugin_content) or 0 for s in own.values()), default=0)
    if newest > metadata.FORMAT_VERSION:
        notes.append(
            f"This run was written by a newer tb_regloss (format {newest}; this one knows up to "
            f"{metadata.FORMAT_VERSION}). What is known is shown; update the viewer to see all."
        )
    return RunSeries(
        roles=_with_total(roles),
        extra=extra,
        found=found.sources() if has_scalars else None,
        notes=tuple(notes),
        assured=found.assured and OPTIMIZED_LOSS in roles,
        most_points=max((len(points) for points in data.values()), default=0),
    )


def _with_total(roles: Mapping[str, Series]) -> dict[str, Series]:
    """Returns the roles with the total loss, added up by step where it is not logged."""
    if TOTAL_LOSS not in roles and DATA_LOSS in roles and REGULARIZATION_SUM in roles:
        total = add([roles[DATA_LOSS], roles[REGULARIZATION_SUM]])
        if len(total.steps):
            return {**roles, TOTAL_LOSS: total}
    return dict(roles)


def add(terms: Sequence[Series]) -> Series:
    """Returns the sum of the series at the steps that all of them have."""
    steps = terms[0].steps
    for term in terms[1:]:
        steps = np.intersect1d(steps, term.steps, assume_unique=True)
    at = [np.searchsorted(term.steps, steps) for term in terms]
    with np.errstate(invalid="ignore", over="ignore"):  # inf - inf is NaN, and is shown as that
        values = np.sum([term.values[i] for term, i in zip(terms, at, strict=True)], axis=0)
    return Series(
        steps=steps,
        wall_times=terms[0].wall_times[at[0]],
        values=np.asarray(values, np.float64),
        tags=tuple(tag for term in terms for tag in term.tags),
    )


def reread(roles: Mapping[str, Series], points: Mapping[str, Sequence[Any]]) -> dict[str, Series]:
    """Returns the same roles, made of the points of other samples of their tags."""
    found = {}
    for role, old in roles.items():
        terms = [_series(points[tag], tag) for tag in old.tags if points.get(tag)]
        whole = len(terms) == len(old.tags)
        found[role] = (terms[0] if len(terms) == 1 else add(terms)) if whole else old
    return found


def _series(points: Sequence[Any], *tags: str) -> Series:
    kept = newest_writing([point.step for point in points])
    return Series(
        steps=np.array([points[i].step for i in kept], np.int64),
        wall_times=np.array([points[i].wall_time for i in kept], np.float64),
        values=np.array([points[i].value for i in kept], np.float64),
        tags=tags,
    )


def newest_writing(steps: Sequence[int]) -> list[int]:
    """Returns which points of a series, in the order of writing, were not overtaken.

    A training program that restarts from a checkpoint writes steps again; what
    the aborted attempt wrote at and after the first of them is void. The Rust
    reader does the same, the Python one only where the program logged its
    restart.

    >>> newest_writing([0, 10, 20, 30, 20, 25])
    [0, 1, 4, 5]
    """
    kept: list[int] = []
    for index, step in enumerate(steps):
        while kept and steps[kept[-1]] >= step:
            kept.pop()
        kept.append(index)
    return kept
