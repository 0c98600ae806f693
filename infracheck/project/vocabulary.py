"""Finds variables in a sentence: named literally, meant by a glob (`SENTRY_*`), or meant vaguely ("Sentry keys")."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Final

from infracheck.project.wording import GATE

PREFIXES: Final = ("NEXT_PUBLIC_", "VITE_", "PUBLIC_", "NUXT_PUBLIC_", "EXPO_PUBLIC_", "REACT_APP_")
_NAME: Final = r"(?<![\w/.<-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+"
_END: Final = r"(?![\w*{])(?![-.]\w)(?!/[a-z])"  # not a part of a path, a file name or a compound
_GLOB: Final = r"(?<![\w/.<-])[A-Z][A-Z0-9_]*_(?:\*|\{[\w, ]+\})"
_GENERIC: Final = re.compile(  # parts of a name that say nothing of whose it is
    r"NEXT|PUBLIC|VITE|NUXT|EXPO|REACT|URL|URI|KEYS?|API|IDS?|SECRET|TOKEN|AUTH|DSN|ORG|PROJECT|APP|BASE|HOST|PORT|NAME|"
    r"USER|PASSWORD|CLIENT|SERVER|ENV|ENDPOINT|REGION|BUCKET|WEBHOOK|FROM|SALT|SITE|PRIVATE|ACCESS|SLUG|VERSION|COOKIE|"
    r"ANON|SERVICE|ROLE|ENABLED|DEBUG|LEVEL|TIMEOUT|MODE|\w{1,2}"
)
_TOPICS: Final = {  # what people call a product; matched against the parts of the names
    "SENTRY": r"monitoring|observability|error[- ](?:tracking|monitoring|reporting)",
    "POSTHOG|GA|PLAUSIBLE|UMAMI|MIXPANEL|ANALYTICS": "analytics",
    "RESEND|SMTP|MAIL|EMAIL|SENDGRID|POSTMARK": r"e-?mail|mail",
    "STRIPE|PADDLE|LEMONSQUEEZY": "payments?|billing",
}
_NOUN: Final = (
    r"(?:env(?:ironment)?|variables?|vars?|keys?|values?|tokens?|secrets?|credentials?|config(?:uration)?|dsn|url|id|api|"
    r"auth|slug|org(?:ani[sz]ation)?|project|host|related)"
)
_REST: Final = (
    r"\b(?:all|other|remaining|missing|empty|these|those)(?:\s+(?:other|remaining|missing|empty|the|env(?:ironment)?))*"
    r"\s+(?:env(?:ironment)?\s+)?(?:keys|variables|vars|values|secrets)\b"
)


@dataclass(slots=True)
class Encoded:
    """A sentence with its names and vague phrases replaced by `<n0>` and `<v0>`, in lower case."""

    text: str
    names: list[str] = field(default_factory=list)
    vague: list[tuple[str, ...]] = field(default_factory=list)  # the variables that each phrase probably means

    def literal(self, items: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.names[int(n)] for n in re.findall(r"<n(\d+)>", items)))

    def meant(self, items: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for n in re.findall(r"<v(\d+)>", items) for name in self.vague[int(n)]))


@dataclass(frozen=True)
class Vocabulary:
    """The variables of an app, and the words that may stand for them."""

    variables: tuple[str, ...]

    @classmethod
    def of(cls, variables: Iterable[str]) -> "Vocabulary":
        return cls(tuple(dict.fromkeys(variables)))

    def encode(self, sentence: str) -> Encoded:
        """Return the sentence with its names out of the way; names that the app does not have are kept, too."""
        found = Encoded("")

        def name(match: re.Match[str]) -> str:
            found.names.append(match[0])
            return f"<n{len(found.names) - 1}>"

        def vague(match: re.Match[str]) -> str:
            meant = self._glob(match[0]) if "_" in match[0] else self._means(match[0])
            if not meant and not re.match(_REST, match[0], re.IGNORECASE):
                return match[0]  # a product that this app does not use
            found.vague.append(meant)
            return f"<v{len(found.vague) - 1}>"

        text = re.sub(r"(?<=[A-Z0-9])/(?=[A-Z][A-Z0-9]*_)", " / ", sentence)
        text = re.sub(_GLOB, vague, text)
        text = self._literal.sub(name, text)
        text = self._phrases.sub(vague, text)
        found.text = GATE.sub("<gate>", " ".join(text.lower().split()))
        return found

    def nearest(self, name: str) -> str | None:
        """Return the variable that a name which the app does not have was probably meant to be."""
        bare = _bare(name)
        same = [known for known in self.variables if _bare(known) == bare]
        near = same or difflib.get_close_matches(name, self.variables, n=1, cutoff=0.92)
        return near[0] if near else None

    @cached_property
    def _literal(self) -> re.Pattern[str]:
        # A variable may have no underscore (`PORT`): such a one is found only because the app has it.
        short = [re.escape(name) for name in self.variables if not re.fullmatch(_NAME, name)]
        return re.compile("|".join([_NAME + _END, *(rf"(?<![\w/.<-]){name}{_END}" for name in short)]))

    @cached_property
    def _topics(self) -> dict[str, tuple[str, ...]]:
        """Return pattern of a topic word -> the variables it stands for."""
        topics: dict[str, tuple[str, ...]] = {}
        parts = {part for name in self.variables for part in name.split("_")}
        for part in sorted(part for part in parts if not _GENERIC.fullmatch(part)):
            topics[part.lower()] = tuple(name for name in self.variables if part in name.split("_"))
        for known, words in _TOPICS.items():
            if meant := tuple(n for n in self.variables if set(known.split("|")) & set(n.split("_"))):
                topics[words] = meant
        return topics

    @cached_property
    def _phrases(self) -> re.Pattern[str]:
        between = r"[\s/,&+-]+(?:and\s+|or\s+)?"
        topics = "|".join(re.escape(word) if word.isalnum() else word for word in self._topics)
        phrase = rf"(?<![\w<@./-])(?:{topics})(?:'s)?(?:{between}{_NOUN}(?![\w-]))*(?![\w-])" if topics else "(?!)"
        return re.compile(rf"{phrase}|{_REST}", re.IGNORECASE)

    def _means(self, phrase: str) -> tuple[str, ...]:
        """Return the variables of a phrase's topic; narrowed to those with a part it says: `Sentry DSN/org`."""
        matching = (names for word, names in self._topics.items() if re.match(rf"(?:{word})\b", phrase, re.IGNORECASE))
        meant = next(matching, ())
        said = {part.upper() for part in re.findall(r"\w+", phrase)[1:]}
        said |= {"ORG"} if said & {"ORGANIZATION", "ORGANISATION"} else set()
        narrowed = tuple(name for name in meant if said & set(name.split("_")))
        return narrowed if said - {"KEY", "KEYS", "VARS", "VAR", "ENV", "VALUES"} and narrowed else meant

    def _glob(self, pattern: str) -> tuple[str, ...]:
        stem, brace, inner = pattern.partition("{")
        globs = [stem + part.strip() for part in inner.rstrip("}").split(",")] if brace else [pattern]
        return tuple(name for name in self.variables if any(fnmatchcase(name, glob) for glob in globs))


def _bare(name: str) -> str:
    return next((name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix)), name)
