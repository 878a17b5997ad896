"""In which language somebody wrote."""

from __future__ import annotations

import pytest

from triage.classify.language import detect_language


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("it", "Buongiorno, vorrei sapere quando siete aperti"),
        ("it", "ma so mia cuma fa cun me fiöl, al völ mia nda a scola"),
        ("en", "Good morning, where can I find somebody who speaks English?"),
        ("ro", "Buna ziua, as vrea sa stiu daca aveti locuri la curs"),
        ("ro", "Bună ziua, aș vrea să vorbesc cu cineva despre fiul meu"),
        ("fr", "Bonjour, je cherche une aide pour mon fils qui ne dort pas"),
        ("es", "Hola, quisiera saber los horarios del centro para mi hija"),
        ("sq", "Pershendetje, dua te di ku mund ta sjell femijen tim"),
        ("pa", "ਸਤ ਸ੍ਰੀ ਅਕਾਲ, ਮੈਨੂੰ ਆਪਣੇ ਪੁੱਤ ਲਈ ਮਦਦ ਚਾਹੀਦੀ ਹੈ"),
        ("pa", "Sat sri akal ji, mainu apne bache layi madad chahidi hai"),
        ("hi", "नमस्ते, मुझे अपने बेटे के लिए मदद चाहिए"),
        ("bn", "আমার মেয়ের জন্য সাহায্য দরকার"),
        ("ar", "السلام عليكم، أريد معلومات عن المركز"),
        ("ur", "السلام علیکم، مجھے اپنے بچے کے لیے مدد چاہیے"),
        ("uk", "Добрий день, шукаю курси для своєї дитини"),
        ("ru", "Здравствуйте, мне нужна помощь"),
        ("ru", "Добрый день, сын плохо учится"),
        ("zh", "您好，我想给孩子报名"),
        ("pl", "Dzień dobry, mieszkam w Cremie i chciałabym zapisać córkę na zajęcia"),
        ("tr", "Merhaba, Crema'da oturuyorum, oğlum için bir kurs arıyorum"),
        ("sr", "Dobar dan, živim u Cremi i želela bih da upišem sina"),
        ("hu", "Jó napot, szeretném beíratni a lányomat"),
        ("tl", "Magandang araw po, nakatira kami sa Mantova at gusto kong malaman kung may klase"),
        ("so", "Salaan, waxaan ku noolahay Crema waxaan rabaa caawimaad"),
        ("fa", "سلام من در کرما زندگی میکنم و برای پسرم کمک میخواهم"),
        ("bg", "Здравейте, живея в Крема и искам да запиша сина си"),
        ("gu", "મારા દીકરા માટે મદદ જોઈએ છે"),
        ("he", "שלום, אני מחפשת קורס לבן שלי"),
        ("ko", "안녕하세요, 아이를 등록하고 싶습니다"),
        ("th", "สวัสดีค่ะ อยากสมัครคอร์สให้ลูก"),
        ("hy", "Բարեւ ձեզ, օգնություն եմ փնտրում"),
        ("te", "నా కొడుకుకు సహాయం కావాలి"),
        ("ml", "എന്റെ മകന് സഹായം വേണം"),
        ("ja", "こんにちは、こどものためのコースをさがしています"),
        ("und", "ᎣᏏᏲ ᎠᏆᏚᎵ ᎠᏍᏕᎵᏍᎩ ᎠᏇᏥ"),
        ("mk", "Здраво, мојата ќерка има седум години, љубезно прашувам за час"),
    ],
)
def test_one_line_is_enough(code: str, text: str) -> None:
    assert detect_language(text).code == code


@pytest.mark.parametrize("text", ["", "   ", "12345", "ok", "👍👍", "Gentili, allego F24", "https://example.org/a"])
def test_without_words_italian_is_assumed(text: str) -> None:
    assert detect_language(text).code == "it"


def test_italian_that_was_only_assumed_has_no_confidence() -> None:
    assert detect_language("ok grazie").confidence == 0.0


def test_most_words_decide_in_a_mixed_message() -> None:
    text = "Bonjour, je m'appelle Awa et j'habite ici depuis un an avec mes enfants. Grazie mille"
    assert detect_language(text).code == "fr"


def test_a_place_name_in_latin_letters_does_not_hide_the_script() -> None:
    assert detect_language("你好，我们住在 Castel Goffredo，孩子九岁").code == "zh"
