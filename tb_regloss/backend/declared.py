# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What the training code declared of a run, and the values of the declared losses."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tb_regloss import errors, metadata
from tb_regloss.analysis.facts import Declaration, LossMatrix, Problem
from tb_regloss.backend.provider import ALL_POINTS, Provider
from tb_regloss.backend.series import newest_writing


@dataclasses.dataclass(frozen=True)
class RunDeclarations:
    """What the training code declared of one run.

    Attributes:
      declarations: newest last.
      matrix: the newest declaration's values, `None` where not logged.
      problems: declarations that do not parse, values that do not fit.
    """

    declarations: tuple[Declaration, ...] = ()
    matrix: LossMatrix | None = None
    problems: tuple[Problem, ...] = ()


def read_declarations(source: Provider, runs: Sequence[str]) -> dict[str, RunDeclarations]:
    """Returns what the training code of each of `runs` declared."""
    # One call for all: each answer of the Rust server above some kB takes 40 ms.
    data = source.call("read_tensors", metadata.PLUGIN_NAME, runs, None, downsample=ALL_POINTS)
    return {run: _declarations(data.get(run, {})) for run in runs}


def _declarations(data: Mapping[str, Any]) -> RunDeclarations:
    found: list[tuple[float, str, Declaration]] = []
    problems = []
    for tag, points in sorted(data.items()):
        if not points or not tag.startswith(metadata.TAG_DECLARATION):
            continue
        newest = max(points, key=lambda point: float(point.wall_time))
        try:
            declaration = metadata.decode_declaration(_as_bytes(newest.numpy))
        except errors.UnreadableError as error:
            problems.append(Problem(tag, str(error)))
            continue
        found.append((newest.wall_time, tag.removeprefix(metadata.TAG_DECLARATION), declaration))
    found.sort(key=lambda item: item[0])
    matrix = None
    if found:
        _, name, declaration = found[-1]
        tag = metadata.TAG_REGULARIZATION_LOSSES + name
        matrix, trouble = _matrix(tag, data.get(tag, ()), len(declaration.regularization_losses))
        problems.extend(trouble)
    return RunDeclarations(tuple(item[2] for item in found), matrix, tuple(problems))


def _as_bytes(array: Any) -> bytes:
    value = np.asarray(array).reshape(-1)
    first = value[0] if len(value) else b""
    return first if isinstance(first, bytes) else str(first).encode()


def _matrix(tag: str, points: Sequence[Any], width: int) -> tuple[LossMatrix | None, list[Problem]]:
    fitting = [point for point in points if np.asarray(point.numpy).size == width]
    problems = []
    if len(fitting) < len(points):
        problems.append(
            Problem(
                tag,
                f"{len(points) - len(fitting)} of {len(points)} vectors of regularization losses "
                f"do not have the {width} values that their declaration names; they are left out.",
            )
        )
    if not fitting:
        return None, problems
    kept = newest_writing([point.step for point in fitting])
    matrix = LossMatrix(
        steps=np.array([fitting[i].step for i in kept], np.int64),
        wall_times=np.array([fitting[i].wall_time for i in kept], np.float64),
        values=np.array([np.ravel(fitting[i].numpy) for i in kept], np.float64),
    )
    return matrix, problems
