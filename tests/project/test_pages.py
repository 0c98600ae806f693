"""Which pages and routes are found in the files of a Next.js app."""

import json
from pathlib import Path

from infracheck.project.detect import detect
from infracheck.project.pages import Page, Route, pages, routes
from tests.components.next_notes import SOURCE

PAGE = "export default function Page() { return null; }\n"


def next_app(folder: Path, *files: str, **texts: str) -> Path:
    (folder / "package.json").write_text(json.dumps({"dependencies": {"next": "16.4.5"}}))
    for name in (*files, *texts):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts.get(name, PAGE))
    return folder


def found(folder: Path) -> list[str]:
    return [page.path for page in pages(detect(folder))]


def test_the_pages_of_the_real_app() -> None:
    assert pages(detect(SOURCE)) == (Page("/", "app/page.tsx"), Page("/login", "app/login/page.tsx"))


def test_the_routes_of_the_real_app() -> None:
    assert routes(SOURCE) == (
        Route("/api/auth/[...all]", "app/api/auth/[...all]/route.ts", ("GET", "POST")),
        Route("/api/health", "app/api/health/route.ts", ("GET",)),
        Route("/api/notes", "app/api/notes/route.ts", ("GET", "POST")),
        Route("/api/notes/[id]", "app/api/notes/[id]/route.ts", ("GET", "DELETE")),
    )
    assert [route.dynamic for route in routes(SOURCE)] == [True, False, False, True]


def test_an_app_router(app: Path) -> None:
    next_app(
        app,
        "src/app/(marketing)/page.tsx",
        "src/app/(marketing)/pricing/page.mdx",
        "src/app/team/[id]/page.tsx",
        "src/app/shop/[[...rest]]/page.tsx",
        "src/app/team/@modal/(.)photo/page.tsx",
        "src/app/team/@side/page.tsx",
        "src/app/(.)photo/page.tsx",
        "src/app/_parts/page.tsx",
        "src/app/(auth)/sign-in/page.jsx",
        "src/app/about/layout.tsx",
        "src/app/a/b/page.tsx",
        "src/app/a/page.test.tsx",
    )
    assert found(app) == ["/", "/sign-in", "/pricing", "/shop", "/a/b"]


def test_a_pages_router(app: Path) -> None:
    next_app(
        app,
        "pages/index.tsx",
        "pages/_app.tsx",
        "pages/_document.tsx",
        "pages/404.tsx",
        "pages/blog/index.tsx",
        "pages/blog/[slug].tsx",
        "pages/about.js",
        "pages/api/hello.ts",
        "pages/api/[id].ts",
    )
    assert found(app) == ["/", "/about", "/blog"]
    assert routes(app) == (
        Route("/api/[id]", "pages/api/[id].ts", ()),
        Route("/api/hello", "pages/api/hello.ts", ()),
    )


def test_every_way_to_export_a_method(app: Path) -> None:
    route = "app/api/x/route.ts"
    texts = {
        "export async function GET() {}\nexport const POST = async () => {};": ("GET", "POST"),
        "export const { GET, PUT } = handlers;": ("GET", "PUT"),
        "const handler = () => {};\nexport { handler as DELETE, handler as PATCH };": ("PATCH", "DELETE"),
        'export { GET } from "./other";': ("GET",),
        "export const dynamic = 'force-dynamic';\nfunction GET() {}": (),
    }
    for text, methods in texts.items():
        next_app(app, **{route: text})
        assert routes(app) == (Route("/api/x", route, methods),), text


def test_a_base_path_stands_before_every_path(app: Path) -> None:
    config = 'export default { basePath: "/docs" };\n'
    next_app(app, "app/page.tsx", "app/login/page.tsx", "app/api/x/route.ts", **{"next.config.mjs": config})
    assert found(app) == ["/docs", "/docs/login"]
    assert [route.path for route in routes(app)] == ["/docs/api/x"]


def test_another_framework_has_none(app: Path) -> None:
    next_app(app, "src/pages/about.tsx")
    (app / "package.json").write_text(json.dumps({"dependencies": {"vite": "8"}}))
    assert found(app) == []
