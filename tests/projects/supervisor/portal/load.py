from portal.storage import engine

if __name__ == "__main__":
    with engine.begin():
        pass
