# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Faults that an earlier report knew already; pure.

A fault is found again by the names of its run and of its regularization loss.
It is known unless it got worse: another status that is at least as loud, or
another multiplier where the fault is the multiplier.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import json
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from tb_regloss import errors, report
from tb_regloss.analysis.verdict_types import Severity, Status
from tb_regloss.report.faults import Fault, faults_of, loudness, run_key

# Only here is the multiplier what is at fault.
_BY_MULTIPLIER = (Status.SCALED.value, Status.DOUBLE_COUNTED.value)


@dataclasses.dataclass(frozen=True)
class Baseline:
    """An earlier report: its file and its run objects."""

    path: str
    runs: tuple[Mapping[str, Any], ...]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Today's faults beside those of the baseline.

    Attributes:
      path: the baseline file.
      known: faults of today that the baseline has.
      new: faults of today that it has not.
      gone: its faults that are repaired: their runs were judged and have them no more.
      undecided: its other faults: their runs were not checked, or are unknown now.
    """

    path: str
    known: tuple[Fault, ...]
    new: tuple[Fault, ...]
    gone: tuple[Fault, ...]
    undecided: tuple[Fault, ...]


def parse(path: str, content: bytes) -> Baseline:
    """Returns an earlier `--format json`.

    Raises:
      UsageError: it is something else.
    """
    if not content.strip():
        raise errors.UsageError(
            f"{path} is empty. A shell empties the file behind `>` before the command starts: "
            "write the new report to another file"
        )
    what = f"{path} is no output of `tb-regloss check --format json`"
    try:
        payload = json.loads(content)  # Bytes: Windows' shells write UTF-16.
    except (ValueError, RecursionError) as error:
        raise errors.UsageError(f"{what}: {error}") from None
    version = payload.get("version") if isinstance(payload, dict) else None
    if version is not None and version != report.VERSION:
        raise errors.UsageError(
            f"{path} has version {version}, expected was {report.VERSION}: make it anew"
        )
    try:
        return Baseline(path, tuple(_checked(run) for run in payload["runs"]))
    except KeyError as error:
        raise errors.UsageError(f"{what}: the key {error} is missing") from None
    except (TypeError, ValueError) as error:
        raise errors.UsageError(f"{what}: {error}") from None


def _checked(run: Any) -> Mapping[str, Any]:
    """Returns the run after a look at what is read of it later."""
    names = [run["run"], run["path"], *(loss["name"] for loss in run["regularization_losses"])]
    numbers = [loss["multiplier"] for loss in run["regularization_losses"]]
    if not all(isinstance(name, str) for name in names):
        raise TypeError("a name is no string")
    if not all(value is None or isinstance(value, (int, float, str)) for value in numbers):
        raise TypeError("a multiplier is no number")
    faults_of(run)
    found: Mapping[str, Any] = run
    return found


def compare(
    runs: Sequence[Mapping[str, Any]], baseline: Baseline, unknown_counts: bool
) -> tuple[list[tuple[Fault, ...]], Comparison]:
    """Returns today's faults, run by run, with what the baseline knows of them.

    Args:
      runs: today's run objects.
      baseline: the earlier report.
      unknown_counts: whether the comparison lists what is `unknown` too.
    """
    before = [fault for run in baseline.runs for fault in faults_of(run)]
    by_run = [faults_of(run) for run in runs]
    today = list(itertools.chain.from_iterable(by_run))
    partners = _partners(today, before)

    def counts(fault: Fault, partner: Fault | None = None) -> bool:
        loudest = max(loudness(one.severity) for one in (fault, partner) if one is not None)
        return unknown_counts or loudest > loudness(Severity.UNKNOWN.value)

    marked: list[Fault] = []
    known: list[Fault] = []
    new: list[Fault] = []
    for fault, place in zip(today, partners, strict=True):
        partner = None if place is None else before[place]
        is_known = partner is not None and not _is_worse(fault, partner)
        found = dataclasses.replace(fault, known=is_known)
        marked.append(found)
        if counts(found, partner):
            (known if is_known else new).append(found)
    continued = set(partners)
    rest = [fault for i, fault in enumerate(before) if i not in continued and counts(fault)]
    judged = {run_key(run) for run in runs if run["status"] != Status.UNKNOWN.value}
    gone = tuple(fault for fault in rest if run_key(fault.run) in judged)
    undecided = tuple(fault for fault in rest if run_key(fault.run) not in judged)
    of_runs = iter(marked)
    by_run = [tuple(itertools.islice(of_runs, len(faults))) for faults in by_run]
    return by_run, Comparison(baseline.path, tuple(known), tuple(new), gone, undecided)


def _partners(today: Sequence[Fault], before: Sequence[Fault]) -> list[int | None]:
    """Returns for each fault of today the index of the one in `before` that it continues.

    Several runs may share a name (`tb-regloss check a b`): those at the same
    place belong together before others do.
    """
    partners: list[int | None] = [None] * len(today)
    names: tuple[Callable[[Fault], Hashable], ...] = (
        lambda fault: (fault.key, fault.run["path"]),
        lambda fault: fault.key,
    )
    for name_of in names:
        taken = set(partners)
        waiting = collections.defaultdict[Hashable, collections.deque[int]](collections.deque)
        for index, fault in enumerate(before):
            if index not in taken:
                waiting[name_of(fault)].append(index)
        for index, fault in enumerate(today):
            if partners[index] is None and waiting[name_of(fault)]:
                partners[index] = waiting[name_of(fault)].popleft()
    return partners


def _is_worse(now: Fault, before: Fault) -> bool:
    if now.status != before.status:
        return loudness(now.severity) >= loudness(before.severity)
    return now.status in _BY_MULTIPLIER and not _is_same(_multiplier(now), _multiplier(before))


def _multiplier(fault: Fault) -> float | str | None:
    return None if fault.loss is None else fault.loss["multiplier"]


def _is_same(one: float | str | None, other: float | str | None) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-6)
    return one == other
