import os

from sqlalchemy import create_engine

engine = create_engine(
    f"postgresql+psycopg://parcels@{os.environ['POSTGRES_HOST']}/parcels", pool_size=10, max_overflow=10, pool_pre_ping=True
)
