variable "ycp_profile" {
  description = "Profile of the cloud provider; `none` where no provider is used."
  type        = string
}

variable "yc_endpoint" {
  description = "Endpoint of the cloud API, host:port."
  type        = string
}

variable "cluster_name" {
  description = "Name of the cluster; agents report under it."
  type        = string
}

variable "domain" {
  description = "DNS domain of the environment; a node's short name is made whole with it."
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
  description = "Resolvers of the environment."
  type        = list(string)
}

variable "ntp_servers" {
  description = "Time servers of the environment."
  type        = list(string)
}

variable "labels" {
  description = "Labels put on everything that is created."
  type        = map(string)
  default     = {}
}

variable "compute_nodes" {
  description = "Host names of the compute nodes, kept equal to the real list from outside."
  type        = list(string)

  validation {
    condition     = length(var.compute_nodes) == length(toset(var.compute_nodes))
    error_message = "compute_nodes names a node twice."
  }

  validation {
    condition = alltrue([
      for node in var.compute_nodes : can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", node))
    ])
    error_message = "Every compute node has to be a host name in lower case."
  }
}

variable "agent" {
  description = "Settings of the agent on a node."
  type = object({
    listen      = string
    state_dir   = string
    allow_users = optional(list(string), [])
  })
}
