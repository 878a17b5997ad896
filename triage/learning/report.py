"""The evaluation as a page that staff can read: Italian, one file, pictures drawn here, no script.

Enters an :class:`Evaluation`, leaves HTML. Every picture has a table with the same numbers beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from triage.classify.wording import explain
from triage.learning.evaluation import Evaluation
from triage.vocabulary import Reason

_NAMES: Mapping[str, tuple[str, str, str]] = {
    "destination": ("Destinazione giusta", "su tutti i messaggi, anche quelli trattenuti", ""),
    "gate": ("Di chi è (un progetto, gli operatori, nessuno)", "su tutti i messaggi", "93 %"),
    "territory": ("Territorio", "su tutti i messaggi", "95 %"),
    "topic": ("Argomento", "su tutti i messaggi, dieci possibili", "88 %"),
    "language": ("Lingua", "su tutti i messaggi", "97 %"),
    "automatic_right": ("Automatico o persona", "su tutti i messaggi", "99 %"),
    "urgent_found": ("Da leggere oggi: trovati", "sui messaggi davvero urgenti", "95 %"),
    "urgent_false_alarms": ("Da leggere oggi: falsi allarmi", "sui messaggi non urgenti", "al più 5 %"),
    "alert_found": ("Avvisa il reperibile: trovati", "sui messaggi davvero urgenti", ""),
    "alert_false": ("Avvisa il reperibile: falsi allarmi", "sui messaggi non urgenti", "al più 0,5 %"),
    "forwarded_wrong": ("Inoltri sbagliati", "sui messaggi inoltrati senza una persona", "al più 1 %"),
    "coverage": ("Inoltrati senza una persona", "sui messaggi che spettano a un progetto", "80 %"),
    "filed_persons": ("Persone archiviate senza che qualcuno le legga", "sui messaggi archiviati da soli", "0"),
    "acknowledged_machines": ("Messaggi automatici a cui si risponderebbe", "sui messaggi automatici", "0"),
}
_STYLE = """
body{font:16px/1.5 'Titillium Web',system-ui,sans-serif;color:#17324d;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1,h2{line-height:1.2}table{border-collapse:collapse;margin:1rem 0}caption{text-align:left;font-weight:600}
th,td{border:1px solid #c5c7c9;padding:.25rem .5rem;text-align:right}th:first-child,td:first-child{text-align:left}
.n{background:#fff3cd;padding:.75rem;border-left:4px solid #cc7a00}svg{max-width:100%;height:auto}
.b{font-weight:700}.w{background:#fbe9e7}"""


def page(found: Evaluation) -> str:
    """The whole page."""
    kind = "messaggi inventati" if found.invented else "messaggi veri"
    parts = [
        f"<h1>Quanto sbaglia lo smistamento</h1><p class=n>Misurato su {found.messages} {kind} di {found.writers} "
        f"autori, che il modello non ha mai visto. Modello {escape(found.model_version)}, regole "
        f"{escape(found.rules_version)}."
        + (" Sono messaggi scritti apposta: <strong>non è una misura su posta vera</strong>." if found.invented else "")
        + "</p>",
        _headline(found),
        "<h2>Quando si dice sicuro, ha ragione?</h2>",
        "<p>Ogni punto è un gruppo di messaggi: in orizzontale la fiducia promessa, in verticale quanti erano giusti. "
        "Sulla diagonale promessa e realtà coincidono.</p>",
        _curve([(row["promised"], row["right"]) for row in found.reliability], "Fiducia", "Giusti", diagonal=True),
        _table("Fiducia promessa e risposte giuste", ("fiducia da", "n", "promessa", "giusti"), found.reliability),
        "<h2>Quanto si può inoltrare, e con quanti errori</h2>",
        _curve([(row["coverage"], row["wrong"]) for row in found.coverage], "Inoltrati giusti su dovuti", "Sbagliati"),
        _table(
            "Inoltrando prima i più sicuri",
            ("fiducia", "inoltrati giusti", "sbagliati", "inoltri"),
            found.coverage[:: max(1, len(found.coverage) // 12)],
        ),
        "<h2>Perché aspettano una persona</h2>",
        _held(found.held),
        "<h2>Per progetto</h2>",
        _groups(found.by_project, ("destination", "territory", "forwarded_wrong", "coverage")),
        "<h2>Per lingua</h2>",
        _groups(found.figures["by_language"], _SHORT),
        "<h2>Per gruppo di autori</h2>",
        _groups(found.figures["by_batch"], _SHORT),
        "<h2>Argomenti scambiati</h2><p>Righe: l'argomento vero. Colonne: quello risposto.</p>",
        _matrix(found.topics),
        "<h2>Destinazioni scambiate</h2>",
        _matrix(found.destinations),
        "<h2>Gli errori più sicuri di sé</h2><p>Prima gli inoltri sbagliati. I testi stanno nei file della "
        "valutazione, sotto il nome indicato.</p>",
        _worst(found.worst),
    ]
    return (
        "<!doctype html><html lang=it><head><meta charset=utf-8><title>Quanto sbaglia lo smistamento</title>"
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style></head><body>{''.join(parts)}"
        "</body></html>\n"
    )


_SHORT = ("territory", "topic", "gate", "urgent_found", "urgent_false_alarms", "forwarded_wrong", "coverage")


def _headline(found: Evaluation) -> str:
    rows = []
    for name, (title, over, target) in _NAMES.items():
        one = found.figures[name]
        interval = found.intervals.get(name)
        rows.append(
            f"<tr><td><span class=b>{title}</span><br>{over}</td><td>{one['right']} su {one['n']}</td>"
            f"<td class=b>{_percent(one['share'])}</td><td>{_percent(one['low'])} – {_percent(one['high'])}</td>"
            f"<td>{'' if interval is None else f'{_percent(interval[0])} – {_percent(interval[1])}'}</td>"
            f"<td>{target}</td></tr>"
        )
    return (
        "<table><caption>Le misure, con l'intervallo al 95 %</caption><tr><th>Misura</th><th>Casi</th><th>Quota</th>"
        "<th>Intervallo</th><th>Intervallo tra autori</th><th>Obiettivo</th></tr>" + "".join(rows) + "</table>"
    )


def _held(held: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(explain(Reason(row['reason'])))}</td><td>{row['n']}</td><td>{row['alone']}</td>"
        f"<td>{row['alone_right']}</td></tr>"
        for row in held["reasons"]
    )
    return (
        f"<p>Dei {held['due']} messaggi che spettano a un progetto, {held['waiting']} aspettano una persona. Uno "
        "stesso messaggio può avere più motivi.</p><table><tr><th>Motivo</th><th>Messaggi</th><th>Di questi, solo per "
        f"questo motivo</th><th>Di questi, con la destinazione giusta</th></tr>{rows}</table>"
    )


def _groups(groups: Mapping[str, Any], names: Sequence[str]) -> str:
    head = "".join(f"<th>{_NAMES[name][0]}</th>" for name in names)
    rows = "".join(
        f"<tr><td>{escape(group)}</td>" + "".join(f"<td>{_with_interval(row[name])}</td>" for name in names) + "</tr>"
        for group, row in groups.items()
    )
    below = "<p>Tra parentesi il numero di casi, sotto l'intervallo al 95 %.</p>"
    return f"<table><tr><th></th>{head}</tr>{rows}</table>{below}"


def _with_interval(figure: Mapping[str, Any]) -> str:
    if not figure["n"]:
        return ""
    spread = f"{_percent(figure['low'])} – {_percent(figure['high'])}"
    return f"{_percent(figure['share'])} <small>({figure['n']})<br>{spread}</small>"


def _matrix(counts: Mapping[str, Mapping[str, int]]) -> str:
    names = sorted({*counts, *(name for row in counts.values() for name in row)})
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = "".join(
        f"<tr><td>{escape(true)}</td>"
        + "".join(
            f"<td class={'b' if true == given else 'w' if counts[true].get(given, 0) else 'z'}>"
            f"{counts[true].get(given, 0) or ''}</td>"
            for given in names
        )
        + "</tr>"
        for true in sorted(counts)
    )
    return f"<table><tr><th></th>{head}</tr>{rows}</table>"


def _worst(rows: Sequence[Mapping[str, Any]]) -> str:
    def pair(values: Sequence[object]) -> str:
        same = values[0] == values[1]
        return escape(str(values[0])) if same else f"{escape(str(values[0]))} → <b>{escape(str(values[1]))}</b>"

    body = "".join(
        f"<tr><td>{escape(row['id'])}</td><td>{escape(row['esito'])}</td><td>{row['confidenza']}</td>"
        f"<td>{pair(row['destinazione'])}</td><td>{pair(row['territorio'])}</td><td>{pair(row['argomento'])}</td>"
        f"<td>{pair(['sì' if value else 'no' for value in row['urgente']])}</td></tr>"
        for row in rows
    )
    return (
        "<table><tr><th>Messaggio</th><th>Esito</th><th>Fiducia</th><th>Destinazione</th><th>Territorio</th>"
        f"<th>Argomento</th><th>Urgente</th></tr>{body}</table><p>A sinistra della freccia il vero, a destra la "
        "risposta.</p>"
    )


def _table(caption: str, head: Sequence[str], rows: Sequence[Mapping[str, float]]) -> str:
    titles = "".join(f"<th>{title}</th>" for title in head)
    body = "".join("<tr>" + "".join(f"<td>{value:g}</td>" for value in row.values()) + "</tr>" for row in rows)
    return f"<table><caption>{caption}</caption><tr>{titles}</tr>{body}</table>"


def _curve(points: Sequence[tuple[float, float]], across: str, up: str, *, diagonal: bool = False) -> str:
    """A line through points in the unit square; the upper edge is the largest value where that is small."""
    top = 1.0 if diagonal else max([0.05, *(value for _, value in points)])
    width, height, edge = 460, 300, 46

    def place(x: float, y: float) -> str:
        return f"{edge + x * (width - edge - 10):.1f},{height - edge - y / top * (height - edge - 10):.1f}"

    line = " ".join(place(x, y) for x, y in points)
    dots = "".join(f"<circle cx={place(x, y).replace(',', ' cy=')} r=3 fill='#0066cc' />" for x, y in points)
    marks = "".join(
        f"<text x={place(step / 4, 0).split(',')[0]} y={height - edge + 16} text-anchor=middle font-size=11>"
        f"{25 * step} %</text><text x={edge - 6} y={place(0, top * step / 4).split(',')[1]} text-anchor=end "
        f"font-size=11>{100 * top * step / 4:.0f} %</text>"
        for step in range(5)
    )
    ideal = (
        f"<line x1={edge} y1={height - edge} x2={width - 10} y2=10 stroke='#9ca3a8' stroke-dasharray='4 4' />"
        if diagonal
        else ""
    )
    return (
        f"<svg viewBox='0 0 {width} {height}' width={width} role=img aria-label='{across} e {up}: i numeri sono nella "
        f"tabella che segue'><rect x={edge} y=10 width={width - edge - 10} height={height - edge - 10} fill=none "
        f"stroke='#c5c7c9' />{ideal}<polyline points='{line}' fill=none stroke='#0066cc' stroke-width=2 />{dots}{marks}"
        f"<text x={width / 2} y={height - 8} text-anchor=middle font-size=12>{across}</text>"
        f"<text x=12 y={height / 2} text-anchor=middle font-size=12 transform='rotate(-90 12 {height / 2})'>{up}</text>"
        "</svg>"
    )


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %".replace(".", ",")
