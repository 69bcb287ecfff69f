# Topics with push subscriptions and dead letters, the bucket notification, queues, and scheduled calls.

resource "google_pubsub_topic" "topic" {
  for_each                   = toset(values(module.manifests.topics))
  name                       = each.value
  labels                     = local.labels
  kms_key_name               = var.cmek_key
  message_retention_duration = "604800s"
  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
  depends_on = [google_project_service.api, google_kms_crypto_key_iam_member.agent]
}

resource "google_pubsub_subscription" "push" {
  for_each                   = module.manifests.subscriptions
  name                       = each.key
  topic                      = google_pubsub_topic.topic[each.value.topic].id
  labels                     = local.labels
  ack_deadline_seconds       = each.value.ack_deadline
  message_retention_duration = "604800s"

  push_config {
    push_endpoint = each.value.url
    oidc_token {
      service_account_email = each.value.invoker
      audience              = each.value.url
    }
  }
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
  expiration_policy {
    ttl = "" # never
  }
  dynamic "dead_letter_policy" {
    for_each = each.value.dead_letter == null ? [] : [each.value.dead_letter]
    content {
      dead_letter_topic     = google_pubsub_topic.topic[dead_letter_policy.value].id
      max_delivery_attempts = each.value.attempts
    }
  }
  depends_on = [google_service_account_iam_member.pubsub, google_pubsub_topic_iam_member.dead_letters]
}

# Pub/Sub's own account signs as the invoker, moves dead letters, and takes them off the subscription.
resource "google_service_account_iam_member" "pubsub" {
  service_account_id = google_service_account.invoker["events"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = "serviceAccount:${local.agent.pubsub}"
}

resource "google_pubsub_topic_iam_member" "dead_letters" {
  topic  = google_pubsub_topic.topic[module.manifests.dead_letters].name
  role   = "roles/pubsub.publisher"
  member = "serviceAccount:${local.agent.pubsub}"
}

resource "google_pubsub_subscription_iam_member" "dead_letters" {
  for_each     = { for name, s in module.manifests.subscriptions : name => s if s.dead_letter != null }
  subscription = google_pubsub_subscription.push[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = "serviceAccount:${local.agent.pubsub}"
}

resource "google_storage_notification" "finalized" {
  for_each       = module.manifests.notifications
  bucket         = google_storage_bucket.media[each.value.bucket].name
  topic          = google_pubsub_topic.topic[each.value.topic].id
  payload_format = "JSON_API_V1"
  event_types    = ["OBJECT_FINALIZE"]
  depends_on     = [google_pubsub_topic_iam_member.storage]
}

resource "google_pubsub_topic_iam_member" "storage" {
  for_each = module.manifests.notifications
  topic    = google_pubsub_topic.topic[each.value.topic].name
  role     = "roles/pubsub.publisher"
  member   = data.google_storage_project_service_account.agent.member
}

resource "google_cloud_tasks_queue" "queue" {
  for_each = module.manifests.queues
  name     = each.key
  location = var.region

  rate_limits {
    max_dispatches_per_second = each.value.rate
    max_concurrent_dispatches = each.value.concurrent
  }
  retry_config {
    max_attempts  = each.value.attempts
    min_backoff   = each.value.min_backoff
    max_backoff   = each.value.max_backoff
    max_doublings = 16
  }
  stackdriver_logging_config {
    sampling_ratio = 0.01
  }
  depends_on = [google_project_service.api]
}

resource "google_cloud_scheduler_job" "call" {
  for_each         = module.manifests.schedules
  name             = each.key
  region           = var.region
  schedule         = each.value.cron
  time_zone        = "Etc/UTC"
  attempt_deadline = "${each.value.deadline}s"

  retry_config {
    retry_count = 0 # the next round does what this one did not
  }
  http_target {
    uri         = each.value.url
    http_method = "POST"
    oidc_token {
      service_account_email = each.value.invoker
      audience              = each.value.url
    }
  }
  depends_on = [google_service_account.invoker]
}
