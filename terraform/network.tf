# Functions reach the database and Redis by private addresses; the rest of their traffic does not pass here.

resource "google_compute_network" "private" {
  name                    = "imangor"
  auto_create_subnetworks = false
  depends_on              = [google_project_service.api]
}

resource "google_compute_subnetwork" "functions" {
  name                     = "functions"
  network                  = google_compute_network.private.id
  region                   = var.region
  ip_cidr_range            = "10.8.0.0/20" # every instance of a function takes an address, some of them two
  private_ip_google_access = true
}

resource "google_compute_global_address" "services" {
  name          = "services"
  network       = google_compute_network.private.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  address       = "10.64.0.0"
  prefix_length = 16
}

resource "google_service_networking_connection" "services" {
  network                 = google_compute_network.private.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services.name]
}
