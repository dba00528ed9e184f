from celery import Celery

from shop.database import Session

app = Celery("shop", broker="redis://redis/0")
app.conf.worker_concurrency = 8


@app.task
def clean_carts():
    with Session.begin():
        pass
