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
}

variable "domain" {
  description = "DNS domain of the machines, and the zone of zones/hosts."
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
  description = "Addresses of the resolvers; each gets a machine."
  type        = list(string)

  validation {
    condition     = length(var.resolvers) > 0 && length(var.resolvers) == length(toset(var.resolvers))
    error_message = "resolvers has to name at least one address, and none twice."
  }
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
  description = "Availability zones; the resolvers are spread over them in turn."
  type        = list(string)

  validation {
    condition     = length(var.zones) > 0 && length(var.zones) == length(toset(var.zones))
    error_message = "zones has to name at least one zone, and none twice."
  }
}

variable "clients" {
  description = "Networks whose questions are answered, in CIDR form."
  type        = list(string)
}

variable "named" {
  description = "Sizes of the name server."
  type = object({
    max_cache_mb      = number
    max_udp_size      = number
    recursive_clients = number
  })
}

variable "secondary" {
  description = "The zone that is copied from its owner, and the owner's servers."
  type = object({
    zone      = string
    primaries = list(string)
  })
}

variable "transfer_key" {
  description = "TSIG secret (base64) the owner of the secondary zone gave us; empty for transfers without a key."
  type        = string
  sensitive   = true
  default     = ""
}

variable "cookie_secret" {
  description = "Secret of DNS cookies, from initial_values."
  type        = string
  sensitive   = true
  default     = ""

  validation {
    condition     = can(regex("^([0-9a-f]{32})?$", var.cookie_secret))
    error_message = "cookie_secret has to be 32 hexadecimal digits, or empty."
  }
}

variable "records" {
  description = "Addresses the resolvers answer themselves, from the hook that reads zones/hosts."
  type = list(object({
    name = string
    type = string
    data = string
  }))
  default = []

  validation {
    condition     = alltrue([for record in var.records : contains(["A", "AAAA"], record.type)])
    error_message = "Records have to be of type A or AAAA."
  }
}
