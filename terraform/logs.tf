# What is kept for long, and what is not kept at all.

# Who changed what, in a bucket of its own, for longer than the 30 days of the others.
resource "google_logging_project_bucket_config" "audit" {
  project        = var.project
  location       = var.region
  bucket_id      = "audit"
  retention_days = var.audit_days
  description    = "Changes of access and configuration, and refused requests"
}

resource "google_logging_project_sink" "audit" {
  name                   = "audit"
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.audit.id}"
  unique_writer_identity = true
  filter                 = <<-EOT
    log_id("cloudaudit.googleapis.com/activity") OR log_id("cloudaudit.googleapis.com/policy")
    OR jsonPayload.enforcedSecurityPolicy.outcome="DENY"
  EOT
}

# The program writes no content. Google's own request and data access logs hold URLs and names of objects, which are
# words of the customers; the metrics that the program writes say the rest.
resource "google_logging_project_exclusion" "content" {
  name        = "names-of-objects"
  description = "Names and queries that customers chose"
  filter      = <<-EOT
    log_id("cloudaudit.googleapis.com/data_access") AND protoPayload.serviceName=("storage.googleapis.com" OR "translate.googleapis.com" OR "vision.googleapis.com")
    OR log_id("run.googleapis.com/requests") AND httpRequest.status<500
  EOT
}
