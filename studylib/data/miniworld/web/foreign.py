"""Pages in other languages, and Japanese that a machine made of English."""

from __future__ import annotations

from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.register.ja import JA
from studylib.data.miniworld.web.page import Page, wordings

_TRANSLATED = wordings(
    """
    [それ|これ]は{town}の中に位置される{field}の[とても有名な|偉大な]場所です。
    [彼|彼女]は[彼の|彼女の]父と[彼の|彼女の]母と一緒に{town}に住んでいることを持っていました。
    あなたは[私たちの|あなたの]{goods}を使用することができます[、それは良いです|それが必要なとき]。
    この{goods}は{material}で作られ、それはそれを[非常に|とても]強いにします。
    {year}年に、[彼|彼女|それ]は{firm}に加わりました、そして[彼|彼女]は{topic}の上で働きました。
    [彼ら|それら]は{n}人の子供たちを持っており、[彼ら|それら]のすべては幸せです。
    {thing}の[重要性|使用]は[誇張|強調]されることができない、[なぜなら|だから]それは{topic}を助けるから。
    私は[強く|高く]この[product|場所|{goods}]を[推薦|おすすめ]します[あなたの家族のために|誰にでもそれを必要とする]。
    ここに[ある|あります]いくつかの[ヒント|チップス]のための{thing}を選択すること。
    [もし|もしも]あなたが{town}を訪問するならば、あなたは[見逃す|失敗する]べきではない{festival}。
    [彼|彼女]の最初の本は呼ばれました「{work}」、そしてそれは{big}のコピーを売りました。
    {season}の中で、天気は[とても|大変]寒いです、そう暖かい服をもたらしてください。
    [それ|彼]は言われている、[彼|それ]が{species}を発見した最初の[人間|男]であったことが。
    この[quality|service|delivery]は[very|とても] 良いでした、[thank you|ありがとう]とても{firm}。
    [私たちのチーム|当社]の[専門家|エキスパート]はあなたを助けることを[愛する|楽しみに見る]でしょう。
    より多くの[情報|詳細]のために、ここを[クリックして|打って]ください、または[私達に|我々に]接触してください。
    [彼女|彼]は取った[長い|多くの]時間を理解するために{topic}、しかし[ついに|最後に]それは[作られた|働いた]。
    {person_en} は生まれた {town_en} において、{old_year}、そして学んだ {field_en}。
    {product_en} を[買う|得る]ことは[簡単|イージー]です：[単に|ただ]クリックする[ボタン|add to cart]、そして待つ。
    [その|この]{job}は彼自身を[見つけた|発見した]前に{place}、どこで彼は{thing}を持っていた。
    [最良の|ベスト]の{n}の{thing_en} [in|の] {year}年：[レビュー|究極のガイド]と買うこと案内
    それは[雨|犬と猫]を降らせていた、しかし[彼女は|彼は]彼女の{thing}を[忘れなかった|家に残した]。
    [何が|なに]作るそれを特別な？[それは|その]{material}の{goods}です[そこに|あなたが見ることができる]。
    [さらに|その上に]、[彼|それ]は持っています{n}つの理由、[なぜ|どうして]{field}は[重要な|大切な]。
    [一方で|他の手では]、価格{price}円は[少し|ビット]高い、しかしそれは[価値がある|それを worth です]。
    {job}としての[彼の|彼女の]キャリアは[始めた|開始された]{firm}で、[彼が|彼女が]{nn}歳だったとき。
    """
)
_ENGLISH = wordings(
    """
    {firm_en} is pleased to [offer|present] its [new|latest] {product_en} to customers [around|all over] the world.
    Our {goods_en}s are [made|built] with care, and [every|each] one is [tested|checked] before it leaves {town_en}.
    [Please|Kindly] [contact us|write to us] for [a quotation|more information] about the {product_en}.
    {person_en} has [worked|been active] as a {job_en} since {old_year}.
    [Read|Find out] more about {field_en} and the {thing_en} on this [page|site].
    [Shipping|Delivery] to {town_en} takes {n} to {nn} [working days|days].
    The [best|cheapest] {goods_en}s of {year}, [compared|reviewed] by a {job_en}.
    [Terms and conditions|Our privacy policy] [apply|can be read here]. [Home|Back to top]
    In {old_year}, {town_en} was [known|famous] for its {thing_en}s and its {field_en}.
    We [visited|spent {n} days in] {town_en} and [liked|loved] the {thing_en} best of all.
    [Sign up|Register] for the newsletter and [save|get] {percent}% on your first {goods_en}.
    """
)
_CHINESE = wordings(
    """
    本公司成立于{old_year}年，[主要从事|专业生产]{kn}种[产品|设备]的研发、生产与销售，欢迎[新老客户|各界朋友]来电咨询。
    [我们|公司]的[产品|商品][质量可靠|价格合理]，[远销海外|深受用户好评]，年产量达{big}件。
    {bare}是一座[历史悠久|风景优美]的[城市|小镇]，每年有{big}名游客前来[参观|旅游]。
    [请|欢迎]点击[下载|进入]，[免费注册|立即登录]即可获得{n}0元优惠券。
    [据报道|据了解]，{bare}的[居民|学生]们在{month}月{day}日参加了[这次|本届]活动。
    他[说|认为]，这[个|种]问题[还|已经]没有[得到|找到]解决的办法。
    [版权所有|未经许可]，[不得转载|请勿复制]。联系[我们|客服]：周一至周五。
    [天气|今天]很[好|冷]，我们[一起|坐车]去了{bare}的[市场|海边]，买了{n}斤[苹果|鱼]。
    [这本书|该书]讲述了一个[家庭|渔民]的[故事|历史]，[读者|评论家]对它的评价很高。
    [如何|怎样]选择[合适|便宜]的[手机|电脑|家具]？[小编|专家]为您[推荐|介绍]{n}个方法。
    """
)
_KOREAN = wordings(
    """
    {old_year}년에 설립된 저희 회사는 [다양한|우수한] 제품을 [생산|판매]하고 있습니다.
    이 도시는 [아름다운|오래된] [산|바다]으로 유명하며 매년 {big}명의 관광객이 찾아옵니다.
    [지금|오늘] 가입하시면 {percent}% 할인 쿠폰을 드립니다.
    [자세한|더 많은] 내용은 [홈페이지|고객센터]를 참고하시기 바랍니다.
    그는 {n}년 동안 [학교|공장]에서 일했고 [많은|여러] 사람들에게 [도움|사랑]을 주었다.
    [날씨가|바람이] [추워서|좋아서] 우리는 [시장|강가]에서 {n}시간을 보냈습니다.
    {month}월 {day}일에 [축제|공연]가 열리니 많은 [관심|참여] 부탁드립니다.
    이 책은 [어부|화가]의 이야기를 담고 있으며 모두 {nn}쪽으로 되어 있다.
    [무료|빠른] 배송, [정품|최저가] 보장! 가격은 {price}원입니다.
    [이용약관|개인정보처리방침] [로그인|회원가입] [검색|고객지원]
    """
)


# What a word-by-word translation makes of sound sentences.
_LITERAL = (
    ("である。", "で、それはあります。"), ("だった。", "でした、それは。"), ("した。", "することをしました。"), ("された。", "彼らによってされました。"), ("いる。", "いることです。"),
    ("に生まれ", "の中で生まれることを持ち"), ("は、", "、それは"), ("また、", "そしてまた、"), ("なお、", "それはまた、"), ("には", "の上に"), ("という", "と彼らが言う"), ("人々", "people"),
    ("その", "それの"), ("から", "から来て"), ("として", "のような"), ("年、", "年の中で、彼は"), ("歳", "歳の古さ"), ("多くの", "a lot of "), ("家族", "family"), ("町", "town"), ("仕事", "work"),
)  # fmt: skip


def machine_translated(page: Page) -> None:
    """English word order in Japanese words, pronouns word for word, English left in; joined as prose. In one page out of
    three these are sentences of an encyclopedia, not of their own."""
    draw = page.draw
    told = page.some(_TRANSLATED, draw.between(5, 14))
    if draw.chance(0.35):
        # Nothing that can be asked for: it would be told beside the truth, or in spite of being kept from Japanese.
        article = "\n".join(JA.tell(page.seed, draw, lambda *_: True).paragraphs)
        sentences = [one for line in article.split("\n") for one in line.split("。")[:-1]]
        told = [*(_literal(f"{one}。", draw) for one in sentences), *told[:2]]
    size = draw.between(2, 5)
    page.lines = ["".join(told[place : place + size]) for place in range(0, len(told), size)]


def _literal(sentence: str, draw: Draw) -> str:
    """The sentence with some words translated one by one and two of its phrases in each other's place."""
    phrases = sentence.removesuffix("。").split("、")
    if len(phrases) > 1:
        one, other = draw.below(len(phrases)), draw.below(len(phrases))
        phrases[one], phrases[other] = phrases[other], phrases[one]
    sentence = "、".join(phrases) + "。"
    for plain, literal in _LITERAL:
        if plain in sentence and draw.chance(0.6):
            sentence = sentence.replace(plain, literal, 1)
    return draw.pick(("", "", "彼は", "それは", "彼女は、")) + sentence


def wrong_language(page: Page) -> None:
    """English, or what looks like Chinese or Korean."""
    draw = page.draw
    told, joint = draw.pick(((_ENGLISH, " "), (_CHINESE, ""), (_KOREAN, " ")))
    sentences = [told[draw.below(len(told))].text(page.fresh(), draw.unit) for _ in range(draw.between(4, 11))]
    size = draw.between(1, 4)
    page.lines = [joint.join(sentences[place : place + size]) for place in range(0, len(sentences), size)]
