from flask import Flask

from ledger.db import engine

app = Flask(__name__)


@app.get("/entries")
def entries():
    with engine.connect():
        return []
