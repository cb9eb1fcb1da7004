# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A declaration whose multipliers are filled in later is the declaration with them."""

from __future__ import annotations

import json

from tb_regloss import metadata
from tb_regloss.analysis import facts

DECLARATION = facts.Declaration(
    regularization_losses=tuple(facts.DeclaredLoss(f"loss {i}", f"t{i}:0") for i in range(1200)),
    data_losses=(facts.DeclaredLoss("data", multiplier=1.0),),
)


def test_gaps_are_those_of_the_regularization_losses():
    pieces = metadata.encode_declaration_around_multipliers(DECLARATION)
    values = [None if i % 7 == 0 else i / 3 for i in range(1200)]
    text = b"".join(
        piece + number
        for piece, number in zip(
            pieces, [*(json.dumps(v).encode() for v in values), b""], strict=True
        )
    )
    decoded = metadata.decode_declaration(text)
    assert decoded == metadata.with_multipliers(DECLARATION, values)
    assert [loss.multiplier for loss in decoded.regularization_losses] == values


def test_what_is_not_finite_is_not_known():
    values = [float("nan"), float("inf"), *[1.0] * 1198]
    losses = metadata.with_multipliers(DECLARATION, values).regularization_losses
    assert [loss.multiplier for loss in losses[:3]] == [None, None, 1.0]


def test_tensor_of_the_same_name_stands_there_once():
    named = facts.Declaration(
        regularization_losses=(
            facts.DeclaredLoss("a/b:0", "a/b:0"),
            facts.DeclaredLoss("a", "b:0"),
            facts.DeclaredLoss("c"),
        )
    )
    encoded = metadata.encode_declaration(named)
    assert encoded.count(b"a/b:0") == 1
    assert metadata.decode_declaration(encoded) == named
