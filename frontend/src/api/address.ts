// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** The addresses of the backend; relative to the page's base, `data/plugin/regloss/`. */
import type { GivenRoles } from "./types";

/** A route's address with its arguments. */
export function address(route: string, values: Readonly<Record<string, string>>): string {
  const query = Object.entries(values)
    .filter(([, value]) => value !== "")
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return query.length === 0 ? route : `${route}?${query.join("&")}`;
}

/** Where a run's numbers can be downloaded. */
export function exportUrl(run: string, format: "csv" | "json", given: GivenRoles): string {
  return address("export", { run, format, roles: rolesText(given) });
}

/** What was said, for an address; `""`: nothing. */
export function rolesText({ all, runs }: GivenRoles): string {
  const said = Object.entries(runs).filter(([, tags]) => Object.keys(tags).length > 0);
  return said.length + Object.keys(all).length === 0
    ? ""
    : JSON.stringify({ all, runs: Object.fromEntries(said) });
}
