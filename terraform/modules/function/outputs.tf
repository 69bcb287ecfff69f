output "service" {
  description = "Name of the Cloud Run service, once the function is there."
  value       = google_cloudfunctions2_function.function.name
}
