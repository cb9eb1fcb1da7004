// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** Which part of the axes is shown. */
import { lowerBound } from "./nearest";
import type { ChartData } from "./types";

export type Range = readonly [number, number];

const EMPTY: Range = [0, 1];
// A loss that exploded must not flatten the rest of its history to a line:
// values this many times the spread of the bulk away from it are left out of
// the axis. The high start of an ordinary loss is nearer than that.
const FAR = 1e4;

/** All x of all lines; [0, 1] without any. */
export function xExtent(data: ChartData): Range {
  let low = Infinity;
  let high = -Infinity;
  for (const { xs } of data.lines) {
    if (xs.length > 0) {
      low = Math.min(low, xs[0] as number);
      high = Math.max(high, xs.at(-1) as number);
    }
  }
  if (low > high) {
    return EMPTY;
  }
  // A single point stands in the middle.
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** What of the y axis shows the lines between two x, with some air; only finite values count. */
export function yExtent(data: ChartData, x: Range, log: boolean): Range {
  const values: number[] = [];
  for (const line of data.lines) {
    const from = lowerBound(line.xs, x[0]);
    for (let i = from; i < line.xs.length && (line.xs[i] as number) <= x[1]; i++) {
      const value = line.ys[i] as number;
      if (Number.isFinite(value) && (!log || value > 0)) {
        values.push(value);
      }
    }
  }
  if (values.length === 0) {
    return log ? [0.1, 1] : EMPTY;
  }
  const [low, high] = withoutFar(Float64Array.from(values).sort(), log);
  return log ? padLog(low, high) : padLinear(low, high);
}

/** How many values that could be drawn stand outside of a range of y: said under the chart. */
export function countOutside(data: ChartData, x: Range, y: Range, log: boolean): number {
  let count = 0;
  for (const line of data.lines) {
    const from = lowerBound(line.xs, x[0]);
    for (let i = from; i < line.xs.length && (line.xs[i] as number) <= x[1]; i++) {
      const value = line.ys[i] as number;
      const drawn = Number.isFinite(value) && (!log || value > 0);
      if (drawn && (value > y[1] || value < y[0])) {
        count++;
      }
    }
  }
  return count;
}

function withoutFar(sorted: Float64Array, log: boolean): Range {
  const low = sorted[0] as number;
  const high = sorted.at(-1) as number;
  if (log) {
    return [low, high];
  }
  const bottom = quantile(sorted, 0.02);
  const top = quantile(sorted, 0.95);
  const spread = top - bottom;
  if (spread === 0) {
    return [low, high];
  }
  return [
    low < bottom - FAR * spread ? bottom - spread / 2 : low,
    high > top + FAR * spread ? top + spread / 2 : high,
  ];
}

function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.round(q * (sorted.length - 1))] as number;
}

function padLinear(low: number, high: number): Range {
  if (low === high) {
    const around = low === 0 ? 1 : Math.abs(low) * 0.5;
    return low === 0 ? EMPTY : [low - around, high + around];
  }
  const air = (high - low) * 0.06;
  // Losses start at zero: where the data reach near it, so does the axis.
  const bottom = low >= 0 && low < (high - low) * 0.6 ? 0 : low - air;
  return [low < 0 || bottom !== 0 ? low - air : 0, high + air];
}

function padLog(low: number, high: number): Range {
  const air = low === high ? 2 : Math.pow(high / low, 0.06);
  return [low / air, high * air];
}
