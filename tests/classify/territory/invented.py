"""Invented messages with the place that a person would read in them.

``winner`` is a comune, or ``outside``, ``unstated``, ``several``, or ``spread`` (several comuni share
the name, area or code and nothing narrows it). ``place`` and ``role`` check one mention where given.
"""

from __future__ import annotations

from dataclasses import dataclass

from triage.vocabulary import Address, InboundMessage, Role

ANNA = Address("Anna Bianchi", "anna@example.org")


@dataclass(frozen=True, slots=True)
class Case:
    text: str
    winner: str
    place: str = ""
    role: Role | None = None
    subject: str = ""
    signature: str = ""
    quoted: str = ""
    author: Address = ANNA

    @property
    def message(self) -> InboundMessage:
        return build(self.text, self.subject, self.signature, self.quoted, self.author)


def build(
    text: str,
    subject: str = "",
    signature: str = "",
    quoted: str = "",
    author: Address = ANNA,
) -> InboundMessage:
    """A message as the parser would hand it over, with nothing but text in it."""
    return InboundMessage(
        message_id="<1@example.org>",
        in_reply_to=(),
        references=(),
        date=None,
        author=author,
        authors=(author,),
        sender=None,
        reply_to=(),
        recipients=(),
        reverse_path=None,
        subject=subject,
        new_text=text,
        quoted_text=quoted,
        signature=signature,
        is_forward=False,
        attachments=(),
        header_fields=(),
        content_type="text/plain",
        content_type_params={},
        size=len(text),
    )


HOME = Role.RESIDENCE
DESK = Role.REQUESTED_DESK

RESIDENCE = (
    Case("Abitiamo a Offanengo e cerchiamo un gruppo per neogenitori.", "Offanengo", "Offanengo", HOME),
    Case("Faccio la cassiera a Crema, mia figlia ha paura del buio.", "unstated", "Crema", Role.WORK),
    Case("Mio marito fa il muratore a Goito e torna tardi.", "unstated", "Goito", Role.WORK),
    Case("Il papà dei bambini, da cui sono separata, abita a Viadana.", "unstated", "Viadana", Role.RELATIVES),
    Case("La logopedista che ci segue è a Ostiglia.", "unstated", "Ostiglia", Role.HOSPITAL),
    Case("Ci siamo sposati a Pandino nel 2015.", "unstated", "Pandino", Role.OTHER),
    Case("Abitiamo a Tre Olmi, mia figlia va a scuola a Goito.", "unstated", "Tre Olmi", HOME),
    Case("abito a crema e ho due gemelli", "Crema", "crema", HOME),
    Case("Siamo di Goito, il piccolo ha tre anni.", "Goito", "Goito", HOME),
    Case("VIVO A CASALMAGGIORE CON MIO FIGLIO DI SEI ANNI", "Casalmaggiore", "CASALMAGGIORE", HOME),
    Case("sto a bozzolo da poco, nn conosco nessuno", "Bozzolo", "bozzolo", HOME),
    Case("Sono residente a Castel Goffredo in affitto.", "Castel Goffredo", "Castel Goffredo", HOME),
    Case("Residente nel comune di Poggio Rusco, chiedo informazioni.", "Poggio Rusco", "Poggio Rusco", HOME),
    Case("Vi scrivo da Ostiglia: mia figlia non dorme.", "Ostiglia", "Ostiglia", HOME),
    Case("Siamo una famiglia di Soncino con tre bambini.", "Soncino", "Soncino", HOME),
    Case("Ho in carico una signora di Medole con due figli.", "Medole", "Medole", HOME),
    Case("Pandino, dove abitiamo, non ha un centro.", "Pandino", "Pandino", HOME),
    Case("Viviamo in Lunetta da dieci anni.", "Mantova", "Lunetta", HOME),
    Case("Stiamo a Bancole, dietro la chiesa.", "Porto Mantovano", "Bancole", HOME),
    Case("sono a casteldario, come faccio?", "Castel d'Ario", "casteldario", HOME),
    Case("Abito a Portomantovano con i miei figli.", "Porto Mantovano", "Portomantovano", HOME),
    Case("Abito a Castelgoffredo.", "Castel Goffredo", "Castelgoffredo", HOME),
    Case("Abito a S. Giovanni in C. e non guido.", "San Giovanni in Croce", "S. Giovanni in C", HOME),
    Case("Siamo di Casalmagg. e vorremmo un colloquio", "Casalmaggiore", "Casalmagg", HOME),
    Case("siamo di porto mn, centro", "Porto Mantovano", "porto mn", HOME),
    Case("Viviamo a Castiglione d/S in centro.", "Castiglione delle Stiviere", "Castiglione d/S", HOME),
    Case("Abitiamo a Torre de’ Picenardi.", "Torre de' Picenardi", "Torre de’ Picenardi", HOME),
    Case("abito a torre de picenardi", "Torre de' Picenardi", "torre de picenardi", HOME),
    Case("Scrivo da Torre dei Picenardi, abito lì.", "Torre de' Picenardi", "Torre dei Picenardi", HOME),
    Case("abito a cappella dei picenardi", "Cappella de' Picenardi", "cappella dei picenardi", HOME),
    Case("Sto a Cade', frazione di Roncoferraro.", "Roncoferraro"),
    Case("Abito a S.Benedetto Po.", "San Benedetto Po", "S.Benedetto Po", HOME),
    Case("Abitiamo a Revere.", "Borgo Mantovano", "Revere", HOME),
    Case("Siamo di Sermide, appena fuori.", "Sermide e Felonica", "Sermide", HOME),
    Case("Mia nipote vive a Moglia di Sermide.", "Sermide e Felonica", "Moglia di Sermide", HOME),
    Case("Viviamo a Moglia, vicino a Gonzaga.", "Moglia", "Moglia", HOME),
    Case("Abitiamo a Ospitaletto (46014).", "Castellucchio"),
    Case("Abito a Gabbiana, comune di Marcaria.", "Marcaria"),
    Case("Abitiamo a Postino di Dovera.", "Dovera"),
    Case("Abitiamo a Grazie di Curtatone.", "Curtatone"),
    Case("Comune: Rivolta d'Adda\nMessaggio: vorrei informazioni", "Rivolta d'Adda", "Rivolta d'Adda", HOME),
    Case("Il nucleo risiede in via Dante 4 a Vailate.", "Vailate", "Vailate", HOME),
    Case("Siamo in via Goito 3 a Magnacavallo.", "Magnacavallo", "Goito", Role.STREET),
    Case("Veniamo tutte da Marmirolo.", "Marmirolo", "Marmirolo", HOME),
    Case("Sono una nonna di Quistello.", "Quistello", "Quistello", HOME),
    Case("io sto a suzzara con due bambini", "Suzzara", "suzzara", HOME),
    Case("Abitiamo a Sabbioni di Crema.", "Crema"),
    Case("Viviamo ad Asola da un anno.", "Asola", "Asola", HOME),
    Case("Sono mamma di due bimbi. Viadana.", "Viadana"),
    Case("Abito coi suoceri a Piubega.", "Piubega", "Piubega", HOME),
    Case("La bambina vive con i nonni a Gussola.", "Gussola", "Gussola", HOME),
    Case("Siamo di Vho e non abbiamo la macchina.", "Piadena Drizzona", "Vho", HOME),
)

LANGUAGES = (
    Case("Hello, I live in Casalmaggiore with my two kids.", "Casalmaggiore", "Casalmaggiore", HOME),
    Case("We are from Suzzara and my wife needs help.", "Suzzara", "Suzzara", HOME),
    Case("I work in Cremona but I live in Pizzighettone.", "Pizzighettone", "Cremona", Role.WORK),
    Case("Buna ziua, locuiesc in Viadana cu trei copii.", "Viadana", "Viadana", HOME),
    Case("Suntem din Castelleone, avem o fetita.", "Castelleone", "Castelleone", HOME),
    Case("Lucrez in Mantova dar stau in Roverbella.", "Roverbella", "Mantova", Role.WORK),
    Case("Bonjour, j'habite à Ostiano avec mes enfants.", "Ostiano", "Ostiano", HOME),
    Case("Je travaille à Crema et j'habite Soresina.", "Soresina", "Crema", Role.WORK),
    Case("Buenas tardes, vivo en Bagnolo Cremasco.", "Bagnolo Cremasco", "Bagnolo Cremasco", HOME),
    Case("Somos de Ombriano.", "Crema", "Ombriano", HOME),
    Case("Pershendetje, jetoj ne Asola me burrin.", "Asola", "Asola", HOME),
    Case("Jemi nga Goito.", "Goito", "Goito", HOME),
    Case("Добрий день, ми живемо в Кремоні.", "Cremona", "Кремоні", HOME),
    Case("Я працюю в Мантові.", "unstated", "Мантові", Role.WORK),
    Case("我们住在曼托瓦，孩子七岁。", "Mantova", "曼托瓦", HOME),
    Case("نسكن في فيادانا مع أطفالنا", "Viadana", "فيادانا", HOME),
    Case("نسكن في Suzzara منذ سنة", "Suzzara", "Suzzara", HOME),
    Case("ਅਸੀਂ ਸੁਜ਼ਾਰਾ ਵਿੱਚ ਰਹਿੰਦੇ ਹਾਂ", "Suzzara"),
    Case("Nous vivons à Mantoue.", "Mantova", "Mantoue", HOME),
    Case("We are moving to Guidizzolo in March.", "Guidizzolo", "Guidizzolo", Role.MOVING_TO),
)

DESKS = (
    Case("Quando apre lo sportello di Viadana?", "Viadana", "Viadana", DESK),
    Case("Abito a Pomponesco ma vorrei venire allo sportello di Viadana.", "Viadana", "Viadana", DESK),
    Case("Il laboratorio di lettura a Sabbioneta è ancora aperto? Noi siamo di Rivarolo Mantovano.", "Sabbioneta"),
    Case("Il centro di via Ariosto è aperto il sabato?", "Mantova", "via Ariosto", DESK),
    Case("Vorrei un appuntamento con Orientafamiglie.", "Crema", "Orientafamiglie", DESK),
    Case("Confermo Pietro per sabato all'Artoni.", "Mantova", "Artoni", DESK),
    Case("Il corso di massaggio infantile a Goito riparte?", "Goito", "Goito", DESK),
    Case("che orari fa il centro famiglie di suzzara", "Suzzara", "suzzara", DESK),
    Case("", "Scandolara Ravara", "scandolara ravara", DESK, subject="serata scandolara ravara"),
    Case("A Revere fate le fiabe del lupo: ci sono posti?", "Borgo Mantovano", "Revere", DESK),
    Case("Vorrei iscrivermi alla serata di Casalmaggiore. Lavoro a Piadena e vivo a Bozzolo.", "Casalmaggiore"),
    Case("Siete voi il Centro Famiglie Oglio Po?", "spread", "Centro Famiglie Oglio Po", DESK),
    Case("Il doposcuola di rivarolo del re c'è ancora?", "Rivarolo del Re ed Uniti", "rivarolo del re", DESK),
    Case("Centro di Cremona o di Crema? Io abito a Casalmorano.", "Casalmorano", "Casalmorano", HOME),
    Case("C'è posto nel gruppo mamme di Castelleone?", "Castelleone", "Castelleone", DESK),
    Case("I laboratori di Asola e Viadana sono gratuiti?", "several", "Viadana", DESK),
)

SCHOOL = (
    Case("Mio figlio frequenta la primaria di Roverbella.", "Roverbella", "Roverbella", Role.SCHOOL),
    Case("Alla materna di Solferino mordono.", "Solferino", "Solferino", Role.SCHOOL),
    Case("Il piccolo va al nido di Curtatone.", "Curtatone", "Curtatone", Role.SCHOOL),
    Case("Abitiamo a Gazzuolo, il ragazzo fa le medie a Marcaria.", "Gazzuolo", "Marcaria", Role.SCHOOL),
    Case("Mia figlia va a scuola al Virgilio e non parla più.", "unstated"),
    Case("Scrivo per un alunno della primaria di Madignano.", "Madignano", "Madignano", Role.SCHOOL),
    Case("È iscritto all'asilo di Sergnano.", "Sergnano", "Sergnano", Role.SCHOOL),
)

NOT_HOME = (
    Case("La pediatra di Asola dice che dorme poco.", "unstated", "Asola", Role.HOSPITAL),
    Case("Il medico di base a Ostiglia ci consiglia un aiuto.", "unstated", "Ostiglia", Role.HOSPITAL),
    Case("Gioca nella squadra di Viadana e sabato ha la partita.", "unstated", "Viadana", Role.OTHER),
    Case("La logopedista di Goito ci ha parlato di voi. Abitiamo a Curtatone.", "Curtatone", "Curtatone", HOME),
    Case("Lavoro a Cremona e abito a Offanengo.", "Offanengo", "Cremona", Role.WORK),
    Case("Insegno a Suzzara e rientro a Cerese verso le tre.", "Borgo Virgilio", "Suzzara", Role.WORK),
    Case("Lavoro a Mantova.", "unstated", "Mantova", Role.WORK),
    Case("Ho partorito all'ospedale di Crema, abito a Trescore Cremasco.", "Trescore Cremasco", "Crema", Role.HOSPITAL),
    Case("Siamo stati al pronto soccorso di Asola.", "unstated", "Asola", Role.HOSPITAL),
    Case("La mamma è ricoverata a Pieve di Coriano.", "unstated", "Pieve di Coriano", Role.HOSPITAL),
    Case("I nonni abitano a Soresina, noi siamo di Crema.", "Crema", "Soresina", Role.RELATIVES),
    Case("Il bambino passa l'estate dai nonni a Castelleone.", "unstated", "Castelleone", Role.RELATIVES),
    Case("Mia suocera abita a Viadana.", "unstated", "Viadana", Role.RELATIVES),
    Case("Mio fratello vive a Goito, noi stiamo a Volta Mantovana.", "Volta Mantovana", "Goito", Role.RELATIVES),
    Case("Abitiamo in via Mantova 12, Crema.", "Crema", "Mantova", Role.STREET),
    Case("via Mantova 12, Crema", "Crema", "Mantova", Role.STREET),
    Case("Il nido di viale Gonzaga ha chiuso.", "unstated", "Gonzaga", Role.STREET),
    Case("Abito in piazza Castello a Sabbioneta.", "Sabbioneta", "Sabbioneta", HOME),
    Case("Stiamo in corso Cremona, è zona vostra?", "unstated", "Cremona", Role.STREET),
    Case("Ho parlato con la sig.ra Gonzaga.", "unstated", "Gonzaga", Role.SURNAME),
    Case("Ho parlato con la sig.ra Mantovani della segreteria.", "unstated"),
    Case("La dott.ssa Cremona mi ha dato la vostra mail.", "unstated", "Cremona", Role.SURNAME),
    Case("Grazie mille\nPaolo Cremona", "unstated", "Cremona", Role.SURNAME),
    Case("Cordiali saluti\nMaria Gonzaga", "unstated", "Gonzaga", Role.SURNAME),
    Case("Il Tribunale di Mantova ci ha mandati da voi.", "unstated"),
    Case("Ho letto sulla Gazzetta di Mantova del vostro servizio.", "unstated"),
    Case("La nonna sta a Mantova; il piccolo vive con me a Roncoferraro.", "Roncoferraro", "Mantova", Role.RELATIVES),
)

COMMON_WORDS = (
    Case("Mi serve la crema solare per il campo estivo?", "unstated", "crema", Role.COMMON_WORD),
    Case("Grazie per la risposta.", "unstated", "Grazie", Role.COMMON_WORD),
    Case("grazie, un po' di pazienza", "unstated", "grazie", Role.COMMON_WORD),
    Case("C'era una volta un gruppo di lettura, esiste ancora?", "unstated", "volta", Role.COMMON_WORD),
    Case("La mia moglia è molto stanca.", "unstated", "moglia", Role.COMMON_WORD),
    Case("Il postino ha la figlia in classe con lui.", "unstated", "postino", Role.COMMON_WORD),
    Case("Mia figlia è tornata piangendo.", "unstated", "tornata", Role.COMMON_WORD),
    Case("Con un sospiro chiedo aiuto.", "unstated", "sospiro", Role.COMMON_WORD),
    Case("La torre di cubi cade sempre.", "unstated", "torre", Role.COMMON_WORD),
    Case("Si è chiuso come un bozzolo.", "unstated", "bozzolo", Role.COMMON_WORD),
    Case("È allergico a una crema, noi siamo di Curtatone.", "Curtatone", "crema", Role.COMMON_WORD),
    Case("Cento volte grazie, un po' per volta", "unstated"),
    Case("La festa di Santa Lucia è il 13?", "unstated"),
    Case("GRAZIE DI TUTTO", "unstated", "GRAZIE", Role.COMMON_WORD),
    Case("Porto mio figlio al parco, poi un porto sicuro.", "unstated"),
    Case("Ci vuole un monte di pazienza e una rotta chiara.", "unstated"),
    Case("Vi ringrazio. Siamo cremaschi da sempre.", "unstated"),
)

AMBIGUOUS = (
    Case("Abitiamo a Gabbiana.", "spread", "Gabbiana", HOME),
    Case("Noi siamo di Quattrocase.", "spread", "Quattrocase", HOME),
    Case("Abito a Castiglione, ho due figli.", "Castiglione delle Stiviere", "Castiglione", HOME),
    Case("Abito a Castiglione Mantovano.", "Roverbella", "Castiglione Mantovano", HOME),
    Case("Siamo di Bagnolo.", "spread", "Bagnolo", HOME),
    Case("Siamo di Bagnolo (MN).", "Bagnolo San Vito"),
    Case("Siamo di Acquanegra (CR).", "Acquanegra Cremonese"),
    Case("Viviamo a Scandolara.", "spread", "Scandolara", HOME),
    Case("Abito nell'Oltrepò mantovano.", "spread", "Oltrepò mantovano", HOME),
    Case("Siamo in provincia di Cremona.", "spread"),
    Case("Viviamo nel Cremasco.", "spread", "Cremasco", HOME),
    Case("Siamo nell'alto mantovano, a Cavriana.", "Cavriana"),
    Case("Abitiamo a Dosolo, in provincia di Mantova.", "Dosolo"),
    Case("Abitiamo a San Giacomo.\nTel. 0386 12345", "San Giacomo delle Segnate"),
)

CODES = (
    Case("Abbiamo bisogno di un colloquio. CAP 46010", "spread", "46010", Role.OTHER),
    Case("Il nostro CAP è 26013.", "Crema", "26013", Role.OTHER),
    Case("Chiamatemi allo 0386 123456", "spread", "0386", Role.OTHER),
    Case("Ho chiamato lo 0376 123456 ma nessuno risponde.", "unstated"),
    Case("Un saluto", "Viadana", subject="info", signature="Via Roma 3\n46019 Viadana (MN)\nTel. 0375 820000"),
    Case("Un saluto", "Suzzara", "46029", Role.SIGNATURE, signature="Anna B.\n46029 Suzzara MN"),
    Case("Un saluto", "spread", "0373", Role.SIGNATURE, signature="Anna B. - tel. 0373/123456"),
    Case("Un saluto", "Curtatone", signature="Via Levata 3, 46010 Curtatone"),
    Case("Il mio numero è 348 0372123.", "unstated"),
    Case("Il prezzo era 46100 lire nel 1980, abito a Medole.", "Medole"),
)

TWO_PLACES = (
    Case("Siamo due famiglie: io abito a Asola, lei vive a Viadana.", "several"),
    Case("Passa una settimana dalla madre a Gazzuolo, una dal padre a Marmirolo.", "several"),
    Case("Mia figlia sta a settimane alterne con me a Suzzara e con il papà a Viadana.", "several"),
    Case("Siamo separati: mio figlio vive con me a Goito, il padre abita a Ostiglia.", "Goito", "Ostiglia"),
    Case("Il mio ex marito abita a Casalmaggiore, io e i bambini a Bozzolo.", "Bozzolo", "Casalmaggiore"),
    Case("Ci trasferiamo da Cremona a Offanengo a gennaio.", "Offanengo", "Offanengo", Role.MOVING_TO),
    Case("Lasciamo Goito e andiamo a vivere a Buscoldo.", "Curtatone", "Buscoldo", Role.MOVING_TO),
    Case("Abitavo a Mantova, ora sto a Rodigo.", "Rodigo", "Rodigo", HOME),
    Case("Stiamo per traslocare a Poggio Rusco.", "Poggio Rusco", "Poggio Rusco", Role.MOVING_TO),
    Case("Mia nipote abita a Susano, io a Legnago.", "Castel d'Ario", "Susano", HOME),
    Case("Una mamma di Asola e una di Casalmaggiore chiedono lo stesso corso.", "several"),
    Case("Lucia sta a Bonemerse, Agnese a Poggio Rusco.", "several"),
    Case("Abito a Ombriano, quartiere di Crema.", "Crema"),
)

NEGATED = (
    Case("Non sono di Crema.", "unstated", "Crema", Role.NEGATED),
    Case("Siamo di Crema, non di Cremona.", "Crema", "Cremona", Role.NEGATED),
    Case("Non abito a Viadana ma a Dosolo.", "Dosolo", "Viadana", Role.NEGATED),
    Case("Sto a Rivalta sul Mincio, non Rivalta di Reggio.", "Rodigo"),
    Case("Abitiamo a Ospitaletto, comune Marcaria non Castellucchio.", "Marcaria", "Castellucchio", Role.NEGATED),
    Case("Abito a Ostiglia: Mantova è lontana per noi.", "Ostiglia"),
)

OUTSIDE = (
    Case("Abitiamo a Camisano Vicentino, fate lo spazio gioco?", "outside", "Camisano Vicentino", HOME),
    Case("Siamo di Castelleone di Suasa.", "outside", "Castelleone di Suasa", HOME),
    Case("Abitiamo a Rivarolo Canavese da un anno.", "outside", "Rivarolo Canavese", HOME),
    Case("Abito a Sergnano Lodigiano.", "outside", "Sergnano", HOME),
    Case("vivo a casale monferrato con due figli", "outside", "casale monferrato", HOME),
    Case("Abitiamo a Sondalo da sempre.", "outside", "Sondalo", HOME),
    Case("Noi stiamo a Zibido San Giacomo.", "outside", "Zibido San Giacomo", HOME),
    Case("Abitiamo a Brescia.", "outside", "Brescia", HOME),
    Case("Siamo di Desenzano del Garda, possiamo venire?", "outside", "Desenzano del Garda", HOME),
    Case("Vivo in Romania e cerco notizie di mio figlio.", "outside", "Romania", HOME),
    Case("Vengo dal Marocco, abito a Suzzara.", "Suzzara", "Suzzara", HOME),
    Case("Siamo indiani, veniamo dal Punjab.", "unstated"),
    Case("Abito a Mirandola, in provincia di Modena.", "outside", "Mirandola", HOME),
    Case("Sto a Castelnuovo (VR).", "outside"),
    Case("Abito a Guastalla ma lavoro a Viadana.", "outside", "Viadana", Role.WORK),
    Case("La dirigente è a Roma fino a domani, la scuola è a Medole.", "Medole"),
    Case("Abito a Soresina, vengo da Milano col treno.", "Soresina"),
    Case("Lavoro a Verona, siamo di Villimpenta.", "Villimpenta", "Verona", Role.WORK),
    Case("Ci trasferiamo a Parma.", "outside", "Parma", Role.MOVING_TO),
)

UNKNOWN = (
    Case("Abitiamo a Valcarenga; la bimba fa la materna a Crema.", "unstated", "Valcarenga", HOME),
    Case("Vivo in frazione Motta Bassa, il bambino va alla scuola di Casalmaggiore.", "unstated", "Motta Bassa", HOME),
    Case("Residente a Cascina Bellaria, figlio iscritto alla primaria di Curtatone.", "unstated", "Bellaria", HOME),
    Case("Abito a Pincopallo.", "unstated", "Pincopallo", HOME),
    Case("Abito a Pincopallo.", "unstated", signature="Studio Rossi\n26013 Crema"),
    Case("Viviamo a Borgo Inventato, frazione di Viadana.", "Viadana", "Viadana", HOME),
    Case("Viviamo a Torre, del comune di Goito.", "Goito"),
    Case("Abito a casa di mia madre, sono di Izano.", "Izano", "Izano", HOME),
    Case("Viviamo in Italia da poco.", "unstated"),
    Case("Sono a disposizione per un colloquio.", "unstated"),
)

TYPOS = (
    Case("Abito a Casalmagiore.", "Casalmaggiore", "Casalmagiore", HOME),
    Case("siamo di casteleone", "Castelleone", "casteleone", HOME),
    Case("vivo a roncoferaro con la bimba", "Roncoferraro", "roncoferaro", HOME),
    Case("Abito a Castigione delle Stiviere.", "Castiglione delle Stiviere"),
    Case("I am in Casalmagiore with my baby.", "Casalmaggiore"),
    Case("abito a viadanna", "Viadana", "viadanna", HOME),
    Case("Abito a Cremna.", "unstated"),
    Case("Abito a Cremoa.", "unstated"),
    Case("Ho preso un gelato al fresco.", "unstated"),
    Case("C'è ancora un posto nel gruppo?", "unstated"),
    Case("abito a sorezina", "Soresina", "sorezina", HOME),
    Case("Ho parlato con Rodrigo ieri.", "unstated"),
)

OTHER_FIELDS = (
    Case("Ok grazie, a giovedì.", "Goito", "Goito", Role.QUOTED, quoted="> Abitiamo a Goito e cerchiamo un gruppo."),
    Case(
        "Ok grazie, a giovedì.",
        "Goito",
        "Goito",
        Role.QUOTED,
        quoted="Il giorno 3 nov 2026 Anna Bianchi <anna@example.org> ha scritto:\n> Abitiamo a Goito.",
    ),
    Case(
        "Ok grazie, a giovedì.",
        "unstated",
        "Mantova",
        quoted="Il giorno 3 nov 2026 Reti Famiglia <pijss.retifamiglia@ats-valpadana.it> ha scritto:\n"
        "> ATS della Val Padana, via dei Toscani 1, 46100 Mantova",
    ),
    Case("Siamo di Asola.", "Asola", quoted="> Abitiamo a Goito."),
    Case("Chiedo informazioni.", "Soncino", "Soncino", Role.SIGNATURE, signature="Anna Bianchi\nvia Dante 3, Soncino"),
    Case(
        "Chiedo informazioni.", "Gussola", "Gussola", Role.ORGANISATION, signature="Comune di Gussola\nUfficio anagrafe"
    ),
    Case(
        "Chiediamo un incontro.",
        "Pandino",
        "comune.pandino",
        author=Address("Servizi sociali", "servizi.sociali@comune.pandino.cr.it"),
    ),
    Case("Una famiglia di Dovera ha bisogno.", "Dovera", signature="Avv. Neri\nvia Po 3 - Cremona"),
    Case("Abitiamo a Izano.", "Izano", author=Address("Biblioteca di Soresina", "biblioteca@example.org")),
    Case("Vorrei informazioni.\nUna mamma di Sergnano", "Sergnano", "Sergnano"),
    Case("Vorrei informazioni.\nAnna, Canneto sull'Oglio", "Canneto sull'Oglio"),
    Case("Newsletter.\nSistema bibliotecario, sede legale Mantova", "unstated", "Mantova", Role.FOOTER),
    Case("Saluti da Volongo", "Volongo", "Volongo", Role.SIGNATURE),
)

ALL = (
    RESIDENCE + LANGUAGES + DESKS + SCHOOL + NOT_HOME + COMMON_WORDS + AMBIGUOUS + CODES + TWO_PLACES
    + NEGATED + OUTSIDE + UNKNOWN + TYPOS + OTHER_FIELDS
)  # fmt: skip
