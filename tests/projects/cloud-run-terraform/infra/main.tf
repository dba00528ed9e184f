resource "google_sql_database_instance" "main" {
  name             = "bookings"
  region           = "europe-west1"
  database_version = "POSTGRES_15"

  settings {
    tier = var.database_tier
  }
}

resource "google_cloud_run_v2_service" "api" {
  name     = "bookings-api"
  location = "europe-west1"

  template {
    max_instance_request_concurrency = 40
    timeout                          = "60s"

    scaling {
      max_instance_count = var.max_instances
    }

    vpc_access {
      connector = "projects/acme/locations/europe-west1/connectors/main"
    }

    containers {
      image = "europe-west1-docker.pkg.dev/acme/images/bookings:1"

      env {
        name  = "APP_DATABASE_HOST"
        value = google_sql_database_instance.main.private_ip_address
      }
      env {
        name  = "APP_POOL_SIZE"
        value = "4"
      }
      env {
        name  = "APP_MAX_OVERFLOW"
        value = local.overflow
      }
    }
  }
}
