import os

from flask import Flask
from sqlalchemy import create_engine

app = Flask(__name__)
engine = create_engine(
    f"postgresql+psycopg2://guestbook@/guestbook?host=/cloudsql/{os.environ['INSTANCE']}",
    pool_size=4,
    max_overflow=2,
    pool_recycle=1800,
    pool_pre_ping=True,
)


@app.get("/")
def index():
    with engine.connect():
        return "ok"
