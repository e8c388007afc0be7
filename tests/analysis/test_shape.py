"""Shapes that can be built and split over accelerators."""

from __future__ import annotations

import pytest

from studylib import StudyError, analysis


def test_llama_13b_is_what_its_own_aspect_gives():
    shape = analysis.buildable_shape(13e9, 128, 32_000)
    assert (shape.num_layers, shape.hidden_size, shape.num_heads) == (40, 5120, 40)
    assert shape.params == pytest.approx(13e9, rel=0.03)


@pytest.mark.parametrize("aspect", [10, 40, 100, 300])
@pytest.mark.parametrize("target", [1e9, 1e10, 7e10])
def test_shapes_can_be_split_and_have_the_size_asked_for(target, aspect):
    shape = analysis.buildable_shape(target, aspect, 100_000)
    assert shape.hidden_size % (128 * 8) == 0
    assert shape.num_heads * 128 == shape.hidden_size
    assert shape.num_layers % 4 == 0
    assert shape.intermediate_size % 8 == 0
    assert shape.params == pytest.approx(target, rel=0.2 if target < 5e9 else 0.05)


def test_impossible_targets_are_refused():
    with pytest.raises(StudyError, match="aspect"):
        analysis.buildable_shape(1e10, -3, 32_000)
