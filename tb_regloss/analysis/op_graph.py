# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""An immutable graph of ops (being written)."""


class OpGraph:
    """See above."""
