import os

from flask import Flask
from sqlalchemy import create_engine

app = Flask(__name__)
engine = create_engine(
    f"mysql+pymysql://guestbook@/guestbook?unix_socket=/cloudsql/{os.environ['INSTANCE']}",
    pool_size=4,
    max_overflow=2,
    pool_recycle=1800,
    pool_pre_ping=True,
)


@app.get("/")
def index():
    with engine.connect():
        return "ok"
