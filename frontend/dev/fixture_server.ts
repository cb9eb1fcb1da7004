// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Development only: answers the backend's routes with made-up runs, so that
 * the panel can be worked on without TensorBoard. Nothing of it is built in.
 */
import type { IncomingMessage, ServerResponse } from "node:http";

import type { Plugin } from "vite";

import { makeRuns } from "./fixtures.ts";

export function fixtureServer(): Plugin {
  return {
    name: "regloss-fixtures",
    apply: "serve",
    configureServer(server) {
      const runs = makeRuns(Number(process.env["REGLOSS_RUNS"] ?? 0));
      server.middlewares.use((request, response, next) => {
        const url = new URL(request.url ?? "/", "http://localhost");
        const run = url.searchParams.get("run") ?? "";
        switch (url.pathname) {
          case "/runs":
            return send(response, 200, {
              version: 1,
              runs: [...runs.values()].map((item) => item.row),
              problems: [],
            });
          case "/verdict": {
            const verdict = runs.get(run)?.verdict;
            return verdict
              ? send(response, 200, verdict)
              : send(response, 404, { error: { code: "not_found", message: `No run "${run}".` } });
          }
          case "/tags":
            return send(response, 200, { version: 1, run, tags: ["loss", "ce", "wd", "lr"] });
          case "/regularization_losses":
            return send(response, 200, runs.get(run)?.matrix ?? {});
          case "/losses":
            void body(request).then((text) => {
              const { runs: wanted } = JSON.parse(text) as { runs: string[] };
              const found = wanted.filter((name) => runs.has(name));
              send(response, 200, {
                version: 1,
                runs: Object.fromEntries(found.map((name) => [name, runs.get(name)?.losses])),
                not_found: wanted.filter((name) => !runs.has(name)),
              });
            });
            return;
          default:
            next();
        }
      });
    },
  };
}

async function body(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.statusCode = status;
  response.setHeader("Content-Type", "application/json");
  response.end(
    JSON.stringify(value, (_key, item: unknown) =>
      typeof item === "number" && !Number.isFinite(item) ? String(item) : item,
    ),
  );
}
