from celery import Celery

from portal.storage import engine

app = Celery("mailer")


@app.task
def send(mail):
    with engine.begin():
        pass
