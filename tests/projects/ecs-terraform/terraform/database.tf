resource "aws_db_parameter_group" "claims" {
  name   = "claims"
  family = "postgres16"

  parameter {
    name         = "max_connections"
    value        = "400"
    apply_method = "pending-reboot"
  }
}

resource "aws_db_instance" "claims" {
  identifier           = "claims"
  engine               = "postgres"
  engine_version       = "16.4"
  instance_class       = "db.t4g.medium"
  db_name              = "claims"
  parameter_group_name = aws_db_parameter_group.claims.name
}
