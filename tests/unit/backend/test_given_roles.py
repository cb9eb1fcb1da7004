# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What a user says of the tags: its form, and for which runs it holds."""

from __future__ import annotations

import json
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from tb_regloss import errors
from tb_regloss.analysis.facts import ROLES
from tb_regloss.backend import given_roles
from tb_regloss.backend.conventions import find_roles
from tb_regloss.backend.given_roles import GivenRoles, RunRoles


def given(**parts: Any) -> GivenRoles:
    return given_roles.parse(json.dumps(parts))


def test_what_is_said_of_all_runs_holds_where_they_log_the_tag() -> None:
    said = given(all={"data_loss": ["ce", "aux"], "total_loss": []}).of("any")
    assert said.among({"ce", "x"}) == {"data_loss": ("ce", "aux"), "total_loss": ()}
    assert said.among({"x"}) == {"total_loss": ()}


def test_what_is_said_of_a_run_goes_first() -> None:
    said = given(
        all={"data_loss": ["ce"], "optimized_loss": ["loss"], "total_loss": ["t"]},
        runs={"train": {"data_loss": ["nll"], "regularization_sum": ["loss"]}},
    )
    tags = {"ce", "nll", "loss", "t"}
    assert said.of("train").among(tags) == {
        "data_loss": ("nll",),
        "regularization_sum": ("loss",),
        "total_loss": ("t",),
    }
    assert said.of("other").among(tags)["data_loss"] == ("ce",)


def test_a_tag_of_the_run_itself_that_vanished_is_not_forgotten() -> None:
    said = given(runs={"train": {"data_loss": ["gone"]}}).of("train")
    assert said.among({"ce"}) == {"data_loss": ("gone",)}


def test_equal_words_are_equal_keys_whatever_their_order() -> None:
    one = given(all={"data_loss": ["a", "a"], "total_loss": ["b"]})
    two = given(all={"total_loss": ["b"], "data_loss": ["a"]}, runs={})
    assert one == two
    assert hash(one.of("x")) == hash(two.of("y"))
    assert given().of("x") == RunRoles()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The roles are no JSON; expected {"),
        ("[" * 100_000, "The roles are no JSON"),
        ("[]", "The roles are no JSON object"),
        ('{"train": {}}', 'The roles hold "train"; expected {'),
        ('{"all": []}', "The roles of all runs are no JSON object"),
        ('{"all": {"loss": ["a"]}}', 'The roles of all runs hold "loss"; expected {'),
        ('{"all": {"data_loss": "a"}}', 'The tags of "data_loss" (all runs) are no list of tags'),
        ('{"runs": {"r": {"data_loss": [1]}}}', 'The tags of "data_loss" (the run "r") are no'),
        ('{"runs": 7}', 'The "runs" of the roles are no JSON object'),
        (
            '{"all": {"data_loss": ["a"], "optimized_loss": ["b", "a"]}}',
            'The tag "a" was given as data loss and as optimized loss (all runs); one tag stands',
        ),
    ],
)
def test_anything_else_is_refused_and_says_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        given_roles.parse(text)
    assert str(caught.value).startswith(message)
    assert "one tag stands for one loss" in str(caught.value)


_TAGS = strategies.sampled_from(["loss", "loss_1", "total_loss", "ce_loss", "reg_loss", "\ud800"])
_SAID = strategies.dictionaries(
    strategies.sampled_from(ROLES), strategies.lists(_TAGS, max_size=2), max_size=4
)


@hypothesis.given(strategies.lists(_TAGS), _SAID, _SAID)
def test_whatever_is_said_one_tag_stands_for_one_loss(
    tags: list[str], shared: dict[str, list[str]], own: dict[str, list[str]]
) -> None:
    try:
        said = given_roles.from_json({"all": shared, "runs": {"run": own}}).of("run")
    except errors.UsageError:
        hypothesis.reject()
    told = said.among(tags)
    roles = find_roles(tags, told)
    chosen = [tag for found in roles.by_role().values() for tag in found]
    assert len(chosen) == len(set(chosen))
    assert set(chosen) <= set(tags)
    for role, found in roles.sources().items():
        assert (found.source == "given") == (role in told)
        if role in told and set(told[role]) <= set(tags):
            assert found.tags == told[role]
