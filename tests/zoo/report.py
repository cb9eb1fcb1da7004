# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Prints how the analysis does on the zoo: `python -m tests.zoo.report [PART-OF-NAME] [--all]`."""

from __future__ import annotations

import argparse
import collections
import sys
import time
import traceback

from tests.zoo import catalog, judging

ORDER = (
    "included",
    "missing",
    "partial",
    "scaled",
    "double_counted",
    "blocked",
    "frozen",
    "zero",
    "unknown",
    "not_training",
    "decoupled",
    "no_regularization",
    "absent",
    "crash",
)
Matrix = dict[tuple[str, str], int]


def table(title: str, matrix: Matrix) -> str:
    """Returns a confusion matrix as text; rows are the truth, columns the answers."""
    rows = [s for s in ORDER if any(true == s for true, _ in matrix)]
    columns = [s for s in ORDER if any(given == s for _, given in matrix)]
    lines = [title, " " * 18 + "".join(f"{c[:12]:>14}" for c in columns)]
    for row in rows:
        cells = "".join(f"{matrix.get((row, c), 0) or '.':>14}" for c in columns)
        lines.append(f"{row:<18}{cells}")
    return "\n".join(lines)


def report(part: str, show_all: bool) -> int:
    """Judges the cases whose name contains `part`; returns how many answers are wrong."""
    runs: Matrix = collections.Counter()
    losses: Matrix = collections.Counter()
    answers = wrong = unknown = unnumbered = 0
    seconds = 0.0
    for case in catalog.cases():
        if part not in case.name:
            continue
        built = case.build({})
        for mode in judging.modes(built):
            answers += 1
            start = time.perf_counter()
            try:
                verdict = judging.answer_case(built, mode)
            except Exception:  # A crash is an answer too: the worst one.
                runs[built.truth.run, "crash"] += 1
                wrong += 1
                print(f"{case.name} [{mode}]: {traceback.format_exc(limit=-2)}")
                continue
            seconds += time.perf_counter() - start
            found = judging.compare(built, mode, verdict)
            runs[built.truth.run, verdict.status.value] += 1
            for pair in found.pairs:
                losses[pair] += 1
            wrong += bool(found.wrong)
            unknown += bool(found.unknown)
            unnumbered += bool(found.unnumbered)
            if found.wrong or (show_all and (found.unknown or found.unnumbered)):
                what = [*found.wrong, f"{found.unknown} unknown, {found.unnumbered} unnumbered"]
                print(f"{case.name} [{mode}]: {'; '.join(what)}")
    print(table("\nRuns (rows: truth)", runs))
    print(table("\nRegularization losses (rows: truth)", losses))
    print(
        f"\n{answers} answers, {wrong} wrong, {unknown} with an unknown, "
        f"{unnumbered} without a number, {1e3 * seconds / max(answers, 1):.1f} ms each"
    )
    return wrong


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", default="", help="judge cases whose name contains this")
    parser.add_argument("--all", action="store_true", help="print unknown answers as well")
    arguments = parser.parse_args()
    return int(report(arguments.part, arguments.all) > 0)


if __name__ == "__main__":
    sys.exit(main())
