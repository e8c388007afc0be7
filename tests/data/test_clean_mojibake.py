"""Text that was read in a wrong encoding."""

import pytest

from studylib.data.clean import Batch
from studylib.data.document import Document
from studylib.spec.cleaning import CleanerSpec

TEXT = (
    "港の朝は早い。まだ暗いうちに船が出て、日が昇るころには魚を積んで戻ってくる。市場では大きな声が飛び交い、"
    "カゴに入った魚が次々に運ばれていく。祖父は四十年ここで働き、海の色を見れば明日の天気が分かると言っていた。"
)
READINGS = [
    ("utf-8", "cp932"),
    ("utf-8", "shift_jis"),
    ("utf-8", "euc_jp"),
    ("utf-8", "latin-1"),
    ("utf-8", "cp1252"),
    ("utf-8", "gbk"),
    ("utf-8", "mac_roman"),
    ("cp932", "latin-1"),
    ("cp932", "cp1252"),
    ("cp932", "euc_jp"),
    ("cp932", "utf-8"),
    ("euc_jp", "cp932"),
    ("euc_jp", "latin-1"),
    ("euc_jp", "utf-8"),
]
SOUND = [
    TEXT,
    "…………\n「――そう」\n「……うん」",
    "新潟市の若松町、若葉町、祉福会館。潟のほとりの若者。",
    "Zoë a visité le château de Fontainebleau; René y était déjà allé, où il a mangé une crème brûlée.",
    "価格は¥1,200、気温は25°C、誤差は±3%。「引用」“quote” — dash – ¶ § × ÷",
    "コーヒー・ミルク・パン、ﾎｯﾄ ｺｰﾋｰあります。ご注文はお早めにどうぞ、本日限りの特別な品です。",
    "國立臺灣圖書館藏書目録、戀愛と經濟、藝術と學問の關係に就いて。",
    "α線とβ線、Москва行きの列車、ｃｍとｋｇ。",
    "\ufeff" + TEXT,
    "一文字だけ読めない�字がある。" + TEXT,
    "",
    "�",
]


def reasons(texts, **options):
    return CleanerSpec(cleaner="mojibake", **options).built().judge(Batch([Document(one) for one in texts])).reasons


@pytest.mark.parametrize(("right", "wrong"), READINGS)
@pytest.mark.parametrize("errors", ["replace", "ignore"])
def test_japanese_in_a_wrong_encoding_goes(right, wrong, errors):
    if (right, wrong, errors) == ("cp932", "euc_jp", "ignore"):
        pytest.skip("only ASCII is left of it, which the filter of languages drops")
    misread = TEXT.encode(right).decode(wrong, errors)
    assert reasons([misread, misread[:60]]) == reasons([misread]) * 2
    assert reasons([misread]) != [""]


def test_what_is_left_of_shift_jis_is_no_japanese():
    left = TEXT.encode("cp932").decode("euc_jp", "ignore")
    assert CleanerSpec(cleaner="language").built().judge(Batch([Document(left)])).reasons == ["not Japanese"]


def test_sound_text_of_all_kinds_stays():
    assert reasons(SOUND) == [""] * len(SOUND)


def test_half_of_a_page_in_a_wrong_encoding_is_enough():
    assert reasons([TEXT + TEXT.encode("utf-8").decode("latin-1")]) == ["wrong encoding"]
    assert reasons([TEXT * 20 + "ã\x81"]) == [""]


def test_kana_of_half_width_is_a_choice():
    text = "ﾎﾝｼﾞﾂﾊｾｲﾃﾝﾅﾘ ｱｽﾊｱﾒ"
    assert reasons([text]) == ["half width"]
    assert reasons([text], max_half_width=1.0) == [""]
