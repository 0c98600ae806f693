"""Env files from a grammar rich in traps, for hypothesis: mostly assignments, some soup, some invalid bytes."""

import random
from collections.abc import Iterator

from hypothesis import configuration
from hypothesis import strategies as st

from tests.components.cache import CACHE
from tests.conformance.corpus import DEV, DEV_LOCAL, ENV, LOCAL
from tests.conformance.next_env import Case

configuration.set_hypothesis_home_dir(CACHE / "hypothesis")

PLAIN = [
    "x",
    "one",
    "a b",
    "0",
    "é",
    "\U0001f600",
    "/",
    "@",
    "h:1",
    "{",
    "}",
    ":-",
    "-",
    ".",
    ",",
    "%41",
    "&",
    "=",
    "YQ==",
]
TRAPS = ["#", " #", "'", '"', "`", "\\", "\\n", "\\r", "\\t", "\\'", '\\"', "\\`", "\\\\", "\t", " ", "\v", "\u00a0"]
RARE = ["\0", "\ufeff", "\u2028", "\u2029", "\u200b", "\u0085", "\x1c", "\u3000", "\x07", "\u201c", "\n", "\r", "\r\n"]
DOLLARS = ["$", "$$", "$-", "$1", "\\$", "\\\\$", "\\$A", "${", "$&", "$`", "$'", "${}", "${A-x}", "$(date)"]
COMMON = ["A", "B", "C", "D", "AB", "URL", "HOST"]
ODD = [
    "a",
    "7",
    "10",
    "007",
    "4294967294",
    "x-y",
    "x.y",
    "_",
    "export",
    "toString",
    "constructor",
    "valueOf",
    "__proto__",
]
PROCESS = ["A", "B", "HOST", "HOME", "x-y", "toString"]

names = st.sampled_from(COMMON * 3 + ODD)
references = st.builds(
    str.replace,
    st.sampled_from(["$N", "${N}", "${N:-x}", "${N:-}", "${N:-two words}", "\\${N}", "$$N", "${N", "$N}", "${N:-$N}"]),
    st.just("N"),
    st.sampled_from([*COMMON, "HOME", "GONE", "GONE", "GONE", "7", "toString"]),
)
plain = st.sampled_from(PLAIN)
pieces = st.one_of(plain, plain, plain, references, st.sampled_from(TRAPS), st.sampled_from(DOLLARS + RARE))
texts = st.lists(pieces, max_size=5).map("".join)
quotes = st.sampled_from(["", "", "'", '"', "`"])


@st.composite
def values(draw: st.DrawFn) -> str:
    """A value in the same quotes on both sides, more often than not."""
    opening = draw(quotes)
    closing = opening if draw(st.integers(0, 5)) else draw(quotes)
    return f"{opening}{draw(texts)}{closing}"


prefixes = st.sampled_from([""] * 6 + [" ", "\t", "export ", "export  ", "# ", "#", "\u00a0", "\ufeff", "- ", "set "])
separators = st.sampled_from(["="] * 8 + [" = ", "= ", " =", ": ", ":", " : ", "\n=", "=\n", ":\n", "==", "\t=\v", " "])
suffixes = st.sampled_from([""] * 6 + [" # note", "#note", "  ", " # it's", '\t# "x', ";", " \\", "\u00a0#x"])
assignments = st.builds("{}{}{}{}{}".format, prefixes, names, separators, values(), suffixes)
comments = st.sampled_from(
    ["", "", "  ", "# note", "  # don't", "#A=1", "[section]", "-----END X-----", "A", "export A"]
)
SOUP = [*PLAIN, *TRAPS, *RARE, *DOLLARS, *COMMON, "=", "=", "=", "\n", "\n", "\nA=", "\nB=", "$A", "${B}", "export "]
soup = st.lists(st.sampled_from(SOUP), max_size=12).map("".join)
lines = st.one_of(assignments, assignments, assignments, assignments, comments, soup)


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """The bytes of one file."""
    ending = draw(st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", "\n\n"]))
    text = ending.join(draw(st.lists(lines, min_size=1, max_size=6))) + draw(st.sampled_from([ending, ""]))
    oddity = draw(st.integers(0, 15))
    if oddity == 1:
        return b"\xef\xbb\xbf" + text.encode()
    if oddity == 2:
        return text.encode(draw(st.sampled_from(["utf-16", "utf-16-le", "utf-16-be"])))
    if oddity == 3:
        position = draw(st.integers(0, len(text)))
        return text[:position].encode() + draw(st.binary(max_size=4)) + text[position:].encode()
    return text.encode()


# The environment of a process holds no NUL.
process_values = st.lists(st.one_of(plain, references, st.sampled_from(DOLLARS + TRAPS)), max_size=4).map("".join)
processes = st.dictionaries(st.sampled_from(PROCESS), process_values, max_size=3)
files = st.fixed_dictionaries({ENV: contents()}, optional={LOCAL: contents(), DEV: contents(), DEV_LOCAL: contents()})
cases = st.builds(Case, files, processes)


def soups(seed: int, count: int) -> Iterator[Case]:
    """Yield cases without a grammar, always the same for a seed; a hundred times as fast as those of hypothesis."""
    chance = random.Random(seed)

    def soup_of(most: int) -> str:
        return "".join(chance.choices(SOUP, k=chance.randint(0, most)))

    def file() -> bytes:
        data = bytearray(soup_of(40).encode())
        for _ in range(chance.choice([0] * 9 + [3])):
            data.insert(chance.randint(0, len(data)), chance.choice(b"\xff\xc3\xe2\xed\xa0\x80\xf0\x9f\xf4\x90"))
        return bytes(data)

    for _ in range(count):
        found = {name: file() for name in (DEV_LOCAL, LOCAL, DEV, ENV) if chance.random() < 0.75}
        process = {name: soup_of(4).replace("\0", "") for name in PROCESS if chance.random() < 0.2}
        yield Case(found, process)
