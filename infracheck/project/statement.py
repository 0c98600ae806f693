"""What an entry says of variables: which it exempts, which it calls required, where it waives and names none clearly.

The reading is strict on purpose: an exemption counts only when it is understood completely. Whatever waives but is not
understood is `unclear`, and reported with the sentence to write.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from infracheck.project import wording
from infracheck.project.claims import NOT_UNDERSTOOD, Claim, Sense, claims_of
from infracheck.project.sentences import Clause, clauses, plain, sentences
from infracheck.project.vocabulary import Vocabulary

VAGUE: Final = "it names no variable"
TOO_LONG: Final = "its sentence is too long to be read with certainty"
LONGEST: Final = 3000  # characters of a sentence; a longer one is read in pieces, and exempts nothing
BLOCKS: Final = "its entry reports a BLOCK, which never exempts"


@dataclass(frozen=True, slots=True)
class Statement:
    """One claim: of `names` literally, or of the variables that a vague phrase probably `means`."""

    sense: Sense
    names: tuple[str, ...]
    quote: str  # the sentence, without Markdown
    line: int  # of the sentence, 0-based in its entry
    why: str = ""  # why it does not count although it reads like an exemption
    means: tuple[str, ...] = ()
    expires: date | None = None


def statements(text: str, vocabulary: Vocabulary, heading: str = "") -> Iterator[Statement]:
    """Yield what an entry states, in its order; the names may include some that the app does not have."""
    if not wording.RELEVANT.search(f"{heading} {text}"):
        return
    whole = plain(text)
    blocked = is_block(whole) or is_block(heading)
    before: tuple[str, ...] = ()  # the names of the clause before: "Both are exempt" speaks of them
    for sentence, line, cut in _bounded(whole):
        encoded = vocabulary.encode(_under(heading, sentence, vocabulary))
        previous: list[Claim] = []
        for clause in clauses(encoded.text):
            named = encoded.literal(clause.text)
            found = [*_of_those_before(clause), *claims_of(clause, previous)]
            for claim in found:
                names = encoded.literal(claim.items) or (() if claim.items else before)
                sense: Sense = "unclear" if cut and claim.sense == "exempt" else claim.sense
                made = Statement(sense, names, sentence, line, TOO_LONG if cut else claim.why, (), _expiry(clause))
                yield from _weighed(made, encoded.meant(claim.items) or before, blocked)
            excused = {name for claim in found if _waives(claim) for name in encoded.literal(claim.items)}
            if blocked and re.search(r"\b(?:block\w*|empty|missing)\b", clause.text) and set(named) - excused:
                yield Statement("required", tuple(n for n in named if n not in excused), sentence, line)
            previous, before = found, named or before


def is_block(text: str) -> bool:
    """Tell whether an entry reports that something blocks: a verdict BLOCK, or a list of blockers."""
    return any(
        not wording.NO_BLOCK_BEFORE.search(text[max(0, found.start() - 40) : found.start()])
        and not wording.NO_BLOCK_AFTER.match(text[found.end() :])
        for found in wording.BLOCK.finditer(text)
    )


def _bounded(whole: str) -> Iterator[tuple[str, int, bool]]:
    """Yield (sentence, line, whether it is a piece of a longer one)."""
    for sentence, line in sentences(whole):
        rest = sentence
        while len(rest) > LONGEST:
            at = max(rest.rfind(mark, 1, LONGEST) for mark in ("; ", ", ", " "))
            at = at if at > 0 else LONGEST
            yield rest[:at], line, True
            rest = rest[at:]
        yield rest, line, len(sentence) > LONGEST


def _waives(claim: Claim) -> bool:
    """Tell whether a claim was read as an exemption, be it one that does not count."""
    return claim.sense == "exempt" or (claim.sense == "unclear" and claim.why != NOT_UNDERSTOOD)


def _weighed(made: Statement, means: Sequence[str], blocked: bool) -> Iterator[Statement]:
    """Yield the statement as it counts: a BLOCK never exempts, and what names nothing exempts nothing."""
    sense, why, names = made.sense, made.why, made.names
    if not names:
        if sense == "exempt" and not blocked:
            yield Statement("unclear", (), made.quote, made.line, why or VAGUE, tuple(means))
    elif blocked and _waives(Claim("", sense, why)):
        yield Statement("unclear", names, made.quote, made.line, BLOCKS)
    elif sense != "unclear" or not blocked:
        expires = made.expires if sense == "exempt" else None
        yield Statement(sense, names, made.quote, made.line, why, expires=expires)


def _of_those_before(clause: Clause) -> list[Claim]:
    """Return what a clause says, before its own names, of those before it: that it is over, or vaguely exempt."""
    own = re.search(wording.ITEM, clause.text)
    text = clause.text[: own.start()] if own else clause.text
    if not own and wording.REVOKES_BEFORE.match(text):
        return [Claim("", "required")]
    return [Claim("", "unclear", NOT_UNDERSTOOD)] if wording.MEANS_BEFORE.search(text) else []


def _expiry(clause: Clause) -> date | None:
    found = wording.EXPIRES.search(f"{clause.text} | {clause.aside}")
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return date.min  # "until 2026-02-30": a limit was meant; none that can be read is none that is open


def _under(heading: str, sentence: str, vocabulary: Vocabulary) -> str:
    """Return the sentence, begun with "exempt:" where it begins with names below a heading that grants."""
    bare = re.sub(r"^[\W\d]+", "", sentence)
    grants = wording.GRANTS.fullmatch(plain(heading)) and vocabulary.encode(bare).text.startswith("<n")
    return f"exempt: {bare}" if grants else sentence
