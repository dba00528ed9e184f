locals {
  overflow = 2
}

variable "max_instances" {
  type    = number
  default = 10
}

variable "database_tier" {
  type    = string
  default = "db-f1-micro"
}
