// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** Which runs stand where in the list, and which are shown to start with. */
import type { RunSummary } from "../api/types";
import { compareNames } from "../base/search";
import type { Order } from "./settings";

/** How many runs are drawn before anybody asked for more. */
export const DEFAULT_SHOWN = 10;

export function isFlagged(run: RunSummary): boolean {
  return run.severity === "error" || run.severity === "warning";
}

/** An evaluation stands right under the training run that it belongs to. */
export function orderRuns(runs: readonly RunSummary[], order: Order): readonly RunSummary[] {
  const byName = new Map(runs.map((run) => [run.run, run]));
  const sorted = runs.map((run) => {
    const owner = run.relatedTo === null ? undefined : byName.get(run.relatedTo);
    return { run, lead: owner ?? run, follows: owner !== undefined && owner !== run };
  });
  sorted.sort(
    (a, b) =>
      (order === "flagged" ? rank(a.lead) - rank(b.lead) : 0) ||
      compareNames(a.lead.run, b.lead.run) ||
      Number(a.follows) - Number(b.follows) ||
      compareNames(a.run.run, b.run.run),
  );
  return sorted.map((item) => item.run);
}

/** Flagged runs first, then those that train, in the order of the list. */
export function defaultShown(ordered: readonly RunSummary[]): ReadonlySet<string> {
  const ranked = [...ordered].sort((a, b) => rank(a) - rank(b));
  return new Set(ranked.slice(0, DEFAULT_SHOWN).map((run) => run.run));
}

/** The run whose verdict is shown first: the first flagged one, else the first that trains. */
export function defaultFocus(ordered: readonly RunSummary[]): string | null {
  const ranked = [...ordered].sort((a, b) => rank(a) - rank(b));
  return ranked[0]?.run ?? null;
}

function rank(run: RunSummary): number {
  switch (run.severity) {
    case "error":
      return 0;
    case "warning":
      return 1;
    case "ok":
    case "unknown":
    case null:
      return run.status === "not_training" ? 3 : 2;
  }
}
