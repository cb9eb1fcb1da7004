// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** The panel's entry: TensorBoard imports this module into an iframe and calls `render()`. */
import { effect } from "@preact/signals";
import { render as renderInto } from "preact";

import { createClient } from "./api/client";
import { onAddress, onHostReload, readAddress } from "./state/host";
import { createLoader } from "./state/loader";
import type { Clock } from "./state/loader";
import { createRoles } from "./state/roles";
import { applyAddress, browserStorage, createSettings } from "./state/settings";
import { createStore } from "./state/store";
import { followDarkMode, hostFontRules } from "./state/theme";
import { App } from "./view/app";
import { PanelContext } from "./view/context";
import { styles } from "./view/styles";

const clock: Clock = {
  after(milliseconds, action) {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  },
  // TensorBoard hides the iframes of other tabs: they have no size then.
  visible: () => document.visibilityState === "visible" && window.innerWidth > 0,
};

export function render(): void {
  document.documentElement.lang = "en";
  document.title = "RegLoss";
  const style = document.createElement("style");
  style.textContent = `${hostFontRules(window)}\n${styles}`;
  document.head.append(style);

  const settings = createSettings(browserStorage());
  const roles = createRoles(window, browserStorage());
  const store = createStore(settings, roles);
  const loader = createLoader(
    store,
    createClient(
      (url, init) => fetch(url, init),
      () => roles.given.value,
    ),
    clock,
  );
  const dark = followDarkMode(window);
  effect(() => {
    document.documentElement.style.colorScheme = dark.value ? "dark" : "light";
  });
  const address = readAddress(window);
  applyAddress(settings, address);
  loader.prefer(address.get("run") ?? null);
  onHostReload(window, () => loader.reload());
  onAddress(window, () => roles.follow() && loader.reload());

  const root = document.createElement("div");
  root.id = "regloss";
  document.body.append(root);
  renderInto(
    <PanelContext.Provider value={{ store, loader, dark }}>
      <App />
    </PanelContext.Provider>,
    root,
  );
  loader.start();
}
