# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What logged values tell: a fit of the optimized loss, and symptoms."""
