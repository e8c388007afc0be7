"""Export a trained baseline as a Hugging Face Llama folder.

    python -m studylib.train.export reports/quick/trials/0123456789abcdef --to llama/

The parametrisation's multipliers are folded into the weights, so a stock Llama computes the same logits. The tokenizer goes
along as ``tokenizer.json``, with which ``AutoTokenizer`` gives the same ids; there is no ``tokenizer.model``, since what
transformers makes of one encodes differently.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from studylib.choices.norm._rmsnorm import EPS
from studylib.choices.position._rope import THETA
from studylib.data import Tokenizer
from studylib.data.tokenizer import EOS
from studylib.data.tokenizer_json import write_tokenizer_json
from studylib.errors import StudyError, invalid
from studylib.files import read_json, write_json
from studylib.model.gpt import GPT, build_gpt
from studylib.model.initialise import embedding_multiplier, stream_multiplier
from studylib.parallel import load_model_weights, world
from studylib.registry import INITS
from studylib.spec import ModelSpec, ParallelSpec, TrialSpec, validated
from studylib.train.checkpoint import newest_usable

# What a stock Llama's configuration can say. Every other choice must be the default, which is Llama's.
SHAPE = {"num_layers", "hidden_size", "num_heads", "vocab_size", "seq_len", "num_kv_heads", "intermediate_size"}
FOLDED = {"init", "tied_embeddings", "unit_stream", "dropout"}
ACTIVATIONS = {"swiglu": "silu", "geglu": "gelu", "reglu": "relu"}


def llama_config(model: ModelSpec) -> dict:
    """config.json of the folder.

    Raises
    ------
    StudyError
        The model uses a choice that Llama does not have.
    """
    if model.activation not in ACTIVATIONS:
        raise invalid("model.activation", model.activation, "cannot be exported as a Llama", choices=list(ACTIVATIONS))
    others = model.model_dump(exclude_defaults=True)
    for field in sorted(others.keys() - SHAPE - FOLDED - {"activation"}):
        why = "cannot be exported as a Llama; only the default can"
        raise invalid(f"model.{field}", others[field], why)
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": ACTIVATIONS[model.activation],
        "hidden_size": model.hidden_size,
        "intermediate_size": model.ffn_size,
        "num_hidden_layers": model.num_layers,
        "num_attention_heads": model.num_heads,
        "num_key_value_heads": model.kv_heads,
        "head_dim": model.head_dim,
        "vocab_size": model.vocab_size,
        "max_position_embeddings": model.seq_len,
        "rms_norm_eps": EPS,
        "rope_theta": THETA,
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": model.tied_embeddings,
        "torch_dtype": "float32",
        "bos_token_id": None,
        "eos_token_id": EOS,  # behind every document; none begins with a mark
    }


@torch.no_grad()
def llama_state(gpt: GPT) -> dict[str, torch.Tensor]:
    """The weights under Llama's names, from a model on one process."""
    model = gpt.spec
    rules = INITS[model.init](model)
    head = gpt.model.lm_head.pp_block
    table = gpt.model.token_position_embeddings.pp_block.token_embedding.weight
    entering = embedding_multiplier(model) * stream_multiplier(model)
    state = {"model.embed_tokens.weight": table * entering}
    if model.tied_embeddings:  # one table, so what scales its two sides differently goes into the last norm
        state["model.norm.weight"] = head.norm.weight * (rules.logit_multiplier / entering)
    else:
        state["model.norm.weight"] = head.norm.weight
        state["lm_head.weight"] = head.proj.weight * rules.logit_multiplier
    heads = [model.num_heads, model.kv_heads, model.kv_heads]
    for index, block in enumerate(gpt.model.decoder):
        layer, prefix = block.pp_block, f"model.layers.{index}"
        projections = layer.attn.qkv_proj.weight.split([count * model.head_dim for count in heads])
        for letter, weight in zip("qkv", projections, strict=True):
            state[f"{prefix}.self_attn.{letter}_proj.weight"] = weight
        gate, up = layer.mlp.gate_up_proj.weight.chunk(2)
        state |= {
            f"{prefix}.self_attn.o_proj.weight": layer.attn.o_proj.weight * rules.residual_multiplier,
            f"{prefix}.mlp.gate_proj.weight": gate,
            f"{prefix}.mlp.up_proj.weight": up,
            f"{prefix}.mlp.down_proj.weight": layer.mlp.down_proj.weight * rules.residual_multiplier,
            f"{prefix}.input_layernorm.weight": layer.input_layernorm.weight,
            f"{prefix}.post_attention_layernorm.weight": layer.post_attention_layernorm.weight,
        }
    return {name: tensor.detach().clone().contiguous() for name, tensor in state.items()}


def export_llama(gpt: GPT, folder: Path) -> Path:
    """Write ``config.json`` and ``model.safetensors`` that ``LlamaForCausalLM.from_pretrained`` reads."""
    config = llama_config(gpt.spec)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(llama_state(gpt), folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "config.json", config)
    return folder


def export_trial(trial: Path, folder: Path, tokenizer: Path | None = None) -> Path:
    """Export the newest checkpoint of a trial's folder and its tokenizer.

    Parameters
    ----------
    tokenizer
        SentencePiece file of the prepared text; default: where a study keeps that of the trial.

    Raises
    ------
    StudyError
        The folder holds no trial or no usable checkpoint, or there is no such tokenizer, or not one that can be exported.
    """
    if not (trial / "spec.json").exists():
        raise StudyError(f"{trial}: holds no spec.json; give the folder of a trial")
    spec = validated(TrialSpec, read_json(trial / "spec.json"), file=trial / "spec.json")
    checkpoint = newest_usable(trial / "checkpoints", spec.recipe_hash)
    if checkpoint is None:
        raise StudyError(f"{trial}: holds no usable checkpoint; train with checkpoint_every above 0")
    pieces = Tokenizer.load(tokenizer or _tokenizer_of(trial, spec))
    if pieces.vocab_size > spec.model.vocab_size:
        why = f"has {pieces.vocab_size} pieces, but the model only {spec.model.vocab_size}"
        raise invalid("--tokenizer", str(tokenizer), why)
    with world(ParallelSpec(), torch.device("cpu")) as one:
        gpt = build_gpt(spec.model, one, seed=spec.seed)
        load_model_weights(gpt, one, checkpoint)
    write_tokenizer_json(pieces, folder, field="--tokenizer")
    return export_llama(gpt, folder)


def _tokenizer_of(trial: Path, spec: TrialSpec) -> Path:
    file = trial.resolve().parent.parent / "data" / spec.data.hash / "tokenizer.model"
    if not file.is_file():
        raise invalid("--tokenizer", None, f"is needed: the trial's own is not at {file}")
    return file


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m studylib.train.export", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("trial", type=Path, help="folder of a trial that kept a checkpoint")
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="where the Llama folder is written")
    parser.add_argument("--tokenizer", type=Path, help="SentencePiece file of the text (default: the study's)")
    asked = parser.parse_args(arguments)
    try:
        print(export_trial(asked.trial, asked.to, asked.tokenizer))
    except StudyError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
