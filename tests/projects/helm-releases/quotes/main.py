from fastapi import FastAPI

from quotes.db import engine

app = FastAPI()


@app.get("/quotes")
def quotes():
    with engine.connect():
        return []
