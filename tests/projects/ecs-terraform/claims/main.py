from fastapi import FastAPI

from claims.db import engine

app = FastAPI()


@app.get("/claims")
def claims():
    with engine.connect():
        return []
