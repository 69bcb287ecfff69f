variable "name" {
  type        = string
  description = "The function's folder, which is its entry point."
}

variable "function" {
  type        = any
  description = "What modules/manifests says of it."
}

variable "project" {
  type        = string
  description = "Project id."
}

variable "region" {
  type        = string
  description = "Region of the function."
}

variable "labels" {
  type        = map(string)
  description = "Labels of what is made."
}

variable "pin_traffic" {
  type        = bool
  description = "Leave the service's traffic where it is."
}

variable "bundle" {
  type        = object({ bucket = string, object = string })
  description = "The function's zip."
}

variable "build" {
  type        = object({ repository = string, account = string })
  description = "Where its image goes, and who builds it."
}

variable "network" {
  type        = object({ network = string, subnetwork = string })
  description = "Network by which it reaches private addresses."
}

variable "buckets" {
  type        = map(string)
  description = "Buckets, by their word in capabilities.yaml."
}

variable "queues" {
  type        = map(string)
  description = "Queues that tasks may be put into."
}

variable "topics" {
  type        = map(string)
  description = "Topics that events may be published to."
}

variable "redriven" {
  type        = map(string)
  description = "Topics that dead letters may be published to again."
}

variable "invokers" {
  type        = map(string)
  description = "Resource names of the service accounts that call functions."
}

variable "secrets" {
  type        = map(string)
  description = "Secret of each secret setting."
}

variable "vault_key" {
  type        = string
  description = "Key that encrypts data keys."
}
