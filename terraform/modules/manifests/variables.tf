variable "functions" {
  type        = string
  description = "Folder of the manifests."
}

variable "capabilities" {
  type        = string
  description = "The file capabilities.yaml."
}

variable "project" {
  type        = string
  description = "Project id."
}

variable "project_number" {
  type        = string
  description = "Project number, which is part of every function's URL."
}

variable "region" {
  type        = string
  description = "Region of the functions."
}

variable "settings" {
  type        = map(string)
  description = "Settings that are not secret and do not follow from the manifests, by name."
}

variable "dead_letters" {
  type        = string
  default     = "on_dead_letter"
  description = "The function that keeps dead letters."
}

variable "vault" {
  type        = object({ ring = string, key = string })
  default     = { ring = "imangor", key = "vault" }
  description = "Names of the key that encrypts data keys, and of its ring."
}
