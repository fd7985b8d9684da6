"""Data definition: tables, views, schemas, privileges and comments.

Pages: r_CREATE_TABLE_NEW, r_CREATE_TABLE_AS, r_CREATE_VIEW, r_ALTER_TABLE, t_Defining_constraints.
"""

from __future__ import annotations

from sqlglot import exp

from tests.warehouse.redshift_standin.column_types import map_type
from tests.warehouse.redshift_standin.dialect import Backend
from tests.warehouse.redshift_standin.known_sql import NODES, check_nodes
from tests.warehouse.redshift_standin.names import fold_identifiers
from tests.warehouse.redshift_standin.queries import translate_query
from tests.warehouse.redshift_standin.sql_error import SqlError, beyond_standin, unsupported

PHYSICAL = {"DistKeyProperty", "DistStyleProperty", "SortKeyProperty", "BackupProperty"}
NODES_OF_CREATE = (
    NODES
    | PHYSICAL
    | {
        *(
            "ColumnConstraint",
            "Create",
            "Constraint",
            "DefaultColumnConstraint",
            "EncodeColumnConstraint",
            "ForeignKey",
        ),
        *(
            "GeneratedAsIdentityColumnConstraint",
            "IndexParameters",
            "LikeProperty",
            "NotNullColumnConstraint",
            "PrimaryKey",
        ),
        *(
            "PrimaryKeyColumnConstraint",
            "Properties",
            "Property",
            "Reference",
            "TemporaryProperty",
            "UniqueColumnConstraint",
        ),
    }
)
MISSING_OBJECTS = {
    "INDEX": "CREATE INDEX is",
    "SEQUENCE": "sequences are",
    "TYPE": "CREATE TYPE is",
    "TRIGGER": "triggers are",
}
PARTS_OF_CREATE = {"this", "kind", "expression", "exists", "replace", "properties", "no_schema_binding", "with_"}
# t_Defining_constraints: primary keys, unique and foreign keys are informational only
INFORMATIONAL = (exp.PrimaryKey, exp.ForeignKey, exp.UniqueColumnConstraint)


def translate_create(create: exp.Create) -> str:
    """PostgreSQL's statement for a CREATE TABLE, VIEW or SCHEMA."""
    if create.kind in MISSING_OBJECTS:
        raise unsupported(MISSING_OBJECTS[create.kind])
    if create.kind not in {"TABLE", "VIEW", "SCHEMA"}:
        raise beyond_standin(f"CREATE {create.kind}")
    if any(create.find_all(exp.CheckColumnConstraint)):
        raise unsupported("a CHECK constraint is")
    unknown = {name for name, value in create.args.items() if value} - PARTS_OF_CREATE
    if unknown:
        raise beyond_standin(f"{', '.join(sorted(unknown))} of a CREATE")
    check_nodes(create, NODES_OF_CREATE)
    if create.kind == "TABLE":
        return _translate_table(create)
    _refuse_properties(create)
    return _translate_view(create) if create.kind == "VIEW" else _translate_plain(create)


def _translate_plain(statement: exp.Expression) -> str:
    fold_identifiers(statement)
    return statement.sql(Backend)


def _refuse_properties(create: exp.Create) -> None:
    for item in create.args["properties"].expressions if create.args.get("properties") else []:
        raise beyond_standin(f"{item.sql()} of a CREATE {create.kind}")


def _translate_table(create: exp.Create) -> str:
    if create.args.get("replace"):
        raise SqlError('syntax error at or near "table"')
    query = create.expression
    if query is not None:
        translate_query(query, is_stored=True)
    _drop_physical_properties(create)
    if isinstance(create.this, exp.Schema):
        _translate_columns(create.this)
    fold_identifiers(create)
    for default in create.find_all(exp.DefaultColumnConstraint):
        translate_query(default.this)
    return create.sql(Backend)


def _drop_physical_properties(create: exp.Create) -> None:
    """Distribution, sort key and backup say where rows lie, not what they are; their columns must be there."""
    names = {column.name.lower() for column in create.this.find_all(exp.ColumnDef)}
    properties = create.args.get("properties")
    kept = []
    for item in properties.expressions if properties else []:
        if type(item).__name__ in PHYSICAL:
            _check_key(item, names)
        elif isinstance(item, exp.TemporaryProperty):
            kept.append(item)
        else:
            raise beyond_standin(f"{item.sql()} of a CREATE TABLE")
    create.set("properties", exp.Properties(expressions=kept) if kept else None)


def _check_key(item: exp.Expression, names: set[str]) -> None:
    """The columns of a key must be columns of the table; those of a query are not known here."""
    for column in item.find_all(exp.Identifier) if names else ():
        if column.name.lower() not in names:
            raise SqlError(f'column "{column.name}" named in key does not exist', "42703")  # unconfirmed


def _translate_columns(schema: exp.Schema) -> None:
    keys = {name.name.lower() for key in schema.find_all(exp.PrimaryKey) for name in key.find_all(exp.Identifier)}
    for item in list(schema.expressions):
        if isinstance(item, exp.ColumnDef):
            if item.kind is None:
                raise SqlError(f'column "{item.name}" has no type')
            map_type(item.kind, is_column=True)
            _translate_constraints(item, is_key=item.name.lower() in keys)
        elif isinstance(item, INFORMATIONAL) or _is_informational(item):
            item.pop()
        elif not isinstance(item, exp.LikeProperty):
            raise beyond_standin(f"{item.sql()} in a CREATE TABLE")


def _is_informational(item: exp.Expression) -> bool:
    return isinstance(item, exp.Constraint) and all(isinstance(part, INFORMATIONAL) for part in item.expressions)


def _translate_constraints(column: exp.ColumnDef, *, is_key: bool) -> None:
    kept = []
    for constraint in column.args.get("constraints") or []:
        kind = constraint.args.get("kind")
        if isinstance(kind, exp.PrimaryKeyColumnConstraint):
            is_key = True
        elif isinstance(kind, exp.NotNullColumnConstraint | exp.DefaultColumnConstraint):
            kept.append(constraint)
        elif isinstance(kind, exp.GeneratedAsIdentityColumnConstraint):
            kind.set("this", True)  # ALWAYS: an INSERT that names the column fails, as for Redshift's IDENTITY
            kept.append(constraint)
        elif not isinstance(kind, exp.UniqueColumnConstraint | exp.Reference | exp.EncodeColumnConstraint):
            raise beyond_standin(f"{constraint.sql()} of a column")
    if is_key and not any(isinstance(item.args.get("kind"), exp.NotNullColumnConstraint) for item in kept):
        kept.append(exp.ColumnConstraint(kind=exp.NotNullColumnConstraint()))
    column.set("constraints", kept)


def translate_constraints(column: exp.ColumnDef) -> None:
    """An added column takes a default and NOT NULL, and is no key."""
    _translate_constraints(column, is_key=False)
    fold_identifiers(column)


def _translate_view(create: exp.Create) -> str:
    """r_CREATE_VIEW: WITH NO SCHEMA BINDING makes a view that outlives what it reads."""
    translate_query(create.expression)
    if not create.args.get("no_schema_binding"):
        return _translate_plain(create)
    name = create.this
    if isinstance(name, exp.Schema):
        raise beyond_standin("a late-binding view with a list of columns")
    if not all(table.db for table in create.expression.find_all(exp.Table) if not _is_cte(table)):
        # "... the table or view must be qualified with a schema name"
        raise SqlError("All the relation names inside should be qualified when creating views with no schema binding.")
    fold_identifiers(name)
    arguments = (name.sql(Backend), create.expression.sql(Backend))
    quoted = ", ".join("'" + text.replace("'", "''") + "'" for text in arguments)
    is_replace = "true" if create.args.get("replace") else "false"
    return f"do $standin$ begin perform standin.create_late_binding_view({quoted}, {is_replace}); end $standin$"


def _is_cte(table: exp.Table) -> bool:
    root = table.root()
    return table.name.lower() in {cte.alias.lower() for cte in root.find_all(exp.CTE)} or not isinstance(
        table.this, exp.Identifier
    )
