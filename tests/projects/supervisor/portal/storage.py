from sqlalchemy import create_engine

engine = create_engine("mysql+pymysql://portal@mysql/portal", pool_size=4, max_overflow=4, pool_recycle=1800, pool_pre_ping=True)
