# One function: its service account with what `uses` names and nothing else, the function, and who may call it.

locals {
  by_place = { for place in ["project", "self", "queues", "topics", "redriven", "tasks-invoker", "uploads", "results", "vault"] :
    place => toset([for grant in var.function.roles : grant.role if grant.on == place])
  }
  queue_roles   = { for pair in setproduct(local.by_place["queues"], keys(var.queues)) : join(" ", pair) => pair }
  topic_roles   = { for pair in setproduct(local.by_place["topics"], keys(var.topics)) : join(" ", pair) => pair }
  redrive_roles = { for pair in setproduct(local.by_place["redriven"], keys(var.redriven)) : join(" ", pair) => pair }
  bucket_roles = merge([
    for bucket in ["uploads", "results"] : { for role in local.by_place[bucket] : "${bucket} ${role}" => { bucket = bucket, role = role } }
  ]...)
}

resource "google_service_account" "function" {
  account_id   = var.function.account
  display_name = "Function ${var.name}"
  lifecycle {
    precondition {
      condition     = alltrue([for grant in var.function.roles : contains(keys(local.by_place), grant.on)])
      error_message = "capabilities.yaml grants a role on something that this module does not know."
    }
  }
}

resource "google_project_iam_member" "function" {
  for_each = local.by_place["project"]
  project  = var.project
  role     = each.value
  member   = google_service_account.function.member
}

resource "google_service_account_iam_member" "self" {
  for_each           = local.by_place["self"]
  service_account_id = google_service_account.function.name
  role               = each.value
  member             = google_service_account.function.member
}

resource "google_service_account_iam_member" "invoker" {
  for_each           = local.by_place["tasks-invoker"]
  service_account_id = var.invokers["tasks"]
  role               = each.value
  member             = google_service_account.function.member
}

resource "google_cloud_tasks_queue_iam_member" "function" {
  for_each = local.queue_roles
  name     = var.queues[each.value[1]]
  location = var.region
  role     = each.value[0]
  member   = google_service_account.function.member
}

resource "google_pubsub_topic_iam_member" "function" {
  for_each = merge(local.topic_roles, local.redrive_roles)
  topic    = merge(var.topics, var.redriven)[each.value[1]]
  role     = each.value[0]
  member   = google_service_account.function.member
}

resource "google_storage_bucket_iam_member" "function" {
  for_each = local.bucket_roles
  bucket   = var.buckets[each.value.bucket]
  role     = each.value.role
  member   = google_service_account.function.member
}

resource "google_kms_crypto_key_iam_member" "function" {
  for_each      = local.by_place["vault"]
  crypto_key_id = var.vault_key
  role          = each.value
  member        = google_service_account.function.member
}

resource "google_secret_manager_secret_iam_member" "function" {
  for_each  = var.secrets
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.function.member
}

resource "google_cloudfunctions2_function" "function" {
  name     = var.function.service
  location = var.region
  labels   = var.labels

  build_config {
    runtime           = var.function.runtime
    entry_point       = var.name
    docker_repository = var.build.repository
    service_account   = var.build.account
    source {
      storage_source {
        bucket = var.bundle.bucket
        object = var.bundle.object
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.function.email
    available_memory                 = var.function.memory
    available_cpu                    = var.function.cpu
    timeout_seconds                  = var.function.timeout
    max_instance_request_concurrency = var.function.concurrency
    min_instance_count               = var.function.min_instances
    max_instance_count               = var.function.max_instances
    ingress_settings                 = var.function.public ? "ALLOW_INTERNAL_AND_GCLB" : "ALLOW_INTERNAL_ONLY"
    all_traffic_on_latest_revision   = !var.pin_traffic
    environment_variables            = var.function.env
    direct_vpc_egress                = "VPC_EGRESS_PRIVATE_RANGES_ONLY"

    direct_vpc_network_interface {
      network    = var.network.network
      subnetwork = var.network.subnetwork
      tags       = ["functions"]
    }
    dynamic "secret_environment_variables" {
      for_each = var.secrets
      content {
        key        = secret_environment_variables.key
        project_id = var.project
        secret     = reverse(split("/", secret_environment_variables.value))[0]
        version    = "latest"
      }
    }
  }
  depends_on = [google_secret_manager_secret_iam_member.function]
}

# The edge proves its callers itself; everything else is called by the platform's own accounts alone.
resource "google_cloud_run_service_iam_member" "public" {
  count    = var.function.public ? 1 : 0
  location = var.region
  service  = google_cloudfunctions2_function.function.name
  role     = "roles/run.invoker"
  member   = "allUsers"
}

resource "google_cloud_run_service_iam_member" "platform" {
  count    = var.function.public ? 0 : 1
  location = var.region
  service  = google_cloudfunctions2_function.function.name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${var.function.invoker}"
}
