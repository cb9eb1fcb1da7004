# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The runs of a logdir and their event files, named as TensorBoard names them.

A run is a folder with event files in it; its name is the folder's path below
the logdir, `"."` for the logdir itself.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Collection, Mapping, Sequence

from tb_regloss.analysis.facts import Problem
from tb_regloss.formats import files
from tb_regloss.formats.event_file import EventFile, GraphRecord
from tb_regloss.formats.scalar_points import Point, PointsFile, merged

_URI = re.compile(r"[a-zA-Z][0-9a-zA-Z.]*://.*")


class RunFiles:
    """The event files of one run.

    Attributes:
      path: the run's folder, or its only file.
    """

    def __init__(self, path: str, only_file: bool = False) -> None:
        self.path = path
        self._only_file = only_file
        self._lock = threading.Lock()
        self._files: dict[str, EventFile] = {}
        self._tags: frozenset[str] = frozenset()
        self._points: dict[tuple[str, int], PointsFile] = {}

    def scan(self) -> tuple[tuple[GraphRecord, ...], tuple[Problem, ...]]:
        """Looks through what was written since the last call.

        Returns:
          Where the run's graphs stand, oldest first, and what is wrong with
          its files.
        """
        with self._lock:
            try:
                paths = self.paths()
            except Exception as error:  # A remote file system may raise anything.
                return (), (Problem(self.path, str(files.unreadable(self.path, error))),)
            self._files = {path: self._files.get(path) or EventFile(path) for path in paths}
            for event_file in self._files.values():
                event_file.scan()
            found = [record for file in self._files.values() for record in file.records]
            problems = tuple(file.problem for file in self._files.values() if file.problem)
        # Stable: graphs of one moment stay in the order of their files.
        return tuple(sorted(found, key=lambda record: record.wall_time)), problems

    def records_read(self) -> int:
        """Returns the number of records at the last scan: no series has more points."""
        with self._lock:
            return sum(file.records_read for file in self._files.values())

    def points(self, tags: Collection[str]) -> dict[str, Sequence[Point]]:
        """Returns the points of these scalar series, read from the event files.

        Raises:
          errors.UnreadableError: a file vanished, or may not be read.
        """
        with self._lock:
            wanted = frozenset(tags)
            if wanted != self._tags:
                self._tags, self._points = wanted, {}
            keys = [(path, file.generation) for path, file in self._files.items()]
            self._points = {
                key: self._points.get(key) or PointsFile(key[0], wanted) for key in keys
            }
            for file in self._points.values():
                file.scan()
            return {
                tag: merged(file.series[tag] for file in self._points.values()) for tag in wanted
            }

    def sizes(self) -> tuple[tuple[str, int], ...]:
        """Returns the files and their sizes at the last scan: equal means nothing new."""
        with self._lock:
            return tuple((path, file.size) for path, file in self._files.items())

    def paths(self) -> list[str]:
        """Returns the paths of the event files that are there now, in order."""
        if self._only_file:
            return [self.path]
        names = next(iter(files.walk(self.path)), (self.path, []))[1]
        return [os.path.join(self.path, name) for name in names if _is_event_file(name)]


class Logdir:
    """All runs below one logdir, or several of `--logdir_spec`."""

    def __init__(self, roots: Mapping[str, str | None]) -> None:
        """Takes folders, each with the name that its runs are grouped under, or `None`."""
        self._roots = dict(roots)
        self._lock = threading.Lock()
        self._runs: dict[str, RunFiles] = {}

    def refresh(self) -> None:
        """Looks for new runs; walks the whole tree, so not for a request's thread."""
        found: dict[str, str] = {}
        for root, group in self._roots.items():
            for folder, names in files.walk(root):
                if any("tfevents" in name for name in names):
                    found[_run_name(root, folder, group)] = folder
        with self._lock:
            self._runs = {
                run: self._known(run, found[run]) or RunFiles(found[run]) for run in sorted(found)
            }

    def runs(self) -> dict[str, RunFiles]:
        """Returns the runs that the last `refresh` found, sorted by name."""
        with self._lock:
            return dict(self._runs)

    def _known(self, run: str, path: str) -> RunFiles | None:
        known = self._runs.get(run)
        return known if known is not None and known.path == path else None


def _run_name(root: str, folder: str, group: str | None) -> str:
    below = os.path.relpath(folder, root) if not files.is_remote(root) else _relative(root, folder)
    name = os.path.join(group, below) if group else below
    # Folders may be called anything; a name travels through JSON and gRPC.
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _relative(root: str, folder: str) -> str:
    return folder[len(root) :].strip("/") or "."


def _is_event_file(name: str) -> bool:
    # The second condition as in TensorBoard: a marker file of its profiler.
    return "tfevents" in name and not name.endswith(".profile-empty")


def parse_spec(specification: str) -> dict[str, str | None]:
    """Returns the folders and group names of TensorBoard's `--logdir_spec`.

    A comma-separated list of `path` or `group:path`; `/a:b` is a path, and so
    is everything with a scheme (`gs://bucket/logs`).
    """
    roots: dict[str, str | None] = {}
    for item in filter(None, specification.split(",")):
        group: str | None = None
        path = item
        if ":" in item and item[0] != "/" and not _URI.match(item):
            group, _, path = item.partition(":")
        if not _URI.match(path):
            path = os.path.realpath(os.path.expanduser(path))
        roots[path] = group
    return roots


def from_flags(logdir: str | None, specification: str | None) -> Logdir | None:
    """Returns the logdir that TensorBoard was started on, `None` where it reads no files."""
    if logdir:
        return Logdir({os.path.expanduser(logdir): None})
    if specification:
        return Logdir(parse_spec(specification))
    return None
