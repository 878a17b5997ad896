"""What all tables share: how their constraints are named, and what numbers their rows."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite only counts up an INTEGER primary key; PostgreSQL should not run out at two thousand millions.
Identity = sa.BigInteger().with_variant(sa.Integer, "sqlite")
