max_instances = 40
database_tier = "db-custom-2-7680"
