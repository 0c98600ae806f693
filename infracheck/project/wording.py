"""The words in which people exempt a variable or call it required, as patterns over a sentence with its names encoded.

A sentence is read in lower case, each variable replaced by `<n0>`, each vague phrase ("Sentry keys") by `<v0>`, and
"from the blocking env check" by `<gate>`. What stands between a name and its predicate must be one of the filler words
below: text that is not understood never exempts.
"""

import re
from typing import Final

ITEM: Final = r"<[nv]\d+>(?:'s)?"
_BETWEEN: Final = r"(?:[\s,/&+|]|<v\d+>\s*:|\b(?:and|or|plus|as well as|the|both|variables?|vars?|keys?|env)\b)+"
LIST: Final = rf"(?P<items>{ITEM}(?:{_BETWEEN}{ITEM})*)"
ITEMS_ONLY: Final = re.compile(rf"(?:{ITEM}|[\s,/&+|]|\b(?:and|or|plus|as well as|the|both|namely|i\.e\.)\b)+")

NOT: Final = (
    r"(?:no longer|not|no|never|neither|nor|cannot|can't|isn't|aren't|wasn't|weren't|doesn't|don't|didn't|mustn't|"
    r"must not|may not|shouldn't|won't|without)"
)
_EMPTY: Final = r"(?:empty|blank|unset)"
WAIVED: Final = (
    r"(?:exempt(?:ed)?|optional|excluded|waived|deferred|postponed|skipped|out of scope|non-blocking|needs? no value|"
    rf"(?:may|can) (?:stay|remain|be|be left) {_EMPTY}|(?:may|can) be (?:skipped|omitted|deferred|left out|excluded)|"
    rf"allowed to (?:stay|be|be left|remain) {_EMPTY}|(?:intentionally|deliberately)(?: left)? {_EMPTY})"
)
REQUIRED: Final = (
    r"(?:required|mandatory|needed|necessary|compulsory|(?:must(?! not)|ha(?:s|ve) to)(?: be (?:filled|set|provided))?|"
    r"needs? (?:a (?:real )?value|to be (?:filled|set|provided)|filling)|blockers?|blocks?|blocking)"
)
_FILL: Final = (
    r"(?:[\s:=|—–\"]|-(?=\s)|,(?=\s*(?:both|all|each|also)\b)|\b(?:is|are|was|were|be|been|being|stays?|stayed|remains?|"
    r"kept|now|also|all|both|each|still|again|yet|explicitly|formally|officially|hereby|currently|therefore|thus|"
    r"considered|treated|marked|declared|classed|as|an?|the|env|variables?|vars?|keys?|values?|pm|by|per|for now|"
    rf"empty|missing|blank|unset|do|does|did|must|{NOT})\b)*"
)
AFTER: Final = re.compile(rf"{LIST}(?P<fill>{_FILL})\b(?P<word>{WAIVED}|{REQUIRED}|{_EMPTY})(?![\w-])")
"""A list of names, then what is said of them: `A and B are exempt`, `A stays required`, `A is not optional`."""

_LABELS: Final = r"(?:optional|exempt|exempted|non-blocking|out of scope)"
_NOUNS: Final = r"(?:exemptions?|exceptions?|waivers?)"
_DECIDES: Final = r"(?:exempts|waives?|waived|defers?|deferred|postpones?|postponed)"
_CUTS: Final = r"(?:excludes?|excluded|skips?|skipped)"  # builds and bundles exclude things, too: asks who does
_OPEN: Final = (
    r"(?:[\s=|\"]|\b(?:for|of|the|following|these|both|all|env|environment|variables?|vars?|keys?|named|namely|"
    r"filling|setting|values?|now|this|cycle|release|plan|pm|by|explicitly|only|empty|missing|unset)\b|<gate>|"
    r"(?P<label>[:—–]|-(?=\s)|\b(?:is|are)\b|\b(?:to|until|till) [\w.-]+(?: [\w.-]+){0,2}?\s*[:—–]))*"
)
BEFORE: Final = re.compile(
    rf"\b(?P<word>(?P<adjective>{_LABELS})|(?P<noun>{_NOUNS})|(?P<decides>{_DECIDES})|(?P<cuts>{_CUTS})|"
    rf"(?P<needs>requires?|required|mandatory|needs?|needed|blockers?|blocks?|must (?:fill|set|provide)))\b"
    rf"(?P<fill>{_OPEN}){LIST}"
)
"""What is said, then the names: `PM excludes A, B`, `Exempt: A`, `exemption for A`, `does not need A`."""

AROUND: Final = re.compile(
    rf"\b(?:(?P<leave>leaves?|keeps?|allows?|allowed|permits?|permitted|accepts?|accepted) (?:empty )?{LIST} "
    rf"(?:to (?:stay|be|remain) (?:left )?)?{_EMPTY}"
    rf"|(?P<take>accepts?|accepted|allows?|allowed|permits?) (?:an? )?empty {LIST.replace('items', 'items2')}"
    rf"|(?P<none>no (?:real )?(?:values? (?:for|of) )?{LIST.replace('items', 'items3')}(?: is| are)? "
    rf"(?:needed|required|necessary)"
    rf"|no (?:real )?values?(?: is| are)? (?:needed|required) (?:for|in) {LIST.replace('items', 'items4')}"
    rf"|no need (?:for|to (?:fill|set|provide)) {LIST.replace('items', 'items5')}))"
)
"""Words on both sides: `keeps A empty`, `no value for A is needed`."""

NEGATED: Final = re.compile(
    rf"\b{NOT}(?:\s+(?:be|been|to|yet|any|an?|the|explicitly|formally|as|is|are|do|does|did|longer))*\s*$"
)
BREAK: Final = re.compile(r"[,:—–|\"]|\s-\s")
REASON: Final = re.compile(r"\b(?:because|since|so that)\b")  # what follows says why, and no longer whether
TURN: Final = re.compile(r"[:—–|]|\s-\s")
CONTRAST: Final = re.compile(
    r"(;|→|=>|->|\b(?:but|however|whereas|while|although|though|except(?: for)?|apart from|other than|save for)\b)"
)
EXCEPT: Final = re.compile(rf"\W*{LIST}\W*(?:(?:is|are|does|do) not\W*)?$")
BUT_NOT: Final = re.compile(rf"\b(?:not|never|nor|neither)\s+{LIST}")
AND_REQUIRED: Final = re.compile(rf"\s*(?:and|or|,)\s*(?P<fill>{_FILL})\b{REQUIRED}\b")
REFUSES: Final = re.compile(r"\b(?:not|never|cannot|can't|didn't|doesn't|don't|won't|hasn't|haven't)\b")
NEGATIONS: Final = re.compile(rf"\b{NOT}(?![\w'])")
PAST: Final = re.compile(r"\b(?:was|were)\b")
STATES: Final = re.compile(
    r"(?:exempt|optional|out of scope|non-blocking)$"
)  # "was exempt" is over, "was exempted" not
FOLLOWS: Final = re.compile(
    r"\s*(?:$|[.,!—–|\"')\]\d]|-\s|:(?!\s*<n)|<gate>|(?:for|until|till|through|by|per|in|at|as|because|since|due|this|"
    r"that|these|so|and|or|with|now|today|on|to|here|again|also|too|only|entirely|keys?|variables?|vars?|values?|env|pm)\b)"
)
FOREIGN: Final = re.compile(r"\s*from\b")
PLACE: Final = re.compile(
    r"\b(?:in|for|during|on|at)\s+(?:the\s+|our\s+)?(?:local\w*|dev\w*|ci|previews?|staging|tests?|testing|"
    r"prod\w*)\b|\blocally\b"
)
UNDECIDED: Final = re.compile(
    r"\?|\[ \]|\byyyy\b|\b(?:request\w*|propos\w+|pending|await\w*|tbd|todo|to do|whether|draft\w*|template|"
    r"examples?|undecided|to decide|open question|either|one of|any of|not approved|unless|if|"
    r"provided|assuming|as long as)\b"
)
TENTATIVE: Final = re.compile(
    r"\b(?:might|could|would|should|maybe|perhaps|probably|possibly|likely|will|shall|going to|wants?|wish\w*|hopes?|"
    r"plans?|planned|suggest\w*|recommend\w*|asks?|asked|consider|considers|considering|discuss\w*|write|wrote|e\.g|"
    r"future|eventually|someday|soon|when|whenever|once|after|"
    r"previously|formerly|earlier|originally|initially|until now|so far|used to|nobody|no one|claims?|assumed?)\b"
)
REVOKED: Final = re.compile(
    r"\b(?:revok\w+|withdr\w+|rescind\w*|overrul\w+|overturn\w*|lifted|declin\w+|refus\w+|reject\w+|denied|denies|"
    r"den(?:y|ial)|void|cancel\w*|lapsed|expired|reverted|undone|mistake\w*|wrong\w*|"
    r"(?:no longer|not) (?:valid|holds?|true|in force|appl\w+|accept\w+|agree\w*)|not any ?more|said no)\b"
)
NOT_SO: Final = re.compile(  # a label that turns round what follows it: `PM said no: …`, `Old rule: …`
    rf"(?:^|[—–|])(?![^:—–|<]*\b{REQUIRED})[^:—–|<]*\b(?:{NOT}|nope|old|false|untrue|claims?|rumou?rs?|previous(?:ly)?|"
    r"former(?:ly)?|past|history)\b[^:—–|<]*:"
)
REVOKES_BEFORE: Final = re.compile(
    r"\W*(?:\d{4}-\d\d-\d\d\W*)?(?:(?:this|that|the|both|it|they|these|pm)\s+)?(?:exemptions?|waivers?|exceptions?|decision)?"
    r"\s*(?:(?:was|is|were|has been|later|now|since|again)\s+)*(?:revok|withdr|rescind|overrul|lifted|void|required)"
)
MEANS_BEFORE: Final = re.compile(  # "Both are exempt", "the first three are exempt": said of names that stand before
    rf"\b(?:both|all|these|they|those|it|them|first|last|rest|others?)\b[^,;:—]*\b{WAIVED}(?![\w-])(?!\s*[:—])"
)
MENTIONS: Final = re.compile(
    r"(?<!without )(?<!no )(?<!lacks )(?<!explicit )\b(?:optional|exempt\w*|exclu(?:de|sion)\w*|waive\w*|deferred|"
    r"defers?|postponed?|skip(?:s|ped)?|out of scope|non-blocking|not (?:required|needed)|"
    rf"(?:may|can) (?:stay|remain|be) {_EMPTY})\b"
)
DECIDER: Final = re.compile(
    r"\b(?:pm|we|i|product owner|owner|team|founder|cto|ceo|stakeholders?|decision|decid\w+|agree[sd]?)\b"
)
QUIET: Final = re.compile(  # words that may stand before the names of a statement without changing it
    r"(?:[\W\d_]|<v\d+>|\b(?:pm|the|that|both|all|and|or|so|also|then|therefore|hence|now|per|by|for|today|only|following|these|other|remaining|first|last|two|three|four|are|is|remain|variables?|vars?|"
    r"keys?|env|decision|decided?|decides|agree[sd]?|confirm(?:s|ed)?|says|said|rule[sd]|keep|keeps|mark(?:s|ed)?|"
    r"declare[sd]?|treat(?:s|ed)?|product|owner|team|we|lead|values? (?:of|for)|note|to|please)\b)*"
)
STATE: Final = re.compile(
    r"\b(?:filled|set|added|verified|checked|configured|provisioned|wired|documented|rotated|created|missing|present|"
    r"removed|renamed|fixed|tested|ok|passed)\s*$"
)
CODE: Final = re.compile(r"\b(?:schemas?|code|types?|docs?|documentation|readme|example|sdk|spec|zod|wizard)\s*$")
GATE: Final = re.compile(
    r"\bfrom\s+(?:[a-z/-]+\s+){0,4}(?:checks?|checking|gates?|deploy-check|validation|verification|requirements?|"
    r"env-filled|required (?:set|list|variables)|blocking|blockers)\b"
)
BLOCK: Final = re.compile(
    r"(?<![\w-])BLOCK(?:ED|S|ERS?)?(?![\w-])|(?i:\bverdict\b(?:(?!\bno|\bpass|\bapprov|\bfrom\b|\bwas\b)[^.\n]){0,40}?\bblock|\bblock(?:s|ed|ing)?\s+(?:the\s+)?deploy|"
    r"\bblockers?\s*:(?!\s*(?:none|no|0|n/a|-)\b))"
)
NO_BLOCK_BEFORE: Final = re.compile(r"\b(?:no|not|never|without|zero|longer|from|from the|was|formerly|un)\s*$", re.I)
NO_BLOCK_AFTER: Final = re.compile(
    r"\W*(?:lifted|resolved|cleared|superseded)\b|\s*(?:→|->|=>)\s*\W*(?:approve|pass)", re.I
)
GRANTS: Final = re.compile(  # a heading below which a name alone is a statement
    r"\W*(?:granted |explicit |approved |pm |env(?:ironment)? |variable )*(?:exemptions?|exceptions?|waivers?|"
    r"(?:exempt(?:ed)?|optional|excluded|waived|deferred)(?: (?:env )?(?:variables?|vars?|keys?))?)\W*",
    re.IGNORECASE,
)
RELEVANT: Final = re.compile(  # without one of these an entry states nothing about any variable
    r"optional|exempt|exception|exclu|waive|defer|postpon|skip|scope|block|requir|mandatory|need|must|necessary|compulsory|"
    r"empty|blank|unset|have to|has to|left out|omitted",
    re.IGNORECASE,
)
EXPIRES: Final = re.compile(r"\b(?:until|till|through|expires?(?: on)?|expiring(?: on)?)\s+(\d{4}-\d{2}-\d{2})\b")
