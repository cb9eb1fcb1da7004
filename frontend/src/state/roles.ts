// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Which tags a person chose for which losses: in the page's address, which can
 * be shared and goes first, and in the browser, for each log directory.
 */
import { signal } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";

import { rolesText } from "../api/address";
import { decodeRoles } from "../api/decode";
import type { GivenRoles } from "../api/types";
import { readAddress, writeAddress } from "./host";
import type { Storage } from "./settings";

export interface Roles {
  readonly given: ReadonlySignal<GivenRoles>;
  /** Keeps what a person chose. */
  choose(given: GivenRoles): void;
  /** Takes over what was chosen for this log directory; returns whether that is anything new. */
  open(logdir: string): boolean;
  /** Takes over what the address says now; returns whether that is anything new. */
  follow(): boolean;
}

const NAME = "roles";

/** @param storage `null` where the browser keeps nothing. */
export function createRoles(page: Window, storage: Storage | null): Roles {
  const said = (): string => readAddress(page).get(NAME) ?? "";
  const given = signal(decodeRoles(said()));
  let key: string | null = null;

  function replace(next: GivenRoles): boolean {
    const isNew = rolesText(next) !== rolesText(given.value);
    if (isNew) {
      given.value = next;
    }
    return isNew;
  }
  return {
    given,
    choose(next) {
      const text = rolesText(next);
      replace(next);
      writeAddress(page, NAME, text);
      try {
        if (key !== null) {
          storage?.setItem(key, text);
        }
      } catch {
        // Full or forbidden: the address keeps it.
      }
    },
    open(logdir) {
      const first = key === null;
      key = `regloss.${NAME} ${logdir}`;
      if (!first || rolesText(given.value) !== "") {
        return false;
      }
      let kept = "";
      try {
        kept = storage?.getItem(key) ?? "";
      } catch {
        // Forbidden.
      }
      const isNew = replace(decodeRoles(kept));
      if (isNew) {
        writeAddress(page, NAME, rolesText(given.value));
      }
      return isNew;
    },
    // An address without roles is TensorBoard's own, of another tab.
    follow: () => said() !== "" && replace(decodeRoles(said())),
  };
}
