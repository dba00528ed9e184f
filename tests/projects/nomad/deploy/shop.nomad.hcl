variable "workers" {
  default = 4
}

job "shop" {
  group "web" {
    count = 6

    task "web" {
      driver = "docker"

      config {
        image   = "registry.example.com/shop:1.4"
        command = "gunicorn"
        args    = ["--workers", "${var.workers}", "shop.web:app"]
      }

      env {
        DATABASE_URL = "postgresql+psycopg2://shop@pg.internal.example.net/shop"
      }
    }
  }
}
