from sqlalchemy import create_engine

URL = "postgresql+psycopg://rooms@127.0.0.1:5432/rooms"
engine = create_engine(URL, pool_size=10, max_overflow=2, pool_recycle=300, pool_pre_ping=True)
