"""What lies on disk of Sentry's SDK, read from the real app's sources and from what others write."""

import shutil
from pathlib import Path

import pytest

from infracheck.project.detect import detect
from infracheck.project.sentrycode import SentryCode
from infracheck.project.sentryfiles import SentryFiles
from tests.components.next_notes import LEFT_OUT, SOURCE
from tests.helpers import write

DSN = "https://abc@errors.example.com/1"  # plainly no real one


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    shutil.copytree(SOURCE, folder, ignore=LEFT_OUT)
    return folder


def look(folder: Path) -> SentryFiles:
    return SentryFiles(detect(folder))


def code(folder: Path, text: str, name: str = "a.ts") -> SentryCode:
    (folder / name).write_text(text, encoding="utf-8")
    return SentryCode(folder / name)


def names(folder: Path, paths: "list[Path] | frozenset[Path]") -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def test_the_real_app_is_wired(notes: Path) -> None:
    files = look(notes)
    assert files.installed
    assert files.turbopack
    assert files.base == notes
    assert names(notes, files.loaded) == ["instrumentation.ts", "sentry.edge.config.ts", "sentry.server.config.ts"]
    assert [(init.path.name, init.line, init.dsn and init.dsn.names) for init in files.inits] == [
        (name, 3, ("NEXT_PUBLIC_SENTRY_DSN",))
        for name in ("instrumentation-client.ts", "sentry.edge.config.ts", "sentry.server.config.ts")
    ]
    assert files.literals == ()
    assert {
        name: given.names for name, given in (files.build_options.options if files.build_options else {}).items()
    } == {
        "org": ("SENTRY_ORG",),
        "project": ("SENTRY_PROJECT",),
        "authToken": ("SENTRY_AUTH_TOKEN",),
        "silent": (),
        "telemetry": (),
    }
    assert [one.path.parent.name for one in files.routes] == ["[...all]", "health", "[id]", "notes"]
    assert names(notes, [one.path for one in files.capturing]) == [
        "app/api/notes/[id]/route.ts",
        "app/api/notes/route.ts",
    ]
    assert files.global_error
    assert files.examples == ()
    assert files.build_file is None


def test_the_package_of_a_workspace_above_counts(tmp_path: Path) -> None:
    write(tmp_path, package__json='{"dependencies": {"@sentry/nextjs": "^11"}}', apps___web___package__json="{}")
    (tmp_path / ".git").mkdir()
    assert look(tmp_path / "apps/web").installed
    (tmp_path / "package.json").write_text("broken")
    assert not look(tmp_path / "apps/web").installed


def test_literals_are_found_with_their_lines(tmp_path: Path) -> None:
    write(
        tmp_path,
        package__json="{}",
        a__ts=f'import {{ init }} from "@sentry/node";\nconst dsn = "{DSN}";\ninit({{\n  dsn,\n}});\n',
        b__ts=f'import * as S from "@sentry/node";\nS.init({{\n  dsn: env.X || `{DSN}`,\n}});\n',
        c__ts=f'import {{ init }} from "somewhere";\ninit({{ dsn: "{DSN}" }});\n',
    )
    found = look(tmp_path).literals
    assert [(one.path.name, one.line, one.value.reveal()) for one in found] == [("a.ts", 2, DSN), ("b.ts", 3, DSN)]
    assert DSN not in repr(found)


@pytest.mark.parametrize(
    ("option", "variables", "readable"),
    [
        ("process.env.A", ("A",), True),
        ("process.env['A']!", ("A",), True),
        ("env.A ?? env.B", ("A", "B"), True),
        ("(process.env.A as string) || undefined", ("A",), True),
        ("choose()", (), False),
        ("imported", (), False),
        ("`${host}/1`", (), False),
    ],
)
def test_an_option_is_read_as_far_as_it_is_written_out(
    tmp_path: Path, option: str, variables: tuple[str, ...], readable: bool
) -> None:
    one = code(tmp_path, f'import * as Sentry from "@sentry/nextjs";\nSentry.init({{ dsn: {option} }});\n').inits[0]
    assert one.dsn
    assert (one.dsn.names, one.dsn.readable) == (variables, readable)


def test_options_from_elsewhere_are_not_called_empty(tmp_path: Path) -> None:
    head = 'import * as Sentry from "@sentry/nextjs";\n'
    assert [one.whole for one in code(tmp_path, f"{head}Sentry.init(options);\n").inits] == [False]
    assert [one.whole for one in code(tmp_path, f"{head}Sentry.init({{ ...options }});\n").inits] == [False]
    assert [one.whole for one in code(tmp_path, f"{head}Sentry.init();\n").inits] == [True]


@pytest.mark.parametrize(
    "text",
    [
        "export async function register() {}",
        "export const register = () => 1;",
        "export { start as register };",
        'export { register } from "./x";',
        "module.exports.register = () => 1;",
    ],
)
def test_exports_are_found_however_they_are_written(tmp_path: Path, text: str) -> None:
    one = code(tmp_path, f"// first\n{text}\n", "a.js").export("register")
    assert one
    assert one[0] == 2


@pytest.mark.parametrize("text", ["export const other = register;", "function register() {}", "// export register"])
def test_other_names_are_no_exports(tmp_path: Path, text: str) -> None:
    assert code(tmp_path, text).export("register") is None


def test_pages_router_and_src_are_known(tmp_path: Path) -> None:
    write(
        tmp_path,
        package__json='{"dependencies": {"next": "15.0.0"}}',
        src___pages____error__tsx="export default () => null;\n",
        src___pages___api___a__ts="export default () => 1;\n",
        src___pages___api___sentry___x__ts="",
        instrumentation__ts="",
        **{"sentry.client.config.js": "", "src/pages/api/sentry-example-api.ts": "x"},
    )
    files = look(tmp_path)
    assert files.base == tmp_path / "src"
    assert not files.app_router
    assert not files.turbopack
    assert files.instrumentation is None
    assert files.misplaced("instrumentation") == tmp_path / "instrumentation.ts"
    assert files.old_client
    assert files.global_error
    assert names(tmp_path, [one.path for one in files.routes]) == ["src/pages/api/a.ts", "src/pages/api/sentry/x.ts"]
    assert names(tmp_path, list(files.examples)) == ["src/pages/api/sentry-example-api.ts"]


def test_webpack_asked_for_by_name_reads_the_old_client_file(tmp_path: Path) -> None:
    package = '{"dependencies": {"next": "16.0.0"}, "scripts": {"build": "next build --webpack"}}'
    write(tmp_path, package__json=package)
    assert not look(tmp_path).turbopack


def test_files_that_import_each_other_end(tmp_path: Path) -> None:
    write(
        tmp_path,
        package__json="{}",
        instrumentation__ts='export * from "./a.js";\n',
        a__ts='import "@/instrumentation";\nimport "~/lib/b";\nimport "./nowhere";\n',
        lib___b___index__ts='require("../a");\n',
    )
    assert names(tmp_path, look(tmp_path).loaded) == ["a.ts", "instrumentation.ts", "lib/b/index.ts"]


def test_a_faulty_file_does_nothing(tmp_path: Path) -> None:
    one = code(tmp_path, 'import * as Sentry from "@sentry/nextjs";\nSentry.init({ dsn: \n')
    assert all(init.dsn is None or not init.dsn.literal for init in one.inits)
    binary = tmp_path / "b.ts"
    binary.write_bytes(b"\0Sentry.init")
    assert SentryCode(binary).inits == ()
    assert SentryCode(tmp_path / "none.ts").imports == ()
