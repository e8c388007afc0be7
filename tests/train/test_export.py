"""The exported folder is a stock Llama with the same logits."""

from __future__ import annotations

import pytest
import torch

from studylib.data import Tokenizer
from studylib.errors import StudyError
from studylib.model.gpt import build_gpt
from studylib.parallel import load_model_weights, world
from studylib.spec import ParallelSpec
from studylib.train import train
from studylib.train.export import export_trial, llama_config, main
from studylib.train.kept import checkpoints


@pytest.mark.parametrize(
    "choices",
    [{}, {"activation": "geglu"}, {"activation": "reglu", "tied_embeddings": True}, {"unit_stream": False}],
    ids=str,
)
def test_logits_equal_those_of_transformers_llama(choices, tiny_trial, data_folder, tmp_path):
    transformers = pytest.importorskip("transformers", reason="the test extra installs transformers")
    trial = tmp_path / "trial"
    tiny_trial = tiny_trial.replace(model=tiny_trial.model.replace(**choices))
    train(tiny_trial.replace(checkpoint_every=20), trial, data_folder=data_folder)
    tokenizer = data_folder / tiny_trial.data.hash / "tokenizer.model"
    assert main([str(trial), "--to", str(tmp_path / "llama"), "--tokenizer", str(tokenizer)]) == 0
    llama = transformers.LlamaForCausalLM.from_pretrained(tmp_path / "llama", attn_implementation="sdpa")
    with world(ParallelSpec(), torch.device("cpu")) as one:
        ours = build_gpt(tiny_trial.model, one, seed=0)
        load_model_weights(ours, one, checkpoints(trial / "checkpoints")[-1])
    tokens = torch.randint(0, 512, (2, 32), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, got = llama(tokens).logits, ours.logits(tokens)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
    assert expected.std() > 0.1
    text, exported = "abc あいう\n  かき </s>", transformers.AutoTokenizer.from_pretrained(tmp_path / "llama")
    assert exported(text)["input_ids"] == Tokenizer.load(tokenizer).encode(text).tolist()
    assert exported.eos_token_id == llama.config.eos_token_id == Tokenizer.load(tokenizer).eos_id


def test_the_tokenizer_is_found_in_the_study_or_asked_for(tiny_trial, tmp_path, capsys):
    trial = tmp_path / "study" / "trials" / "one"
    train(tiny_trial.replace(checkpoint_every=20), trial, data_folder=tmp_path / "study" / "data")
    assert main([str(trial), "--to", str(tmp_path / "llama")]) == 0
    assert {"tokenizer.json", "model.safetensors"} <= {file.name for file in (tmp_path / "llama").iterdir()}
    assert not (tmp_path / "llama" / "tokenizer.model").exists(), "what transformers makes of it encodes otherwise"
    trial.rename(tmp_path / "alone")
    capsys.readouterr()
    assert main([str(tmp_path / "alone"), "--to", str(tmp_path / "other")]) == 2
    said = capsys.readouterr().err
    assert "--tokenizer: None is needed" in said and said.count("\n") == 1
    assert not (tmp_path / "other").exists()


def test_a_folder_without_a_checkpoint_is_an_error(tiny_trial, data_folder, tmp_path):
    train(tiny_trial, tmp_path, data_folder=data_folder)
    with pytest.raises(StudyError, match="no usable checkpoint; train with checkpoint_every"):
        export_trial(tmp_path, tmp_path / "llama")


@pytest.mark.parametrize(
    ("field", "value"),
    [("activation", "relu2"), ("norm", "layernorm"), ("position", "alibi"), ("residual", "parallel"), ("qk_norm", True),
     ("rotary_fraction", 0.5)],
)  # fmt: skip
def test_what_a_llama_cannot_say_is_refused(field, value, tiny_model):
    with pytest.raises(StudyError, match=f"model.{field}: .* cannot be exported as a Llama"):
        llama_config(tiny_model.replace(**{field: value}))
