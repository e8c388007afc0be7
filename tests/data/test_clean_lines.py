"""Lines of the page around a text: what is taken out, and what short lines stay."""

import pytest

from studylib.data.clean import Batch
from studylib.data.document import Document
from studylib.spec.cleaning import CleanerSpec

BODY = "昨日の雨で川の水が増え、渡し船は昼まで出なかった。待っている間、茶屋で団子を食べた。"
MORE = "午後になって雲が切れ、対岸の桜が見えた。船頭は「明日は晴れる」と言った。"
AROUND = {
    "menu": [
        "トップ | 会社案内 | 製品情報 | お問い合わせ",
        "ホーム ＞ 旅の記録 ＞ 渡し船に乗る",
        "【トップ】【旅の記録】【掲示板】【リンク集】",
        "HOME　プロフィール　ギャラリー　リンク集　お問い合わせ",
        "旅の記録／写真館／掲示板／リンク集／検索",
        "» サイト内検索",
    ],
    "share": [
        "この記事をシェアする",
        "ツイート Facebook LINE Pocket はてなブックマーク",
        "この記事は役に立ちましたか？　はい　いいえ",
        "58人が「いいね！」と言っています。",
    ],
    "counter": ["コメント(3)", "閲覧数：1,234", "3件のコメント", "あなたは12,345人目の訪問者です", "全120件中 1件を表示", "最終更新日：2019年4月1日"],
    "cookie": [
        "当サイトではCookieを使用しています。閲覧を続けると、その使用に同意したことになります。",
        "ご利用のブラウザのJavaScriptを有効にしてください。",
    ],
    "related": ["関連記事：川を渡る／橋の話", "カテゴリー：旅　コメント：0件", "続きを読む", "タグ：川, 船, 春"],
    "login": ["ログインはこちら", "パスワードをお忘れの方はこちら"],
    "advert": ["スポンサーリンク", "PR　旅の鞄なら山田商店", "【送料無料】軽い鞄"],
    "footer": ["Copyright (C) 2012 川の記録. All Rights Reserved.", "▲ページの先頭へ戻る", "プライバシーポリシー", "無断転載を禁じます。"],
}  # fmt: skip


def judged(text, **options):
    return CleanerSpec(cleaner="lines", **options).built().judge(Batch([Document(text)]))


@pytest.mark.parametrize(("kind", "line"), [(kind, line) for kind, lines in AROUND.items() for line in lines])
def test_a_line_of_the_page_goes_wherever_it_stands(kind, line):
    for text in (f"{line}\n{BODY}\n{MORE}", f"{BODY}\n{line}\n{MORE}", f"{BODY}\n{MORE}\n\n{line}"):
        found = judged(text)
        assert found.reasons == [""]
        (span,) = found.spans[0]
        assert text[span.start : span.stop] == line
        assert found.texts[0].split("\n") == [one for one in text.split("\n") if one != line and one] or (
            found.texts[0].split("\n\n")[0] == f"{BODY}\n{MORE}"
        )
        assert found.counts == {span.kind: 1}
        assert span.kind == kind


def test_what_is_taken_out_leaves_the_text_as_it_was():
    lines = [line for some in AROUND.values() for line in some]
    text = "\n".join([*lines[:12], BODY, *lines[12:20], MORE, BODY, *lines[20:]])
    found = judged(text, max_taken=1.0)
    assert found.texts == [f"{BODY}\n{MORE}\n{BODY}"]
    assert sorted(text[one.start : one.stop] for one in found.spans[0]) == sorted(lines)


def test_names_that_may_be_words_go_only_among_their_like():
    block = "ホーム\n会社概要\nアクセス\n採用情報\nお問い合わせ"
    assert judged(f"{block}\n{BODY}\n{MORE}").texts == [f"{BODY}\n{MORE}"]
    assert judged(f"旅の記録\n{block}\n{BODY}").texts == [f"旅の記録\n{BODY}"]  # a headline above is the text's
    for name in block.split("\n"):
        alone = f"{name}\n{BODY}\n{MORE}"
        assert judged(alone).texts == [alone]


def test_items_with_counts_and_months_of_an_archive_are_a_menu():
    block = "旅行記 (12)\n料理（5）\n» 写真\n2018年10月（3）\n2018年9月\nカテゴリー"
    assert judged(f"{BODY}\n{MORE}\n{block}").texts == [f"{BODY}\n{MORE}"]
    assert judged(f"{BODY}\n旅行記 (12)\n{MORE}").spans == {}


@pytest.mark.parametrize(
    "text",
    [
        "品名 | 値段 | 産地\nりんご | 120円 | 青森\nみかん | 80円 | 愛媛\n梨 | 200円 | 鳥取",
        "| 項目 | 内容 |\n|---|---|\n| 検索 | 文字を探す |\n| 印刷 | 紙に出す |",
        "地域\t人口\t観光\n北町\t3,210\t寺\n南町\t8,400\t港",
        "地域 人口 観光 文化\n北町 3,210 寺 祭り\n南町 8,400 港 市場",
        "春の川 ひとり渡れば 水の音\n雪の朝 犬の足あと つづく道\n秋風や 港に古き 舟ひとつ",
        "「検索」\n「いいね」\n「コメント」\n「次へ」\n「ログイン」",
        "# 検索\n// メニュー\nint top = a | b | c;\nif (x > y) { home(); }\nreturn page > 0 || more;",
        "## 関連記事\n\n" + BODY,
        "太郎：もう帰るの。\n花子：うん、雨だから。\n太郎：傘は。\n花子：ある。",
        "東京＞大阪＞名古屋の順に人口が多い。\n札幌→東京→大阪と乗り継いだ。",
        "クッキーは湿気を避けて保存する。三日は持つ。\n" + BODY,
        "全長 12.4 m\n幅 3.1 m\n重さ 820 kg\n定員 8 人\n航続距離 310 km",
        "一、北町水利組合議事録\n二、南町小学校年報\n三、港湾調査報告第三号",
        BODY,
    ],
)
def test_short_lines_of_a_text_stay(text):
    found = judged(text)
    assert (found.reasons, found.texts, found.spans) == ([""], [text], {})


def test_a_text_about_cookies_keeps_its_lines():
    sentences = [
        "サイトがCookieを使用する目的は三つある。",
        "ブラウザの設定でCookieを拒否できる。",
        "Cookieの使用に同意を求めるサイトも多い。",
    ]
    assert judged("\n".join(sentences)).texts == ["\n".join(sentences)]
    assert judged(f"{BODY}\n{sentences[0]}").texts == [BODY]


def test_a_page_that_is_mostly_menus_goes():
    menu = "\n".join(line for some in AROUND.values() for line in some)
    assert judged(f"{menu}\n短い文。").reasons == ["mostly menus"]
    assert judged(f"{menu}\n短い文。", max_taken=1.0).reasons == [""]
    assert judged(f"{BODY}\nコメント(3)").reasons == [""]
