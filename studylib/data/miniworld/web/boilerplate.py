"""What stands around a page's text: menus, cookie lines, counters, buttons; and pages that are nothing else."""

from __future__ import annotations

from studylib.data.miniworld.web.marks import marked
from studylib.data.miniworld.web.page import Page, wordings

_ITEMS = (
    "ホーム", "トップページ", "HOME", "会社概要", "企業情報", "アクセス", "交通案内", "採用情報", "お問い合わせ", "サイトマップ", "新着情報", "お知らせ", "商品一覧", "カテゴリー",
    "ログイン", "新規会員登録", "マイページ", "カートを見る", "よくある質問", "FAQ", "プライバシーポリシー", "個人情報保護方針", "特定商取引法に基づく表記", "利用規約", "リンク集", "RSS",
    "ブログ", "スタッフ紹介", "ギャラリー", "イベント", "資料請求", "店舗案内", "営業日カレンダー", "English", "検索", "文字サイズ", "前のページへ", "次のページへ", "ページトップへ戻る", "ご利用ガイド",
    "お客様の声", "施工事例", "料金表", "掲示板", "プロフィール", "このサイトについて", "人気記事", "最近の投稿", "アーカイブ", "タグ一覧", "バックナンバー", "メールマガジン", "動画", "写真館",
    "読者登録", "お気に入り", "ランキング", "特集", "コラム", "レシピ", "求人", "地図", "時刻表", "予約", "ニュース", "天気", "辞書", "路線", "占い", "オークション",
)  # fmt: skip
_OWN_ITEMS = wordings(
    """
    {_bare}の[観光|天気|求人|話題|店]
    {_field}[コラム|入門|教室|ニュース|の部屋]
    {_thing}[一覧|カタログ|特集|の選び方]
    {_product}
    {_goods}・{_goods}
    {_season}の{_thing}
    {_festival}[特設ページ|情報|]
    {_month}月の[予定|新着|記事]
    """
)
_JOINTS = ("|", " | ", "｜", " ＞ ", " > ", "　", " / ", "／", "・", " · ", " » ", "　|　", "  ", "】【", "] [")
_ARCHIVE = wordings(
    """
    {_year}年{_month}月 ({_nn})
    {_year}年{_month}月（{_n}）
    {_field} ({_nn})
    {_thing}[ |　][(|（]{_n}[)|）]
    {_year}/{_month}/{_day}[ 更新| |]
    ▼{_thing}
    └ {_goods}
    ○ {_bare}[店|支店|営業所|]
    {_bare}{_field}[会館|センター|教室]
    """
)
_COOKIES = wordings(
    """
    当サイトでは[、|][利便性の向上|サービスの改善]の[ため|ために、]Cookie[（クッキー）|]を使用しています。
    このサイトはCookieを使用しています。[サイトの閲覧を続けることで|閲覧を続けた場合]、Cookieの使用に同意したものとみなします。[詳細はこちら|]
    {site}は[アクセス解析|広告の配信|サービスの改善]のためにクッキーを[利用|使用]します。[同意する|すべて許可|OK] [拒否する|設定を変更|詳しく見る]
    クッキーの[使用|利用]に同意[しますか？|いただける場合は「同意する」をクリックしてください。]
    [お使いの|ご利用の]ブラウザの設定で[JavaScript|Cookie]を有効にしてください。
    We use cookies to improve {site}. [Accept all|OK] / [Settings|Reject]
    本ウェブサイトを快適に[ご利用|ご覧]いただくため、Cookieを[有効|オン]にして[ください|ご覧ください]。
    """
)
_COUNTERS = wordings(
    """
    あなたは{_big}番目の[お客様|訪問者|ご来訪者]です
    アクセスカウンター：{_big}
    [今日|本日]：{_nn}　昨日：{_nn}　[累計|合計]：{_big}
    閲覧数 {_big}回
    {_big} views
    [PV|アクセス数][：|: ]{_big}（{_year}年{_month}月{_day}日から）
    コメント({_n})　トラックバック({_n})
    全{_nn}件中 {_n}件を表示
    最終更新日：{_year}年{_month}月{_day}日[ {_hour}:{_minute}|]
    [公開日|投稿日|更新日][：| ]{_year}.{_month}.{_day}[　カテゴリ：{_field}|]
    """
)
_SHARES = wordings(
    """
    [ツイート|Tweet] [いいね！|シェア] [はてブ|B!] [LINEで送る|Pocket]
    この[記事|ページ]を[シェアする|友だちに教える|印刷する]
    [シェア|共有]：Facebook Twitter LINE[ はてな|]
    {_nn}人が「いいね！」と言っています。
    [印刷用ページ|このページを印刷]　[メールで送る|URLをコピー]
    ブログランキング[参加中|に参加しています]。クリックで応援[お願いします|よろしく]！
    この[記事|ページ]は[役に立ちましたか|参考になりましたか]？　はい　いいえ
    """
)
_LOGINS = wordings(
    """
    ようこそ[、|　]ゲストさん[　ログイン|（ログイン）| [新規登録|会員登録]]
    [ユーザー名|会員番号|メールアドレス]　パスワード　□[次回から自動ログイン|ログイン状態を保持]
    [パスワードを忘れた方|はじめての方]はこちら
    コメントを[書く|投稿する]には[ログイン|会員登録]が必要です
    カートの中身：{_n}点　合計：{_price}円（税込）
    [サイト内検索|キーワードから探す|検索][：|　検索する|　GO]
    """
)
_ADVERTS = wordings(
    """
    スポンサーリンク
    [PR|【PR】|AD|広告]　{_product}なら{_firm}
    [PR|【広告】] {_thing}を[探す|比べる|学ぶ]なら「{site}」
    【[送料無料|期間限定|{_percent}％オフ]】{_firm}の{_product}
    ▼[あわせて買いたい|こちらもおすすめ]▼　{_product}
    [アプリで|無料で]続きを読む
    """
)
_RELATED = wordings(
    """
    [関連記事|関連リンク|あわせて読みたい]：{_thing}[の歴史|の選び方|と暮らす|入門] / {_bare}の{_thing}
    [前の記事|← 前へ]　{_thing}と{_field}　[次の記事|次へ →]　{_season}の{_bare}
    [人気の記事|人気記事]　1. {_thing}の[手入れ|基本]　2. {_bare}を歩く　3. {_field}の道具
    [タグ|キーワード]：{_field}、{_thing}、{_bare}[、{_season}|]
    カテゴリー：[{_field}|{_thing}|未分類|日記]　コメント：{_n}件
    """
)
_FOOTERS = wordings(
    """
    Copyright [©|(C)|(c)] {_year}[-{year}|] {site}. All [R|r]ights [R|r]eserved.
    © {_year} {_firm}
    [当サイト|本サイト|{site}]に掲載[された|されている]文章・画像の無断転載を[禁じます|お断りします]。
    Powered by [{site}|WebPage Maker|MiniCMS]　Designed by {_family}工房
    運営：{_firm}　[会社概要|お問い合わせ|特定商取引法に基づく表記]
    ▲[ページの先頭へ|ページトップへ|このページの上へ][戻る|]
    推奨ブラウザ：[最新版の|]Chrome、Firefox、Edge
    """
)
_HEADS = (("menu", 0.6), ("cookie", 0.25), ("login", 0.2), ("advert", 0.12), ("counter", 0.2))
_TAILS = (("share", 0.4), ("related", 0.35), ("counter", 0.2), ("advert", 0.15), ("menu", 0.3), ("footer", 0.6))
_WORDINGS = {
    "cookie": _COOKIES, "counter": _COUNTERS, "share": _SHARES, "login": _LOGINS, "advert": _ADVERTS, "related": _RELATED, "footer": _FOOTERS,
}  # fmt: skip


def _items(page: Page, count: int) -> list[str]:
    draw, found = page.draw, dict[str, None]()
    while len(found) < count:
        found[page.said(_OWN_ITEMS) if draw.chance(0.25) else draw.pick(_ITEMS)] = None
    return list(found)


def menu(page: Page) -> str:
    """One line of a menu, or a trail of crumbs."""
    draw = page.draw
    if draw.chance(0.25):
        joint = draw.pick((" > ", " ＞ ", " › ", " » ", "＞"))
        return joint.join([draw.pick(("ホーム", "トップ", "TOP", "HOME")), *_items(page, draw.between(2, 3))])
    joint = draw.pick(_JOINTS)
    ends = {"】【": "【{}】", "] [": "[{}]"}.get(joint, draw.pick(("{}", "{}", "{}", "≫ {}", "{}　")))
    return ends.format(joint.join(_items(page, draw.between(4, 9)))).rstrip()


def around(page: Page) -> None:
    """Put boilerplate before and behind the lines of the page, each line with its span."""
    before, after = (
        [_line(page, kind) for kind, share in some if page.draw.chance(share)] for some in (_HEADS, _TAILS)
    )
    if not before and not after:
        after.append(_line(page, "footer"))
    page.lines = [*before, *page.lines, *after]


def _line(page: Page, kind: str) -> str:
    return marked(kind, menu(page) if kind == "menu" else page.said(_WORDINGS[kind]))


def menus(page: Page) -> None:
    """A page of nothing but menus: lines and columns of links, archives, cookie lines, buttons."""
    draw = page.draw
    shape = draw.below(4)
    if shape == 0:  # one menu, come back with every frame of the page
        line = menu(page) + draw.pick(("|", "｜", "　", "\n", "\n"))
        page.lines = [(line * draw.between(4, 14)).strip()]
    elif shape == 1:  # columns
        page.lines = [draw.pick(("", "・", "■", "» ", "- ")) + one for one in _items(page, draw.between(14, 40))]
    else:
        page.lines = [menu(page) for _ in range(draw.between(2, 5))]
    if shape != 0 or draw.chance(0.3):
        page.lines += [page.said(_ARCHIVE) for _ in range(draw.between(0, 18))]
        page.lines += [page.said(_WORDINGS[draw.pick(tuple(_WORDINGS))]) for _ in range(draw.between(1, 5))]
    if draw.chance(0.4):
        page.lines.insert(0, page.words["site"])
