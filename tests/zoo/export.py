# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the cases' graphs and truth as files: `python -m tests.zoo.export DIR [PART-OF-NAME]`."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import sys
import traceback
from typing import Any

from tests.zoo import catalog


def export(directory: pathlib.Path, part: str = "") -> int:
    """Writes the cases whose name contains `part`; returns how many could not be built."""
    directory.mkdir(parents=True, exist_ok=True)
    index_path = directory / "truth.json"
    index: dict[str, Any] = json.loads(index_path.read_text()) if part else {}
    failed = 0
    for case in catalog.cases():
        if part not in case.name:
            continue
        try:
            built = case.build({})
        except Exception:
            traceback.print_exc()
            print("cannot build", case.name, file=sys.stderr)
            failed += 1
            continue
        stem = case.name.replace("/", "-")
        files = {".pb": built.graph_def, ".meta": built.meta_graph, ".rm": built.run_metadata}
        for suffix, data in files.items():
            if data is not None:
                (directory / (stem + suffix)).write_bytes(data)
        index[case.name] = {
            "files": [stem + suffix for suffix, data in files.items() if data is not None],
            "truth": dataclasses.asdict(built.truth),
            "declaration": dict(built.declaration),
            "judge_declared": built.judge_declared,
        }
    temporary = index_path.with_suffix(".new")
    temporary.write_text(json.dumps(index, indent=1))
    temporary.replace(index_path)
    print(f"{len(index)} cases in {directory}, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(bool(export(pathlib.Path(sys.argv[1]), *sys.argv[2:])))
