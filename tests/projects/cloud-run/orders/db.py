import os

from sqlalchemy import URL, create_engine

url = URL.create(
    "postgresql+psycopg",
    username="orders",
    database="orders",
    query={"host": f"/cloudsql/{os.environ['INSTANCE_CONNECTION_NAME']}"},
)
engine = create_engine(url, pool_size=20, max_overflow=5)
