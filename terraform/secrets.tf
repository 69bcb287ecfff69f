# Secrets are made here, written without being read back, and never in the state. Redis is the exception: its password
# is made by Google and an attribute of the instance.

locals {
  made = {
    KEY_PEPPER         = ephemeral.random_password.secret["KEY_PEPPER"].result
    WEBHOOK_KEY        = ephemeral.random_password.secret["WEBHOOK_KEY"].result
    PAYMENTS_SECRET    = "whsec_${base64encode(ephemeral.random_password.secret["PAYMENTS_SECRET"].result)}"
    REDIS_URL          = local.redis_url
    SMTP_URL           = var.smtp_url
    MIGRATIONS_URL     = "postgresql+pg8000://migrations:${ephemeral.random_password.secret["MIGRATIONS_URL"].result}@${google_sql_database_instance.database.private_ip_address}:5432/${local.database}"
    TOKEN_SIGNING_KEYS = ephemeral.random_password.secret["TOKEN_SIGNING_KEYS"].result
  }
  versions = { for name in keys(local.secret_ids) : name => lookup(var.secrets_version, name, 1) }
  # MIGRATIONS_URL is for the migrations alone; no function's manifest can name it.
  secret_ids = { for name in concat(module.manifests.secrets, ["MIGRATIONS_URL"]) : name => lower(replace(name, "_", "-")) }
}

ephemeral "random_password" "secret" {
  for_each = toset(["KEY_PEPPER", "TOKEN_SIGNING_KEYS", "WEBHOOK_KEY", "PAYMENTS_SECRET", "MIGRATIONS_URL"])
  length   = 48
  special  = false
}

resource "google_secret_manager_secret" "secret" {
  for_each  = local.secret_ids
  secret_id = each.value
  labels    = local.labels

  replication {
    user_managed {
      replicas {
        location = var.region
        dynamic "customer_managed_encryption" {
          for_each = var.cmek_key == null ? [] : [var.cmek_key]
          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }
  }
  depends_on = [google_project_service.api, google_kms_crypto_key_iam_member.agent]
}

# A new value is written when its version is raised, or when Redis was made anew.
resource "google_secret_manager_secret_version" "value" {
  for_each               = local.secret_ids
  secret                 = google_secret_manager_secret.secret[each.key].id
  secret_data_wo         = local.made[each.key]
  secret_data_wo_version = each.key == "REDIS_URL" ? parseint(substr(sha256(local.redis_url), 0, 8), 16) : local.versions[each.key]
  deletion_policy        = "DISABLE"
}

# Makes tables and roles; a password user, because only those can be given CREATEROLE.
resource "google_sql_user" "migrations" {
  instance            = google_sql_database_instance.database.name
  name                = "migrations"
  password_wo         = ephemeral.random_password.secret["MIGRATIONS_URL"].result
  password_wo_version = local.versions["MIGRATIONS_URL"]
  deletion_policy     = "ABANDON"
}

resource "google_service_account" "migrations" {
  account_id   = "migrations"
  display_name = "Runs database migrations"
  depends_on   = [google_project_service.api]
}

# KEY_PEPPER for the first account's key, see tools/found.py.
resource "google_secret_manager_secret_iam_member" "migrations" {
  for_each  = toset(["MIGRATIONS_URL", "KEY_PEPPER"])
  secret_id = google_secret_manager_secret.secret[each.value].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.migrations.member
}

# Where the first account's key waits for whoever deploys; without a value until then, and after it was taken.
resource "google_secret_manager_secret" "first_key" {
  secret_id = "first-key"
  labels    = local.labels

  replication {
    user_managed {
      replicas {
        location = var.region
        dynamic "customer_managed_encryption" {
          for_each = var.cmek_key == null ? [] : [var.cmek_key]
          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }
  }
  depends_on = [google_project_service.api, google_kms_crypto_key_iam_member.agent]
}

resource "google_secret_manager_secret_iam_member" "first_key" {
  secret_id = google_secret_manager_secret.first_key.id
  role      = "roles/secretmanager.secretVersionAdder"
  member    = google_service_account.migrations.member
}
