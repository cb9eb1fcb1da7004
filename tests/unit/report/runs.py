# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Run objects for the tests of the report's formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tb_regloss.analysis import verdicts
from tb_regloss.analysis.verdict_types import Status

FIX = {"framework": "tf1", "text": "Optimize the total loss.", "code": "- old\n+ new"}


def a_loss(name: str, status: str = "missing", **keys: Any) -> dict[str, Any]:
    return {
        "name": name,
        "variables": ["w"],
        "status": status,
        "multiplier": None,
        "value": None,
        "created_at": None,
        "kind": None,
        "strength": None,
        "text": "",
        **keys,
    }


def a_run(
    name: str, losses: Sequence[Mapping[str, Any]] = (), status: str = "missing", **keys: Any
) -> dict[str, Any]:
    return {
        "version": 1,
        "run": name,
        "path": f"logs/{name}",
        "argument": "logs",
        "status": status,
        "severity": verdicts.severity_of(Status(status)).value,
        "headline": "As the test wants it",
        "coverage": {"included": 0, "total": len(losses), "unknown": 0},
        "losses": dict.fromkeys(
            ("data_loss", "regularization_sum", "total_loss", "optimized_loss", "step")
        ),
        "roles": None,
        "related_to": None,
        "regularization_losses": list(losses),
        "findings": [],
        "evidence": [],
        "fix": FIX if status == "missing" else None,
        "notes": [],
        "problems": [],
        **keys,
    }
