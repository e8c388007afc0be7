"""Learn from what a reward model thinks of the model's own answers: reinforcement learning from preferences.

A step draws ``completions`` answers to each of its prompts from the policy as it then is, and makes one step on them, so nothing
is off-policy and nothing clipped. An answer's reward is the reward model's, less ``beta`` times the log-ratio of its probabilities
under the policy and under the reference (the model of ``start_from``), which is on average the KL divergence of the two: for both
estimators it stands in the reward, where its gradient is that of the divergence, and not in the loss. What an answer's advantage
is weighed against is the other answers to the same prompt:

rloo
    Their mean (leave-one-out: Kool et al. 2019, Ahmadian et al. 2024, arXiv 2402.14740). The answer is one action: its tokens'
    log-probabilities are summed. As ``trl.RLOOTrainer``.
grpo
    The mean of all of them, in units of their standard deviation (Shao et al. 2024, arXiv 2402.03300), and the mean over the
    answer's tokens, as in the paper's equation 3: as ``trl.GRPOTrainer`` with ``loss_type="grpo"`` on these rewards with its own
    ``beta`` 0. A long answer's tokens count less, so a bad one is unlearnt the more slowly the longer it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from studylib.choices.objective import Objective
from studylib.choices.objective._layout import continued
from studylib.errors import invalid
from studylib.frozen import Above0, Frozen, Positive, Real
from studylib.rows import Batch, Marks, Row, drawing

if TYPE_CHECKING:
    from studylib.choices.objective._losses import RowLoss
    from studylib.spec import TrialSpec

__all__ = ["Policy"]

_SMALLEST = 1e-4  # added to a standard deviation, as trl does


class Policy(Objective):
    class Options(Frozen):
        reward_from: str = Field(
            default="", description="hash of a trial of the same study with objective reward, whose model judges"
        )
        estimator: Literal["rloo", "grpo"] = "rloo"
        beta: Annotated[Real, Field(ge=0)] = Field(
            default=0.05, description="reward that a nat of divergence from the reference costs"
        )
        completions: Annotated[Positive, Field(ge=2)] = Field(
            default=4, description="answers to each prompt; global_batch_size counts answers"
        )
        max_tokens: Positive = Field(default=48, description="of an answer with its end")
        temperature: Above0 = Field(
            default=1.0, description="of the policy that draws and learns, and of the reference"
        )
        missing_eos_penalty: Annotated[Real, Field(ge=0)] = Field(
            default=1.0,
            description="reward that an answer without an end costs; its own is what it would have had if it ended there",
        )

    options: Options
    masked: ClassVar[bool] = True
    rows: ClassVar = "sampled"
    refers: ClassVar[bool] = True

    def check(self, trial: TrialSpec) -> None:
        completions, parallel = self.options.completions, trial.parallel
        if not self.options.reward_from:
            raise invalid(
                "objective.reward_from", "", "is whose reward model judges; give a trial with objective reward"
            )
        if parallel.pp > 1:
            raise invalid("parallel.pp", parallel.pp, "cuts the model that objective policy samples from; it must be 1")
        if trial.global_batch_size % (completions * parallel.dp):
            why = f"is not divisible by objective.completions {completions} * parallel.dp {parallel.dp}"
            raise invalid("global_batch_size", trial.global_batch_size, why)
        if self.options.max_tokens + 2 > trial.model.seq_len:
            why = f"leaves no room for a prompt in model.seq_len {trial.model.seq_len}"
            raise invalid("objective.max_tokens", self.options.max_tokens, why)

    @property
    def trials_read(self) -> tuple[str, ...]:
        return (self.options.reward_from,)

    def row_loss(self) -> RowLoss:
        from studylib.choices.objective._losses import PolicyGradient

        return PolicyGradient(by_length=self.options.estimator == "grpo", temperature=self.options.temperature)

    def advantages(self, rewards: np.ndarray) -> np.ndarray:
        """Of answers with these rewards, both float64 [prompts, completions]."""
        count = rewards.shape[1]
        if self.options.estimator == "rloo":
            return rewards - (rewards.sum(axis=1, keepdims=True) - rewards) / (count - 1)
        spread = rewards.std(axis=1, ddof=1, keepdims=True)
        return (rewards - rewards.mean(axis=1, keepdims=True)) / (spread + _SMALLEST)

    def batch(self, windows_BT: np.ndarray, marks: Marks, seed: int, step: int) -> Batch:
        """What a step learns of ``windows`` if they were answers with drawn advantages, to measure speed with."""
        advantage = drawing("policy", seed, step).standard_normal(len(windows_BT))
        return Batch(windows_BT, windows_BT[:, 1:].copy(), advantage_B=advantage, text_tokens=windows_BT.size)

    def complete(self, left: np.ndarray, middle: np.ndarray, marks: Marks) -> Row:
        return continued(left, middle)
