terraform {
  required_version = ">= 1.11" # write-only arguments keep secrets out of the state

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 8.7"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }

  backend "gcs" {} # bucket and prefix by -backend-config: see docs/operations/deploy.md
}

provider "google" {
  project = var.project
  region  = var.region
}
