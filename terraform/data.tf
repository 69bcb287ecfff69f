# Where data lies: PostgreSQL and the two buckets. Redis is in cache.tf.

locals {
  origins = length(var.cors_origins) > 0 ? [var.cors_origins] : []
  # Files are deleted by the account's own setting, 365 days at most; this catches what was never a job.
  longest_days = { uploads = 400, results = 400 }
}

resource "google_sql_database_instance" "database" {
  name                = local.database
  database_version    = "POSTGRES_16"
  region              = var.region
  deletion_protection = var.protect
  encryption_key_name = var.cmek_key

  settings {
    tier                        = var.database_tier
    edition                     = "ENTERPRISE"
    availability_type           = var.database_available ? "REGIONAL" : "ZONAL"
    disk_type                   = "PD_SSD"
    disk_autoresize             = true
    deletion_protection_enabled = var.protect
    user_labels                 = local.labels

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.private.id
      ssl_mode        = "ENCRYPTED_ONLY"
    }
    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7
      backup_retention_settings {
        retained_backups = 14
      }
    }
    database_flags {
      name  = "cloudsql.iam_authentication"
      value = "on"
    }
    database_flags {
      name  = "max_connections"
      value = tostring(var.database_connections)
    }
    insights_config {
      query_insights_enabled  = true
      record_application_tags = false
      record_client_address   = false
    }
    maintenance_window {
      day  = 7
      hour = 3
    }
  }
  depends_on = [google_service_networking_connection.services, google_kms_crypto_key_iam_member.agent]
}

resource "google_sql_database_instance" "replica" {
  count                = var.database_replicas
  name                 = "${local.database}-replica-${count.index}"
  database_version     = "POSTGRES_16"
  region               = coalesce(var.replica_region, var.region)
  master_instance_name = google_sql_database_instance.database.name
  deletion_protection  = var.protect

  settings {
    tier        = var.database_tier
    edition     = "ENTERPRISE"
    user_labels = local.labels
    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.private.id
      ssl_mode        = "ENCRYPTED_ONLY"
    }
    database_flags {
      name  = "cloudsql.iam_authentication"
      value = "on"
    }
    # A standby that takes fewer connections than its primary stops replaying what the primary writes.
    database_flags {
      name  = "max_connections"
      value = tostring(var.database_connections)
    }
  }
}

resource "google_sql_database" "database" {
  name     = local.database
  instance = google_sql_database_instance.database.name
}

# Each function logs in as itself. `python -m tools.migrate` makes it a member of its role.
resource "google_sql_user" "function" {
  for_each        = module.manifests.database_users
  instance        = google_sql_database_instance.database.name
  name            = each.value.user
  type            = "CLOUD_IAM_SERVICE_ACCOUNT"
  deletion_policy = "ABANDON" # a user that owns grants cannot be dropped by the API
  depends_on      = [module.function]
}

resource "google_storage_bucket" "media" {
  for_each                    = local.buckets
  name                        = each.value
  location                    = var.region
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.protect

  dynamic "cors" {
    for_each = local.origins
    content {
      origin          = cors.value
      method          = ["GET", "HEAD", "PUT", "POST", "OPTIONS"]
      response_header = ["Content-Type", "Content-Length", "ETag", "Location", "Range", "X-Goog-Generation", "X-Goog-Hash"]
      max_age_seconds = 3600
    }
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = local.longest_days[each.key]
    }
  }
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 1
    }
  }
  # What a customer erases is gone, unless a lock is asked for.
  soft_delete_policy {
    retention_duration_seconds = 0
  }
  dynamic "retention_policy" {
    for_each = each.key == "results" && var.results_retention_seconds > 0 ? [var.results_retention_seconds] : []
    content {
      retention_period = retention_policy.value
    }
  }
  dynamic "encryption" {
    for_each = var.cmek_key == null ? [] : [var.cmek_key]
    content {
      default_kms_key_name = encryption.value
    }
  }
  depends_on = [google_project_service.api, google_kms_crypto_key_iam_member.agent]
}

data "google_storage_project_service_account" "agent" {
  depends_on = [google_project_service.api]
}

# The agents that encrypt for us may use the key; the key itself belongs to somebody else.
resource "google_kms_crypto_key_iam_member" "agent" {
  for_each = var.cmek_key == null ? {} : merge(local.agent, {
    storage = data.google_storage_project_service_account.agent.email_address
    builds  = "service-${var.project_number}@gcp-sa-artifactregistry.iam.gserviceaccount.com"
  })
  crypto_key_id = var.cmek_key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:${each.value}"
}
