"""The pre-training as configurations of nanotron's own trainer, and what those cannot say of it.

Two schemas call themselves 0.4: that of the package on the registry, and that of the repository's head (June 2025), which has stages
of data, a factory of optimizers and recomputation, and renamed nothing. Each is written for itself; ``nanotron_check`` has nanotron's
own classes read them.
"""

from __future__ import annotations

from typing import Any, Literal

import yaml

from studylib.choices.schedule import warmup_steps
from studylib.registry import SCHEDULES
from studylib.spec import TrialSpec
from studylib.words import Text, Words

Schema = Literal["registry", "head"]
FILES: dict[Schema, str] = {"registry": "nanotron-0.4-registry.yaml", "head": "nanotron-0.4-head.yaml"}

NORM_EPS, ROPE_THETA = (
    1e-6,
    10_000.0,
)  # of `studylib.choices` (a test compares); nanotron of the registry has this theta fixed
INIT_STD = 0.02  # and branches' ends over sqrt(2 layers), as nanotron does by itself
_ACTIVATIONS = {"swiglu": "silu", "geglu": "gelu", "reglu": "relu"}  # of nanotron's gated MLP
_DECAYS = {"wsd": "linear", "cosine": "cosine", "linear": "linear"}
_UNDECAYED = [".*token_embedding.*", ".*norm.*"]
_BOS, _EOS, _PAD = 1, 2, 3  # of the tokenizers trained here

_SAYS = Words(
    en="{{ field }}{% if value != '' %} {{ value }}{% endif %}: {{ why }}",
    ja="{{ field }}{% if value != '' %} {{ value }}{% endif %}:{{ why }}",
)


def registry_yaml(trial: TrialSpec) -> str:
    """For nanotron 0.4 as the registry has it."""
    return _dumped(_config(trial, "registry"))


def head_yaml(trial: TrialSpec) -> str:
    """For nanotron as its repository has it."""
    return _dumped(_config(trial, "head"))


def _dumped(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _config(trial: TrialSpec, schema: Schema) -> dict[str, Any]:
    layout, head = trial.parallel, schema == "head"
    return {
        "general": {
            "project": "studylib", "run": "recipe", "seed": trial.seed, "step": None, "consumed_train_samples": None,
            "benchmark_csv_path": None, "ignore_sanity_checks": False,
        },
        "parallelism": {
            "dp": layout.dp, "pp": layout.pp, "tp": layout.tp, "pp_engine": layout.pp_engine, "tp_mode": "REDUCE_SCATTER",
            "tp_linear_async_communication": True, "expert_parallel_size": 1,
        } | ({"recompute_layer": trial.compute.recompute == "layer"} if head else {}),
        "model": {
            "ddp_bucket_cap_mb": 25, "dtype": "bfloat16", "init_method": {"std": INIT_STD}, "make_vocab_size_divisible_by": 1,
            "model_config": _model(trial, head),
        },
        "tokenizer": {"tokenizer_name_or_path": "tokenizer", "tokenizer_revision": None, "tokenizer_max_length": None},
        "checkpoints": {
            "checkpoint_interval": trial.checkpoint_every or trial.train_steps, "checkpoints_path": "checkpoints",
            "checkpoints_path_is_shared_file_system": True, "resume_checkpoint_path": None, "save_initial_state": False,
        },
        "logging": {"iteration_step_info_interval": 1, "log_level": "info", "log_level_replica": "info"},
        "tokens": {
            "sequence_length": trial.model.seq_len, "train_steps": trial.train_steps, "micro_batch_size": trial.micro_batch_size,
            "batch_accumulation_per_replica": trial.global_batch_size // (layout.dp * trial.micro_batch_size),
            "limit_test_batches": 0, "limit_val_batches": 0, "val_check_interval": -1,
        },
        "optimizer": _optimizer(trial, head),
    } | ({"data_stages": _stages(trial)} if head else {"data": _data(trial)})  # fmt: skip


def _model(trial: TrialSpec, head: bool) -> dict[str, Any]:
    model = trial.model
    found = {
        "is_llama_config": True, "bos_token_id": _BOS, "eos_token_id": _EOS, "pad_token_id": _PAD,
        "hidden_act": _ACTIVATIONS.get(model.activation, "silu"), "hidden_size": model.hidden_size, "initializer_range": INIT_STD,
        "intermediate_size": model.ffn_size, "max_position_embeddings": model.seq_len, "num_attention_heads": model.num_heads,
        "num_hidden_layers": model.num_layers, "num_key_value_heads": model.kv_heads, "pretraining_tp": 1,
        "rms_norm_eps": NORM_EPS, "rope_scaling": None, "tie_word_embeddings": model.tied_embeddings, "use_cache": True,
        "vocab_size": model.vocab_size,
    }  # fmt: skip
    if not head:
        return found
    found |= {"attention_bias": False, "rope_theta": ROPE_THETA}
    if not (_windowed(trial) or model.moe is not None):
        return found
    del found["is_llama_config"]  # only the other of its two Llama-like models has windows and experts
    found["is_qwen2_config"] = True
    if _windowed(trial):
        found["sliding_window_size"] = model.window
    if model.moe is not None:
        every = range(model.moe.every - 1, model.num_layers, model.moe.every)
        found["intermediate_size"] = model.expert_size
        found["moe_config"] = {
            "num_experts": model.moe.experts, "top_k": model.moe.experts_per_token, "layers": list(every),
            "enable_shared_expert": model.moe.shared_experts > 0,
        }  # fmt: skip
    return found


def _windowed(trial: TrialSpec) -> bool:
    return trial.model.attention_pattern == "sliding_window"


def _optimizer(trial: TrialSpec, head: bool) -> dict[str, Any]:
    spec = trial.optimizer
    adam = {
        "adam_beta1": getattr(spec, "beta1", 0.9), "adam_beta2": getattr(spec, "beta2", 0.95), "adam_eps": getattr(spec, "eps", 1e-8),
        "torch_adam_is_fused": True,
    }  # fmt: skip
    found = {
        "zero_stage": trial.parallel.zero_stage, "weight_decay": spec.weight_decay, "clip_grad": spec.grad_clip,
        "accumulate_grad_in_fp32": True, "learning_rate_scheduler": _schedule(trial, head),
    }  # fmt: skip
    if not head:
        return found | adam
    undecayed = _UNDECAYED[1:] if spec.decay_embeddings else _UNDECAYED
    return found | {"optimizer_factory": adam | {"name": "adamW"}, "weight_decay_exclude_named_params": undecayed}


def _schedule(trial: TrialSpec, head: bool) -> dict[str, Any]:
    spec, steps = trial.schedule, trial.train_steps
    shape, warmup = SCHEDULES[spec.name](spec), warmup_steps(spec, steps)
    start = shape.decay_start(warmup, steps) if spec.name == "wsd" else warmup
    rate = trial.optimizer.learning_rate
    falls = shape.ends_at_final_fraction or spec.name not in _KEPT
    style = "1-sqrt" if head and getattr(spec, "decay_shape", "") == "1-sqrt" else _DECAYS.get(spec.name, "linear")
    return {
        "learning_rate": rate, "lr_warmup_steps": warmup, "lr_warmup_style": "linear", "lr_decay_style": style,
        "lr_decay_starting_step": start, "lr_decay_steps": max(steps - start, 1),
        "min_decay_lr": rate * spec.final_fraction if falls else rate,
    }  # fmt: skip


_KEPT = ("constant",)


def _data(trial: TrialSpec) -> dict[str, Any]:
    """The one source that the registry's schema can name: the first of the hub."""
    first = next((one.options for one in trial.data.sources if one.kind == "hub"), {})
    dataset = {
        "hf_dataset_or_datasets": first.get("dataset", "text"), "hf_dataset_config_name": first.get("config"),
        "hf_dataset_splits": first.get("split", "train"), "text_column_name": first.get("text_column", "text"),
        "dataset_processing_num_proc_per_process": 8, "dataset_overwrite_cache": False,
    }  # fmt: skip
    return {"dataset": dataset, "seed": trial.seed, "num_loading_workers": 1}


def _stages(trial: TrialSpec) -> list[dict[str, Any]]:
    """Folders of tokens by source (datatrove's, one a source), weighed as each stage mixes them."""
    own = {one.label: one.weight for one in trial.data.sources}
    found, start = [], 1
    stages = [(one.name, one.mixture or own) for one in trial.stages] or [("pre-training", own)]
    for (name, mixture), end in zip(stages, trial.stage_ends, strict=True):
        total = sum(mixture.values())
        weights = {label: weight / total for label, weight in mixture.items() if weight}
        dataset = {
            "dataset_folder": [f"tokens/{label}" for label in weights],
            "dataset_weights": [round(weight, 6) for weight in weights.values()], "tokenizer_name": "tokenizer",
            "vocab_size": trial.model.vocab_size, "token_size_in_bytes": 4 if trial.model.vocab_size > 65_536 else 2,
        }  # fmt: skip
        data = {"dataset": dataset, "seed": trial.seed, "num_loading_workers": 1}
        found.append({"name": name, "start_training_step": start, "data": data})
        start = end + 1
    return found


def not_expressible(trial: TrialSpec) -> tuple[Text, ...]:
    """What of ``trial`` nanotron's own trainer cannot be told, in words; the files above then hold what comes nearest."""
    model, optimizer, schedule = trial.model, trial.optimizer, trial.schedule
    every = Text(en="nanotron has none", ja="nanotron にはない")
    llama = Text(en="nanotron's Llama has another", ja="nanotron の Llama とは異なる")
    head_only = Text(en="only the head can", ja="head のみ可能")
    found: list[tuple[str, object, Text]] = []

    def gap(field: str, value: object, missing: bool, why: Text) -> None:
        if missing:
            found.append((field, value, why))

    gap("model.activation", model.activation, model.activation not in _ACTIVATIONS, every)
    gap("model.norm", model.norm, model.norm != "rmsnorm", llama)
    gap("model.position", model.position, model.position != "rope", llama)
    gap(
        "model.rotary_fraction",
        getattr(model, "rotary_fraction", 1.0),
        getattr(model, "rotary_fraction", 1.0) != 1.0,
        every,
    )
    gap("model.residual", model.residual, model.residual != "pre", llama)
    gap("model.mixer", model.mixer, model.mixer != "attention", every)
    gap("model.qk_norm", model.qk_norm, model.qk_norm, every)
    gap("model.dropout", model.dropout, model.dropout > 0, every)
    gap("model.unit_stream", model.unit_stream, bool(model.unit_stream), every)
    gap(
        "model.attention_pattern",
        model.attention_pattern,
        model.attention_pattern not in ("dense", "sliding_window"),
        every,
    )
    gap("model.attention_pattern", model.attention_pattern, _windowed(trial), head_only)
    gap(
        "model.moe",
        "",
        model.moe is not None,
        Text(
            en="only the head can, without its z-loss and balancing loss", ja="head のみ可能(z 損失と負荷分散損失なし)"
        ),
    )
    own_init = Text(
        en="it starts as gpt2 does here, with one rate for all parameters",
        ja="nanotron の初期化は gpt2 相当で、学習率は全パラメータ共通",
    )
    gap("model.init", model.init, model.init != "gpt2", own_init)
    gap(
        "optimizer.name",
        optimizer.name,
        optimizer.name != "adamw",
        Text(en="it has AdamW (the head also SGD)", ja="AdamW のみ(head には SGD もある)"),
    )
    gap(
        "optimizer.decay_embeddings",
        optimizer.decay_embeddings,
        not optimizer.decay_embeddings,
        Text(
            en="the registry's decays norms and embeddings too; the head leaves them out by name",
            ja="レジストリ版は正規化と埋め込みにも減衰を掛ける(head は名前で除外)",
        ),
    )
    gap(
        "schedule.name",
        schedule.name,
        schedule.name not in (*_DECAYS, *_KEPT),
        Text(en="written as a line", ja="直線として書き出した"),
    )
    gap(
        "schedule.decay_shape",
        getattr(schedule, "decay_shape", ""),
        schedule.name == "wsd" and schedule.decay_shape != "linear",
        Text(en="the registry's has a line instead; the head has it", ja="レジストリ版は直線(head は可能)"),
    )
    gap("objective.name", trial.objective.name, trial.objective.name != "causal", every)
    gap(
        "stages",
        "",
        bool(trial.stages) or len(trial.data.sources) > 1,
        Text(
            en="the registry's reads one data set throughout; the head mixes and has stages",
            ja="レジストリ版は 1 つのデータセットのみ(head は混合と段階に対応)",
        ),
    )
    gap(
        "stages",
        "",
        any(one.order != "random" or one.seq_len or one.learning_rate != "keep" for one in trial.stages),
        Text(en="order by length, shorter contexts and rates by stage", ja="長さ順・短い文脈・段階ごとの学習率"),
    )
    gap(
        "data.sources.cleaning",
        "",
        any(one.cleaning for one in trial.data.sources),
        Text(
            en="cleaning and the gate that keeps JGLUE out come before: hand nanotron the tokens that this project has made",
            ja="クリーニングと JGLUE を除く関門は前段の処理:本プロジェクトが作ったトークンを渡すこと",
        ),
    )
    gap("compute.recompute", trial.compute.recompute, trial.compute.recompute == "layer", head_only)
    gap("epochs", trial.epochs, trial.epochs > 1, every)
    return tuple(_SAYS(field=field, value=value, why=why) for field, value, why in found)
