variable "project" {
  type        = string
  description = "Project id. An environment is a project of its own."
}

variable "project_number" {
  type        = string
  description = "Number of that project, which is part of every function's URL."
  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "The project number has digits only: gcloud projects describe PROJECT --format='value(projectNumber)'."
  }
}

variable "environment" {
  type        = string
  description = "dev, staging, prod or branch: a label on what is made."
}

variable "region" {
  type        = string
  default     = "us-central1"
  description = "Region of everything that has one."
}

variable "domain" {
  type        = string
  description = "Domain name that the API answers under; its A record points to the output `address`."
}

variable "bundles" {
  type        = string
  default     = "../build/bundles"
  description = "Folder that `make bundle` fills."
}

variable "cors_origins" {
  type        = list(string)
  default     = []
  description = "Origins that browsers may call the API and upload from."
}

variable "app_url" {
  type        = string
  default     = null
  description = "URL of the page that people use, which e-mails link to; null for the domain itself."
}

variable "mail_from" {
  type        = string
  default     = null
  description = "Address that e-mails come from; null for no-reply at the domain."
}

variable "smtp_url" {
  type        = string
  ephemeral   = true
  sensitive   = true
  default     = "smtps://mail.invalid"
  description = "Mail server with user and password, such as smtps://user:password@smtp.example.org. Raise its number in `secrets_version` with every change. Without it e-mails wait and are given up."
}

variable "settings" {
  type        = map(string)
  default     = {}
  description = "Values for settings of docs/configuration.md that are neither secret nor made here, such as LOG_LEVEL."
}

variable "secrets_version" {
  type        = map(number)
  default     = {}
  description = "By secret: raise the number to have a new random value made. See the warning in deploy.md."
}

variable "pin_traffic" {
  type        = bool
  default     = false
  description = "Leave traffic on the revisions that the Cloud Run services are pinned to, instead of moving it to the newest at once."
}

variable "database_tier" {
  type        = string
  description = "Machine of Cloud SQL, such as db-custom-2-7680."
}

variable "database_connections" {
  type        = number
  description = "Connections that the database takes. All instances of all functions must find room in it; a change is a restart. See scaling.md."
}

variable "database_available" {
  type        = bool
  default     = false
  description = "A standby of the database in a second zone."
}

variable "database_replicas" {
  type        = number
  default     = 0
  description = "Read replicas of the database."
}

variable "replica_region" {
  type        = string
  default     = null
  description = "Region of the read replicas; null for the database's own. Another one outlives the loss of that. Not together with `cmek_key`, which is of one region."
}

variable "redis_tier" {
  type        = string
  default     = "BASIC"
  description = "BASIC, or STANDARD_HA for a standby."
}

variable "redis_gigabytes" {
  type        = number
  default     = 1
  description = "Memory of Redis, where it is one instance."
}

variable "redis_shards" {
  type        = number
  default     = 0
  description = "Shards of a Redis Cluster that takes the place of the one instance, with a replica each where the tier is STANDARD_HA; 0 for none. See scaling.md."
}

variable "protect" {
  type        = bool
  default     = true
  description = "Refuse to destroy the database and buckets that hold anything."
}

variable "results_retention_seconds" {
  type        = number
  default     = 0
  description = "Seconds for which no result may be deleted or replaced; 0 for no lock. A lock also stops erasure."
}

variable "cmek_key" {
  type        = string
  default     = null
  description = "Cloud KMS key (full resource name, same region) that encrypts database, Redis, buckets, topics and secrets; null for Google's keys."
}

variable "rate_per_minute" {
  type        = number
  default     = 600
  description = "Requests a minute that Cloud Armor lets through from one address."
}

variable "trial" {
  type        = object({ account = string, pictures = optional(number), network_pictures = optional(number) })
  default     = null
  description = "Lets visitors without an account try a few small pictures, which `account` (acc_…) has and pays: so many `pictures` a day of all, `network_pictures` of one network. Null for no trial; see trial.md."
  validation {
    condition     = var.trial == null ? true : can(regex("^acc_[0-9a-z]{26}$", var.trial.account))
    error_message = "The trial needs the id of an open account, acc_…"
  }
  validation {
    condition     = try(var.trial.network_pictures >= 1, true)
    error_message = "A trial of no pictures is none: leave `trial` null."
  }
  validation {
    condition     = try(var.trial.pictures >= max(1, coalesce(var.trial.network_pictures, 1)), true)
    error_message = "A trial of no pictures is none, and no network gets more than there are."
  }
}

variable "identity_platform" {
  type        = bool
  default     = false
  description = "Turn Identity Platform on in the project. It cannot be turned off again."
}

variable "identity_domains" {
  type        = list(string)
  default     = []
  description = "Domains, besides `domain`, whose pages may sign people in."
}

variable "identity_oidc" {
  type        = map(object({ issuer = string, client_id = string }))
  default     = {}
  description = "OpenID Connect providers that people may sign in with, by a short name: `acme` is `oidc.acme`."
  validation {
    condition     = alltrue([for name, provider in var.identity_oidc : can(regex("^[a-z0-9][a-z0-9.-]*$", name)) && startswith(provider.issuer, "https://")])
    error_message = "Names are small letters, digits, dots and hyphens; issuers are https URLs."
  }
}

variable "alert_emails" {
  type        = list(string)
  default     = []
  description = "Addresses that alerts are sent to."
}

variable "billing_account" {
  type        = string
  default     = null
  description = "Billing account of the budget; null for no budget."
}

variable "monthly_budget" {
  type        = number
  default     = 100
  description = "Budget a month, in whole units of the billing account's currency."
}

variable "audit_days" {
  type        = number
  default     = 400
  description = "Days that audit and security logs are kept."
}

variable "provider_prices" {
  type        = object({ picture = number, character = number })
  default     = { picture = 0.0015, character = 0.00002 }
  description = "List prices in US dollars: of a picture that Vision reads, of a character that Translation takes."
}

variable "provider_hourly_cost" {
  type        = number
  default     = 20
  description = "US dollars that Vision and Translation may cost in an hour before somebody is told."
}
