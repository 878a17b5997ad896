"""The words of /controlli: the promise against the audit, what is missing for a mode, what somebody said."""

from __future__ import annotations

from datetime import datetime

from triage.acts.modes import Condition, Standing
from triage.articles import with_article
from triage.audits import Audit
from triage.bounds import Checked, upper_bound
from triage.record.modes import DRIFT
from triage.record.samples import GONE
from triage.review.times import day
from triage.review.words import count_of, project_name, territory_name, topic_name
from triage.rules.types import Rules
from triage.vocabulary import Mode

MODE_NAMES = {
    Mode.SHADOW: "Ombra: non parte niente",
    Mode.PROPOSAL: "Proposta: ogni messaggio aspetta il sì di una persona",
    Mode.AUTOMATIC: "Automatico: i messaggi sicuri partono da soli",
}


def percent(share: float) -> str:
    """``3 %``, ``0,84 %``: as exact as it has to be."""
    value = 100 * share
    text = f"{value:.2f}" if value < 1 else f"{value:.1f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace(".", ",") + " %"


def up_percent(share: float) -> str:
    """An upper bound, never rounded down."""
    value = 100 * share
    step = 100 if value < 1 else 10
    return percent(min(1.0, -(-value * step // 1) / step / 100))


def measured(seen: Checked, most: float, until: datetime | None, *, invented: bool) -> str:
    """The sentence of decision 7."""
    kind = ("messaggio inventato", "messaggi inventati") if invented else ("messaggio vero", "messaggi veri")
    date = f", fino {with_article('al', day(until))}" if until is not None else ""
    return (
        f"Misurato su {count_of(seen.checked, *kind)}{date}: con fiducia del 95 % gli inoltri sbagliati sono al più "
        f"{up_percent(most)}."
    )


def nothing_counts(audit: Audit) -> str:
    """Why there is nothing to measure by: nobody has judged anything, or one that was drawn earlier waits still."""
    if not audit.beyond:
        return "Nessun messaggio è ancora stato controllato."
    one, many = "messaggio è già controllato, ma non conta", "messaggi sono già controllati, ma non contano"
    return f"{count_of(audit.beyond, one, many)} ancora: prima serve una risposta a quello estratto per primo."


def not_yet(audit: Audit) -> str:
    """Beside the judged ones that count: those that do not count yet."""
    if not audit.beyond:
        return ""
    return f" ({count_of(audit.beyond, 'altro non conta', 'altri non contano')} ancora: ne manca uno estratto prima)"


def measured_by_card(right: int, n: int) -> str:
    """The same of the invented messages on which the model in force was measured."""
    seen = Checked(n, float(n), n, (1.0,) * right)
    return measured(seen, upper_bound(seen), None, invented=True)


def promise(audit: Audit, promised: float) -> str:
    """Whether the audit shows what is promised, and what is missing if not."""
    said = f"La promessa è: al più {percent(promised)}."
    missing = audit.missing(promised)
    if not missing:
        return f"{said} La verifica la conferma."
    if (audit.seen.share or 0.0) > promised:
        return f"{said} Finora gli errori trovati sono di più: la verifica non la conferma."
    return f"{said} Non è ancora dimostrata: {_more(missing)}, decisi da una persona o controllati qui."


def _more(missing: int) -> str:
    """How many are needed still."""
    one = "serve ancora un messaggio senza errori"
    return one if missing == 1 else f"servono altri {missing} messaggi senza errori"


def condition_text(condition: Condition) -> str:
    """One condition for *automatico*, as it is met or what is missing."""
    missing, limit = int(condition.params.get("missing", 0)), float(condition.params.get("limit", 0.0))
    texts = {
        "non_ombra": ("Il file delle regole permette gli invii.", "Nel file delle regole il centro è in ombra."),
        "servizio": (
            "Il servizio può avvisare il reperibile e dare gli allarmi.",
            "Il servizio intero è in ombra: non avvisa nessuno, neanche di un possibile pericolo. "
            "Si cambia nel file delle regole, sotto «service».",
        ),
        "indirizzi": (
            "Tutti gli indirizzi del centro sono confermati.",
            f"{count_of(missing, 'indirizzo non è confermato', 'indirizzi non sono confermati')}.",
        ),
        "salute": (
            "Gli indirizzi del centro ricevono la posta.",
            f"{count_of(missing, 'indirizzo non riceve posta', 'indirizzi non ricevono posta')}.",
        ),
        "promessa": (
            f"Tutti i centri insieme: sbagliati al più {percent(limit)}.",
            f"Tutti i centri insieme: non è dimostrato che siano al più {percent(limit)}; {_more(missing)}.",
        ),
        "centro": (
            f"Questo centro: sbagliati al più {percent(limit)}.",
            f"Questo centro: non è dimostrato che siano al più {percent(limit)}; {_more(missing)}.",
        ),
        "area": (
            "ATS ha confermato tutti i comuni di questo centro.",
            f"{count_of(missing, 'comune è ancora da confermare', 'comuni sono ancora da confermare')}: "
            "sono nella pagina Regole.",
        ),
    }
    return texts[condition.code][0 if condition.met else 1]


def why_this_mode(standing: Standing) -> str:
    """Who chose the mode."""
    if standing.reason_code == DRIFT:
        return "Riportato in proposta dal servizio: i controlli hanno trovato più errori di quanti promessi."
    return "Scelto in questa pagina." if standing.reason_code else "Come dice il file delle regole."


def destination_said(rules: Rules, code: str) -> str:
    """Where a message belongs, as somebody said or the service decided."""
    return "Non si può più giudicare" if code == GONE else project_name(rules, code)


def territory_said(rules: Rules, code: str) -> str:
    """A zone, or that none was said."""
    return territory_name(rules, code) if code else "–"


def topic_said(code: str) -> str:
    """A topic, or that none was said."""
    return topic_name(code) if code else "–"
