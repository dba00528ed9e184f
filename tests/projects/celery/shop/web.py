from fastapi import FastAPI

from shop.database import Session

app = FastAPI()


@app.get("/carts")
def carts():
    with Session():
        return []
