# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What all tests share: where things are, and settings that make runs repeatable."""

from __future__ import annotations

import os
import pathlib

import hypothesis
import pytest

# TensorFlow reads these once, when it is first imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

ROOT = pathlib.Path(__file__).resolve().parent.parent
WILD = ROOT.parent / "shared" / "wild"

# The same examples in every run: a failure that cannot be repeated helps nobody.
# No deadline, because a busy machine is not a bug.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def root() -> pathlib.Path:
    """The checkout's top folder."""
    return ROOT


@pytest.fixture(scope="session")
def wild() -> pathlib.Path:
    """The folder of public graphs and logs, which is not part of this repository."""
    if not (WILD / "manifest.json").is_file():
        pytest.skip(f"the folder of public graphs and logs is not there: {WILD}")
    return WILD
