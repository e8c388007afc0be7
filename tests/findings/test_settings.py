"""Settings name fields of the specification, say what they rest on, and make a specification."""

from __future__ import annotations

import pytest

from studylib.errors import StudyError
from studylib.frozen import validated
from studylib.spec import ModelSpec, Setting, TrialSpec, apply
from studylib.words import Text

TRIAL = TrialSpec(model=ModelSpec(num_layers=2, hidden_size=64, num_heads=4, vocab_size=5000), train_steps=9)


def measured(field: str, value: object, **more: object) -> Setting:
    return Setting(field=field, value=value, evidence="measured", sizes=("1M",), **{"decided": False} | more)


def test_settings_of_every_part_make_a_trial():
    settings = [
        measured("model.activation", "relu2"), measured("model.num_layers", 8), measured("optimizer.learning_rate", 1e-3),
        measured("optimizer.beta2", 0.99), measured("schedule.name", "wsd"), measured("global_batch_size", 32),
        measured("data.tokenizer.vocab_size", 8192), measured("model.vocab_size", 8192), measured("model.qk_norm", True),
    ]  # fmt: skip
    built = apply(settings, TRIAL)
    assert (built.model.activation, built.model.num_layers, built.model.qk_norm) == ("relu2", 8, True)
    assert (built.optimizer.learning_rate, built.schedule.name, built.global_batch_size) == (1e-3, "wsd", 32)
    assert built.data.tokenizer.vocab_size == built.model.vocab_size == 8192
    assert built.model.hidden_size == TRIAL.model.hidden_size


def test_what_is_not_known_changes_nothing():
    assert apply([measured("model.num_layers", None)], TRIAL) == TRIAL


def test_two_values_of_a_field_are_refused():
    with pytest.raises(StudyError, match=r"model\.num_layers: 4 is also set to 8"):
        apply([measured("model.num_layers", 8), measured("model.num_layers", 4)], TRIAL)
    assert apply([measured("model.num_layers", 8)] * 2, TRIAL).model.num_layers == 8


@pytest.mark.parametrize(
    ("field", "hint"),
    [
        ("model.num_layer", "num_layers"),
        ("modle.num_layers", "model"),
        ("model.norm.kind", ""),
        ("optimizer.betta2", "beta"),
    ],
)
def test_a_field_that_no_specification_has_is_refused(field, hint):
    with pytest.raises(StudyError, match=f"(?s)field '{field}' is not one of.*{hint}"):
        validated(Setting, {"field": field, "value": 1, "evidence": "convention", "decided": False})


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ({"evidence": "measured"}, "sizes"),
        ({"evidence": "published"}, "source"),
        ({"evidence": "convention", "decided": True}, "decided"),
        ({"evidence": "measured", "sizes": ["1M"], "value": None, "decided": True}, "decided"),
    ],
)
def test_a_setting_must_say_what_it_rests_on(content, wrong):
    with pytest.raises(StudyError, match=wrong):
        validated(Setting, {"field": "model.num_layers", "value": 4, "decided": False} | content)


def test_a_value_that_the_specification_does_not_allow_is_refused():
    with pytest.raises(StudyError, match="num_heads"):
        apply([measured("model.num_heads", 7)], TRIAL)


def test_a_setting_survives_json():
    one = measured("model.num_layers", 8, interval=(4, 12), p_best=0.4, basis="flops", source=Text(en="a", ja="ア"))
    assert Setting.model_validate_json(one.model_dump_json()) == one
