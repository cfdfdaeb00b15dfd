variable "ycp_profile" {
  description = "Profile of the cloud provider; `none` where no provider is used."
  type        = string
}

variable "yc_endpoint" {
  description = "Endpoint of the cloud API, host:port."
  type        = string
}

variable "cluster_name" {
  description = "Name of the cluster; host names start with it, and agents report under it."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", var.cluster_name))
    error_message = "cluster_name has to be lower-case letters, digits and inner dashes."
  }
}

variable "domain" {
  description = "DNS domain the machines live in."
  type        = string
}

variable "mrprober_api_url" {
  description = "Where the agents fetch their probers."
  type        = string
}

variable "metadata_url" {
  description = "Root of the metadata service as seen from a machine."
  type        = string
}

variable "resolvers" {
  description = "Resolvers the machines are configured with."
  type        = list(string)
}

variable "ntp_servers" {
  description = "Time servers the machines are configured with."
  type        = list(string)
}

variable "labels" {
  description = "Labels put on everything that is created."
  type        = map(string)
  default     = {}
}

variable "zones" {
  description = "Availability zones; each gets machines_per_zone machines."
  type        = list(string)

  validation {
    condition     = length(var.zones) > 0 && length(var.zones) == length(toset(var.zones))
    error_message = "zones has to name at least one zone, and none twice."
  }
}

variable "subnets" {
  description = "IPv4 subnet of each zone, in CIDR form."
  type        = map(string)

  validation {
    condition     = alltrue([for subnet in values(var.subnets) : can(cidrhost(subnet, 0))])
    error_message = "Every value of subnets has to be an IPv4 prefix such as 10.1.0.0/24."
  }
}

variable "machines_per_zone" {
  description = "How many machines each zone gets."
  type        = number

  validation {
    condition     = var.machines_per_zone >= 1 && var.machines_per_zone <= 50
    error_message = "machines_per_zone has to be between 1 and 50."
  }
}

variable "canary" {
  description = "Whether to add one machine <cluster>-canary in the first zone: new probers and agents meet it first."
  type        = bool
  default     = false
}

variable "vm" {
  description = "Size and image of a machine."
  type = object({
    platform    = string
    cores       = number
    memory_gb   = number
    disk_gb     = number
    image       = string
    preemptible = optional(bool, false)
  })
}
