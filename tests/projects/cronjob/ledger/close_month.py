import os

from sqlalchemy import create_engine, text


def main():
    engine = create_engine(os.environ["LEDGER_URL"])
    with engine.begin() as connection:
        connection.execute(text("call close_month()"))


if __name__ == "__main__":
    main()
