// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** Draws lines, bands and marks on a canvas. Knows nothing of the library that draws the axes. */
import { lowerBound } from "./nearest";
import type { ChartBand, ChartData, ChartLine } from "./types";

/** Where the plot stands on the canvas, in canvas pixels, and how values map to it. */
export interface Plot {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Canvas pixels per CSS pixel. */
  readonly ratio: number;
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly xRange: readonly [number, number];
  readonly yLog: boolean;
}

const RAW_OPACITY = 0.22;
// CSS pixels between two marks of values that are no numbers.
const MARK_GAP = 9;

export function drawData(context: CanvasRenderingContext2D, data: ChartData, plot: Plot): void {
  context.save();
  context.beginPath();
  context.rect(plot.left, plot.top, plot.width, plot.height);
  context.clip();
  context.lineJoin = "round";
  for (const band of data.bands) {
    drawBand(context, band, plot);
  }
  for (const line of data.lines) {
    if (line.raw !== null) {
      context.globalAlpha = RAW_OPACITY;
      strokeLine(context, line, line.raw, plot);
    }
  }
  context.globalAlpha = 1;
  for (const line of data.lines) {
    strokeLine(context, line, line.ys, plot);
  }
  for (const line of data.lines) {
    drawMarks(context, line, plot);
  }
  context.restore();
}

/** The points of all lines that belong to the cursor. */
export function drawPoints(
  context: CanvasRenderingContext2D,
  points: readonly { readonly x: number; readonly y: number; readonly color: string }[],
  plot: Plot,
  outline: string,
): void {
  for (const point of points) {
    if (!drawable(point.y, plot)) {
      continue;
    }
    context.beginPath();
    context.arc(plot.x(point.x), plot.y(point.y), 3.5 * plot.ratio, 0, 2 * Math.PI);
    context.fillStyle = point.color;
    context.fill();
    context.lineWidth = 1.5 * plot.ratio;
    context.strokeStyle = outline;
    context.stroke();
  }
}

function strokeLine(
  context: CanvasRenderingContext2D,
  line: ChartLine,
  values: Float64Array,
  plot: Plot,
): void {
  const [from, to] = visible(line.xs, plot);
  context.beginPath();
  let open = false;
  for (let i = from; i < to; i++) {
    const value = values[i] as number;
    if (!drawable(value, plot)) {
      open = false;
      continue;
    }
    const x = plot.x(line.xs[i] as number);
    const y = plot.y(value);
    if (open) {
      context.lineTo(x, y);
    } else {
      // A point between two gaps has no line: without a dash it would not be seen.
      const alone = i + 1 >= to || !drawable(values[i + 1] as number, plot);
      context.moveTo(alone ? x - plot.ratio : x, y);
      if (alone) {
        context.lineTo(x + plot.ratio, y);
      }
      open = true;
    }
  }
  context.strokeStyle = line.color;
  context.lineWidth = (line.strong ? 2 : 1.25) * plot.ratio;
  context.setLineDash(line.dashed ? [5 * plot.ratio, 4 * plot.ratio] : []);
  context.stroke();
  context.setLineDash([]);
}

function drawBand(context: CanvasRenderingContext2D, band: ChartBand, plot: Plot): void {
  const [from, to] = visible(band.xs, plot);
  context.fillStyle = band.color;
  context.globalAlpha = band.opacity;
  const holds = (i: number): boolean =>
    drawable(band.upper[i] as number, plot) && drawable(band.lower[i] as number, plot);
  for (let start = from; start < to; start++) {
    if (!holds(start)) {
      continue;
    }
    let end = start;
    while (end + 1 < to && holds(end + 1)) {
      end++;
    }
    context.beginPath();
    for (let i = start; i <= end; i++) {
      context.lineTo(plot.x(band.xs[i] as number), plot.y(band.upper[i] as number));
    }
    for (let i = end; i >= start; i--) {
      context.lineTo(plot.x(band.xs[i] as number), plot.y(band.lower[i] as number));
    }
    context.closePath();
    context.fill();
    start = end;
  }
  context.globalAlpha = 1;
}

// NaN: a cross on the lower edge; infinities: arrows at the edge they left by.
function drawMarks(context: CanvasRenderingContext2D, line: ChartLine, plot: Plot): void {
  const [from, to] = visible(line.xs, plot);
  const size = 3.5 * plot.ratio;
  const edge = size + 2 * plot.ratio;
  let last = -Infinity;
  context.strokeStyle = line.color;
  context.fillStyle = line.color;
  context.lineWidth = 1.5 * plot.ratio;
  for (let i = from; i < to; i++) {
    const value = line.ys[i] as number;
    if (Number.isFinite(value)) {
      continue;
    }
    const x = plot.x(line.xs[i] as number);
    if (x - last < MARK_GAP * plot.ratio) {
      continue;
    }
    last = x;
    const bottom = plot.top + plot.height - edge;
    context.beginPath();
    if (Number.isNaN(value)) {
      context.moveTo(x - size, bottom - size);
      context.lineTo(x + size, bottom + size);
      context.moveTo(x - size, bottom + size);
      context.lineTo(x + size, bottom - size);
      context.stroke();
    } else {
      const up = value > 0;
      const tip = up ? plot.top + edge - size : bottom + size;
      const base = up ? tip + 2 * size : tip - 2 * size;
      context.moveTo(x, tip);
      context.lineTo(x + size, base);
      context.lineTo(x - size, base);
      context.closePath();
      context.fill();
    }
  }
}

function drawable(value: number, plot: Plot): boolean {
  return Number.isFinite(value) && (!plot.yLog || value > 0);
}

// One point more on each side: lines go on to the edge.
function visible(xs: Float64Array, plot: Plot): [number, number] {
  const from = lowerBound(xs, plot.xRange[0]);
  let to = lowerBound(xs, plot.xRange[1]);
  while (to < xs.length && (xs[to] as number) <= plot.xRange[1]) {
    to++;
  }
  return [Math.max(0, from - 1), Math.min(xs.length, to + 1)];
}
