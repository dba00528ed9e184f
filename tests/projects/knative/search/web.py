from fastapi import FastAPI

from search.db import engine

app = FastAPI()


@app.get("/search")
def search():
    with engine.connect():
        return []
