"""Pages that sell: advertising, search-engine padding, affiliate templates, and what word lists are for."""

from __future__ import annotations

from collections.abc import Sequence

from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.grammar import Template
from studylib.data.miniworld.web.page import Page, wordings

_SALES = wordings(
    """
    [今だけ|本日限り|期間限定|{month}月{_day}日まで]！{_product}が[なんと|驚きの|特別価格]{_price}円[（税込）|]！
    ★[送料無料|代引手数料無料|ポイント{_n}倍]★　{_firm}[公式通販|オンラインショップ|直営店]
    在庫[残りわずか|一掃|限り]につき[、|]お[早めに|急ぎください]！
    【{_percent}％OFF】{_material}{_goods}[セット|{_n}点セット|]　通常{_price}円→{_price}円
    [ご注文|お申し込み]は[今すぐ|いますぐ]こちら[から|][→|⇒|▼▼▼]
    [累計|シリーズ累計]{_big}個[突破|販売]！[満足度|リピート率]{_nn}％の{_product}
    [当店|{_firm}]だけの[特典|限定価格]！[さらに|しかも]{_goods}を[もれなく|先着{_nn}名様に]プレゼント！
    {_product}をお探しの[方|あなた]へ[。|！][他店より1円でも高い|もっと安い店があった]場合は[ご相談|お知らせ]ください[！|]
    {town}で[創業{nn}年|地域一番]、[{goods}|{_goods}]の[ことなら|専門店]{firm}[へ|です|]！
    [ただいま|いま]{_goods}を[お買い上げ|ご購入]の方に{_thing}[プレゼント中|を進呈]
    [モニター|先行予約]募集！[先着|抽選で]{_nn}名様に{product}を[無料で|]お届け
    [テレビ|雑誌|ラジオ]で[紹介|話題]の{_product}、[ついに|いよいよ][入荷|発売]
    [返品|返金]保証つきだから[安心|はじめてでも安心][♪|！|]
    {_material}製{_goods}が[まとめ買い|{_n}点以上]で[さらに|もっと]{_percent}％[お得|引き]
    [乗り換え|買い替え]なら[今|{month}月中]が[お得|チャンス]！最大{_price}円[キャッシュバック|値引き]
    [アウトレット|訳あり]{_goods} {_price}円[均一|より]　[数量限定|売り切れ御免]
    [駅から徒歩{_n}分|駐車場{_nn}台完備]！[毎月|毎週]{_day}日は[特売日|ポイント{_n}倍デー]
    ＼[早い者勝ち|大人気|ランキング1位]／　{_product}　{_price}円[～|]
    [お電話|FAX|インターネット]で[簡単|かんたん]注文、[翌日|即日]お届け[！|♪]
    ☆☆☆[{season}|{month}月]の[大感謝祭|決算セール|特別企画]開催中☆☆☆
    [出張|見積もり|査定]無料！{_bare}[全域|周辺]なら{_firm}に[おまかせ|お任せください]
    {_goods}の[高価買取|買い取り]なら{_firm}！[どんな|壊れた]{_goods}でも[OK|歓迎]！
    分割払い[OK|可能]！月々{_price}円から[{_product}が手に入る|]
    [初回限定|お一人様{_n}点まで] {_price}円 [カートに入れる|購入手続きへ]
    この[チャンス|機会]を[お見逃しなく|逃さないで]！
    {_thing}にも使える[！万能|！話題の|]{_product}が[新登場|再入荷]！
    [会員登録|メルマガ登録]で{_price}円分[クーポン|ポイント][進呈|プレゼント][！|♪]
    """
)
_ORDERS = wordings(
    """
    [ご注文|お申し込み|お問い合わせ]は[お電話|フリーダイヤル]で[！|。] {PHONE}[（{_hour}時まで）|（年中無休）|]
    [TEL|電話|☎][：| |]{PHONE}　[FAX|ファックス][：| |]{PHONE}
    [ご相談|資料請求]は{EMAIL}まで[お気軽に|][！|]
    {POSTAL} {ADDRESS}　{firm}[本店|{_bare}店|]　電話 {PHONE}
    """
)
_QUERIES = wordings(
    """
    {goods} [格安|激安|最安値|通販|送料無料|中古|新品|比較|価格|在庫あり]
    {goods} [おすすめ|人気|ランキング|口コミ|評判|効果|選び方|使い方|ブランド]
    {goods} {material} [通販|おしゃれ|業務用|プレゼント|販売店|どこで買える]
    {_bare} {goods} [店|修理|買取|持ち込み|専門店|安い]
    {product} [公式|口コミ|評判|レビュー|解約|最安値|値段]
    {_goods} {_material} [人気|格安|2点セット|ギフト]
    {town} {_thing} [教室|体験|料金|予約|アクセス|駐車場]
    """
)
_STUFFED = wordings(
    """
    {goods}をお探しなら、{goods}の[専門サイト|比較サイト|まとめ]で{goods}を[比べて|選んで|見つけて][ください|みませんか]。
    [人気|話題|評判]の{goods}は、{goods}の中でも[特に|とくに|もっとも]{goods}らしい{goods}[です|といえます]。
    {town}で{goods}といえば{firm}の{goods}、{goods}の[口コミ|評判]も{goods}のランキングも[1位|上位][です|でした]。
    {goods}の[選び方|価格|通販]、{goods}の[相場|値段]、{goods}の[おすすめ|格安情報]など、{goods}に関する[情報が満載|話題を集めました|すべて]。
    {material}の{goods}、{_material}の{goods}、{_material}の{goods}など{goods}の種類も[豊富|いろいろ|さまざま][です|]。
    [激安|格安|最安値]{goods}なら{goods}[激安|格安]通販の{goods}[ショップ|ドットコム|本舗]へ。
    [では|さて]、{goods}とは[何|どんなもの|いったい何]でしょうか。
    {goods}[について調べてみた|のことをまとめた]ので、{goods}が気になる方は{goods}の記事を[ご覧|チェックして]ください。
    {goods} {town}で[検索した方|探す人]は、{goods} {_bare}や{goods} {_bare}[でも検索しています|も見ています]。
    {goods}の[口コミ|レビュー]を{nn}件、{goods}の[写真|画像]を{_nn}枚[掲載|紹介]。{goods}[ファン|好き]必見！
    {goods}選びで[失敗|後悔]しないために、{goods}の[プロ|専門家]が{goods}の[基本|すべて]を[解説|伝授]します。
    {year}年[最新版|版]の{goods}[ランキング|比較表]。{goods}[初心者|選び]はまず{goods}の[価格|素材]から。
    {goods}を[買うなら|安く買う]、{goods}が[欲しい|必要]、{goods}を[修理したい|売りたい]、{goods}の[悩み|疑問]は{site}が[解決|お答え]。
    [東の|西の]{_bare}、[西の|北の]{_bare}、どこでも{goods}。{_bare}の{goods}も{_bare}の{goods}も{goods}なら[おまかせ|同じ値段]。
    """
)
# One affiliate programme gives all its sites the same text; a hole each for the shop, the goods and the figures.
_PITCHES = (
    wordings(
        """
        【[衝撃|暴露|検証]】{product}の[口コミ|評判]は[本当|嘘]？[実際に|]試してみた結果…
        {product}は効果なし？[悪い口コミ|リアルな評判]を[徹底調査|まとめました]
        {firm}の{product}を{n}か月使った[本音|正直な]レビュー
        【{year}年】{product}を[解約|返品]する前に[知って|読んで]おきたい{n}つのこと
        {product}と[他社製品|類似品]を[比べた|並べてみた]！[違いは|選ばれるのは]どっち
        [もう迷わない|後悔しない]！{goods}選びの[決定版|新常識]、{product}とは
        """
    ),
    wordings(
        """
        [こんにちは|はじめまして]、{site}の{family}です。今回は[話題|人気]の「{product}」について[詳しく|]ご紹介します。
        「{product}って[実際|本当のところ]どうなの？」[と思って|と気になって]いませんか？
        最近[よく|テレビや雑誌で]見かける{firm}の{product}。[気になって|購入を迷って]いる方も多いと思います。
        [私|わが家]も[以前|ずっと]{goods}の[置き場所|手入れ|音]に悩んでいました。[そんなとき|そこで]出会ったのが{product}です。
        {job}の[友人|知人]に[勧められて|聞いて]、[半信半疑で|思い切って]{product}を[注文|購入]しました。
        {goods}は[星の数ほど|{big}種類も]あり、[どれを選べばよいか|何が違うのか]わからない…という声を[よく|]聞きます。
        """
    ),
    wordings(
        """
        結論から言うと、{product}は[買い|おすすめ]です。[その理由|ポイント]は次の{n}つ。
        この記事を読めば、{product}の[メリット|特徴]と[デメリット|注意点]が[すべて|まるごと]わかります。
        [先に|最初に]言っておくと、{product}は[万人向け|安い買い物]ではありません。[それでも|でも]選ばれる理由があります。
        {firm}独自の[技術|設計]で、[軽さ|丈夫さ|静かさ]は[従来品|これまで]の{n}倍[。|だとか。]
        特徴その{n}：{material}を[ぜいたくに|すみずみまで]使った[高級感|つくり]。[見た目|手ざわり]も[◎|文句なし]。
        [届いた日|箱を開けた瞬間]に「[これだ|当たりだ]」と思いました。[写真|画像]では伝わらない[質感|大きさ]です。
        """
    ),
    wordings(
        """
        ■{product}の[口コミ|評判]　[良い|★5]「[届いてすぐ|使い始めて{n}日で]違いがわかりました。（{n}0代・[女性|男性]）」
        [利用者|愛用者]の声：「もっと早く[買えば|知れば]よかったです」（{nn}歳・{job}）
        口コミを{nn}件調べたところ、{percent}％の人が[満足|また買いたい]と[回答|答え]ていました。
        ☆4.{n}　「[母|父|子ども]への贈り物に[しました|選びました]。[毎日|大事に]使ってくれています」
        [SNS|掲示板]でも「{product}[最高|手放せない|二つ目も買った]」という[投稿|声]が[続々|目立ちます]。
        """
    ),
    wordings(
        """
        一方で「[値段が高い|届くのが遅い|思ったより小さい]」という[声|口コミ]も[一部|少し]ありました。
        悪い口コミとしては「[色|大きさ]が[イメージ|写真]と違った」というものがありますが、[個人差|感じ方の違い]でしょう。
        [デメリット|残念な点]は[公式サイト|通販]でしか[買えない|手に入らない]ことです。
        [正直に|あえて]言えば、[説明書|箱]が[わかりにくい|大きすぎる]のが[難点|マイナス]。
        [人気のため|品薄で]届くまで{n}週間[待ちました|かかることも]。[待つ価値はあります|早めの注文が安心です]。
        """
    ),
    wordings(
        """
        [最安値|一番お得]なのは公式サイトです。[大手通販|量販店]では{price}円、公式なら{percent}％オフの[特別価格|キャンペーン中]。
        価格を比較すると、[店頭|他店]では{price}円前後。[今なら|現在]公式サイトで[初回|]{percent}％割引[です|になります]。
        {product}の定価は{price}円ですが、[こちらのリンク|下のボタン]からなら{percent}％[引き|オフ]で[購入|申し込み]できます。
        [定期コース|まとめ買い]なら1[回|点]あたり{price}円、[送料|手数料]は[無料|かかりません]。
        [楽天|密林|通販大手]と[公式|直営店]の値段を[表|一覧]にすると、差は{percent}％もありました。
        """
    ),
    wordings(
        """
        ▼[公式サイト|詳細]はこちら▼
        [⇒|>>>]{product}の[公式サイト|キャンペーンページ]を[見る|チェックする]
        【公式】{firm}　{product}の[お申し込み|購入]はこちら
        ＼[在庫あり|いまだけ]／　[{firm}の|]{product}を[見てみる|注文する]
        [→|➡]　[無料見積もり|サンプル請求|購入手続き]　[{n}分で完了|かんたん入力]
        """
    ),
    wordings(
        """
        [まとめ|最後に]：{product}は{job}にも[人気の|選ばれている][一品|商品]です。[迷っている|気になる]方は[ぜひ|一度]試して[みて|]ください[。|ね。]
        いかがでしたか？{product}は[在庫|数]に限りがあるので、[売り切れる前|お早め]に[どうぞ|チェックしてください]。
        以上、{product}の[レビュー|口コミまとめ]でした。[最後まで|]お読みいただき[ありがとうございました|感謝します]。
        [この記事|このページ]が{goods}選びの[参考|お役]に[なれば|立てば]うれしいです。
        ※[価格|情報]は{year}年{month}月[現在|時点]の[もの|調査]です。[最新の|正確な][内容|値段]は公式サイトで[ご確認|お確かめ]ください。
        [それでは|では]、[次の|よい]{goods}[選び|ライフ]を！
        """
    ),
)
_ADULT = wordings(
    """
    [18歳未満|18才未満|未成年]の方の[閲覧|入場|利用]は[固くお断り|ご遠慮ください][します|]。
    [アダルト|成人向け|大人向け|R18]の[動画|写真|ゲーム|小説|サイト]が[見放題|毎日更新|{_big}本以上]！
    {_bare}[周辺|近郊|エリア]で[大人の出会い|今夜会える相手|割り切った関係]を[探す|見つける]なら[{site}|こちら]
    [出会い系|アダルトチャット|テレクラ][サイト|][の決定版|ランキング{_n}位][！|★]
    [無修正|素人|人気女優][動画|作品][を|が][無料|{_n}日間無料]で[配信中|ダウンロード]
    [女性|男性]会員[急増|大募集]！[完全無料|登録無料]の[大人の|秘密の]掲示板
    [年齢確認|入口][：|　][あなたは18歳以上ですか？|18歳以上の方だけ]　[はい|ENTER]　[いいえ|EXIT]
    [セフレ|不倫|パパ活][募集|相手]{_nn}人[が{_bare}に|][待機中|登録済み]！[写メ|プロフィール][あり|公開]
    [巨乳|美熟女|コスプレ][専門|好き]の[動画|画像][まとめ|掲示板]　[毎日|毎週]{_nn}本[追加|更新]
    [ラブホテル|個室ビデオ|ストリップ劇場]の[割引券|営業時間]　{_bare}[駅|インター]から{_n}分
    [過激|禁断|秘蔵]の[映像|写真集]を[{_price}円で|無料で][お届け|公開]　[モザイクなし|サンプルあり]
    [愛人|逆援助|大人の交際][バンク|クラブ]{site}は[女性|初回][無料|{_price}円]
    {_bare}の[風俗|デリヘル|キャバクラ|ソープ][求人|情報][なら|][高収入|日払い|体験入店]
    [エッチ|Ｈ|セクシー]な[おねえさん|人妻|女の子]が[待ってる|待機中][♪|♥|！]
    [精力剤|大人のおもちゃ|アダルトグッズ]の[通販|専門店]　[秘密厳守|匿名配送]　{_price}円
    """
)
_GAMBLING = wordings(
    """
    [オンラインカジノ|ネットカジノ|ライブカジノ][なら|の]{site}！[入金不要|登録]ボーナス{_nn}ドル[進呈|プレゼント]
    [初回入金|ウェルカム]ボーナス{_percent}0％、[賭け条件|出金条件]は{_nn}倍
    [スロット|バカラ|ルーレット|ブラックジャック|ポーカー]で[一攫千金|勝率{_nn}％|億万長者]！
    フリースピン{_nn}回[無料|プレゼント]！[今すぐプレイ|いますぐ登録]
    [パチンコ|パチスロ|スロット][必勝法|攻略法|裏技][を|][公開|伝授][！|中]　{_bare}[店|のホール]の[設定|出玉]情報
    [競馬|競艇|競輪|オートレース][予想|情報][会社|サイト]の[的中率|回収率]{_nn}％！[{_month}月{_day}日の|本日の]買い目[を無料公開|配信]
    [ブックメーカー|スポーツベット]の[オッズ|賭け方][比較|解説]　[{_bare}戦|決勝戦]は{_decimal}倍
    [ジャックポット|大当たり]{_big}万円[獲得者|当選者]が[続出|また出ました][！|！！]
    [仮想通貨|電子マネー]で[入出金|賭け金の支払い]OK　[出金|換金][スピード|]最短{_n}分
    [宝くじ|ロト|数字選択くじ][予想|当選番号][ソフト|の法則]で[高額当選|毎月{_big}円]
    [賭け|ベット]る[金額|額]は{_n}ドルから[。|、][VIP会員|ハイローラー]には[キャッシュバック|特別ボーナス]
    """
)


def advertising(page: Page) -> None:
    """Sales talk, line after line."""
    draw = page.draw
    page.lines = page.some(_SALES, draw.between(5, 12))
    if draw.chance(0.4):
        page.lines.insert(0, f"{draw.pick(('◆', '■', '【', '●'))}{page.words['firm']}　{page.words['product']}")
    if draw.chance(0.3):
        joint = draw.pick(("　", "", " ", "…"))
        page.lines = [joint.join(page.lines[place : place + 3]) for place in range(0, len(page.lines), 3)]
    if draw.chance(0.35):
        page.lines.append(page.said(_ORDERS))


def seo(page: Page) -> None:
    """Words that people search for, in a row or packed into sentences."""
    draw = page.draw
    shape = draw.below(3)
    queries = [page.said(_QUERIES) for _ in range(draw.between(10, 40))]
    stuffed = page.some(_STUFFED, draw.between(4, 8))
    if shape == 0:
        joint = draw.pick((" ", "　", "、", ",", " / ", "\n"))
        page.lines = [joint.join(queries + queries[: draw.below(len(queries))])]
    elif shape == 1:
        page.lines = ["".join(stuffed), *(["".join(page.some(_STUFFED, 3))] if draw.chance(0.5) else [])]
    else:
        page.lines = [*stuffed, "　".join(queries[:12])]
    if draw.chance(0.4):
        page.lines.insert(
            0,
            f"{page.words['goods']}{draw.pick(('の激安通販', 'の口コミ', '人気ランキング', '徹底比較', '最安値情報'))}【{page.words['year']}年版】",
        )


def affiliate(page: Page) -> None:
    """One of some forty texts that all sites of a programme share, with other names in it."""
    draw = page.draw
    programme = Draw("programme", page.seed, draw.below(40))
    for part in _PITCHES:
        for place in sorted({programme.below(len(part)) for _ in range(programme.pick((1, 1, 2, 2, 3)))}):
            page.lines.append(part[place].text(page.words, programme.unit))


def adult(page: Page) -> None:
    """Advertising for grown-ups in the plainest words that a word list must know."""
    _listed(page, _ADULT)


def gambling(page: Page) -> None:
    """Advertising for games of chance."""
    _listed(page, _GAMBLING)


def _listed(page: Page, wordings: Sequence[Template]) -> None:
    draw = page.draw
    page.lines = page.some(wordings, draw.between(4, 8))
    if draw.chance(0.3):
        page.lines = ["　".join(page.lines[place : place + 2]) for place in range(0, len(page.lines), 2)]
    if draw.chance(0.3):
        page.lines.insert(draw.below(len(page.lines)), page.said(_SALES))
