"""HCL, as Terraform writes it: the syntax with places, and the value of simple expressions."""
