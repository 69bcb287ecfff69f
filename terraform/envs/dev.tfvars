# Where developers try things: small, and may be thrown away.
environment          = "dev"
database_tier        = "db-custom-1-3840"
database_connections = 450
protect              = false
monthly_budget       = 50
settings             = { LOG_LEVEL = "DEBUG" }
