# Machines of a cluster. Each is a terraform_data, so this recipe runs anywhere and downloads no provider; in a real cloud the
# provider's instance resource takes the same values, and nothing else changes: variables, outputs and probers stay as they are.

terraform {
  required_version = ">= 1.4"
}

locals {
  # Addresses below .10 belong to the gateway and to services of the subnet.
  first_address = 10

  regular = merge([
    for zone in var.zones : {
      for index in range(var.machines_per_zone) :
      "${var.cluster_name}-${zone}-${index + 1}" => {
        zone    = zone
        address = cidrhost(var.subnets[zone], local.first_address + index)
      }
    }
  ]...)

  canary = var.canary ? {
    "${var.cluster_name}-canary" = {
      zone    = var.zones[0]
      address = cidrhost(var.subnets[var.zones[0]], local.first_address + var.machines_per_zone)
    }
  } : {}

  machines = merge(local.regular, local.canary)
}

resource "terraform_data" "machine" {
  for_each = local.machines

  # A machine cannot change its image, platform, zone or address while it lives: those make a new one.
  triggers_replace = [var.vm.image, var.vm.platform, each.value.zone, each.value.address]

  input = {
    name        = each.key
    fqdn        = "${each.key}.${var.domain}"
    zone        = each.value.zone
    address     = each.value.address
    cores       = var.vm.cores
    memory_gb   = var.vm.memory_gb
    disk_gb     = var.vm.disk_gb
    preemptible = var.vm.preemptible
    labels      = merge(var.labels, { cluster = var.cluster_name, canary = endswith(each.key, "-canary") ? "yes" : "no" })
    user_data   = local.user_data[each.key]
  }
}

locals {
  # What the machine does at its first boot: names, clock, resolvers, and the agent.
  user_data = {
    for name, machine in local.machines : name => join("\n", ["#cloud-config", yamlencode({
      fqdn               = "${name}.${var.domain}"
      manage_resolv_conf = true
      resolv_conf        = { nameservers = var.resolvers, searchdomains = [var.domain] }
      ntp                = { enabled = true, servers = var.ntp_servers }
      write_files = [{
        path    = "/etc/default/mrprober-agent"
        content = "MRPROBER_CLUSTER=${var.cluster_name}\nMRPROBER_HOST=${name}\nMRPROBER_API_URL=${var.mrprober_api_url}\n"
      }]
      runcmd = [["systemctl", "enable", "--now", "mrprober-agent.service"]]
    })])
  }
}
