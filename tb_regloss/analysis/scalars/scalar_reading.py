# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What a fit means: a status, findings and a sentence."""

from __future__ import annotations

import datetime

from tb_regloss.analysis.scalars.scalar_jumps import Jump
from tb_regloss.analysis.scalars.scalar_samples import Fit, Regime
from tb_regloss.analysis.verdict_types import Finding, Severity, Status

LOGGED_UNSCALED = "logged_unscaled"
MULTIPLIER_CHANGED = "multiplier_changed"
LOGGED_WITHOUT = "logged_without_regularization"
_LARGEST_COUNT = 1000
# An undeclared factor of 10 is more likely a weight in the code than ten towers.
_LARGEST_UNDECLARED_COUNT = 9


def status_of(found: Fit, declared: bool, assured: bool) -> tuple[Status, tuple[Finding, ...]]:
    """Returns the status that a fit alone supports, and what to say besides.

    Args:
      found: the fit.
      declared: the series are logged by our summaries, in the loss's own units.
      assured: the series of the optimized loss is known to be what is optimized.
    """
    integer = found.integer
    if integer == 1:
        return Status.INCLUDED, ()
    if found.regime is Regime.LAGGING:
        # Far from the next plausible constants, which lie close to 0 (1/16, 1/100).
        whole = integer is not None and 2 <= integer <= _LARGEST_UNDECLARED_COUNT and declared
        return (Status.DOUBLE_COUNTED if whole else Status.UNKNOWN), ()
    if integer == 0:
        return (Status.MISSING, ()) if assured else (Status.UNKNOWN, (_logged_without(),))
    if found.regime is Regime.SCALED and found.low <= 1 / found.scale <= found.high:
        # The penalty counts once as it was logged: a mean was logged where the loss is a sum.
        return Status.UNKNOWN, (_unscaled(found),)
    # Without assurance a whole factor, too, may stand in the code: 2 * penalty.
    if not assured or (not declared and (integer is None or found.regime is Regime.SCALED)):
        return Status.UNKNOWN, (_unscaled(found),)
    if integer is None and found.low <= round(found.multiplier) <= found.high:
        return Status.UNKNOWN, ()
    most = _LARGEST_COUNT if declared else _LARGEST_UNDECLARED_COUNT
    if integer is not None and 2 <= integer <= most:
        return Status.DOUBLE_COUNTED, ()
    return (Status.SCALED, ()) if declared else (Status.UNKNOWN, (_unscaled(found),))


def _logged_without() -> Finding:
    text = (
        "What is logged as the optimized loss holds none of the regularization sum. If that is "
        "the loss that is optimized, regularization is missing; by its tag alone it may be a part."
    )
    return Finding(LOGGED_WITHOUT, Severity.UNKNOWN, text)


def _unscaled(found: Fit) -> Finding:
    weight = found.multiplier * found.scale
    if found.regime is Regime.SCALED:
        parts = f"{found.scale:.4g} x data loss and {weight:.4g} x regularization sum"
    else:
        parts = f"{weight:.4g} x regularization sum"
    text = (
        f"Logged unscaled? The optimized loss holds {parts} as they were logged. Either the "
        "factor belongs to the loss and the tag was logged without it (a mean for a sum, say), or "
        "the regularization is scaled; the values cannot tell which."
    )
    return Finding(LOGGED_UNSCALED, Severity.UNKNOWN, text)


def changed(jumps: tuple[Jump, ...]) -> Finding:
    """Returns the finding that the multiplier changed in mid-run."""
    newest = jumps[-1]
    date = _date(newest.wall_time)
    text = (
        f"The multiplier changed from {newest.before:.4g} to {newest.after:.4g} at step "
        f"{newest.step:,}{date}; what is said of the values holds since then."
    )
    return Finding(MULTIPLIER_CHANGED, Severity.WARNING, text)


def _date(wall_time: float) -> str:
    try:
        moment = datetime.datetime.fromtimestamp(wall_time, tz=datetime.timezone.utc)
    except (ValueError, OverflowError, OSError):
        return ""
    return f" ({moment:%Y-%m-%d %H:%M} UTC)"


def sentence(found: Fit, status: Status, steps: int, jumps: tuple[Jump, ...]) -> str:
    """Returns the fit in words."""
    half = 0.5 * (found.high - found.low) * found.scale
    since = f" since step {jumps[-1].step:,}" if jumps else ""
    sentence = (
        f"optimized = {_number(found.scale)} x data + {_number(found.multiplier * found.scale)} x "
        f"regularization (99%: +-{_half_width(half)}, {steps:,} steps{since})"
    )
    if found.regime is Regime.LAGGING:
        sentence += ", with the regularization anywhere between its values at neighbouring steps"
    if status is Status.INCLUDED:
        sentence += (
            ". The regularization is in the value of the optimized loss; "
            "whether its gradient is, values cannot tell"
        )
    elif status is Status.UNKNOWN:
        sentence += "; that decides nothing"
    return sentence + "."


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) >= 0.01 or abs(value) < 1e-9 else f"{value:.3g}"


def _half_width(half: float) -> str:
    return "0.001 or less" if half < 1e-3 else f"{half:.3f}"
