# One resolver for each address in `resolvers`, spread over the zones. Each is a terraform_data, so this recipe runs anywhere and
# downloads no provider; the provider's instance resource takes the same values, user_data above all.

terraform {
  required_version = ">= 1.4"
}

locals {
  servers = {
    for index, address in var.resolvers : "${var.cluster_name}-${index + 1}" => {
      zone    = element(var.zones, index)
      address = address
    }
  }

  zone_db = templatefile("${path.module}/templates/zone.db.tftpl", {
    domain  = var.domain
    servers = { for name, server in local.servers : name => server.address }
    records = var.records
    serial  = local.serial
  })

  # A changed zone needs a changed serial; nobody copies this zone, so it need not grow.
  serial = parseint(substr(sha256(jsonencode([local.servers, var.records])), 0, 7), 16)

  named_conf = {
    for name, server in local.servers : name => templatefile("${path.module}/templates/named.conf.tftpl", {
      host          = name
      zone          = server.zone
      domain        = var.domain
      clients       = var.clients
      named         = var.named
      secondary     = var.secondary
      transfer_key  = trimspace(var.transfer_key)
      cookie_secret = var.cookie_secret
    })
  }
}

resource "terraform_data" "resolver" {
  for_each = local.servers

  input = {
    name    = each.key
    zone    = each.value.zone
    address = each.value.address
    labels  = merge(var.labels, { cluster = var.cluster_name })
    user_data = templatefile("${path.module}/templates/cloud-init.yaml.tftpl", {
      fqdn        = "${each.key}.${var.domain}"
      domain      = var.domain
      ntp_servers = var.ntp_servers
      named_conf  = local.named_conf[each.key]
      zone_db     = local.zone_db
      agent_environment = join("", [
        "MRPROBER_CLUSTER=${var.cluster_name}\n",
        "MRPROBER_HOST=${each.key}\n",
        "MRPROBER_API_URL=${var.mrprober_api_url}\n",
      ])
    })
  }
}
