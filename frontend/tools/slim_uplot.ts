// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/**
 * uPlot without what this panel has of its own: lines (`charts/draw.ts`), ranges
 * (`charts/ranges.ts`), axis marks and dates (`charts/ticks.ts`), the table at the
 * cursor. That is two thirds of uPlot, and its published file has no switches for it.
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
  "initSeries",
  "addSeries",
  "delSeries",
  "addBand",
  // Ranges from data: every range is set.
  "autoScaleX",
  "dblClick",
  // Cursors of several charts: the panel moves them.
  "pubSync",
];
/** Functions of which this chart, one x axis below and one y axis at the left, needs less. */
const BODIES: Readonly<Record<string, string>> = {
  genTimeStuffs: "return [[], [], () => {}];",
  genIncrs: "return [];",
  getIncrSpace: "return (axes[axisIdx]._found = fullDim > 0 ? [1, 1] : [0, 0]);",
  _sync: "return { sub: noop, unsub: noop };",
  setScales: `
    for (const key in pendScales) {
      const { min, max } = pendScales[key];
      const scale = assign(scales[key], { min, max });
      const place = scale.distr == 3 ? log10 : retArg0;
      scale._min = place(min);
      scale._max = place(max);
      delete pendScales[key];
    }
    shouldConvergeSize = true;`,
  drawAxesGrid: `
    for (const { _found, _pos, _splits, _values, side, font, gap, grid, scale, stroke } of axes) {
      if (_found?.[1]) {
        const below = side == 2;
        const at = pxRound(_pos * pxRatio) + round(gap * pxRatio) * (below ? 1 : -1);
        const [length, start] = below ? [plotWid, plotLft] : [plotHgt, plotTop];
        const marks = _splits.map((value) => pxRound(getPos(value, scales[scale], length, start)));
        setFontStyle(font[0], stroke(), below ? "center" : RIGHT, below ? TOP : "middle");
        _values.forEach((text, i) => ctx.fillText(text, below ? marks[i] : at, below ? at : marks[i]));
        grid.show && drawOrthoLines(marks, marks, side % 2, below ? 2 : 1,
          below ? plotTop : plotLft, below ? plotHgt : plotWid,
          roundDec(grid.width * pxRatio, 3), grid.stroke());
      }
    }`,
  cacheMouse: `
    rect ?? syncRect();
    const left = e.clientX - rect.left;
    if (initial) {
      mouseLeft0 = left;
    } else {
      mouseLeft1 = snap && left <= 1 ? 0 : snap && left >= plotWidCss - 1 ? plotWidCss : left;
      mouseTop1 = 0;
    }`,
  updateCursor: `
    cursor.left = mouseLeft1;
    cursor.top = mouseTop1;
    elTrans(vCursor, round(mouseLeft1), 0, plotWidCss, plotHgtCss);
    if (dragging && mouseLeft1 >= 0) {
      const width = abs(mouseLeft1 - mouseLeft0);
      dragX = width >= drag.dist;
      setSelX(dragX ? min(mouseLeft0, mouseLeft1) : 0, dragX ? width : 0);
      setSelY(0, dragX ? plotHgtCss : 0);
    }`,
  mouseUp: `
    dragging = false;
    select.width > 0 && setSelect(select);
    offMouse(mouseup, doc);`,
  mouseLeave: `
    if (dragging && dragX) {
      mouseLeft1 = mouseLeft1 < mouseLeft0 ? 0 : plotWidCss;
      updateCursor();
    }
    elTrans(vCursor, -10, 0, plotWidCss, plotHgtCss);`,
};
/** Switches that its options set too late for a build to see. */
const CONSTANTS: readonly (readonly [string, string])[] = [
  ["const mode = self.mode;", "const mode = 1;"],
  ["const showLegend = legend.show;", "const showLegend = false;"],
  ["if (legend.live) {", "if (false) {"],
  ["if (cursor.dataIdx == null) {", "if (false) {"],
];
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
  let slimmed = `${code.slice(0, place(code, STATICS))}\nexport { uPlot as default };\n`;
  for (const [switched, constant] of CONSTANTS) {
    place(slimmed, switched);
    slimmed = slimmed.replace(switched, constant);
  }
  for (const [name, body] of [...EMPTY.map((name) => [name, ""]), ...Object.entries(BODIES)]) {
    // At the top of the file, or right inside of the chart's own function.
    const found = new RegExp(`\\n(\\t?)function ${name}\\([^)]*\\) {`).exec(slimmed);
    if (found === null) {
      throw new Error(`uPlot's file is not as expected: ${name}() was not found`);
    }
    const start = found.index + found[0].length;
    const end = start + place(slimmed.slice(start), `\n${found[1]}}\n`);
    slimmed = slimmed.slice(0, start) + body + slimmed.slice(end);
  }
  return slimmed;
}

function place(code: string, text: string): number {
  const found = code.indexOf(text);
  if (found < 0) {
    throw new Error(`uPlot's file is not as expected: ${JSON.stringify(text)} was not found`);
  }
  return found;
}
