# terraform test: what the templates render, with and without the values that a new cluster does not have yet.

variables {
  ycp_profile      = "none"
  yc_endpoint      = "api.cloud.example.net:443"
  cluster_name     = "dns-resolvers"
  domain           = "example.net"
  mrprober_api_url = "http://127.0.0.1:8080"
  metadata_url     = "http://169.254.169.254/computeMetadata/v1"
  resolvers        = ["10.0.0.2", "10.0.1.2", "10.0.2.2"]
  ntp_servers      = ["ntp1.example.net"]
  zones            = ["ru-central1-a", "ru-central1-b"]
  clients          = ["10.0.0.0/8"]
  named            = { max_cache_mb = 256, max_udp_size = 1232, recursive_clients = 2000 }
  secondary        = { zone = "corp.example.net", primaries = ["192.0.2.53"] }
}

run "without_secrets" {
  command = plan

  assert {
    condition     = !strcontains(nonsensitive(output.configs["dns-resolvers-1"]), "key \"transfer\"")
    error_message = "no key is named when there is none"
  }

  assert {
    condition     = output.addresses["dns-resolvers-3"] == "10.0.2.2"
    error_message = "one resolver an address"
  }

  assert {
    condition     = terraform_data.resolver["dns-resolvers-3"].input.zone == "ru-central1-a"
    error_message = "the zones take turns"
  }
}

run "with_everything" {
  command = plan

  variables {
    cookie_secret = "00112233445566778899aabbccddeeff"
    transfer_key  = "dGhpcyBpcyBhIGRlbW8sIG5vdCBhIGtleQ==\n"
    records       = [{ name = "www", type = "A", data = "10.0.0.80" }, { name = "www", type = "AAAA", data = "2001:db8::80" }]
  }

  assert {
    condition     = strcontains(nonsensitive(output.configs["dns-resolvers-2"]), "secret \"dGhpcyBpcyBhIGRlbW8sIG5vdCBhIGtleQ==\";")
    error_message = "the key stands in the configuration without the line end of its file"
  }

  assert {
    condition     = strcontains(output.zone, "www\tIN\tAAAA\t2001:db8::80")
    error_message = "records stand in the zone"
  }
}

run "an_address_twice" {
  command = plan

  variables {
    resolvers = ["10.0.0.2", "10.0.0.2"]
  }

  expect_failures = [var.resolvers]
}

run "a_record_of_another_type" {
  command = plan

  variables {
    records = [{ name = "www", type = "CNAME", data = "portal" }]
  }

  expect_failures = [var.records]
}
