resource "aws_ecr_repository" "claims" {
  name = "claims"
}

resource "aws_ecs_task_definition" "claims" {
  family                   = "claims"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 512
  memory                   = 1024

  container_definitions = jsonencode([
    {
      name  = "claims"
      image = "${aws_ecr_repository.claims.repository_url}:latest"
      environment = [
        {
          name  = "DATABASE_URL"
          value = "postgresql+psycopg2://claims@${aws_db_instance.claims.address}:5432/claims"
        }
      ]
    }
  ])
}

resource "aws_ecs_service" "claims" {
  name            = "claims"
  cluster         = "main"
  task_definition = aws_ecs_task_definition.claims.arn
  desired_count   = 2
  launch_type     = "FARGATE"
}

resource "aws_appautoscaling_target" "claims" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/main/${aws_ecs_service.claims.name}"
  min_capacity       = 2
  max_capacity       = 6
}
