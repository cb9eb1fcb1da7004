// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** The table of regularization losses: rows, sorting, filtering. Pure. */
import type { RegularizationLoss } from "../api/types";
import { formatNumber } from "../base/format";
import { compareNames } from "../base/search";
import { statusTone, toneRank } from "./badge_text";

export type Column =
  "penalizes" | "kind" | "verdict" | "multiplier" | "value" | "share" | "created";

export interface Sorting {
  /** `null`: as declared, with what needs a look first. */
  readonly column: Column | null;
  readonly descending: boolean;
}

export interface LossRow {
  readonly loss: RegularizationLoss;
  /** Its place in the declaration: names need not be unique. */
  readonly index: number;
  readonly penalizes: string;
  readonly kind: string;
  /** Of the regularization sum; `null` where values are missing or no numbers. */
  readonly share: number | null;
}

const KINDS: Readonly<Record<string, string>> = {
  l1: "L1",
  l2: "L2",
  l1_l2: "L1 + L2",
};

export function lossRows(losses: readonly RegularizationLoss[]): readonly LossRow[] {
  let sum = 0;
  for (const loss of losses) {
    sum += loss.value ?? 0;
  }
  return losses.map((loss, index) => ({
    loss,
    index,
    penalizes: loss.variables.length > 0 ? loss.variables.join(", ") : loss.name,
    kind: kindText(loss),
    share:
      loss.value !== null && Number.isFinite(loss.value) && Number.isFinite(sum) && sum > 0
        ? loss.value / sum
        : null,
  }));
}

export function sortRows(rows: readonly LossRow[], sorting: Sorting): readonly LossRow[] {
  const { column, descending } = sorting;
  const sign = descending ? -1 : 1;
  const compare = column === null ? byTone : COMPARE[column];
  return [...rows].sort((a, b) => sign * compare(a, b) || a.index - b.index);
}

export function filterRows(
  rows: readonly LossRow[],
  matches: (text: string) => boolean,
): readonly LossRow[] {
  return rows.filter((row) =>
    [row.penalizes, row.loss.name, row.kind, row.loss.status, row.loss.createdAt ?? ""].some(
      matches,
    ),
  );
}

const COMPARE: Readonly<Record<Column, (a: LossRow, b: LossRow) => number>> = {
  penalizes: (a, b) => compareNames(a.penalizes, b.penalizes),
  kind: (a, b) => compareNames(a.kind, b.kind),
  verdict: byTone,
  multiplier: (a, b) => compareNumbers(a.loss.multiplier, b.loss.multiplier),
  value: (a, b) => compareNumbers(a.loss.value, b.loss.value),
  share: (a, b) => compareNumbers(a.share, b.share),
  created: (a, b) => compareNames(a.loss.createdAt ?? "", b.loss.createdAt ?? ""),
};

function byTone(a: LossRow, b: LossRow): number {
  return (
    toneRank(statusTone(a.loss.status)) - toneRank(statusTone(b.loss.status)) ||
    compareNames(a.loss.status, b.loss.status)
  );
}

// Unknown below NaN below all numbers: both end up together, at one end.
function compareNumbers(a: number | null, b: number | null): number {
  return rank(a) - rank(b) || (a ?? 0) - (b ?? 0) || 0;
}

function rank(value: number | null): number {
  return value === null ? 0 : Number.isNaN(value) ? 1 : 2;
}

function kindText(loss: RegularizationLoss): string {
  const name = loss.kind === null ? "" : (KINDS[loss.kind] ?? loss.kind);
  return loss.strength === null ? name : `${name} ${formatNumber(loss.strength, 3)}`.trim();
}
