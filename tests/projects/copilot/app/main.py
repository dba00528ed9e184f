from fastapi import FastAPI

from app.db import engine

app = FastAPI()


@app.get("/")
def index():
    with engine.connect():
        return {}
