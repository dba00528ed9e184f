from flask import Flask

from shop.db import engine

app = Flask(__name__)


@app.get("/")
def index():
    with engine.connect():
        return "ok"
