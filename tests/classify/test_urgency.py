"""Danger and its look-alikes: what must be read today, and what only uses the same words."""

from __future__ import annotations

from functools import cache
from itertools import pairwise, product
from pathlib import Path

import pytest
import yaml

from tests.classify.cries import CRIES
from tests.classify.letters import letter
from triage.classify import Classifier, load_classifier
from triage.classify.folding import fold
from triage.classify.notation import UNSPACED
from triage.classify.phrases import PhraseBook
from triage.classify.urgency import find_cues, judge_urgency, phrase_lists

ROOT = Path(__file__).parents[2]
DATA = ROOT / "triage" / "classify" / "data"
LISTS = sorted(DATA.glob("urgency_*.yaml"))
LONG = "Vi scrivo dalla biblioteca di paese, dove il giovedì leggiamo insieme storie di ogni genere a voce alta:"


@cache
def shipped() -> Classifier:
    return load_classifier((ROOT / "models" / "model.skops").read_bytes())


def raised(text: str, subject: str = "") -> bool:
    return bool(find_cues((("subject", subject), ("text", text))).raised)


TWINS = [
    ("Mio marito mi picchia quando torna a casa", "Nel film che abbiamo visto il marito la picchia"),
    ("Mia figlia ha detto che vuole morire", "Nessuno qui vuole morire, è solo stanchezza"),
    ("Mio figlio non è tornato a casa da ieri", "Il vostro volantino non è tornato in portineria"),
    ("Ha il coltello in mano e grida", "Mio suocero taglia il salame"),
    ("Scrivo dal bagno, lui è di là", "Il bagno del centro era chiuso"),
    ("Non abbiamo da mangiare per i bambini", "Si può portare da mangiare alla festa?"),
    ("Ho paura di fargli del male quando piange", "Vorrei capire come aiutarlo quando piange"),
    ("Mi minaccia di morte se lo lascio", "Anni fa mi minacciava, ora è tutto risolto"),
    ("Ha i lividi sulle braccia e dice che è caduto", "Ha preso un bel voto in ginnastica"),
    ("Dormiamo in macchina con il bambino", "Il bambino si addormenta solo se lo cullo"),
]


@pytest.mark.parametrize(("danger", "near_miss"), TWINS)
def test_danger_is_raised_and_its_twin_is_not(danger: str, near_miss: str) -> None:
    assert raised(danger)
    assert not raised(near_miss)


IN_MANY_LANGUAGES = [
    "My husband hit me yesterday and took my passport",
    "Sotul meu ma bate si ma ameninta",
    "Mon mari me frappe, j'ai peur pour mes enfants",
    "Mi marido me pega y tengo miedo",
    "Burri im me rreh dhe kam frike",
    "Чоловік б'є мене і дітей",
    "Муж бьет меня, боюсь идти домой",
    "زوجي يضربني كل يوم",
    "ਮੇਰਾ ਪਤੀ ਮੈਨੂੰ ਮਾਰਦਾ ਹੈ",
    "मेरा पति मुझे मारता है",
    "我老公打我，我想死",
    "rajli kaydrebni",
]


@pytest.mark.parametrize("text", IN_MANY_LANGUAGES)
def test_danger_is_raised_in_the_families_languages(text: str) -> None:
    assert raised(text)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Serata contro la violenza", "Ci iscriviamo in tre all'incontro di giovedì"),
        ("iscrizione", 'Mi segnate alla serata "Quando lui mi picchia: riconoscere la violenza"?'),
        ("protocollo", "Il tavolo lavora al protocollo per i casi di abusi su minori"),
        ("URGENTE!!!", "È urgente, l'iscrizione scade domani"),
        ("stanca", "Sono stanca e non dormo da tre notti, il piccolo ha le coliche"),
    ],
)
def test_titles_planning_impatience_and_tiredness_are_not_danger(subject: str, text: str) -> None:
    assert not raised(text, subject)


def test_a_context_in_another_sentence_does_not_silence_danger() -> None:
    assert raised("Ieri sera siamo andati al film. Poi a casa mi ha picchiata.")


def test_not_as_part_of_the_danger_does_not_negate_it() -> None:
    assert raised("Non ce la faccio, voglio farla finita")


def test_offsets_point_at_the_phrase_in_the_text_as_written() -> None:
    text = "Buongiorno. Mio marito MI PICCHIA."
    cue = find_cues((("text", text),)).raised[0]
    assert text[cue.start : cue.end] == "marito MI PICCHIA"


def test_the_head_alone_may_raise_and_a_phrase_lowers_its_bar_to_an_eighth() -> None:
    silent, loud = find_cues((("text", "buongiorno"),)), find_cues((("text", f"{LONG} mio marito mi picchia"),))
    assert judge_urgency(silent, 0.9, 0.5).urgent
    assert not judge_urgency(silent, 0.4, 0.5).urgent
    assert judge_urgency(loud, 0.07, 0.5).urgent
    assert not judge_urgency(loud, 0.06, 0.5).urgent
    assert judge_urgency(find_cues((("text", "mio marito mi picchia"),)), 0.0, 0.5).urgent, "in few words it is enough"


ENROLMENT = "Buongiorno, abito a Soncino e vorrei iscrivere mia figlia di sei anni al laboratorio di burattini."


@pytest.mark.parametrize(
    "cry",
    ["Mio marito mi picchia.", "Voglio morire.", "Suo padre ci picchia tutte le sere!", "Ci minaccia di morte."],
)
def test_a_cry_in_a_sentence_of_its_own_raises_whatever_stands_around_it(cry: str) -> None:
    (found,) = shipped().classify([letter(f"{ENROLMENT} {cry} Fatemi sapere gli orari, grazie e buona giornata")])
    assert found.urgent
    assert judge_urgency(find_cues((("text", f"{ENROLMENT} {cry}"),)), 0.0, 0.5).urgent


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Mio marito mi picchia", ENROLMENT),
        ("", f"{ENROLMENT} Il libro comincia con «mio marito mi picchia». Si legge insieme."),
        ("", f"{ENROLMENT} Argomento: autolesionismo."),
        ("", f"{ENROLMENT} In aula si legge poi la frase mio marito mi picchia e se ne discute insieme in gruppo"),
    ],
)
def test_titles_quotations_and_subjects_of_talk_do_not(subject: str, text: str) -> None:
    assert not judge_urgency(find_cues((("subject", subject), ("text", text))), 0.0, 0.5).urgent


def test_three_weak_phrases_of_two_kinds_in_a_sentence_hold_what_the_head_lets_pass() -> None:
    crowded = find_cues((("text", f"{ENROLMENT} Mio nonno urla, cerca il fucile, ha paura, vede nemici."),))
    apart = find_cues((("text", f"{ENROLMENT} Mio nonno urla. Cerca il fucile. Ha paura. Vede nemici."),))
    assert not crowded.raised
    assert crowded.crowded
    assert not apart.crowded


def test_a_phrase_in_which_the_head_finds_no_danger_is_still_no_forward() -> None:
    """A course that quotes a victim's words: a person looks at it, without haste."""
    text = (
        "Buongiorno, per il corso di aggiornamento degli educatori sulla gestione dei conflitti cerchiamo materiale: "
        "in aula si legge la frase mio marito mi picchia e si discute in gruppo. Avete dispense da prestarci? Servono "
        "entro aprile, grazie, la cooperativa"
    )
    (found,) = shipped().classify([letter(text)])
    codes = [reason.code for reason in found.reasons]
    assert not found.urgent
    assert "pericolo_non_escluso" in codes


def test_alert_is_rarer_and_implies_urgent() -> None:
    loud = judge_urgency(find_cues((("text", "mio marito mi picchia"),)), 0.1, 0.5)
    cues = find_cues((("text", "ha un coltello e ci ammazza tutti"),))
    assert (loud.urgent, loud.alert) == (True, False)
    assert judge_urgency(cues, 0.95, 0.5).alert
    assert (judge_urgency(cues, 0.3, 0.5).urgent, judge_urgency(cues, 0.3, 0.5).alert) == (True, False)


def test_every_list_says_that_no_clinician_has_signed_it() -> None:
    lists = phrase_lists()
    assert len(lists) >= 8
    assert {(status, signed) for _, status, signed in lists} == {("non validata", "")}


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_every_phrase_can_be_searched(path: Path) -> None:
    raw = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    assert set(raw) >= {"stato", "firmata_da", "lingua", "forti", "presente", "negato", "evento"}
    for section, content in raw.items():
        lists = content.values() if isinstance(content, dict) else [content]
        for phrases in lists:
            if isinstance(phrases, list):
                assert all(isinstance(phrase, str) for phrase in phrases)
                PhraseBook((section, phrase) for phrase in phrases)


def phrases_of(path: Path) -> list[str]:
    raw = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    groups = [content.values() if isinstance(content, dict) else [content] for content in raw.values()]
    return [phrase for lists in groups for phrases in lists if isinstance(phrases, list) for phrase in phrases]


def written_out(phrase: str) -> set[str]:
    """The phrase in plain words, so often that each of its alternatives stands in one text."""
    slots = [token.removesuffix("?").split("/") for token in phrase.split() if token != "..."]
    glue = "" if UNSPACED.search(phrase) else " "
    return {glue.join(slot[number % len(slot)].strip("*") for slot in slots) for number in range(max(map(len, slots)))}


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_every_alternative_in_plain_words_is_found(path: Path) -> None:
    phrases = phrases_of(path)
    book = PhraseBook((phrase, phrase) for phrase in phrases)
    missed = [
        (phrase, text)
        for phrase in phrases
        for text in written_out(phrase)
        if phrase not in {match.key for match in book.find(fold(text))}
    ]
    assert missed == []


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_a_slash_separates_single_words(path: Path) -> None:
    """``mourir/de mourir`` means "mourir mourir": neighbours that share a word betray a slash between groups."""
    misread = []
    for phrase in phrases_of(path):
        slots = [set(token.split("/")) for token in phrase.split()]
        for first, second in pairwise(slots):
            if first & second and len(first | second) > 1:
                misread.append(phrase)
    assert misread == []


@pytest.mark.parametrize("language", CRIES)
@pytest.mark.parametrize("plain", [False, True], ids=["accents", "no accents"])
def test_ten_cries_are_raised_in_every_language_inside_an_italian_letter(language: str, plain: bool) -> None:
    letters = [(cry, f"Buongiorno, quando apre la ludoteca? {cry}. Grazie") for cry in CRIES[language]]
    assert [cry for cry, text in letters if not raised(fold(text) if plain else text)] == []


def crossed(*columns: tuple[str, ...]) -> list[str]:
    return [" ".join(words) for words in product(*columns)]


IN_ITALIAN = {
    "beaten": crossed(
        ("mio marito", "il mio compagno", "mio padre", "mia madre", "il mio ex", "mia nuora", "lui"),
        ("picchia", "malmena"),
        ("la nonna", "mia madre", "mia moglie", "me e i bambini", "il nonno"),
    ),
    "killed": crossed(
        ("vuole", "dice che vuole", "ha minacciato di"),
        ("ammazzarci", "ucciderci", "ammazzarmi", "ammazzarla", "ucciderli", "strangolarmi", "bruciarci vivi"),
    ),
    "done to somebody": crossed(
        ("mi", "ci", "la", "li"),
        ("ammazza", "ucciderà", "vuole uccidere", "ha stuprato", "chiude in cantina", "tiene rinchiusi", "pesta"),
    ),
    "threats": crossed(
        ("mi minaccia", "ci ha minacciati", "ha minacciato mia sorella"),
        ("con il coltello", "con una pistola", "con l'accetta", "di buttarci l'acido in faccia"),
    ),
    "fire": ["ci brucia la casa", "dice che ci brucia vivi", "vuole dare fuoco alla casa", "giura di darci fuoco"],
    "suicide": [
        *crossed(("mi ammazzo", "m'ammazzo", "mi impicco", "mi butto dal tetto", "la faccio finita"), ("", "stasera")),
        *crossed(("non voglio", "non vuole", "non vogliamo"), ("più vivere", "piu vivere")),
        *crossed(("meglio", "vogliamo", "sarebbe meglio"), ("finirla insieme", "morire insieme")),
        "voglio solo sparire",
        "si toglie la vita",
        "per il suo anniversario vado a trovarlo lassù",
    ],
    "missing": [
        "mia nipote è scomparsa da stamattina",
        "non rientra da tre giorni",
        "il bambino non si trova più",
        "mio fratello manca da casa da sabato",
    ],
    "hunger": ["non ci dà da mangiare", "le bambine non mangiano da ieri", "la nonna non mangia niente da due giorni"],
    "feared": [
        *crossed(("prima o poi",), ("lo strozzo", "la ammazzo", "lo butto dal balcone", "finisce che ci uccide")),
        "se piange ancora lo strozzo",
        "non ce la faccio più, la soffoco",
        "ho paura di tornare a casa",
        "mia sorella ha paura di suo marito",
        "temo per la nostra vita",
    ],
    "abused": ["suo zio abusa di lei", "ha abusato di mia figlia", "chillo me vatte"],
    "after a not of another sort": [
        "non so più dove girarmi, mi picchia",
        "non resisto più, mi ammazzo",
        "siamo senza un posto dove dormire stanotte",
    ],
    "repaired slashes": ["vuole farmi del male", "papà mi ha fatto male", "insulina, non abbiamo più niente"],
}


@pytest.mark.parametrize("kind", IN_ITALIAN)
def test_who_does_what_to_whom_is_raised_in_italian(kind: str) -> None:
    assert [text for text in IN_ITALIAN[kind] if not raised(f"Salve, che orari fate? {text}. Grazie")] == []


@pytest.mark.parametrize(
    "text",
    [
        "Nel film il padre picchia la nonna e poi si pente",
        "Alla serata si parla di chi dice mi ammazzo",
        "Il libro racconta di una donna che vuole ammazzarci tutti",
        "Nessuno ci minaccia con un coltello",
        "Anni fa ci chiudeva in camera",
        "La grandine picchia i vetri della palestra",
        "Ogni martedì lo butto giù dal letto alle sette",
        "El libro trata de un hombre que quiere matarlos",
        "Le film raconte un père qui veut les tuer",
        "La Viola e la Gaia si iscrivono al corso",
    ],
)
def test_films_books_the_past_and_plays_on_words_are_no_danger(text: str) -> None:
    assert not raised(text)


@pytest.mark.parametrize("text", [danger for danger, _ in TWINS] + IN_MANY_LANGUAGES)
def test_the_shipped_model_raises_a_danger_that_is_named(text: str) -> None:
    """One plain sentence, in each of the families' languages: by phrase, by head, or by both."""
    (found,) = shipped().classify([letter(text)])
    assert found.urgent
