# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Values that are dear to compute: computed once, also when many ask at the same time."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Hashable
from concurrent import futures
from typing import Generic, TypeVar

Value = TypeVar("Value")


class SingleFlight(Generic[Value]):
    """A bounded cache whose misses run once.

    Whoever asks for a key that is being computed waits for that computation. A
    computation that fails is not kept: the next one who asks tries again.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._futures: collections.OrderedDict[Hashable, futures.Future[Value]] = (
            collections.OrderedDict()
        )

    def get(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Returns the value of `key`; raises what `compute` raises."""
        with self._lock:
            future = self._futures.get(key)
            mine = future is None
            if future is None:
                future = self._futures[key] = futures.Future()
                self._drop_oldest()
            self._futures.move_to_end(key)
        if mine:
            try:
                future.set_result(compute())
            except BaseException as error:
                with self._lock:
                    self._futures.pop(key, None)
                future.set_exception(error)
                raise
        return future.result()

    def _drop_oldest(self) -> None:
        while len(self._futures) > self._capacity:
            self._futures.popitem(last=False)
