# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The table that all benchmarks print."""

from __future__ import annotations

import dataclasses
import statistics
import sys
from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class Row:
    """One measured number and what it may be at most."""

    name: str
    value: float
    limit: float
    text: str = ""


def median(runs: Sequence[Mapping[str, float]], key: str) -> float:
    """Returns the median of one number over several runs."""
    return statistics.median(run[key] for run in runs)


def show(rows: Sequence[Row]) -> None:
    """Prints rows; ends the process with 1 where one is over its limit."""
    width = max(len(row.name) for row in rows)
    print(f"{'':{width}}  {'measured':>9}  {'at most':>7}")
    for row in rows:
        mark = "" if row.value <= row.limit else "  TOO MUCH"
        print(f"{row.name:{width}}  {row.value:9.2f}  {row.limit:7g}{mark}  {row.text}")
    sys.exit(any(row.value > row.limit for row in rows))
