"""A benchmark as a task of lm-evaluation-harness (EleutherAI, 0.4.13), with the model that it asks."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studylib.data.tokenizer import EOS
from studylib.errors import StudyError
from studylib.files import atomic_write, read_json, write_json
from studylib.registry import CHAT_TEMPLATES
from studylib.train.benchmark import _scores
from studylib.train.benchmark._jglue import Question
from studylib.train.benchmark._likelihood import Prompt, answer_rows, fits
from studylib.train.export import export_trial
from studylib.train.trained import Trained

_METRICS = {
    "choices": {"accuracy": "mean", "accuracy_raw": "mean"},
    "labels": {"accuracy": "mean", "accuracy_raw": "mean", "balanced_accuracy": "!function scores.balanced_accuracy"},
    "similarity": {"pearson": "!function scores.pearson", "spearman": "!function scores.spearman"},
    "written": {"exact_match": "mean", "f1": "mean"},
}


@dataclass(frozen=True)
class HarnessTask:
    """What a benchmark asks.

    Attributes
    ----------
    scores
        The function of ``_scores`` that judges an item: choices, labels, similarity, written.
    max_tokens
        Of an answer that is written.
    """

    scores: str
    questions: tuple[Question, ...]
    max_tokens: int = 0


def write_harness(task: HarnessTask, name: str, trained: Trained, trial: Path, folder: Path) -> tuple[str, int]:
    """Write ``study_<name>.yaml`` with ``<name>.jsonl`` and ``scores.py`` into ``folder``, and the model into ``folder/llama``.

    The tokenizer there puts the mark before a text that every text of training has (``add_bos_token``).

    Returns
    -------
    The command that asks the harness, and how many items are left out: those that the context does not hold, and those that as one
    text are other tokens than message by message, as where one of them holds a control token of the template.

    Raises
    ------
    StudyError
        The model cannot be exported as a Llama, or no item is left.
    """
    rows = list(_rows(task, trained))
    if not rows:
        raise StudyError(f"--harness {folder}: no question of {name} fits the context of {trained.seq_len} tokens")
    export_trial(trial, folder / "llama")
    _begin_texts(folder / "llama")
    data = (folder / f"{name}.jsonl").absolute()
    with atomic_write(data) as stream:
        stream.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())
    with atomic_write(folder / f"study_{name}.yaml") as stream:
        stream.write(_yaml(task, name, data, trained).encode())
    shutil.copyfile(_scores.__file__, folder / "scores.py")
    at = shlex.quote(str(folder.absolute()))
    model = f"pretrained={folder.absolute()}/llama,add_bos_token=True,dtype=float32"
    command = f"lm_eval run --model hf --model_args {shlex.quote(model)} --include_path {at} --tasks study_{name}"
    return f"{command} --batch_size 16 --output_path {at}/results --log_samples", len(task.questions) - len(rows)


def _rows(task: HarnessTask, trained: Trained) -> Iterator[dict[str, Any]]:
    for one in task.questions:
        answers = one.choices or one.right[:1]
        encoded = answer_rows(trained.encoder, [one.prompt] * len(answers), answers)
        prompt = _text(trained, one.prompt)
        as_text = trained.tokenizer.encode_batch([prompt + answer for answer in answers])
        if all(
            fits(trained, row) and row.tokens[1:].tolist() == ids.tolist()
            for row, ids in zip(encoded, as_text, strict=True)
        ):
            yield {"item": one.item, "right": one.right} | _asked(one, prompt)


def _asked(one: Question, prompt: str) -> dict[str, Any]:
    if not one.choices:
        return {"prompt": prompt, "target": one.right[0]}
    begun = prompt.rstrip()
    space = prompt[len(begun) :]
    choices = [space + choice for choice in (*one.choices, *([""] if space else []))]
    return {"prompt": begun, "choices": choices, "answers": one.choices, "target": round(one.right)}


def _text(trained: Trained, prompt: Prompt) -> str:
    """What a model reads behind the mark that begins a text."""
    template = CHAT_TEMPLATES[trained.trial.data.chat_template]()
    said = (template.before(one.role) + one.content + template.behind(one.role) for one in prompt)
    return "".join(said) + template.before("assistant")


def _begin_texts(llama: Path) -> None:
    file = llama / "tokenizer.json"
    content = read_json(file)
    mark = next(one["content"] for one in content["added_tokens"] if one["id"] == EOS)
    begin = {"SpecialToken": {"id": mark, "type_id": 0}}
    text = [{"Sequence": {"id": name, "type_id": place}} for place, name in enumerate("AB")]
    tokens = {mark: {"id": mark, "ids": [EOS], "tokens": [mark]}}
    content["post_processor"] = {
        "type": "TemplateProcessing", "single": [begin, text[0]], "pair": [begin, *text], "special_tokens": tokens,
    }  # fmt: skip
    write_json(file, content)
    file = llama / "tokenizer_config.json"  # of which the harness makes a processor of its own
    write_json(file, read_json(file) | {"bos_token": mark, "add_bos_token": True})


def _yaml(task: HarnessTask, name: str, data: Path, trained: Trained) -> str:
    """JSON is YAML, but for ``!function``, which names a function of the file beside it."""
    content: dict[str, Any] = {
        "task": f"study_{name}", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test", "doc_to_text": "{{prompt}}", "doc_to_target": "target", "target_delimiter": "",
        "num_fewshot": 0, "metadata": {"version": 1.0},
    }  # fmt: skip
    if task.scores == "written":
        ends = [trained.tokenizer.pieces[trained.encoder.end_id]] if trained.encoder.end_id != EOS else []
        limits = {"until": ends, "do_sample": False, "max_gen_toks": task.max_tokens}
        content |= {"output_type": "generate_until", "generation_kwargs": limits}
    else:
        content |= {"output_type": "multiple_choice", "doc_to_choice": "choices"}
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in content.items()]
    lines += [f"process_results: !function scores.{task.scores}", "metric_list:"]
    for metric, aggregation in _METRICS[task.scores].items():
        lines += [f"  - metric: {metric}", f"    aggregation: {aggregation}", "    higher_is_better: true"]
    return "\n".join(lines) + "\n"
