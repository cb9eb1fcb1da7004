# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TFRecord: a chain of records in a file.

A record is its length (8 bytes), the masked CRC of the length (4), the payload
and the payload's masked CRC (4). The last one is not checked, as TensorBoard's
Rust reader does not either: 80 ns a byte, and protobuf refuses most of what is
damaged.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tb_regloss.formats import checksums
from tb_regloss.formats.wire import Window

HEADER = struct.Struct("<QI")
FOOTER_BYTES = 4


def intact_records(window: Window, offset: int, size: int) -> Iterator[tuple[int, int]]:
    """Yields where the payloads of the records from `offset` on begin and end.

    Stops before a record that is damaged or not complete.
    """
    while True:
        header = window.read(offset, HEADER.size)
        if len(header) < HEADER.size:
            return
        length, checksum = HEADER.unpack(header)
        start = offset + HEADER.size
        offset = start + length + FOOTER_BYTES
        if offset > size or checksum != checksums.of_length(length):
            return
        yield start, start + length


def is_event_file(head: bytes) -> bool:
    """Returns whether a file that begins with `head` (12 bytes or more) is an event file."""
    if len(head) < HEADER.size:
        return False
    length, checksum = HEADER.unpack_from(head)
    return bool(checksum == checksums.of_length(length))
