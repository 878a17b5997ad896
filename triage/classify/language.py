"""In which language did the writer write?

Enters text, leaves an ISO 639-1 code and a confidence. Scripts answer first, since they cannot be
mistaken for Italian; only Latin letters go to py3langid, restricted to the languages that families
here write. Too few letters, or a doubtful answer, mean Italian: one line with a name and a form's
number was once called Northern Sotho.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from triage.classify.folding import fold
from triage.classify.lists import read_lists

DEFAULT = "it"


@dataclass(frozen=True, slots=True)
class Language:
    """``code`` is ISO 639-1; ``confidence`` 0..1, 0 when Italian was assumed for want of words."""

    code: str
    confidence: float


def detect_language(text: str) -> Language:
    """The language of most of the words. Never raises; only the first 1,500 characters are read."""
    sample = text[:_SAMPLE]
    by_script = _count_scripts(sample)
    letters = sum(by_script.values())
    if letters == 0:
        return Language(DEFAULT, 0.0)
    script = max(by_script, key=lambda name: (_SCRIPT_WEIGHT.get(name, 1.0) * by_script[name], name))
    if script != "latin":
        # Latin letters do not outnumber them: that is no name or loan-word amid Italian.
        return Language(_language_of_script(script, sample), round(by_script[script] / letters, 3))
    words = _WORD.findall(fold(sample))
    romanised = _romanised(words)
    if romanised:
        return Language(romanised, _ROMANISED_CONFIDENCE)
    if by_script["latin"] < _FEWEST_LETTERS:
        return Language(DEFAULT, 0.0)
    code, confidence = _identifier().classify(_NOISE.sub(" ", sample)[:_SAMPLE_FOR_WORDS])
    if confidence < _LEAST_CONFIDENCE:
        return Language(DEFAULT, round(1.0 - float(confidence), 3))
    return Language(str(code), round(float(confidence), 3))


_SAMPLE = 1_500
_SAMPLE_FOR_WORDS = 600
_FEWEST_LETTERS = 20
_LEAST_CONFIDENCE = 0.5
_ROMANISED_CONFIDENCE = 0.6
_LATIN_LANGUAGES = ("it", "en", "ro", "fr", "es", "sq", "pt", "de")

_SCRIPTS = {
    "latin": re.compile(r"[A-Za-zÀ-ɏ\u1e00-\u1eff]"),
    "gurmukhi": re.compile(r"[\u0a00-\u0a7f]"),
    "devanagari": re.compile(r"[\u0900-\u097f]"),
    "bengali": re.compile(r"[\u0980-\u09ff]"),
    "arabic": re.compile(r"[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff]"),
    "han": re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]"),
    "cyrillic": re.compile(r"[\u0400-\u04ff]"),
    "sinhala": re.compile(r"[\u0d80-\u0dff]"),
    "tamil": re.compile(r"[\u0b80-\u0bff]"),
    "greek": re.compile(r"[\u0370-\u03ff]"),
    "georgian": re.compile(r"[\u10a0-\u10ff]"),
    "ethiopic": re.compile(r"[\u1200-\u137f]"),
    "hebrew": re.compile(r"[\u0590-\u05ff]"),
    "armenian": re.compile(r"[\u0530-\u058f]"),
    "gujarati": re.compile(r"[\u0a80-\u0aff]"),
    "oriya": re.compile(r"[\u0b00-\u0b7f]"),
    "telugu": re.compile(r"[\u0c00-\u0c7f]"),
    "kannada": re.compile(r"[\u0c80-\u0cff]"),
    "malayalam": re.compile(r"[\u0d00-\u0d7f]"),
    "thai": re.compile(r"[\u0e00-\u0e7f]"),
    "lao": re.compile(r"[\u0e80-\u0eff]"),
    "tibetan": re.compile(r"[\u0f00-\u0fff]"),
    "burmese": re.compile(r"[\u1000-\u109f]"),
    "khmer": re.compile(r"[\u1780-\u17ff]"),
    "kana": re.compile(r"[\u3040-\u30ff]"),
    "hangul": re.compile(r"[\u1100-\u11ff\uac00-\ud7af]"),
}
_OTHER = "other"
"""Letters of all further scripts together."""
_LAST_LATIN = "ʯ"
_ANY_SCRIPT = re.compile("|".join(pattern.pattern for pattern in _SCRIPTS.values()))
_SCRIPT_WEIGHT = {"han": 3.0}
"""One Han character says about as much as a short word in letters."""

_SIGN_WEIGHT = {"han": 4, "kana": 2, "hangul": 3}
"""Letters that one sign of these stands for, where a few of them say much."""

_SINGLE_LANGUAGE = {
    "gurmukhi": "pa",
    "devanagari": "hi",
    "bengali": "bn",
    "han": "zh",
    "sinhala": "si",
    "tamil": "ta",
    "greek": "el",
    "georgian": "ka",
    "ethiopic": "am",
    "hebrew": "he",
    "armenian": "hy",
    "gujarati": "gu",
    "oriya": "or",
    "telugu": "te",
    "kannada": "kn",
    "malayalam": "ml",
    "thai": "th",
    "lao": "lo",
    "tibetan": "bo",
    "burmese": "my",
    "khmer": "km",
    "kana": "ja",
    "hangul": "ko",
    _OTHER: "und",
}
_OTHER_THAN_LATIN = frozenset(_SINGLE_LANGUAGE.values()) | {"ar", "ur", "fa", "uk", "ru", "mk", "bg"}
# Letters that one language has and its neighbour does not.
_URDU_LETTERS = re.compile("[\u0679\u0688\u0691\u06ba\u06be\u06c1\u06d2\u06cc\u06a9\u06af\u067e\u0686]")
_ARABIC_LETTERS = re.compile("[\u0643\u064a\u0629\u0649\u0647]")
_UKRAINIAN_LETTERS = re.compile("[іїєґІЇЄҐ]")
_PERSIAN_WORDS = re.compile(r"\b(?:است|برای|می|هستم|کمک|پسرم|دخترم|زندگی|میکنم|میخواهم|متشکرم|لطفا|فرزندم)\b")
_URDU_ONLY = re.compile("[\u0679\u0688\u0691\u06ba\u06be\u06d2]")
_MACEDONIAN_LETTERS = re.compile("[ѓќљњџјѕЃЌЉЊЏЈЅ]")
_BULGARIAN_WORDS = re.compile(
    r"\b(?:здравейте|искам|да|се|сина|дъщеря|моята|моят|имам|благодаря|живея|живеем|помощ|си)\b", re.I
)
_RUSSIAN_LETTERS = re.compile("[ыэъёЫЭЪЁ]")
_RUSSIAN_WORDS = re.compile(r"\b(?:здравствуйте|что|как|мне|нужна|нужно|можно|спасибо|помощь|есть|или|только)\b", re.I)

_DOUBTFUL = "dubbie"
"""Words that are also words of Europe's languages (or names): they count only beside others."""

_WORD = re.compile(r"[^\W_]+")
_NOISE = re.compile(r"\S*@\S+|https?://\S+|www\.\S+|\d+")


def letters_of_other_scripts(text: str, code: str) -> int:
    """How many letters of ``text`` are not of the script in which its language, ``code``, is written here."""
    if text.isascii():
        return 0
    found = _count_scripts(text)
    others = [count * _SIGN_WEIGHT.get(name, 1) for name, count in found.items() if name != "latin"]
    return sum(others) - (max(others) if code in _OTHER_THAN_LATIN else 0)


def _count_scripts(sample: str) -> dict[str, int]:
    counts = {"latin": len(_SCRIPTS["latin"].findall(sample))}
    if not sample.isascii():
        for name, pattern in _SCRIPTS.items():
            if name != "latin":
                counts[name] = len(pattern.findall(sample))
        counts[_OTHER] = sum(sign.isalpha() and sign > _LAST_LATIN for sign in _ANY_SCRIPT.sub("", sample))
    return counts


def _language_of_script(script: str, sample: str) -> str:
    if script == "arabic":
        if len(_PERSIAN_WORDS.findall(sample)) > len(_URDU_ONLY.findall(sample)) + 1:
            return "fa"
        return "ur" if len(_URDU_LETTERS.findall(sample)) > len(_ARABIC_LETTERS.findall(sample)) else "ar"
    if script == "cyrillic":
        ukrainian = len(_UKRAINIAN_LETTERS.findall(sample))
        if len(_MACEDONIAN_LETTERS.findall(sample)) > ukrainian:
            return "mk"
        russian = len(_RUSSIAN_LETTERS.findall(sample)) + len(_RUSSIAN_WORDS.findall(sample))
        if len(_BULGARIAN_WORDS.findall(sample)) > max(russian, ukrainian) + 1:
            return "bg"
        return "ru" if russian > ukrainian else "uk"
    return _SINGLE_LANGUAGE.get(script, DEFAULT)


def _romanised(words: list[str]) -> str:
    if not words:
        return ""
    lists = _romanised_cues()
    best, best_count = "", 0
    for code, cues in lists.items():
        if code == _DOUBTFUL:
            continue
        hits = [word for word in words if word in cues]
        certain = {word for word in hits if word not in lists[_DOUBTFUL]}
        if len(certain) >= 2 and len(hits) >= max(3, 0.2 * len(words)) and len(hits) > best_count:
            best, best_count = code, len(hits)
    return best


@lru_cache(maxsize=1)
def _romanised_cues() -> Mapping[str, frozenset[str]]:
    path = Path(__file__).parent / "data" / "romanised.yaml"
    raw = read_lists(path)
    return {code: frozenset(words.split()) for code, words in raw.items()}


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    # An instance of our own: set_languages() on the module would change everybody's. And a second one with
    # our languages only, since the first keeps the tables of all its languages.
    every = LanguageIdentifier.from_model_file(MODEL_FILE)
    every.set_languages(list(_LATIN_LANGUAGES))
    return LanguageIdentifier(
        every.nb_ptc,
        every.nb_pc,
        every.nb_classes,
        every.tk_nextmove,
        every.tk_output,
        norm_probs=True,
        tk_row=every.tk_row,
    )
