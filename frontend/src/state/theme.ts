// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** TensorBoard's look: its dark mode and its font, taken over from the page around the iframe. */
import { signal } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";

/**
 * Whether TensorBoard shows itself dark. It tells an iframe nothing, but its
 * body carries the class `dark-mode`, and the iframe is of the same origin.
 */
export function followDarkMode(page: Window): ReadonlySignal<boolean> {
  const body = parentDocument(page)?.body;
  if (body) {
    const read = (): boolean => body.classList.contains("dark-mode");
    const dark = signal(read());
    new MutationObserver(() => {
      dark.value = read();
    }).observe(body, { attributes: true, attributeFilter: ["class"] });
    return dark;
  }
  const query = page.matchMedia("(prefers-color-scheme: dark)");
  const dark = signal(query.matches);
  query.addEventListener("change", () => {
    dark.value = query.matches;
  });
  return dark;
}

/** TensorBoard's own `@font-face` rules of Roboto, with addresses that hold in this document. */
export function hostFontRules(page: Window): string {
  const host = parentDocument(page);
  if (host === null) {
    return "";
  }
  const rules: string[] = [];
  for (const sheet of host.styleSheets) {
    try {
      for (const rule of sheet.cssRules) {
        if (rule.cssText.startsWith("@font-face") && rule.cssText.includes("Roboto")) {
          rules.push(absolute(rule.cssText, sheet.href ?? host.baseURI));
        }
      }
    } catch {
      // A sheet of another origin does not show its rules.
    }
  }
  return rules.join("\n");
}

function absolute(css: string, base: string): string {
  return css.replace(
    /url\((["']?)([^"')]+)\1\)/g,
    (_match, _quote, url: string) => `url("${new URL(url, base).href}")`,
  );
}

function parentDocument(page: Window): Document | null {
  try {
    return page.parent === page ? null : page.parent.document;
  } catch {
    return null;
  }
}
