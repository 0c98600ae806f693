"""Runs the statements of an app's SQL one after the other, as far as they make up the schema."""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from infracheck.errors import ClientError, Unclear
from infracheck.project.ddl.source import Statement

if TYPE_CHECKING:
    from infracheck.clients.scratch import Connection
    from infracheck.clients.stubs import Ground

STATEMENT_SECONDS: Final = 15.0
BUDGET_SECONDS: Final = 120.0
CUT_SECONDS: Final = 2.0  # after which a statement that does not heed being cancelled loses its connection
MOST: Final = 12  # things that one statement may miss
# Data, rights, and what concerns the whole server: none of it is compared.
_LEFT_OUT: Final = frozenset(
    {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CopyStmt", "TruncateStmt", "VacuumStmt", "LockStmt"}
    | {"GrantStmt", "GrantRoleStmt", "AlterDefaultPrivilegesStmt", "AlterOwnerStmt", "ReassignOwnedStmt"}
    | {"DropOwnedStmt", "CommentStmt", "SecLabelStmt", "CreateRoleStmt", "AlterRoleStmt", "AlterRoleSetStmt"}
    | {"DropRoleStmt", "CreatedbStmt", "DropdbStmt", "AlterDatabaseStmt", "AlterDatabaseSetStmt", "AlterSystemStmt"}
    | {"CreatePublicationStmt", "AlterPublicationStmt", "CreateSubscriptionStmt", "AlterSubscriptionStmt"}
    | {"CreateEventTrigStmt", "AlterEventTrigStmt", "ExplainStmt", "PrepareStmt", "ExecuteStmt", "LoadStmt"}
    | {"DeallocateStmt", "NotifyStmt", "ListenStmt", "CheckPointStmt", "ReindexStmt", "ClusterStmt", "AlterStatsStmt"}
    | {"CreateTableSpaceStmt", "DropTableSpaceStmt", "ConstraintsSetStmt", "DiscardStmt", "RefreshMatViewStmt"}
    | {"CreateFdwStmt", "AlterFdwStmt", "AlterExtensionStmt", "AlterExtensionContentsStmt"}
)
_LEFT_OUT_OBJECTS: Final = frozenset(
    {
        "OBJECT_PUBLICATION",
        "OBJECT_SUBSCRIPTION",
        "OBJECT_EVENT_TRIGGER",
        "OBJECT_ROLE",
        "OBJECT_EXTENSION",
        "OBJECT_FDW",
    }
)
# Of the settings only those that decide what a statement makes: a limit of ours, for one, must stay.
_SETTINGS: Final = frozenset(
    {"search_path", "check_function_bodies", "standard_conforming_strings", "timezone", "datestyle", "intervalstyle"}
    | {"xmloption", "row_security", "client_encoding", "default_with_oids", "quote_all_identifiers"}
)
_TRANSACTIONS: Final = {"TRANS_STMT_ROLLBACK", "TRANS_STMT_SAVEPOINT", "TRANS_STMT_ROLLBACK_TO"}
# These do not mind to be run in one transaction with others.
_TOGETHER: Final = frozenset(
    {"CreateStmt", "IndexStmt", "AlterTableStmt", "CreateEnumStmt", "CreateSeqStmt", "AlterSeqStmt", "CreatePolicyStmt"}
    | {"CreateTrigStmt", "CreateFunctionStmt", "ViewStmt", "CompositeTypeStmt", "CreateDomainStmt"}
)
GROUP: Final = 20  # statements at once
TOLD: Final = 1000  # statements after which it is said how far it is
_SAVEPOINT: Final = "infracheck_retry"


class Run:
    """Runs the statements of one schema; `ground` makes what they miss of hosting."""

    def __init__(self, owner: "Connection", ground: "Ground", limit: float, tell: Callable[[str], None]) -> None:
        self.owner, self.ground, self.limit, self.tell = owner, ground, limit, tell

    def all(self, statements: Sequence[Statement]) -> None:
        """Run all statements.

        Raises:
            ClientError: one fails on an empty database; says file and line. Unclear when it takes too long.
        """
        # Transactions matter where something is rolled back; elsewhere each would keep from others what it makes.
        kinds = {one.node.get("kind") for one in statements if one.kind == "TransactionStmt"}
        local = any(one.kind == "VariableSetStmt" and one.node.get("is_local") for one in statements)
        keep = bool(kinds & _TRANSACTIONS) or local
        kept = [one for one in statements if not _left_out(one) and (keep or one.kind != "TransactionStmt")]
        start, done = monotonic(), 0
        for group in _groups(kept, together=not keep):
            if monotonic() - start > BUDGET_SECONDS:
                raise _too_long(f"running the schema took over {BUDGET_SECONDS:g} s, at {group[0].place}")
            if not (len(group) > 1 and self._at_once(group)):
                for one in group:
                    self.one(one)
            if done // TOLD != (done := done + len(group)) // TOLD:
                self.tell(f"running the schema on a scratch PostgreSQL: {done} of {len(kept)} statements")

    def _at_once(self, group: Sequence[Statement]) -> bool:
        """Run several statements in one go, which saves a round trip for each; where one fails, none has been run."""
        import psycopg

        text = b";\n".join(one.source.data[one.start : one.end] for one in group)
        try:
            with self._limited():
                self.owner.execute(text)
        except psycopg.Error:
            return False
        return True

    def one(self, statement: Statement) -> None:
        """Run one statement, again for each thing that it missed and that could be made."""
        import psycopg

        if statement.kind == "CreateExtensionStmt":
            self.ground.require_extension(statement)
            return
        for _ in range(MOST):
            try:
                self._execute(statement)
            except psycopg.Error as error:
                if self.ground.harmless(statement, error):
                    return
                if not self.ground.made_for(str(error)):
                    raise _failed(statement, error, self.limit) from None
            else:
                return
        raise ClientError(f"{statement.place} misses one thing after the other", f"apply {statement.place} by hand")

    def _execute(self, statement: Statement) -> None:
        import psycopg

        text = statement.source.data[statement.start : statement.end]
        inside = self.owner.info.transaction_status.name == "INTRANS" and statement.kind != "TransactionStmt"
        if inside:
            self.owner.execute(f"SAVEPOINT {_SAVEPOINT}")
        try:
            with self._limited():
                self.owner.execute(text)
        except psycopg.Error:
            if inside and not self.owner.closed:
                self.owner.execute(f"ROLLBACK TO {_SAVEPOINT}")
            raise
        if inside and self.owner.info.transaction_status.name == "INTRANS":
            self.owner.execute(f"RELEASE {_SAVEPOINT}")

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """Cancel what takes too long from here: the SQL could lift a limit of the server's own."""
        import psycopg

        def cancel() -> None:
            with suppress(psycopg.Error):
                self.owner.cancel_safe(timeout=CUT_SECONDS)

        def cut() -> None:
            with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self.owner.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)

        timers = [threading.Timer(self.limit, cancel), threading.Timer(self.limit + CUT_SECONDS, cut)]
        for timer in timers:
            timer.daemon = True
            timer.start()
        try:
            yield
        finally:
            for timer in timers:
                timer.cancel()


def _groups(statements: Sequence[Statement], *, together: bool) -> Iterator[list[Statement]]:
    """Yield neighbours that can be run at once; each of the others alone."""
    group: list[Statement] = []
    for one in statements:
        if together and one.kind in _TOGETHER and not one.node.get("concurrent"):
            group.append(one)
            if len(group) == GROUP:
                yield group
                group = []
            continue
        if group:
            yield group
            group = []
        yield [one]
    if group:
        yield group


def _left_out(one: Statement) -> bool:
    match one.kind:
        case "DropStmt" | "RenameStmt":
            return one.node.get("removeType", one.node.get("renameType")) in _LEFT_OUT_OBJECTS
        case "AlterObjectSchemaStmt":
            return one.node.get("objectType") in _LEFT_OUT_OBJECTS
        case "VariableSetStmt":
            return one.node.get("kind") != "VAR_RESET_ALL" and one.node.get("name", "").lower() not in _SETTINGS
        case "AlterTableStmt":
            commands = one.node.get("cmds") or ()
            return bool(commands) and all(each["AlterTableCmd"]["subtype"] == "AT_ChangeOwner" for each in commands)
        case _:
            return one.kind in _LEFT_OUT


def _failed(statement: Statement, error: Any, limit: float) -> ClientError:
    if error.sqlstate == "57014" or error.sqlstate is None:
        return _too_long(f"{statement.place} takes over {limit:g} s")
    said = (error.diag.message_primary or str(error)).strip()
    return ClientError(
        f"{statement.place} fails on an empty database: {said}",
        f"correct {statement.place}, so that the file can be applied from nothing",
    )


def _too_long(summary: str) -> Unclear:
    return Unclear(summary, 'compare without running it: infracheck.toml, [database] compare = "parse"')
