// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/**
 * uPlot without what this panel has of its own: lines (`charts/draw.ts`), ranges
 * (`charts/ranges.ts`), axis marks and dates (`charts/ticks.ts`). That is a third of uPlot; its published
 * file has no switches for it.
 *
 * uPlot's version is pinned. A function that is not found where it was breaks
 * the build rather than the panel.
 */
import type { Plugin } from "vite";

/** Functions at the top level of uPlot's file, and what they return instead. */
const STUBS: Readonly<Record<string, string>> = {
  // Shapes of lines and points; the panel's series draw nothing.
  linear: "",
  points: "",
  // Dates on axes and in legends.
  genTimeStuffs: "return [[], [], () => {}];",
  fmtDate: "",
  timeAxisStamps: "",
  timeAxisVals: "",
  timeSeriesVal: "",
  timeSeriesStamp: "",
  // Ranges and marks of axes.
  _rangeNum: "",
  rangeLog: "",
  numAxisSplits: "",
  logAxisSplits: "",
  asinhAxisSplits: "",
  log10AxisValsFilt: "",
  log2AxisValsFilt: "",
};
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
  for (const [name, body] of Object.entries(STUBS)) {
    const start = slimmed.indexOf(`\nfunction ${name}(`);
    const end = slimmed.indexOf("\n}\n", start);
    if (start < 0 || end < 0) {
      throw new Error(`uPlot's file is not as expected: ${name}() was not found`);
    }
    slimmed = `${slimmed.slice(0, start)}\nfunction ${name}() { ${body} }\n${slimmed.slice(end + 3)}`;
  }
  return slimmed;
}
