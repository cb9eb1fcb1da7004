# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The runs of the demo, and which of them a logdir holds already."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
import shutil

import tb_regloss

# None, the owner's, and one so strong that it must hurt whoever optimizes it.
WEIGHT_DECAYS = (0.0, 0.001, 10.0)
_FINISHED = "finished.json"


@dataclasses.dataclass(frozen=True)
class Run:
    """One training run, and its folder's name: TensorBoard's name for it."""

    is_fixed: bool
    weight_decay: float

    @property
    def name(self) -> str:
        """The run's folder in the logdir."""
        return f"{'fixed' if self.is_fixed else 'bug'}_decay_{self.weight_decay:g}"


RUNS = tuple(Run(is_fixed, decay) for decay in WEIGHT_DECAYS for is_fixed in (False, True))


def finished_accuracy(logdir: pathlib.Path, run: Run, steps: int) -> float | None:
    """Returns the accuracy that a finished run of this very program reached, else `None`."""
    try:
        result = json.loads((logdir / run.name / _FINISHED).read_text(encoding="utf-8"))
        return float(result["accuracy"]) if result["program"] == _program(steps) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def start(logdir: pathlib.Path, run: Run) -> pathlib.Path:
    """Returns the run's folder, empty: of a run that was cut short nothing is left."""
    folder = logdir / run.name
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def finish(logdir: pathlib.Path, run: Run, steps: int, accuracy: float) -> None:
    """Writes down that the run is complete, in one move: never half."""
    result = {"accuracy": accuracy, "program": _program(steps)}
    draft = logdir / run.name / (_FINISHED + ".draft")
    draft.write_text(json.dumps(result), encoding="utf-8")
    draft.rename(draft.with_name(_FINISHED))


def _program(steps: int) -> str:
    """Returns a hash of all that decides what a run logs."""
    digest = hashlib.blake2b(f"{tb_regloss.__version__} {steps}".encode(), digest_size=8)
    for source in ("digits.py", "mobilenet_v2.py", "training.py"):
        digest.update(pathlib.Path(__file__).with_name(source).read_bytes())
    return digest.hexdigest()
