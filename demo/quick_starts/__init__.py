# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""One program for each common way of training, right or with `--bug`.

`python -m demo.quick_starts.NAME LOGDIR [--bug]`
"""
