# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What tests need to start other processes."""

import signal


def hear_interrupts() -> None:
    """Lets a child process be interrupted, for `preexec_fn`.

    A shell starts what runs in the background with interrupts ignored, and all
    its children inherit that: CI may do so.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
