# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Rules of the house that import-linter cannot say, and proof that they can fail."""

from __future__ import annotations

import ast
import pathlib
import subprocess
import sys

import pytest

LONGEST_MODULE_LINES = 400
GRAPH_PROTOS = {"graph_pb2", "meta_graph_pb2", "saved_model_pb2", "function_pb2", "config_pb2"}
# Serves a run's verdict and series in a process that cannot import `forbidden`.
SERVE_WITHOUT = """
import sys, tempfile
sys.modules["{forbidden}"] = None  # Importing it raises ImportError now.
from tests import event_logs
from tests.unit.backend import serving
with tempfile.TemporaryDirectory() as logdir:
    event_logs.instrumented(logdir + "/train")
    with serving.serving(logdir) as client:
        client.settled()
        {also}
        print(client.json("verdict", run="train")["run"])
        print(len(client.post("losses", {{"runs": ["train"]}})))
"""


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


@pytest.mark.parametrize("forbidden", ["tensorflow", "keras", "torch"])
def test_viewing_needs_no_framework(root: pathlib.Path, forbidden: str) -> None:
    done = _serve_without(root, forbidden)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("train\n")


def test_a_viewer_that_needs_a_framework_would_be_seen(root: pathlib.Path) -> None:
    done = _serve_without(root, "tensorflow", also="import tensorflow")
    assert done.returncode != 0
    assert "import of tensorflow halted" in done.stderr


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


def _serve_without(
    root: pathlib.Path, forbidden: str, also: str = ""
) -> subprocess.CompletedProcess[str]:
    program = SERVE_WITHOUT.format(forbidden=forbidden, also=also)
    return subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
