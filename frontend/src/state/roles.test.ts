// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";

import { fakePage, fakeStorage } from "../../dev/fake_page";
import { createRoles } from "./roles";

const GIVEN = {
  all: { data_loss: ["my/ce & co=1", "\u8bd5"] },
  runs: { "a b": { total_loss: [] } },
};

it("chosen tags stand in the address, beside what TensorBoard has there", () => {
  const page = fakePage("#timeseries&tagFilter=x&p.regloss.run=a%20b");
  createRoles(page, null).choose(GIVEN);
  const { hash } = page.parent.location;
  expect(hash).toMatch(
    /^#timeseries&tagFilter=x&p\.regloss\.run=a%20b&p\.regloss\.roles=[^&=#+ ]+$/,
  );
  expect(createRoles(page, null).given.value).toEqual(GIVEN);
});

it("an address without a tab gets ours", () => {
  const page = fakePage("");
  createRoles(page, null).choose(GIVEN);
  expect(page.parent.location.hash).toMatch(/^#regloss&p\.regloss\.roles=/);
});

it("they are kept for one log directory, and stand in the next address", () => {
  const storage = fakeStorage();
  const first = createRoles(fakePage("#regloss"), storage);
  first.open("logs");
  first.choose(GIVEN);
  const page = fakePage("#regloss");
  const second = createRoles(page, storage);
  expect(second.open("logs")).toBe(true);
  expect(second.given.value).toEqual(GIVEN);
  expect(page.parent.location.hash).toContain("p.regloss.roles=");
  expect(createRoles(fakePage("#regloss"), storage).open("other")).toBe(false);
});

it("the address goes before what the browser kept", () => {
  const storage = fakeStorage();
  const mine = createRoles(fakePage(""), storage);
  mine.open("logs");
  mine.choose(GIVEN);
  const shared = { all: { data_loss: ["theirs"] }, runs: {} };
  const page = fakePage(`#regloss&p.regloss.roles=${encodeURIComponent(JSON.stringify(shared))}`);
  const roles = createRoles(page, storage);
  expect(roles.open("logs")).toBe(false);
  expect(roles.given.value).toEqual(shared);
});

it("nothing is left of what was reset", () => {
  const storage = fakeStorage();
  const page = fakePage("#regloss");
  const roles = createRoles(page, storage);
  roles.open("logs");
  roles.choose(GIVEN);
  roles.choose({ all: {}, runs: { "a b": {} } });
  expect(page.parent.location.hash).toBe("#regloss");
  expect(createRoles(fakePage("#regloss"), storage).open("logs")).toBe(false);
});

it("another address in the open page is followed, one without tags is not", () => {
  const page = fakePage("#regloss");
  const roles = createRoles(page, null);
  createRoles(page, null).choose(GIVEN);
  expect(roles.follow()).toBe(true);
  expect(roles.follow()).toBe(false);
  page.parent.location.hash = "#scalars";
  expect(roles.follow()).toBe(false);
  expect(roles.given.value).toEqual(GIVEN);
});

it.each([
  ["%", {}],
  ["not JSON", {}],
  ["[1]", {}],
  ['{"all": 7, "runs": []}', {}],
  ['{"all": {"data_loss": "x", "role": ["y"], "total_loss": [1]}}', {}],
  [
    '{"all": {"data_loss": ["x"], "optimized_loss": ["x", "y"], "total_loss": ["z"]}}',
    { data_loss: ["x"], total_loss: ["z"] },
  ],
])("of an address %s only what makes sense is taken", (text, all) => {
  const page = fakePage(`#regloss&p.regloss.roles=${encodeURIComponent(text)}`);
  expect(createRoles(page, null).given.value).toEqual({ all, runs: {} });
});
