# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What the analysis does not see yet, and why; an answer that became right has to go from here."""

from __future__ import annotations

# By reason: cases, and the forms of each in which the answer is wrong (all of TF2 or TF1: "*").
_TF1 = ("meta_graph", "graph_def")
_TF2 = ("graph_def", "run_metadata", "declared", "declared_run_metadata")
_BARE = "graph_def run_metadata"
_KNOWN: dict[str, dict[str, str]] = {
    "of two totals of one player the charted one makes a missing penalty a blocked one": {
        "tf1/script_two_totals/missing": "*",
    },
}


def _rows() -> dict[str, str]:
    rows = {}
    for reason, cases in _KNOWN.items():
        for case, modes in cases.items():
            every = _TF1 if case.startswith("tf1/") else _TF2
            for mode in every if modes == "*" else modes.split():
                rows[f"{case} [{mode}]"] = reason
    return rows


# Reasons by answer, as `case [mode]`.
GAPS = _rows()
