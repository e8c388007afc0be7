"""Kana to Hepburn romaji, for names that must read alike in both languages."""

from __future__ import annotations

_ROWS = {
    "あいうえお": "a i u e o", "かきくけこ": "ka ki ku ke ko", "さしすせそ": "sa shi su se so",
    "たちつてと": "ta chi tsu te to", "なにぬねの": "na ni nu ne no", "はひふへほ": "ha hi fu he ho",
    "まみむめも": "ma mi mu me mo", "やゆよ": "ya yu yo", "らりるれろ": "ra ri ru re ro", "わをん": "wa o n",
    "がぎぐげご": "ga gi gu ge go", "ざじずぜぞ": "za ji zu ze zo", "だぢづでど": "da ji zu de do",
    "ばびぶべぼ": "ba bi bu be bo", "ぱぴぷぺぽ": "pa pi pu pe po",
}  # fmt: skip
_ONE = {kana: roman for row, romans in _ROWS.items() for kana, roman in zip(row, romans.split(), strict=True)}
_SMALL = {"ゃ": "a", "ゅ": "u", "ょ": "o"}


def romaji(kana: str) -> str:
    """Hiragana as romaji without marks for long vowels: "きょうこ" is "kyoko"."""
    out: list[str] = []
    double = False
    for character in kana:
        if character == "っ":
            double = True
            continue
        if character in _SMALL:
            stem = out[-1][:-1]
            glide = "" if stem in ("sh", "ch", "j") else "y"
            out[-1] = stem + glide + _SMALL[character]
            continue
        roman = _ONE[character]
        out.append((roman[0] if double and roman[0] in "kstpgdbc" else "") + roman)
        double = False
    joined = "".join(out)
    return joined.replace("ou", "o").replace("oo", "o").replace("uu", "u")


def katakana(kana: str) -> str:
    """Hiragana as katakana."""
    return "".join(chr(ord(one) + 0x60) if "ぁ" <= one <= "ゖ" else one for one in kana)
