from sqlalchemy import create_engine

engine = create_engine("postgresql+psycopg://events@events-db/events", pool_size=2, max_overflow=1, pool_pre_ping=True)
