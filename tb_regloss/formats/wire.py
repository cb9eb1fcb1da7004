# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Protobuf's wire format, hopped over rather than parsed.

https://protobuf.dev/programming-guides/encoding/: a message is a chain of
(field number, wire type, value). To know where the graph stands in a 2 GB
record takes the few bytes before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tb_regloss.formats import files

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_FIXED_BYTES = {FIXED64: 8, FIXED32: 4}
_MAX_VARINT_BYTES = 10

_SMALLEST_READ = 1 << 12
_LARGEST_READ = 1 << 18


class Window:
    """A file seen through one buffer.

    Reading on from the buffer's end doubles the next read, up to 256 kB (many
    small records); a hop to somewhere else starts again at 4 kB (few large
    ones), so that a hop over a large record costs one small read.
    """

    def __init__(self, source: files.ByteSource, size: int) -> None:
        self._source = source
        self._size = size
        self._start = 0
        self._buffer = b""
        self._next_read = _SMALLEST_READ

    def read(self, offset: int, count: int) -> bytes:
        """Returns `count` bytes from `offset`, fewer at the end of the file."""
        begin = offset - self._start
        if begin < 0 or begin + count > len(self._buffer):
            self._fill(offset, count)
            begin = offset - self._start
        return self._buffer[begin : begin + count]

    def byte(self, offset: int) -> int:
        """Returns the byte at `offset`, -1 beyond the end of the file."""
        begin = offset - self._start
        if not 0 <= begin < len(self._buffer):
            self._fill(offset, 1)
            begin = offset - self._start
            if begin >= len(self._buffer):
                return -1
        return self._buffer[begin]

    def find(self, needle: bytes, start: int, end: int) -> int:
        """Returns where `needle` first stands in `[start, end)`, -1 where it does not."""
        if start < self._start or end - self._start > len(self._buffer):
            self._fill(start, end - start)
        found = self._buffer.find(needle, start - self._start, end - self._start)
        return found if found < 0 else found + self._start

    def search(self, pattern: re.Pattern[bytes], start: int, end: int) -> bool:
        """Returns whether the pattern is found in `[start, end)`."""
        if start < self._start or end - self._start > len(self._buffer):
            self._fill(start, end - start)
        return bool(pattern.search(self._buffer, start - self._start, end - self._start))

    def _fill(self, offset: int, count: int) -> None:
        end = self._start + len(self._buffer)
        near = self._start <= offset <= end
        self._next_read = min(self._next_read * 2, _LARGEST_READ) if near else _SMALLEST_READ
        wanted = min(max(count, self._next_read), max(self._size - offset, 0))
        kept = self._buffer[offset - self._start :] if near else b""
        self._buffer = kept + self._source.read_at(offset + len(kept), wanted - len(kept))
        self._start = offset


def fields(window: Window, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yields the fields of the message that stands in bytes `[start, end)`.

    Stops where the bytes are no message: the caller took a guess.

    Yields:
      field number, wire type, and the range of the value's bytes; for `LENGTH`
      the range excludes the length itself.
    """
    offset = start
    while offset < end:
        key, offset = _varint(window, offset, end)
        wire = key & 7
        if wire == LENGTH:
            length, offset = _varint(window, offset, end)
            stop = offset + length
        elif wire == VARINT:
            stop = _varint(window, offset, end)[1]
        elif wire in _FIXED_BYTES:
            stop = offset + _FIXED_BYTES[wire]
        else:
            return
        if key < 8 or stop > end or stop < offset:
            return
        yield key >> 3, wire, offset, stop
        offset = stop


def _varint(window: Window, offset: int, end: int) -> tuple[int, int]:
    """Returns the number at `offset` and the offset after it; (0, end) if there is none."""
    value = 0
    for shift in range(0, 7 * _MAX_VARINT_BYTES, 7):
        byte = window.byte(offset) if offset < end else -1
        if byte < 0:
            return 0, end
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, offset
    return 0, end
