import time

from portal.storage import engine


def follow():
    while True:
        with engine.begin():
            pass
        time.sleep(5)


if __name__ == "__main__":
    follow()
