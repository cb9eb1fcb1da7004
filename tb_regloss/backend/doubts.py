# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Names that have two readings: what stands beside them decides, or nobody does."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from tb_regloss.analysis.facts import OPTIMIZED_LOSS, REGULARIZATION_SUM
from tb_regloss.backend import loss_words
from tb_regloss.backend.role_choice import Choice, quoted

_BARE = re.compile(loss_words.BARE)
_LIKELIHOOD = re.compile(loss_words.LIKELIHOOD)
_LOSS_LIKE = re.compile(loss_words.LOSS_LIKE)
_NO_PARTS = re.compile(loss_words.NO_PARTS)
_SURE = re.compile(loss_words.SURE_PENALTY)
_PENALTIES = tuple(re.compile(pattern) for pattern in loss_words.ANY_PENALTY)
_TOTALS = tuple(re.compile(pattern) for pattern in loss_words.TOTALS)
_WORD = re.compile(r"[a-z]+|\d+", re.IGNORECASE)


def is_total(name: str) -> bool:
    """Returns whether the name says of itself that it is the sum of all losses."""
    return any(pattern.fullmatch(name) for pattern in _TOTALS)


def is_penalty(name: str) -> bool:
    """Returns whether the name may be that of a regularization loss."""
    return any(pattern.fullmatch(name) for pattern in _PENALTIES)


def others(usable: Iterable[str], chosen: Collection[str]) -> list[str]:
    """Returns the names of losses that are neither chosen, nor sums, nor regularization."""
    return [
        name
        for name in usable
        if name not in chosen
        and _LOSS_LIKE.fullmatch(name)
        and not is_total(name)
        and not is_penalty(name)
    ]


def settled(
    choice: Choice, optimized: list[str], penalties: list[str], data: list[str]
) -> tuple[list[str], list[str], list[str]]:
    """Returns the names of the three roles without those that may have another.

    Each of those leaves a doubt in `choice`.
    """
    if not penalties:
        return optimized, penalties, data
    beside = others(choice.usable, (*optimized, *penalties))
    parts = without_details(sorted({*data, *(n for n in beside if not _BARE.fullmatch(n))}))
    has_total = any(is_total(name) for name in optimized)
    if all(_SURE.fullmatch(name) for name in penalties):
        why = _no_loss(choice.usable, penalties, bool(optimized or beside))
        unsure = []
    else:
        told = optimized or any(_LIKELIHOOD.search(name) for name in parts)
        why = _other_reading(penalties, parts if told else [], has_total, bool(told and beside))
        unsure = data
    is_told = (
        optimized == [loss_words.OPTIMIZED_BY_ESTIMATORS]
        and loss_words.OF_ESTIMATORS in choice.usable
    )
    if optimized and not (has_total or parts or is_told):
        # Half of such programs optimize the sum of the two.
        near = f"beside {quoted(penalties)} and no other loss that may be the data loss"
        choice.leave(OPTIMIZED_LOSS, optimized, near)
        optimized = []
    if not why:
        return optimized, penalties, data
    choice.leave(REGULARIZATION_SUM, penalties, why)
    return optimized, [], [name for name in data if name not in unsure]


def are_parts(names: Collection[str]) -> bool:
    """Returns whether the losses can be the parts of one sum."""
    return not any(_NO_PARTS.search(_last(name)) for name in names) and not any(
        _begins(one, other) for one in names for other in names
    )


def _no_loss(usable: Iterable[str], penalties: Collection[str], has_others: bool) -> str:
    """Returns why regularization by its name may be none, or not all, `""` if it is."""
    if any(_begins(penalty, name) for name in usable for penalty in penalties):
        return "other tags begin with its name"
    if not has_others and not any("loss" in name.lower() for name in penalties):
        return "no loss is logged beside it, and that may be its strength"
    return ""


def _other_reading(
    penalties: Collection[str], parts: list[str], has_total: bool, has_others: bool
) -> str:
    """Returns what else these may be, `""` where what stands beside them rules that out."""
    for doubtful in loss_words.DOUBTFUL_PENALTIES:
        if not any(re.fullmatch(doubtful.pattern, name) for name in penalties):
            continue
        unclear = [name for name in parts if re.search(doubtful.against, _last(name))]
        if doubtful.taken and any(re.search(doubtful.taken, _last(name)) for name in parts):
            unclear = []
        is_alone = not (parts or has_others) and not (has_total and doubtful.alone)
        if unclear or is_alone or not doubtful.against:
            near = f"beside {quoted(unclear)} " if unclear else ""
            return f"{near}that may be {doubtful.reading}"
    return ""


def without_details(names: list[str]) -> list[str]:
    """Returns the names without the parts that one of them sums: `cls`, not `cls_pos`."""
    details: set[str] = set()
    for whole in names:
        below = [name for name in names if _begins(whole, name)]
        if len(below) > 1 or 0 < len(below) == len(names) - 1:
            details.update(below)
    return [name for name in names if name not in details]


def _begins(shorter: str, longer: str) -> bool:
    words = _words(shorter)
    return shorter != longer and _words(longer)[: len(words)] == words


def _words(name: str) -> list[str]:
    words = [word.lower() for word in _WORD.findall(name)]
    return [word for word in words if word not in ("loss", "losses")]


def _last(name: str) -> str:
    return name.rpartition("/")[2]
