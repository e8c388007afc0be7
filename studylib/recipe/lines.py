"""Which value of every field the recipe takes.

The rule: a published value stands unless the study's own trials say with at least 90 % that another is better at the target. A published
value that they did not try cannot be compared, and stands. Where nothing is published the study's own leader stands. Fields that are chosen as one are taken
together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from studylib.errors import StudyError
from studylib.recipe.choices import Choices
from studylib.recipe.line import Line
from studylib.recipe.options import RecipeOptions
from studylib.recipe.own import Key, Own, first_settings, named, shown, with_shape
from studylib.recipe.published import ASPECT, VOCABULARY, Published, published
from studylib.recipe.shape import FIELDS as SHAPE
from studylib.recipe.shape import NARROWEST, shape_of
from studylib.recipe.text import CONVERSATIONS, PAIRS, passes, sources, told
from studylib.recipe.together import Together, carry, grouped, overrules, standing
from studylib.words import Text, Words

if TYPE_CHECKING:
    from studylib.analysis.reliability import Reliability

__all__ = ["lines", "priced", "shown"]

_UNDER = Words(
    en="the published value is one for {{ of | listed }}, which is not what the recipe has{% if own %}; the study's own stands{% else %}; none is known{% endif %}",
    ja="公表値は {{ of | listed }} のためのもので、このレシピとは前提が異なる{% if own %}(本研究の値を採用){% else %}(既知の値なし){% endif %}",
)
_OWN_UNDER = Words(
    en="the study's own value was found with {{ of | listed }}, which the recipe does not have",
    ja="本研究の値は {{ of | listed }} でのもので、このレシピとは前提が異なる",
)
_PASSES = Words(
    en="""{{ known }}. In {{ tokens | short }} tokens the Japanese web is read {{ ja | num }} times, Wikipedia {{ wiki | num }} times
        {%- if ja > 4 %}; more than four passes cost (arXiv 2305.16264), so such a run needs more Japanese text{% endif %}""",
    ja="""{{ known }}。{{ tokens | short }} トークンでは日本語ウェブを {{ ja | num }} 回、Wikipedia を {{ wiki | num }} 回読む
        {%- if ja > 4 %}。4 回を超える反復は損失を増やす(arXiv 2305.16264)ため、日本語の文章を増やす必要がある{% endif %}""",
)
_NO_ROOM = Words(
    en="""own trials compared it at equal FLOPs a token; within {{ params | short }} parameters in all its feed-forward would be less than
        {{ narrowest }} times as wide as the model, which nobody compared here""",
    ja="""1 トークンあたり同一 FLOPs での比較による。全体で {{ params | short }} パラメータに収めるとフィードフォワードがモデルの幅の {{ narrowest }} 倍を
        下回り、本研究では比べていない""",
)
_ASKED = Text(en="as asked for", ja="指定値")
# Options of a choice, of which nothing is published apart from it.
_OPTIONS = {
    "model.attention_every": Text(en="one attention layer in", ja="注意層の間隔(層)"),
    "model.window": Text(en="attention window", ja="注意の窓"),
    "model.unit_stream": Text(en="unit variance of embeddings", ja="埋め込みの分散を 1 に"),
    "model.moe.experts_per_token": Text(en="experts a token", ja="トークンあたりのエキスパート"),
    "objective.estimator": Text(en="estimator of the objective", ja="目的関数の推定法"),
    "schedule.warmup_fraction": Text(en="warm-up, share of the steps", ja="ウォームアップの割合"),
}


def lines(choices: Choices, reliability: Reliability, options: RecipeOptions) -> tuple[Line, ...]:
    """A line for every field that is published or that an idea hands on, in the published order; prices come later (`priced`)."""
    vocab = options.vocab_size or VOCABULARY
    found: tuple[Line, ...] = ()
    for _ in range(2):  # the shape needs the vocabulary and the structure, which are decided without it
        taken = {one.field: one.value for one in found if one.phase == "pre-training" and one.value is not None}
        vocab = options.vocab_size or taken.get("model.vocab_size", vocab)
        structure = {
            name: value for name, value in taken.items() if name.startswith("model.") and name not in _OF_SHAPE
        }
        structure, no_room = _with_room(options, vocab, structure)
        shape, non_embedding = shape_of(options, ASPECT, vocab, structure)
        table = published(options, shape, non_embedding)
        found = _lines(choices, reliability, options, table, non_embedding, vocab, structure, no_room)
    return found


def _with_room(options: RecipeOptions, vocab: int, structure: Mapping[str, Any]) -> tuple[dict[str, Any], set[Key]]:
    """The fields of a structure, one after another, with which a model of the parameters asked for has a shape; and those without one."""
    kept: dict[str, Any] = {}
    no_room = set()
    for name, value in structure.items():
        try:
            shape_of(options, ASPECT, vocab, kept | {name: value})
        except StudyError:
            no_room.add(("pre-training", name))
        else:
            kept[name] = value
    return kept, no_room


_KV_HEADS: Key = ("pre-training", "model.num_kv_heads")
_OF_SHAPE = (*SHAPE, "model.vocab_size", "model.seq_len")


def _lines(
    choices: Choices, reliability: Reliability, options: RecipeOptions, table: Mapping[Key, Published],
    non_embedding: int, vocab: int, structure: Mapping[str, Any], no_room: set[Key],
) -> tuple[Line, ...]:  # fmt: skip
    own, made = with_shape(first_settings(choices, table), options, vocab, structure)
    found = grouped(own, table)
    asked = {("pre-training", "model.seq_len")}
    if options.batch_tokens != RecipeOptions().batch_tokens:
        asked.add(("pre-training", "global_batch_size"))
    if options.vocab_size is not None:
        asked |= {("pre-training", "model.vocab_size"), ("pre-training", "data.tokenizer.vocab_size")}
    for place, choice in enumerate(found):
        carry(choice, reliability, non_embedding, place)
        choice.takes_own = bool(choice.own) and not (asked | no_room) & choice.own.keys() and overrules(choice)
    rows = {
        key: _line(choice, key, table.get(key), asked) for choice in found for key in {**choice.published, **choice.own}
    }
    for choice in found:
        if no_room & choice.own.keys():
            said = _NO_ROOM(params=options.target_params, narrowest=NARROWEST)
            rows |= {key: rows[key].replace(conflict=said) for key in choice.own}
    rows = _under_what_it_holds(rows, table, own)
    if any(choice.takes_own and ("pre-training", SHAPE[0]) in choice.own for choice in found):
        # As many as divide the heads that are taken.
        rows[_KV_HEADS] = rows[_KV_HEADS].replace(value=made[_KV_HEADS[1]])
    read = {"pre-training": sources(options.tokens), "fine-tuning": CONVERSATIONS, "preferences": PAIRS}
    for phase, text in read.items():
        key = (phase, "data.sources")
        if key in rows and rows[key].value is None:
            rows[key] = rows[key].replace(value=told(text))
    text, often = rows["pre-training", "data.sources"], passes(options.tokens)
    said = _PASSES(known=text.conditions, tokens=options.tokens, ja=often["ja"], wiki=often["ja-wiki"])
    rows[text.key] = text.replace(conditions=said)
    order = [*table, *(key for key in rows if key not in table)]
    return tuple(rows[key] for key in order)


def _line(choice: Together, key: Key, known: Published | None, asked: set[Key]) -> Line:
    phase, name = key
    own = choice.own.get(key)
    setting = own.setting if own is not None else None
    base: dict[str, Any] = {
        "field": name, "phase": phase, "choice": choice.name if choice.name != name else "",
        "name": known.name if known is not None else _OPTIONS.get(name, Text(en=name, ja=name)),
    }  # fmt: skip
    if known is not None:
        base |= {
            "source": known.source,
            "conditions": known.conditions,
            "evidence": known.evidence,
            "value": known.value,
            "published_value": known.value,
        }
    if key in asked:
        base |= {"evidence": "convention"} | ({"source": _ASKED} if name != "model.seq_len" else {})
    if setting is None:
        return Line(**base)
    base |= {
        "own_value": setting.value, "idea": own.idea, "sizes": setting.sizes, "conflict": own.conflict,
        "interval": setting.interval, "p_own": choice.p_own,
    }  # fmt: skip
    agrees = known is not None and (named(known.value) == named(setting.value) or choice.known == 0)
    if choice.takes_own or (known is None and not choice.published):
        base |= {"value": setting.value, "evidence": setting.evidence, "source": setting.source}
    elif known is None:  # an option of the value that was not taken
        base |= {"value": None, "evidence": setting.evidence, "source": setting.source}
    base |= standing(choice, setting, agrees or base["value"] == setting.value)
    if base["decided"] and agrees and setting.sizes:
        base |= {"evidence": "measured"}
    return Line(**base)


def _under_what_it_holds(
    rows: dict[Key, Line], table: Mapping[Key, Published], own: Mapping[Key, Own]
) -> dict[Key, Line]:
    """A published value that was found with another optimizer or start gives way to the study's own, and the other way round."""
    of_pretraining = {name: line.value for (phase, name), line in rows.items() if phase == "pre-training"}
    found = dict(rows)
    for key, one in table.items():
        if not one.holds_with:
            continue
        line, idea = rows[key], own[key].idea if key in own else ""
        stands = of_pretraining | {name: other.value for (phase, name), other in rows.items() if phase == key[0]}
        theirs = {
            name: own["pre-training", name].setting.value
            for name in one.holds_with
            if ("pre-training", name) in own and own["pre-training", name].idea == idea
        }
        fits = all(stands.get(name) in values for name, values in one.holds_with.items())
        own_fits = line.own_value is not None and all(stands.get(name) == value for name, value in theirs.items())
        if not fits and line.value == one.value:
            of = [
                f"{name} {' / '.join(map(str, values))}"
                for name, values in one.holds_with.items()
                if stands.get(name) not in values
            ]
            changes: dict[str, Any] = {"value": None, "conflict": _UNDER(of=of, own=own_fits)}
            if own_fits:
                said = own[key].setting
                changes |= {
                    "value": said.value, "evidence": said.evidence, "source": said.source, "p_best": said.p_best,
                    "regret_percent": said.expected_regret_percent, "alternatives": said.alternatives, "decided": False,
                }  # fmt: skip
            found[key] = line.replace(**changes)
        elif fits and line.value != one.value and not own_fits:
            of = [f"{name} {value}" for name, value in theirs.items() if stands.get(name) != value]
            found[key] = line.replace(
                value=one.value, evidence=one.evidence, source=one.source, decided=False, p_best=None, regret_percent=None,
                conflict=_OWN_UNDER(of=of),
            )  # fmt: skip
    return found


def priced(found: Sequence[Line], level_bpb: float | None, slope: float, gpu_hours: float) -> tuple[Line, ...]:
    """Lines with their regret in bits per byte and GPU-hours.

    Parameters
    ----------
    level_bpb
        Predicted loss; None: not known.
    slope
        d log(loss) / d log(FLOPs) at the target, negative.
    gpu_hours
        Of the run.
    """
    return tuple(
        one if one.regret_percent is None else _priced(one, one.regret_percent / 100, level_bpb, slope, gpu_hours)
        for one in found
    )


def _priced(line: Line, regret: float, level_bpb: float | None, slope: float, gpu_hours: float) -> Line:
    longer = gpu_hours * math.expm1(math.log1p(regret) / -slope) if regret > 0 else 0.0
    return line.replace(regret_bpb=None if level_bpb is None else regret * level_bpb, regret_gpu_hours=longer)
