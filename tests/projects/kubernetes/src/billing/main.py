from fastapi import FastAPI

from billing.db import Session

app = FastAPI()


@app.get("/invoices")
async def invoices():
    async with Session():
        return []
