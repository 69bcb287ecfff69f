# Identity Platform, for projects that want people to sign in; API keys work without it. What holds a secret, and what the
# provider has no argument for, is set by hand: docs/operations/sign-in.md.

resource "google_identity_platform_config" "people" {
  count = var.identity_platform ? 1 : 0

  sign_in {
    allow_duplicate_emails = false

    email {
      enabled           = true
      password_required = true
    }
    anonymous {
      enabled = false
    }
    phone_number {
      enabled = false
    }
  }
  authorized_domains = concat([var.domain], var.identity_domains)
  depends_on         = [google_project_service.api]
}

# The flow that hands over an ID token needs no client secret, which would stand in the state.
resource "google_identity_platform_oauth_idp_config" "provider" {
  for_each = var.identity_platform ? var.identity_oidc : {}

  name         = "oidc.${each.key}"
  display_name = each.key
  enabled      = true
  issuer       = each.value.issuer
  client_id    = each.value.client_id

  response_type {
    id_token = true
  }
  depends_on = [google_identity_platform_config.people]
}
