"""Env files as Next.js reads them: what is said about a file besides its values, which tests/conformance proves."""

import io
import itertools
import os
import time
from collections.abc import Mapping
from dataclasses import replace

import dotenv
import pytest

from infracheck.project.dotenv_entry import Assignment, Cut, Dropped, Loaded, Origin
from infracheck.project.dotenv_expand import CircularReference, NothingLoaded, UnusableReference, expand
from infracheck.project.dotenv_next import decode, file_names, load, opens, parse
from infracheck.project.dotenv_problems import cut, problems


def next_js(text: str, process: Mapping[str, str] | None = None) -> dict[str, str]:
    return dict(load([(".env", text.encode())], process or {}).values)


def python_dotenv(text: str) -> dict[str, str | None]:
    """What python-dotenv makes of the same text, for a look at where the two dialects part."""
    return dict(dotenv.dotenv_values(stream=io.StringIO(text)))


def only(text: str) -> Assignment:
    (assignment,) = parse(text)
    return assignment


def kinds(data: bytes) -> list[tuple[int, str]]:
    return [(problem.line, problem.kind) for problem in problems(data, parse(decode(data)))]


@pytest.mark.parametrize(
    ("line", "key", "in_next", "in_python"),
    [
        ("HASH=abc#def", "HASH", "abc", "abc#def"),
        ("URL=postgresql://u:p#w@h/db", "URL", "postgresql://u:p", "postgresql://u:p#w@h/db"),
        ('JSON={"a":1,"b":"c#d"}', "JSON", '{"a":1,"b":"c', '{"a":1,"b":"c#d"}'),
        ("X='a $GONE #c'", "X", "a  #c", "a $GONE #c"),
        ("BT=`one`", "BT", "one", "`one`"),
        ("COLON: v", "COLON", "v", None),
        ("A=[${B}]", "A", "[]", "[]"),
        ("A=[$B]", "A", "[]", "[$B]"),
        ("D=${N:-x}", "D", "x", "x"),
        ("D=${N-x}", "D", "-x}", ""),
        ("P=pa$$word", "P", "pa$", "pa$$word"),
        ('P="p@ss$1word"', "P", "p@ss", "p@ss$1word"),
        ("P=pa\\$word", "P", "pa$word", "pa\\$word"),
        ("DUP=one\nDUP=two", "DUP", "two", "two"),
        ('N="one\\ntwo"', "N", "one\ntwo", "one\ntwo"),
        ("  export  KEY = v\r\nB=2", "KEY", "v", "v"),
        ('A="abc\nB=2', "A", '"abc', None),
        ('A="abc\nB=2', "B", "2", "2"),
        ("A=${B}\nB=${A}\nC=3", "C", None, "3"),
    ],
)
def test_the_dialects_part(line: str, key: str, in_next: str | None, in_python: str | None) -> None:
    assert next_js(line).get(key) == in_next
    assert python_dotenv(line).get(key) == in_python


def test_a_byte_order_mark_and_utf_16() -> None:
    assert next_js("\ufeffA=1") == {"A": "1"}
    assert load([(".env", "A=1\nB=2\n".encode("utf-16"))], {}).values == {}


def test_what_the_process_has_wins_even_when_empty() -> None:
    loaded = load([(".env", b"A=file\nB=file\nC=file\n")], {"A": "", "B": "process"})
    assert loaded == Loaded({"C": "file"}, {"C": Origin(".env", 3)}, {}, ())


# -- what a line says


@pytest.mark.parametrize(
    ("text", "raw", "value", "quote"),
    [
        ("A=one # note", "one", "one", "none"),
        ("A = 'one' # note", "'one'", "one", "single"),
        ('A="one\\ntwo"', '"one\\ntwo"', "one\ntwo", "double"),
        ("A=`one`", "`one`", "one", "backtick"),
        ("A=one#two # three", "one#two # three", "one", "none"),
        ("A='one", "'one", "'one", "none"),
        ("A='one # two", "'one # two", "'one", "none"),
        ("A='one'two", "'one'two", "'one'two", "none"),
        ("A=#fff", "#fff", "", "none"),
        ("A=  ", "", "", "none"),
        ("A=\n  'one'", "'one'", "one", "single"),
    ],
)
def test_raw_value_and_quotes(text: str, raw: str, value: str, quote: str) -> None:
    found = only(text)
    assert (found.raw, found.value, found.quote) == (raw, value, quote)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines(ending: str) -> None:
    text = ending.join(["# note", "", "A=1", "B='one", "two' # note", "", "  export C", "=3", "D=", '"4"', "E=5"])
    assert [(found.key, found.line, found.end_line) for found in parse(text)] == [
        ("A", 3, 3),
        ("B", 4, 5),
        ("C", 7, 8),
        ("D", 9, 10),
        ("E", 11, 11),
    ]


def test_comments() -> None:
    text = "# far\n\n# ---- Mail ----\n  # Optional\nA=1 # beside\n"
    text += "# of B\nB='\n# no comment\n'\nC=3#cut\nD='4'#beside\nE=\n"
    found = {assignment.key: assignment for assignment in parse(text)}
    assert {key: (one.comment_above, one.comment_inline) for key, one in found.items()} == {
        "A": ("# ---- Mail ----\n# Optional", "# beside"),
        "B": ("# of B", None),
        "C": (None, None),  # what is cut off is a piece of a value: it must not be quoted as a comment
        "D": (None, "#beside"),
        "E": (None, None),
    }
    assert found["C"].lost == len("#cut")


def test_repr_shows_no_text_of_the_file() -> None:
    text = "# hidden1\nKEY='hidden2' # hidden3\nREF=$KEY\n"
    assert "KEY" in repr(parse(text))
    assert "hidden" not in repr(parse(text))
    assert "hidden" not in repr(load([(".env", text.encode())], {"REF": "$KEY"}))


# -- problems


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"A=1\n# note\n\nB='2'\n", []),
        (b"A='x\nB=2\n", [(1, "unclosed-quote")]),
        (b"A=1\nB=2\nA=3\n", [(3, "duplicate-key")]),
        (b"A=1\nBARE\nexport B\n", [(2, "bare-key"), (3, "bare-key")]),
        (b"A B=1\n[section]\n{\n", [(1, "not-read"), (2, "not-read"), (3, "not-read")]),
        (b"A=one#two\nB=one # two\nC=#fff\n", [(1, "hash"), (3, "hash")]),
        (b"A='one#two\n", [(1, "unclosed-quote")]),
        (b"A=1\nB=caf\xe9\nC=\xff\n", [(2, "not-utf8"), (3, "not-utf8")]),
        (b"A=one\0two\n", [(1, "nul")]),
        ("A=1\n".encode("utf-16-le"), [(1, "utf16")]),
        ("\ufeffA=1\n".encode("utf-16-be"), [(1, "utf16")]),
        ("\ufeffA=1\n".encode(), [(1, "bom")]),
        (b"A=one\x07\n", [(1, "control")]),
        ("A=\u201cone\u201d\n".encode(), [(1, "smart-quote")]),
        (b"A='one '\nB=' two'\nC=' '\nD=''\n", [(1, "quoted-space"), (2, "quoted-space"), (3, "quoted-space")]),
        ("A=one\u00a0\nB=\u200bone\n# \u00a0\n".encode(), [(1, "invisible"), (2, "invisible")]),
        (b"A=\n'one'\nB:\nC=2\nD\n=3\n", [(1, "next-line"), (3, "next-line"), (5, "next-line")]),
        (b"A='one\nB=2\nC=3'\nD=4\n", [(1, "swallowed-lines")]),
        (b"K='-----BEGIN X-----\nab+/\nabc==\n-----END X-----'\n", []),
        (b"K=-----BEGIN X-----\nab+/\n", [(1, "unquoted-lines"), (2, "not-read")]),
        (b"x-y=1\n7=2\n", [(1, "odd-key"), (2, "odd-key")]),
        (b"HOST=h\nA=${HOST:-x}\nB=${GONE:-x}\nC=\\${HOST:-x}\n", [(2, "default-wins")]),
    ],
)
def test_problems(data: bytes, expected: list[tuple[int, str]]) -> None:
    assert kinds(data) == expected


def test_problems_never_quote_the_file() -> None:
    data = b"hidden1 hidden2=3\nhidden4\nKEY='hidden5\nhidden6=1\nhidden6=2#hidden\nhidden-7=$hidden\n"
    found = problems(data, parse(decode(data)))
    assert len(found) >= 5
    assert "hidden" not in repr(found)


# -- expansion and loading


def test_circular_references_name_the_key_but_not_in_the_message() -> None:
    with pytest.raises(CircularReference) as error:
        expand({"A": "1", "B": "x$C", "C": "$B"}, {})
    assert error.value.key == "B"
    assert "B" not in str(error.value)
    with pytest.raises(UnusableReference):
        expand({"A": "$valueOf"}, {})


@pytest.mark.parametrize("text", ["$A", "x$A", "$A/x", "$A$A", "$`$A", "\\$A$A", "y" * 10_000 + "$A"])
def test_a_circle_ends_soon(text: str) -> None:
    started = time.process_time()
    with pytest.raises(NothingLoaded):
        expand({"A": text}, {})
    assert time.process_time() - started < 5


def test_values_that_double_end_soon() -> None:
    names = [f"K{number}" for number in range(60)]
    laughs = {name: f"${following}${following}" for name, following in itertools.pairwise(names)}
    started = time.process_time()
    with pytest.raises(CircularReference):
        expand({**laughs, names[-1]: "ha"}, {})
    assert time.process_time() - started < 5


def test_a_dropped_file_leaves_its_variables_to_the_next() -> None:
    loaded = load([(".env.local", b"A=1\nB=2\nA=$A\n"), (".env", b"# note\nA=3\n")], {})
    assert loaded.dropped == (Dropped(".env.local", "circular", 3),)
    assert loaded.values == {"A": "3"}
    assert loaded.origins == {"A": Origin(".env", 2)}
    assert load([(".env", b"A=$valueOf")], {}).dropped == (Dropped(".env", "unusable-reference", 1),)


def test_the_assignment_that_wins() -> None:
    loaded = load([(".env.local", b"A=1\nA=2\n"), (".env", b"A=3\n\nB=$A\n")], {})
    assert loaded.values == {"A": "2", "B": "2"}
    assert loaded.origins == {"A": Origin(".env.local", 2), "B": Origin(".env", 3)}


def test_a_file_alters_what_the_process_had() -> None:
    """The value comes from the process, but once a file names the variable too, Next.js resolves its `$`."""
    loaded = load([(".env", b"P=\n")], {"P": "pa$word", "Q": "pa$word"})
    assert loaded.values == {}
    assert loaded.altered == {"P": "pa"}


def test_nothing_is_loaded_twice() -> None:
    loaded = load([(".env", b"A=1\n")], {"__NEXT_PROCESSED_ENV": "true"})
    assert loaded == Loaded({}, {}, {}, (Dropped(".env", "already-loaded"),))


def test_file_names() -> None:
    assert file_names("production") == (".env.production.local", ".env.local", ".env.production", ".env")
    assert file_names("test") == (".env.test.local", ".env.test", ".env")


def test_named_pipes_are_read_from_15_on(tmp_path: os.PathLike[str]) -> None:
    pipe = os.path.join(tmp_path, ".env")  # noqa: PTH118
    os.mkfifo(pipe)
    mode = os.stat(pipe).st_mode  # noqa: PTH116
    assert [opens(mode, dialect) for dialect in (14, 15, 16)] == [False, True, True]


# -- cuts


def cut_of(text: str, process: Mapping[str, str] | None = None) -> Cut | None:
    (assignment, *_) = parse(text)
    return cut(assignment, next_js(text, process).get(assignment.key))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=one", None),
        ("A=one # note", None),
        ("A='one#two'", None),
        ('A="one\\ntwo"', None),
        ("A=one#two", Cut(7, 3, ("hash",))),
        ("A=#two", Cut(4, 0, ("hash",))),
        ("A='one # two", Cut(10, 4, ("hash",))),
        ("A=pa$word", Cut(7, 2, ("dollar",))),
        ("A='pa$word'", Cut(7, 2, ("dollar",))),
        ("A=pa\\$word", None),
        ("A=pa$", None),
        ("A=pa$$word", Cut(8, 3, ("dollar",))),
        ("A=pa$word#1", Cut(9, 2, ("hash", "dollar"))),
        ("A=$GONE", Cut(5, 0, ("dollar",))),
        ("A=$HOME/x", None),
        ("A='$HOME/x'", Cut(7, 7, ("expanded",))),
        ("A=$HOME-$GONE", Cut(11, 6, ("dollar",))),
        ("A=${HOME}$GONE.", None),  # references that touch count as one
        ("A=$GONE.$HOME", Cut(11, 6, ("dollar",))),
        ("A=.$HOME.$HOME.", None),
        ("A=.$HOME.$GONE.", Cut(13, 8, ("dollar",))),
        ("A=${GONE:-x}", None),
        ("A=${GONE:-}", None),
        ("A=${GONE:-${HOME}}", None),
        ("A=${GONE-x}", Cut(9, 3, ("dollar",))),
        ("A=$2b$10$abcdef", Cut(13, 0, ("dollar",))),
        ("A=one\0two", Cut(7, 3, ("nul",))),
        ("A=$A", Cut(2, 0, ("circular",))),
    ],
)
def test_cut(text: str, expected: Cut | None) -> None:
    assert cut_of(text, {"HOME": "/root"}) == expected


def test_many_references_are_judged_at_once() -> None:
    started = time.process_time()
    assert cut_of("A=" + "a$GONE.a" * 500) == Cut(4000, 1500, ("dollar",))
    assert time.process_time() - started < 3


def test_cut_says_nothing_of_the_value() -> None:
    found = cut_of("A=hidden#hidden")
    assert found is not None
    assert "hidden" not in repr(found)
    assert replace(found, written=0).kept == found.kept


# -- time


@pytest.mark.parametrize(
    "data",
    [
        b"".join(b"KEY_%d='value %d' # note\n" % (number, number) for number in range(2_000)),
        b"\n" * 50_000 + b"A=1",
        b"x" * 200_000,
        b"A=" + b" " * 20_000 + b"x",
        b"".join(b"K%d='x\n" % number for number in range(2_000)),
        b"# note\n" * 20_000 + b"A=1",
    ],
    ids=["2,000 variables", "blank lines", "one long word", "many spaces", "unclosed quotes", "comments"],
)
def test_long_files_take_no_long_time(data: bytes) -> None:
    started = time.process_time()
    problems(data, parse(decode(data)))
    load([(".env", data)], {})
    assert time.process_time() - started < 3
