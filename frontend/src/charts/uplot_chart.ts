// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The one file that knows uPlot. It gives axes, grid, scales, cursor line and
 * drag selection; the lines are ours (`draw.ts`), because each run has its own
 * steps, and uPlot wants one common x for all lines: joining 100 runs by wall
 * time would make a table of 100 x 100,000.
 */
import uPlot from "uplot";

import { drawData, drawPoints } from "./draw";
import type { Plot } from "./draw";
import { linearTicks, logTickLabels, logTicks, tickLabels, xTickLabels, xTicks } from "./ticks";
import type { ChartTheme, ChartView } from "./types";

export interface ChartEvents {
  /** The pointer stands at this x; `null`: it left. */
  readonly onCursor: (x: number | null) => void;
  /** This part of the x axis was selected by dragging; `null`: all of it again. */
  readonly onZoom: (range: readonly [number, number] | null) => void;
}

/** A point at the cursor. */
export interface CursorPoint {
  readonly x: number;
  readonly y: number;
  readonly color: string;
}

export interface Chart {
  update(view: ChartView, theme: ChartTheme): void;
  /** Moves the cursor line; `null` hides it. */
  setCursor(x: number | null, points: readonly CursorPoint[], outline: string): void;
  resize(width: number, height: number): void;
  destroy(): void;
}

const X_TICK_WIDTH = 58;
const Y_TICK_HEIGHT = 34;
// Two points: uPlot takes a chart without any for one without scales.
const NO_DATA: uPlot.AlignedData = [
  [0, 1],
  [0, 1],
];

export function createChart(
  host: HTMLElement,
  size: { readonly width: number; readonly height: number },
  first: ChartView,
  firstTheme: ChartTheme,
  events: ChartEvents,
): Chart {
  let view = first;
  let theme = firstTheme;
  let plot = build();
  let overlay = addOverlay(plot);

  function build(): uPlot {
    return new uPlot(options(), NO_DATA, host);
  }

  function options(): uPlot.Options {
    const axis: uPlot.Axis = {
      stroke: () => theme.text,
      font: theme.font,
      grid: { stroke: () => theme.grid, width: 1 },
      ticks: { show: false },
    };
    return {
      width: size.width,
      height: size.height,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, ...limits(view.xRange) },
        y: { distr: view.yLog ? 3 : 1, ...limits(view.yRange) },
      },
      series: [{}, { paths: () => null, points: { show: false } }],
      axes: [
        {
          ...axis,
          size: 28,
          gap: 6,
          grid: { show: false },
          splits: (chart, _axis, min, max) => {
            const count = Math.max(
              2,
              Math.floor(chart.bbox.width / devicePixelRatio / X_TICK_WIDTH),
            );
            return xTicks(view.xKind, min, max, count);
          },
          values: (_chart, ticks) => xTickLabels(view.xKind, ticks),
        },
        {
          ...axis,
          size: yAxisWidth,
          gap: 6,
          splits: (chart, _axis, min, max) => {
            const count = Math.max(
              2,
              Math.floor(chart.bbox.height / devicePixelRatio / Y_TICK_HEIGHT),
            );
            return view.yLog ? logTicks(min, max, count) : linearTicks(min, max, count);
          },
          // uPlot drops most labels of a logarithmic axis by itself; these are chosen already.
          filter: (_chart, ticks) => ticks,
          values: (_chart, ticks) => (view.yLog ? logTickLabels(ticks) : tickLabels(ticks)),
        },
      ],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false, dist: 4 },
        bind: {
          dblclick: () => () => {
            events.onZoom(null);
            return null;
          },
        },
      },
      hooks: {
        draw: [(chart) => drawData(chart.ctx, view.data, geometry(chart, view))],
        setSelect: [
          (chart) => {
            const { left, width } = chart.select;
            if (width > 4) {
              events.onZoom([chart.posToVal(left, "x"), chart.posToVal(left + width, "x")]);
            }
            chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    };
  }

  function onMove(event: PointerEvent): void {
    events.onCursor(plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x"));
  }
  function onLeave(): void {
    events.onCursor(null);
  }
  function listen(): void {
    plot.over.addEventListener("pointermove", onMove);
    plot.over.addEventListener("pointerleave", onLeave);
  }
  listen();

  return {
    update(nextView, nextTheme) {
      const rebuild = nextView.yLog !== view.yLog;
      view = nextView;
      theme = nextTheme;
      if (rebuild) {
        plot.destroy();
        plot = build();
        overlay = addOverlay(plot);
        listen();
        return;
      }
      plot.batch(() => {
        plot.setScale("x", limits(view.xRange));
        plot.setScale("y", limits(view.yRange));
        plot.redraw(false, true);
      });
    },
    setCursor(x, points, outline) {
      const { width, height } = plot.over.getBoundingClientRect();
      const ratio = devicePixelRatio;
      overlay.width = Math.round(width * ratio);
      overlay.height = Math.round(height * ratio);
      if (x === null) {
        plot.setCursor({ left: -10, top: -10 }, false);
        return;
      }
      plot.setCursor({ left: plot.valToPos(x, "x"), top: 0 }, false);
      const context = overlay.getContext("2d");
      if (context !== null) {
        const { left, top, ...rest } = geometry(plot, view);
        context.translate(-left, -top);
        drawPoints(context, points, { left, top, ...rest }, outline);
      }
    },
    resize(width, height) {
      size = { width, height };
      plot.setSize(size);
    },
    destroy() {
      plot.destroy();
    },
  };
}

function limits([min, max]: readonly [number, number]): { min: number; max: number } {
  return { min, max };
}

function yAxisWidth(chart: uPlot, labels: string[] | null): number {
  if (labels === null) {
    return 44;
  }
  const widest = labels.reduce((a, b) => (b.length > a.length ? b : a), "");
  chart.ctx.save();
  chart.ctx.font = `${11 * devicePixelRatio}px Roboto, sans-serif`;
  const width = chart.ctx.measureText(widest).width / devicePixelRatio;
  chart.ctx.restore();
  return Math.max(36, Math.ceil(width) + 16);
}

function geometry(chart: uPlot, view: ChartView): Plot {
  return {
    left: chart.bbox.left,
    top: chart.bbox.top,
    width: chart.bbox.width,
    height: chart.bbox.height,
    ratio: devicePixelRatio,
    x: (value) => chart.valToPos(value, "x", true),
    y: (value) => chart.valToPos(value, "y", true),
    xRange: view.xRange,
    yLog: view.yLog,
  };
}

function addOverlay(chart: uPlot): HTMLCanvasElement {
  const overlay = document.createElement("canvas");
  overlay.className = "chart-overlay";
  chart.over.append(overlay);
  return overlay;
}
