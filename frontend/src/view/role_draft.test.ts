// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { ROLES } from "../api/types";
import type { FoundRole, GivenRoles, Role } from "../api/types";
import { firstDraft, roleTagsOf, saidOfAll, saidOfRun, withoutTag, withTag } from "./role_draft";

const NOTHING: GivenRoles = { all: {}, runs: {} };

function found(own: Partial<Record<Role, Partial<FoundRole>>>): readonly FoundRole[] {
  return ROLES.map((role) => ({ role, tags: [], source: "none", candidates: [], ...own[role] }));
}

const ROLES_FOUND = found({
  data_loss: { tags: ["ce"], source: "convention" },
  regularization_sum: { source: "ambiguous", candidates: ["wd", "wd_1"] },
});

describe("what is kept of the form", () => {
  it("is nothing where nothing was changed", () => {
    const draft = firstDraft(ROLES_FOUND, "r", NOTHING);
    expect(roleTagsOf(draft, ROLES_FOUND, "r", NOTHING)).toEqual({});
  });
  it("is what was added", () => {
    const draft = withTag(firstDraft(ROLES_FOUND, "r", NOTHING), "regularization_sum", "wd");
    expect(roleTagsOf(draft, ROLES_FOUND, "r", NOTHING)).toEqual({ regularization_sum: ["wd"] });
  });
  it("is that a loss which was found is none", () => {
    const draft = withoutTag(firstDraft(ROLES_FOUND, "r", NOTHING), "data_loss", "ce");
    expect(roleTagsOf(draft, ROLES_FOUND, "r", NOTHING)).toEqual({ data_loss: [] });
  });
  it("is no choice that was taken out again", () => {
    const given = { all: { data_loss: ["mine"] }, runs: {} };
    const roles = found({ data_loss: { tags: ["mine"], source: "given" } });
    const draft = withoutTag(firstDraft(roles, "r", given), "data_loss", "mine");
    expect(roleTagsOf(draft, roles, "r", given)).toEqual({});
  });
  it("is a choice that was left alone, tags that vanished included", () => {
    const given = { all: { data_loss: ["other"] }, runs: { r: { data_loss: ["gone", "ce"] } } };
    const roles = found({ data_loss: { source: "given" } });
    const draft = firstDraft(roles, "r", given);
    expect(draft.data_loss).toEqual(["gone", "ce"]);
    expect(roleTagsOf(draft, roles, "r", given)).toEqual({ data_loss: ["gone", "ce"] });
    const less = withoutTag(draft, "data_loss", "gone");
    expect(roleTagsOf(less, roles, "r", given)).toEqual({ data_loss: ["ce"] });
  });
});

it("one tag stands for one loss", () => {
  const draft = withTag(firstDraft(ROLES_FOUND, "r", NOTHING), "total_loss", "ce");
  expect(draft.data_loss).toEqual([]);
  expect(draft.total_loss).toEqual(["ce"]);
  expect(withTag(draft, "total_loss", "ce")).toEqual(draft);
});

it("what is said of one run leaves the others alone", () => {
  const given = { all: { data_loss: ["ce"] }, runs: { other: { total_loss: ["t"] } } };
  expect(saidOfRun(given, "r", { data_loss: ["x"] })).toEqual({
    all: given.all,
    runs: { other: { total_loss: ["t"] }, r: { data_loss: ["x"] } },
  });
});

describe("what is said of all runs", () => {
  it("goes before what was said of this one", () => {
    const given = { all: {}, runs: { r: { data_loss: ["x"] }, other: { total_loss: ["t"] } } };
    expect(saidOfAll(given, "r", ROLES_FOUND, { data_loss: ["y"] })).toEqual({
      all: { data_loss: ["y"] },
      runs: { other: { total_loss: ["t"] } },
    });
  });
  it("leaves what holds for other runs only, unless it takes its tag", () => {
    const given = { all: { total_loss: ["theirs"], data_loss: ["old"] }, runs: {} };
    const tags = { optimized_loss: ["x"] };
    expect(saidOfAll(given, "r", ROLES_FOUND, tags).all).toEqual({ ...given.all, ...tags });
    const taking = { optimized_loss: ["theirs"] };
    expect(saidOfAll(given, "r", ROLES_FOUND, taking).all).toEqual({
      data_loss: ["old"],
      ...taking,
    });
  });
});
