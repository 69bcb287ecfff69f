# A project for one branch, destroyed with it.
environment    = "branch"
database_tier  = "db-f1-micro"
protect        = false
monthly_budget = 20
