// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** Looking things up in ascending numbers. */

/** The first index whose number is not below `x`; the length where all are. */
export function lowerBound(sorted: Float64Array, x: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < x) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** The index whose number is nearest to `x`; -1 where there is none. */
export function nearestIndex(sorted: Float64Array, x: number): number {
  const right = lowerBound(sorted, x);
  if (right === 0) {
    return sorted.length === 0 ? -1 : 0;
  }
  if (right === sorted.length) {
    return right - 1;
  }
  const left = right - 1;
  return x - (sorted[left] as number) <= (sorted[right] as number) - x ? left : right;
}
