"""What a comment says about the variables it speaks of: optional, required, or nothing.

Nothing is the answer wherever the wording leaves a doubt, so that a variable stays required until its example says
otherwise in so many words.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from infracheck.project import optional_phrases as phrases

Says = Literal["optional", "required"]
LONGEST: Final = 500  # characters of a sentence; more is no mark
LONGEST_TITLE: Final = 100
_NO_KIN: Final = {"next", "public", "vite", "react", "app", "expo", "private", "nuxt"}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a comment, on the line where it begins; `first` when it is the first one of that line."""

    text: str
    line: int  # 1-based
    first: bool = True


@dataclass(frozen=True, slots=True)
class Statement:
    """What a sentence says. Plain words ("Optional") outweigh hints ("leave empty to disable")."""

    says: Says
    weight: int
    sentence: Sentence


def sentences(comments: Iterable[tuple[int, str]]) -> list[Sentence]:
    """Split comment lines (number, text without `#`) into sentences; one may run over several lines."""
    found: list[Sentence] = []
    for number, line in comments:
        text = phrases.BULLET.sub("", line.strip())
        for position, part in enumerate(phrases.BREAK.split(text)):
            before = found[-1] if found else None
            if position == 0 and before and _runs_on(before.text, part):
                found[-1] = Sentence(f"{before.text} {part}", before.line, before.first)
            else:
                found.append(Sentence(part, number, position == 0))
    return [sentence for sentence in found if sentence.text]


def _runs_on(before: str, text: str) -> bool:
    if not before or before.startswith("@") or before[-1] in ".:;!?)" or phrases.MARK_ALONE.match(text):
        return False
    return phrases.CONTINUES.match(text) is not None


def statement(found: Iterable[Sentence], key: str, *, adjacent: bool = False) -> Statement | None:
    """Return what sentences say about `key`: the weightiest statement, of equals the nearest; None: nothing.

    With `adjacent`, only a line that begins with "Optional" can make a variable optional.
    """
    best: Statement | None = None
    for sentence in found:
        said = _read(sentence, key)
        if said is None or (adjacent and said.says == "optional" and not _begins_with_it(sentence)):
            continue
        if best is None or said.weight > best.weight or (said.weight == best.weight and _outdoes(said, best)):
            best = said
    return best


def _outdoes(said: Statement, best: Statement) -> bool:
    """Of two statements the one nearer to the variable counts; on one line ("Required: A. Optional: B") "required"."""
    return said.sentence.line > best.sentence.line or said.says == "required"


def _begins_with_it(sentence: Sentence) -> bool:
    return sentence.first and phrases.STARTS.match(sentence.text) is not None


def _read(sentence: Sentence, key: str) -> Statement | None:
    text = sentence.text
    if len(text) > LONGEST:
        return None
    decorator = phrases.DECORATOR.search(text) if text.startswith("@") else None
    if decorator:
        named = (decorator["name"].lower() == "optional") != ((decorator["value"] or "").lower() == "false")
        return Statement("optional" if named else "required", 4, sentence)
    if phrases.LEGEND.search(text) or phrases.ABOUT_MARKS.match(text):
        return None
    if phrases.DENIED.search(text) or phrases.SHIPPED.search(text):
        return Statement("required", 3, sentence)  # outweighs "Optional" wherever it stands in the comment
    if phrases.FUTURE.search(text) or phrases.HERE_ONLY.search(text):
        return None
    if phrases.SHOUTED.search(text) or phrases.REQUIRED.search(phrases.NOT_REQUIRED.sub("", text)):
        return Statement("required", 2, sentence)
    weights = [2 for mark in phrases.MARKED if mark.search(text)]
    weights += [1 for hint in phrases.HINTS if hint.search(text)]
    weights += [weight for weight, phrase in phrases.OF_SUBJECT if _speaks_of(key, phrase.search(text))]
    return Statement("optional", max(weights), sentence) if weights else None


def _speaks_of(key: str, match: re.Match[str] | None) -> bool:
    """Tell "it falls back to …" and "Sentry is optional" from "other providers are optional"."""
    if match is None or phrases.DENIED_VERB.search(match.group()):
        return False
    return all(word in _words(key) or phrases.SUBJECT.fullmatch(word) for word in _words(match["subject"]))


def heads(said: Statement, key: str, first: str) -> bool:
    """Tell whether a statement above the variable `first` is a heading, so that it holds for `key` further down too."""
    text = said.sentence.text
    kin = family(key) == family(first) != ""
    match = phrases.TITLE.match(text)
    title = _words(match["title"]) if match and not phrases.IN_SENTENCES.search(match["title"]) else set()
    if 0 < len(title) <= 6:
        return kin or not title <= _words(first)  # a title that only names the variable below it heads no others
    if phrases.HEADING.search(text):
        return True
    return kin and said.weight == 2 and family(key) in _words(text)


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", text.lower()))


def title_like(text: str) -> bool:
    """Tell a heading from a sentence: a few words that begin with a capital and end without a full stop."""
    return bool(re.match(r"[A-Z0-9]", text)) and len(text.split()) <= 6 and not text.endswith((".", ",", ";"))


def banner_says(text: str) -> Says | None:
    """Return what a title says: there, the word alone is enough (`OPTIONAL ENV VARS`, `AUTH OPTIONAL`)."""
    if len(text) > LONGEST_TITLE or phrases.LEGEND.search(text):
        return None
    plain = phrases.NOT_REQUIRED.sub("", text)
    if phrases.DENIED.search(text) or phrases.SHIPPED.search(text) or phrases.SAYS_REQUIRED.search(plain):
        return "required"
    if phrases.FUTURE.search(text) or phrases.HERE_ONLY.search(text) or phrases.OTHERS.search(text):
        return None
    return "optional" if plain != text or phrases.SAYS_OPTIONAL.search(text) else None


def default_required(text: str) -> bool | None:
    """Return what a `@defaultRequired=` decorator sets for the whole file; None: there is none."""
    match = phrases.DEFAULT_REQUIRED.match(text)
    return match[1].lower() == "true" if match else None


def legend_says(text: str) -> Says | None:
    """Return what variables without a mark are, by a rule such as "optional unless marked REQUIRED"."""
    match = phrases.LEGEND.search(text) if len(text) <= LONGEST else None
    if match is None:
        return None
    return "required" if (match["mark"] or match["only"]).lower() == "optional" else "optional"


def family(key: str) -> str:
    """Return the word that a variable shares with its kin: `sentry` of `NEXT_PUBLIC_SENTRY_DSN`."""
    parts = [part for part in key.lower().split("_") if part]
    return next((part for part in parts if part not in _NO_KIN), parts[0] if parts else "")
