output "functions" {
  description = "Every function: what it runs as, what calls it, what it may do and what it is told."
  value = {
    for name, m in local.manifests : name => {
      kind          = m.kind
      service       = local.services[name]
      url           = local.urls[name]
      account       = local.accounts[name]
      public        = contains(["http", "stream"], m.kind)
      invoker       = contains(keys(local.callers), m.kind) ? local.invoker[local.callers[m.kind]] : null
      runtime       = m.runtime
      memory        = m.memory
      cpu           = tostring(m.cpu)
      concurrency   = m.concurrency
      timeout       = local.seconds[name]
      min_instances = m.min_instances
      max_instances = m.max_instances
      roles         = local.roles[name]
      secrets       = local.secrets[name]
      # A setting that nobody gives a value has the default that the code gives it.
      env = { for key in local.visible[name] : key => local.values[name][key] if can(local.values[name][key]) }
    }
  }
}

output "topics" {
  description = "Topics of event functions, by function."
  value       = local.topics
}

output "published" {
  description = "Topics that functions publish to."
  value       = local.published
}

output "redriven" {
  description = "Topics that dead letters come from."
  value       = local.redriven
}

output "dead_letters" {
  description = "Topic of the dead letters."
  value       = local.dead_letters
}

output "subscriptions" {
  description = "Push subscriptions, by the function's service name."
  value = {
    for name, topic in local.topics : local.services[name] => {
      function     = name
      topic        = topic
      url          = local.urls[name]
      invoker      = local.invoker.events
      ack_deadline = min(max(10, local.seconds[name]), 600)
      attempts     = min(local.manifests[name].attempts, 100)
      # A dead letter that cannot be handled is tried again; it has nowhere further to go.
      dead_letter = topic == local.dead_letters ? null : local.dead_letters
    }
  }
}

output "notifications" {
  description = "Which bucket's new objects go to which function's topic."
  value       = { for name, m in local.manifests : name => { bucket = m.bucket, topic = local.topics[name] } if m.kind == "storage" }
}

output "queues" {
  description = "Queues, by name."
  value       = local.queues
}

output "schedules" {
  description = "Scheduled calls, by the function's service name."
  value = {
    for name, m in local.manifests : local.services[name] => {
      cron = m.schedule, url = local.urls[name], invoker = local.invoker.schedules, deadline = max(15, local.seconds[name])
    } if m.kind == "schedule"
  }
}

output "routes" {
  description = "URL templates and the functions behind them, the most specific first."
  value       = local.routes
}

output "database_users" {
  description = "IAM user of each function that reaches the database, and the one role it is a member of."
  value = {
    for name, role in local.database_roles : name => { user = local.own[name].DATABASE_USER, role = role } if role != null
  }
}

output "secrets" {
  description = "Every secret that some function takes."
  value       = distinct(flatten(values(local.secrets)))
}

output "vault" {
  value       = var.vault
  description = "Names of the key that encrypts data keys, and of its ring."
}

output "custom_roles" {
  description = "Roles of the project's own: permissions by name."
  value       = local.capabilities.custom_roles
}
