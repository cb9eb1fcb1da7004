// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** The store's series as lines of the three charts. Pure. */
import type { RunLosses } from "../api/types";
import { addSeries, forEachShared } from "../base/series";
import type { Series } from "../base/series";
import { smooth } from "../base/smoothing";
import type { ChartBand, ChartData, ChartLine } from "../charts/types";
import type { XAxis } from "../state/settings";

/** One shown run. */
export interface ShownRun {
  readonly run: string;
  /** CSS color in the theme at hand. */
  readonly color: string;
  /** Of the area between the total loss and what is optimized. */
  readonly gapColor: string;
  readonly focused: boolean;
  readonly losses: RunLosses;
}

/** A line and what it stands for, for the table at the cursor. */
export interface NamedLine extends ChartLine {
  readonly run: string;
  readonly role: "data" | "regularization" | "optimized" | "total";
  /** Values before smoothing, at the same indices. */
  readonly logged: Float64Array;
  readonly series: Series;
}

export interface NamedChart extends ChartData {
  readonly lines: readonly NamedLine[];
}

export interface Charts {
  readonly data: NamedChart;
  readonly regularization: NamedChart;
  readonly total: NamedChart;
}

const FOCUSED_BAND = 0.18;
const OTHER_BAND = 0.07;
/** With more runs than this only the focused one's gap is shaded: the rest would be mud. */
const MOST_BANDS = 6;
// A gap below this part of the total loss is rounding, not a finding.
const VISIBLE_GAP = 1e-3;

export function buildCharts(runs: readonly ShownRun[], axis: XAxis, smoothing: number): Charts {
  const data: NamedLine[] = [];
  const regularization: NamedLine[] = [];
  const total: NamedLine[] = [];
  const bands: ChartBand[] = [];
  // The focused run is drawn last, above the others.
  for (const run of [...runs].sort((a, b) => Number(a.focused) - Number(b.focused))) {
    const { losses } = run;
    const start = startOf(losses);
    const line = (role: NamedLine["role"], series: Series | null): NamedLine | null =>
      series === null ? null : lineOf(run, role, series, axis, start, smoothing);
    const sum = totalOf(losses);
    const totalLine = line("total", sum);
    const optimizedLine = line("optimized", losses.optimizedLoss);
    push(data, line("data", losses.dataLoss));
    push(regularization, line("regularization", losses.regularizationSum));
    push(total, totalLine);
    push(total, optimizedLine);
    if (totalLine && optimizedLine && (run.focused || runs.length <= MOST_BANDS)) {
      push(bands, bandBetween(run, totalLine, optimizedLine));
    }
  }
  return {
    data: { lines: data, bands: [] },
    regularization: { lines: regularization, bands: [] },
    total: { lines: total, bands },
  };
}

const totals = new WeakMap<RunLosses, Series | null>();

/** Data loss + regularization sum where both were logged, else the logged total loss. */
export function totalOf(losses: RunLosses): Series | null {
  let total = totals.get(losses);
  if (total === undefined) {
    total =
      losses.dataLoss && losses.regularizationSum
        ? addSeries(losses.dataLoss, losses.regularizationSum)
        : null;
    total ??= losses.totalLoss;
    totals.set(losses, total);
  }
  return total;
}

function lineOf(
  run: ShownRun,
  role: NamedLine["role"],
  series: Series,
  axis: XAxis,
  start: number,
  smoothing: number,
): NamedLine {
  const ys = smoothed(series, smoothing);
  return {
    id: `${role} ${run.run}`,
    run: run.run,
    role,
    series,
    color: run.color,
    xs: xsOf(series, axis, start),
    ys,
    raw: ys === series.values || role === "total" ? null : series.values,
    logged: series.values,
    dashed: role === "total",
    strong: run.focused,
  };
}

function bandBetween(run: ShownRun, total: NamedLine, optimized: NamedLine): ChartBand | null {
  const xs: number[] = [];
  const upper: number[] = [];
  const lower: number[] = [];
  let largest = 0;
  forEachShared(total.series.steps, optimized.series.steps, (i, j) => {
    const a = total.ys[i] as number;
    const b = optimized.ys[j] as number;
    xs.push(optimized.xs[j] as number);
    upper.push(a);
    lower.push(b);
    const gap = Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b));
    largest = Number.isFinite(gap) ? Math.max(largest, gap) : largest;
  });
  if (largest < VISIBLE_GAP) {
    return null;
  }
  return {
    color: run.gapColor,
    opacity: run.focused ? FOCUSED_BAND : OTHER_BAND,
    xs: Float64Array.from(xs),
    upper: Float64Array.from(upper),
    lower: Float64Array.from(lower),
  };
}

/** The first moment of a run: relative time counts from there, the same in all three charts. */
function startOf(losses: RunLosses): number {
  const first = Object.values(losses).map(
    (series: Series | null) => series?.wallTimes[0] ?? Infinity,
  );
  return Math.min(...first);
}

function xsOf(series: Series, axis: XAxis, start: number): Float64Array {
  if (axis === "step") {
    return series.steps;
  }
  const offset = axis === "relative" ? start : 0;
  // Clocks can go back; the axis cannot.
  let latest = -Infinity;
  return series.wallTimes.map((time) => (latest = Math.max(latest, time - offset)));
}

const smoothedOnce = new WeakMap<Series, { weight: number; ys: Float64Array }>();

function smoothed(series: Series, weight: number): Float64Array {
  const known = smoothedOnce.get(series);
  if (known?.weight === weight) {
    return known.ys;
  }
  const ys = smooth(series.values, weight);
  smoothedOnce.set(series, { weight, ys });
  return ys;
}

function push<T>(list: T[], item: T | null): void {
  if (item !== null) {
    list.push(item);
  }
}
