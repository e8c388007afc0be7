"""A trained model, whole and in this process, whatever layout it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from studylib.choices.execution import Execution
from studylib.data import Tokenizer, prepare
from studylib.data.chat.encode import ConversationEncoder
from studylib.errors import StudyError
from studylib.model.gpt import GPT, build_gpt
from studylib.parallel import World, load_model_weights, world
from studylib.registry import CHAT_TEMPLATES
from studylib.spec import ParallelSpec, TrialSpec
from studylib.train import checkpoint
from studylib.train.compute import Compute, resolve


@dataclass(frozen=True)
class Trained:
    """A trial's model on one process, in evaluation mode.

    Attributes
    ----------
    trial
        As it is computed here: one process, nothing compiled.
    """

    trial: TrialSpec
    model: GPT
    world: World
    compute: Compute
    tokenizer: Tokenizer

    @property
    def seq_len(self) -> int:
        """The context, in tokens."""
        return self.trial.model.seq_len

    @cached_property
    def encoder(self) -> ConversationEncoder:
        """Conversations to tokens by the trial's chat template."""
        return ConversationEncoder(self.tokenizer, CHAT_TEMPLATES[self.trial.data.chat_template]())


def load_trained(trial: TrialSpec, folder: Path, data_folder: Path) -> Trained:
    """The model of the last checkpoint in ``folder`` (that of ``trial``).

    Raises
    ------
    StudyError
        There is no checkpoint.
    """
    one = trial.replace(parallel=ParallelSpec(), compute=trial.compute.replace(compile="none"))
    compute = resolve(one)
    tokenizer = Tokenizer.load(prepare(trial.data, data_folder).tokenizer_file)
    found = checkpoint.newest_usable(folder / "checkpoints", trial.recipe_hash)
    if found is None:
        raise StudyError(f"{folder}: has no usable checkpoint; train the trial with checkpoint_every above 0")
    with world(one.parallel, compute.torch_device) as processes:
        model = build_gpt(one.model, processes, seed=0, execution=Execution(weights=compute.execution.weights))
        load_model_weights(model, processes, found)
    model.eval()
    return Trained(one, model, processes, compute, tokenizer)
