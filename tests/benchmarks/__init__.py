# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Measurements: `python -m tests.benchmarks.<name>`."""
