# What the manifests and capabilities.yaml say, as plain data: names, URLs, triggers, roles, settings. This module
# has no provider and makes nothing, so that its outputs can be looked at and tested without an account.

locals {
  defaults     = yamldecode(file("${var.functions}/defaults.yaml"))
  capabilities = yamldecode(file(var.capabilities))
  absent       = { paths = [], uses = [], bucket = null, topic = null, schedule = null, queue = null }

  manifests = {
    for file in fileset(var.functions, "*/function.yaml") : dirname(file) => merge(
      local.absent, local.defaults, yamldecode(file("${var.functions}/${file}")),
    )
  }

  services = { for name, m in local.manifests : name => replace(name, "_", "-") }

  # Cloud Run's deterministic URL: known before the function is there, so that nothing here depends on a function.
  url_template = "https://{function}-${var.project_number}.${var.region}.run.app"
  urls         = { for name, service in local.services : name => replace(local.url_template, "{function}", service) }

  accounts = { for name, service in local.services : name => "fn-${service}" }
  emails   = { for name, id in local.accounts : name => "${id}@${var.project}.iam.gserviceaccount.com" }
  invoker  = { for who in ["tasks", "events", "schedules"] : who => "${who}-invoker@${var.project}.iam.gserviceaccount.com" }
  callers  = { storage = "events", pubsub = "events", task = "tasks", schedule = "schedules" }

  seconds = { for name, m in local.manifests : name => tonumber(trimsuffix(m.timeout, "s")) }
  topics = {
    for name, m in local.manifests : name => m.topic != null ? m.topic : local.services[name]
    if contains(["storage", "pubsub"], m.kind)
  }
  dead_letters = local.topics[var.dead_letters]

  # What the functions publish to: the buckets feed the topics of storage functions, Pub/Sub the dead letters.
  published = [for name, topic in local.topics : topic if local.manifests[name].kind == "pubsub" && topic != local.dead_letters]

  # What may be given up: dead letters go back to these.
  redriven = [for topic in values(local.topics) : topic if topic != local.dead_letters]

  queues = merge([
    for name, m in local.manifests : {
      for lane, pace in try(m.queue.priorities, { "" = m.queue }) :
      lane == "" ? local.services[name] : "${local.services[name]}-${lane}" => {
        function    = name
        rate        = pace.rate
        concurrent  = pace.concurrent
        attempts    = m.attempts + 1
        min_backoff = m.queue.min_backoff
        max_backoff = m.queue.max_backoff
      }
    } if m.queue != null
  ]...)

  deadlines = { for name, m in local.manifests : name => max(15, local.seconds[name]) if m.kind == "task" }

  # The more specific template first: letters sort before "~", which stands for a variable.
  templates = merge([
    for name, m in local.manifests : {
      for path in m.paths : replace(path, "/{[a-z_]+}/", "~") => {
        path     = path
        function = name
        template = strcontains(path, "{") ? replace(path, "}", "=*}") : null # as the load balancer writes it
      }
    }
  ]...)
  routes = [for key in sort(keys(local.templates)) : local.templates[key]]

  words = { for name, m in local.manifests : name => [for word in m.uses : local.capabilities.words[word]] }
  roles = {
    for name, words in local.words : name => [
      for grant in distinct(concat(local.capabilities.always.roles, flatten(words[*].roles))) :
      { role = replace(grant.role, "custom/", "projects/${var.project}/roles/"), on = grant.on }
    ]
  }
  secrets = {
    for name, words in local.words : name => distinct(concat(local.capabilities.always.secrets, flatten(words[*].secrets)))
  }
  database_roles = { for name, words in local.words : name => one([for word in words : word.database_role if can(word.database_role)]) }

  derived = merge(var.settings, {
    GOOGLE_CLOUD_PROJECT = var.project
    LOCATION             = var.region
    TRACE_URL            = "https://telemetry.googleapis.com/v1/traces"
    FUNCTION_URL         = local.url_template
    TASKS_INVOKER        = local.invoker.tasks
    EVENTS_INVOKER       = local.invoker.events
    SCHEDULES_INVOKER    = local.invoker.schedules
    TASK_DEADLINES       = jsonencode(local.deadlines)
    VAULT_KEYS           = "gcp-kms://projects/${var.project}/locations/${var.region}/keyRings/${var.vault.ring}/cryptoKeys/${var.vault.key}"
  })
  own = {
    for name, m in local.manifests : name => {
      THREADS       = tostring(m.concurrency)
      CONCURRENCY   = tostring(m.concurrency)
      SIGNER_EMAIL  = local.emails[name]
      DATABASE_USER = trimsuffix(local.emails[name], ".gserviceaccount.com")
    }
  }
  values = { for name, own in local.own : name => merge(local.derived, own) }
  visible = {
    for name, words in local.words : name => distinct(concat(
      local.capabilities.manifest, local.capabilities.always.env, local.capabilities.always.cloud,
      flatten(words[*].env), flatten(words[*].cloud),
    ))
  }
}
