# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps Python's search for cyclic garbage away from work that makes none.

A large graph is hundreds of thousands of objects that live until its analysis
ends. Each time their number has grown by a quarter, the collector looks at
every object of the process again: a third of the time, within TensorBoard.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator

_lock = threading.Lock()
_working = 0
_was_enabled = False


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Pauses the collector until the last of all who asked for it is done."""
    global _working, _was_enabled
    with _lock:
        _working += 1
        if _working == 1:
            _was_enabled = gc.isenabled()
            gc.disable()
    try:
        yield
    finally:
        with _lock:
            _working -= 1
            if not _working and _was_enabled:
                gc.enable()
