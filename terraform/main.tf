# What the manifests say becomes one module call for each function; everything else serves those.

locals {
  apis = [
    "artifactregistry", "billingbudgets", "cloudbuild", "cloudfunctions", "cloudkms", "cloudscheduler", "cloudtasks",
    "cloudtrace", "compute", "iam", "iamcredentials", "identitytoolkit", "logging", "monitoring", "networkconnectivity",
    "pubsub", "redis", "run", "secretmanager", "servicenetworking", "sqladmin", "storage", "telemetry", "translate", "vision",
  ]
  agent  = { for name, host in local.agents : name => "service-${var.project_number}@${host}.iam.gserviceaccount.com" }
  agents = { pubsub = "gcp-sa-pubsub", redis = "cloud-redis", sql = "gcp-sa-cloud-sql", secrets = "gcp-sa-secretmanager" }
  labels = { application = "imangor", environment = var.environment }

  database = "imangor"
  buckets  = { for name in ["uploads", "results"] : name => "${var.project}-${name}" }
  settings = merge({
    APP_URL                  = coalesce(var.app_url, "https://${var.domain}")
    CORS_ORIGINS             = join(",", var.cors_origins)
    INSTANCE_CONNECTION_NAME = "${var.project}:${var.region}:${local.database}"
    DATABASE_NAME            = local.database
    REDIS_CLUSTER            = tostring(local.clustered)
    REDIS_IAM                = tostring(local.clustered)
    MAIL_FROM                = coalesce(var.mail_from, "no-reply@${var.domain}")
    TOKEN_ISSUER             = "https://${var.domain}"
    OAUTH_CLIENTS            = jsonencode({ studio = ["https://${var.domain}/studio"] })
    TRUSTED_PROXIES          = "2" # the load balancer writes two entries: the client's address and its own
    UPLOADS_BUCKET           = local.buckets.uploads
    RESULTS_BUCKET           = local.buckets.results
  }, local.trial, var.settings)
  trial = var.trial == null ? {} : {
    for name, value in {
      TRIAL_ACCOUNT          = var.trial.account
      TRIAL_PICTURES         = var.trial.pictures
      TRIAL_NETWORK_PICTURES = var.trial.network_pictures
    } : name => tostring(value) if value != null
  }
}

module "manifests" {
  source         = "./modules/manifests"
  functions      = abspath("${path.root}/../functions")
  capabilities   = abspath("${path.root}/capabilities.yaml")
  project        = var.project
  project_number = var.project_number
  region         = var.region
  settings       = local.settings
}

module "function" {
  source   = "./modules/function"
  for_each = module.manifests.functions

  name        = each.key
  function    = each.value
  project     = var.project
  region      = var.region
  labels      = local.labels
  pin_traffic = var.pin_traffic
  bundle      = { bucket = google_storage_bucket.bundles.name, object = google_storage_bucket_object.bundle[each.key].name }
  build       = { repository = google_artifact_registry_repository.functions.id, account = google_service_account.builds.name }
  network     = { network = google_compute_network.private.name, subnetwork = google_compute_subnetwork.functions.name }
  buckets     = { for name, bucket in google_storage_bucket.media : name => bucket.name }
  queues      = { for name, queue in google_cloud_tasks_queue.queue : name => queue.name }
  topics      = { for name in module.manifests.published : name => google_pubsub_topic.topic[name].name }
  redriven    = { for name in module.manifests.redriven : name => google_pubsub_topic.topic[name].name }
  invokers    = { for name, account in google_service_account.invoker : name => account.name }
  vault_key   = google_kms_crypto_key.vault.id
  secrets     = { for name in each.value.secrets : name => google_secret_manager_secret_version.value[name].secret }

  depends_on = [
    google_project_service.api, google_project_iam_custom_role.own, google_project_iam_member.builds,
    google_artifact_registry_repository_iam_member.builds,
  ]
}

# Where Google's narrowest role gives more than a function needs. A role that was deleted keeps its name for weeks.
resource "google_project_iam_custom_role" "own" {
  for_each    = module.manifests.custom_roles
  role_id     = each.key
  title       = each.key
  permissions = each.value
  depends_on  = [google_project_service.api]
}

resource "google_project_service" "api" {
  for_each           = toset(local.apis)
  service            = "${each.value}.googleapis.com"
  disable_on_destroy = false
}

# In whose name the platform calls functions that are not public.
resource "google_service_account" "invoker" {
  for_each     = toset(["tasks", "events", "schedules"])
  account_id   = "${each.value}-invoker"
  display_name = "Calls functions for ${each.value}"
  depends_on   = [google_project_service.api]
}

resource "google_service_account" "builds" {
  account_id   = "function-builds"
  display_name = "Builds functions from their bundles"
  depends_on   = [google_project_service.api]
}

resource "google_project_iam_member" "builds" {
  for_each = toset(["roles/logging.logWriter", "roles/storage.objectViewer"])
  project  = var.project
  role     = each.value
  member   = google_service_account.builds.member
}

resource "google_artifact_registry_repository" "functions" {
  repository_id = "functions"
  format        = "DOCKER"
  location      = var.region
  labels        = local.labels
  kms_key_name  = var.cmek_key

  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 10
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "7776000s"
    }
  }
  depends_on = [google_project_service.api]
}

resource "google_artifact_registry_repository_iam_member" "builds" {
  location   = var.region
  repository = google_artifact_registry_repository.functions.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.builds.member
}

resource "google_storage_bucket" "bundles" {
  name                        = "${var.project}-bundles"
  location                    = var.region
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # made again by `make bundle`
  depends_on                  = [google_project_service.api]
}

# The name holds the hash: an unchanged function has an unchanged source and is not deployed.
resource "google_storage_bucket_object" "bundle" {
  for_each = module.manifests.functions
  bucket   = google_storage_bucket.bundles.name
  name     = "${each.key}-${filemd5("${var.bundles}/${each.key}.zip")}.zip"
  source   = "${var.bundles}/${each.key}.zip"
}
