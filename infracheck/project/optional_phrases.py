"""The phrases by which examples mark variables, as patterns; what they add up to is told in `optional_words`."""

import re
from typing import Final


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_PRODUCTION: Final = r"(?:prod(?:uction)?|deployed|deployments?|deploying)\b"
_SOMEWHERE: Final = (
    r"(?:(?:in|for|during|on|when|while)\s+(?:the\s+)?(?:local(?:ly|host)?|dev(?:elopment|eloping)?|tests?|testing|"
    rf"preview|staging|running\s+locally|{_PRODUCTION})\b|locally\b)"
)
_NEED: Final = r"(?:required|mandatory|needed|necessary|compulsory)"
_NOT: Final = r"(?:not|isn'?t|aren'?t)"

# A rule for the whole file; a sentence that states one says nothing about the variable below it.
LEGEND: Final = _re(
    r"\bunless\s+(?:\w+\s+){0,3}?(?:marked|flagged|labell?ed|noted|tagged|annotated|stated|specified)"
    r"(?:\s+(?:as|with|otherwise))*\W*(?P<mark>required|mandatory|optional)"
    r"|\bonly\s+(?:\w+\s+){0,4}?(?:marked|flagged|labell?ed|tagged)(?:\s+(?:as|with))*\W*(?P<only>required|mandatory)"
)
DEFAULT_REQUIRED: Final = _re(r"^@defaultRequired=(true|false)\b")
DECORATOR: Final = _re(r"(?:^|\s)@(?P<name>optional|required)(?:=(?P<value>\w+)\S*)?(?=\s|$)")
ABOUT_MARKS: Final = _re(
    r"^\W*(?:optional|required)\s+(?:values?|variables?|vars?|keys?|ones|settings?|entries)\s+"
    r"(?:are|is|have|has|can|may|must|should|will)\b"
)

# What keeps a variable required although the word "optional" stands there.
DENIED: Final = _re(
    rf"\b(?:{_NOT}|never|no\s+longer|non)[\s-]+(?:(?:yet|really|truly|strictly|an?|at\s+all)\s+)*optional\b"
)
SHIPPED: Final = _re(
    rf"\b(?:{_NEED}|must\s+be\s+(?:set|filled|provided|configured))\s+(?:only\s+)?(?:in|for|on)\s+(?:[\w-]+\s+){{0,2}}?"
    rf"{_PRODUCTION}|\boptional\b[^.;]*\b(?:unless|except|outside|until|before|but\s+not)\b[^.;]*\b{_PRODUCTION}"
)
HERE_ONLY: Final = _re(rf"\b(?:optional|not\s+{_NEED}|only\s+{_NEED})\s+(?:only\s+)?\(?{_SOMEWHERE}")
FUTURE: Final = _re(
    r"\b(?:may|might|will|could|can|should|would|shall|to)\s+(?:\w+\s+)?(?:be|become)\s+(?:\w+\s+)?optional\b"
    r"|\boptional\s+(?:in\s+(?:the\s+|a\s+)?future|later|soon|eventually|in\s+(?:the|a)\s+(?:next|later|future))\b"
)
OTHERS: Final = _re(r"\bother\b.*\bare\s+optional\b|\boptional\s+(?:below|above)\b")

# "required only for mail" and "required if you send mail" say when; "required:" and "(required)" say that it is.
REQUIRED: Final = _re(
    r"\b(?:required|mandatory|compulsory)\b(?!\s+(?:only|if|when|for|by|to|in\s+order)\b)"
    r"|\b(?:required|mandatory)\s+unless\b"
    r"|\bmust\s+(?:\w+\s+)?(?:be\s+(?:set|filled|provided|configured|present|defined)|have\s+a\s+value|exist)\b"
    r"|\b(?:do\s+not|don'?t|never|cannot|can'?t|must\s+not)\s+(?:be\s+)?(?:leave|left|skip|omit|omitted|empty|blank)\b"
)
SHOUTED: Final = re.compile(r"\b(?:REQUIRED|MANDATORY)\b(?!\s+(?:ONLY|IF|WHEN|only|if|when)\b)")
NOT_REQUIRED: Final = _re(rf"\b(?:{_NOT}|no\s+longer|only)\s+(?:\w+\s+)?(?:required|mandatory)\b")
SAYS_REQUIRED: Final = _re(r"\b(?:required|mandatory)\b")
SAYS_OPTIONAL: Final = _re(r"\boptional\b")

STARTS: Final = _re(r"^\W*optional\b(?!-\w|\s+(?:below|above)\b)")
MARKED: Final = (
    STARTS,
    _re(r"[(\[{]\s*optional\b"),
    _re(r"[(\[][^()\[\]]*[,;:–—/]\s*optional\s*[)\],;:]"),
    _re(r"\[[^\[\]]*\boptional\s*\]"),
    _re(r"(?:[,;:–—/]\s*|\s-\s+)optional\s*(?:[.,;:!)–—(]|\s-\s|$|\s(?:but|and|if|for|unless|when)\b)"),
)
_IS_OPTIONAL: Final = (
    r"(?:is|are)\s+(?:(?:also|all|both|entirely|completely|fully)\s+)?optional\b(?!\s+in\s+the\b)"
    r"(?=\s*(?:[.,;:!)–—-]|$)|\s+(?:but|and|for|if|when|unless|as|because|since|so|in)\b)"
)
# These hold for the subject in front of them: "the port is not needed" says nothing about DATABASE_URL.
OF_SUBJECT: Final = tuple(
    (weight, _re(rf"(?P<subject>[^.;:,()–—]*?)\b(?:{pattern})"))
    for weight, pattern in (
        (2, _IS_OPTIONAL),
        (2, rf"{_NOT}\s+(?:(?:strictly|always|usually|really)\s+)?{_NEED}\b(?!\s+(?:to\s+be|until|before|yet)\b)"),
        (1, r"(?:can|may)\s+(?:also\s+|safely\s+)?be\s+(?:left\s+)?(?:blank|empty|unset|omitted|skipped|left\s+out)\b"),
        (1, r"only\s+(?:needed|necessary|required)\b|(?:needed|necessary|required)\s+only\b"),
        (1, r"(?:needed|necessary|required)\s+(?:if|when)\s+(?:you|we|using)\b"),
        (1, r"(?:falls?\s+back\s+(?:to|on)|defaults?\s+to)\b(?!\s+(?:this|it|these)\b)"),
    )
)
SUBJECT: Final = _re(
    r"this|these|it|they|both|all|of|everything|anything|following|variables?|vars?|values?|keys?|settings?|section|block"
    r"|group|integrations?|credentials|entries|below|we|you|app|code|otherwise|else|or|and|then|when|if|unset|empty|not"
    r"|missing|set|provided|omitted|blank|absent|left|by|the|an?|is|are|be|was|only|also|your|our|which|that|env|here"
)
DENIED_VERB: Final = _re(r"\b(?:not|never|no|don'?t|doesn'?t)\s+(?:\w+\s+)?(?:fall|default)")

_IT: Final = r"(?:(?:it|this|these|them|both|all|the\s+value|as|\w+_\w+)\s+)?"
HINTS: Final = (
    _re(rf"(?:^\W*|[(,;:–—-]\s*)(?:or\s+|please\s+|you\s+can\s+)?(?:leave|keep)\s+{_IT}(?:blank|empty|unset)\b"),
    _re(r"^\W*only\s+(?:if|when)\b"),
    _re(r"^\W*only\s+for\b(?!.*\b(?:server|client|browser|backend|internal|api\s+routes?)\b)"),
    _re(r"(?:^\W*|\(\s*(?:only\s+)?)if\s+(?:you\s+|we\s+)?(?:use|using|want|need|enable|are\s+using)\b[^,:]*:?$"),
    _re(r"^\W*if\s+you\s+(?:use|want|need|enable)\b[^,]*,\s*(?:set|fill|add|uncomment|provide|configure|enter)\b"),
    _re(r"\bset\s+(?:this|these)\s+(?:only\s+)?if\s+you\b"),
    _re(r"(?:^\W*|\(\s*)default(?:\s+value)?\s*[:=]"),
    _re(r"\bno\s+need\s+to\s+set\b"),
)

TITLE: Final = _re(r"^(?P<title>[^(,:;]{1,60}?)(?:\(|(?:,|\s[-–—]|:)\s*(?:optional|required|mandatory)\W*$)")
IN_SENTENCES: Final = _re(r"\b(?:the|an?|your|our|this|to|for|of|used|get|see|is|are|when|if|from|with|by|in|on)\b")
HEADING: Final = _re(
    r"^\W*(?:optional|required|mandatory)\s*[-–—]\s"
    r"|^\W*(?:optional|required|mandatory)\s+(?:\S+\s+){0,3}(?:keys|settings|variables|vars|values|features|integrations|"
    r"services|configuration|config|section|credentials|providers|secrets)\s*:?$"
    r"|\b(?:these|both|all|everything|following)\b[^.;]*\b(?:is|are)\b|\bleave\s+(?:these|them|both|all)\b"
)

BULLET: Final = re.compile(r"^(?:[-*•]\s+|\d+[.)]\s+)")
CONTINUES: Final = re.compile(r"[a-z(]")
MARK_ALONE: Final = _re(r"^\W*(?:optional|required|mandatory)\b\s*(?:$|[:.,;(–—-])")
BREAK: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z(@])")
