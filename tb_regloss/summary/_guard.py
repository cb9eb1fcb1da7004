# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The verdict inside of the training process, before the time is spent.

The same proof as in TensorBoard, of the same bytes that are logged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from tb_regloss import errors
from tb_regloss.analysis import facts
from tb_regloss.analysis.verdict_types import RunVerdict, Severity, Status
from tb_regloss.summary import _source_lines

# What to do where regularization losses do not do what they should: say it,
# stop, hand the verdict to a function, or (None) do not look.
OnMissing = Literal["warn", "raise"] | Callable[[RunVerdict], Any] | None

_SHOWN = 10


def check_option(on_missing: Any) -> None:
    """Raises `errors.DeclarationError` for what is no `OnMissing`."""
    if on_missing not in (None, "warn", "raise") and not callable(on_missing):
        raise errors.DeclarationError(
            f'on_missing is {on_missing!r}; expected "warn", "raise", a function that gets the '
            "verdict, or None."
        )


def guard(
    on_missing: OnMissing,
    declared: facts.Declaration | None,
    graph: bytes | None = None,
    kind: str = "graph_def",
) -> bool:
    """Judges a training program, and acts where the verdict is an error.

    A graph that cannot be judged is no reason to stop or to warn.

    Args:
      on_missing: what to do.
      declared: its losses.
      graph: its serialized graph, `None` where there is none.
      kind: one of `formats.graphs.KINDS`.

    Returns:
      Whether it had something to say.

    Raises:
      errors.MissingRegularizationError: if `on_missing` is `"raise"`.
    """
    if on_missing is None:
        return False
    try:
        verdict = _judge(declared, graph, kind)
    except Exception as error:  # Ours to mend, and nothing that training depends on.
        _source_lines.warn(
            "The regularization losses could not be checked before training: "
            f"{type(error).__name__}: {error}"
        )
        return False
    if verdict.severity is not Severity.ERROR:
        return False
    if callable(on_missing):
        on_missing(verdict)
    elif on_missing == "raise":
        raise errors.MissingRegularizationError(message(verdict))
    else:
        _source_lines.warn(message(verdict))
    return True


def message(verdict: RunVerdict) -> str:
    """Returns the verdict as text: headline, losses with their lines, fix."""
    bad = [
        loss
        for loss in verdict.regularization_losses
        if loss.status not in (Status.INCLUDED, Status.FROZEN, Status.ZERO, Status.UNKNOWN)
    ]
    lines = [f"{verdict.headline}."]
    for loss in bad[:_SHOWN]:
        place = f" (created at {loss.created_at})" if loss.created_at else ""
        lines.append(f"  {loss.status.value}: {loss.name}{place}")
    if len(bad) > _SHOWN:
        lines.append(f"  ... and {len(bad) - _SHOWN} more")
    if verdict.fix is not None:
        lines += [f"Fix: {verdict.fix.text}", *_indented(verdict.fix.code.splitlines())]
    return "\n".join(lines)


def _judge(declared: facts.Declaration | None, graph: bytes | None, kind: str) -> RunVerdict:
    # Training programs that are not to be judged need not load what judges.
    from tb_regloss.analysis import verdicts
    from tb_regloss.analysis.proofs import proof
    from tb_regloss.formats import graphs

    logged = () if graph is None else graphs.parse(graph, kind, "the training program")
    proofs = [proof.prove(each, declared) for each in logged]
    declarations = () if declared is None else (declared,)
    run = facts.RunFacts(run=".", path="", declarations=declarations)
    return verdicts.judge(run, proofs)


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
