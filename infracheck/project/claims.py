"""Judges one clause: which of its names it exempts, which it calls required, and what keeps it from being clear."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from infracheck.project import wording
from infracheck.project.sentences import Clause

Sense = Literal["exempt", "required", "unclear"]
NOT_UNDERSTOOD: Final = "it does not say clearly that it may stay empty"
NOT_DECIDED: Final = "it does not say that this is decided"
SOMEWHERE: Final = "it exempts only somewhere (in development, in CI, ...), not from the gate"
FROM_WHAT: Final = "it excludes from something else than the env check"
TWO_WAYS: Final = "it says both that it may stay empty and that it is required"
OVER: Final = "it speaks of an exemption that was refused or taken back"
_ANOTHER: Final = re.compile(rf".*{wording.ITEM}.*\band\s+")  # a statement of its own about another name
_PART: Final = re.compile(rf"{wording.BREAK.pattern}|\band\b")
_TOO: Final = re.compile(r"\b(?:too|also|as well|likewise|same)\b")
_EXEMPT_AS_VERB: Final = re.compile(r"(?:^|\b(?:to|pm|we|and|also|please)\s+)$")


@dataclass(frozen=True, slots=True)
class Claim:
    """`items` is the encoded list that the claim is about; empty means the names of the clause before."""

    items: str
    sense: Sense
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    """A pattern's match: the claim, and where names and predicate stand in the clause."""

    claim: Claim
    start: int
    end: int
    word: tuple[int, int]  # the predicate


def claims_of(clause: Clause, previous: Sequence[Claim]) -> list[Claim]:
    """Return what a clause with names says, contradictions and leftovers resolved to `unclear`."""
    if found := _excepted(clause):
        required = any(claim.sense == "required" for claim in previous)
        return [Claim(found["items"], "unclear", NOT_UNDERSTOOD) if required else Claim(found["items"], "required")]
    text, around = _around(clause)
    after = list(_after(text, clause))
    before = [one for one in _before(text, clause) if not _yields(one, after)]
    claims = [*around, *(one.claim for one in _clashing(after, before)), *_but_not(text)]
    return _resolved(claims, clause.text)


def _excepted(clause: Clause) -> re.Match[str] | None:
    """Match the names that are set against those before: `except A`, `but not A`, `but A is not`."""
    against = clause.marker.startswith(("except", "apart", "other", "save", "but not", "not"))
    return wording.EXCEPT.match(clause.text) if against or (clause.marker and clause.text.endswith("not")) else None


def _around(clause: Clause) -> tuple[str, list[Claim]]:
    """Return the claims with words on both sides of the names, and the clause without them."""
    text, claims = clause.text, []
    for found in wording.AROUND.finditer(text):
        items = next(value for name, value in found.groupdict().items() if name.startswith("items") and value)
        negated = not found["none"] and wording.NEGATED.search(text[: found.start()])
        claim = Claim(items, "required" if negated else "exempt")
        left = _last_part(text[: found.start()], wording.TURN)
        if claim.sense == "exempt" and wording.REFUSES.search(left):
            claim = replace(claim, sense="unclear", why=NOT_UNDERSTOOD)
        claims.append(_doubted(claim, text, found.start(), found.end(), clause))
    return wording.AROUND.sub(lambda found: "|".ljust(len(found[0])), text), claims


def _after(text: str, clause: Clause) -> Iterator[_Found]:
    for found in wording.AFTER.finditer(text):
        word, left = found["word"], text[: found.start()]
        negations = len(wording.NEGATIONS.findall(found["fill"])) + bool(wording.NEGATED.search(left))
        required = re.fullmatch(wording.REQUIRED, word) is not None
        waived = re.fullmatch(wording.WAIVED, word) is not None
        if not (required or waived or negations):
            continue  # "A is empty" claims nothing
        past = wording.PAST.search(found["fill"]) is not None
        if past and required and not negations:
            continue
        sense: Sense = "exempt" if waived != (negations == 1) and (waived or required) else "required"
        claim = Claim(found["items"], "unclear" if negations > 1 else sense, NOT_UNDERSTOOD if negations > 1 else "")
        if sense == "exempt" and past and wording.STATES.match(word):
            claim = replace(claim, sense="unclear", why=OVER)
        claim = _doubted(claim, text, found.start(), found.end(), clause)
        if claim.sense == "exempt" and not _quiet_before(left):
            claim = replace(claim, sense="unclear", why=NOT_UNDERSTOOD)
        yield _Found(claim, found.start(), found.end(), found.span("word"))


def _before(text: str, clause: Clause) -> Iterator[_Found]:
    for found in wording.BEFORE.finditer(text):
        left = text[: found.start()]
        negated = wording.NEGATED.search(left) is not None
        sense: Sense = "exempt" if bool(found["needs"]) == negated else "required"
        claim = _doubted(Claim(found["items"], sense), text, found.start(), found.end(), clause)
        refusals = len(wording.REFUSES.findall(_last_part(left, wording.TURN))) - negated
        if claim.sense == "exempt" and (refusals > 0 or not (negated or _commands(found, text))):
            claim = replace(claim, sense="unclear", why=NOT_UNDERSTOOD)
        yield _Found(claim, found.start(), found.end(), found.span("word"))


def _commands(found: re.Match[str], text: str) -> bool:
    """Tell whether the words before a list exempt it, and do not only describe something near it."""
    segment = _last_part(text[: found.start()], wording.BREAK)
    quiet = wording.QUIET.fullmatch(segment) is not None
    if found["adjective"]:
        verb = found["word"].startswith("exempt") and _EXEMPT_AS_VERB.search(segment.lstrip())
        return bool(verb or (found["label"] and quiet))
    if found["noun"]:
        return bool(found["label"] or re.search(r"\b(?:for|of)\b", found["fill"]))
    if found["cuts"]:
        gate = "<gate>" in found["fill"] or text[found.end() :].lstrip().startswith("<gate>")
        return bool(gate or quiet or wording.DECIDER.search(segment))
    return True


def _quiet_before(left: str) -> bool:
    """Tell whether nothing before a list makes another word the subject: `rotation of A is deferred`."""
    segment = _last_part(left, wording.BREAK)
    label = left[: len(left) - len(segment)]
    segment = _ANOTHER.sub("", segment)
    about = label.rstrip(" :—–-|")
    described = label.endswith(":") and wording.STATE.search(about)
    if described or (about != label.rstrip() and wording.CODE.search(about)):
        return False
    return wording.QUIET.fullmatch(segment) is not None


def _doubted(claim: Claim, text: str, start: int, end: int, clause: Clause) -> Claim:
    """Return an exempting claim as it stands after all that may speak against it."""
    if claim.sense != "exempt":
        return claim
    rest = text[end:]
    stop = wording.BREAK.search(rest)
    near = rest[: stop.start()] if stop else rest
    said = _last_part(text[:start], wording.TURN) + text[start:end] + near
    required = wording.AND_REQUIRED.match(rest)
    reason = wording.REASON.search(text, end)
    whole = f"{text[: reason.start()] if reason else text} | {clause.aside} | {clause.context}"
    if wording.REVOKED.search(whole):
        return replace(claim, sense="required", why=OVER)
    doubts = (
        (wording.UNDECIDED.search(whole) or wording.TENTATIVE.search(said), NOT_DECIDED),
        (wording.NOT_SO.search(whole), NOT_DECIDED),
        (required and not wording.NEGATIONS.search(required["fill"]), TWO_WAYS),
        (wording.FOREIGN.match(rest), FROM_WHAT),
        (wording.PLACE.search(said) or wording.PLACE.search(clause.aside), SOMEWHERE),
        (not wording.FOLLOWS.match(rest), NOT_UNDERSTOOD),
    )
    return next((replace(claim, sense="unclear", why=why) for doubt, why in doubts if doubt), claim)


def _last_part(left: str, at: re.Pattern[str]) -> str:
    return left[max((found.end() for found in at.finditer(left)), default=0) :]


def _yields(one: _Found, after: Sequence[_Found]) -> bool:
    """Tell whether names that follow a predicate have a clear one of their own behind them, which then counts."""
    taken = [other for other in after if one.word[1] <= other.start <= one.end]
    shares = any(other.word == one.word for other in after)
    unsure = one.claim.why == NOT_UNDERSTOOD and any(other.claim.sense != "unclear" for other in taken)
    return bool(taken) and (shares or unsure)


def _clashing(after: Sequence[_Found], before: Sequence[_Found]) -> Iterator[_Found]:
    """Yield all matches; two that claim one predicate for the names on either side of it are both unclear."""
    for one in (*after, *before):
        clash = any(one.word == other.word for other in (before if one in after else after))
        yield replace(one, claim=replace(one.claim, sense="unclear", why=NOT_UNDERSTOOD)) if clash else one


def _but_not(text: str) -> Iterator[Claim]:
    yield from (Claim(found["items"], "required") for found in wording.BUT_NOT.finditer(text))


def _resolved(claims: Sequence[Claim], text: str) -> list[Claim]:
    """Return one claim per name: contradictions are unclear, and so is a name near a waiver that nothing ties to it."""
    resolved: list[Claim] = []
    for item in dict.fromkeys(re.findall(r"<n\d+>", text)):
        about = [claim for claim in claims if item in claim.items]
        if len({claim.sense for claim in about}) > 1:
            resolved.append(Claim(item, "unclear", TWO_WAYS))
        elif about:
            resolved.append(replace(about[0], items=item))
        elif _waives_near(item, claims, text):
            resolved.append(Claim(item, "unclear", NOT_UNDERSTOOD))
    return resolved + [claim for claim in claims if "<n" not in claim.items]


def _waives_near(item: str, claims: Sequence[Claim], text: str) -> bool:
    """Tell whether a name that no claim is about stands near words that waive, and not only beside another's."""
    if not any(claim.sense == "exempt" for claim in claims):
        return wording.MENTIONS.search(text) is not None
    part = next((part for part in _PART.split(text) if item in part), "")
    return bool(wording.MENTIONS.search(part) or _TOO.search(part))
