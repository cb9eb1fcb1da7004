# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the losses of a run that nobody instrumented, by their tags.

What two rules or two tags would answer differently stays open and is named:
a wrong guess would look like a fact in the charts and in the verdict.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Collection, Iterable, Mapping

from tb_regloss import metadata
from tb_regloss.analysis.facts import (
    DATA_LOSS,
    OPTIMIZED_LOSS,
    REGULARIZATION_SUM,
    TOTAL_LOSS,
)
from tb_regloss.backend import doubts
from tb_regloss.backend.convention_table import CONVENTIONS, Convention
from tb_regloss.backend.loss_words import ANY_PENALTY
from tb_regloss.backend.plain_names import by_plain_names
from tb_regloss.backend.role_choice import Choice, Roles, quoted, scope_of

_OWN = {
    DATA_LOSS: metadata.TAG_DATA_LOSS,
    REGULARIZATION_SUM: metadata.TAG_REGULARIZATION_SUM,
    OPTIMIZED_LOSS: metadata.TAG_OPTIMIZED_LOSS,
}
_EVALUATION = re.compile(
    r"(?i)(?:^|[/_.\-\s])(?:val|valid|validation|eval|evaluation|test|testing|dev)(?:[/_.\-\s]|$)"
)
_RAW = re.compile(r"(?: \(raw\)|__raw_|_\(raw\))$")
# TensorFlow counts from 1 where a name is taken.
_SUFFIX = re.compile(r"_[1-9]\d*$")
_PER_EPOCH = re.compile(r"_(?:step|epoch)$")
# No convention makes longer tags, and patterns take the square of the length.
_LONGEST = 300


def find_roles(
    tags: Collection[str], given: Mapping[str, str | Collection[str]] | None = None
) -> Roles:
    """Returns which of a run's scalar tags stand for which losses.

    Args:
      tags: all scalar tags of the run.
      given: what the user said, by role: a tag, or several to be summed. It
        goes before every convention; an empty collection leaves a role open.
        Tags that the run lacks are noted, and the role stays empty.
    """
    present = frozenset(tags)
    told, notes = _told(present, given or {})
    taken = {tag for chosen in told.values() for tag in chosen}
    own = {role: (tag,) if tag in present else () for role, tag in _OWN.items()}
    if any(own.values()):
        found = Roles(
            data_loss=own[DATA_LOSS],
            regularization_sum=own[REGULARIZATION_SUM],
            optimized_loss=own[OPTIMIZED_LOSS],
            framework="tb_regloss",
            assured=True,
        )
    else:
        found = _by_convention(present - taken, present)
    if not told and not notes:
        return found
    chosen = {
        role: tuple(t for t in tags if t not in taken) for role, tags in found.by_role().items()
    }
    chosen.update(told)
    return dataclasses.replace(
        found,
        data_loss=chosen.get(DATA_LOSS, ()),
        regularization_sum=chosen.get(REGULARIZATION_SUM, ()),
        total_loss=chosen.get(TOTAL_LOSS, ()),
        optimized_loss=chosen.get(OPTIMIZED_LOSS, ()),
        notes=(*notes, *found.notes),
        ambiguities=tuple(doubt for doubt in found.ambiguities if doubt.role not in told),
        given=frozenset(told),
        assured=found.assured and OPTIMIZED_LOSS not in told,
    )


# Private functions


def _told(
    present: frozenset[str], given: Mapping[str, str | Collection[str]]
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    told: dict[str, tuple[str, ...]] = {}
    notes, absences = [], []
    for role, value in given.items():
        chosen = (value,) if isinstance(value, str) else tuple(value)
        absent = [tag for tag in chosen if tag not in present]
        told[role] = () if absent else chosen
        name = role.replace("_", " ")
        if absent:
            absences.append(
                f'The {name} was said to be "{absent[0]}", which this run does not log.'
            )
        else:
            notes.append(f"the {name} is {quoted(chosen)}" if chosen else f"there is no {name}")
    return told, [*([f"As given: {'; '.join(notes)}."] if notes else []), *absences]


# Runs of one logdir mostly log the same tags; 500 of them cost 15 ms.
@functools.lru_cache(maxsize=256)
def _by_convention(candidates: frozenset[str], present: frozenset[str]) -> Roles:
    usable = _without_twins(
        tag
        for tag in candidates
        if len(tag) <= _LONGEST
        and not _EVALUATION.search(tag)
        and not tag.startswith(metadata.TAG_PREFIX)
    )
    best, best_count = Roles(), 0
    for row in CONVENTIONS:
        if row.beside is not None and not any(
            re.fullmatch(row.beside, tag) for tag in present if len(tag) <= _LONGEST
        ):
            continue
        count, roles = _apply(row, usable)
        # One name that fits is no framework, unless something else in the run says so.
        several = sum(map(len, roles.by_role().values())) + len(roles.ambiguities) >= 2
        known = row.beside is not None and bool(roles.optimized_loss)
        if count > best_count and (several or known):
            best, best_count = roles, count
    if best_count < 3:
        count, roles = by_plain_names(usable)
        if count > best_count:
            best = roles
    return best


def _without_twins(tags: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Returns by plain name the tags it may stand for: more than one is a doubt.

    Of twins of which one is marked raw the others are moving averages; of
    Lightning's `x_step` and `x_epoch` the second is the mean of the first.
    """
    groups: dict[str, list[str]] = {}
    preferred: dict[str, str] = {}
    listed = frozenset(tags)
    for tag in sorted(listed):
        # TensorFlow 1 puts underscores in the place of spaces.
        raw = _RAW.sub("", tag)
        plain = _PER_EPOCH.sub("", raw).replace(" ", "_")
        stem = _SUFFIX.sub("", plain)
        plain = plain if f"{stem}_0" in listed else stem  # People count from 0.
        if raw != tag or (tag.endswith("_step") and f"{tag[:-4]}epoch" in listed):
            preferred[plain] = tag
        else:
            groups.setdefault(plain, []).append(tag)
    found = {plain: tuple(members) for plain, members in groups.items()}
    found.update({plain: (tag,) for plain, tag in preferred.items()})
    return found


def _apply(row: Convention, usable: dict[str, tuple[str, ...]]) -> tuple[int, Roles]:
    choice = Choice(usable)
    optimized = choice.names(row.optimized)
    if not optimized and any("{scope}" in pattern for pattern in row.data):
        return 0, Roles()
    total = [name for name in choice.names(row.total) if name not in optimized]
    scope = scope_of(row.optimized, optimized)
    barred = {*optimized, *total}
    penalties = choice.names((p.replace("{scope}", scope) for p in row.regularization), barred)
    barred |= {name for name in usable if doubts.is_penalty(name)} | set(penalties)
    data = choice.names((p.replace("{scope}", scope) for p in row.data), barred)
    data = [name for name in data if not doubts.is_total(name)]
    if row.regularization == ANY_PENALTY:
        optimized, penalties, data = doubts.settled(choice, optimized, penalties, data)
    notes = [f"The losses were found by their tags ({row.framework})."]
    if row.note:
        notes.append(f"In such logs {row.note}.")
    chosen_data: tuple[str, ...] = ()
    if data and row.unweighted and data != ["epoch_data_loss"]:
        listed = quoted([tag for name in data for tag in usable[name]])
        notes.append(f"The data loss is not known from {listed}, logged without their weights.")
        choice.matched += 1
    else:
        chosen_data = choice.summed(DATA_LOSS, data)
    if len(chosen_data) > 1:
        notes.append(f"The data loss is the sum of {quoted(chosen_data)}.")
    roles = Roles(
        data_loss=chosen_data,
        regularization_sum=choice.penalties(penalties),
        total_loss=choice.one(TOTAL_LOSS, total),
        optimized_loss=choice.one(OPTIMIZED_LOSS, optimized),
        framework=row.framework,
        assured=row.assured and bool(optimized),
    )
    if len(roles.regularization_sum) > 1:
        notes.append(f"The regularization sum is that of {quoted(roles.regularization_sum)}.")
    matched = choice.matched - bool(roles.total_loss)
    return matched, dataclasses.replace(roles, notes=tuple(notes), ambiguities=tuple(choice.doubts))
