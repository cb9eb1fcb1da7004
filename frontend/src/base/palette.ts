// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0

/** A run's color in both themes. */
export interface RunColor {
  readonly light: string;
  readonly dark: string;
}

// The palette of TensorBoard's own dashboards, so that a run has one color in
// all tabs: settings.colorPalette in its webapp.
const PALETTE: readonly RunColor[] = [
  { light: "#425066", dark: "#8e98a3" },
  { light: "#12b5cb", dark: "#12b5cb" },
  { light: "#e52592", dark: "#e52592" },
  { light: "#f9ab00", dark: "#f9ab00" },
  { light: "#9334e6", dark: "#9334e6" },
  { light: "#7cb342", dark: "#7cb342" },
  { light: "#e8710a", dark: "#e8710a" },
];

/**
 * Colors by run as TensorBoard gives them: by the run's place in its own list.
 *
 * @param listed the runs in TensorBoard's order.
 * @param others runs that TensorBoard does not list; they come after.
 */
export function assignColors(
  listed: readonly string[],
  others: readonly string[],
): ReadonlyMap<string, RunColor> {
  const colors = new Map<string, RunColor>();
  for (const run of [...listed, ...others]) {
    if (!colors.has(run)) {
      colors.set(run, PALETTE[colors.size % PALETTE.length] as RunColor);
    }
  }
  return colors;
}
