output "address" {
  description = "Address for the domain's A record."
  value       = google_compute_global_address.edge.address
}

output "buckets" {
  description = "Bucket of uploads, and bucket of results."
  value       = local.buckets
}

output "migrations" {
  description = "What the migrations run as, and with which network and secret."
  value = {
    account    = google_service_account.migrations.email
    network    = google_compute_network.private.name
    subnetwork = google_compute_subnetwork.functions.name
    secret     = google_secret_manager_secret.secret["MIGRATIONS_URL"].secret_id
  }
}

output "services" {
  description = "Cloud Run services, by function."
  value       = { for name, function in module.function : name => function.service }
}
