# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Whether everybody can read and name what a page shows."""

from __future__ import annotations

import json

from playwright.sync_api import Page


def nameless(page: Page) -> list[str]:
    """Controls that a screen reader could not name."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("button, input, a[href]")].filter((e) => {
          const labels = e.labels ? [...e.labels].map((label) => label.innerText).join("") : "";
          return !(e.getAttribute("aria-label") || labels || e.innerText || e.title).trim();
        }).map((e) => e.outerHTML.slice(0, 200))"""
    )
    return found


def faint(page: Page) -> list[str]:
    """Texts whose contrast to their ground is below WCAG's AA (4.5)."""
    found: list[object] = page.evaluate(
        """() => {
          const parse = (css) => (css.match(/[\\d.]+/g) ?? []).map(Number);
          const light = (rgb) => {
            const [r, g, b] = rgb.map((value) => {
              const part = value / 255;
              return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const groundOf = (element) => {
            for (let e = element; e; e = e.parentElement) {
              const [r, g, b, a = 1] = parse(getComputedStyle(e).backgroundColor);
              if (a > 0.99) return [r, g, b];
            }
            return [255, 255, 255];
          };
          const faint = [];
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const element = walker.currentNode.parentElement;
            const text = walker.currentNode.data.trim();
            if (!text || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
            if (element.closest(":disabled") || !element.checkVisibility()) continue;
            const a = light(parse(getComputedStyle(element).color).slice(0, 3));
            const b = light(groundOf(element));
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < 4.5) faint.push([text.slice(0, 60), ratio]);
          }
          return faint;
        }"""
    )
    return [json.dumps(item) for item in found]
