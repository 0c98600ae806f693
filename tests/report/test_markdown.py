"""The deploy-check report: read as GitHub reads it, no text from outside can break a table or become HTML."""

import re
from collections.abc import Iterator

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from infracheck.model import Failed, Finding, Passed
from infracheck.report import markdown
from infracheck.report.text import flat, showable
from tests.report.parts import ENV, TABLES, report
from tests.report.scenarios import SCENARIOS

GFM = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
ALLOWED = re.compile(r"</?(?:details|summary|code)>|<br>")


def tokens(text: str) -> Iterator[Token]:
    for token in GFM.parse(text):
        yield token
        yield from token.children or ()


def tables(text: str) -> list[list[list[str]]]:
    """Return the cells of every table as a reader sees them."""
    found: list[list[list[str]]] = []
    inside = False
    for token in GFM.parse(text):
        match token.type:
            case "table_open":
                found.append([])
            case "tr_open":
                found[-1].append([])
            case "th_open" | "td_open":
                inside = True
            case "th_close" | "td_close":
                inside = False
            case "inline" if inside:
                found[-1][-1].append(seen(token.children or []))
    return found


def seen(children: list[Token]) -> str:
    return "".join({"html_inline": "\n" if t.content == "<br>" else ""}.get(t.type, t.content) for t in children)


def raw_columns(line: str) -> int:
    """Count the cells of a table's line: a pipe divides, even inside backticks, unless a backslash stands before it."""
    return len(re.sub(r"\\.", "", line).strip().strip("|").split("|"))


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_table_has_one_number_of_columns(name: str) -> None:
    text = markdown.render(SCENARIOS[name]())
    width, fenced = 0, False
    for line in text.split("\n"):
        fenced ^= line.startswith("```")
        if fenced or not line.startswith("|"):
            width = 0
            continue
        width = width or raw_columns(line)
        assert raw_columns(line) == width, line
    for table in tables(text):
        assert len({len(row) for row in table}) == 1


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_html_but_our_own_and_no_link_image_or_formula(name: str) -> None:
    for token in tokens(markdown.render(SCENARIOS[name]())):
        if token.type in {"html_block", "html_inline"}:
            rest = ALLOWED.sub("", token.content)
            assert "<" not in rest, token.content
        assert token.type not in {"link_open", "image", "em_open", "s_open", "softbreak"}, token
        if token.type == "text":
            assert not re.search(r"\$[^$]+\$", token.content) or name == "hostile"


@pytest.mark.parametrize("name", SCENARIOS)
def test_only_our_own_headings_and_blocks(name: str) -> None:
    parsed = GFM.parse(markdown.render(SCENARIOS[name]()))
    heads = [parsed[at + 1].content for at, token in enumerate(parsed) if token.type == "heading_open"]
    known = re.compile(r"Deploy check: [A-Z]+|Summary|Warnings|Not proven|Waived|Passed|([✗?☠] [A-Z]+: |✓ )?`[a-z-]+`")
    assert [head for head in heads if not known.fullmatch(head)] == []
    kinds = {token.type.removesuffix("_open") for token in parsed if token.type.endswith("_open")}
    assert kinds <= {"heading", "paragraph", "table", "thead", "tbody", "tr", "th", "td"}


def test_hostile_text_is_read_as_it_was_written() -> None:
    made = SCENARIOS["hostile"]()
    [evidence] = [
        table for table in tables(markdown.render(made)) if table[0] == ["Variable", "Status", "Where", "Note"]
    ]
    # Between single backticks is code; the ticks themselves are not shown.
    shown = [[cell.replace("code | in \\| ticks", "`code | in \\| ticks`") for cell in row] for row in evidence[1:]]
    for row, finding in zip(shown, made.results[0].findings, strict=True):
        assert row[0] == flat(showable(finding.subject))
        assert row[1].removeprefix("✗ ") == showable(finding.state)
        assert row[2] == flat(showable(finding.where or ""))
        assert row[3] == showable(finding.note).strip()


def test_the_verdict_comes_first_and_the_approval_last() -> None:
    red, green = (markdown.render(SCENARIOS[name]()) for name in ("red", "green"))
    assert red.startswith("# Deploy check: FAIL\n\n**The gate is closed: 2 causes, 3 checks blocked**")
    assert red.split("\n")[4].startswith("**Next:** write `\\$` for `$` in .env.local:3;")
    assert green.startswith("# Deploy check: PASS\n\n**The gate is open**")
    assert "**Next:**" not in green
    assert red.endswith("\n**Block Deployment**\n")
    assert green.endswith("\n**Approve Deployment**\n")


@pytest.mark.parametrize("name", SCENARIOS)
def test_only_a_pass_approves(name: str) -> None:
    made = SCENARIOS[name]()
    text = markdown.render(made)
    assert ("Approve Deployment" in text) == (made.exit_code == 0)
    assert ("Block Deployment" in text) == (made.exit_code != 0)


def test_evidence_is_complete_and_the_failing_rows_stand_on_top() -> None:
    text = markdown.render(SCENARIOS["long-evidence"]())
    [evidence] = [table for table in tables(text) if len(table) > 50]
    assert evidence[0] == ["Expected table", "Status", "Where", "Note"]
    assert [row[1] for row in evidence[1:]] == ["✗ MISSING"] * 19 + ["! INVISIBLE"] + ["PRESENT"] * 31 + ["MISSING"]


def test_remedy_and_reproducer_survive_being_copied() -> None:
    text = markdown.render(SCENARIOS["hostile"]())
    [fence] = [token for token in tokens(text) if token.type == "fence"]
    assert fence.content == "echo '```' | cat \\\n  --and `ticks` </pre>\n"
    assert "**Remedy:** write `\\$` for `$` in" in markdown.render(SCENARIOS["red"]())


def test_passes_are_folded_and_warnings_are_not() -> None:
    text = markdown.render(SCENARIOS["warned"]())
    opened, details = text.split("<details>")
    assert "LEGACY_KEY" in opened
    assert "VARIABLE_1" not in opened
    assert "VARIABLE_1" in details.split("</details>")[0]


def test_what_is_not_proven_and_what_is_waived_have_their_sections() -> None:
    assert (
        "| `database-provisioned` | The provider's API" in markdown.render(SCENARIOS["red"]()).split("## Not proven")[1]
    )
    assert "| `server-stops` |" in markdown.render(SCENARIOS["interrupted"]()).split("## Not proven")[1]
    waived = markdown.render(SCENARIOS["waived"]()).split("## Waived")[1]
    assert (
        "| `SENTRY_*` | no Sentry until launch | until 2027-01-31, approved by Kim | `infracheck.toml:12` |" in waived
    )


def test_a_table_has_no_column_that_is_empty() -> None:
    text = markdown.render(
        report(((TABLES, Passed("1 of 1", (Finding("public.users", "PRESENT", level="info"),)), 0.0),))
    )
    assert "| Expected table | Status |\n| --- | --- |\n| `public.users` | PRESENT |" in text


@pytest.mark.parametrize(
    "mark", ["*", "_", "`", "|", "\\", "<", "&lt;", "~", "$", "[x](y)", "#", "- ", "1. ", "> ", "\\|", "||", "`|`\\"]
)
def test_each_special_character_means_itself(mark: str) -> None:
    note = f"{mark}a {mark} b{mark}"
    failed = Failed("one", "do it", (Finding("X", "BAD", note),))
    [[_, [*_, cell]]] = [
        table for table in tables(markdown.render(report(((ENV, failed, 0.0),)))) if table[0][0] == "Variable"
    ]
    # A balanced pair of backticks is code and loses its ticks.
    assert flat(cell.replace("`", "")) == flat(note.replace("`", ""))


@pytest.mark.parametrize("mark", ["# ", "- ", "+ ", "1. ", "> ", "===", "---", "    ", "| a |\n| - |", "```\n"])
def test_no_text_begins_a_block(mark: str) -> None:
    text = markdown.render(report(((ENV, Passed(f"{mark}x"), 0.0), (TABLES, Failed(f"{mark}x", f"{mark}x"), 0.0))))
    plain = markdown.render(report(((ENV, Passed("x"), 0.0), (TABLES, Failed("x", "x"), 0.0))))
    assert [t.type for t in GFM.parse(text)] == [t.type for t in GFM.parse(plain)]
