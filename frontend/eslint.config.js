// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
import js from "@eslint/js";
import tseslint from "typescript-eslint";

/** Forbids imports, so that the layers of src/ stay what they are. */
const forbid = (patterns, message) => ({
  "no-restricted-imports": [
    "error",
    {
      patterns: [
        { regex: patterns, message },
        ...(message.startsWith("uPlot")
          ? []
          : [{ regex: "^uplot", message: "uPlot is imported by charts/uplot_chart.ts only." }]),
      ],
    },
  ],
});

export default tseslint.config(
  { ignores: ["node_modules", "dist"] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ["eslint.config.js"] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/strict-boolean-expressions": [
        "error",
        { allowNullableBoolean: true, allowNullableObject: true },
      ],
      "no-console": "error",
      eqeqeq: "error",
    },
  },
  {
    files: ["src/base/**"],
    rules: forbid("/(api|state|charts|view)/", "base imports nothing of ours."),
  },
  { files: ["src/api/**"], rules: forbid("/(state|charts|view)/", "api imports base only.") },
  { files: ["src/state/**"], rules: forbid("/(charts|view)/", "state imports api and base only.") },
  { files: ["src/charts/**"], rules: forbid("/(api|state|view)/", "charts import base only.") },
  {
    files: ["src/charts/uplot_chart.ts"],
    rules: forbid("/(api|state|view)/", "uPlot's file imports base and charts only."),
  },
  {
    files: ["src/view/**"],
    rules: {
      ...forbid("/api/client", "Views never fetch; they ask the state."),
      "no-restricted-globals": ["error", "fetch", "XMLHttpRequest"],
    },
  },
  { files: ["eslint.config.js"], ...tseslint.configs.disableTypeChecked },
);
