"""Replies and forwards as Italian clients write them; who the text is by, and what is only quoted."""

from __future__ import annotations

from typing import Any

from tests.corpus.cases.making import ANNA, CRLF, OURS, TEXT, Case, lines, mail, multi, part

GROUP = "answers"
TITLE = "Replies and forwards of Italian mail programs"
_OLD = "Abitiamo a Suzzara, che orari fate?"
_LINK = "In-Reply-To: <nostra@agency.example>"
_RULE = "________________________________"


def cases() -> list[Case]:
    """In the order of the README."""
    return [*_replies(), *_forwards(), *_colleagues(), *_signatures()]


def _reply(name: str, why: str, body: str, subject: str = "R: Informazioni", **facts: Any) -> Case:
    return Case(
        f"reply-{name}",
        why,
        mail(lines(body), _LINK, head={"Subject": subject}),
        subject=subject,
        without=(_OLD,),
        **facts,
    )


def _forward(name: str, why: str, body: str, subject: str = "I: Informazioni", **facts: Any) -> Case:
    kept: dict[str, Any] = {"text": (_OLD,), "is_forward": True, "passed_on": "bruno@family.example", **facts}
    return Case(f"forward-{name}", why, mail(lines(body), head={"Subject": subject}), subject=subject, **kept)


def _block(*fields: str) -> str:
    return "\n".join([*fields, "", _OLD])


_DA = _block(
    "Da: Sportello <famiglie@agency.example>",
    "Inviato: lunedì 4 maggio 2026 10:22",
    "A: Anna Rossi <anna.rossi@family.example>",
    "Oggetto: Informazioni",
)
_DE_BRUNO = _block(
    "Da: Bruno Verdi <bruno@family.example>",
    "Inviato: lunedì 4 maggio 2026 10:22",
    "A: Anna Rossi",
    "Oggetto: Informazioni",
)


def _replies() -> list[Case]:
    return [
        _reply("outlook", "Outlook in Italian: R: and a block of fields", f"{TEXT}\n\n{_DA}"),
        _reply("outlook-line", "the same under a line", f"{TEXT}\n\n{_RULE}\n{_DA}"),
        _reply("outlook-mobile", "Outlook on a phone", f"{TEXT}\n\nScarica Outlook per iOS\n{_RULE}\n{_DA}"),
        _reply(
            "messaggio-originale", "-----Messaggio originale-----", f"{TEXT}\n\n-----Messaggio originale-----\n{_DA}"
        ),
        _reply(
            "gmail",
            "Gmail: Il giorno … ha scritto",
            f"{TEXT}\n\nIl giorno lun 4 mag 2026 alle ore 10:22 Sportello <famiglie@agency.example> ha scritto:\n\n> {_OLD}\n",
            "Re: Informazioni",
        ),
        _reply(
            "gmail-folded",
            "the same line, folded in the middle",
            f"{TEXT}\n\nIl giorno lun 4 mag 2026 alle ore 10:22 Sportello per le famiglie <\nfamiglie@agency.example> ha scritto:\n\n> {_OLD}\n",
            "Re: Informazioni",
        ),
        _reply(
            "apple",
            "Apple Mail: Il giorno … ha scritto",
            f"{TEXT}\n\n> Il giorno 4 mag 2026, alle ore 10:22, Sportello <famiglie@agency.example> ha scritto:\n> \n> {_OLD}",
            "Re: Informazioni",
        ),
        _reply(
            "iphone",
            "an iPhone",
            f"{TEXT}\n\nInviato da iPhone\n\n> Il giorno 4 mag 2026, alle ore 10:22, Sportello ha scritto:\n> \n> {_OLD}",
            "Re: Informazioni",
        ),
        _reply(
            "thunderbird",
            "Thunderbird: Il … ha scritto",
            f"{TEXT}\n\nIl 04/05/2026 10:22, Sportello ha scritto:\n> {_OLD}",
            "Re: Informazioni",
        ),
        _reply(
            "libero",
            "Libero's webmail",
            f"{TEXT}\n\nIl 4 maggio 2026 alle 10:22 Sportello <famiglie@agency.example> ha scritto:\n\n> {_OLD}",
            "Re: Informazioni",
        ),
        _reply(
            "tiscali",
            "Tiscali: Messaggio originale in capitals",
            f'{TEXT}\n\n----MESSAGGIO ORIGINALE----\nDa: famiglie@agency.example\nData: 04/05/2026 10.22\nA: "Anna"\nOgg: Informazioni\n\n{_OLD}',
            "R: Informazioni",
        ),
        _reply(
            "yahoo",
            "Yahoo in Italian",
            f"{TEXT}\n\n    Il lunedì 4 maggio 2026, 10:22:00 CEST, Sportello <famiglie@agency.example> ha scritto:\n\n {_OLD}\n",
            "Re: Informazioni",
        ),
        _reply(
            "samsung",
            "a Samsung phone",
            f"{TEXT}\n\nInviato dal mio Galaxy\n\n-------- Messaggio originale --------\nDa: Sportello <famiglie@agency.example>\nData: 04/05/26 10:22 (GMT+01:00)\nA: Anna\nOggetto: Informazioni\n\n{_OLD}",
            "Re: Informazioni",
        ),
        _reply(
            "aruba",
            "Aruba's webmail: quoted by a bar",
            f'{TEXT}\n\nDa : "Sportello" famiglie@agency.example\nA : anna.rossi@family.example\nCc :\nData : Mon, 4 May 2026 10:22:00 +0200\nOggetto : Informazioni\n\n> {_OLD}',
            "Re: Informazioni",
        ),
        _reply(
            "roundcube",
            "Roundcube: Il … ha scritto",
            f"{TEXT}\n\nIl 2026-05-04 10:22 Sportello ha scritto:\n> {_OLD}",
            "Re: Informazioni",
        ),
        _reply(
            "zimbra",
            "Zimbra's block of four fields above the quoted text",
            f'{TEXT}\n\n----- Messaggio originale -----\nDa: "Sportello" <famiglie@agency.example>\nA: "Anna" <anna.rossi@family.example>\nInviato: Lunedì, 4 maggio 2026 10:22:00\nOggetto: Informazioni\n\n{_OLD}',
            "Re: Informazioni",
        ),
        _reply(
            "english",
            "a phone set to English",
            f"{TEXT}\n\nOn Mon, May 4, 2026 at 10:22 AM Sportello <famiglie@agency.example> wrote:\n\n> {_OLD}\n",
            "Re: Informazioni",
        ),
        _reply(
            "german",
            "AW: and a German block",
            f"{TEXT}\n\nVon: Sportello <famiglie@agency.example>\nGesendet: Montag, 4. Mai 2026 10:22\nAn: Anna\nBetreff: Informazioni\n\n{_OLD}",
            "AW: Informazioni",
        ),
        _reply(
            "romanian",
            "a phone set to Romanian",
            f"{TEXT}\n\nÎn lun., 4 mai 2026 la 10:22, Sportello <famiglie@agency.example> a scris:\n\n> {_OLD}\n",
            "Re: Informazioni",
        ),
        _reply(
            "bottom",
            "the answer stands below what it quotes",
            f"Il 04/05/2026 10:22, Sportello ha scritto:\n> {_OLD}\n\n{TEXT}",
            "Re: Informazioni",
        ),
        _reply(
            "between",
            "answers between the quoted lines",
            f"Il 04/05/2026 10:22, Sportello ha scritto:\n> {_OLD}\nGrazie.\n> Dove?\n{TEXT}",
            "Re: Informazioni",
            text=("Grazie.", TEXT),
        ),
        Case(
            "reply-only-quoted-html",
            "an HTML reply that is nothing but a quotation: never judged empty (osTicket 6487)",
            mail(f"<blockquote type=cite><p>{TEXT}</p></blockquote>", _LINK, kind="text/html; charset=utf-8"),
        ),
        Case(
            "reply-gmail-html",
            "Gmail's HTML with its quotation",
            mail(
                f'<div dir="ltr">{TEXT}</div><br><div class="gmail_quote"><div class="gmail_attr">Il giorno lun 4 mag 2026 alle ore 10:22 Sportello ha scritto:<br></div><blockquote class="gmail_quote">{_OLD}</blockquote></div>',
                _LINK,
                kind="text/html; charset=utf-8",
            ),
            without=(_OLD,),
        ),
        Case(
            "reply-outlook-html",
            "Outlook's HTML: fields in bold under a border",
            mail(
                f"<p class=MsoNormal>{TEXT}</p><div style='border:none;border-top:solid #E1E1E1 1.0pt'><p><b>Da:</b> Sportello &lt;famiglie@agency.example&gt;<br><b>Inviato:</b> lunedì 4 maggio 2026 10:22<br><b>A:</b> Anna<br><b>Oggetto:</b> Informazioni</p></div><p>{_OLD}</p>",
                _LINK,
                kind="text/html; charset=utf-8",
            ),
            without=(_OLD,),
        ),
        Case(
            "reply-to-our-forward",
            "a project answers the family and leaves us in Cc: our own text is quoted",
            mail(
                lines(
                    f"Gentile Anna, può venire martedì.\n\nDa: Sportello ATS <{OURS}>\nInviato: lunedì 4 maggio 2026 10:22\nA: Centro Nord\nOggetto: [2A-23456789] Informazioni\n\nSe rispondete a questa mail, la risposta arriva direttamente ad Anna.\nCodice del caso: 2A-23456789"
                ),
                _LINK,
                f"Cc: {OURS}",
                head={
                    "From": "Centro Nord <nord@nord.example>",
                    "Return-Path": "<nord@nord.example>",
                    "To": ANNA,
                    "Subject": "R: [2A-23456789] Informazioni",
                },
            ),
            author="nord@nord.example",
            author_name="Centro Nord",
            subject="R: [2A-23456789] Informazioni",
            text=("può venire martedì",),
            without=("Codice del caso",),
            against=("dal_progetto", "percorso_di_progetto"),
        ),
        Case(
            "reply-prefixes-piled-up",
            "thirty prefixes (freescout 4250)",
            mail(head={"Subject": "R: I: Re: " * 10 + "Informazioni"}),
            subject="R: I: Re: " * 10 + "Informazioni",
        ),
    ]


def _forwards() -> list[Case]:
    return [
        _forward("outlook", "I: with a word above", f"{TEXT}\n\n{_DE_BRUNO}", text=(TEXT, _OLD)),
        _forward("outlook-alone", "I: and nothing above", _DE_BRUNO),
        _forward("outlook-line", "I: under Outlook's line", f"{_RULE}\n{_DE_BRUNO}"),
        _forward(
            "inoltra",
            "Inoltra: as prefix",
            f"-------- Messaggio Inoltrato --------\nOggetto: Informazioni\nData: Mon, 4 May 2026 10:22:00 +0200\nMittente: Bruno <bruno@family.example>\nA: Anna\n\n{_OLD}",
            "Inoltra: Informazioni",
        ),
        _forward(
            "thunderbird",
            "Thunderbird: Messaggio Inoltrato",
            f"{TEXT}\n\n-------- Messaggio Inoltrato --------\nOggetto: \tInformazioni\nData: \tMon, 4 May 2026 10:22:00 +0200\nMittente: \tBruno <bruno@family.example>\nA: \tanna.rossi@family.example\n\n{_OLD}",
            "Fwd: Informazioni",
            text=(TEXT, _OLD),
        ),
        _forward(
            "gmail",
            "Gmail: Forwarded message with Italian fields",
            f"---------- Forwarded message ---------\nDa: Bruno <bruno@family.example>\nDate: lun 4 mag 2026 alle ore 10:22\nSubject: Informazioni\nTo: <anna.rossi@family.example>\n\n\n{_OLD}",
            "Fwd: Informazioni",
        ),
        _forward(
            "apple",
            "Apple: Inizio messaggio inoltrato",
            f"Inizio messaggio inoltrato:\n\n> Da: Bruno <bruno@family.example>\n> Oggetto: Informazioni\n> Data: 4 maggio 2026 10:22:00 CEST\n> A: Anna\n> \n> {_OLD}",
            "Fwd: Informazioni",
        ),
        _forward(
            "libero",
            "Libero: Messaggio inoltrato",
            f"---------- Messaggio inoltrato ----------\nDa: bruno@family.example\nA: anna.rossi@family.example\nData: 4 maggio 2026 alle 10:22\nOggetto: Informazioni\n\n{_OLD}",
            "Fwd: Informazioni",
        ),
        _forward(
            "zimbra",
            "Zimbra: Messaggio inoltrato",
            f'----- Messaggio inoltrato -----\nDa: "Bruno" <bruno@family.example>\nA: "Anna" <anna.rossi@family.example>\nInviato: Lunedì, 4 maggio 2026 10:22:00\nOggetto: Informazioni\n\n{_OLD}',
            "Fwd: Informazioni",
        ),
        _forward(
            "roundcube",
            "Roundcube: Messaggio originale under Fwd:",
            f"-------- Messaggio originale --------\nOggetto: Informazioni\nData: 2026-05-04 10:22\nMittente: Bruno <bruno@family.example>\nDestinatario: anna.rossi@family.example\n\n{_OLD}",
            "Fwd: Informazioni",
        ),
        _forward(
            "wg",
            "WG:, a German office (zammad 4965)",
            f"Von: Bruno <bruno@family.example>\nGesendet: Montag, 4. Mai 2026 10:22\nAn: Anna\nBetreff: Informazioni\n\n{_OLD}",
            "WG: Informazioni",
        ),
        _forward(
            "tr",
            "TR:, a French office",
            f"De : Bruno <bruno@family.example>\nEnvoyé : lundi 4 mai 2026 10:22\nÀ : Anna\nObjet : Informazioni\n\n{_OLD}",
            "TR: Informazioni",
        ),
        _forward(
            "samsung",
            "a phone: Messaggio originale under Fwd:",
            f"-------- Messaggio originale --------\nDa: Bruno <bruno@family.example>\nData: 04/05/26 10:22\nA: Anna\nOggetto: Informazioni\n\n{_OLD}",
            "Fwd: Informazioni",
        ),
        _forward(
            "of-a-forward",
            "I: I: two levels",
            f"Vi giro.\n\nDa: Ufficio <ufficio@comune.example>\nInviato: martedì 5 maggio 2026 09:00\nA: Anna\nOggetto: I: Informazioni\n\nPer competenza.\n\n{_DE_BRUNO}",
            "I: I: Informazioni",
        ),
        Case(
            "forward-attached-two",
            "two messages attached",
            multi(
                part("Vi giro due richieste."),
                part(mail(), "message/rfc822"),
                part(mail("Abito a Suzzara."), "message/rfc822"),
                Subject="I: richieste",
            ),
            subject="I: richieste",
            text=("Vi giro due richieste.", TEXT, "Abito a Suzzara."),
            attachments=("Informazioni.eml", "Informazioni.eml"),
            is_forward=True,
            passed_on=ANNA,
        ),
        Case(
            "forward-html",
            "Gmail's forward in HTML",
            mail(
                f'<div dir="ltr"><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message ---------<br>Da: <b>Bruno</b> &lt;bruno@family.example&gt;<br>Date: lun 4 mag 2026<br>Subject: Informazioni<br>To: &lt;anna.rossi@family.example&gt;<br></div><br>{_OLD}</div></div>',
                head={"Subject": "Fwd: Informazioni"},
                kind="text/html; charset=utf-8",
            ),
            subject="Fwd: Informazioni",
            text=(_OLD,),
            is_forward=True,
        ),
    ]


def _colleagues() -> list[Case]:
    colleague: dict[str, Any] = {
        "From": "Carla Bianchi <carla@comune.example>",
        "Return-Path": "<carla@comune.example>",
    }
    facts: dict[str, Any] = {"author": "carla@comune.example", "author_name": "Carla Bianchi"}
    return [
        Case(
            "colleague-forwards",
            "a colleague of a comune forwards by hand: the family's words are the content",
            mail(
                lines(f"Buongiorno, per competenza.\nCarla\n\n{_DE_BRUNO}"),
                head={**colleague, "Subject": "I: Informazioni"},
            ),
            subject="I: Informazioni",
            text=("per competenza", _OLD),
            is_forward=True,
            passed_on="bruno@family.example",
            **facts,
        ),
        Case(
            "colleague-pastes",
            "a colleague pastes a telephone note",
            mail(lines(f"Ha telefonato la signora Rossi: {TEXT}"), head=colleague),
            text=("Ha telefonato", TEXT),
            **facts,
        ),
        Case(
            "colleague-redirects",
            "a colleague redirects with Resent- fields: the author stays Anna",
            mail(
                TEXT + CRLF,
                "Resent-From: Carla <carla@comune.example>",
                f"Resent-To: {OURS}",
                "Resent-Date: Mon, 4 May 2026 11:00:00 +0200",
                "Resent-Message-ID: <r@comune.example>",
            ),
        ),
        Case(
            "whatsapp-pasted",
            "a chat, pasted",
            mail(lines(f"[04/05/26, 10:22:11] Anna: {TEXT}\n[04/05/26, 10:23:40] Centro: Scriva una mail")),
        ),
    ]


def _signatures() -> list[Case]:
    return [
        Case(
            "signature-of-another-place",
            "an office's signature names another comune",
            mail(lines(f"{TEXT}\n\n-- \nDott.ssa Anna Rossi\nComune di Suzzara - Servizi sociali\nTel. 0376 000000")),
            without=("Suzzara",),
        ),
        Case(
            "signature-phone", "a phone's advertisement", mail(lines(f"{TEXT}\n\nInviato da Libero Mail per Android"))
        ),
        Case(
            "notice-of-confidentiality",
            "a legal notice longer than the message",
            mail(
                lines(
                    f"{TEXT}\n\nAVVISO DI RISERVATEZZA: Il presente messaggio e i suoi allegati sono destinati esclusivamente alle persone indicate. Chiunque lo riceva per errore è pregato di darne notizia al mittente e di distruggerlo, ai sensi del Regolamento UE 2016/679."
                )
            ),
            without=("2016/679",),
        ),
        Case(
            "antivirus-footer",
            "a scanner's footer",
            mail(
                lines(
                    f"{TEXT}\n\n--\nQuesta e-mail è stata controllata per individuare virus con Avast antivirus.\nwww.avast.example"
                )
            ),
            without=("avast.example",),
        ),
        Case(
            "list-of-dashes",
            "a letter that uses -- as a bullet: nothing is cut",
            mail(lines(f"Chiedo:\n-- un colloquio\n-- gli orari\n{TEXT}")),
            text=("un colloquio", TEXT),
        ),
    ]
