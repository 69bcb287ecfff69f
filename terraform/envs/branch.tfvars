# A project for one branch, destroyed with it.
environment          = "branch"
database_tier        = "db-custom-1-3840"
database_connections = 450
protect              = false
monthly_budget       = 20
