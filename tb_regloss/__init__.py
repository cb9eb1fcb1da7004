# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""RegLoss for TensorBoard: is your regularization in the loss you train on?

Importing this package loads neither TensorFlow nor TensorBoard: TensorBoard
imports every installed plugin at start-up, and a training program may want
`tb_regloss.summary.pb` alone.
"""

__version__ = "0.1.0"
