"""What a stream can show: its colours, its characters, its width."""

import io
import random

import pytest

from infracheck.report import terminal
from infracheck.report.ink import MARKS
from infracheck.report.text import cells, longest_piece, wrap
from tests.report.scenarios import SCENARIOS
from tests.report.test_terminal import shown_live, squeezed


@pytest.mark.parametrize(
    ("flag", "environ", "tty", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, True),
        ("auto", {"CLICOLOR_FORCE": "1", "TERM": "dumb"}, False, True),
        ("auto", {"CLICOLOR_FORCE": "0"}, False, False),
        ("auto", {"FORCE_COLOR": ""}, False, False),
        ("auto", {"FORCE_COLOR": "0"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
    ],
)
def test_when_there_is_colour(flag: terminal.Flag, environ: dict[str, str], tty: bool, expected: bool) -> None:
    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return tty

    assert terminal.use_color(Stream(), flag, environ) is expected


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_stream_of_few_characters_gets_marks_it_can_show(name: str, encoding: str) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding, errors="strict", newline="\n")
    shown_live(name, out)
    text = raw.getvalue().decode(encoding)
    marks = {text.splitlines()[n][11] for n in range(2, 3 if name == "empty" else 4) if len(text.splitlines()[n]) > 11}
    assert not marks & set(MARKS.values()) - set("?-~!")
    if name == "red":
        assert "env        + 14 of 14 required variables have a value" in text
        assert "           x 2 values are not what Next.js will read - env-real" in text
        assert "           = schema-tables, schema-matches, auth-otp-login: not run, database-connects failed" in text
        assert "               > write `\\$` for `$`" in text


def test_wrapping_keeps_every_word_and_the_width() -> None:
    generator = random.Random(7)
    alphabet = ["a", "b", "é", " ", "  ", "\n", "-", "…", "表", "ا", "🚀", "`", "\u0301", "\t"]
    for _ in range(2000):
        text = "".join(generator.choices(alphabet, k=generator.randrange(60)))
        room = generator.randrange(4, 30)
        lines = wrap(text, room)
        assert squeezed("".join(lines)) == squeezed(text)
        for line in lines:
            assert cells(line) <= room or longest_piece(line) > room
