# What customers use.
environment          = "prod"
database_tier        = "db-custom-4-15360"
database_connections = 600
database_available   = true
database_replicas    = 1
redis_tier           = "STANDARD_HA"
redis_gigabytes      = 5
pin_traffic          = true
monthly_budget       = 2000
settings             = { SELFTEST_MINUTES = "15" }
