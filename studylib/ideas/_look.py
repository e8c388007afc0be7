"""What a notebook shows before and after its trials: some of the text, one model and its cost, and what it writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studylib.files import read_json_lines
from studylib.model.cost import flops_per_token, parameter_count, training_flops
from studylib.model.memory import activation_bytes, logit_bytes, memory_bytes, state_bytes
from studylib.model.parts import parts_of
from studylib.notebook import cut, fields, heading, line, passages, records
from studylib.params import StudyParams
from studylib.spec import MadeText, TrialSpec
from studylib.steps.made import TEXT_FILE
from studylib.trials.cache import Task

if TYPE_CHECKING:
    from studylib.data.excerpts import Excerpt

_LONGEST = 240  # characters shown of a text
NOT_WRITTEN = "what it wrote is not here: restored records hold no text"
# One batch of documents as the model draws them: nothing is sorted out, nothing cut.
_AS_DRAWN = {
    "bytes": 1, "batch_documents": 4, "max_tokens": 96, "whole_sentences": False,
    "min_characters": 1, "most_repeated": 1.0, "most_shared": 1.0,
}  # fmt: skip


@dataclass(frozen=True)
class SomeText:
    """A few documents of every source of the study."""

    sources: tuple[Excerpt, ...]

    @classmethod
    def of(cls, params: StudyParams) -> SomeText:
        from studylib.data.excerpts import excerpts  # here: it loads the gate, which a plan does without

        return cls(tuple(excerpts(params.all_data, params.folder / "data")))

    def __repr__(self) -> str:
        return "\n".join(
            f"{one.label}: {cut(text, _LONGEST)}" for one in self.sources for text in (one.texts or (f"({one.note})",))
        )

    def _repr_html_(self) -> str:
        prepared = all(one.tokens is not None for one in self.sources)
        counts = [
            {"source": one.label, "share of the mixture": f"{100 * one.share:.3g} %"}
            | {"documents": one.documents, "bytes of training text": one.bytes, "tokens": one.tokens}
            | {"bytes a token": one.bytes / one.tokens if one.tokens else None}
            for one in self.sources
        ]
        if not prepared:
            counts = [{key: row[key] for key in ("source", "share of the mixture")} for row in counts]
        shown = [
            heading(one.label) + passages(cut(text, _LONGEST) for text in (one.texts or (f"({one.note})",)))
            for one in self.sources
        ]
        return records(counts) + "".join(shown)


@dataclass(frozen=True)
class OneModel:
    """A trial's model by parts, and what training it takes."""

    trial: TrialSpec

    @property
    def cost(self) -> dict[str, str]:
        """The trial's figures, each with its unit."""
        trial, model = self.trial, self.trial.model
        return {
            "model": f"{_many(model.num_layers, 'layer')}, {model.hidden_size} wide, {_many(model.num_heads, 'head')}, "
            f"{model.vocab_size:,} pieces",
            "trained on": f"{trial.train_tokens:,} tokens: {trial.train_steps:,} steps of {trial.global_batch_size} x {model.seq_len}",
            "FLOPs a token": f"{flops_per_token(model):,.0f}",
            "FLOPs of the run": f"{training_flops(trial):.3g}",
            "memory of a process, MB": f"{memory_bytes(trial) / 1e6:,.1f}: weights, gradients and optimizer "
            f"{state_bytes(trial) / 1e6:,.1f}, activations {activation_bytes(trial) / 1e6:,.1f}, logits {logit_bytes(trial) / 1e6:,.1f}",
        }

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value in self.cost.items())

    def _repr_html_(self) -> str:
        model = self.trial.model
        total, flops = parameter_count(model).total, flops_per_token(model)
        rows = [
            {"part": part.name, "parameters": part.parameters, "of all": _share(part.parameters, total)}
            | {"training FLOPs a token": round(part.flops), "of all FLOPs": _share(part.flops, flops)}
            for part in parts_of(model)
        ]
        whole = {"part": "the model", "parameters": total, "of all": "", "training FLOPs a token": round(flops)}
        return fields(self.cost) + records([*rows, whole | {"of all FLOPs": ""}])


def writing_step(trial: TrialSpec) -> MadeText:
    """The step that lets the model of ``trial`` write, from its last state, which is kept for it."""
    kept = trial if trial.checkpoint_every else trial.replace(checkpoint_every=trial.train_steps)
    return MadeText(sampled_from=kept, how=_AS_DRAWN)


def can_no_longer_write(step: MadeText, folder: Path) -> bool:
    """Whether the record of its trial was restored without the weights, and nobody let it write before."""
    trial = Task.under(folder, step.sampled_from).result()
    return trial is not None and trial.restored and Task.under(folder, step).result() is None


@dataclass(frozen=True)
class Written:
    """What the model of a finished trial writes when it is asked for nothing; or why nothing is there."""

    trial: TrialSpec
    bits_per_byte: float | None
    texts: tuple[str, ...]
    note: str

    @classmethod
    def by(cls, step: MadeText, folder: Path) -> Written:
        trial, made = Task.under(folder, step.sampled_from), Task.under(folder, step)
        result, failure = trial.result(), trial.failure() or made.failure()
        texts = [record["text"] for record in read_json_lines(made.folder / TEXT_FILE)] if made.result_here() else []
        note = "" if texts else f"failed: {failure.message}" if failure else "not trained yet: run the study's trials"
        if not texts and result is not None and result.restored:
            note = NOT_WRITTEN
        return cls(step.sampled_from, result.val_bpb if result else None, tuple(texts), note)

    def __repr__(self) -> str:
        return "\n".join([self._about, *(cut(text, _LONGEST) for text in self.texts)])

    def _repr_html_(self) -> str:
        return line(self._about) + passages(cut(text, _LONGEST) for text in self.texts)

    @property
    def _about(self) -> str:
        trial, count = self.trial, parameter_count(self.trial.model).total
        name = f"{trial.tags.get('variant', 'the baseline')} at {trial.tags.get('size', 'one size')}, seed {trial.seed}"
        level = "" if self.bits_per_byte is None else f", {self.bits_per_byte:.3f} bits per byte of validation text"
        return f"{name}: {count:,} parameters, {trial.train_tokens:,} tokens{level}" + (
            f" ({self.note})" if self.note else ""
        )


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %"
