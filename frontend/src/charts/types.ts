// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** What a chart is given. Charts know nothing of runs and verdicts, only of lines. */

/** One line; `xs` ascends. `ys` may hold NaN and infinities, which are marked, never drawn as numbers. */
export interface ChartLine {
  /** Tells it from the other lines of the chart. */
  readonly id: string;
  /** A CSS color. */
  readonly color: string;
  readonly xs: Float64Array;
  /** What is drawn (smoothed). */
  readonly ys: Float64Array;
  /** The values before smoothing, drawn pale behind; `null` where they are the same. */
  readonly raw: Float64Array | null;
  readonly dashed: boolean;
  /** Drawn stronger, above the others. */
  readonly strong: boolean;
}

/** The area between two lines, shaded where both have a value at the same x. */
export interface ChartBand {
  readonly color: string;
  /** In [0, 1]. */
  readonly opacity: number;
  readonly xs: Float64Array;
  readonly upper: Float64Array;
  readonly lower: Float64Array;
}

export interface ChartData {
  /** Later ones are drawn above. */
  readonly lines: readonly ChartLine[];
  readonly bands: readonly ChartBand[];
}

/** How numbers on the horizontal axis are written: steps, seconds since the start, moments. */
export type XKind = "step" | "relative" | "wall";

export interface ChartView {
  readonly data: ChartData;
  readonly xKind: XKind;
  readonly yLog: boolean;
  /** The visible part of the horizontal axis. */
  readonly xRange: readonly [number, number];
  readonly yRange: readonly [number, number];
}

/** The colors of the axes. */
export interface ChartTheme {
  readonly text: string;
  readonly grid: string;
  readonly font: string;
}
