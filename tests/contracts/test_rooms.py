# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Rules of the house that import-linter cannot say, and proof that they can fail."""

from __future__ import annotations

import ast
import pathlib
import sys

import pytest

LONGEST_MODULE_LINES = 400
GRAPH_PROTOS = {"graph_pb2", "meta_graph_pb2", "saved_model_pb2", "function_pb2", "config_pb2"}


def test_analysis_needs_the_standard_library_and_numpy_only(root: pathlib.Path) -> None:
    assert _strangers(root / "tb_regloss" / "analysis") == {}


def test_a_stranger_in_analysis_would_be_seen(tmp_path: pathlib.Path) -> None:
    (tmp_path / "fine.py").write_text("import os, numpy as np\nfrom tb_regloss import errors\n")
    (tmp_path / "bad.py").write_text("def late():\n    from google.protobuf import message\n")
    assert _strangers(tmp_path) == {"bad.py": {"google"}}


def test_graph_protos_are_read_in_formats_only(root: pathlib.Path) -> None:
    package = root / "tb_regloss"
    readers = {
        path.relative_to(package).parts[0]
        for path in package.rglob("*.py")
        if GRAPH_PROTOS & _imported_names(path)
    }
    assert readers == {"formats"}


@pytest.mark.parametrize("folder", ["tb_regloss", "demo"])
def test_no_module_is_too_long(root: pathlib.Path, folder: str) -> None:
    lines = {
        str(path.relative_to(root)): len(path.read_text(encoding="utf-8").splitlines())
        for path in (root / folder).rglob("*.py")
    }
    assert {path: count for path, count in lines.items() if count > LONGEST_MODULE_LINES} == {}


def _strangers(folder: pathlib.Path) -> dict[str, set[str]]:
    """Returns, by file, the top-level packages that analysis must not import."""
    known = {*sys.stdlib_module_names, "numpy", "tb_regloss"}
    found = {path.name: _imported_packages(path) - known for path in folder.rglob("*.py")}
    return {name: packages for name, packages in found.items() if packages}


def _imported_packages(path: pathlib.Path) -> set[str]:
    packages = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            packages |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            packages.add(node.module.partition(".")[0])
    return packages


def _imported_names(path: pathlib.Path) -> set[str]:
    """Returns the last part of every name that a file imports."""
    return {
        alias.name.rpartition(".")[2]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
