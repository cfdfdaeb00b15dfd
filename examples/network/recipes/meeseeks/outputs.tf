output "nodes" {
  description = "Full name of each compute node, by the name the list has."
  value       = local.fqdn
}

output "agent_commands" {
  description = "The command line of the agent on each node."
  value       = { for node, settings in terraform_data.node : node => join(" ", settings.output.command) }
}

output "node_count" {
  description = "How many nodes are watched."
  value       = length(terraform_data.node)
}

output "cloud" {
  description = "Where the nodes are."
  value = {
    profile     = var.ycp_profile
    endpoint    = var.yc_endpoint
    metadata    = var.metadata_url
    resolvers   = var.resolvers
    ntp_servers = var.ntp_servers
  }
}
