"""Which statements only add to a database, and which may lose something or cannot run in a transaction."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from infracheck.project.ddl.source import Statement

_ADDS: Final = frozenset(
    {"CreateStmt", "CreateSchemaStmt", "CreateExtensionStmt", "CreateEnumStmt", "CreateDomainStmt", "CompositeTypeStmt"}
    | {"CreateRangeStmt", "CreateSeqStmt", "IndexStmt", "ViewStmt", "CreateTableAsStmt", "CreateFunctionStmt"}
    | {"CreateTrigStmt", "CreatePolicyStmt", "RuleStmt", "CommentStmt", "GrantStmt", "GrantRoleStmt", "InsertStmt"}
    | {"AlterEnumStmt", "AlterSeqStmt", "AlterDefaultPrivilegesStmt", "AlterPolicyStmt", "DefineStmt", "CreateCastStmt"}
    | {
        "AlterFunctionStmt",
        "AlterOwnerStmt",
        "CreatePublicationStmt",
        "CreateStatsStmt",
        "VariableSetStmt",
        "SelectStmt",
    }
    | {"TransactionStmt", "VariableShowStmt", "SecLabelStmt", "CreateEventTrigStmt", "CreateRoleStmt"}
)
# Made anew from the same file: no row is lost with them.
_HOLDS_NO_DATA: Final = frozenset(
    {"OBJECT_POLICY", "OBJECT_TRIGGER", "OBJECT_FUNCTION", "OBJECT_VIEW", "OBJECT_RULE", "OBJECT_INDEX"}
    | {"OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE", "OBJECT_EVENT_TRIGGER", "OBJECT_PUBLICATION"}
)
_LOSING_WORDS: Final = re.compile(
    r"\b(drop\s+(?:table|column|schema|type|constraint)|truncate|delete\s+from|update\s+\w+\s+set)\b", re.IGNORECASE
)
_ALTERS: Final = frozenset(
    {"AT_AddColumn", "AT_AddConstraint", "AT_AddIndexConstraint", "AT_ColumnDefault", "AT_SetNotNull", "AT_DropNotNull"}
    | {"AT_EnableRowSecurity", "AT_ForceRowSecurity", "AT_AddIdentity", "AT_SetIdentity", "AT_ValidateConstraint"}
    | {"AT_EnableTrig", "AT_ChangeOwner", "AT_SetRelOptions", "AT_ReplicaIdentity", "AT_SetStatistics", "AT_SetOptions"}
    | {"AT_AttachPartition", "AT_AddInherit", "AT_SetStorage", "AT_SetCompression", "AT_EnableReplicaTrig"}
)


def losing(statements: Sequence[Statement]) -> Iterator[tuple[Statement, str]]:
    """Yield the statements that may lose data or rights, each with why."""
    for one in statements:
        if reason := _loses(one.kind, one.node):
            yield one, reason


def _loses(kind: str, node: dict[str, Any]) -> str | None:
    if kind in _ADDS:
        return None
    if kind == "DropStmt":
        what = str(node.get("removeType", ""))
        return (
            None if what in _HOLDS_NO_DATA else f"it drops a {what.removeprefix('OBJECT_').lower().replace('_', ' ')}"
        )
    if kind == "AlterTableStmt":
        done = [command["AlterTableCmd"]["subtype"] for command in node.get("cmds") or ()]
        wrong = next((one for one in done if one not in _ALTERS), None)
        return f"it changes a table ({_words(wrong)})" if wrong else None
    if kind == "DoStmt":
        return _in_block(node)
    return f"{kind.removesuffix('Stmt')} may lose data"


def _in_block(node: dict[str, Any]) -> str | None:
    """Judge a DO block by its words: what it runs is only known when it runs."""
    found = _LOSING_WORDS.search(str(node))
    return f"its block says `{found[1]}`" if found else None


def _words(subtype: str) -> str:
    return "".join(
        f" {letter.lower()}" if letter.isupper() else letter for letter in subtype.removeprefix("AT_")
    ).strip()


def alone(one: Statement) -> bool:
    """Tell whether a statement cannot run inside a transaction."""
    if one.kind == "IndexStmt":
        return bool(one.node.get("concurrent"))
    if one.kind == "DropStmt":
        return bool(one.node.get("concurrent"))
    return one.kind in {"VacuumStmt", "CreatedbStmt", "DropdbStmt", "AlterSystemStmt", "ReindexStmt"}


def groups(statements: Sequence[Statement]) -> list[list[Statement]]:
    """Return the statements as what can be one transaction each; BEGIN and COMMIT of the file are left out.

    A value that ALTER TYPE adds to an enum cannot be used before it is committed, so a transaction ends behind it.
    """
    found: list[list[Statement]] = []
    current: list[Statement] = []
    for one in statements:
        if one.kind == "TransactionStmt":
            continue
        if alone(one):
            found += [current] if current else []
            found.append([one])
            current = []
            continue
        current.append(one)
        if one.kind == "AlterEnumStmt":
            found.append(current)
            current = []
    return found + ([current] if current else [])
