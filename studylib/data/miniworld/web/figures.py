"""Tables that belong to a sentence, and prose full of numbers with units."""

from __future__ import annotations

from studylib.data.miniworld import words as w
from studylib.data.miniworld.code_python import ranks
from studylib.data.miniworld.draw import Draw, Zipf
from studylib.data.miniworld.web.page import Page, wordings
from studylib.data.miniworld.world import SIZES, World

Rows = list[tuple[str, ...]]
_RANKS = {kind: Zipf(SIZES[kind], 0.7) for kind in ("town", "species", "work", "firm")}


def _towns(world: World, draw: Draw) -> tuple[str, Rows]:
    towns = [world.towns[one] for one in ranks(draw, _RANKS["town"], draw.between(3, 9))]
    most = max(towns, key=lambda one: one.population)
    rows = [("市町村", "人口", "発足"), *((one.name[0], f"{one.population:,}人", f"{one.founded}年") for one in towns)]
    return draw.pick(
        ("{}町村の人口を示す。最も多いのは{}である。", "次の{}市町村のうち、人口が最大なのは{}です。")
    ).format(len(towns), most.name[0]), rows


def _rain(world: World, draw: Draw) -> tuple[str, Rows]:
    town = draw.pick(world.towns).name[0]
    start, count = draw.below(12), draw.between(4, 12)
    months = [w.MONTHS[(start + one) % 12][0] for one in range(count)]
    rain = [draw.between(20, 320) for _ in months]
    rows = [
        ("月", "降水量(mm)", "平均気温(℃)"),
        *((one, str(wet), f"{draw.between(-20, 290) / 10:.1f}") for one, wet in zip(months, rain, strict=True)),
    ]
    return draw.pick(("{}の気候。{}の降水量が最も多い。", "表は{}の観測値で、雨が一番多いのは{}でした。")).format(
        town, months[rain.index(max(rain))]
    ), rows


def _species(world: World, draw: Draw) -> tuple[str, Rows]:
    kinds = [world.species[one] for one in ranks(draw, _RANKS["species"], draw.between(3, 8))]
    best = max(kinds, key=lambda one: one.high)
    rows = [("和名", "学名", "大きさ"), *((one.name[0], one.latin, f"{one.low}〜{one.high}cm") for one in kinds)]
    return draw.pick(("大きさを比べると、{}が最大である。", "以下は観察した種の一覧で、一番大きいのは{}です。")).format(
        best.name[0]
    ), rows


def _works(world: World, draw: Draw) -> tuple[str, Rows]:
    works = [world.works[one] for one in ranks(draw, _RANKS["work"], draw.between(3, 8))]
    rows = [("書名", "刊行年", "ページ数"), *((f"『{one.name[0]}』", str(one.year), str(one.pages)) for one in works)]
    return draw.pick(("{}点の合計は{:,}ページになる。", "今月紹介した{}冊です。合わせて{:,}ページありました。")).format(
        len(works), sum(one.pages for one in works)
    ), rows


def _firms(world: World, draw: Draw) -> tuple[str, Rows]:
    firms = [world.firms[one] for one in ranks(draw, _RANKS["firm"], draw.between(3, 7))]
    rows = [
        ("社名", "創業", "従業員数", "売上高(百万円)"),
        *((one.name[0], f"{one.founded}年", f"{one.staff:,}", f"{one.revenue:,}") for one in firms),
    ]
    return draw.pick(
        ("従業員数の合計は{:,}人である。", "各社の規模を表にまとめました。働く人は全部で{:,}人です。")
    ).format(sum(one.staff for one in firms)), rows


def _trains(world: World, draw: Draw) -> tuple[str, Rows]:
    towns = [world.towns[one].bare[0] for one in ranks(draw, _RANKS["town"], draw.between(3, 6))]
    minute, first = draw.between(300, 1200), 0
    rows: Rows = [("駅", "着", "発")]
    first = minute
    for town in towns:
        rows.append((town, f"{minute // 60}:{minute % 60:02}", f"{(minute + 2) // 60}:{(minute + 2) % 60:02}"))
        minute += draw.between(6, 41)
    last = rows[-1][1].split(":")
    return draw.pick(("{}から{}までの所要時間は{}分である。", "{}を出て{}に着くまで{}分かかります。")).format(
        towns[0], towns[-1], int(last[0]) * 60 + int(last[1]) - first
    ), rows


_TABLES = (_towns, _rain, _species, _works, _firms, _trains)
_HEADS = wordings(
    """
    [表|資料|表]{n}　{_field}[統計|年報|の記録]より
    {_year}年度の[調査結果|記録|まとめ]
    [一覧|比較][表|]（{_year}年{_month}月[現在|調べ]）
    ■[データで見る|数字で読む]{_bare}
    """
)


def table(page: Page) -> None:
    """A table in one of the writings that pages have, with the sentence it belongs to before or behind it."""
    draw = page.draw
    sentence, rows = draw.pick(_TABLES)(page.world, draw)
    shape = draw.below(5)
    if shape == 0:
        lines = ["\t".join(row) for row in rows]
    elif shape == 1:
        lines = [f"| {' | '.join(row)} |" for row in rows]
        lines.insert(1, "|" + " --- |" * len(rows[0]))
    elif shape == 2:
        lines = [",".join(cell.replace(",", "") for cell in row) for row in rows]
    elif shape == 3:
        lines = ["　".join(row) for row in rows]
    else:
        lines = [
            "・" + "、".join((row[0], *(f"{head} {cell}" for head, cell in zip(rows[0][1:], row[1:], strict=True))))
            for row in rows[1:]
        ]
    page.lines = [sentence, *lines] if draw.chance(0.5) else [*lines, sentence]
    if draw.chance(0.6):
        page.lines.insert(0, page.said(_HEADS))


_RECIPE = wordings(
    """
    {_dish}（{n}人分）の[作り方|材料]：[しょうゆ|みりん|酒]大さじ{_n}、砂糖小さじ{_n}、水{_nn}0ml。
    [鍋|フライパン]を中火にかけ、{_nn}0gの[大根|豆腐|鶏肉|栗]を{_n}cm角に切って入れる。
    1{_n}0℃の[油で|オーブンで]{_nn}分、[きつね色になるまで|表面が乾くまで]焼く。
    塩{_n}g（小さじ1/{_n}）を[加え|ふり]、{_n}分[おく|煮る]。1人分およそ{_nn}{_n}kcal。
    """
)
_SPECIFICATION = wordings(
    """
    {product}：幅{_nn}0mm×奥行{_nn}0mm×高さ{_nn}0mm、[重さ|質量]{_decimal}kg。
    消費電力は{_nn}W（100V・50/60Hz）、[連続|]使用時間は約{_n}時間。
    [耐荷重|最大容量]{_nn}kg、使用温度-{_n}℃〜{_nn}℃、湿度{_nn}％以下。
    [回転数|送り速度]は毎分{_nn}0回転で、[騒音|誤差]は{_decimal}[dB|％]以内に[おさまる|とどまる]。
    価格は{_price}円（税抜）、保証期間は{_n}年。
    """
)
_WEATHER = wordings(
    """
    {_town}の{month}月{_day}日の最高気温は{_decimal}℃、最低気温は{_n}.{_n}℃、降水確率{_percent}％。
    {_town}では{_hour}時までの{_n}時間に{_decimal}mmの雨を[観測した|記録しました]。
    [風速|最大瞬間風速]は{_n}.{_n}m/s、波の高さは{_n}メートル[です。|。]
    積雪は{_nn}cmで、平年より{_n}cm[多い|少ない]。湿度{_nn}％、気圧10{_nn}hPa。
    """
)
_MONEY = wordings(
    """
    {firm}の{_year}年{_month}月期の売上高は{_big}百万円（前年同期比{_decimal}％[増|減]）[だった|でした]。
    営業利益は{_nn}億{_n}千万円、[利益率|経常利益率]は{_decimal}％[となった|となりました]。
    1株あたり{_nn}円{_nn}銭の配当を[予定する|見込みます]。
    {_nn}店舗のうち{_n}店舗を[閉め|改装し]、投資額は{_decimal}億円に[のぼる|なる見通し]。
    [為替|想定]レートは1ドル＝1{_nn}円、1ユーロ＝1{_nn}円。
    """
)
_JOURNEY = wordings(
    """
    {_town}から{_town}まで{_decimal}km、標高差{_nn}0m、[歩いて|自転車で]{_n}時間{_minute}分[かかった|かかりました]。
    {_hour}時{_minute}分に出発し、{_n}km先の{_place}で{_n}0分[休んだ|休みました]。
    [入館料|運賃]は大人{_nn}0円、子ども{_nn}円、[駐車場|貸し自転車]は1時間{_n}00円[です。|。]
    [荷物|リュック]は{_n}.{_n}kg、水は{_n}リットル[持った|持ちました]。心拍数は毎分1{_nn}回。
    """
)
_SPORT = wordings(
    """
    {_bare}が{_bare}を{_nn}対{_n}で[下した|破りました]。観衆{_big}人、試合時間{_n}時間{_minute}分。
    {_family}は{_nn}打数{_n}安打、打率.{_nn}{_n}、{_n}本塁打[で首位|]。
    男子{_n}00mは{_family}が{_nn}秒{_nn}で優勝、2位とは0秒{_nn}差[だった|でした]。
    走り幅跳び{_n}m{_nn}、砲丸投げ1{_n}m{_nn}はいずれも[大会新|自己最高]。
    """
)
_KINDS = (_RECIPE, _SPECIFICATION, _WEATHER, _MONEY, _JOURNEY, _SPORT)


def numbers(page: Page) -> None:
    """Sentences of one sort or two with more figures than words."""
    draw = page.draw
    lines = page.some(draw.pick(_KINDS), draw.between(3, 5))
    lines += page.some(draw.pick(_KINDS), draw.between(1, 5))
    page.lines = lines if draw.chance(0.5) else ["".join(lines[place : place + 3]) for place in range(0, len(lines), 3)]
    if draw.chance(0.4):
        page.lines.insert(0, page.said(_HEADS))
