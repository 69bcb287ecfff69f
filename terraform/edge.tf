# The public door: an external HTTPS load balancer that routes by the manifests' `paths`, behind Cloud Armor.

locals {
  public  = { for name, f in module.manifests.functions : name => f if f.public }
  landing = "docs" # what no template matches gets this function's own "not found"
}

resource "google_compute_region_network_endpoint_group" "function" {
  for_each              = local.public
  name                  = each.value.service
  region                = var.region
  network_endpoint_type = "SERVERLESS"
  cloud_run {
    service = module.function[each.key].service
  }
}

resource "google_compute_backend_service" "function" {
  for_each              = local.public
  name                  = each.value.service
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.edge.id
  custom_response_headers = [
    "Strict-Transport-Security: max-age=31536000",
    "X-Content-Type-Options: nosniff",
  ]

  backend {
    group = google_compute_region_network_endpoint_group.function[each.key].id
  }
  log_config {
    enable      = true
    sample_rate = 1
  }
}

resource "google_compute_url_map" "edge" {
  name            = "imangor"
  default_service = google_compute_backend_service.function[local.landing].id

  host_rule {
    hosts        = [var.domain]
    path_matcher = "paths"
  }
  path_matcher {
    name            = "paths"
    default_service = google_compute_backend_service.function[local.landing].id

    dynamic "route_rules" {
      for_each = module.manifests.routes
      content {
        priority = route_rules.key + 1
        service  = google_compute_backend_service.function[route_rules.value.function].id
        match_rules {
          full_path_match     = route_rules.value.template == null ? route_rules.value.path : null
          path_template_match = route_rules.value.template
        }
      }
    }
  }
}

resource "google_compute_url_map" "redirect" {
  name = "imangor-to-https"
  default_url_redirect {
    https_redirect         = true
    strip_query            = false
    redirect_response_code = "PERMANENT_REDIRECT"
  }
}

resource "google_compute_global_address" "edge" {
  name       = "imangor-edge"
  depends_on = [google_project_service.api]
}

resource "google_compute_managed_ssl_certificate" "edge" {
  name = "imangor-${substr(sha256(var.domain), 0, 8)}"
  managed {
    domains = [var.domain]
  }
  lifecycle {
    create_before_destroy = true
  }
  depends_on = [google_project_service.api]
}

resource "google_compute_ssl_policy" "edge" {
  name            = "imangor"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
  depends_on      = [google_project_service.api]
}

resource "google_compute_target_https_proxy" "edge" {
  name             = "imangor"
  url_map          = google_compute_url_map.edge.id
  ssl_certificates = [google_compute_managed_ssl_certificate.edge.id]
  ssl_policy       = google_compute_ssl_policy.edge.id
}

resource "google_compute_target_http_proxy" "redirect" {
  name    = "imangor-to-https"
  url_map = google_compute_url_map.redirect.id
}

resource "google_compute_global_forwarding_rule" "edge" {
  for_each = {
    https = { port = "443", target = google_compute_target_https_proxy.edge.id }
    http  = { port = "80", target = google_compute_target_http_proxy.redirect.id }
  }
  name                  = "imangor-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.edge.id
  port_range            = each.value.port
  target                = each.value.target
}

# Rules look at addresses, methods and paths, not at bodies: texts to translate may look like anything.
resource "google_compute_security_policy" "edge" {
  name = "imangor"

  rule {
    priority    = 1000
    action      = "deny(403)"
    description = "Known scanners"
    match {
      expr {
        expression = "evaluatePreconfiguredWaf('scannerdetection-v33-stable', {'sensitivity': 1})"
      }
    }
  }
  rule {
    priority    = 1100
    action      = "deny(403)"
    description = "Attacks on the protocol"
    match {
      expr {
        expression = "evaluatePreconfiguredWaf('protocolattack-v33-stable', {'sensitivity': 1})"
      }
    }
  }
  rule {
    priority    = 2000
    action      = "throttle"
    description = "Requests a minute from one address"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"
      rate_limit_threshold {
        count        = var.rate_per_minute
        interval_sec = 60
      }
    }
  }
  rule {
    priority    = 2147483647
    action      = "allow"
    description = "Everything else"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
  depends_on = [google_project_service.api]
}
