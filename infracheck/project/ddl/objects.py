"""Indexes, views, functions, triggers, policies and extensions."""

from typing import Any, Final

from infracheck.project.ddl import names, tree
from infracheck.project.ddl.model import Function, Index, Policy, Trigger, View
from infracheck.project.ddl.piece import Sql
from infracheck.project.ddl.source import Statement
from infracheck.project.ddl.state import State
from infracheck.project.ddl.types import Type

VIEW_OPTIONS: Final = {"security_invoker", "security_barrier", "check_option"}
ON_OFF: Final = {"on": "true", "1": "true", "yes": "true", "off": "false", "0": "false", "no": "false"}


def create_index(state: State, node: dict[str, Any], statement: Statement) -> None:
    table = state.found(node["relation"], state.schema.tables, state.schema.views)
    given = node.get("idxname")
    elements = [*(node.get("indexParams") or ()), *(node.get("indexIncludingParams") or ())]
    name = given or names.chosen(table[1], names.of_elements(elements), "idx", state.taken(table[0]))
    key = (table[0], name)
    if key in state.schema.indexes or key in state.relations:
        return
    state.relations.add(key)
    state.schema.indexes[key] = Index(key, table, node, named=bool(given), place=statement.place)


def create_view(state: State, node: dict[str, Any], statement: Statement) -> None:
    """Apply a ViewStmt; OR REPLACE puts another query into its place."""
    if node["view"].get("relpersistence") != "t":
        view = _view(state, node["view"], node.get("query"), statement, materialized=False)
        view.options = view_options(node.get("options"))
        if (check := node.get("withCheckOption", "NO_CHECK_OPTION")) != "NO_CHECK_OPTION":
            view.options["check_option"] = check.removesuffix("_CHECK_OPTION").lower()


def view_options(nodes: tree.Tree) -> dict[str, str]:
    """Return the options of a view that decide what it lets through."""
    return {key: _option(value) for key, value in tree.options(nodes).items() if key in VIEW_OPTIONS}


def _option(value: tree.Tree) -> str:
    if not isinstance(value, dict):
        return "true"
    [(kind, node)] = value.items()
    text = tree.strings(node["names"])[-1] if kind == "TypeName" else str(next(iter(node.values()), ""))
    return ON_OFF.get(text.lower(), text.lower())


def create_materialized(state: State, node: dict[str, Any], statement: Statement) -> None:
    """Apply a CreateTableAsStmt that makes a materialized view."""
    _view(state, node["into"]["rel"], node.get("query"), statement, materialized=True)


def _view(
    state: State, relation: dict[str, Any], query: tree.Tree, statement: Statement, *, materialized: bool
) -> View:
    name = state.new(relation)
    if materialized and name in state.schema.views:
        return state.schema.views[name]
    used = frozenset(
        state.found(fields, state.schema.tables, state.schema.views)
        for kind, fields in tree.walk(query)
        if kind == "RangeVar"
    )
    state.relations.add(name)
    view = state.schema.views[name] = View(name, materialized, query, used, place=statement.place)
    return view


def create_function(state: State, node: dict[str, Any], statement: Statement) -> None:
    name = state.made(tree.strings(node["funcname"]))
    arguments = inputs(state, node)
    state.schema.functions[name, arguments] = Function(name, arguments, node, place=statement.place)
    if body := tree.options(node.get("options")).get("as"):
        state.bodies[name[1]] = " ".join(tree.strings(body["List"]["items"]))


def inputs(state: State, node: dict[str, Any]) -> tuple[Type, ...]:
    """Return the types of the arguments by which a function is told from others of its name."""
    found = (one["FunctionParameter"] for one in node.get("parameters") or ())
    given = {"FUNC_PARAM_IN", "FUNC_PARAM_DEFAULT", "FUNC_PARAM_INOUT", "FUNC_PARAM_VARIADIC"}
    if node.get("is_procedure"):
        given = given | {"FUNC_PARAM_OUT"}
    wanted = (one["argType"] for one in found if one.get("mode", "FUNC_PARAM_DEFAULT") in given)
    return tuple(state.type(one).bare for one in wanted)


def alter_function(state: State, node: dict[str, Any], _: Statement) -> None:
    """Apply an AlterFunctionStmt: its actions are options like those of CREATE FUNCTION."""
    called = node["func"]
    functions = state.schema.functions
    name = state.lookup(tree.strings(called["objname"]), {key[0] for key in functions})
    arguments = state.arguments(called)
    for key, made in functions.items():
        if key[0] == name and (called.get("args_unspecified") or key[1] == arguments) and made.tree is not None:
            changed = {one["DefElem"]["defname"] for one in node.get("actions") or ()}
            kept = [one for one in made.tree.get("options") or () if one["DefElem"]["defname"] not in changed]
            made.tree = {**made.tree, "options": [*kept, *node.get("actions", [])]}


def create_trigger(state: State, node: dict[str, Any], statement: Statement) -> None:
    relation = node["relation"]
    table = state.table(relation)
    made = Trigger(node["trigname"], node, place=statement.place)
    if table is not None:
        table.triggers[made.name] = made
        return
    # On a view, or on a table that the provider makes (auth.users): the trigger is the app's all the same.
    state.schema.foreign_triggers[state.found(relation, state.schema.views), made.name] = made


def create_policy(state: State, node: dict[str, Any], statement: Statement) -> None:
    made = Policy(
        node["policy_name"],
        node.get("cmd_name", "all"),
        permissive=bool(node.get("permissive")),
        roles=roles(node.get("roles")),
        using=Sql(parsed=node["qual"]) if "qual" in node else None,
        check=Sql(parsed=node["with_check"]) if "with_check" in node else None,
        place=statement.place,
    )
    if table := state.table(node["table"]):
        table.policies[made.name] = made
        return
    name = state.found(node["table"])
    state.schema.foreign_policies[name, made.name] = made


def alter_policy(state: State, node: dict[str, Any], _: Statement) -> None:
    table = state.table(node["table"])
    made = table.policies.get(node["policy_name"]) if table else None
    if made is not None:
        made.roles = roles(node["roles"]) if "roles" in node else made.roles
        made.using = Sql(parsed=node["qual"]) if "qual" in node else made.using
        made.check = Sql(parsed=node["with_check"]) if "with_check" in node else made.check


def roles(nodes: tree.Tree) -> tuple[str, ...]:
    """Return the roles of a policy, sorted; a role that depends on who runs the file stays as it is written."""
    found = []
    for one in nodes or ():
        role = one["RoleSpec"]
        kind = role.get("roletype", "")
        found.append("public" if kind == "ROLESPEC_PUBLIC" else role.get("rolename") or kind)
    return tuple(sorted(found)) or ("public",)


def create_extension(state: State, node: dict[str, Any], statement: Statement) -> None:
    state.schema.extensions.setdefault(node["extname"], statement.place)
