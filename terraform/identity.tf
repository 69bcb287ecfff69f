# Identity Platform, for projects that want people to sign in; API keys work without it.

resource "google_identity_platform_config" "people" {
  count = var.identity_platform ? 1 : 0

  sign_in {
    email {
      enabled           = true
      password_required = true
    }
  }
  authorized_domains = [var.domain]
  depends_on         = [google_project_service.api]
}
