// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0

/** A series of one quantity of one run, ascending in step, one value a step. */
export interface Series {
  readonly steps: Float64Array;
  /** Seconds since the epoch. */
  readonly wallTimes: Float64Array;
  /** NaN and infinities are kept: they are what was logged. */
  readonly values: Float64Array;
  /** The tags it was read or summed from. */
  readonly tags: readonly string[];
}

/** The sum of two series at the steps that both have; `null` where they share none. */
export function addSeries(a: Series, b: Series): Series | null {
  const steps: number[] = [];
  const wallTimes: number[] = [];
  const values: number[] = [];
  forEachShared(a.steps, b.steps, (i, j) => {
    steps.push(a.steps[i] as number);
    wallTimes.push(a.wallTimes[i] as number);
    values.push((a.values[i] as number) + (b.values[j] as number));
  });
  if (steps.length === 0) {
    return null;
  }
  return {
    steps: Float64Array.from(steps),
    wallTimes: Float64Array.from(wallTimes),
    values: Float64Array.from(values),
    tags: [...a.tags, ...b.tags],
  };
}

/** Calls back with the indices of each step that stands in both. Joined by step, never by index. */
export function forEachShared(
  a: Float64Array,
  b: Float64Array,
  visit: (i: number, j: number) => void,
): void {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const left = a[i] as number;
    const right = b[j] as number;
    if (left === right) {
      visit(i, j);
      i++;
      j++;
    } else if (left < right) {
      i++;
    } else {
      j++;
    }
  }
}

/** The last value, whatever it is; `null` where there is none. */
export function lastValue(series: Series | null): number | null {
  return series?.values.at(-1) ?? null;
}

/** Where NaN and infinities stand in a series, in one sentence; `null` where it has none. */
export function describeNonFinite(series: Series): string | null {
  let nan = 0;
  let infinite = 0;
  let first: number | null = null;
  for (let i = 0; i < series.values.length; i++) {
    const value = series.values[i] as number;
    if (Number.isFinite(value)) {
      continue;
    }
    first ??= series.steps[i] as number;
    if (Number.isNaN(value)) {
      nan++;
    } else {
      infinite++;
    }
  }
  if (first === null) {
    return null;
  }
  const what = nan === 0 ? "infinite" : infinite === 0 ? "NaN" : "NaN or infinite";
  const count = nan + infinite;
  return count === series.values.length
    ? `${what} throughout`
    : `${what} at ${count} of ${series.values.length} points, first at step ${first}`;
}
