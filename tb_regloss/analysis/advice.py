# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The fix, per cause and framework: one sentence or two, and code to copy.

The code is a difference: lines with `-` go, lines with `+` come, others only
tell the place. `tests/zoo/test_advice.py` applies it to a program that has the
fault, and trains.
"""

from __future__ import annotations

from collections.abc import Mapping

from tb_regloss.analysis import fixes
from tb_regloss.analysis.causes import Cause, Diagnosis, shown
from tb_regloss.analysis.verdict_types import Fix

_TEXTS = {
    Cause.NOT_ADDED: "Nothing adds them to the loss that is optimized. Optimize the total loss.",
    Cause.OTHER_LOSS: (
        "A loss that has them is computed, but another one is optimized. Optimize the one that "
        "has them; in a GAN, add each player's to that player's own loss."
    ),
    Cause.UNCOLLECTED: (
        "Keras layers in a TF1 graph never fill REGULARIZATION_LOSSES: take the model's own losses."
    ),
    Cause.NO_LOSS: (
        "A regularizer makes a loss only if its layer has it when its variables are created. "
        "Give it to the constructor, or build the layers anew from their configuration."
    ),
    Cause.DROPPED: (
        "The training step drops the model's own losses: add self.losses. If it does not, the "
        "regularizer was set on a layer that was built already: build the model anew."
    ),
    Cause.SOME_VARIABLES: (
        "It penalizes variables that are trained on different losses. Optimize the same total loss "
        "for each of them."
    ),
    Cause.CUT: "Their value is in the loss, but their gradient is cut on the way: let it through.",
    Cause.OUTSIDE: (
        "Their value is in the loss, but their gradient is not. Compute them inside of the tape, "
        "and differentiate the loss that has them."
    ),
    Cause.NO_GRADIENT: "Their value is in the loss, but their gradient is cut: let it through.",
    Cause.SAME_PENALTY: (
        "The same penalty was registered more than once (a layer tracked twice, a variable used "
        "twice, a model compiled again). Register it once."
    ),
    Cause.LATE_BINDING: (
        "A function made in a loop reads the loop's variable when it is called, that is its last "
        "value. Bind the value when the function is made."
    ),
    Cause.EACH_COPY: (
        "They count as often as there are towers or replicas ({copies}): where each adds all of "
        "them and gradients are added up, divide them by that number."
    ),
    Cause.SEVERAL_TIMES: "They are added {times} times. Add them in one place only.",
    Cause.ONE_COPY: (
        "They count 1/{copies}: only one of the {copies} towers or replicas adds them, or they "
        "are divided by {copies} and the data loss is not. Treat both alike."
    ),
    Cause.STRENGTH_TWICE: "They have their strength already. Do not apply it again.",
    Cause.LOSS_SCALE: "The loss scale has to multiply the whole loss.",
    Cause.SUBTRACTED: "They are subtracted, so that training makes weights grow. Add them.",
    Cause.FACTOR: (
        "They count {times} times. If that is not meant, take the factor off; if it is, put it "
        "into their strength."
    ),
}
_PARTLY = "Only a part of the regularization losses is in the loss: replace what adds it. "

# A framework's closest relative, where it has no code of its own.
_NEXT = {
    "tf1-slim": "tf1",
    "tf1-estimator": "tf1",
    "tf-keras": "keras",
    "keras": "tf2",
    "tf2": "tf1",
    "torch": "other",
}


def fix_for(diagnosis: Diagnosis, framework: str) -> Fix:
    """Returns what to change.

    Args:
      diagnosis: what went wrong.
      framework: as in `Declaration.framework`, or what the graph's looks tell.
    """
    times = shown(diagnosis.multiplier)
    words = {
        "times": "other than one" if times is None else f"{times:g}",
        "factor": "factor" if times is None else f"{times:g}",
        "copies": str(diagnosis.copies),
    }
    text = _TEXTS[diagnosis.cause].format(**words)
    if diagnosis.is_partial and diagnosis.cause is Cause.NOT_ADDED:
        text = _PARTLY + text
    code = _of_framework(fixes.CODE[diagnosis.cause], framework)
    if diagnosis.copies > 1 and diagnosis.cause in (Cause.NOT_ADDED, Cause.DROPPED):
        code = fixes.scaled(code)
    return Fix(framework, text, code.replace("{factor}", words["factor"]))


def _of_framework(codes: Mapping[str, str], framework: str) -> str:
    while framework not in codes and framework in _NEXT:
        framework = _NEXT[framework]
    return codes.get(framework, codes["other"])
