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
    Series,
)
from tb_regloss.backend import conventions
from tb_regloss.backend.provider import ALL_POINTS, SCALARS_PLUGIN, Provider
from tb_regloss.backend.role_choice import Roles

_OWN_ROLES = {
    metadata.TAG_DATA_LOSS: DATA_LOSS,
    metadata.TAG_REGULARIZATION_SUM: REGULARIZATION_SUM,
    metadata.TAG_OPTIMIZED_LOSS: OPTIMIZED_LOSS,
}


@dataclasses.dataclass(frozen=True)
class RunSeries:
    """The series of one run.

    Attributes:
      roles: by role, only those found.
      extra: further collections by name.
      notes: how the roles were found, for people.
      assured: see `RunFacts.optimized_assured`.
      most_points: of the longest series, as the provider has it.
    """

    roles: Mapping[str, Series] = dataclasses.field(default_factory=dict)
    extra: Mapping[str, Series] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    assured: bool = False
    most_points: int = 0


def read_series(source: Provider, runs: Sequence[str]) -> dict[str, RunSeries]:
    """Returns the series of each of `runs` by role.

    Runs with tags of ours are read from these alone; the others by the
    conventions of the frameworks.
    """
    own = source.call("list_scalars", metadata.PLUGIN_NAME, runs, None)
    ours = [run for run in runs if own.get(run)]
    tags = {tag for run in ours for tag in own[run]}
    data = _read_scalars(source, metadata.PLUGIN_NAME, ours, tags)
    result = {run: _own_series(data.get(run, {}), own[run]) for run in ours}

    others = [run for run in runs if not own.get(run)]
    listed = source.call("list_scalars", SCALARS_PLUGIN, others, None) if others else {}
    roles = {run: conventions.find_roles(listed.get(run, {}).keys()) for run in others}
    tags = {tag for found in roles.values() for tags in found.by_role().values() for tag in tags}
    data = _read_scalars(source, SCALARS_PLUGIN, [r for r in others if roles[r].by_role()], tags)
    result.update({run: _conventional_series(data.get(run, {}), roles[run]) for run in others})
    return result


def _read_scalars(
    source: Provider, plugin: str, runs: Sequence[str], tags: Collection[str]
) -> Mapping[str, Mapping[str, Any]]:
    if not runs or not tags:
        return {}
    found: Mapping[str, Mapping[str, Any]] = source.call(
        "read_scalars", plugin, runs, tags, downsample=ALL_POINTS
    )
    return found


def _own_series(data: Mapping[str, Any], listed: Mapping[str, Any]) -> RunSeries:
    roles = {role: _series(data[tag], tag) for tag, role in _OWN_ROLES.items() if data.get(tag)}
    extra = {
        tag.removeprefix(metadata.TAG_COLLECTIONS): _series(points, tag)
        for tag, points in sorted(data.items())
        if tag.startswith(metadata.TAG_COLLECTIONS) and points
    }
    notes = []
    newest = max(metadata.content_version(s.plugin_content) or 0 for s in listed.values())
    if newest > metadata.FORMAT_VERSION:
        notes.append(
            f"This run was written by a newer tb_regloss (format {newest}; this one knows up to "
            f"{metadata.FORMAT_VERSION}). What is known is shown; update the viewer to see all."
        )
    return RunSeries(
        _with_total(roles), extra, tuple(notes), OPTIMIZED_LOSS in roles, _most_points(data)
    )


def _conventional_series(data: Mapping[str, Any], found: Roles) -> RunSeries:
    roles = {}
    for role, tags in found.by_role().items():
        terms = [_series(data[tag], tag) for tag in tags if data.get(tag)]
        if len(terms) == len(tags):
            roles[role] = terms[0] if len(terms) == 1 else add(terms)
    notes = (*found.notes, *found.ambiguities)
    assured = found.assured and OPTIMIZED_LOSS in roles
    return RunSeries(_with_total(roles), {}, notes, assured, _most_points(data))


def _most_points(data: Mapping[str, Any]) -> int:
    return max((len(points) for points in data.values()), default=0)


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
