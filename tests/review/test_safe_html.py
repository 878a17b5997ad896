"""Formatted mail from strangers: what is left of it loads nothing, runs nothing, hides nothing and leads nowhere."""

from __future__ import annotations

import re

import pytest

from triage.review.safe_html import POLICY, safe_page, sanitised, shown_target

HOSTILE = {
    "script": "<p>ciao</p><script>alert(1)</script>",
    "handler": '<p onclick="alert(1)">ciao</p><img src=x onerror=alert(1)>',
    "svg": '<svg onload=alert(1)><script>alert(1)</script><a xlink:href="javascript:alert(1)">x</a></svg>ciao',
    "math": '<math><maction actiontype="statusline#x" xlink:href="javascript:alert(1)">x</maction></math>ciao',
    "style": "<style>@import 'http://h.example/a.css';body{background:url(http://h.example/b)}</style>ciao",
    "inline style": '<p style="background:url(http://h.example/b);position:fixed">ciao</p>',
    "remote picture": '<img src="http://h.example/p.gif" srcset="http://h.example/q.gif 2x">ciao',
    "background": '<table background="http://h.example/b.png"><tr><td background="http://h.example/c">ciao</td></tr></table>',
    "frame": '<iframe src="http://h.example"></iframe><object data="http://h.example"></object><embed src=x>ciao',
    "refresh": '<meta http-equiv="refresh" content="0;url=http://h.example">ciao',
    "base": '<base href="http://h.example/">ciao',
    "link": '<link rel=stylesheet href="http://h.example/x.css">ciao',
    "form": '<form action="http://h.example/f"><input name=password><button formaction=x>ciao</button></form>',
    "video": '<video poster="http://h.example/p"><source src="http://h.example/v"></video><audio src=x>ciao',
    "comment": "<!--[if mso]><script>alert(1)</script><![endif]-->ciao",
    "noscript": '<noscript><p title="</noscript><img src=x onerror=alert(1)>">ciao</p>',
    "mutation": "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>ciao",
    "template": "<template><img src=x onerror=alert(1)></template>ciao",
    "broken": "<p <b>ciao<<script>alert(1)//</script>",
}
ALLOWED = re.compile(
    r"</?(?:p|br|hr|div|span|blockquote|pre|h[1-6]|ul|ol|li|dl|dt|dd|center|table|thead|tbody|tfoot|tr|td|th|caption|b"
    r"|strong|i|em|u|s|small|sub|sup|code)(?: (?:colspan|rowspan|start)=\"\d+\"| class=\"meta-dato\")*>"
)


@pytest.mark.parametrize("kind", HOSTILE)
def test_of_hostile_markup_only_harmless_elements_are_left(kind: str) -> None:
    kept = sanitised(HOSTILE[kind])
    assert "<" not in ALLOWED.sub("", kept), kept
    assert "alert" not in ALLOWED.sub("", kept) or kind in ("mutation", "broken")


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_a_person_wrote_between_it_is_still_there(kind: str) -> None:
    assert "ciao" in sanitised(HOSTILE[kind]) or kind in ("noscript", "mutation")


@pytest.mark.parametrize(
    "target",
    [
        "https://altro.example/entra?x=1",
        "javascript:alert(1)",
        "data:text/html,x",
        "//altro.example",
        "mailto:a@b.example",
    ],
)
def test_a_link_shows_where_it_leads_and_leads_nowhere(target: str) -> None:
    kept = sanitised(f'<a href="{target}">https://banca.example</a>')
    assert kept.split() == ["https://banca.example", *f'<span class="meta-dato">[porta a: {target}]</span>'.split()]


def test_a_host_in_look_alike_letters_is_shown_as_the_wire_has_it() -> None:
    assert shown_target("https://раураl.example/entra") == "https://xn--l-7sba6dbr.example/entra"


def test_a_target_cannot_turn_the_text_around_or_fill_the_page() -> None:
    assert shown_target("https://a.example/\u202egnp.exe\n") == "https://a.example/gnp.exe"
    assert len(shown_target("https://a.example/" + "x" * 5000)) == 301


def test_a_writer_cannot_pretend_to_be_us() -> None:
    kept = sanitised(
        '<span class="meta-dato">[porta a: https://ats.example]</span> &#xfdd0;porta a: x&#xfdd1; \ufdd0y\ufdd1'
    )
    assert "meta-dato" not in kept


def test_what_the_writers_program_would_hide_is_not_shown() -> None:
    assert "nascosto" not in sanitised('<div style="display:none">nascosto</div><p hidden>nascosto</p><p>visto</p>')


def test_a_picture_says_what_its_writer_says_that_it_shows() -> None:
    assert "[immagine non mostrata: Il nostro logo]" in sanitised('<img src="cid:1" alt="Il nostro\n logo">')


def test_the_frame_has_a_policy_of_its_own_that_allows_one_style_and_nothing_else() -> None:
    assert POLICY.startswith("default-src 'none'; style-src 'sha256-")
    assert POLICY.endswith("frame-ancestors 'self'; sandbox")
    assert safe_page("<p>ciao</p>").count("<style>") == 1


def test_markup_of_any_depth_ends() -> None:
    assert "fine" in sanitised("<div>" * 3000 + "fine")


@pytest.mark.parametrize("size", ["0.875rem", "0.9em", "09px"])
def test_small_letters_are_no_hidden_ones(size: str) -> None:
    assert "visto" in sanitised(f'<div style="font-size:{size}"><p>visto</p></div>')
