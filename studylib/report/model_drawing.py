"""A model as one small drawing: its layers, one of them opened up, and what stands around them."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from studylib.registry import ATTENTION_PATTERNS
from studylib.spec import ModelSpec
from studylib.words import Text, Words

_WIDTH, _HEIGHT = 360, 404
_STACK, _STACK_WIDTH, _STACK_TOP, _STACK_HEIGHT = 12, 78, 72, 252
_LAYER, _LAYER_TOP, _LAYER_WIDTH, _LAYER_HEIGHT = 124, 98, 228, 200  # the box of the layer that is opened up
_INSIDE, _INSIDE_WIDTH = _LAYER + 14, _LAYER_WIDTH - 28
_MOST_IN_ROW, _HEADS_HEIGHT = 24, 40

ALT = Words(
    en="""Drawing of the model: {{ layers }} layers of width {{ hidden }} between a vocabulary of {{ vocab }} pieces and the output.
        {% if heads %}Each layer has {{ heads }} attention heads{% if kv < heads %}, {{ kv }} of them with keys and values of their own{% endif %};
        {{ attention }}.{% else %}{{ attention }}.{% endif %} {{ ffn }}.""",
    ja="""モデルの図:語彙 {{ vocab }} と出力の間に、幅 {{ hidden }} の層が {{ layers }} 層。
        {% if heads %}各層のアテンションヘッドは {{ heads }} 個{% if kv < heads %}(独自のキーと値を持つのは {{ kv }} 個){% endif %}、
        {{ attention }}。{% else %}{{ attention }}。{% endif %}{{ ffn }}。""",
)
_LAYERS = Words(en="{{ n }} layers", ja="{{ n }} 層")
_ONE_LAYER = Words(en="One layer, {{ n }} wide", ja="1 層の中身(幅 {{ n }})")
_OUTPUT = Words(
    en="next piece: 1 of {{ n }}{% if tied %} (same table){% endif %}",
    ja="次のトークン:{{ n }} 種{% if tied %}(表を共有){% endif %}",
)
_INPUT = Words(en="Japanese text in {{ n }} pieces", ja="日本語テキスト:語彙 {{ n }}")
_HEADS = Words(
    en="{{ heads }} attention heads{% if kv < heads %}, {{ kv }} KV heads{% endif %}",
    ja="アテンション {{ heads }} ヘッド{% if kv < heads %}(KV {{ kv }}){% endif %}",
)
_MIXERS = Words(
    en="layers: {% for name, count in mixers %}{{ count }} {{ name }}{{ ', ' if not loop.last }}{% endfor %}",
    ja="{% for name, count in mixers %}{{ name }} {{ count }} 層{{ '、' if not loop.last }}{% endfor %}",
)
_SEEN = Words(
    en="{% if sparse %}{{ pattern }}{% if window %} of {{ window }}{% endif %}{% else %}all {{ seq }} tokens before{% endif %}, {{ position }}",
    ja="{% if sparse %}{{ pattern }}{% if window %} {{ window }}{% endif %}{% else %}先行する全 {{ seq }} トークン{% endif %}、{{ position }}",
)
_FFN = Words(en="Feed-forward {{ activation }}, {{ size }} wide", ja="FFN {{ activation }}、幅 {{ size }}")
_EXPERTS = Words(
    en="{{ active }} of {{ experts }} experts, {{ activation }}, {{ size }} wide",
    ja="専門家 {{ experts }} 個中 {{ active }} 個、{{ activation }}、幅 {{ size }}",
)


def model_drawing(model: ModelSpec) -> Markup:
    """An inline SVG, 360 units wide so that it needs no scaling on a phone.

    Every slice of the stack is a layer (in a hybrid those of the other mixer are pale). Widths inside the opened layer are to one
    scale; a square is an attention head, a full one has keys and values of its own.
    """
    parts = [*_around(model), *_stack(model), *_opened(model)]
    alt = _alt(model)
    return Markup(
        '<svg class="model" viewBox="0 0 {} {}" role="img" aria-label="{}" data-label-en="{}" data-label-ja="{}">{}</svg>'
    ).format(_WIDTH, _HEIGHT, alt.en, alt.en, alt.ja, Markup("").join(parts))


def _alt(model: ModelSpec) -> Text:
    has_heads = "attention" in model.mixers
    return ALT(
        layers=model.num_layers, hidden=model.hidden_size, vocab=model.vocab_size, kv=model.kv_heads, ffn=_feed_forward(model)[0],
        heads=model.num_heads if has_heads else 0, attention=_seen(model) if has_heads else _mixers(model),
    )  # fmt: skip


def _around(model: ModelSpec) -> Iterable[Markup]:
    """The table that the text comes in by, the one it leaves by, and the way between them."""
    middle, bottom = _STACK + _STACK_WIDTH / 2, _STACK_TOP + _STACK_HEIGHT
    yield _line(f"M{middle} {_HEIGHT - 8}V{bottom}M{middle} {_STACK_TOP}V10m-4 6l4-6l4 6")
    for top, label in (
        (26, _OUTPUT(n=model.vocab_size, tied=model.tied_embeddings)),
        (bottom + 34, _INPUT(n=model.vocab_size)),
    ):
        yield _box("table", _STACK, top, _STACK_WIDTH, 18)
        yield _text(label, _STACK + _STACK_WIDTH + 12, top + 13)
    yield _text(_LAYERS(n=model.num_layers), middle, bottom + 20, "strong", anchor="middle", halo=True)


def _stack(model: ModelSpec) -> Iterable[Markup]:
    step = _STACK_HEIGHT / model.num_layers
    high = max(step - min(2.5, 0.3 * step), 0.5)
    for index in range(model.num_layers):
        kind = "layer" if model.mixer_of_layer(index) == "attention" or len(model.mixers) == 1 else "layer pale"
        top = _STACK_TOP + _STACK_HEIGHT - (index + 1) * step
        yield _box(kind, _STACK, top, _STACK_WIDTH, high, radius=min(2, high / 3))
    right, opened = _STACK + _STACK_WIDTH, _STACK_TOP + _STACK_HEIGHT - (model.num_layers + 1) // 2 * step
    ends = (
        f"M{right} {opened:.1f}L{_LAYER} {_LAYER_TOP}M{right} {opened + high:.1f}L{_LAYER} {_LAYER_TOP + _LAYER_HEIGHT}"
    )
    yield _line(ends, "lens")


def _opened(model: ModelSpec) -> Iterable[Markup]:
    """From the top, as the text leaves: feed-forward, attention, and the width they share."""
    yield _box("frame", _LAYER, _LAYER_TOP, _LAYER_WIDTH, _LAYER_HEIGHT, radius=6)
    label, size = _feed_forward(model)
    scale = _INSIDE_WIDTH / max(size, model.hidden_size)
    y = _LAYER_TOP + 24
    yield _text(label, _INSIDE, y)
    yield _box("ffn", _INSIDE, y + 8, size * scale, 20, radius=3)
    y += 56
    if "attention" in model.mixers:
        yield _text(_HEADS(heads=model.num_heads, kv=model.kv_heads), _INSIDE, y)
        squares = list(_heads(model))
        step = squares[0][2]
        for x, down, _, kind in squares:
            yield _box(kind, _INSIDE + x, y + 8 + down, 0.8 * step, 0.8 * step, radius=1)
        y += 8 + squares[-1][1] + step + 14
        yield _text(_seen(model), _INSIDE, y, "soft")
        y += 16
    if set(model.mixers) != {"attention"}:
        yield _text(_mixers(model), _INSIDE, y, "soft")
    bottom = _LAYER_TOP + _LAYER_HEIGHT - 16
    yield _text(_ONE_LAYER(n=model.hidden_size), _INSIDE, bottom - 7, "strong")
    yield _box("hidden", _INSIDE, bottom, model.hidden_size * scale, 5, radius=2)


def _heads(model: ModelSpec) -> Iterable[tuple[float, float, float, str]]:
    """Squares (right, down, step, kind) in rows that end with a group of heads sharing keys and values."""
    heads, group = model.num_heads, model.num_heads // model.kv_heads
    rows = -(-heads // _MOST_IN_ROW)
    in_row = min(-(-heads // rows // group) * group or group, heads)
    step = min(_INSIDE_WIDTH / in_row, _HEADS_HEIGHT / -(-heads // in_row), 14)
    for index in range(heads):
        yield index % in_row * step, index // in_row * step, step, "head" if index % group == 0 else "head shared"


def _feed_forward(model: ModelSpec) -> tuple[Text, int]:
    if model.moe is None:
        return _FFN(activation=model.activation, size=model.ffn_size), model.ffn_size
    active, experts = model.moe.active_experts, model.moe.experts + model.moe.shared_experts
    size = model.expert_size
    return _EXPERTS(active=active, experts=experts, activation=model.activation, size=size), active * size


def _seen(model: ModelSpec) -> Text:
    pattern = ATTENTION_PATTERNS[model.attention_pattern]
    window = getattr(model.options_of(pattern), "window", None)
    return _SEEN(
        sparse=pattern.sparse, pattern=model.attention_pattern.replace("_", " "), window=window, seq=model.seq_len,
        position=model.position,
    )  # fmt: skip


def _mixers(model: ModelSpec) -> Text:
    return _MIXERS(mixers=tuple(model.mixers.items()))


def _box(kind: str, x: float, y: float, width: float, height: float, radius: float = 3) -> Markup:
    return Markup('<rect class="{}" x="{:.4g}" y="{:.4g}" width="{:.4g}" height="{:.4g}" rx="{:.2g}"/>').format(
        kind, x, y, width, height, radius
    )


def _line(path: str, kind: str = "flow") -> Markup:
    return Markup('<path class="{}" d="{}"/>').format(kind, path)


def _text(text: Text, x: float, y: float, kind: str = "", *, anchor: str = "start", halo: bool = False) -> Markup:
    return Markup("").join(
        Markup('<text class="t {}" lang="{}" x="{:.4g}" y="{:.4g}" text-anchor="{}">{}</text>').format(
            f"{kind}{' halo' * halo}", language, x, y, anchor, getattr(text, language)
        )
        for language in ("en", "ja")
    )
