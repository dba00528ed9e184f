from fastapi import FastAPI
from sqlalchemy import text

from app.db import Session

app = FastAPI()


@app.post("/evaluations/{number}")
def evaluate(number: int) -> dict[str, int]:
    with Session() as session:
        session.execute(text("INSERT INTO evaluations (number) VALUES (:number)"), {"number": number})
        session.commit()
    return {"number": number}
