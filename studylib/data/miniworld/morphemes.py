"""The parts that names are made of: (kanji, reading) pairs, combined by the thousand."""

from __future__ import annotations

Part = tuple[str, str]


def parts(text: str) -> list[Part]:
    """ "山やま 川かわ" as [("山", "やま"), ("川", "かわ")]: kanji, then the reading in hiragana."""
    pairs = []
    for word in text.split():
        cut = next(place for place, character in enumerate(word) if "ぁ" <= character <= "ゖ")
        pairs.append((word[:cut], word[cut:]))
    return pairs


def listed(text: str) -> list[str]:
    return text.split()


FAMILY_FIRST = parts(
    "青あお 赤あか 浅あさ 荒あら 有あり 石いし 磯いそ 市いち 岩いわ 上うえ 内うち 梅うめ 大おお 岡おか 荻おぎ 奥おく 長なが 川かわ "
    "北きた 木き 清きよ 草くさ 黒くろ 小こ 坂さか 佐さ 沢さわ 塩しお 柴しば 島しま 白しら 杉すぎ 関せき 高たか 滝たき 竹たけ "
    "田た 谷たに 寺てら 戸と 富とみ 中なか 永なが 西にし 野の 橋はし 畑はた 浜はま 林はやし 原はら 東ひがし 平ひら 広ひろ 深ふか "
    "福ふく 藤ふじ 古ふる 星ほし 細ほそ 堀ほり 本もと 前まえ 牧まき 松まつ 三み 宮みや 村むら 森もり 矢や 安やす 柳やなぎ 山やま "
    "横よこ 吉よし 若わか 和わ 鷲わし 渡わた"
)
FAMILY_SECOND = parts(
    "山やま 川かわ 田た 野の 村むら 本もと 沢さわ 島しま 木き 崎さき 原はら 谷たに 口ぐち 井い 岡おか 森もり 橋はし 浦うら "
    "瀬せ 尾お 倉くら 塚つか 池いけ 石いし 内うち 田部たべ 屋や 城しろ 林ばやし 藤とう 垣がき 間ま 見み 生う 津つ 保ほ"
)
GIVEN_MALE = [
    parts("健けん 真しん 俊しゅん 正まさ 義よし 秀ひで 和かず 孝たか 信のぶ 直なお 明あき 弘ひろ 雅まさ 清きよ 勝かつ 隆たか 康やす "
          "誠せい 英えい 達たつ 浩ひろ 幸ゆき 光みつ 忠ただ 邦くに 敏とし 昭あき 貞さだ 広ひろ 道みち"),
    parts("一いち 二じ 太郎たろう 之ゆき 彦ひこ 夫お 男お 雄お 樹き 人と 介すけ 助すけ 治はる 也や 吾ご 平へい 志し 郎ろう "
          "輝てる 成なり 哉や 史ふみ 次郎じろう 蔵ぞう"),
]  # fmt: skip
GIVEN_FEMALE = [
    parts("美み 恵え 真ま 由ゆ 佳か 千ち 和かず 京きょう 幸さち 智とも 久ひさ 明あき 春はる 夏なつ 秋あき 文ふみ 節せつ 綾あや 桜さくら "
          "静しず 雪ゆき 貴たか 早さ 奈な 里り 沙さ 百合ゆり 知ち 芳よし 澄すみ"),
    parts("子こ 美み 江え 代よ 香か 里り 奈な 乃の 恵え 枝え 音ね 穂ほ 菜な 希き 世よ 緒お 花か 津つ"),
]  # fmt: skip
PLACE_FIRST = parts(
    "青あお 赤あか 秋あき 朝あさ 天あま 綾あや 池いけ 石いし 泉いずみ 稲いな 今いま 岩いわ 鵜う 梅うめ 海うみ 大おお 沖おき 奥おく "
    "音おと 鏡かがみ 笠かさ 霞かすみ 風かぜ 片かた 金かな 上かみ 亀かめ 川かわ 木き 北きた 霧きり 久く 雲くも 栗くり 黒くろ 桑くわ "
    "駒こま 桜さくら 笹ささ 里さと 塩しお 鹿しか 静しず 篠しの 下しも 白しら 杉すぎ 鈴すず 砂すな 瀬せ 高たか 滝たき 竹たけ 玉たま "
    "月つき 鶴つる 遠とお 豊とよ 鳥とり 長なが 鳴なる 西にし 布ぬの 羽は 萩はぎ 花はな 春はる 東ひがし 日ひ 氷ひ 広ひろ 藤ふじ 星ほし "
    "松まつ 水みず 緑みどり 南みなみ 峰みね 美み 三み 宮みや 雪ゆき 弓ゆみ 由ゆ 吉よし 若わか 鷲わし"
)
PLACE_SECOND = parts(
    "山やま 川かわ 田た 野の 原はら 島しま 浜はま 崎さき 浦うら 津つ 沢さわ 谷たに 瀬せ 岡おか 森もり 坂さか 橋はし 尾お 根ね 里さと "
    "見み 井い 江え 戸と 木き 倉くら 岩いわ 城しろ 宮みや 池いけ 道みち 台だい 丘おか 窪くぼ 洲す 磯いそ 泊とまり 関せき 牧まき 塚つか"
)
FEATURE_FIRST = parts(
    "天狗てんぐ 白馬はくば 雲居くもい 夕日ゆうひ 朝霧あさぎり 鏡かがみ 龍りゅう 鬼おに 烏からす 熊くま 鹿しか 兎うさぎ 鷹たか 鶴つる "
    "姫ひめ 神かみ 仏ほとけ 銀ぎん 金きん 鉄てつ 氷こおり 炎ほのお 笠かさ 鎧よろい 兜かぶと 琴こと 笛ふえ 鐘かね 太鼓たいこ 千本せんぼん "
    "七曲ななまがり 双子ふたご 三日月みかづき 北斗ほくと 乙女おとめ 霞かすみ 時雨しぐれ 木枯こがらし 若葉わかば 紅葉もみじ"
)
SPECIES_PREFIX = (
    ("ミヤマ", "mountain"), ("エゾ", "northern"), ("ハマ", "beach"), ("オオ", "greater"), ("コ", "lesser"), ("ヒメ", "dwarf"),
    ("シロ", "white"), ("クロ", "black"), ("アカ", "red"), ("アオ", "blue"), ("ギン", "silver"), ("キ", "yellow"),
    ("ウス", "pale"), ("ホシ", "spotted"), ("シマ", "striped"), ("ヤマ", "hill"), ("サワ", "brook"), ("イソ", "reef"),
    ("カワ", "river"), ("タニ", "valley"), ("オキ", "offshore"), ("ユキ", "snow"), ("ハル", "spring"), ("ナツ", "summer"),
    ("アキ", "autumn"), ("ツノ", "horned"), ("トゲ", "thorny"), ("マル", "round"), ("ホソ", "slender"), ("ナガ", "long"),
    ("ミナミ", "southern"), ("ニシ", "western"), ("ヤブ", "thicket"), ("モリ", "forest"), ("イワ", "rock"), ("オニ", "giant"),
)  # fmt: skip
SPECIES_BASE = {
    "bird": (("スズメ", "sparrow"), ("カモ", "duck"), ("ツグミ", "thrush"), ("シギ", "sandpiper"), ("タカ", "hawk"), ("フクロウ", "owl"),
             ("ヒタキ", "flycatcher"), ("セキレイ", "wagtail"), ("サギ", "heron"), ("ツバメ", "swallow"), ("ガラ", "tit"), ("キジ", "pheasant")),
    "fish": (("ハゼ", "goby"), ("フナ", "carp"), ("マス", "trout"), ("ウグイ", "dace"), ("ナマズ", "catfish"), ("ドジョウ", "loach"),
             ("カレイ", "flounder"), ("タイ", "bream"), ("イワシ", "sardine"), ("ウナギ", "eel"), ("カジカ", "sculpin"), ("アジ", "mackerel")),
    "plant": (("スミレ", "violet"), ("ユリ", "lily"), ("ツツジ", "azalea"), ("アザミ", "thistle"), ("ラン", "orchid"), ("ギク", "aster"),
              ("リンドウ", "gentian"), ("シダ", "fern"), ("カエデ", "maple"), ("ヤナギ", "willow"), ("イチゴ", "strawberry"), ("ソウ", "primrose")),
    "insect": (("チョウ", "butterfly"), ("トンボ", "dragonfly"), ("ホタル", "firefly"), ("カミキリ", "longhorn beetle"), ("バッタ", "grasshopper"),
               ("ゼミ", "cicada"), ("バチ", "wasp"), ("アリ", "ant"), ("コガネ", "chafer"), ("カゲロウ", "mayfly"), ("ガ", "moth"), ("クワガタ", "stag beetle")),
}  # fmt: skip
FIRM_SOUNDS = listed(
    "ア カ サ タ ナ マ ラ リ ル レ ロ ミ ノ ト ネ ソ ユ ヴァ ベル コル テラ ノヴァ シル フェル グラ メル オル ダイ ゼン トリ パル エル アル"
)
FIRM_ROMAN = listed(
    "a ka sa ta na ma ra ri ru re ro mi no to ne so yu va bel col tera nova sil fer gra mel or dai zen tri pal el al"
)
LATIN_STEMS = listed(
    "alb mont nipp riv littor silv brev long gracil nitid macul stri obscur vern autumn hiem rubr nigr caerul aur pall spin rotund insul"
)
