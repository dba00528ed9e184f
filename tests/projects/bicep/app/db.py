import os

from sqlalchemy import create_engine

URL = f"postgresql+psycopg://parcels@{os.environ['POSTGRES_HOST']}/parcels"
engine = create_engine(URL, pool_size=10, max_overflow=10, pool_pre_ping=True)
