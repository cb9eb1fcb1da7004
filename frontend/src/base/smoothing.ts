// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0

/**
 * Exponential moving average without the bias towards zero at the start, as
 * TensorBoard's Time Series draws it.
 *
 * Values that are no finite numbers pass through as they are and leave the
 * average alone: one NaN must not wipe out the rest of a series.
 *
 * @param weight in [0, 1): 0 returns the values themselves.
 */
export function smooth(values: Float64Array, weight: number): Float64Array {
  if (!(weight > 0) || isConstant(values)) {
    return values;
  }
  const kept = Math.min(weight, 0.999);
  const smoothed = new Float64Array(values.length);
  let average = 0;
  let debias = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isFinite(value)) {
      smoothed[i] = value;
      continue;
    }
    average = average * kept + (1 - kept) * value;
    debias = debias * kept + (1 - kept);
    smoothed[i] = average / debias;
  }
  return smoothed;
}

// Rounding would make the average of equal values wiggle.
function isConstant(values: Float64Array): boolean {
  return values.every((value) => value === values[0]);
}
