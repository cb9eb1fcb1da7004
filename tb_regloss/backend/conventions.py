# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the losses of a run that nobody instrumented, by their tags.

What two rules or two tags would answer differently stays open and is named:
a wrong guess would look like a fact in the charts and in the verdict.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping

from tb_regloss import metadata
from tb_regloss.analysis.facts import (
    DATA_LOSS,
    OPTIMIZED_LOSS,
    REGULARIZATION_SUM,
    ROLES,
    TOTAL_LOSS,
)
from tb_regloss.backend.convention_table import CONVENTIONS, REGULARIZATION, TOTAL, Convention

_OWN = {
    DATA_LOSS: metadata.TAG_DATA_LOSS,
    REGULARIZATION_SUM: metadata.TAG_REGULARIZATION_SUM,
    OPTIMIZED_LOSS: metadata.TAG_OPTIMIZED_LOSS,
}
_EVALUATION = re.compile(
    r"(?i)(?:^|[/_.\-\s])(?:val|valid|validation|eval|evaluation|test|testing|dev)(?:[/_.\-\s]|$)"
)
_RAW = re.compile(r"(?: \(raw\)|__raw_|_\(raw\))$")
_SUFFIX = re.compile(r"_\d+$")
_CLONE = re.compile(r"(?:^|/)((?:clone|tower|worker|replica)_\d+)/", re.IGNORECASE)

# What is left when no row of the table fits: names that say what they are.
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
_PENALTY = re.compile(REGULARIZATION)
_TOTAL = re.compile(TOTAL)
_OF_ONE_LAYER = re.compile(r"(?i).+/weights?_loss")
# A data loss may well be an L2 loss; alone beside a loss this name says nothing.
_DOUBTFUL_PENALTY = re.compile(r"(?i)(?:.*/)?(?:l2_loss(?:es)?|loss_l2)")


@dataclasses.dataclass(frozen=True)
class Roles:
    """Which tags stand for which losses.

    Attributes:
      data_loss: the tags whose sum is the data loss; empty where not found.
      regularization_sum: likewise.
      total_loss: likewise; empty where it is not logged beside the optimized.
      optimized_loss: likewise; one tag.
      framework: whose convention it is, `""` where nothing was found.
      notes: how the roles were found, for people.
      ambiguities: one sentence for each role that several tags could have,
        naming them; such a role is empty.
      assured: the framework itself optimizes what it logs as the optimized
        loss; see `Convention.assured`.
    """

    data_loss: tuple[str, ...] = ()
    regularization_sum: tuple[str, ...] = ()
    total_loss: tuple[str, ...] = ()
    optimized_loss: tuple[str, ...] = ()
    framework: str = ""
    notes: tuple[str, ...] = ()
    ambiguities: tuple[str, ...] = ()
    assured: bool = False

    def by_role(self) -> dict[str, tuple[str, ...]]:
        """Returns the tags by role, roles that were found only."""
        found = {role: getattr(self, role) for role in ROLES}
        return {role: tags for role, tags in found.items() if tags}


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
    present = set(tags)
    told, notes = _told(present, given or {})
    taken = {tag for chosen in told.values() for tag in chosen}
    own = {role: (tag,) for role, tag in _OWN.items() if tag in present}
    if own:
        found = Roles(framework="tb_regloss", assured=True, **own)
    else:
        found = _by_convention(present - taken, present)
    if not told and not notes:
        return found
    names = [role.replace("_", " ") for role in told]
    doubts = tuple(a for a in found.ambiguities if not any(a.startswith(f"The {n}") for n in names))
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
        ambiguities=doubts,
        assured=found.assured and OPTIMIZED_LOSS not in told,
    )


# Private functions


def _told(
    present: set[str], given: Mapping[str, str | Collection[str]]
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    told: dict[str, tuple[str, ...]] = {}
    notes = []
    for role, value in given.items():
        chosen = (value,) if isinstance(value, str) else tuple(value)
        absent = [tag for tag in chosen if tag not in present]
        told[role] = () if absent else chosen
        name = role.replace("_", " ")
        if absent:
            notes.append(f'The {name} was said to be "{absent[0]}", which this run does not log.')
        elif chosen:
            notes.append(f"The {name} is {_quoted(chosen)}, as given.")
    return told, notes


def _by_convention(candidates: set[str], present: set[str]) -> Roles:
    usable = _without_twins(
        tag
        for tag in candidates
        if not _EVALUATION.search(tag) and not tag.startswith(metadata.TAG_PREFIX)
    )
    best, best_count = Roles(), 0
    for row in CONVENTIONS:
        if row.beside is not None and not any(re.fullmatch(row.beside, tag) for tag in present):
            continue
        count, roles = _apply(row, usable)
        # One name that fits is no framework, unless something else in the run says so.
        several = sum(map(len, roles.by_role().values())) + len(roles.ambiguities) >= 2
        known = row.beside is not None and bool(roles.optimized_loss)
        if count > best_count and (several or known):
            best, best_count = roles, count
    if best_count < 3:
        count, roles = _plain(usable)
        if count > best_count:
            best = roles
    return best


def _without_twins(tags: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Returns by plain name the tags it may stand for: more than one is a doubt.

    Of twins of which one is marked raw the others are moving averages.
    """
    groups: dict[str, list[str]] = {}
    raw: dict[str, str] = {}
    for tag in sorted(tags):
        plain = _RAW.sub("", tag)
        if plain != tag:
            raw[_SUFFIX.sub("", plain)] = tag
        else:
            groups.setdefault(_SUFFIX.sub("", tag), []).append(tag)
    found = {plain: tuple(members) for plain, members in groups.items()}
    found.update({plain: (tag,) for plain, tag in raw.items()})
    return found


class _Choice:
    """Chooses tags for roles and keeps the doubts."""

    def __init__(self, usable: dict[str, tuple[str, ...]]) -> None:
        self.usable = usable
        self.doubts: list[str] = []
        self.matched = 0

    def names(self, patterns: Iterable[str], barred: Collection[str] = ()) -> list[str]:
        """Returns the plain names that match the first pattern that matches any."""
        for pattern in patterns:
            found = [n for n in self.usable if n not in barred and re.fullmatch(pattern, n)]
            if found:
                return sorted(found)
        return []

    def one(self, role: str, names: list[str]) -> tuple[str, ...]:
        """Returns the one tag of the role, nothing (and a doubt) where there are several."""
        tags = [tag for name in names for tag in self.usable[name]]
        self.matched += bool(tags)
        if len(tags) > 1:
            self._doubt(role, tags)
            return ()
        return tuple(tags)

    def summed(self, role: str, names: list[str]) -> tuple[str, ...]:
        """Returns the tags to be summed, nothing (and a doubt) where one has twins."""
        tags = [tag for name in names for tag in self.usable[name]]
        self.matched += bool(tags)
        clones = {match.group(1) for tag in tags if (match := _CLONE.search(tag))}
        if len(tags) > len(names) or len(clones) > 1:
            self._doubt(role, tags)
            return ()
        return tuple(tags)

    def _doubt(self, role: str, tags: list[str]) -> None:
        name = role.replace("_", " ")
        self.doubts.append(f"The {name} could be any of {_quoted(sorted(tags))}; say which it is.")


def _apply(row: Convention, usable: dict[str, tuple[str, ...]]) -> tuple[int, Roles]:
    choice = _Choice(usable)
    optimized = choice.names(row.optimized)
    total = [name for name in choice.names(row.total) if name not in optimized]
    scope = _scope(row.optimized, optimized)
    barred = {*optimized, *total}
    penalties = choice.names((p.replace("{scope}", scope) for p in row.regularization), barred)
    barred |= {n for n in usable if _PENALTY.fullmatch(n)} | set(penalties)
    data = choice.names((p.replace("{scope}", scope) for p in row.data), barred)
    data = [name for name in data if not _TOTAL.fullmatch(name)]
    notes = [f"The losses were found by the tags of {row.framework}."]
    if row.note:
        notes.append(row.note[0].upper() + row.note[1:] + ".")
    chosen_data: tuple[str, ...] = ()
    if data and row.unweighted and data != ["epoch_data_loss"]:
        listed = _quoted([tag for name in data for tag in usable[name]])
        notes.append(f"The data loss is not known from {listed}, logged without their weights.")
    else:
        chosen_data = choice.summed(DATA_LOSS, data)
    if len(chosen_data) > 1:
        notes.append(f"The data loss is the sum of {_quoted(chosen_data)}.")
    roles = Roles(
        data_loss=chosen_data,
        regularization_sum=choice.summed(REGULARIZATION_SUM, penalties),
        total_loss=choice.one(TOTAL_LOSS, total),
        optimized_loss=choice.one(OPTIMIZED_LOSS, optimized),
        framework=row.framework,
        assured=row.assured and bool(optimized),
    )
    if len(roles.regularization_sum) > 1:
        notes.append(f"The regularization sum is that of {_quoted(roles.regularization_sum)}.")
    matched = choice.matched - bool(roles.total_loss)
    return matched, dataclasses.replace(roles, notes=tuple(notes), ambiguities=tuple(choice.doubts))


def _scope(patterns: Iterable[str], names: list[str]) -> str:
    """Returns the scope of the optimized loss as a pattern."""
    for pattern in patterns:
        if "(?P<scope>" in pattern and len(names) == 1:
            match = re.fullmatch(pattern, names[0])
            if match is not None:
                return re.escape(match.group("scope"))
    return "(?:.*/)?"


def _plain(usable: dict[str, tuple[str, ...]]) -> tuple[int, Roles]:
    """Chooses by names that are nobody's in particular."""
    choice = _Choice(usable)
    totals = choice.names((TOTAL,))
    optimized = totals or choice.names(_PLAIN_OPTIMIZED)
    scope = _scope((TOTAL, *_PLAIN_OPTIMIZED), optimized)
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
            notes.append(f"{_quoted(data)} beside a total is taken as the data loss.")
    if penalties and not data and all(_DOUBTFUL_PENALTY.fullmatch(name) for name in penalties):
        tags = [tag for name in penalties for tag in usable[name]]
        notes.append(f"{_quoted(tags)} may be the data loss itself and was left alone.")
        penalties = []
    # Penalties of single layers are summed; of several sums one must be the sum.
    sums = [name for name in penalties if not _OF_ONE_LAYER.fullmatch(name)]
    pick = choice.one if sums else choice.summed
    roles = Roles(
        data_loss=choice.one(DATA_LOSS, data),
        regularization_sum=pick(REGULARIZATION_SUM, sums or penalties),
        optimized_loss=choice.one(OPTIMIZED_LOSS, optimized),
    )
    if not choice.matched:
        return 0, Roles()
    return choice.matched, dataclasses.replace(
        roles, framework="names", notes=tuple(notes), ambiguities=tuple(choice.doubts)
    )


def _quoted(tags: Collection[str]) -> str:
    quoted = [f'"{tag}"' for tag in tags]
    if len(quoted) > 8:
        quoted = [*quoted[:7], f"{len(quoted) - 7} more"]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
