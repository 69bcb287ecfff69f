# Where developers try things: small, and may be thrown away.
environment    = "dev"
database_tier  = "db-f1-micro"
protect        = false
monthly_budget = 50
settings       = { LOG_LEVEL = "DEBUG" }
