# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The advice, applied: a broken program trains, its log is judged, the fix's code is put in, green.

The code of a fix is applied as it is given: its lines with `-` and those
without a sign have to stand in the program, one below the other, and become
its lines with `+` and those without a sign.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import runpy
import subprocess
import sys
import warnings
from typing import Any
from unittest import mock

import pytest

from tb_regloss.analysis import fixes
from tb_regloss.analysis.causes import Cause
from tb_regloss.backend import checking

pytestmark = pytest.mark.tf
tf = pytest.importorskip("tensorflow")

BROKEN = pathlib.Path(__file__).with_name("broken")
# What cannot be done twice in a process: a strategy counts its collectives, and
# torch and TensorFlow do not share one well.
ALONE = ("mirrored", "torch_loop")


@dataclasses.dataclass(frozen=True)
class Broken:
    """A program with a fault.

    Attributes:
      program: its file in `broken/`.
      framework: what the fix has to be written for.
      cause: what the advice is chosen by.
      status: of the run, before.
      headline: a part of the run's headline.
      line: what stands for `loss = ...` in the program.
    """

    program: str
    framework: str
    cause: Cause
    status: str
    headline: str
    line: str = ""

    @property
    def name(self) -> str:
        """Of the test."""
        return f"{self.program} {self.cause.name}"


PROGRAMS = (
    Broken("slim", "tf1-slim", Cause.NOT_ADDED, "missing", "never reaches the loss"),
    Broken("tf_layers", "tf1", Cause.NOT_ADDED, "missing", "never reaches the loss"),
    Broken("estimator", "tf1-estimator", Cause.NOT_ADDED, "missing", "never reaches the loss"),
    Broken("keras_in_graph", "tf1", Cause.UNCOLLECTED, "missing", "in no collection"),
    Broken("tape", "tf2", Cause.NOT_ADDED, "missing", "never reaches the loss"),
    Broken("tape_outside", "tf2", Cause.OUTSIDE, "blocked", "computed outside"),
    Broken("tape_other_loss", "tf2", Cause.OTHER_LOSS, "missing", "but not to the one that trains"),
    Broken("two_optimizers", "tf1", Cause.SOME_VARIABLES, "partial", "only some of the trained"),
    Broken("layer_twice", "tf2", Cause.SAME_PENALTY, "double_counted", "one and the same penalty"),
    Broken("late_binding", "tf2", Cause.LATE_BINDING, "double_counted", "lambdas in a loop"),
    Broken("keras_train_step", "keras", Cause.NOT_ADDED, "missing", "never reaches the loss"),
    Broken("keras_dropped", "keras", Cause.DROPPED, "missing", "no gradient of the training step"),
    Broken("keras_set_after_build", "keras", Cause.NO_LOSS, "missing", "but yields no loss"),
    Broken("total_unused", "tf1", Cause.OTHER_LOSS, "missing", "but not to the one that trains"),
    Broken("mirrored", "tf2", Cause.EACH_COPY, "double_counted", "as often as there are"),
    Broken("towers", "tf1", Cause.ONE_COPY, "scaled", "as if one of 2 towers"),
    Broken(
        "sums",
        "tf1",
        Cause.CUT,
        "blocked",
        "cut on the way",
        "loss = data_loss + tf.stop_gradient(penalty)",
    ),
    Broken(
        "sums",
        "tf1",
        Cause.STRENGTH_TWICE,
        "scaled",
        "its strength is applied twice",
        "loss = data_loss + weight_decay * penalty",
    ),
    Broken(
        "sums",
        "tf1",
        Cause.LOSS_SCALE,
        "scaled",
        "as if left out of a loss scale of 128",
        "scaled_loss = loss_scale * data_loss + penalty\nloss = scaled_loss",
    ),
    Broken(
        "sums",
        "tf1",
        Cause.SUBTRACTED,
        "scaled",
        "makes weights grow",
        "loss = data_loss - penalty",
    ),
    Broken("sums", "tf1", Cause.FACTOR, "scaled", "0.3 times", "loss = data_loss + 0.3 * penalty"),
    Broken(
        "sums",
        "tf1",
        Cause.SEVERAL_TIMES,
        "double_counted",
        "counts 2 times",
        "loss = tf.compat.v1.losses.get_total_loss()\n"
        "loss += tf.compat.v1.losses.get_regularization_loss()",
    ),
    Broken("torch_loop", "torch", Cause.NOT_ADDED, "missing", "never reaches", "loss = data_loss"),
    Broken(
        "torch_loop",
        "torch",
        Cause.NO_GRADIENT,
        "blocked",
        "not in its gradient",
        "penalty = penalty.detach()\n        loss = data_loss + penalty",
    ),
)


def apply(code: str, source: str) -> str:
    """Returns a program with a fix's code put in, at the one place where its lines stand."""
    old, new = [], []
    for line in code.splitlines():
        sign, text = line[:1], line[2:]
        assert sign in "+- ", line
        if sign != "+":
            old.append(text)
        if sign != "-":
            new.append(text)
    lines = source.splitlines()
    places = [
        (at, indent)
        for at in range(len(lines) - len(old) + 1)
        for indent in [lines[at][: len(lines[at]) - len(lines[at].lstrip())]]
        if lines[at : at + len(old)] == [indent + text for text in old]
    ]
    assert len(places) == 1, f"{len(places)} places for:\n{code}\nin:\n{source}"
    at, indent = places[0]
    return "\n".join([*lines[:at], *(indent + text for text in new), *lines[at + len(old) :]])


def train(name: str, source: str, logdir: pathlib.Path) -> None:
    """Runs a program, in this process where it can: each one in its own loads TensorFlow anew."""
    program = logdir.with_suffix(".py")  # A file: tf.function reads the source.
    program.write_text(source, encoding="utf-8")
    if name in ALONE:
        subprocess.run([sys.executable, str(program), str(logdir)], check=True)
        return
    arguments = mock.patch.object(sys, "argv", [str(program), str(logdir)])
    graph = tf.Graph().as_default() if "compat.v1" in source else contextlib.nullcontext()
    with arguments, warnings.catch_warnings(), graph:
        # Our own, of the fault, and the frameworks' among themselves.
        warnings.simplefilter("ignore")
        runpy.run_path(str(program), run_name="broken")


def judge(logdir: pathlib.Path) -> dict[str, Any]:
    """Returns the report on the one run of a log directory that trains."""
    runs = [run for run in checking.check([str(logdir)]).runs if run["status"] != "not_training"]
    assert len(runs) == 1, [(run["run"], run["status"]) for run in runs]
    return runs[0]


def source_of(broken: Broken) -> str:
    source = (BROKEN / f"{broken.program}.py").read_text(encoding="utf-8")
    return source.replace("loss = ...", broken.line) if broken.line else source


@pytest.mark.parametrize("broken", PROGRAMS, ids=lambda broken: broken.name)
def test_the_badge_turns_green(broken: Broken, tmp_path: pathlib.Path) -> None:
    if broken.framework == "torch":
        pytest.importorskip("torch")
    if broken.framework == "keras":
        pytest.importorskip("keras", minversion="3.0")
    source = source_of(broken)
    train(broken.program, source, tmp_path / "before")
    before = judge(tmp_path / "before")
    assert before["status"] == broken.status, before
    assert broken.headline in before["headline"]
    assert before["fix"]["framework"] == broken.framework
    train(broken.program, apply(before["fix"]["code"], source), tmp_path / "after")
    after = judge(tmp_path / "after")
    assert after["status"] == "included", after
    assert after["severity"] == "ok"
    assert after["fix"] is None


def test_applying_code_is_strict() -> None:
    assert apply("  a\n- b\n+ c", "  a\n  b\nd") == "  a\n  c\nd"
    for source in ("a\nd", "a\nb\na\nb"):
        with pytest.raises(AssertionError):
            apply("  a\n- b\n+ c", source)


def test_every_cause_is_put_to_the_test() -> None:
    assert {broken.cause for broken in PROGRAMS} == set(Cause) == set(fixes.CODE)
