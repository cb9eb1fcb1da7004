# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Folders are walked as TensorBoard walks them, remote files are read by offset."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import pytest

from tb_regloss import errors
from tb_regloss.formats import checksums, files


def test_walk_is_sorted_and_follows_links_but_not_in_circles(tmp_path: pathlib.Path) -> None:
    top = tmp_path / "logs"
    (top / "b").mkdir(parents=True)
    (top / "a" / "inner").mkdir(parents=True)
    (top / "b" / "2").touch()
    (top / "b" / "1").touch()
    (top / "a" / "inner" / "up").symlink_to(top)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x").touch()
    (top / "link").symlink_to(tmp_path / "elsewhere")
    (top / "dangling").symlink_to(tmp_path / "nowhere")
    found = [(os.path.relpath(folder, top), names) for folder, names in files.walk(str(top))]
    assert found == [
        (".", ["dangling"]),
        ("a", []),
        ("a/inner", []),
        ("b", ["1", "2"]),
        ("link", ["x"]),
    ]


def test_walk_of_nothing_is_empty(tmp_path: pathlib.Path) -> None:
    assert list(files.walk(str(tmp_path / "nowhere"))) == []


def test_read_at_any_place(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(100)))
    source = files.open_source(str(path))
    assert source.size() == 100
    assert source.read_at(10, 5) == bytes(range(10, 15))
    assert source.read_at(98, 5) == bytes([98, 99])
    assert source.read_at(200, 5) == b""
    source.close()
    assert files.read_all(str(path)) == bytes(range(100))


def test_an_unreadable_file_says_why(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.UnreadableError, match="nope cannot be read: No such file"):
        files.open_source(str(tmp_path / "nope"))
    with pytest.raises(errors.UnreadableError, match="cannot be read: Is a directory"):
        files.read_all(str(tmp_path))


class Remote:
    """A file system as TensorBoard's stand-in for TensorFlow has it; S3's reads a byte too much."""

    def read(self, name: str, binary: bool, size: int, token: dict[str, int]) -> tuple[bytes, Any]:
        assert binary
        start = token["byte_offset"]
        return bytes(range(100))[start : start + size + 1], None

    def stat(self, name: str) -> Any:
        if name != "mock://bucket/file":
            raise KeyError(name)
        from tensorboard.compat.tensorflow_stub.io import gfile

        return gfile.StatData(100)


def test_a_remote_file_is_read_by_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    from tensorboard.compat.tensorflow_stub.io import gfile

    monkeypatch.setattr(files, "_gfile", lambda: gfile)
    monkeypatch.setitem(gfile._REGISTERED_FILESYSTEMS, "mock", Remote())
    source = files.open_source("mock://bucket/file")
    assert source.size() == 100
    assert source.read_at(10, 5) == bytes(range(10, 15))
    assert source.read_at(10, 0) == b""
    source.close()
    with pytest.raises(errors.UnreadableError, match="mock://bucket/other cannot be read"):
        files.open_source("mock://bucket/other")


def test_checksums_are_those_of_tfrecord() -> None:
    from tensorboard.compat.tensorflow_stub import pywrap_tensorflow

    for data in (b"", b"a", bytes(range(256)), b"\0" * 40):
        assert checksums.masked_crc32c(data) == pywrap_tensorflow.masked_crc32c(data)
