"""Whether nanotron's own classes read a configuration, and understand all of it.

In a process of its own: nanotron loads torch, and a second version of it must not meet the first. nanotron reads a model's
configuration whose keys it does not know as a plain mapping, without a word; what it made of every key is therefore compared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from studylib.errors import StudyError, invalid
from studylib.frozen import Frozen

_PARSER = "studylib.recipe._parse_nanotron"
_SECONDS = 120


class Understood(Frozen):
    """What nanotron made of a file."""

    model: str
    version: str
    keys: int
    batch: int


def nanotron_check(file: Path, head: Path | None = None) -> Understood:
    """Have nanotron read ``file``: the installed version, or the checkout (or its ``src``) in the folder ``head``.

    Raises
    ------
    StudyError
        It refuses the file, takes the model's configuration for a mapping, or changes a value.
    """
    (said,) = read_by_nanotron([file], head)
    return judged(file, said)


def read_by_nanotron(files: Sequence[Path], head: Path | None = None) -> list[dict[str, Any]]:
    """What nanotron says of each file, in one process."""
    search = [] if head is None else [str(_package(head))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*search, str(_ROOT), *_paths()])}
    options = ["--from", *search] if search else []
    command = [sys.executable, "-m", _PARSER, *options, *(str(Path(one).absolute()) for one in files)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=_SECONDS, check=False)
    if done.returncode:
        raise StudyError(f"nanotron cannot be asked: {_last_line(done.stderr)}")
    return [json.loads(line) for line in done.stdout.splitlines()[-len(files) :]]


def judged(file: Path, said: dict[str, Any]) -> Understood:
    """The same, or the error that it stands for."""
    if "refused" in said:
        raise StudyError(f"{file}: nanotron {said['version']} refuses it: {said['refused']}")
    if said["changed"]:
        key, given, got = said["changed"][0]
        raise StudyError(f"{file}: {key}: {given!r} became {got!r} in nanotron {said['version']}")
    return Understood(model=said["model"], version=said["version"], keys=said["keys"], batch=said["batch"])


_ROOT = Path(__file__).resolve().parents[2]


def _paths() -> list[str]:
    given = os.environ.get("PYTHONPATH", "")
    return [one for one in given.split(os.pathsep) if one]


def _package(head: Path) -> Path:
    for folder in (Path(head) / "src", Path(head)):
        if (folder / "nanotron" / "config").is_dir():
            return folder.absolute()
    raise invalid("--nanotron-head", str(head), "is no checkout of nanotron: src/nanotron/config is missing")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


# What the head's classes have (huggingface/nanotron, src/nanotron/config, June 2025), of the sections that are written.
_MODEL = """bos_token_id eos_token_id hidden_act hidden_size initializer_range intermediate_size is_llama_config is_qwen2_config
max_position_embeddings num_attention_heads num_hidden_layers attention_bias num_key_value_heads pad_token_id pretraining_tp rms_norm_eps
rope_scaling rope_theta rope_interleaved tie_word_embeddings use_cache vocab_size sliding_window_size moe_config"""
_HEAD = {
    "": "general parallelism model tokenizer checkpoints logging tokens optimizer data_stages profiler lighteval s3_upload",
    "general": "project run seed step consumed_train_samples benchmark_csv_path ignore_sanity_checks",
    "parallelism": """dp pp tp pp_engine tp_mode tp_linear_async_communication recompute_layer moe_layer_recompute tp_recompute_allgather
        expert_parallel_size context_parallel_size""",
    "model": "model_config init_method dtype make_vocab_size_divisible_by ddp_bucket_cap_mb",
    "model.init_method": "std scaling_method",
    "model.model_config": _MODEL,
    "model.model_config.moe_config": "num_experts top_k layers enable_shared_expert token_dispatcher_type",
    "tokenizer": "tokenizer_name_or_path tokenizer_revision tokenizer_max_length",
    "checkpoints": """checkpoints_path checkpoint_interval save_initial_state save_final_state resume_checkpoint_path load_lr_scheduler
        load_optimizer checkpoints_path_is_shared_file_system""",
    "logging": "log_level log_level_replica iteration_step_info_interval",
    "tokens": """sequence_length train_steps micro_batch_size batch_accumulation_per_replica val_check_interval limit_val_batches
        limit_test_batches""",
    "optimizer": """optimizer_factory zero_stage weight_decay clip_grad accumulate_grad_in_fp32 learning_rate_scheduler
        weight_decay_exclude_named_params""",
    "optimizer.optimizer_factory": "adam_eps adam_beta1 adam_beta2 torch_adam_is_fused name",
    "optimizer.learning_rate_scheduler": """learning_rate lr_warmup_steps lr_warmup_style lr_decay_style lr_decay_steps
        lr_decay_starting_step min_decay_lr""",
    "data_stages": "name start_training_step data",
    "data_stages.data": "dataset seed num_loading_workers",
    "data_stages.data.dataset": "dataset_folder dataset_weights tokenizer_name vocab_size token_size_in_bytes",
}


def check_head_keys(file: Path) -> None:
    """Hold the keys of ``file`` against those that the head is known to have: for who has no checkout of it.

    Raises
    ------
    StudyError
        A key is not one of them.
    """
    _check_keys(yaml.safe_load(Path(file).read_text(encoding="utf-8")), "", file)


def _check_keys(value: Any, place: str, file: Path) -> None:
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, dict):
            continue
        known = _HEAD.get(place, "").split()
        for key, inner in one.items():
            if key not in known:
                raise invalid(
                    f"key {key!r} in {place or 'the top level'}",
                    inner,
                    "is not known to nanotron's head",
                    choices=known,
                    file=file,
                    near=key,
                )
            _check_keys(inner, f"{place}.{key}" if place else key, file)
