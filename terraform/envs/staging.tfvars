# As production, on smaller machines.
environment          = "staging"
database_tier        = "db-custom-1-3840"
database_connections = 450
pin_traffic          = true
monthly_budget       = 200
settings             = { SELFTEST_MINUTES = "60" }
