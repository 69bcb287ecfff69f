# Log-based metrics, alerts, objectives and the dashboard. The lists are data: metrics.yaml, alerts.yaml and charts.yaml.

locals {
  metrics = yamldecode(file("${path.module}/metrics.yaml"))
  alerts = yamldecode(templatefile("${path.module}/alerts.yaml", {
    scheduled = join("|", keys(module.manifests.schedules))
    rounds    = length(module.manifests.schedules)

    picture_price   = var.provider_prices.picture
    character_price = var.provider_prices.character
    hourly_cost     = var.provider_hourly_cost

    # Where no self-test is scheduled, none is missed.
    selftest_window = max(30, 4 * local.selftest_minutes)
    selftest_least  = local.selftest_minutes == 0 ? 0 : 1
  }))
  selftest_minutes = tonumber(lookup(local.settings, "SELFTEST_MINUTES", "0"))

  charts = yamldecode(file("${path.module}/charts.yaml"))
  # What an alert compares with its limit is what the dashboard draws.
  drawn = merge(local.charts, { for name, alert in local.alerts : "alert_${name}" => {
    title = alert.title
    query = replace(alert.query, "/\\s[<>]=? [0-9.]+$/", "")
  } })
  services  = [for f in values(local.public) : f.service]
  run       = "resource.type=\"cloud_run_revision\""
  served    = "${local.run} AND resource.label.service_name=one_of(${join(",", formatlist("\"%s\"", local.services))})"
  calls     = "metric.type=\"run.googleapis.com/request_count\" AND ${local.served}"
  latencies = "metric.type=\"run.googleapis.com/request_latencies\" AND ${local.served}"

  # How fast the error budget burns: 2% of it in an hour, 5% in six; the short window ends the alert soon.
  burns = {
    fast = { long = "3600s", short = "300s", rate = 14.4, severity = "CRITICAL" }
    slow = { long = "21600s", short = "1800s", rate = 6, severity = "ERROR" }
  }
  objectives = { availability = google_monitoring_slo.availability.id, latency = google_monitoring_slo.latency.id }
  burning    = { for pair in setproduct(keys(local.objectives), keys(local.burns)) : join("-", pair) => merge({ objective = pair[0] }, local.burns[pair[1]]) }
  channels   = [for channel in google_monitoring_notification_channel.email : channel.id]
}

resource "google_monitoring_notification_channel" "email" {
  for_each     = toset(var.alert_emails)
  display_name = each.value
  type         = "email"
  labels       = { email_address = each.value }
}

resource "google_logging_metric" "code" {
  for_each        = local.metrics.code
  name            = each.key
  filter          = "${local.run} AND jsonPayload.metric=\"${each.key}\""
  value_extractor = each.value.kind == "distribution" ? "EXTRACT(jsonPayload.value)" : null
  label_extractors = {
    for label in each.value.labels : label => "EXTRACT(jsonPayload.labels.${label})"
  }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = each.value.kind == "distribution" ? "DISTRIBUTION" : "INT64"
    unit        = try(each.value.unit, "1")
    dynamic "labels" {
      for_each = each.value.labels
      content {
        key        = labels.value
        value_type = "STRING"
      }
    }
  }
  dynamic "bucket_options" {
    for_each = each.value.kind == "distribution" ? [true] : []
    content {
      exponential_buckets {
        num_finite_buckets = 40
        growth_factor      = 1.5
        scale              = 0.05
      }
    }
  }
}

resource "google_logging_metric" "platform" {
  for_each = local.metrics.platform
  name     = each.key
  filter   = each.value

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

resource "google_monitoring_alert_policy" "alert" {
  for_each              = local.alerts
  display_name          = each.value.title
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels
  user_labels           = local.labels

  conditions {
    display_name = each.value.title
    condition_prometheus_query_language {
      query               = each.value.query
      duration            = each.value.for
      evaluation_interval = "60s"
    }
  }
  documentation {
    content   = "${each.value.text} Runbook: docs/operations/runbooks/${each.value.runbook}.md"
    mime_type = "text/markdown"
  }
  depends_on = [google_logging_metric.code, google_logging_metric.platform]
}

resource "google_monitoring_custom_service" "api" {
  service_id   = "imangor-api"
  display_name = "Imangor's API"
  depends_on   = [google_project_service.api]
}

resource "google_monitoring_slo" "availability" {
  service             = google_monitoring_custom_service.api.service_id
  slo_id              = "availability"
  display_name        = "99.9% of calls end without a fault of ours"
  goal                = 0.999
  rolling_period_days = 28

  request_based_sli {
    good_total_ratio {
      total_service_filter = local.calls
      bad_service_filter   = "${local.calls} AND metric.label.response_code_class=\"5xx\""
    }
  }
}

resource "google_monitoring_slo" "latency" {
  service             = google_monitoring_custom_service.api.service_id
  slo_id              = "latency"
  display_name        = "95% of calls are answered within a second"
  goal                = 0.95
  rolling_period_days = 28

  request_based_sli {
    distribution_cut {
      distribution_filter = local.latencies
      range {
        min = 0
        max = 1000
      }
    }
  }
}

resource "google_monitoring_alert_policy" "burn" {
  for_each              = local.burning
  display_name          = "The error budget of ${each.value.objective} burns (${each.key})"
  combiner              = "AND"
  severity              = each.value.severity
  notification_channels = local.channels
  user_labels           = local.labels

  dynamic "conditions" {
    for_each = { long = each.value.long, short = each.value.short }
    content {
      display_name = "over ${conditions.value}"
      condition_threshold {
        filter          = "select_slo_burn_rate(\"${local.objectives[each.value.objective]}\", \"${conditions.value}\")"
        comparison      = "COMPARISON_GT"
        threshold_value = each.value.rate
        duration        = "0s"
      }
    }
  }
  documentation {
    content   = "Calls fail or are slow faster than the objective allows. If a deployment preceded it, move traffic back to the revision before. Runbook: docs/operations/runbooks/errors.md"
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_dashboard" "overview" {
  dashboard_json = jsonencode({
    displayName = "Imangor"
    mosaicLayout = {
      columns = 48
      tiles = [for index, name in concat(sort(keys(local.charts)), sort(setsubtract(keys(local.drawn), keys(local.charts)))) : {
        xPos   = (index % 2) * 24
        yPos   = floor(index / 2) * 12
        width  = 24
        height = 12
        widget = {
          title = local.drawn[name].title
          xyChart = {
            dataSets = [{
              plotType        = "LINE"
              timeSeriesQuery = { prometheusQuery = local.drawn[name].query }
            }]
          }
        }
      }]
    }
  })
  depends_on = [google_logging_metric.code, google_logging_metric.platform]
}

resource "google_billing_budget" "month" {
  count           = var.billing_account == null ? 0 : 1
  billing_account = var.billing_account
  display_name    = "Imangor ${var.environment}"

  budget_filter {
    projects = ["projects/${var.project_number}"]
  }
  amount {
    specified_amount {
      units = tostring(var.monthly_budget)
    }
  }
  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }
  threshold_rules {
    threshold_percent = 1.2
    spend_basis       = "FORECASTED_SPEND"
  }
  all_updates_rule {
    monitoring_notification_channels = local.channels
  }
  depends_on = [google_project_service.api]
}
