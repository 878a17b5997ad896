"""The texts for families: files in, checked texts out, or every fault with file, line and remedy.

One YAML file a language, of those beside this module or of the agency's own folder (``TRIAGE_TEXTS``),
whose files go before ours. Sentences are Jinja2 in a sandbox: the variables of ``VARIABLES`` and
``if``, nothing else. Italian and easy English are always used; another language only once its file
carries the name of the translator who answers for it, and the date. Numbers for emergencies stand in
every text, whatever a file says: they are added by the program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path

from jinja2 import Template, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from triage.rules.problems import Problem, RulesError
from triage.rules.yaml_tree import Mapping as Tree
from triage.rules.yaml_tree import Node, Scalar, line_at, read_tree

SHIPPED = Path(__file__).parent / "data" / "testi"
ALWAYS_ON = ("it", "en")
VARIABLES = frozenset(
    {"codice", "agenzia", "indirizzo", "telefono", "centro", "contatto", "aperto", "chiuso", "chiede", "correzione"}
    | {"ufficio", "contatti"}
)
"""Case code, agency, general address, telephone; centre and contact (empty in a neutral text); whether the
offices are known to be open or closed now; whether the comune is asked for; the mailto that corrects us; another
office and its contacts (in ``altro_ufficio`` alone)."""
NUMBERS = ("112", "114", "1522", "19696", "116000", "116117")
"""Facts: the territory folder's list of help numbers, section 5 (those marked "sure")."""
LONGEST = 6000

ACKNOWLEDGEMENT, QUESTION, REROUTE, OTHERS = "ricevuta", "domanda", "nuovo_centro", "altre_ricevute"
MUST_SAY = {ACKNOWLEDGEMENT: {"codice", "centro", "chiuso"}, QUESTION: {"codice"}, REROUTE: {"codice", "centro"}}
REPLY, REFERRAL, SEVERAL = "risposta", "altro_ufficio", "piu_centri"
MAY_LACK = {REPLY: {"codice"}, REFERRAL: {"codice", "ufficio", "contatti"}, SEVERAL: {"codice", "centro"}}
"""What follows an act of staff. Italian always has it: ours, where the agency's own file says nothing."""
_KEYS = ("lingua", "nome", "direzione", "firmato_da", "firmato_il", *MUST_SAY, *MAY_LACK, "emergenze")
_PARTS = ("titolo", "testo")
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.If,
    nodes.Not,
    nodes.And,
    nodes.Or,
)


@dataclass(frozen=True, slots=True)
class Text:
    """One message's title and template."""

    title: str
    source: str
    """As written, and checked."""

    def render(self, values: Mapping[str, str | bool]) -> str:
        """The text with these values; compiled when it is used for the first time."""
        return _compiled(self.source).render(values)


@dataclass(frozen=True, slots=True)
class LanguageTexts:
    """Everything that the service says in one language."""

    code: str
    name: str
    right_to_left: bool
    signed_by: str
    signed_on: date | None
    texts: Mapping[str, Text]
    """``ricevuta``, ``domanda``, ``nuovo_centro``; where the language has them those of ``MAY_LACK``."""
    emergency_title: str
    emergency_note: str
    numbers: Mapping[str, str]
    others: Mapping[str, Text] = field(default_factory=dict)
    """Acknowledgements that a rule asks for by name."""

    @property
    def is_on(self) -> bool:
        """Whether families may get it."""
        return self.code in ALWAYS_ON or self.signed_on is not None


@dataclass(frozen=True, slots=True)
class Texts:
    """All languages, by their codes."""

    languages: Mapping[str, LanguageTexts]

    def names(self) -> frozenset[str]:
        """What a rule may call an acknowledgement: the Italian ones, since every family gets Italian."""
        return frozenset(self.languages["it"].others)


def load_texts(folder: Path | None = None) -> Texts:
    """Our texts, and the agency's where its folder has a file of the same name.

    Raises:
        RulesError: a file cannot be used; all problems of all files are listed.
    """
    paths = {path.name: path for path in sorted(SHIPPED.glob("*.yaml"))}
    problems: list[Problem] = []
    if folder is not None:
        own = {path.name: path for path in sorted(folder.glob("*.yaml"))}
        if not own:
            what = "this folder of texts is missing or holds no .yaml file"
            problems.append(Problem(str(folder), 1, what, "check TRIAGE_TEXTS, or leave it out"))
        paths |= own
    languages = {}
    for path in paths.values():
        try:
            read = _read(path)
            languages[read.code] = read
        except RulesError as error:
            problems += error.problems
    if problems:
        raise RulesError(tuple(problems))
    return Texts(_with_ours(languages) if folder is not None else languages)


def _with_ours(languages: dict[str, LanguageTexts]) -> dict[str, LanguageTexts]:
    """An agency's own Italian, written before staff could write from here, has our words around theirs."""
    italian = languages["it"]
    ours = {name: text for name, text in shipped_texts().languages["it"].texts.items() if name in MAY_LACK}
    return languages | {"it": replace(italian, texts={**ours, **italian.texts})}


@lru_cache(maxsize=1)
def shipped_texts() -> Texts:
    """The texts that came with the service."""
    return load_texts()


def _read(path: Path) -> LanguageTexts:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        what = f"the file cannot be read ({type(error).__name__})"
        raise RulesError((Problem(str(path), 1, what, "check its rights, and save it as UTF-8"),)) from None
    return _File(path, read_tree(text, str(path))).read()


class _File:
    """One file being checked."""

    def __init__(self, path: Path, tree: Tree) -> None:
        self._path = path
        self._tree = tree
        self._problems: list[Problem] = []

    def read(self) -> LanguageTexts:
        self._check_keys(self._tree, (*_KEYS, OTHERS), ())
        code = self._value("lingua")
        if code != self._path.stem:
            self._add(f'the language "{code}" is not that of the file\'s name', f"write {self._path.stem}", "lingua")
        direction = self._value("direzione")
        if direction not in ("ltr", "rtl"):
            self._add(f'"{direction}" is no direction', "write ltr, or rtl from right to left", "direzione")
        signed_by, signed_on = self._signature()
        others = self._tree.items.get(OTHERS)
        made = LanguageTexts(
            code=code,
            name=self._value("nome"),
            right_to_left=direction == "rtl",
            signed_by=signed_by,
            signed_on=signed_on,
            texts={
                name: text
                for name, said in (MUST_SAY | MAY_LACK).items()
                if (name in MUST_SAY or name in self._tree.items) and (text := self._text(said, name)) is not None
            },
            emergency_title=self._value("emergenze", "avviso"),
            emergency_note=self._value("emergenze", "uguale"),
            numbers=self._numbers(),
            others={name: text for name in _names(others) if (text := self._text({"codice", "centro"}, OTHERS, name))},
        )
        if self._problems:
            raise RulesError(tuple(sorted(self._problems, key=lambda problem: problem.line)))
        return made

    def _add(self, what: str, remedy: str, *path: str, below: int = 0) -> None:
        line = line_at(self._tree, *path) + below
        self._problems.append(Problem(str(self._path), line, what, remedy))

    def _check_keys(self, node: Tree, known: tuple[str, ...], path: tuple[str, ...]) -> None:
        for key in node.items:
            if key not in known:
                self._add(f'unknown key "{key}"', f"delete it, or use one of {', '.join(known)}", *path, key)

    def _node(self, *path: str) -> Node | None:
        node: Node | None = self._tree
        for step in path:
            node = node.items.get(step) if isinstance(node, Tree) else None
        return node

    def _value(self, *path: str, required: bool = True) -> str:
        node = self._node(*path)
        if isinstance(node, Scalar):
            value = node.value.strip()
            if value or not required:
                return value
        if required or node is not None:
            self._add(f'"{".".join(path)}" is missing or empty', "write its text", *path)
        return ""

    def _signature(self) -> tuple[str, date | None]:
        by, on = self._value("firmato_da", required=False), self._value("firmato_il", required=False)
        if bool(by) != bool(on):
            missing = "firmato_il" if by else "firmato_da"
            self._add("a signature is a name and a date", f"write {missing} as well, or neither", "firmato_da")
        try:
            return by, date.fromisoformat(on) if on and by else None
        except ValueError:
            self._add(f'"{on}" is no date', "write it like 2026-11-30", "firmato_il")
            return by, None

    def _numbers(self) -> dict[str, str]:
        node = self._node("emergenze", "numeri")
        given = tuple(node.items) if isinstance(node, Tree) else ()
        if set(given) != set(NUMBERS):
            what = "the emergency list is the same for everybody: the numbers differ from the others'"
            self._add(what, f"list exactly {', '.join(NUMBERS)}", "emergenze", "numeri")
            return {}
        return {number: self._value("emergenze", "numeri", number) for number in NUMBERS}

    def _text(self, must_say: set[str], *path: str) -> Text | None:
        node = self._node(*path)
        if isinstance(node, Tree):
            self._check_keys(node, _PARTS, path)
        title, written = self._value(*path, "titolo"), self._value(*path, "testo")
        usable = bool(written) and self._is_usable(written, must_say, *path, "testo")
        return Text(title, written) if usable else None

    def _is_usable(self, written: str, must_say: set[str], *path: str) -> bool:
        # A block of text (|) begins on the line after its key.
        node = self._node(*path)
        first = 0 if isinstance(node, Scalar) and "\n" in node.value else -1
        try:
            tree = _ENVIRONMENT.parse(written)
        except TemplateSyntaxError as error:
            self._add(f"not understood: {error.message}", "check braces and signs", *path, below=error.lineno + first)
            return False
        faults = list(_faults(tree, written, must_say))
        for line, what, remedy in faults:
            self._add(what, remedy, *path, below=line + first)
        return not faults


@lru_cache(maxsize=256)
def _compiled(source: str) -> Template:
    return _ENVIRONMENT.from_string(source)


def _names(node: Node | None) -> tuple[str, ...]:
    return tuple(node.items) if isinstance(node, Tree) else ()


def _faults(tree: nodes.Template, written: str, must_say: set[str]) -> Iterator[tuple[int, str, str]]:
    """Line within the text, what is wrong, and the remedy."""
    used = set()
    for node in _walk(tree):
        if not isinstance(node, _ALLOWED):
            what = f"{type(node).__name__} is not allowed here"
            yield node.lineno, what, "use {{ a variable }} and {% if a variable %} only"
        elif isinstance(node, nodes.Name):
            used.add(node.name)
            if node.name not in VARIABLES:
                yield node.lineno, f'"{node.name}" is no variable', f"use one of {', '.join(sorted(VARIABLES))}"
    for missing in sorted(must_say - used):
        yield 1, f"the text does not use {missing}", f"say it with {{{{ {missing} }}}} or {{% if {missing} %}}"
    for number, line in enumerate(written.split("\n"), start=1):
        if line.strip().startswith("=>") and not line.strip().startswith("=> {{ correzione }} "):
            yield number, "a link that is not ours", "write => {{ correzione }} and words, or no link"
    if len(written) > LONGEST:
        yield 1, "the text is too long", f"keep it under {LONGEST} characters"


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


_ENVIRONMENT = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
"""Not escaped here: both forms are made from blocks, and HTML is escaped there (``text_blocks``)."""
_ENVIRONMENT.globals.clear()
_ENVIRONMENT.filters.clear()
_ENVIRONMENT.tests.clear()
