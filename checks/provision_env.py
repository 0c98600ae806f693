"""Makes the env file: from the example, with secrets of the app's own."""

from collections.abc import Iterator
from pathlib import Path

from infracheck.actions import Action, Desk, Question
from infracheck.context import Context
from infracheck.errors import ClientError
from infracheck.project.dotenv_entry import Assignment
from infracheck.project.ownsecrets import is_own, new_secret

from .env import env_filled
from .env_documented import env_documented
from .provision_supabase import TOKEN, supabase, supabase_ref
from .provisioned import filled

CREATE = "env-file"
SECRETS = "own-secrets"
IGNORE = "gitignore"
PATTERNS = (".env*.local", ".env.local.backup-*")


@env_filled.provisioned_by
def env_file(ctx: Context, _: Desk) -> Iterator[Action | Question]:
    """Create the env file from the example, then fill in the secrets that the app makes up itself."""
    path = _path(ctx)
    example = ctx.env.example
    yield from _ignored(ctx)  # first: nothing that holds values may ever be in git's sight
    if not path.exists() and example:
        yield Action(
            CREATE,
            f"create {path.name} from {ctx.project.show(example)}, comments kept, placeholders emptied",
            lambda now, _: _create(now),
            where=ctx.project.show(path),
        )
    if names := _missing(ctx):
        yield Action(
            SECRETS,
            f"generate {len(names)} secret{'' if len(names) == 1 else 's'} of the app's own: {', '.join(names)}",
            lambda now, at: at.write_env(now, {name: new_secret(_comment(now, name)) for name in _missing(now)}),
            where=ctx.project.show(path),
        )
    if supabase_ref(ctx) and filled(ctx, TOKEN):
        yield from supabase(ctx)


@env_documented.provisioned_by
def git_ignores_it(ctx: Context, _: Desk) -> Iterator[Action | Question]:
    """Have git ignore the env file that holds the values."""
    yield from _ignored(ctx)


def _ignored(ctx: Context) -> Iterator[Action]:
    from infracheck.project.gitfiles import ignored_by, is_tracked

    path = _path(ctx)
    backup = path.with_name(f"{path.name}.backup-x")
    if is_tracked(path) is not None and not (ignored_by(path) and ignored_by(backup)):
        yield Action(
            IGNORE,
            f"add {' and '.join(PATTERNS)} to .gitignore",
            lambda now, _: _ignore(now),
            where=".gitignore",
        )


def _path(ctx: Context) -> Path:
    return ctx.project.root / (ctx.settings.app.env_file or ".env.local")


def _create(ctx: Context) -> str:
    """Write the example's text with the values taken out that are nobody's."""
    from infracheck.project.envwrite import NotWritten, emptied, parsed, replace_file
    from infracheck.project.placeholder import suspicion

    path, model = _path(ctx), ctx.env.model
    if path.exists():
        return f"{path.name} is there already"
    if model is None:
        raise NotWritten("there is no example to begin with", "write .env.local.example: it names the variables")
    text = model.path.read_text(encoding="utf-8")
    values = parsed(text, ctx.env.dialect)
    fake = [name for name, value in values.items() if value and suspicion(name, value, example=value, stage=ctx.stage)]
    text = emptied(text, fake)
    replace_file(path, text, parsed(text, ctx.env.dialect), ctx.env.dialect)
    kept = sorted(name for name, value in parsed(text, ctx.env.dialect).items() if value)
    return f"created {path.name}" + (f", with the example's {', '.join(kept)}" if kept else "")


def _missing(ctx: Context) -> list[str]:
    """Return the variables of the example that are empty and hold a secret of the app's own."""
    return [
        entry.key
        for entry in ctx.env.expected
        if not entry.optional and ctx.env[entry.key].state != "FILLED" and is_own(entry.key, _comment(ctx, entry.key))
    ]


def _comment(ctx: Context, name: str) -> str:
    assignments: tuple[Assignment, ...] = ctx.env.model.assignments if ctx.env.model else ()
    one = next((one for one in assignments if one.key == name), None)
    return " ".join(filter(None, (one.comment_above, one.comment_inline))) if one else ""


def _ignore(ctx: Context) -> str:
    from infracheck.project.files import write_whole

    path = ctx.project.root / ".gitignore"
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeError) as error:
        raise ClientError(f".gitignore cannot be read: {error}", "correct it by hand") from None
    missing = [pattern for pattern in PATTERNS if pattern not in text.splitlines()]
    body = text if not text or text.endswith("\n") else f"{text}\n"
    write_whole(path, body + "".join(f"{pattern}\n" for pattern in missing))
    return f"added {', '.join(missing) or 'nothing'} to .gitignore"
