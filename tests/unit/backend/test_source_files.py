# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Source files are found by their names, and only where the name tells them apart."""

from __future__ import annotations

import pathlib

import pytest

from tb_regloss.backend import source_files


@pytest.fixture
def checkout(tmp_path: pathlib.Path) -> pathlib.Path:
    for name in ("top.py", "src/nets/model.py", "src/a/same.py", "src/b/same.py", ".git/model.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_a_file_is_found_in_its_folder(checkout: pathlib.Path) -> None:
    names = {"top.py", "model.py", "same.py", "none.py", "nets/model.py", ""}
    found = source_files.below(str(checkout), names)
    assert found == {"top.py": "top.py", "model.py": "src/nets/model.py"}


def test_other_peoples_code_does_not_count(checkout: pathlib.Path) -> None:
    for folder in ("env/lib", "frontend/node_modules", "src/__pycache__"):
        (checkout / folder).mkdir(parents=True)
        (checkout / folder / "model.py").touch()
    assert source_files.below(str(checkout), ["model.py"]) == {}
    (checkout / "env" / "pyvenv.cfg").touch()
    assert source_files.below(str(checkout), ["model.py"]) == {"model.py": "src/nets/model.py"}


def test_a_huge_folder_is_left(checkout: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_files, "_MOST_FILES", 2)
    assert source_files.below(str(checkout), ["model.py"]) == {}


def test_without_names_nothing_is_read() -> None:
    assert source_files.below("/does/not/exist", []) == {}
    assert source_files.below("/does/not/exist", ["a.py"]) == {}
