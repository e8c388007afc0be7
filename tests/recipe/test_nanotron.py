"""The run as nanotron's own trainer is told it: both schemas, read by nanotron's classes, and what they cannot say."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

import studylib.choices
from studylib.errors import StudyError
from studylib.recipe.nanotron import NORM_EPS, ROPE_THETA, head_yaml, not_expressible, registry_yaml
from studylib.recipe.nanotron_check import check_head_keys, judged, nanotron_check, read_by_nanotron
from studylib.spec import TrialSpec

TRIAL = TrialSpec(
    model={
        "num_layers": 44, "hidden_size": 4096, "num_heads": 32, "num_kv_heads": 8, "intermediate_size": 13_824, "vocab_size": 99_584,
        "seq_len": 4096, "init": "gpt2",
    },
    data={"sources": [{"name": "ja", "weight": 0.6}, {"name": "en", "weight": 0.4}], "tokenizer": {"vocab_size": 99_584}},
    optimizer={"learning_rate": 4e-4},
    schedule={"name": "wsd", "warmup_steps": 2000, "decay_fraction": 0.2},
    stages=[{"name": "web", "fraction": 0.9}, {"name": "annealing", "fraction": 0.1, "mixture": {"ja": 0.5, "en": 0.5}}],
    parallel={"tp": 8, "pp": 4, "dp": 4, "zero_stage": 1, "micro_batch_size": 2},
    global_batch_size=1024, train_steps=50_000, checkpoint_every=500,
)  # fmt: skip


def written(tmp_path: Path, name: str, text: str) -> Path:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / name


def test_nanotron_reads_its_configuration_and_a_mistyped_key_is_found(tmp_path):
    """A key of the model that nanotron does not know makes it a plain mapping, and nanotron says nothing."""
    good = registry_yaml(TRIAL)
    files = [
        written(tmp_path, "good.yaml", good),
        written(tmp_path, "mistyped.yaml", good.replace("rms_norm_eps", "rms_norm_epsilon")),
        written(tmp_path, "head.yaml", head_yaml(TRIAL)),
    ]
    right, mistyped, other = read_by_nanotron(files)
    found = judged(files[0], right)
    assert (found.model, found.version, found.batch) == ("LlamaConfig", "0.4", 1024) and found.keys > 60
    with pytest.raises(StudyError, match=r"mistyped.yaml: model.model_config: 'a model' became 'a mapping"):
        judged(files[1], mistyped)
    with pytest.raises(StudyError, match=r"head.yaml: nanotron 0.4 refuses it: .*data_stages"):
        judged(files[2], other)


def test_a_value_that_nanotron_changes_is_an_error():
    said = {
        "version": "0.4",
        "model": "LlamaConfig",
        "keys": 2,
        "batch": 8,
        "changed": [["optimizer.zero_stage", 9, 1]],
    }
    with pytest.raises(StudyError, match=r"x.yaml: optimizer.zero_stage: 9 became 1 in nanotron 0.4"):
        judged(Path("x.yaml"), said)


def test_a_folder_that_is_no_checkout_is_refused(tmp_path):
    with pytest.raises(StudyError, match=r"--nanotron-head: .* is no checkout of nanotron"):
        nanotron_check(tmp_path / "x.yaml", tmp_path)


def test_keys_of_the_head_are_held_against_those_it_has(tmp_path):
    check_head_keys(written(tmp_path, "head.yaml", head_yaml(TRIAL)))
    experts = TRIAL.replace(**{"model.moe": {"experts": 8, "experts_per_token": 2}, "model.intermediate_size": None})
    check_head_keys(written(tmp_path, "moe.yaml", head_yaml(experts)))
    with pytest.raises(StudyError, match=r"key 'rope_thetta' in model.model_config: .*did you mean rope_theta"):
        check_head_keys(written(tmp_path, "bad.yaml", head_yaml(TRIAL).replace("rope_theta", "rope_thetta")))
    with pytest.raises(StudyError, match=r"registry.yaml: key .* is not known to nanotron's head"):
        check_head_keys(written(tmp_path, "registry.yaml", registry_yaml(TRIAL)))


def test_both_say_what_the_trial_says():
    registry, head = yaml.safe_load(registry_yaml(TRIAL)), yaml.safe_load(head_yaml(TRIAL))
    for content in (registry, head):
        tokens, layout = content["tokens"], content["parallelism"]
        batch = tokens["micro_batch_size"] * tokens["batch_accumulation_per_replica"] * layout["dp"]
        assert batch * tokens["sequence_length"] * tokens["train_steps"] == TRIAL.train_tokens
        assert (layout["tp"], layout["pp"], layout["dp"], content["optimizer"]["zero_stage"]) == (8, 4, 4, 1)
        model = content["model"]["model_config"]
        assert (model["num_hidden_layers"], model["hidden_size"], model["intermediate_size"]) == (44, 4096, 13_824)
        assert (model["num_attention_heads"], model["num_key_value_heads"], model["hidden_act"]) == (32, 8, "silu")
        rate = content["optimizer"]["learning_rate_scheduler"]
        assert (rate["learning_rate"], rate["lr_warmup_steps"], rate["lr_decay_starting_step"]) == (4e-4, 2000, 40_000)
        assert (rate["lr_decay_steps"], rate["min_decay_lr"]) == (10_000, pytest.approx(4e-5))
    assert registry["optimizer"]["learning_rate_scheduler"]["lr_decay_style"] == "linear"
    assert head["optimizer"]["learning_rate_scheduler"]["lr_decay_style"] == "1-sqrt"
    assert registry["optimizer"]["adam_beta2"] == head["optimizer"]["optimizer_factory"]["adam_beta2"] == 0.95
    stages = [
        (one["name"], one["start_training_step"], one["data"]["dataset"]["dataset_weights"])
        for one in head["data_stages"]
    ]
    assert stages == [("web", 1, [0.6, 0.4]), ("annealing", 45_001, [0.5, 0.5])]


def test_a_cosine_falls_from_the_warm_up_to_the_end_and_a_constant_rate_stays():
    cosine = yaml.safe_load(registry_yaml(TRIAL.replace(schedule={"name": "cosine", "warmup_steps": 2000})))
    rate = cosine["optimizer"]["learning_rate_scheduler"]
    assert (rate["lr_decay_style"], rate["lr_decay_starting_step"], rate["lr_decay_steps"]) == ("cosine", 2000, 48_000)
    constant = yaml.safe_load(registry_yaml(TRIAL.replace(schedule={"name": "constant"})))
    assert constant["optimizer"]["learning_rate_scheduler"]["min_decay_lr"] == 4e-4


def test_windows_and_experts_are_for_the_head_alone():
    window = TRIAL.replace(**{"model.attention_pattern": "sliding_window", "model.window": 512})
    model = yaml.safe_load(head_yaml(window))["model"]["model_config"]
    assert model["is_qwen2_config"] and model["sliding_window_size"] == 512 and "is_llama_config" not in model
    assert any("head" in one.en and "sliding_window" in one.en for one in not_expressible(window))


def test_every_winner_that_nanotron_cannot_express_is_named():
    plain = TRIAL.replace(
        **{
            "stages": (),
            "data.sources": [{"name": "ja"}],
            "optimizer.decay_embeddings": True,
            "schedule.decay_shape": "linear",
        }
    )
    assert not_expressible(plain) == ()
    for field, value in {
        "model.activation": "relu2", "model.norm": "layernorm", "model.position": "alibi", "model.residual": "sandwich",
        "model.mixer": "mamba2", "model.qk_norm": True, "model.init": "completep", "model.dropout": 0.1, "optimizer.name": "lion",
        "schedule.decay_shape": "1-sqrt", "objective.name": "fim", "epochs": 2, "compute.recompute": "layer",
        "optimizer.decay_embeddings": False,
    }.items():  # fmt: skip
        changes = {field: value} | ({"model.vocab_size": 99_840} if field == "objective.name" else {})
        changed = plain.replace(**changes) if field != "optimizer.name" else plain.replace(optimizer={"name": value})
        gaps = not_expressible(changed)
        assert [one for one in gaps if field in one.en and field in one.ja], field
    assert len(not_expressible(TRIAL)) == 3


def test_what_is_fixed_here_is_what_the_choices_have():
    folder = Path(studylib.choices.__file__).parent

    def constant(file: str, name: str) -> float:
        tree = ast.parse((folder / file).read_text(encoding="utf-8"))
        (found,) = [one.value for one in tree.body if isinstance(one, ast.Assign) and one.targets[0].id == name]
        return ast.literal_eval(found)

    assert (constant("norm/_rmsnorm.py", "EPS"), constant("position/_rope.py", "THETA")) == (NORM_EPS, ROPE_THETA)
