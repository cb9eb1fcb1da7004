// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { ReadonlySignal } from "@preact/signals";

import type { Loader } from "../state/loader";
import type { Store } from "../state/store";

/** What every view may use. */
export interface Panel {
  readonly store: Store;
  readonly loader: Loader;
  readonly dark: ReadonlySignal<boolean>;
}

export const PanelContext = createContext<Panel | null>(null);

export function usePanel(): Panel {
  const panel = useContext(PanelContext);
  if (panel === null) {
    throw new Error("a view stands outside of the panel");
  }
  return panel;
}
