// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";

import { createClient } from "./client";
import type { Fetch } from "./client";
import type { GivenRoles } from "./types";

const nothing = (): GivenRoles => ({ all: {}, runs: {} });

interface Asked {
  readonly fetch: Fetch;
  readonly asked: string[];
  readonly bodies: unknown[];
}

function answering(status: number, body: string): Asked {
  const asked: string[] = [];
  const bodies: unknown[] = [];
  return {
    asked,
    bodies,
    fetch: (url, init) => {
      asked.push(url);
      bodies.push(init?.body);
      return Promise.resolve(new Response(body, { status, statusText: "Oops" }));
    },
  };
}

it("asks by relative addresses, so that a path prefix holds", async () => {
  const { fetch, asked } = answering(200, "{}");
  const client = createClient(fetch, nothing);
  await client.runs();
  await client.tensorBoardRuns();
  await client.verdict("a/b?c&d=\u00e9 <x>");
  await client.losses(["a"]);
  await client.regularizationLosses("a");
  await client.tags("a");
  expect(asked).toEqual([
    "runs",
    "../../runs",
    "verdict?run=a%2Fb%3Fc%26d%3D%C3%A9%20%3Cx%3E",
    "losses",
    "regularization_losses?run=a",
    "tags?run=a",
  ]);
});

it("tells every route that needs it which tags were chosen", async () => {
  let given = nothing();
  const { fetch, asked, bodies } = answering(200, "{}");
  const client = createClient(fetch, () => given);
  given = { all: { data_loss: ["my/ce?&#", 'quo"te'] }, runs: { empty: {} } };
  await client.runs();
  await client.verdict("a");
  await client.losses(["a"]);
  const roles = JSON.stringify({ all: given.all, runs: {} });
  expect(asked.map((url) => new URLSearchParams(url.split("?")[1]).get("roles"))).toEqual([
    roles,
    roles,
    null,
  ]);
  expect(JSON.parse(String(bodies[2]))).toEqual({ runs: ["a"], roles: given });
});

it("gives the same value again while the answer is the same", async () => {
  const client = createClient(answering(200, '{"runs": []}').fetch, nothing);
  const [first, second] = [await client.runs(), await client.runs()];
  expect(first.ok && second.ok && first.value === second.value).toBe(true);
});

it("hands on what the backend says of an error", async () => {
  const body = '{"error": {"code": "not_found", "message": "There is no run \\"a\\"."}}';
  const answer = await createClient(answering(404, body).fetch, nothing).verdict("a");
  expect(answer).toEqual({ ok: false, message: 'There is no run "a".', code: "not_found" });
});

it("speaks of the status where an error says nothing", async () => {
  const answer = await createClient(answering(502, "<html>").fetch, nothing).runs();
  expect(!answer.ok && answer.message).toContain("502");
});

it("survives what is no JSON, and a TensorBoard that is gone", async () => {
  const odd = await createClient(answering(200, "<html>").fetch, nothing).verdict("a");
  expect(!odd.ok && odd.message).toContain("no JSON");
  const gone = await createClient(() => Promise.reject(new TypeError("failed")), nothing).runs();
  expect(!gone.ok && gone.message).toContain("Is it still running?");
});
