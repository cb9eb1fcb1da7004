// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** What the cursor points at: the rows of the table under a chart. Pure. */
import { nearestIndex } from "../charts/nearest";
import type { CursorPoint } from "../charts/uplot_chart";
import type { NamedChart, NamedLine } from "./chart_data";

/** One run at the cursor. `null`: this line has no point. */
export interface ReadoutRow {
  readonly run: string;
  readonly color: string;
  readonly focused: boolean;
  readonly step: number;
  /** In the unit of the horizontal axis. */
  readonly x: number;
  /** The main line: smoothed, and as logged. */
  readonly value: number | null;
  readonly logged: number | null;
  /** Total loss chart only: data + regularization, as logged. */
  readonly total: number | null;
}

export interface Readout {
  readonly rows: readonly ReadoutRow[];
  /** Runs that did not find room. */
  readonly more: number;
  readonly points: readonly CursorPoint[];
}

const MOST_ROWS = 10;

/** @param x where the cursor stands, in the axis' unit. */
export function readoutAt(chart: NamedChart, x: number): Readout {
  const rows = new Map<string, ReadoutRow>();
  const points: CursorPoint[] = [];
  // The focused run is the last line, and the first row.
  for (const line of [...chart.lines].reverse()) {
    const index = nearestIndex(line.xs, x);
    if (index < 0) {
      continue;
    }
    points.push({
      x: line.xs[index] as number,
      y: line.ys[index] as number,
      color: line.color,
    });
    rows.set(line.run, merge(rows.get(line.run), line, index));
  }
  const all = [...rows.values()];
  return {
    rows: all.slice(0, MOST_ROWS),
    more: Math.max(0, all.length - MOST_ROWS),
    points: points.reverse(),
  };
}

function merge(known: ReadoutRow | undefined, line: NamedLine, index: number): ReadoutRow {
  const logged = line.logged[index] as number;
  if (line.role === "total") {
    return known
      ? { ...known, total: logged }
      : { ...place(line, index), value: null, logged: null, total: logged };
  }
  return {
    ...place(line, index),
    value: line.ys[index] as number,
    logged,
    total: known?.total ?? null,
  };
}

function place(line: NamedLine, index: number): Omit<ReadoutRow, "value" | "logged" | "total"> {
  return {
    run: line.run,
    color: line.color,
    focused: line.strong,
    step: line.series.steps[index] as number,
    x: line.xs[index] as number,
  };
}
