"""Families of shapes: equal in size, different in aspect."""

from __future__ import annotations

import pytest

from studylib.errors import StudyError
from studylib.model.cost import parameter_count
from studylib.model.family import FFN_RANGE, aspect_ratio, shapes_of_size
from studylib.spec import ModelSpec

BASE = ModelSpec(num_layers=1, hidden_size=16, num_heads=1, vocab_size=1024, seq_len=64)
ASPECTS = [2, 4, 8, 16, 32, 64, 128]


@pytest.mark.parametrize("size", [60_000, 1_000_000, 30_000_000, 1_000_000_000])
def test_sizes_agree_within_three_percent(size):
    family = shapes_of_size(size, ASPECTS, head_dim=16 if size < 10**7 else 64, base=BASE)
    assert len(family) >= 3
    for shape in family:
        assert parameter_count(shape).non_embedding == pytest.approx(size, rel=0.03)
        assert FFN_RANGE[0] <= shape.ffn_size / shape.hidden_size <= FFN_RANGE[1]
        assert shape.vocab_size == 1024


def test_shapes_spread_over_the_aspects_asked_for():
    family = shapes_of_size(1_000_000, ASPECTS, head_dim=16, base=BASE)
    aspects = [aspect_ratio(shape) for shape in family]
    assert aspects == sorted(aspects)
    assert len(set(aspects)) == len(aspects)
    assert aspects[0] < 4
    assert aspects[-1] > 64


def test_a_size_too_small_for_the_heads_is_an_error():
    with pytest.raises(StudyError, match="budgets: 500 is too small for any shape with head_dim 64"):
        shapes_of_size(500, ASPECTS, head_dim=64, base=BASE)
