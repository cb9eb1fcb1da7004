// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** Where a run's numbers can be downloaded; relative, like every address of ours. */
export function exportUrl(run: string, format: "csv" | "json"): string {
  return `export?run=${encodeURIComponent(run)}&format=${format}`;
}
