# Redis: one instance, or a cluster where `redis_shards` says so. All that is in it may be lost at any time.

locals {
  clustered = var.redis_shards > 0
  # The certificates are signed by an authority of the instance's own, so that the authority proves the instance,
  # and its name need not be looked at. A cluster is logged in to by access token, an instance by password.
  redis_at = (local.clustered
    ? { login = "", host = one(google_redis_cluster.cache[*].discovery_endpoints[0].address), port = one(google_redis_cluster.cache[*].discovery_endpoints[0].port) }
    : { login = ":${urlencode(one(google_redis_instance.cache[*].auth_string))}@", host = one(google_redis_instance.cache[*].host), port = one(google_redis_instance.cache[*].port) }
  )
  redis_authority = (local.clustered
    ? flatten(google_redis_cluster.cache[*].managed_server_ca[*].ca_certs[*].certificates)
    : flatten(google_redis_instance.cache[*].server_ca_certs[*].cert)
  )
  redis_url = join("", [
    "rediss://", local.redis_at.login, local.redis_at.host, ":", local.redis_at.port,
    "/0?ssl_check_hostname=false&ssl_ca_data=", urlencode(join("\n", local.redis_authority)),
  ])
}

resource "google_redis_instance" "cache" {
  count                   = local.clustered ? 0 : 1
  name                    = "imangor"
  region                  = var.region
  redis_version           = "REDIS_7_2"
  tier                    = var.redis_tier
  memory_size_gb          = var.redis_gigabytes
  authorized_network      = google_compute_network.private.id
  connect_mode            = "PRIVATE_SERVICE_ACCESS"
  auth_enabled            = true
  transit_encryption_mode = "SERVER_AUTHENTICATION"
  customer_managed_key    = var.cmek_key
  redis_configs           = { maxmemory-policy = "allkeys-lru" }
  labels                  = local.labels
  depends_on              = [google_service_networking_connection.services, google_kms_crypto_key_iam_member.agent]
}

resource "google_redis_cluster" "cache" {
  count                       = local.clustered ? 1 : 0
  name                        = "imangor"
  region                      = var.region
  shard_count                 = var.redis_shards
  replica_count               = var.redis_tier == "STANDARD_HA" ? 1 : 0
  node_type                   = var.redis_tier == "STANDARD_HA" ? "REDIS_STANDARD_SMALL" : "REDIS_SHARED_CORE_NANO"
  authorization_mode          = "AUTH_MODE_IAM_AUTH"
  transit_encryption_mode     = "TRANSIT_ENCRYPTION_MODE_SERVER_AUTHENTICATION"
  kms_key                     = var.cmek_key
  redis_configs               = { maxmemory-policy = "allkeys-lru" }
  deletion_protection_enabled = false # it holds nothing that is not elsewhere, too

  psc_configs {
    network = google_compute_network.private.id
  }
  depends_on = [google_network_connectivity_service_connection_policy.cache, google_kms_crypto_key_iam_member.agent]
}

resource "google_network_connectivity_service_connection_policy" "cache" {
  count         = local.clustered ? 1 : 0
  name          = "cache"
  location      = var.region
  service_class = "gcp-memorystore-redis"
  network       = google_compute_network.private.id

  psc_config {
    subnetworks = [google_compute_subnetwork.functions.id]
  }
  depends_on = [google_project_service.api]
}

# There is nothing narrower than the project to give it on, and this is its only cluster.
resource "google_project_iam_member" "cache" {
  for_each   = local.clustered ? { for name, function in module.manifests.functions : name => function if contains(function.secrets, "REDIS_URL") } : {}
  project    = var.project
  role       = "roles/redis.dbConnectionUser"
  member     = "serviceAccount:${each.value.account}@${var.project}.iam.gserviceaccount.com"
  depends_on = [module.function]
}
