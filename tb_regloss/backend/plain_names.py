# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Roles of tags that belong to no framework but say what they are."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection

from tb_regloss.analysis.facts import DATA_LOSS, OPTIMIZED_LOSS
from tb_regloss.backend import doubts, loss_words
from tb_regloss.backend.role_choice import Choice, Roles, quoted, scope_of

_LIKELIHOOD = re.compile(loss_words.LIKELIHOOD)
_BARE = re.compile(loss_words.BARE)
_DIVERGENCE = re.compile(loss_words.DIVERGENCE)
_WHOLE_DATA = re.compile(loss_words.WHOLE_DATA)
_AVERAGES = re.compile(r"(?i)(?:^|(?<=/))(?:avg|averages?|ema|smoothed)/")


def by_plain_names(usable: dict[str, tuple[str, ...]]) -> tuple[int, Roles]:
    """Returns how many roles were found, and which.

    Args:
      usable: by plain name the tags it may stand for.
    """
    choice = Choice({name: tags for name, tags in usable.items() if not _is_average(name, usable)})
    totals = choice.names(loss_words.TOTALS)
    optimized = totals or choice.names(loss_words.BARE_OPTIMIZED)
    scope = scope_of((*loss_words.TOTALS, *loss_words.BARE_OPTIMIZED), optimized)
    penalties, maybe = _penalties(choice, optimized)
    losses = doubts.others(choice.usable, optimized)
    if loss_words.OF_ESTIMATORS in usable:
        losses = [name for name in losses if name != loss_words.OPTIMIZED_BY_ESTIMATORS]
    if not optimized and len(losses) == 1:
        optimized = choice.names((loss_words.LONE_OPTIMIZED,))
        losses = [name for name in losses if name not in optimized]
    # Where the penalty has a name of its own, these are parts of the data loss.
    data = _data([*losses, *maybe], scope, bool(totals))
    notes = ["The losses were found by what their tags say."]
    if totals and data and all(_BARE.fullmatch(name) for name in data):
        notes.append(f"{quoted(data)} beside a total is taken as the data loss.")
    optimized, penalties, data = doubts.settled(choice, optimized, penalties, data)
    if len(data) == 1 and not penalties and totals and not _is_whole(data[0]):
        # One of the losses that are in the total; the others are not logged.
        choice.leave(DATA_LOSS, data, "the total may hold others that are not logged")
        data = []
    chosen = (
        choice.summed(DATA_LOSS, data)
        if len(optimized) == 1 and doubts.are_parts(data)
        else choice.one(DATA_LOSS, data)
    )
    if len(chosen) > 1:
        notes.append(f"The data loss is the sum of {quoted(chosen)}.")
    roles = Roles(
        data_loss=chosen,
        regularization_sum=choice.penalties(penalties),
        optimized_loss=choice.one(OPTIMIZED_LOSS, optimized),
    )
    if not choice.matched:
        return 0, Roles()
    return choice.matched, dataclasses.replace(
        roles,
        framework="names",
        notes=tuple(notes),
        ambiguities=tuple(choice.doubts),
    )


def _penalties(choice: Choice, optimized: list[str]) -> tuple[list[str], list[str]]:
    """Returns the regularization losses, and names that could be but for these."""
    every = sorted(name for name in choice.usable if doubts.is_penalty(name))
    every = [name for name in every if name not in optimized]
    sure = choice.names((loss_words.SURE_PENALTY,), optimized)
    return (sure, [name for name in every if name not in sure]) if sure else (every, [])


def _data(losses: list[str], scope: str, has_total: bool) -> list[str]:
    parts = sorted(name for name in losses if not _BARE.fullmatch(name))
    near = [name for name in parts if re.fullmatch(scope + "[^/]*", name)] or parts
    whole = [name for name in near if _WHOLE_DATA.fullmatch(name)]
    if len(whole) == 1:
        return whole
    if not near and has_total:
        return sorted(losses)
    return [] if all(_DIVERGENCE.fullmatch(name) for name in near) else doubts.without_details(near)


def _is_whole(name: str) -> bool:
    return bool(_LIKELIHOOD.search(name) or _WHOLE_DATA.fullmatch(name))


def _is_average(name: str, usable: Collection[str]) -> bool:
    plain = _AVERAGES.sub("", name)
    return plain != name and plain in usable
