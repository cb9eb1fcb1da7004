# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""One flat graph of ops, and what flows where in it: data, parameters, state."""
