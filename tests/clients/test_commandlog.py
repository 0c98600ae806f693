"""What the output of other people's tools says is wrong."""

from pathlib import Path

import pytest

from infracheck.clients.commandlog import Problem, problems
from tests.helpers import write

NEXT_16 = """\
✓ Compiled successfully in 10.5s
  Running TypeScript ...
app/notes.tsx(1,14): error TS2322: Type 'string' is not assignable to type 'number'.
Failed to type check.
"""
NEXT_15 = """\
Failed to compile.

./app/notes.tsx:7:9
Type error: Type 'string' is not assignable to type 'number'.

  5 |
> 7 |   const x: number = "";
"""
TSC_PRETTY = "app/notes.tsx:7:9 - error TS2322: Type 'string' is not assignable to type 'number'."
ESLINT = """
{root}/app/notes.tsx
   3:7   warning  Unexpected console statement       no-console
  12:10  error    'x' is assigned a value but never used  no-unused-vars
  14:1   error    Unexpected var                          no-var

{root}/lib/db.ts
  2:1  error  Missing return type  explicit-return

✖ 4 problems (3 errors, 1 warning)
"""
PYTEST = """\
    def test_one():
>       assert 1 == 2
E       assert 1 == 2
tests/test_one.py:3: AssertionError
=========================== short test summary info ============================
FAILED tests/test_one.py::test_one - assert 1 == 2
"""
TRACEBACK = """\
Traceback (most recent call last):
  File "{root}/tools/check.py", line 4, in <module>
    main()
  File "/usr/lib/python3/json/decoder.py", line 3, in decode
    raise ValueError("no")
ValueError: no
"""
MYPY = "tools/check.py:4: error: Name 'main' is not defined  [name-defined]\nFound 1 error in 1 file"
RUFF = "tools/check.py:1:8: F401 `os` imported but unused"
VITEST = " FAIL  tests/core.test.ts > counts\n"
NODE = """\
file://{root}/lib/db.ts:2
throw new TypeError('no such flag')

TypeError: no such flag
    at lib/db.ts:2:7
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    names = ("app___notes__tsx", "lib___db__ts", "tests___test_one__py", "tools___check__py", "tests___core__test__ts")
    return write(tmp_path, **dict.fromkeys(names, ""))


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (NEXT_16, [("TS2322: Type 'string' is not assignable to type 'number'.", "app/notes.tsx:1")]),
        (NEXT_15, [("Type error: Type 'string' is not assignable to type 'number'.", "app/notes.tsx:7")]),
        (TSC_PRETTY, [("TS2322: Type 'string' is not assignable to type 'number'.", "app/notes.tsx:7")]),
        (
            ESLINT,
            [
                ("'x' is assigned a value but never used no-unused-vars", "app/notes.tsx:12"),
                ("Unexpected var no-var", "app/notes.tsx:14"),
                ("Missing return type explicit-return", "lib/db.ts:2"),
            ],
        ),
        (PYTEST, [("tests/test_one.py::test_one - assert 1 == 2", "tests/test_one.py")]),
        (TRACEBACK, [("ValueError: no", "tools/check.py:4")]),
        (MYPY, [("Name 'main' is not defined [name-defined]", "tools/check.py:4")]),
        (RUFF, [("F401 `os` imported but unused", "tools/check.py:1")]),
        (VITEST, [("tests/core.test.ts > counts", "tests/core.test.ts")]),
        (NODE, [("TypeError: no such flag", "lib/db.ts:2")]),
        ("Error: no configuration\n", [("no configuration", None)]),
        ("elsewhere/x.c:3:1: error: no such header\n", [("no such header", None)]),
        ("all is well\n0 errors\n", []),
        ("", []),
    ],
)
def test_what_is_wrong_is_read_with_its_place(app: Path, output: str, expected: list[tuple[str, str | None]]) -> None:
    lines = output.replace("{root}", str(app)).splitlines()
    assert problems(lines, app, app) == [Problem(text, where) for text, where in expected]


def test_the_same_problem_is_told_once_and_a_flood_ends(app: Path) -> None:
    assert len(problems([RUFF] * 500, app, app)) == 1
    for piece in ("a.", "a(b).", "(", "x:1", " "):
        problems([piece * 1000] * 200, app, app)
