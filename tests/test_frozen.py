"""What frozen models keep: names, options and answers that follow from them alone."""

from __future__ import annotations

import pickle

import pytest

from studylib.errors import StudyError
from studylib.frozen import Frozen, once
from studylib.spec import ModelSpec, TrialSpec

MODEL = ModelSpec(num_layers=2, hidden_size=32, num_heads=2, vocab_size=8192)


class Pair(Frozen):
    first: int
    second: int


asked = []


@once
def total(pair: Pair, times: int = 1) -> int:
    asked.append((pair, times))
    return (pair.first + pair.second) * times


def test_what_was_answered_once_stays_with_the_model_and_not_with_its_copies():
    asked.clear()
    pair = Pair(first=1, second=2)
    assert [total(pair), total(pair), total(pair, 3), total(pair, 3)] == [3, 3, 9, 9] and len(asked) == 2
    assert total(pair.replace(second=5)) == 6
    assert total(Pair(first=1, second=2)) == 3 and len(asked) == 4
    assert pair == Pair(first=1, second=2) and pair.model_dump() == {"first": 1, "second": 2}
    assert total(pickle.loads(pickle.dumps(pair))) == 3


def test_a_changed_copy_has_a_hash_and_inputs_of_its_own():
    trial = TrialSpec(model=MODEL, train_steps=10)
    known, reads = trial.hash, trial.reads
    other = trial.replace(seed=1, **{"data.validation_fraction": 0.2})
    assert other.hash != known and other.reads != reads
    assert trial.replace(tags={"variant": "x"}).hash == known == TrialSpec.model_validate(trial.model_dump()).hash
    assert pickle.loads(pickle.dumps(trial)).hash == known


def test_a_copy_that_names_another_choice_has_its_options():
    model = MODEL.replace(attention_pattern="sliding_window", window=16)
    assert (model.window, model.replace(window=32).window) == (16, 32)
    back = model.model_dump(exclude_defaults=True)
    assert back["window"] == 16 and ModelSpec.model_validate(back) == model
    with pytest.raises(StudyError, match=r"model\.window"):
        MODEL.replace(window=16)
