"""A model's cost by parts is its cost."""

from __future__ import annotations

import pytest
from every_choice import BASE, each

from studylib.model.cost import flops_per_token, parameter_count
from studylib.model.parts import parts_of


@each
def test_parts_add_up_and_none_is_negative(model):
    parts = parts_of(model)
    assert sum(part.parameters for part in parts) == parameter_count(model).total
    assert sum(part.flops for part in parts) == pytest.approx(flops_per_token(model))
    assert min(part.parameters for part in parts) >= 0 and min(part.flops for part in parts) >= 0


def test_experts_count_whole_but_compute_in_part():
    (dense,), (sparse,) = (
        [part for part in parts_of(model) if part.name == "feed-forward"]
        for model in (BASE, BASE.replace(moe={"experts": 8, "experts_per_token": 1}))
    )
    assert sparse.parameters > 2 * dense.parameters
    assert sparse.flops < 6 * sparse.parameters / 2


def test_tied_embeddings_are_counted_once_and_multiplied_by():
    parts = {part.name: part for part in parts_of(BASE.replace(tied_embeddings=True))}
    table = BASE.vocab_size * BASE.hidden_size
    assert (parts["embeddings"].parameters, parts["output head"].parameters) == (table, 0)
    assert parts["output head"].flops == 6 * table
