"""Settings name fields of the specification, say what they rest on, and make a specification."""

from __future__ import annotations

import json

import numpy as np
import pytest

from studylib.analysis import AtTarget
from studylib.errors import StudyError
from studylib.findings import settings_at_target
from studylib.frozen import validated
from studylib.result import not_asked_again
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


def test_each_training_takes_its_own():
    tuned = measured("optimizer.learning_rate", 1e-4).replace(phase="fine-tuning")
    both = [measured("optimizer.learning_rate", 1e-3), tuned]
    assert apply(both, TRIAL).optimizer.learning_rate == 1e-3
    assert apply(both, TRIAL, phase="fine-tuning").optimizer.learning_rate == 1e-4
    assert apply(both, TRIAL, phase="preferences") == TRIAL


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


def carried(target: dict[str, float], noise: float = 0.01) -> AtTarget:
    """Draws at the target, percent of the loss, about known means."""
    generator = np.random.default_rng(0)
    samples = np.array(list(target.values())) + noise * generator.standard_normal((4000, len(target)))
    everyone = AtTarget(
        target_params=1e10, sizes={"1M": 1e6, "4M": 4e6}, reference="baseline", leader="", p_best=dict.fromkeys(target, 0.0),
        regret=0.0, rivals=(), decided=False, effects=(), samples=samples, memory=np.ones(4000),
    )  # fmt: skip
    return everyone.among(list(target))


GROUPS = {
    "activation": {"activation: relu2": {"activation": "relu2"}, "activation: gelu": {"activation": "gelu"}},
    "norm": {"norm: layernorm": {"norm": "layernorm"}},
    "experts": {"experts: 8": {"moe": {"experts": 8, "shared_experts": 1}}},
    "pattern": {"pattern: window": {"attention_pattern": "sliding_window", "window": 8}},
}


def test_the_best_of_each_group_becomes_a_setting_for_each_field():
    at = carried({"baseline": 0.0, "activation: relu2": -1.0, "activation: gelu": -0.99, "norm: layernorm": 0.5,
                  "experts: 8": -0.7, "pattern: window": 0.8})  # fmt: skip
    found = {one.field: one for one in settings_at_target(at, GROUPS, TRIAL.model, "baseline")}
    relu2 = found["model.activation"]
    assert relu2.value == "relu2" and relu2.alternatives == ("gelu",) and 0.5 < relu2.p_best < 0.9 and not relu2.decided
    assert (
        found["model.norm"].value == "rmsnorm"
        and found["model.norm"].decided
        and found["model.norm"].alternatives == ()
    )
    assert (found["model.moe.experts"].value, found["model.moe.shared_experts"].value) == (8, 1)
    assert found["model.attention_pattern"].value == "dense" and "model.window" not in found
    built = apply([one for one in found.values() if "moe" not in one.field], TRIAL).model
    assert (built.activation, built.norm, built.attention_pattern) == ("relu2", "rmsnorm", "dense")


def test_a_group_that_was_not_carried_makes_no_setting():
    assert settings_at_target(carried({"baseline": 0.0, "other": 1.0}), GROUPS, TRIAL.model, "baseline") == ()
    with pytest.raises(StudyError, match="none of those carried"):
        carried({"baseline": 0.0, "other": 1.0}).among(["nobody"])


def test_a_run_may_keep_the_settings_of_what_it_leaves_out(tmp_path):
    earlier = [
        measured("model.activation", "silu"),
        measured("model.norm", "rmsnorm", choice="norm"),
        measured("model.qk_norm", True, choice="norm"),
    ]
    content = {"settings": [one.model_dump(mode="json") for one in earlier]}
    (tmp_path / "result.previous.json").write_text(json.dumps(content))
    anew = [measured("model.norm", "layernorm", choice="norm")]
    assert not_asked_again(tmp_path, anew) == (earlier[0],), "a choice that was asked again is as it is found now"
    assert not_asked_again(tmp_path, []) == tuple(earlier) and not_asked_again(tmp_path / "none", anew) == ()
