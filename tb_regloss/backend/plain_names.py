# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Roles of tags that belong to no framework but say what they are."""

from __future__ import annotations

import dataclasses
import re

from tb_regloss.analysis.facts import DATA_LOSS, OPTIMIZED_LOSS
from tb_regloss.backend.convention_table import REGULARIZATION, TOTAL
from tb_regloss.backend.role_choice import Choice, Roles, quoted, scope_of

_PLAIN_OPTIMIZED = (
    r"(?i)(?:.*/)?(?:optimi[sz]ed_loss|objective)",
    r"(?i)train(?:ing)?[_/](?:loss|cost)",
    r"(?i)(?P<scope>(?:.*/)?)(?:loss|cost)",
    r"(?i)(?P<scope>(?:.*/)?)(?:running|avg|average|mean|batch|step|iter)[_ ]?(?:loss|cost)",
)
_LOSS_LIKE = re.compile(
    r"(?i)(?:.*/)?(?!.*(?:ratio|weight|_scale|decay))"
    r"(?:[^/]*(?:loss|cost)|[^/]*(?:cross_?entropy|xent(?:ropy)?)|nll|[^/]*_nll|loss_[^/]*)"
)
_COMPLETE_DATA = re.compile(r"(?i)(?:.*/)?(?:data|main|task|det)_loss")
_BARE = re.compile(
    r"(?i)(?:.*/)?(?:(?:train(?:ing)?|running|avg|average|mean|epoch|batch|step|iter)[_ ]?)?"
    r"(?:loss|cost)"
)
_TOTAL = re.compile(TOTAL)
# A data loss may well be an L2 loss; alone beside a loss this name says nothing.
_DOUBTFUL_PENALTY = re.compile(r"(?i)(?:.*/)?(?:l2_loss(?:es)?|loss_l2)")


def by_plain_names(usable: dict[str, tuple[str, ...]]) -> tuple[int, Roles]:
    """Returns how many roles were found, and which.

    Args:
      usable: by plain name the tags it may stand for.
    """
    choice = Choice(usable)
    totals = choice.names((TOTAL,))
    optimized = totals or choice.names(_PLAIN_OPTIMIZED)
    scope = scope_of((TOTAL, *_PLAIN_OPTIMIZED), optimized)
    penalties = choice.names((REGULARIZATION,), optimized)
    barred = {*optimized, *penalties}
    losses = [name for name in usable if name not in barred and _LOSS_LIKE.fullmatch(name)]
    losses = [name for name in losses if not _TOTAL.fullmatch(name)]
    data = sorted(name for name in losses if not _BARE.fullmatch(name))
    near = [name for name in data if re.fullmatch(scope + "[^/]*", name)]
    complete = [name for name in near or data if _COMPLETE_DATA.fullmatch(name)]
    data = complete if len(complete) == 1 else near or data
    notes = ["The losses were found by what their tags say."]
    if not data and totals and penalties:
        data = [name for name in losses if _BARE.fullmatch(name)]
        if data:
            notes.append(f"{quoted(data)} beside a total is taken as the data loss.")
    if penalties and not data and all(_DOUBTFUL_PENALTY.fullmatch(name) for name in penalties):
        tags = [tag for name in penalties for tag in usable[name]]
        notes.append(f"{quoted(tags)} may be the data loss itself and was left alone.")
        penalties = []
    penalties, data = choice.settled(penalties, data)
    roles = Roles(
        data_loss=choice.one(DATA_LOSS, data),
        regularization_sum=choice.penalties(penalties),
        optimized_loss=choice.one(OPTIMIZED_LOSS, optimized),
    )
    if not choice.matched:
        return 0, Roles()
    return choice.matched, dataclasses.replace(
        roles, framework="names", notes=tuple(notes), ambiguities=tuple(choice.doubts)
    )
