# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Random access to files that may stand on a remote file system.

Local files are opened by Python itself. Everything with a scheme (`gs://`,
`s3://`, ...) goes through TensorBoard's `tensorboard.compat.tf`, which is the
real TensorFlow where that is installed: importing it takes seconds, so no local
file ever touches it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Any, Protocol

from tb_regloss import errors


class ByteSource(Protocol):
    """A file that can be read at any place."""

    def size(self) -> int:
        """Returns the number of bytes that stand there now."""

    def read_at(self, offset: int, count: int) -> bytes:
        """Returns up to `count` bytes from `offset`; fewer only at the end of the file."""

    def close(self) -> None:
        """Frees the handle."""


def is_remote(path: str) -> bool:
    """Returns whether `path` has a scheme (`gs://bucket/logs`)."""
    return "://" in path


def open_source(path: str) -> ByteSource:
    """Opens `path` for reading.

    Raises:
      errors.UnreadableError: there is no such file, or it may not be read.
    """
    try:
        return _RemoteSource(path) if is_remote(path) else _LocalSource(path)
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: str, error: Exception) -> errors.UnreadableError:
    """Returns the exception that says why `path` cannot be read."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return errors.UnreadableError(f"{path} cannot be read: {reason}.")


def read_all(path: str) -> bytes:
    """Returns the bytes of a whole file.

    Raises:
      errors.UnreadableError: there is no such file, or it may not be read.
    """
    source = open_source(path)
    try:
        return source.read_at(0, source.size())
    except OSError as error:
        raise unreadable(path, error) from error
    finally:
        source.close()


def exists(path: str) -> bool:
    """Returns whether there is a file or folder at `path`."""
    if is_remote(path):
        return bool(_gfile().exists(path))
    return os.path.exists(path)


def is_folder(path: str) -> bool:
    """Returns whether `path` is a folder (through symbolic links too)."""
    if is_remote(path):
        return bool(_gfile().isdir(path))
    return os.path.isdir(path)


def unchanged_for(path: str) -> float:
    """Returns the seconds since the file was last written; 0 where that is not known."""
    if is_remote(path):
        return 0.0
    try:
        return max(0.0, time.time() - os.stat(path).st_mtime)
    except OSError:
        return 0.0


def walk(top: str) -> Iterator[tuple[str, list[str]]]:
    """Yields each folder under `top` (itself first) with the names of its files, sorted.

    Symbolic links to folders are followed, as both of TensorBoard's readers do,
    except where they lead back to a folder that is being walked.
    """
    if is_remote(top):
        for folder, _, names in _gfile().walk(top):
            yield folder, sorted(names)
        return
    pending = [top]
    while pending:
        folder = pending.pop()
        names, below = [], []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if not entry.is_dir():
                        names.append(entry.name)
                    elif not (entry.is_symlink() and _leads_back(entry.path)):
                        below.append(entry.path)
        except OSError:
            continue  # It vanished, or may not be listed: TensorBoard shows no run there either.
        yield folder, sorted(names)
        pending.extend(sorted(below, reverse=True))


def _leads_back(link: str) -> bool:
    target = os.path.realpath(link)
    here = os.path.realpath(os.path.dirname(link))
    return here == target or here.startswith(target.rstrip(os.sep) + os.sep)


class _LocalSource:
    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def read_at(self, offset: int, count: int) -> bytes:
        # One call returns at most 2 GB on Linux.
        parts = []
        os.lseek(self._descriptor, offset, os.SEEK_SET)
        while count > 0:
            part = os.read(self._descriptor, min(count, 1 << 30))
            if not part:
                break
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        os.close(self._descriptor)


class _RemoteSource:
    def __init__(self, path: str) -> None:
        self._path = path
        gfile = _gfile()
        # TensorBoard's stand-in for TensorFlow has no seek, but its file
        # systems start reading at a token that names the offset.
        self._system = gfile.get_filesystem(path) if hasattr(gfile, "get_filesystem") else None
        self._handle = None if self._system else gfile.GFile(path, "rb")
        self.size()

    def size(self) -> int:
        with _as_os_error():
            return int(_gfile().stat(self._path).length)

    def read_at(self, offset: int, count: int) -> bytes:
        if count <= 0:
            return b""
        with _as_os_error():
            if self._handle is not None:
                self._handle.seek(offset)
                return bytes(self._handle.read(count))
            token = {"opaque_offset": offset, "byte_offset": offset}
            assert self._system is not None
            # The S3 one returns a byte more than asked for.
            return bytes(self._system.read(self._path, True, count, token)[0][:count])

    def close(self) -> None:
        if self._handle is not None:
            self._handle.close()


def _gfile() -> Any:
    from tensorboard.compat import tf

    return tf.io.gfile


@contextlib.contextmanager
def _as_os_error() -> Iterator[None]:
    """Turns the file errors of TensorFlow and of its stand-in into OSError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(str(error) or type(error).__name__) from error
