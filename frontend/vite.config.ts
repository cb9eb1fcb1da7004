// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from "vite";

import { slimUplot } from "./tools/slim_uplot.ts";
import { fixtureServer } from "./dev/fixture_server.ts";

/**
 * One ES module, `index.js`, that exports `render()`: TensorBoard imports
 * exactly that. Styles are injected by it (TensorBoard's page has no place for
 * a stylesheet of ours).
 */
export default defineConfig({
  // Every address is relative: TensorBoard may run under a path prefix or proxy.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../tb_regloss/backend/static",
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
    reportCompressedSize: false,
    modulePreload: false,
    // Not Vite's library mode: that leaves ES modules unminified.
    rolldownOptions: {
      input: "src/main.tsx",
      preserveEntrySignatures: "strict",
      output: { format: "es", entryFileNames: "index.js" },
    },
  },
  plugins: [slimUplot(), fixtureServer()],
});
