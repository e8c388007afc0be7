"""Filters of cleaning: what each drops and keeps, against the programs whose rules they follow, and whatever a batch is cut into."""

import random
import string

import numpy as np
import pytest

from studylib.data.clean import Batch
from studylib.data.clean._characters import Characters, Kind, kinds
from studylib.data.clean._repeated import Ngrams, copied_lines, copied_paragraphs
from studylib.data.document import Document
from studylib.errors import StudyError
from studylib.frozen import validated
from studylib.registry import CLEANERS
from studylib.spec.cleaning import CleanerSpec

LOCAL = ("length", "url", "language", "kana", "symbols", "mojibake", "repetition", "compression", "lines", "words")


def cleaner(name, **options):
    built = validated(CleanerSpec, {"cleaner": name, **options}).built()
    built.check()
    return built


def reason(name, text, **options):
    return cleaner(name, **options).judge(Batch([Document(text)])).reasons[0]


def prose(seed, sentences):
    """Sentences of Japanese whose words come back, as in any text, but not in the same order."""
    draw = random.Random(seed)
    people = ["彼", "町の人", "先生", "姉", "船頭", "旅人", "友人", "駅員"]
    things = [
        "古い橋",
        "白い花",
        "長い手紙",
        "祭りの写真",
        "川の地図",
        "冬の星",
        "新しい靴",
        "重い荷物",
        "本の続き",
        "小さな舟",
    ]
    deeds = [
        "を見た",
        "を探していた",
        "のことを話した",
        "を忘れられなかった",
        "を持って帰った",
        "を買うつもりだった",
        "に気づいた",
    ]
    times = ["朝早く", "その日の夕方", "雨が上がると", "三年ぶりに", "バスを待ちながら", "みんなが寝たあとで"]
    return "".join(
        f"{draw.choice(times)}、{draw.choice(people)}は{draw.choice(things)}{draw.choice(deeds)}。"
        for _ in range(sentences)
    )


SOUND = {
    "article": prose(1, 12),
    "long article": "\n\n".join(prose(seed, 8) for seed in range(2, 5)),
    "haiku": "柿の葉に\n夕日とどまる\n峠かな",
    "poem": "春の川\nひとり渡れば\n水の音\n\n雪の朝\n犬の足あと\nつづく道\n\n秋風や\n港に古き\n舟ひとつ",
    "dialogue": "「もう帰るの」\n「うん、雨が降りそうだから」\n「傘は」\n「いいね、貸してくれる」\n「どうぞ」\n「検索した？」\n「コピー」",
    "table": "駅\t開業\t乗客\n北町\t1921\t3,420\n南町\t1934\t12,880\n港\t1950\t990\n山口\t1961\t45",
    "bars": "品名 | 値段 | 数\nりんご | 120円 | 3\nみかん | 80円 | 12\n梨 | 200円 | 1",
    "markdown": "| 名前 | 説明 | 版 |\n|------|------|----|\n| 開く | 窓を開く | 1 |\n| 閉じる | 窓を閉じる | 2 |",
    "code": "# 検索\ndef find(rows, key):\n    # 見つからなければ何も返さない\n    for row in rows:\n        if row.key == key:\n            return row\n    return None\n",
    "script": "// メニュー\nconst menu = ['home', 'about'];\n// ログイン\nfunction login(user) {\n  return menu.includes(user) || user;\n}\n",
    "kanji title": "第三回東北地方河川環境保全会議議事録（抄）",
    "katakana": "サーバー・メモリー・モジュールのアップグレード・ガイド。モニター・ケーブルをコネクターにセットします。",
    "hiragana": "きょうは とても いい てんきです。みんなで かわへ いきました。さかなを みました。とても たのしかったです。",
    "numbers": "全長 12.4 m、幅 3.1 m、重さ 820 kg。最高時速 64 km/h、航続距離 310 km。定員 8 人。",
    "mixed": "この関数 g(y) は smooth だが bounded ではない。詳細は Appendix B と文献 [4, 7] を見よ。",
    "one word": prose(3, 8) + "駅前にはパチンコ店と映画館があり、祖父はカジノの映画が好きだった。",
    "old": "國破れて山河在り。城春にして草木深し。時に感じては花にも涙を濺ぎ、別れを恨んでは鳥にも心を驚かす。",
    "place": "新潟市若松町、新潟駅から若松公園まで。潟の水鳥は秋に来る。",
}
JUNK = {
    "menu": ("lines", "トップ | 会社案内 | 製品情報 | 採用情報 | お問い合わせ | サイトマップ\n" * 4),
    "padding": ("repetition", "激安 通販 最安値 口コミ 人気 " * 40),
    "padding by words": (
        "words",
        "格安通販ランキング、口コミで人気、おすすめ比較、最安値と送料無料の評判、価格とクーポンまとめ。",
    ),
    "signs": ("symbols", "☆★◆◇■□●○" * 12),
    "one sign": ("repetition", "あ" * 300),
    "digits": ("symbols", "0120 3344 5566 7788 9900 1212 3434 5656 7878 9090 1111 2222"),
    "Chinese": ("language", "我们公司成立于一九九八年，专业从事电子产品的开发与销售，欢迎各位新老客户前来参观。"),
    "traditional Chinese": (
        "language",
        "我們的公司成立於一九九八年，你可以在這裡找到很多產品，歡迎你們來參觀，謝謝大家。",
    ),
    "Korean": ("language", "안녕하세요. 저희 회사는 전자 제품을 개발하고 판매하는 회사입니다. 감사합니다."),
    "English": ("language", "Welcome to our home page. We sell shoes, hats and bags to customers all over the world."),
    "key": ("language", "dGhpcyBpcyBub3QgYSB0ZXh0IGJ1dCBhIGtleSB0aGF0IG5vYm9keSByZWFkcw==" * 4),
    "names": ("kana", "東京 大阪 名古屋 京都 神戸 札幌 仙台 広島 福岡 那覇 " * 6),
    "links": ("url", "参考\nhttps://www.example.jp/a/b/c/d.html\nhttps://www.example.jp/e/f/g/h.html"),
    "zeros": ("symbols", "\x00\x01\x02\x03 text \x04\x05\x06"),
    "copies": ("repetition", "\n".join(["本日は晴天なり。ただいま試験中。"] * 9)),
}
EDGES = (
    "",
    "。",
    "あ",
    "\n\n\n",
    " \t\u3000",
    "https://example.jp/",
    "\ufeff",
    "\x00",
    "\ud800",
    "😀",
    "か\u3099",
    "|",
    "||||",
    "a" * 5,
)


def test_the_characters_of_each_kind_are_told_apart():
    expected = {
        "あゝゟ": Kind.HIRAGANA,
        "アーヿㇰ": Kind.KATAKANA,
        "ｱﾞ": Kind.HALF_KANA,
        "漢々〇𠮷": Kind.KANJI,
        "们说这": Kind.SIMPLIFIED,
        "한ㄱ": Kind.HANGUL,
        "aZＡ": Kind.LATIN,
        "éßő": Kind.ACCENTED,
        "Ωжก": Kind.LETTER,
        "0９①Ⅳ": Kind.DIGIT,
        "。、「」・…+<|": Kind.PUNCTUATION,
        "★│→😀": Kind.SYMBOL,
        "\x00\x9f\u200b\ufeff": Kind.CONTROL,
        " \t\n\u3000": Kind.SPACE,
        "\ufffd": Kind.REPLACEMENT,
    }
    table = kinds()
    assert {one: Kind(table[ord(one)]) for text in expected for one in text} == {
        one: kind for text, kind in expected.items() for one in text
    }


def test_characters_are_counted_by_text_and_line_whatever_stands_at_the_edges():
    texts = ["あ\nb2\n", "", "\n", "漢", "\n漢"]
    characters = Characters(texts)
    assert characters.counts.sum(axis=1).tolist() == [len(one) for one in texts]
    assert characters.count(Kind.HIRAGANA, Kind.KANJI).tolist() == [1, 0, 0, 1, 1]
    lines = characters.lines
    written = "".join(texts)
    found = [written[start:stop] for start, stop in zip(lines.starts, lines.stops, strict=True)]
    assert found == [line for text in texts for line in text.split("\n")]
    assert lines.owners.tolist() == [0, 0, 0, 1, 2, 2, 3, 4, 4]


@pytest.mark.parametrize("name", LOCAL)
def test_sound_text_of_every_kind_stays(name):
    judged = cleaner(name).judge(Batch([Document(text) for text in SOUND.values()]))
    assert dict(zip(SOUND, judged.reasons, strict=True)) == dict.fromkeys(SOUND, "")
    assert judged.texts is None or judged.texts == list(SOUND.values())


@pytest.mark.parametrize("kind", JUNK)
def test_junk_is_dropped_by_the_filter_that_is_for_it(kind):
    name, text = JUNK[kind]
    assert reason(name, text)


@pytest.mark.parametrize("name", LOCAL)
def test_nothing_depends_on_the_batch_or_its_order(name):
    texts = [*SOUND.values(), *(text for _, text in JUNK.values()), *EDGES]
    draw = random.Random(5)
    texts += ["".join(draw.choices("あいうabc。\n|☆1月é", k=draw.randrange(400))) for _ in range(40)]
    texts += [
        "".join(draw.choices("1月é。", k=draw.randrange(1, 14))) for _ in range(60)
    ]  # at their ends stands what matters
    built = cleaner(name)
    whole = built.judge(Batch([Document(text) for text in texts]))
    after = whole.texts or texts
    for place, text in enumerate(texts):
        alone = built.judge(Batch([Document(text)]))
        assert (alone.reasons[0], (alone.texts or [text])[0]) == (whole.reasons[place], after[place]), text[:30]
    assert built.judge(Batch([])).reasons == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cleaner": "kana", "min_hiragana": 1.5}, "cleaning.min_hiragana: 1.5"),
        ({"cleaner": "repetition", "max_copied_ngrams": -0.1}, "cleaning.max_copied_ngrams: -0.1"),
        ({"cleaner": "compression", "min_ratio": 0.9}, "min_ratio: 0.9 is above max_ratio"),
        ({"cleaner": "symbols", "max_symbols": "many"}, "max_symbols"),
        ({"cleaner": "length", "min_characters": 0}, "min_characters: 0"),
        ({"cleaner": "quality", "keep": 0}, "cleaning.keep: 0"),
        ({"cleaner": "quality", "threshold": 0.5, "keep": 0.2}, "stands beside keep"),
        ({"cleaner": "kana", "min_kana": 0.1}, "min_kana"),
        ({"cleaner": "kanna"}, "did you mean kana"),
    ],
)
def test_a_rule_with_a_bad_threshold_is_one_line(options, said):
    with pytest.raises(StudyError) as caught:
        validated(CleanerSpec, options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_filter_names_its_source_and_says_what_its_options_are():
    for name in (*LOCAL, "quality"):
        choice = CLEANERS[name]
        assert choice.reference
        if name != "length":
            assert all(field.description for field in choice.Options.model_fields.values()), name


# Against other programs: their rules are the oracles wherever they measure the same.


def noisy(seed, many=120):
    """Texts with copies in them, of Japanese letters, so that no line is too short to count."""
    draw = random.Random(seed)
    found = []
    for _ in range(many):
        lines = [prose(draw.randrange(30), 1) for _ in range(draw.randrange(1, 12))]
        lines += draw.choices(lines, k=draw.randrange(8))
        draw.shuffle(lines)
        found.append(draw.choice(["\n", "\n\n"]).join(lines))
    return found


def test_copied_lines_and_paragraphs_are_those_of_datatrove():
    from datatrove.pipeline.filters.gopher_repetition_filter import find_duplicates

    texts = noisy(7)
    batch = Batch([Document(text) for text in texts])
    lines, paragraphs = copied_lines(batch), copied_paragraphs(batch)
    for place, text in enumerate(texts):
        parts = [one for one in text.split("\n") if one]
        copies, characters = find_duplicates(parts)
        assert lines.share[place] == pytest.approx(copies / len(parts))
        assert lines.characters[place] == pytest.approx(characters / len(text))
        parts = text.split("\n\n")
        copies, characters = find_duplicates(parts)
        assert paragraphs.share[place] == pytest.approx(copies / len(parts))
        assert paragraphs.characters[place] == pytest.approx(characters / len(text))
    assert lines.share.max() > 0.3 and lines.share.min() == 0


def test_the_most_frequent_ngram_is_that_of_datatrove():
    from datatrove.pipeline.filters.gopher_repetition_filter import find_top_duplicate, get_n_grams

    texts = [text.replace("\n", "") for text in noisy(8, 40)]
    for n in (1, 2, 4, 10):
        top, _ = Ngrams(Characters(texts)).shares(n)
        for place, text in enumerate(texts):
            grams = [one.replace(" ", "") for one in get_n_grams(list(text), n)]
            assert top[place] * len(grams) * n == pytest.approx(find_top_duplicate(grams))


def test_repeated_ngrams_are_counted_to_the_last_where_they_matter():
    draw = random.Random(11)
    texts = ["".join(draw.choices("あいう", k=draw.randrange(300))) for _ in range(60)]
    texts += ["".join(draw.choices("あいうえおかきくけこ漢字仮名", k=6000)) for _ in range(6)]
    texts += ["山の上に雪がある。" * 900, "".join(map(chr, range(0x4E00, 0x4E00 + 5000))) * 2, "", "あ"]
    grams = Ngrams(Characters(texts))
    for n in (1, 3, 5, 10):
        top, copied = grams.shares(n)
        for place, text in enumerate(texts):
            own = [text[start : start + n] for start in range(len(text) - n + 1)]
            again = sum(count for count in _counts(own).values() if count > 1)
            assert copied[place] == pytest.approx(again / len(own) if own else 0)
        for bound in (0.05, 0.2, 0.5, 0.9):
            assert (grams.one_above(n, bound) == (top > bound)).all()
            assert (grams.copied_above(n, bound) == (copied > bound)).all()


def test_words_that_come_too_often_are_counted_in_kanji_and_katakana_only():
    draw = random.Random(13)
    texts = ["".join(draw.choices("山川アあいa1月", k=draw.randrange(1, 120))) for _ in range(80)] + [
        "山",
        "山" * 9,
        "あ山",
        "",
    ]
    grams = Ngrams(Characters(texts))
    for n in (1, 2, 3):
        tops = []
        for text in texts:
            words = [
                text[at : at + n]
                for at in range(len(text) - n + 1)
                if all(
                    one in "山川ア月" and text[max(at + place - 1, 0)] not in "1"
                    for place, one in enumerate(text[at : at + n])
                )
            ]
            tops.append(max(_counts(words).values(), default=0) / max(len(text) - n + 1, 1))
        for bound in (0.05, 0.1, 0.2, 0.4):
            assert (grams.word_above(n, bound) == (np.array(tops) > bound)).all()


def _counts(items):
    counts = {}
    for one in items:
        counts[one] = counts.get(one, 0) + 1
    return counts


def test_runs_of_a_character_are_those_of_hojichar():
    from hojichar.core.models import Document as Theirs
    from hojichar.filters.document_filters import SingleCharacterRepetitionFilter

    theirs = SingleCharacterRepetitionFilter(threshold=200)
    for text in (
        "あ" * 199 + "い",
        "い" + "あ" * 200,
        prose(1, 3) + "ー" * 250,
        prose(2, 3),
        "あ" * 150 + "\n" + "あ" * 150,
    ):
        expected = theirs.apply(Theirs(text)).is_rejected
        assert bool(reason("symbols", text, max_run_share=1.0) == "one character") == expected


def test_what_is_japanese_to_hojichar_is_japanese():
    from hojichar.core.models import Document as Theirs
    from hojichar.filters.document_filters import AcceptJapanese

    texts = [*SOUND.values(), JUNK["English"][1], JUNK["Korean"][1], JUNK["key"][1]]
    for text in texts:
        rejected = AcceptJapanese(lookup_size=len(text)).apply(Theirs(text)).is_rejected
        if any("ぁ" <= one <= "ヿ" for one in text) or (rejected and text.isascii()):
            assert bool(reason("language", text)) == rejected, text[:30]


def test_listed_words_are_found_as_hojichar_finds_them(tmp_path):
    from hojichar.filters.document_filters import NgWordsFilterJa

    listed = ["スロット", "出会い系", "カジノ", "必勝法"]
    path = tmp_path / "list.txt"
    path.write_text("\n".join(listed) + "\n", "utf-8")
    theirs = NgWordsFilterJa(path, ignore_confused=True)
    for text in ("タイムスロットを選ぶ", "スロットを選ぶ", "カジノ法案", "出会い系の話", "必勝の法", "ネットカジノ"):
        ours = reason("words", text, lists={str(path): 0.0}, min_different=1)
        assert bool(ours) == bool(theirs.keyword_pat.search(text)), text


def test_pages_of_listed_words_go_and_a_page_that_speaks_of_one_stays(tmp_path):
    advert = "人気のカジノで初回ボーナス！スロットもルーレットも、フリースピン付き。" * 2
    assert reason("words", advert) == "gambling"
    assert reason("words", SOUND["one word"]) == ""
    assert reason("words", advert, lists={"adult": 0.05}) == ""
    own = tmp_path / "own.txt"
    own.write_text("# remarks are no words\n山 # mountain\n川\n谷\n峠\n", "utf-8")
    assert reason("words", "山と川と谷と峠", lists={str(own): 0.2}) == "own"
    assert reason("words", "山と川と谷と峠を越える", lists={str(own): 0.2}, min_different=5) == ""
    assert reason("words", "山山山", lists={str(own): 0.2}) == "own"  # most of the text, however few they are


@pytest.mark.parametrize(("name", "option"), [("url", "hosts"), ("words", "lists")])
def test_a_list_that_cannot_be_read_is_one_line(tmp_path, name, option):
    missing = tmp_path / "none.txt"
    latin = tmp_path / "latin.txt"
    latin.write_bytes("caf\xe9".encode("latin-1"))
    for path, said in ((missing, "No such file"), (latin, "is not UTF-8 text (byte 3)"), (tmp_path, "cannot be read")):
        value = str(path) if option == "hosts" else {str(path): 0.1}
        with pytest.raises(StudyError, match=f"cleaning.{option}") as caught:
            cleaner(name, **{option: value})
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)


def test_pages_go_by_their_host_and_by_words_of_their_address(tmp_path):
    hosts = tmp_path / "hosts.txt"
    hosts.write_text("bad.example  # and all below\nok.example/only/this/\n", "utf-8")

    def judged(url, **where):
        documents = [Document("本文です。", **(where or {"record": {"url": url}}))]
        return cleaner("url", hosts=str(hosts)).judge(Batch(documents)).reasons[0]

    assert judged("https://bad.example/x") == judged("http://shop.BAD.example") == "host"
    assert judged("https://notbad.example/x") == judged("https://bad.example.org") == ""
    assert judged("https://ok.example/only/this") == "host"
    assert judged("https://ok.example/only/that") == ""
    assert judged("https://ok.example/casino-bonus") == "word in the address"
    assert judged("https://essex.example/slots2") == ""
    assert judged("", origin="https://bad.example/1") == judged("", labels={"url": "bad.example/1"}) == "host"
    assert judged("", origin="bad.example row 3") == ""
    assert judged("http://[broken") == "no address"


def test_compression_is_zlibs():
    import zlib

    text = prose(1, 30)
    ratio = len(zlib.compress(text.encode(), 1)) / len(text.encode())
    assert reason("compression", text, min_ratio=ratio - 0.01, max_ratio=ratio + 0.01) == ""
    assert reason("compression", text, min_ratio=ratio + 0.01) == "compresses well"
    assert reason("compression", text, max_ratio=ratio - 0.01) == "hardly compresses"
    assert reason("compression", "".join(random.Random(1).choices(string.printable, k=900))) == "hardly compresses"


def test_shares_are_of_what_is_written():
    text = "あ漢字ああ漢字あ漢字" * 10  # 40 hiragana in 100 letters
    assert reason("kana", text, min_hiragana=0.4) == ""
    assert reason("kana", text, min_hiragana=0.41) == "hiragana share"
    assert reason("kana", text + " 1,2★\n" * 50, min_hiragana=0.4) == ""
    assert reason("kana", text[:39], min_hiragana=0.9) == ""  # too short to be judged
    assert reason("kana", "カ" * 71 + "な" * 29, max_katakana=0.7) == "katakana share"
    assert reason("symbols", "あ" * 7 + "★" * 3, max_symbols=0.3) == ""
    assert reason("symbols", "あ" * 6 + "★" * 4, max_symbols=0.3) == "symbol share"
    assert reason("symbols", "あ" * 6 + "★" * 4 + "\n" * 50, max_symbols=0.3) == "symbol share"


def test_code_with_a_comment_in_japanese_is_japanese_and_english_with_a_word_of_it_is_not():
    comment = "\n".join(f"value_{place} = table[{place}]  # {prose(place, 1)}" for place in range(3))
    code = (
        comment + "\n" + "\n".join(f"result.append(find(rows[{place}], key={{'a': {place}}}))" for place in range(60))
    )
    assert reason("language", code) == ""
    assert reason("language", JUNK["English"][1] * 3 + "寿司") == "not Japanese"


def test_counts_do_not_overflow_in_long_texts():
    characters = Characters(["あ" * 300_000, "い"])
    assert characters.count(Kind.HIRAGANA).tolist() == [300_000, 1]
    assert np.issubdtype(characters.counts.dtype, np.int64)
