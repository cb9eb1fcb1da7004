# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What single ops mean, and what they compute on sampled values. Knows no graph."""
