# What encrypts the data keys that encrypt secrets and what is personal. A ring and its keys cannot be deleted, only the
# versions of a key; whoever destroys those destroys everything that they encrypt.

resource "google_kms_key_ring" "vault" {
  name       = module.manifests.vault.ring
  location   = var.region
  depends_on = [google_project_service.api]
}

resource "google_kms_crypto_key" "vault" {
  name                       = module.manifests.vault.key
  key_ring                   = google_kms_key_ring.vault.id
  purpose                    = "ENCRYPT_DECRYPT"
  rotation_period            = "7776000s" # 90 days; the sweep encrypts data keys anew that are as old
  destroy_scheduled_duration = "2592000s" # 30 days
  labels                     = local.labels

  version_template {
    algorithm        = "GOOGLE_SYMMETRIC_ENCRYPTION"
    protection_level = "SOFTWARE"
  }
  lifecycle {
    prevent_destroy = true
  }
}
