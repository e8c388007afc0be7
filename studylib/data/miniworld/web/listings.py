"""Code with Japanese comments, between sentences about it."""

from __future__ import annotations

from studylib.data.miniworld import code_js, code_python
from studylib.data.miniworld.web.page import Page, wordings

_COMMENTS = wordings(
    """
    [ここで|まず]{_thing}の[数|表]を[用意する|読み込む]
    {_topic}に[使う|必要な]値を[計算|準備]する
    TODO: {_family}に[確認|相談]する
    [境界値|空の場合|負の値]に注意
    {_year}/{_month}/{_day} [修正|追加]
    [戻り値|引数]は[整数|文字列|一覧]
    [以前|前の版]は{_nn}を直接[書いて|返して]いた
    [念のため|最後に]結果を[確かめる|検算する]
    """
)
_BEFORE = wordings(
    """
    {_field}の[データ|記録]を[扱う|集計する][小さな|]プログラムを書いてみました。
    [前回|先週]の続きです。[今回|今日]は{_thing}の[数え方|並べ替え]を[考えます|試します]。
    [次の|以下の]コードは、{_town}の[資料|統計]をもとにした[練習問題|例]である。
    {_job}の[ための|仕事を助ける][スクリプト|関数]。[動作確認済み|実行には何も要らない]。
    """
)
_AFTER = wordings(
    """
    [実行|動か]すと、[何も表示されずに終わります|検査がすべて通る]。
    [間違い|もっとよい書き方]が[あれば|見つかれば][教えてください|コメントをどうぞ]。
    {_nn}行[ほど|足らず]だが、{_topic}の[計算|確認]には[十分|これで足りる][である|だと思う]。
    [次回|来週]は[速度|例外の扱い]に[ついて書きます|触れる予定です]。
    """
)


def code(page: Page) -> None:
    """A module of the register ``code`` with comments of its own, as a page about programming shows it."""
    draw = page.draw
    python = draw.chance(0.7)
    source = (code_python if python else code_js).module(page.world, draw)
    mark, beginnings = (
        ("#", ("def ", "class ", "assert ", "    return")) if python else ("//", ("function ", "const ", "  return"))
    )
    lines: list[str] = []
    missing = draw.between(2, 4)  # comments, then by chance
    for line in source.strip().split("\n"):
        if line.startswith(beginnings) and (missing > 0 or draw.chance(0.3)):
            missing -= 1
            indent = line[: len(line) - len(line.lstrip())]
            lines.append(f"{indent}{mark} {page.said(_COMMENTS)}")
        if line or not lines or lines[-1]:
            lines.append(line)
    if draw.chance(0.4):
        lines = ["```" + draw.pick(("", "python" if python else "js")), *lines, "```"]
    page.lines = ["\n".join(lines)]
    if draw.chance(0.8):
        page.lines.insert(0, page.said(_BEFORE))
    if draw.chance(0.5):
        page.lines.append(page.said(_AFTER))
