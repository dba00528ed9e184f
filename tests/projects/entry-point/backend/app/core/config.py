from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    POSTGRES_SERVER: str = "localhost"
    POSTGRES_DB: str = "app"
    DB_POOL_SIZE: int = 10

    @property
    def database_url(self) -> str:
        return f"postgresql+psycopg://app@{self.POSTGRES_SERVER}/{self.POSTGRES_DB}"


settings = Settings()
