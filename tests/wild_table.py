# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What is said of public graphs and logs, beside what is true of them.

    python -m tests.wild_table FOLDER

FOLDER holds the files and a `manifest.json`: a list of projects, each with a
`name` and `files`, each of which has a `file` (its path below FOLDER) and
`expect` (the statuses that are right). Prints a table, and ends with status 1
if an answer is not among those.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import pathlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tb_regloss.backend.checking import check

_HEAD = ("run", "roles", "evidence", "verdict", "truth")
_SHORT = {
    "data_loss": "data",
    "regularization_sum": "regularization",
    "optimized_loss": "optimized",
}


@dataclasses.dataclass(frozen=True)
class Row:
    """One file.

    Attributes:
      name: its path below the folder.
      whole: its run object.
      truth: the statuses that are right.
    """

    name: str
    whole: Mapping[str, Any]
    truth: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether the status is one of those."""
        return self.whole["status"] in self.truth

    def cells(self) -> tuple[str, ...]:
        """Returns the row of the table."""
        roles = self.whole["roles"]
        tags = {} if roles is None else {role: _tags(roles[role]) for role in _SHORT}
        named = [f"{_SHORT[role]}: {found}" for role, found in tags.items() if found]
        evidence = [f"{item['kind']} {item['status']}" for item in self.whole["evidence"]]
        status = self.whole["status"] if self.right else f"**{self.whole['status']}**"
        shown = ("; ".join(named) or "-", "; ".join(dict.fromkeys(evidence)) or "-")
        return (self.name, *shown, status, " or ".join(self.truth))


def rows(folder: pathlib.Path) -> Iterator[Row]:
    """Yields what is said of each file of the manifest."""
    projects = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    files = [file for project in projects for file in project["files"]]
    paths = [str(folder / file["file"]) for file in files]
    for file, whole in zip(files, check(paths).runs, strict=True):
        yield Row(file["file"], whole, tuple(file["expect"]))


def table(found: Iterable[Row]) -> str:
    """Returns the table, and under it the counts by truth and answer."""
    listed = list(found)
    lines = [_line(_HEAD), _line(["---"] * len(_HEAD)), *(_line(row.cells()) for row in listed)]
    counts = collections.Counter((" or ".join(row.truth), row.whole["status"]) for row in listed)
    lines += ["", _line(("truth", "verdict", "files")), _line(["---"] * 3)]
    lines += [_line((*pair, str(count))) for pair, count in sorted(counts.items())]
    right = sum(row.right for row in listed)
    return "\n".join([*lines, "", f"{right} of {len(listed)} verdicts are right."])


def _tags(role: Mapping[str, Any]) -> str:
    if role["source"] == "ambiguous":
        return "one of " + ", ".join(role["candidates"])
    return " + ".join(role["tags"])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def main() -> int:
    """Prints the table."""
    found = list(rows(pathlib.Path(sys.argv[1])))
    print(table(found))
    return 0 if all(row.right for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
