# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What ops compute, all of them: values, layouts, picks and shapes.

The modules fill one table when they are imported; this one sees to it
that all of them are.
"""

from __future__ import annotations

from tb_regloss.analysis.ops import op_layouts, op_picks, op_semantics, op_shapes, op_values

FUNCTIONS = op_values.FUNCTIONS
MODULES = (op_values, op_layouts, op_picks, op_shapes)


def is_understood(op: str) -> bool:
    """Whether anything here knows what an op of this type does to its inputs."""
    is_known = op in FUNCTIONS or op_semantics.is_known(op)
    return is_known or op in op_semantics.NOT_DIFFERENTIABLE
