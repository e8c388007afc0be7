"""Which fields of the model that is to be built mean the same at a small size, and why the others do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studylib.choices.position import Position
from studylib.registry import POSITIONS
from studylib.spec import Setting, TrialSpec
from studylib.words import Text, Words

_ANOTHER_TRAINING = Text(en="it belongs to a training that follows this one", ja="この後に続く学習の設定")
_ANOTHER_LOSS = Text(
    en="its effect was measured on the loss of one source alone", ja="効果は一つの出典の損失で測られた"
)
_RATE = Text(
    en="the rate handed on is that of the target's run; small runs have theirs",
    ja="渡された学習率は目標の学習のもので、小規模の学習には固有の値がある",
)
_INIT = Text(en="another parametrisation needs a learning rate of its own", ja="別のパラメータ化には固有の学習率が要る")
_WINDOW = Words(
    en="a window of {{ window }} tokens is no shorter than the context of {{ context }} here",
    ja="窓 {{ window }} トークンは、ここでの文脈長 {{ context }} より短くない",
)
# By the beginning of the field's name; the first that fits says why.
_NOT_SMALL: dict[tuple[str, ...], Text] = {
    (
        "model.num_layers", "model.hidden_size", "model.num_heads", "model.num_kv_heads", "model.intermediate_size",
        "model.moe.expert_size",
    ): Text(en="a shape belongs to one size; the small models have their own", ja="形状は規模ごとに決まり、小規模には小規模の形状がある"),
    ("model.vocab_size", "data.tokenizer.vocab_size"): Text(
        en="the vocabulary grows with the model", ja="語彙数はモデルの規模とともに増える"
    ),
    ("model.seq_len", "global_batch_size", "train_steps", "schedule.warmup_steps"): Text(
        en="it belongs to the length of the run and its context", ja="学習の長さと文脈長で決まる"
    ),
    ("epochs",): Text(
        en="how often text may be repeated depends on how much there is of it", ja="反復回数は手元の文章量で決まる"
    ),
    ("stages", "data.sources"): Text(
        en="it was tried on other text than is read here", ja="ここで読む文章とは別の文章で試された"
    ),
    ("parallel", "compute", "eval_every", "eval_tokens", "checkpoint_every"): Text(
        en="it changes how the loss is computed, not the loss", ja="計算の仕方を変えるだけで、損失は変えない"
    ),
}  # fmt: skip


def why_not(setting: Setting, base: TrialSpec) -> Text | None:
    """Why a small trial like ``base`` does not take the setting; None where it does."""
    if setting.phase != "pre-training":
        return _ANOTHER_TRAINING
    if setting.basis == "target_tokens":
        return _ANOTHER_LOSS
    for beginnings, why in _NOT_SMALL.items():
        if any(setting.field == one or setting.field.startswith(f"{one}.") for one in beginnings):
            return why
    if setting.field == "optimizer.learning_rate" and setting.decision == setting.field:
        return _RATE
    if setting.field == "model.init" and setting.decision == setting.field and setting.value != base.model.init:
        return _INIT
    if setting.field == "model.window" and isinstance(setting.value, int) and setting.value >= base.model.seq_len:
        return _WINDOW(window=setting.value, context=base.model.seq_len)
    return None


def acts_in_attention(changes: Mapping[str, Any]) -> bool:
    """Whether the changes do nothing in a model without attention layers."""
    inside = {"model.qk_norm", "model.position"}
    where = changes.get("model.position")
    adds = where is not None and POSITIONS[where].build_embedding is not Position.build_embedding
    return changes.keys() <= inside and not adds
