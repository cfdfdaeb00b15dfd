output "hosts" {
  description = "Names of the machines: the values of --host that their agents use."
  value       = sort(keys(terraform_data.resolver))
}

output "addresses" {
  description = "Address of each resolver by name."
  value       = { for name, server in local.servers : name => server.address }
}

output "zone" {
  description = "The zone file every resolver serves."
  value       = local.zone_db
}

output "configs" {
  description = "named.conf of each resolver by name; holds secrets."
  value       = local.named_conf
  sensitive   = true
}

output "cloud" {
  description = "Where the machines were made."
  value       = { profile = var.ycp_profile, endpoint = var.yc_endpoint, metadata = var.metadata_url }
}
