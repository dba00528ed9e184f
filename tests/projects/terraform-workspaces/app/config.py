from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="APP_")

    database_host: str
    database_name: str = "bookings"
    pool_size: int = 5
    max_overflow: int = 10


settings = Settings()
