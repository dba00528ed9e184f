from sqlalchemy import create_engine

engine = create_engine("postgresql+psycopg2://journal@db/journal", pool_size=4, max_overflow=0, pool_pre_ping=True)
