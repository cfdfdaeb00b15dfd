output "hosts" {
  description = "Names of the machines: the values of --host that their agents use."
  value       = sort(keys(terraform_data.machine))
}

output "addresses" {
  description = "Address of each machine by name."
  value       = { for name, machine in terraform_data.machine : name => machine.output.address }
}

output "hosts_by_zone" {
  description = "Names of the machines of each zone."
  value       = { for name, machine in local.machines : machine.zone => name... }
}

output "cloud" {
  description = "Where the machines were made."
  value       = { profile = var.ycp_profile, endpoint = var.yc_endpoint, metadata = var.metadata_url }
}
