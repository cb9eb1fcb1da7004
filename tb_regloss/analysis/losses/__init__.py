# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The losses of a graph: which of them are penalties, and with which factors they add up."""
