// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** One chart with its title, its notes and its table at the cursor. */
import { useSignalEffect } from "@preact/signals";
import type { ComponentChildren, JSX, TargetedKeyboardEvent } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

import { formatCount, formatDuration, formatMoment, formatNumber, plural } from "../base/format";
import { describeNonFinite, lastValue } from "../base/series";
import { countOutside, yExtent } from "../charts/ranges";
import type { ChartTheme, ChartView } from "../charts/types";
import { createChart } from "../charts/uplot_chart";
import type { Chart } from "../charts/uplot_chart";
import type { NamedChart, NamedLine } from "./chart_data";
import { usePanel } from "./context";
import { LongName } from "./parts";
import { readoutAt } from "./readout";

interface Props {
  readonly name: "data" | "regularization" | "total";
  readonly title: string;
  readonly subtitle: ComponentChildren;
  readonly chart: NamedChart;
  /** Of all three charts. */
  readonly xRange: readonly [number, number];
  /** Whether series are still on their way. */
  readonly loading: boolean;
}

const HEIGHT = 236;
const MOST_NOTES = 2;
const THEMES: Readonly<Record<"light" | "dark", ChartTheme>> = {
  light: { text: "#616161", grid: "#e8e8e8", font: "11px Roboto, sans-serif" },
  dark: { text: "#b0b0b0", grid: "#4d4d4d", font: "11px Roboto, sans-serif" },
};

export function ChartCard(props: Props): JSX.Element {
  const { store, dark } = usePanel();
  const { chart, xRange } = props;
  const yLog = store.settings.yScale.value === "log";
  const yRange = yExtent(chart, xRange, yLog);
  const view: ChartView = {
    data: chart,
    xKind: store.settings.xAxis.value,
    yLog,
    xRange,
    yRange,
  };
  const empty = chart.lines.length === 0;
  return (
    <section class="card chart" aria-labelledby={`chart-${props.name}`} data-chart={props.name}>
      <header>
        <h2 id={`chart-${props.name}`}>{props.title}</h2>
        <span class="subtitle">{props.subtitle}</span>
      </header>
      <div class="plot-frame">
        <Plot name={props.title} view={view} dark={dark.value} chart={chart} />
        {empty && (
          <div class="plot-empty" role="status">
            {props.loading ? "Loading\u2026" : "Not logged by the runs shown here"}
          </div>
        )}
      </div>
      <Notes chart={chart} outside={countOutside(chart, xRange, yRange, yLog)} yLog={yLog} />
      <ReadoutTable chart={chart} name={props.name} />
    </section>
  );
}

function Plot(props: {
  readonly name: string;
  readonly view: ChartView;
  readonly chart: NamedChart;
  readonly dark: boolean;
}): JSX.Element {
  const { store } = usePanel();
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Chart | null>(null);
  const newest = useRef(props);
  newest.current = props;
  const theme = props.dark ? THEMES.dark : THEMES.light;

  useLayoutEffect(() => {
    const element = host.current as HTMLDivElement;
    const size = { width: element.clientWidth, height: HEIGHT };
    const created = createChart(element, size, props.view, theme, {
      onCursor: (x) => (store.cursor.value = x),
      onZoom: (range) => (store.zoom.value = range),
    });
    plot.current = created;
    // A hidden tab has no width; the chart is drawn when it gets one.
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) {
        created.resize(element.clientWidth, HEIGHT);
      }
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      created.destroy();
    };
  }, []);

  const { data, xKind, yLog, xRange, yRange } = props.view;
  useEffect(() => {
    plot.current?.update(props.view, theme);
  }, [data, xKind, yLog, xRange[0], xRange[1], yRange[0], yRange[1], theme]);

  useSignalEffect(() => {
    const x = store.cursor.value;
    const { chart, dark } = newest.current;
    plot.current?.setCursor(
      x,
      x === null ? [] : readoutAt(chart, x).points,
      dark ? "#3a3a3a" : "#ffffff",
    );
  });

  const onKeyDown = (event: TargetedKeyboardEvent<HTMLDivElement>): void => {
    if (moveByKey(event.key, newest.current.chart, newest.current.view, store)) {
      event.preventDefault();
    }
  };
  return (
    <div
      class="plot"
      ref={host}
      tabIndex={0}
      role="img"
      aria-label={describe(props.name, props.chart)}
      onKeyDown={onKeyDown}
      onBlur={() => (store.cursor.value = null)}
    />
  );
}

/** Arrow keys move the cursor point by point, + and - zoom, Escape lets go. */
function moveByKey(
  key: string,
  chart: NamedChart,
  view: ChartView,
  store: ReturnType<typeof usePanel>["store"],
): boolean {
  const line = chart.lines.at(-1);
  const [low, high] = view.xRange;
  const at = store.cursor.value;
  switch (key) {
    case "ArrowLeft":
    case "ArrowRight": {
      if (!line) {
        return false;
      }
      store.cursor.value = neighbour(line, at, key === "ArrowRight");
      return true;
    }
    case "+":
    case "=": {
      const middle = at ?? (low + high) / 2;
      store.zoom.value = [middle - (high - low) / 4, middle + (high - low) / 4];
      return true;
    }
    case "-":
    case "0":
      store.zoom.value = null;
      return true;
    case "Escape":
      store.cursor.value = null;
      store.zoom.value = null;
      return true;
    default:
      return false;
  }
}

function neighbour(line: NamedLine, at: number | null, right: boolean): number | null {
  const xs = [...line.xs];
  if (at === null) {
    return (right ? xs[0] : xs.at(-1)) ?? null;
  }
  return (right ? xs.find((x) => x > at) : xs.findLast((x) => x < at)) ?? at;
}

function describe(name: string, chart: NamedChart): string {
  if (chart.lines.length === 0) {
    return `${name}: nothing to draw.`;
  }
  const last = chart.lines
    .slice(-5)
    .map((line) => `${line.run} ${line.role} ${formatNumber(lastValue(line.series))}`);
  return `${name} of ${plural(new Set(chart.lines.map((line) => line.run)).size, "run", "runs")}. Last values: ${last.join(", ")}. Arrow keys move the cursor, plus and minus zoom.`;
}

function Notes(props: {
  readonly chart: NamedChart;
  readonly outside: number;
  readonly yLog: boolean;
}): JSX.Element | null {
  const notes: JSX.Element[] = [];
  for (const line of [...props.chart.lines].reverse()) {
    const text = line.role === "total" ? null : describeNonFinite(line.series);
    if (text !== null) {
      notes.push(
        <li key={line.id}>
          <span class="dot" style={{ color: line.color }} />
          <LongName name={line.run} />
          <strong>{text}</strong>
        </li>,
      );
    }
  }
  const hidden = notes.length - MOST_NOTES;
  const belowZero =
    props.yLog && props.chart.lines.some((line) => line.ys.some((value) => value <= 0));
  if (notes.length === 0 && props.outside === 0 && !belowZero) {
    return null;
  }
  return (
    <ul class="chart-notes">
      {notes.slice(0, MOST_NOTES)}
      {hidden > 0 && (
        <li>and {plural(hidden, "run", "runs")} more with values that are no numbers</li>
      )}
      {props.outside > 0 && (
        <li>The axis leaves out {plural(props.outside, "far value", "far values")}.</li>
      )}
      {belowZero && <li>Zero and less cannot be drawn on a logarithmic axis.</li>}
    </ul>
  );
}

function ReadoutTable(props: {
  readonly chart: NamedChart;
  readonly name: Props["name"];
}): JSX.Element | null {
  const { store } = usePanel();
  const x = store.cursor.value;
  if (x === null || props.chart.lines.length === 0) {
    return null;
  }
  const { rows, more } = readoutAt(props.chart, x);
  const total = props.name === "total";
  const smoothing = store.settings.smoothing.value > 0;
  const axis = store.settings.xAxis.value;
  return (
    <div class="readout" role="status">
      <table>
        <thead>
          <tr>
            <th class="run-column">Run</th>
            {total ? <th>Optimized</th> : <th>Value</th>}
            {total && <th>Data + reg.</th>}
            {total && <th>Gap</th>}
            {!total && smoothing && <th>Smoothed</th>}
            <th>{axis === "step" ? "Step" : "Time"}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.run} class={row.focused ? "focused" : ""}>
              <td class="run-column">
                <div>
                  <span class="dot" style={{ color: row.color }} />
                  <LongName name={row.run} />
                </div>
              </td>
              <td>{formatNumber(row.logged)}</td>
              {total && <td>{formatNumber(row.total)}</td>}
              {total && <td>{formatNumber(gapOf(row.total, row.logged))}</td>}
              {!total && smoothing && <td>{formatNumber(row.value)}</td>}
              <td>{axis === "step" ? formatCount(row.step) : timeText(axis, row.x)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {more > 0 && <div class="more">and {plural(more, "run", "runs")} more</div>}
    </div>
  );
}

function timeText(axis: "relative" | "wall", x: number): string {
  // The year is no news at a cursor.
  return axis === "relative" ? formatDuration(x) : formatMoment(x).slice(5);
}

// The difference of two logged float32 values keeps the rounding of the larger.
function gapOf(total: number | null, optimized: number | null): number | null {
  if (total === null || optimized === null) {
    return null;
  }
  const gap = total - optimized;
  return Math.abs(gap) < 2e-6 * Math.max(Math.abs(total), Math.abs(optimized)) ? 0 : gap;
}
