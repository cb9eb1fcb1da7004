// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/**
 * uPlot without what this panel has of its own: lines (`charts/draw.ts`), ranges
 * (`charts/ranges.ts`), axis marks and dates (`charts/ticks.ts`), the table at the
 * cursor. That is more than a third of uPlot, and its published file has no
 * switches for it.
 *
 * uPlot's version is pinned. A function that is not found where it was breaks
 * the build rather than the panel.
 */
import type { Plugin } from "vite";

/** Functions of uPlot that do nothing here. */
const EMPTY: readonly string[] = [
  // Shapes of lines and points; the panel's series draw nothing.
  "linear",
  "points",
  "drawSeries",
  // Dates on axes and in legends.
  "fmtDate",
  "timeAxisStamps",
  "timeAxisVals",
  "timeSeriesVal",
  "timeSeriesStamp",
  // Ranges and marks of axes.
  "_rangeNum",
  "rangeLog",
  "rangeAsinh",
  "autoPadSide",
  "numAxisSplits",
  "logAxisSplits",
  "asinhAxisSplits",
  "log10AxisValsFilt",
  "log2AxisValsFilt",
  // The legend, and series that come and go.
  "initLegendRow",
  "setLegend",
  "setLegendValues",
  "toggleDOM",
  "setFocus",
  "syncLegend",
  "initCursorPt",
  "setSeries",
  "addSeries",
  "delSeries",
  "addBand",
];
const TIME = { name: "genTimeStuffs", body: "return [[], [], () => {}];" };
/** From here on the file hangs helpers on uPlot that only other shapes need. */
const STATICS = "\nuPlot.assign = assign;\n";

export function slimUplot(): Plugin {
  return {
    name: "regloss-slim-uplot",
    enforce: "pre",
    apply: "build",
    transform(code, id) {
      return id.endsWith("/uPlot.esm.js") ? slim(code) : null;
    },
  };
}

function slim(code: string): string {
  const statics = code.indexOf(STATICS);
  if (statics < 0) {
    throw new Error("uPlot's file is not as expected: its statics were not found");
  }
  let slimmed = `${code.slice(0, statics)}\nexport { uPlot as default };\n`;
  for (const { name, body } of [TIME, ...EMPTY.map((name) => ({ name, body: "" }))]) {
    // At the top of the file, or right inside of the chart's own function.
    const found = new RegExp(`\\n(\\t?)function ${name}\\(`).exec(slimmed);
    const indent = found?.[1] ?? "";
    const end = found === null ? -1 : slimmed.indexOf(`\n${indent}}\n`, found.index);
    if (found === null || end < 0) {
      throw new Error(`uPlot's file is not as expected: ${name}() was not found`);
    }
    const rest = slimmed.slice(end + indent.length + 2);
    slimmed = `${slimmed.slice(0, found.index)}\nfunction ${name}() { ${body} }${rest}`;
  }
  return slimmed;
}
