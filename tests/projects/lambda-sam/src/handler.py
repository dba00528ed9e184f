import os

from sqlalchemy import create_engine, text

engine = create_engine(os.environ["DATABASE_URL"], pool_pre_ping=True)


def lambda_handler(event, context):
    with engine.begin() as connection:
        connection.execute(text("insert into webhooks (body) values (:body)"), {"body": event["body"]})
    return {"statusCode": 204}
