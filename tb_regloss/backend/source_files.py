# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Where the source files lie that logs name without their folders."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

# A checkout of this size is walked in less than a second.
_MOST_FILES = 100_000
_NOT_SOURCES = ("node_modules", "site-packages", "__pycache__")


def below(folder: str, names: Collection[str]) -> dict[str, str]:
    """Returns the paths of source files, relative to `folder` and with "/".

    A name that no file or more than one file has is left out: a wrong place is
    worse than none.

    Args:
      folder: where the program's sources are checked out.
      names: names of files, such as "model.py".
    """
    wanted = {name for name in names if os.path.basename(name) == name}
    found: dict[str, list[str]] = {}
    if not wanted:
        return {}
    for count, path in enumerate(_files(folder)):
        if count == _MOST_FILES:
            return {}
        name = os.path.basename(path)
        if name in wanted:
            found.setdefault(name, []).append(os.path.relpath(path, folder))
    return {name: paths[0].replace(os.sep, "/") for name, paths in found.items() if len(paths) == 1}


def _files(folder: str) -> Iterator[str]:
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _is_foreign(os.path.join(here, name))]
        yield from (os.path.join(here, name) for name in files)


def _is_foreign(folder: str) -> bool:
    """Whether other people's code, or none, lies there."""
    name = os.path.basename(folder)
    if name.startswith(".") or name in _NOT_SOURCES:
        return True
    return os.path.exists(os.path.join(folder, "pyvenv.cfg"))
