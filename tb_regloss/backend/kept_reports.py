# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The newest report on each run, made anew when there is something new."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Hashable
from typing import Any

from tb_regloss.backend import judging, reader

Report = dict[str, Any]

_MOST = 1 << 13


class KeptReports:
    """Reports by key; safe to use from many threads.

    One run is analysed by one thread at a time. Who comes second finds the
    first one's report.
    """

    def __init__(self, judge: judging.Judge, argument: str) -> None:
        self._judge = judge
        self._argument = argument
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[Hashable, Report]] = {}
        # As long as somebody holds or awaits them.
        self._at_work: weakref.WeakValueDictionary[Hashable, threading.Lock] = (
            weakref.WeakValueDictionary()
        )

    def last(self, key: Hashable) -> Report | None:
        """Returns the last report, however old, without any work."""
        with self._lock:
            kept = self._kept.get(key)
        return kept[1] if kept else None

    def fingerprint(self, key: Hashable) -> Hashable:
        """Returns the fingerprint of what the last report was made of, `None` without one."""
        with self._lock:
            kept = self._kept.get(key)
        return kept[0] if kept else None

    def current(self, key: Hashable, source: reader.RunSource) -> Report:
        """Returns the report on what the run holds now; never raises."""
        with self._working_on(key):
            try:
                fingerprint = source.fingerprint()
            except Exception as error:
                return self._keep(key, None, judging.failed(source, self._argument, error))
            last = self.last(key)
            if last is not None and self.fingerprint(key) == fingerprint:
                return last
            return self._keep(key, fingerprint, self._judge.report(source, self._argument))

    def refresh(
        self,
        key: Hashable,
        source: reader.RunSource,
        fingerprint: Hashable,
        data: reader.RunData | None,
        seen: Hashable,
    ) -> None:
        """Makes the report anew, unless somebody else did so since `seen`.

        Args:
          key: of the run.
          source: where the run's data is.
          fingerprint: `source.fingerprint()`, taken before `data` was read.
          data: the run's own of `reader.read_ahead`.
          seen: `self.fingerprint(key)` from before all that.
        """
        with self._working_on(key):
            if self.fingerprint(key) == seen:
                self._keep(key, fingerprint, self._judge.report(source, self._argument, data))

    def _keep(self, key: Hashable, fingerprint: Hashable, report: Report) -> Report:
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = (fingerprint, report)
            while len(self._kept) > _MOST:
                self._kept.pop(next(iter(self._kept)))
        return report

    def _working_on(self, key: Hashable) -> threading.Lock:
        with self._lock:
            return self._at_work.setdefault(key, threading.Lock())
