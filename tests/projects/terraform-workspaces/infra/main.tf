locals {
  sizes = {
    staging    = { instances = 2, tier = "db-f1-micro" }
    production = { instances = 40, tier = "db-custom-2-7680" }
  }
  size = local.sizes[terraform.workspace]
}

module "database" {
  source           = "GoogleCloudPlatform/sql-db/google//modules/postgresql"
  version          = "25.2.2"
  name             = "bookings"
  project_id       = "acme"
  region           = "europe-west1"
  database_version = "POSTGRES_16"
  tier             = local.size.tier
  database_flags   = [{ name = "max_connections", value = "300" }]
}

resource "google_cloud_run_v2_service" "api" {
  name     = "bookings-api"
  location = "europe-west1"

  template {
    max_instance_request_concurrency = 40
    timeout                          = "60s"

    scaling {
      max_instance_count = local.size.instances
    }

    vpc_access {
      connector = "projects/acme/locations/europe-west1/connectors/main"
    }

    containers {
      image = "europe-west1-docker.pkg.dev/acme/images/bookings:1"

      env {
        name  = "APP_DATABASE_HOST"
        value = module.database.private_ip_address
      }
      env {
        name  = "APP_POOL_SIZE"
        value = "4"
      }
      env {
        name  = "APP_MAX_OVERFLOW"
        value = "4"
      }
    }
  }
}
