"""What all tables share: names of constraints, types, comments."""

from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Dialect,
    Double,
    Enum,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, mapped_column

from grice_core.store.clock import database_now

JsonObject = dict[str, Any]
"""A JSON object; NaN and infinities are stored as null."""


class ObjectColumn(TypeDecorator[JsonObject]):
    """A JSON object; where a damaged row holds something else, it says so in place of its content."""

    impl = JSON
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> JsonObject | None:  # noqa: ARG002
        if value is None or isinstance(value, dict):
            return value
        return {"damaged": f"the database holds a {type(value).__name__} here, which can't be read"}

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return self.impl_instance.coerce_compared_value(op, value)


Id = Annotated[
    int,
    mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"),
        primary_key=True,
        comment="Number that people and links name it by; never used again",
    ),
]
CreatedAt = Annotated[
    float,
    mapped_column(
        Double, default=database_now(), comment="Seconds since 1970, by the database's clock"
    ),
]
Sha256 = Annotated[str, 64]
Name = Annotated[str, 200]


def enum_type(kind: type[StrEnum]) -> Enum:
    """Stores an enum's values as plain strings, so that a new member needs no migration."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=20,
        values_callable=lambda members: [member.value for member in members],
    )


class Base(DeclarativeBase):
    """Base of all tables; the first line of a table's docstring becomes its comment."""

    metadata = MetaData(
        # Alembic can only alter a constraint whose name it knows.
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - as SQLAlchemy wants it
        str: Text(),
        float: Double(),
        JsonObject: ObjectColumn(),
        Sha256: String(64),
        Name: String(200),
    }

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if isinstance(cls.__table__, Table) and cls.__doc__:
            cls.__table__.comment = cls.__doc__.splitlines()[0]
