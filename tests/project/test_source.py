"""The app's source: which variables it reads, in every spelling, and what only looks like a read."""

import subprocess
from pathlib import Path

import pytest

from infracheck.project.source import Read, reads, scan


def app_with(root: Path, files: dict[str, str]) -> Path:
    for name, text in {"package.json": "{}", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def found(root: Path, files: dict[str, str]) -> dict[str, tuple[str, bool]]:
    """Return name -> (how, has a default) of all reads."""
    return {read.name: (read.how, read.has_default) for read in reads(app_with(root, files))}


def names(root: Path, code: str, name: str = "lib/x.ts") -> list[str]:
    return sorted(found(root, {name: code}))


@pytest.mark.parametrize(
    "code",
    [
        "process.env.X",
        'process.env["X"]',
        "process.env['X']",
        "process.env[`X`]",
        "process?.env?.X",
        "process.env!.X!",
        "(process.env as Record<string, string>).X",
        "globalThis.process.env.X",
        "const a = `before ${process.env.X} after`",
        "const env = process.env; env.X",
        "const one = process.env; const two = one; two['X']",
        "const { env } = process; env.X",
        "const { env: e } = process; e.X",
        'import { env } from "node:process"; env.X',
        'import { env as e } from "process"; e.X',
        "function load(env = process.env) { return env.X }",
        "function load(env: NodeJS.ProcessEnv) { return env.X }",
        "function load(env) { return env.X }\nload(process.env)",
        "const env = process.env ?? {}; env.X",
        "const env = typeof process === 'object' ? process.env : {}; env.X",
        'if ("X" in process.env) {}',
        "const { A_, ...rest } = process.env; rest.X",
        "Bun.env.X",
        'Deno.env.get("X")',
        "export const x = <string>process.env.X",
    ],
)
def test_each_spelling_of_one_read(tmp_path: Path, code: str) -> None:
    assert ("X", "process.env") in {(read.name, read.how) for read in reads(app_with(tmp_path, {"x.ts": code}))}


def test_a_read_knows_its_file_line_and_spelling(tmp_path: Path) -> None:
    code = (
        '"use client";\n\nexport const a =\n  import.meta.env.VITE_X;\nconst {\n  B,\n  C: c = "d",\n} = process.env;\n'
    )
    path = tmp_path / "src" / "x.tsx"
    assert reads(app_with(tmp_path, {"src/x.tsx": code})) == [
        Read("VITE_X", path, 4, "import.meta.env", has_default=False, client=True),
        Read("B", path, 6, "destructured", has_default=False, client=True),
        Read("C", path, 7, "destructured", has_default=True, client=True),
    ]


@pytest.mark.parametrize(
    "code",
    [
        "// process.env.X\n/* process.env.X */",
        "const s = 'process.env.X'",
        "const s = `process.env.X`",
        "const a = <p>process.env.X</p>",
        "settings.env.X; my.process.env.X; process.environment.X",
        "const { X } = settings; const { env } = settings; env.X",
        "function a(env: { X: string }) { return env.X }\nconst env = process.env",
        "const env = process.env; { const env = other(); env.X }",
        "import { env } from './env'; env.X",
        "process.env.X = '1'; delete process.env.X",
        "declare namespace NodeJS { interface ProcessEnv { X: string } }",
        "process.env.hasOwnProperty('X')",
        "spawn('x', { env: { ...process.env, X: '1' } })",
        "const schema = z.object({ X: z.string() }); schema.parse(body); log(process.env)",
        "required('X')\nfunction required(name: string) { return settings[name] }",
        "const process_ = { env: { X: 1 } }; process_.env.X",
    ],
)
def test_what_only_looks_like_a_read(tmp_path: Path, code: str) -> None:
    assert "X" not in names(tmp_path, code, "x.tsx")


@pytest.mark.parametrize(
    ("code", "has_default"),
    [
        ("process.env.X ?? 'd'", True),
        ("process.env.X || 'd'", True),
        ("process.env.OTHER || process.env.X || 'd'", True),
        ("process.env.OTHER || process.env.X", False),
        ("(process.env.X as string) ?? 'd'", True),
        ("process.env.X?.trim() ?? 'd'", True),
        ("Number(process.env.X) || 3", True),
        ("process.env.X ??= 'd'", True),
        ("process.env.X ?? fail('X')", False),
        ("process.env.X ?? undefined", False),
        ("process.env.X && start()", False),
        ("const { X = 'd' } = process.env", True),
        ("const { X: x = 'd' } = process.env", True),
        ("const { X: x } = process.env", False),
    ],
)
def test_reads_with_and_without_something_to_fall_back_on(tmp_path: Path, code: str, has_default: bool) -> None:
    assert found(tmp_path, {"x.ts": code})["X"][1] is has_default


T3 = """
import { createEnv } from "@t3-oss/env-nextjs";
export const env = createEnv({
  server: { DATABASE_URL: z.string().url(), REDIS_URL: z.string().optional(), PORT_: z.coerce.number().default(3) },
  client: { NEXT_PUBLIC_APP: z.string().min(1) },
  shared: { ...common },
  runtimeEnv: { DATABASE_URL: process.env.DATABASE_URL, REDIS_URL: process.env.REDIS_URL },
  skipValidation: !!process.env.SKIP,
});
const common = { LEVEL: z.enum(["a"]).default("a") };
"""


def test_t3_env_declares_keys_and_which_may_be_absent(tmp_path: Path) -> None:
    seen = {(read.name, read.has_default) for read in reads(app_with(tmp_path, {"env.ts": T3}))}
    assert seen == {
        ("DATABASE_URL", False),
        ("REDIS_URL", True),  # in runtimeEnv too: the schema excuses it there
        ("PORT_", True),
        ("NEXT_PUBLIC_APP", False),
        ("LEVEL", True),
        ("SKIP", False),
    }


@pytest.mark.parametrize(
    "code",
    [
        "z.object({ A: z.string(), B: z.string().optional() }).parse(process.env)",
        "const s = z.object({ A: z.string(), B: z.string().default('x').max(9) })\ns.strict().safeParse(process.env)",
        "z.object({ A: z.string() }).extend({ B: z.preprocess((v) => v, z.string().optional()) }).parse(process.env)",
        "const b = z.object({ B: z.string() }).partial(); z.object({ A: z.string() }).merge(b).parse(process.env)",
        "v.parse(v.object({ A: v.string(), B: v.optional(v.string()) }), process.env)",
        "cleanEnv(process.env, { A: str(), B: str({ default: 'x' }) })",
        "const env = process.env; parseEnv(env, { A: z.string(), B: z.string().optional() })",
        "envsafe({ A: str(), B: str({ devDefault: 'x' }) })",
        "const s = { A: z.object({ q: z.string().optional() }), B: z.any().nullish() }; z.object(s).parse(process.env)",
    ],
)
def test_schemas(tmp_path: Path, code: str) -> None:
    assert found(tmp_path, {"env.ts": code}) == {"A": ("schema", False), "B": ("schema", True)}


def test_a_schema_excuses_the_reads_that_are_put_into_it(tmp_path: Path) -> None:
    code = "z.object({ A: z.string(), B: z.string().optional() }).parse({ A: process.env.A, B: process.env.B })"
    assert found(tmp_path, {"env.ts": code}) == {"A": ("process.env", False), "B": ("process.env", True)}


@pytest.mark.parametrize(
    "code",
    [
        "function required(name: string) { const v = process.env[name]; if (!v) throw 1; return v }\nrequired('X')",
        "const required = (name) => process.env[name]; required(`X`)",
        "const required = cache(function (name) { return process.env[name] }); required('X')",
        "const read = (n: string) => process.env[n]; const required = (name: string) => read(name)!; required('X')",
        "class Env { static get(name: string) { return process.env[name] } }\nEnv.get('X')",
        "class Env { get(name: string) { return process.env[name] }\n url = this.get('X') }",
        "const config = { get: (name) => process.env[name] }; config.get('X')",
        "const NEEDED = ['X', 'Y'] as const\nfor (const name of NEEDED) if (!process.env[name]) throw name",
        "['X'].filter((name) => !process.env[name])",
        "const KEY = 'X'; process.env[KEY]",
        "process.env[live ? 'X' : 'Y']",
        "function read(kind: string, name: string) { return process.env[name] }\nread('Z', 'X')",
    ],
)
def test_names_that_are_passed_around(tmp_path: Path, code: str) -> None:
    seen = found(tmp_path, {"x.ts": code})
    assert seen["X"] == ("helper", False)
    assert set(seen) <= {"X", "Y"}


def test_a_helpers_default_counts_where_it_is_given(tmp_path: Path) -> None:
    code = """
    const read = (name: string, fallback?: string) => process.env[name] ?? fallback;
    read("BARE"); read("GIVEN", "x"); read("BESIDE") ?? "x";
    const always = (name: string) => process.env[name] ?? ""; always("ALWAYS");
    """
    assert {name: default for name, (_, default) in found(tmp_path, {"x.ts": code}).items()} == {
        "BARE": False,
        "GIVEN": True,
        "BESIDE": True,
        "ALWAYS": True,
    }


HELPER = "export function required(name: string) { return process.env[name] }\nexport const all = process.env"


@pytest.mark.parametrize(
    "code",
    [
        'import { required } from "../lib/env"; required("X")',
        'import { required as r } from "../lib/env.js"; r("X")',
        'import * as env from "@/lib/env"; env.required("X")',
        'const { required } = require("../lib/env"); required("X")',
        'import { required } from "../lib"; required("X")',
        'import { strict } from "~/lib"; strict("X")',
        'import fallback from "../lib/default"; fallback("X")',
        'import { all } from "../lib/env"; all.X',
        'import { outer } from "../lib/outer"; outer("X")',
    ],
)
def test_helpers_of_other_files(tmp_path: Path, code: str) -> None:
    files = {
        "lib/env.ts": HELPER,
        "lib/index.ts": 'export * from "./env";\nexport { required as strict } from "./env";',
        "lib/default.ts": "export default function (name: string) { return process.env[name] }",
        "lib/outer.ts": 'import { required } from "./env";\nexport const outer = (key: string) => required(key);',
        "app/page.tsx": code,
    }
    [read] = reads(app_with(tmp_path, files))
    assert (read.name, read.path) == ("X", tmp_path / "app" / "page.tsx")


def test_an_import_of_the_same_name_from_elsewhere_is_no_helper(tmp_path: Path) -> None:
    files = {"lib/env.ts": HELPER, "app/page.tsx": 'import { required } from "zod"; required("X"); a.required("Y")'}
    assert found(tmp_path, files) == {}


def test_a_computed_name_is_noted_and_does_not_count(tmp_path: Path) -> None:
    seen = scan(app_with(tmp_path, {"x.ts": "\nprocess.env[`${prefix}_URL`]; process.env.A"}))
    assert [read.name for read in seen.reads] == ["A"]
    assert [(note.line, note.text) for note in seen.notes] == [(2, "reads a variable whose name is computed")]


def test_tests_dependencies_and_outputs_are_not_the_apps_source(tmp_path: Path) -> None:
    left_out = [
        "node_modules/a/index.js",
        ".next/server/a.js",
        "dist/a.js",
        "build/a.js",
        "packages/ui/dist/a.js",
        "tests/a.ts",
        "src/__tests__/a.ts",
        "src/a.test.ts",
        "src/a.spec.tsx",
        "e2e/a.ts",
        "src/a.stories.tsx",
        "types/env.d.ts",
        "playwright.config.ts",
        "public/a.min.js",
        "notes.md",
    ]
    kept = ["src/a.ts", "src/b.mts", "src/c.cjs", "app/build/page.tsx", "app/tests/page.tsx", "next.config.mjs"]
    files = {name: f"process.env.N{number}" for number, name in enumerate([*left_out, *kept])}
    files["packages/ui/package.json"] = "{}"
    app_with(tmp_path, files)
    assert sorted(str(read.path.relative_to(tmp_path)) for read in reads(tmp_path)) == sorted(kept)


def test_in_git_what_is_ignored_is_not_read_but_new_files_are(tmp_path: Path) -> None:
    app_with(tmp_path, {"a.ts": "process.env.A", "new.ts": "process.env.NEW", "generated/x.ts": "process.env.NO"})
    (tmp_path / ".gitignore").write_text("generated\n")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "add", "a.ts"], check=True)
    assert sorted(read.name for read in reads(tmp_path)) == ["A", "NEW"]
    (tmp_path / "a.ts").unlink()  # still tracked
    assert [read.name for read in reads(tmp_path)] == ["NEW"]


def test_faulty_code_does_not_hide_the_rest(tmp_path: Path) -> None:
    files = {"a.ts": "const = ;;; {\nprocess.env.A\nfunction (", "b.ts": "process.env.B", "c.ts": "\0process.env.C"}
    assert sorted(found(tmp_path, files)) == ["A", "B"]


def test_large_and_minified_files_are_noted_and_not_read(tmp_path: Path) -> None:
    files = {"big.js": "process.env.A;\n" + "// filler\n" * 120_000, "min.js": "process.env.B;" + "x();" * 10_000}
    seen = scan(app_with(tmp_path, files))
    assert seen.reads == ()
    assert [(note.path.name, note.text) for note in seen.notes] == [
        ("big.js", "not read: 1.1 MB"),
        ("min.js", "not read: minified"),
    ]


@pytest.mark.parametrize(
    ("name", "code", "line"),
    [
        ("a.vue", "<template>process.env.NO</template>\n<script setup lang='ts'>\nimport.meta.env.X\n</script>", 3),
        ("a.svelte", "<script>\n  let a = import.meta.env.X\n</script>\n<p>process.env.NO</p>", 2),
        ("a.astro", "---\nconst a = import.meta.env.X\n---\n<p>process.env.NO</p>", 2),
    ],
)
def test_of_component_files_the_scripts_are_read(tmp_path: Path, name: str, code: str, line: int) -> None:
    assert [(read.name, read.line) for read in reads(app_with(tmp_path, {name: code}))] == [("X", line)]


def test_sveltekit_imports_variables(tmp_path: Path) -> None:
    code = 'import { X } from "$env/static/private"; import { env } from "$env/dynamic/private"; env.Y'
    assert names(tmp_path, code) == ["X", "Y"]


@pytest.mark.parametrize(
    ("head", "client"),
    [
        ("'use client'\n", True),
        ('// note\n/* more\n*/\n"use client";\n', True),
        ("\ufeff'use client'\n", True),
        ("'use server'\n'use client'\n", False),
        ("// 'use client'\n", False),
        ("const a = 1; 'use client'\n", False),
    ],
)
def test_client_files(tmp_path: Path, head: str, client: bool) -> None:
    [read] = reads(app_with(tmp_path, {"a.tsx": head + "process.env.X"}))
    assert read.client is client


def test_python_apps(tmp_path: Path) -> None:
    code = (
        "import os\nfrom os import environ, getenv\n"
        "a = os.environ['A']; b = os.getenv('B'); c = os.environ.get('C', '1'); d = getenv('D') or 'x'\n"
        "os.environ['W'] = '1'; 'E' in environ; settings['NO']; '\\d'\n"
    )
    (tmp_path / "app.py").write_text(code)
    (tmp_path / "broken.py").write_text("import os\nos.environ[")
    (tmp_path / "test_app.py").write_text("import os\nos.environ['T']")
    seen = scan(tmp_path)
    assert {read.name: read.has_default for read in seen.reads} == {
        "A": False,
        "B": False,
        "C": True,
        "D": True,
        "E": False,
    }
    assert {read.how for read in seen.reads} == {"os.environ"}
    assert [(note.path.name, note.text) for note in seen.notes] == [("broken.py", "not read: no valid Python")]


def test_an_empty_folder_reads_nothing(tmp_path: Path) -> None:
    assert scan(tmp_path).reads == ()
