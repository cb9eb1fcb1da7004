// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** What stands in the form that chooses tags, and what is kept of it. Pure. */
import type { FoundRole, GivenRoles, Role, RoleTags } from "../api/types";

/** The tags of each loss as they stand in the form. */
export type Draft = Readonly<Record<Role, readonly string[]>>;

/** What was said of a loss of this run: of the run itself, else of all runs. */
function said(found: FoundRole, run: string, given: GivenRoles): readonly string[] | undefined {
  return found.source === "given"
    ? (given.runs[run]?.[found.role] ?? given.all[found.role])
    : undefined;
}

/** The form as it opens. Tags that were chosen and vanished stand in it: they can be taken out. */
export function firstDraft(roles: readonly FoundRole[], run: string, given: GivenRoles): Draft {
  return Object.fromEntries(
    roles.map((found) => [found.role, said(found, run, given) ?? found.tags]),
  ) as Draft;
}

/** One tag stands for one loss: where it stood before, it is taken out. */
export function withTag(draft: Draft, role: Role, tag: string): Draft {
  const entries = Object.entries(draft).map(([other, tags]) => [
    other,
    other === role ? [...tags.filter((known) => known !== tag), tag] : without(tags, tag),
  ]);
  return Object.fromEntries(entries) as Draft;
}

export function withoutTag(draft: Draft, role: Role, tag: string): Draft {
  return { ...draft, [role]: without(draft[role], tag) };
}

/**
 * What is kept of the form: what was said before and still stands there, and
 * what was changed. What RegLoss found by itself is not said again.
 */
export function roleTagsOf(
  draft: Draft,
  roles: readonly FoundRole[],
  run: string,
  given: GivenRoles,
): RoleTags {
  const first = firstDraft(roles, run, given);
  const kept = roles.filter(({ role, source }) => {
    const same = JSON.stringify(first[role]) === JSON.stringify(draft[role]);
    // A choice that was taken out again leaves the loss to RegLoss.
    return source === "given" ? same || draft[role].length > 0 : !same;
  });
  return Object.fromEntries(kept.map(({ role }) => [role, draft[role]]));
}

/** What was said, with this said of one run. */
export function saidOfRun(given: GivenRoles, run: string, tags: RoleTags): GivenRoles {
  return { ...given, runs: { ...given.runs, [run]: tags } };
}

/**
 * What was said, with this said of all runs. What was said of them before and
 * does not concern this run, for it lacks those tags, stays.
 */
export function saidOfAll(
  given: GivenRoles,
  run: string,
  roles: readonly FoundRole[],
  tags: RoleTags,
): GivenRoles {
  const taken = new Set(Object.values(tags).flat());
  const others = roles.flatMap(({ role, source }) => {
    const kept = given.all[role];
    return kept && source !== "given" && !kept.some((tag) => taken.has(tag)) ? [[role, kept]] : [];
  });
  return {
    all: { ...(Object.fromEntries(others) as RoleTags), ...tags },
    runs: Object.fromEntries(Object.entries(given.runs).filter(([other]) => other !== run)),
  };
}

function without(tags: readonly string[], tag: string): readonly string[] {
  return tags.filter((known) => known !== tag);
}
