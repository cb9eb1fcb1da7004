// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** For tests: as much of TensorBoard's page, and of the browser's storage, as the panel keeps things in. */
import { createRoles } from "../src/state/roles.ts";
import type { Roles } from "../src/state/roles.ts";
import type { Storage } from "../src/state/settings.ts";

/** A page with this address, `#...`, around the panel. */
export function fakePage(hash: string): Window {
  const location = { hash, pathname: "/", search: "" };
  const history = {
    state: null,
    replaceState: (_state: unknown, _title: string, url: string) => {
      location.hash = url.slice(url.indexOf("#"));
    },
  };
  return { parent: { location, history } } as unknown as Window;
}

export function fakeStorage(): Storage {
  const kept = new Map<string, string>();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
  };
}

/** No tags were chosen, and none are kept. */
export function noRoles(): Roles {
  return createRoles(fakePage(""), null);
}
