# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which runs are evaluations of which training runs, by their names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_EVALUATION = re.compile(
    r"(?i)(?P<word>eval|evaluation|val|valid|validation|test|testing|dev)(?P<rest>(?:[_\-.].*|\d+)?)"
)
_ENDS_IN_EVALUATION = re.compile(
    r"(?i)(?P<stem>.+)[_\-.](?:eval|evaluation|val|valid|validation|test|testing|dev)"
)
_TRAINING = ("train", "training", "Train", "Training")
_ROOT = "."


def related_runs(names: Collection[str]) -> dict[str, str]:
    """Returns the training run of each evaluation run among `names`.

    An evaluation run is called `eval`, `validation`, `test`, ... in its last
    folder; its training run stands beside it (`train`), or is the folder above
    it. Evaluation runs with neither are left out: they are judged like others.
    """
    present = set(names)
    found = {}
    for name in sorted(present):
        for candidate in _candidates(name):
            if candidate in present and candidate != name and not _is_evaluation(candidate):
                found[name] = candidate
                break
    return found


def _is_evaluation(name: str) -> bool:
    last = re.split(r"[/\\]", name)[-1]
    return bool(_EVALUATION.fullmatch(last) or _ENDS_IN_EVALUATION.fullmatch(last))


def _candidates(name: str) -> Iterator[str]:
    """Yields the names that the training run could have, the likeliest first."""
    position = max(name.rfind("/"), name.rfind("\\"))
    folder, last = name[: position + 1], name[position + 1 :]
    match = _EVALUATION.fullmatch(last)
    if match is not None:
        rest = match.group("rest")
        yield from (folder + word + rest for word in _TRAINING if rest)
        yield from (folder + word for word in _TRAINING)
        yield folder[:-1] if folder else _ROOT
    ending = _ENDS_IN_EVALUATION.fullmatch(last)
    if ending is not None:
        stem = ending.group("stem")
        separator = last[len(stem)]
        yield from (folder + stem + separator + word for word in _TRAINING)
        yield folder + stem
