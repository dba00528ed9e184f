from sqlalchemy import create_engine

URL = "mysql+pymysql://portal@mysql/portal"
engine = create_engine(URL, pool_size=4, max_overflow=4, pool_recycle=1800, pool_pre_ping=True)
