# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Points of scalar series, read from event files where the data provider has thinned them.

Of a series with more than 1,000 points TensorBoard's two readers keep different
random ones. What is concluded from them would depend on the reader, in every
number that is told. Here a point is kept for its step alone, so all series of a
run keep the same steps, whoever reads them and in how many goes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from google.protobuf import message
from tensorboard.compat.proto import event_pb2, summary_pb2, types_pb2
from tensorboard.util import tensor_util

from tb_regloss.formats import files, records
from tb_regloss.formats.wire import Window

# Between half of this and this many points of a long series are kept.
_MOST_POINTS = 2000
_GOLDEN = 0x9E3779B97F4A7C15  # 2**64 / golden ratio: spreads consecutive steps evenly
_LEVELS = 32
_FLOAT = types_pb2.DT_FLOAT
_FLOAT_BYTES = struct.Struct("<f")


class Point(NamedTuple):
    """One value of a series."""

    step: int
    wall_time: float
    value: float


class Points:
    """The points of one series that are kept, in the order of writing.

    A restart of the training program voids what was written at and after the
    step from which it goes on.
    """

    def __init__(self) -> None:
        self._kept: list[Point] = []
        self._last: Point | None = None
        self._level = 0

    def add(self, point: Point) -> None:
        """Adds the point that was written next."""
        while self._kept and self._kept[-1].step >= point.step:
            self._kept.pop()
        self._last = point
        if _level_of(point.step) >= self._level:
            self._kept.append(point)
            if len(self._kept) > _MOST_POINTS:
                self._thin_to(self._level + 1)

    def extend(self, other: Points) -> None:
        """Adds the points of the file that was written next."""
        self._thin_to(max(self._level, other._level))
        for point in other.points():
            self.add(point)

    def points(self) -> Sequence[Point]:
        """Returns the points, the last one always among them."""
        if self._last is None or (self._kept and self._kept[-1] is self._last):
            return tuple(self._kept)
        return (*self._kept, self._last)

    def _thin_to(self, level: int) -> None:
        self._level = level
        self._kept = [point for point in self._kept if _level_of(point.step) >= level]


def _level_of(step: int) -> int:
    """Returns how often a series may be halved before it loses this step."""
    return _LEVELS - ((step * _GOLDEN & (1 << 64) - 1) >> 32).bit_length()


class PointsFile:
    """The points of some tags in one event file, and how far it was read.

    Not thread-safe: its owner holds a lock around `scan`.
    """

    def __init__(self, path: str, tags: Collection[str]) -> None:
        self._path = path
        self.series = {tag: Points() for tag in tags}
        # Longest first: of two tags one may begin like the other.
        names = sorted((re.escape(tag.encode()) for tag in tags), key=len, reverse=True)
        self._pattern = re.compile(b"|".join(names))
        self._offset = 0

    def scan(self) -> None:
        """Reads what was added since the last call.

        Raises:
          errors.UnreadableError: the file is not there or may not be read.
        """
        source = files.open_source(self._path)
        try:
            size = source.size()
            window = Window(source, size)
            for start, end in records.intact_records(window, self._offset, size):
                if window.search(self._pattern, start, end):
                    self._add(window.read(start, end - start))
                self._offset = end + records.FOOTER_BYTES
        except OSError as error:
            raise files.unreadable(self._path, error) from error
        finally:
            source.close()

    def _add(self, payload: bytes) -> None:
        try:
            event = event_pb2.Event.FromString(payload)
        except message.DecodeError:
            return
        for value in event.summary.value:
            points = self.series.get(value.tag)
            if points is not None:
                number = _number(value)
                if number is not None:
                    points.add(Point(event.step, event.wall_time, number))


def merged(series: Iterable[Points]) -> Sequence[Point]:
    """Returns the points of one tag in all files of a run, which come in order."""
    whole = Points()
    for points in series:
        whole.extend(points)
    return whole.points()


def _number(value: summary_pb2.Summary.Value) -> float | None:
    if value.HasField("simple_value"):
        return float(value.simple_value)
    if not value.HasField("tensor"):
        return None
    tensor = value.tensor
    # What nearly all scalars are; the general way takes 10 microseconds.
    if tensor.dtype == _FLOAT and not tensor.tensor_shape.dim:
        if len(tensor.float_val) == 1:
            return float(tensor.float_val[0])
        if len(tensor.tensor_content) == _FLOAT_BYTES.size:
            return float(_FLOAT_BYTES.unpack(tensor.tensor_content)[0])
    try:
        array = tensor_util.make_ndarray(tensor)
        return float(array.item()) if array.size == 1 else None
    except (TypeError, ValueError):
        return None
