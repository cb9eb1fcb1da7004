// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** A small series without axes: first step to last, lowest value to highest. */
import type { JSX } from "preact";

import { formatNumber } from "../base/format";

const WIDTH = 260;
const HEIGHT = 44;

export function Sparkline(props: {
  readonly steps: Float64Array;
  readonly values: Float64Array;
}): JSX.Element {
  const { paths, low, high } = sparkPaths(props.steps, props.values, WIDTH, HEIGHT);
  const last = props.values.at(-1) ?? null;
  return (
    <figure class="sparkline">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label="Its values over the steps">
        {paths.map((path, i) => (
          <path key={i} d={path} />
        ))}
      </svg>
      <figcaption>
        {low === null || high === null
          ? "No finite value"
          : `${formatNumber(low)} \u2026 ${formatNumber(high)}`}
        , last {formatNumber(last)}
      </figcaption>
    </figure>
  );
}

/** One path per stretch of finite values; the lowest and highest of them, `null` without any. */
export function sparkPaths(
  steps: Float64Array,
  values: Float64Array,
  width: number,
  height: number,
): { paths: readonly string[]; low: number | null; high: number | null } {
  const finite = values.filter((value) => Number.isFinite(value));
  if (finite.length === 0) {
    return { paths: [], low: null, high: null };
  }
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  const first = steps[0] as number;
  const span = (steps.at(-1) as number) - first || 1;
  const paths: string[] = [];
  let path = "";
  values.forEach((value, i) => {
    if (!Number.isFinite(value)) {
      path = "";
      return;
    }
    const x = (((steps[i] as number) - first) / span) * (width - 2) + 1;
    const y =
      high === low ? height / 2 : height - 2 - ((value - low) / (high - low)) * (height - 4);
    const point = `${x.toFixed(1)} ${y.toFixed(1)}`;
    if (path === "") {
      path = `M${point}h0.01`;
      paths.push(path);
    } else {
      path += `L${point}`;
      paths[paths.length - 1] = path;
    }
  });
  return { paths, low, high };
}
