import time

from portal.storage import engine


def main():
    while True:
        with engine.begin():
            time.sleep(5)


if __name__ == "__main__":
    main()
