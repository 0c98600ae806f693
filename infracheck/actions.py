"""What `infracheck provision` may do: announced actions, open questions, and what the user chose.

How a check says what would make it true:

    @database_connects.provisioned_by
    def neon_project(ctx: Context, desk: Desk) -> Iterator[Action | Question]:
        yield Action("neon-project", "create the Neon project web", apply=..., where="Neon", account="NEON_API_KEY")

It is asked when the check failed or was blocked, and only reads. All actions of the first round are announced together,
also those that can only work once an earlier one was done (the schema, once there is a database): `apply` gets a fresh
Context, in which the values that earlier actions wrote are there. Values that must not show go into the env file by
`desk.write_env(ctx, {name: Secret})`, and nowhere else. What a kill must not lose (the id of what was just created) is
noted by `desk.note(...)` before anything else is done with it; `desk.facts` has it in the next run.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infracheck.context import Context
    from infracheck.secret import Secret

    Apply = Callable[[Context, "Desk"], str]


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen on the command line."""

    replace: bool = False  # values that are filled may be written over
    local: bool = False  # an embedded PostgreSQL in place of a provider's database
    branch: str | None = None  # the name of a branch of its own
    expires: str | None = None  # "2h": how long that branch lives
    allow_destructive: bool = False  # SQL that may lose data
    confirm: tuple[str, ...] = ()  # what was confirmed by its name
    ci: bool = False  # the deploy-check workflow, too


@dataclass(frozen=True, slots=True)
class Action:
    """One step of a fix: said first, done only when agreed to.

    Attributes:
        id: names it in the journal, the same in every run.
        summary: what it does, in the imperative.
        apply: does it, with a fresh Context, and returns what was done; raises ClientError where it cannot.
        where: what it changes: a file, a project, a database.
        account: whose rights it uses: the variable that holds the key.
        warning: what it costs, or cannot be undone.
        details: what exactly: the SQL, the names of variables.
    """

    id: str
    summary: str
    apply: "Apply"
    where: str = ""
    account: str = ""
    warning: str = ""
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What a person has to decide; `answer` says how. Nothing is done about it, whatever was agreed to."""

    id: str
    summary: str
    answer: str


@dataclass(frozen=True, slots=True)
class Desk:
    """What actions work with: the choices, the journal's facts, and the way into the env file."""

    choices: Choices = field(default_factory=Choices)
    facts_of: Callable[[str], Mapping[str, Any]] = lambda _: {}
    note_of: Callable[[str, Mapping[str, Any]], None] = lambda _id, _facts: None
    tell: Callable[[str], None] = lambda _: None
    keep: Callable[[Any], None] = lambda _: None  # what has `close()`, called when provision ends

    def facts(self, action: str) -> Mapping[str, Any]:
        """Return what earlier runs noted of an action; never a secret."""
        return self.facts_of(action)

    def note(self, action: str, **facts: Any) -> None:
        """Write down, at once and whole, what the next run has to know."""
        self.note_of(action, facts)

    def write_env(self, ctx: "Context", values: "Mapping[str, Secret]", *, replace: bool = False) -> str:
        """Write variables into the app's env file and return what to tell; a filled one stays unless `replace`.

        Raises:
            ClientError: a value cannot be written so that the app reads it back, or is filled with something else.
        """
        from infracheck.project.envwrite import write_values

        path = ctx.project.root / (ctx.settings.app.env_file or ".env.local")
        return write_values(path, values, ctx.env.dialect, replace=replace or self.choices.replace)
