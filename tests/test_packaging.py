# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What `pip install` gives: built, installed and served for real.

The distribution is built where no Node is on the PATH, and the wheel is
installed into a new virtual environment, which has no TensorFlow.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import venv
import zipfile
from collections.abc import Iterator

import pytest

NAME = "tensorboard_plugin_regloss"
NOT_SOURCES = (
    *(".git", ".venv", "node_modules", "static", "build", "dist", "logs", "*.egg-info"),
    *("__pycache__", ".*_cache", ".hypothesis"),
)


@pytest.fixture(scope="module")
def sources(root: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A copy of the checkout as git would hold it: without the built panel."""
    copy = tmp_path_factory.mktemp("sources") / "checkout"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(*NOT_SOURCES))
    return copy


@pytest.fixture(scope="module")
def distribution(sources: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with the sdist, and the wheel that was built from this sdist."""
    commands = tmp_path_factory.mktemp("commands")
    (commands / "sh").symlink_to("/bin/sh")
    target = tmp_path_factory.mktemp("distribution")
    _run(
        [sys.executable, "-m", "build", "--outdir", str(target), str(sources)],
        env={**os.environ, "PATH": str(commands)},
    )
    return target


@pytest.fixture(scope="module")
def viewer(distribution: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The commands of a new virtual environment that holds the wheel and what it requires."""
    folder = tmp_path_factory.mktemp("viewer")
    venv.create(folder, with_pip=True)
    (wheel,) = distribution.glob("*.whl")
    _run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", str(wheel)])
    return folder / "bin"


def test_sdist_holds_the_sources_of_the_panel_and_not_the_panel(
    distribution: pathlib.Path,
) -> None:
    (sdist,) = distribution.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert {"frontend/package.json", "frontend/package-lock.json", "LICENSE"} <= set(names)
    assert [name for name in names if "node_modules" in name or "static" in name] == []


def test_wheel_holds_the_panel_and_not_its_sources(distribution: pathlib.Path) -> None:
    (wheel,) = distribution.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "tb_regloss/backend/static/index.js" in names
    assert {"tb_regloss/py.typed", "tb_regloss/docs/verdicts.md"} <= set(names)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"tb_regloss", NAME}


def test_wheel_does_not_require_tensorflow(distribution: pathlib.Path) -> None:
    (wheel,) = distribution.glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    requirements = re.findall(r"^Requires-Dist: (.+)$", archive.read(path).decode(), re.MULTILINE)
    always = {re.match(r"[\w-]+", item)[0] for item in requirements if "extra ==" not in item}
    assert always == {"tensorboard", "werkzeug", "numpy", "protobuf", "rich"}


def test_viewer_works_without_tensorflow(viewer: pathlib.Path, tmp_path: pathlib.Path) -> None:
    probe = "import importlib.util as u; print(u.find_spec('tensorflow'))"
    assert _run([str(viewer / "python"), "-c", probe]).strip() == "None"
    with _tensorboard(viewer, tmp_path) as url:
        plugins = json.loads(_get(url + "data/plugins_listing"))
        assert plugins["regloss"]["loading_mechanism"]["type"] == "IFRAME"
        assert "render" in _get(url + "data/plugin/regloss/index.js")
        assert json.loads(_get(url + "data/plugin/regloss/runs"))["runs"] == []


def test_command_is_installed_and_finds_no_run_in_an_empty_logdir(
    viewer: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    command = [str(viewer / "tb-regloss"), "check", str(tmp_path), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["runs"] == []


def test_import_loads_neither_tensorflow_nor_tensorboard() -> None:
    probe = "import sys, tb_regloss; print({'tensorflow', 'tensorboard'} & set(sys.modules))"
    assert _run([sys.executable, "-c", probe]).strip() == "set()"


def test_a_panel_that_cannot_be_built_fails_the_build_and_says_why(
    sources: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(sources, broken)
    (broken / "frontend" / "package-lock.json").unlink()
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(tmp_path), str(broken)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "The panel could not be built: `npm ci" in done.stdout + done.stderr
    assert list(tmp_path.glob("*.whl")) == []


def _run(command: list[str], **options: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as response:
        return response.read().decode()


@contextlib.contextmanager
def _tensorboard(commands: pathlib.Path, logdir: pathlib.Path) -> Iterator[str]:
    """Runs the environment's TensorBoard on a free port; yields its URL."""
    arguments = ["--logdir", str(logdir), "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(
        [str(commands / "tensorboard"), *arguments], stderr=subprocess.PIPE, text=True
    ) as process:
        said = []
        try:
            for line in process.stderr:
                said.append(line)
                if found := re.search(r"http://\S+", line):
                    yield found[0]
                    break
            else:
                pytest.fail(f"TensorBoard ended without serving:\n{''.join(said)}")
        finally:
            process.terminate()
