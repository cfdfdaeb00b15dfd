# The agent's settings on each compute node. terraform_data holds them, so nothing is downloaded and no cloud is needed.

terraform {
  required_version = ">= 1.4"
}

locals {
  # A name with a dot is whole already.
  fqdn = { for node in var.compute_nodes : node => strcontains(node, ".") ? node : "${node}.${var.domain}" }
}

resource "terraform_data" "node" {
  for_each = toset(var.compute_nodes)

  input = {
    host   = each.key
    fqdn   = local.fqdn[each.key]
    labels = merge(var.labels, { cluster = var.cluster_name })
    command = concat(
      ["mrprober", "agent", "run"],
      ["--cluster", var.cluster_name, "--host", each.key],
      ["--api-url", var.mrprober_api_url],
      ["--listen", var.agent.listen, "--state-dir", var.agent.state_dir],
      flatten([for user in var.agent.allow_users : ["--allow-user", user]]),
    )
  }
}
