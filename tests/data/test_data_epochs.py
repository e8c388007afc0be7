"""Epochs: the same text again instead of other text, at equal tokens."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from test_data_staged import BATCH, Shards, starts_of, trial

from studylib.data import StagedStream
from studylib.errors import StudyError


@pytest.fixture(scope="module")
def shards() -> Shards:
    random = np.random.default_rng(0)
    return Shards(ja=list(random.integers(5, 200, 60)), en=list(random.integers(5, 200, 50)))


@pytest.mark.parametrize("epochs", [2, 4, 8])
def test_every_window_comes_once_an_epoch_in_another_order(shards, epochs):
    steps = 32
    stream = StagedStream(shards, trial(steps).replace(epochs=epochs))
    found = starts_of(stream, range(steps))
    ja, en = ([one for one in found if (one < 1_000_000) == is_ja] for is_ja in (True, False))
    for starts, share in ((ja, 96), (en, 32)):
        assert len(starts) == share
        assert Counter(Counter(starts).values()) == {epochs: share // epochs}, "windows repeated `epochs` times each"
        parts = [starts[place : place + share // epochs] for place in range(0, share, share // epochs)]
        assert {frozenset(part) for part in parts} == {frozenset(starts)}
        assert len({tuple(part) for part in parts}) >= epochs - 1, "four windows may fall into one order twice"
    assert len(set(found)) == steps * BATCH // epochs


def test_a_repeated_run_begins_as_the_fresh_one_does(shards):
    fresh, repeated = (StagedStream(shards, trial(32).replace(epochs=epochs)) for epochs in (1, 4))
    assert starts_of(fresh, range(8)) == starts_of(repeated, range(8))
    assert starts_of(fresh, range(8, 16)) != starts_of(repeated, range(8, 16))
    assert len(set(starts_of(fresh, range(32)))) == 32 * BATCH


def test_a_batch_is_a_function_of_seed_and_step(shards):
    spec = trial(32).replace(epochs=4)
    forward = StagedStream(shards, spec)
    batches = [forward.batch(step) for step in range(32)]
    backward = StagedStream(shards, spec)
    for step in reversed(range(32)):
        assert (backward.batch(step) == batches[step]).all()
    other = StagedStream(shards, spec.replace(seed=4))
    assert any((other.batch(step) != batches[step]).any() for step in range(32))


def test_epochs_that_do_not_divide_repeat_almost_evenly(shards):
    found = Counter(starts_of(StagedStream(shards, trial(33).replace(epochs=5)), range(33)))
    assert set(found.values()) <= {4, 5} and len(found) <= 33 * BATCH / 5 + 2


def test_stages_repeat_over_the_whole_run(shards):
    spec = trial(
        32,
        {"name": "a", "fraction": 0.5, "mixture": {"ja": 1.0}},
        {"name": "b", "mixture": {"ja": 1.0, "en": 1.0}, "order": "short_first"},
    ).replace(epochs=2)
    stream = StagedStream(shards, spec)
    found = Counter(starts_of(stream, range(32)))
    assert Counter(found.values()) == {2: (64 + 32) // 2 + 32 // 2}
    assert stream.epochs_at(32) == {"ja": 2.0, "en": 2.0}


def test_too_little_text_is_said(shards):
    with pytest.raises(StudyError, match=r"epochs: 'ja' asks for \d+ different sequences of 16 tokens, but there are"):
        StagedStream(shards, trial(1000).replace(epochs=2))
    assert StagedStream(shards, trial(1000)).epochs_at(1000)["ja"] > 2


def test_epochs_are_a_part_of_the_trial(shards):
    assert trial(32).replace(epochs=2).hash != trial(32).hash
    with pytest.raises(StudyError, match="epochs: 0"):
        trial(32).replace(epochs=0)
