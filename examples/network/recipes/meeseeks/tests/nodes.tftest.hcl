# terraform test: one node's settings, an empty list, and lists that have to be refused.

variables {
  ycp_profile      = "none"
  yc_endpoint      = "api.cloud.example.net:443"
  cluster_name     = "meeseeks"
  domain           = "example.net"
  mrprober_api_url = "http://127.0.0.1:8080"
  metadata_url     = "http://169.254.169.254/computeMetadata/v1"
  resolvers        = ["10.0.0.2"]
  ntp_servers      = ["ntp1.example.net"]
  agent            = { listen = "127.0.0.1:9314", state_dir = "/var/lib/mrprober", allow_users = ["root"] }
}

run "one_agent_a_node" {
  variables {
    compute_nodes = ["node-1", "node-2.other.example.net"]
  }

  assert {
    condition     = output.nodes == { "node-1" = "node-1.example.net", "node-2.other.example.net" = "node-2.other.example.net" }
    error_message = "short names get the domain, whole names stay"
  }

  assert {
    condition     = endswith(output.agent_commands["node-1"], "--allow-user root")
    error_message = "the agent is told which users probers may run as"
  }
}

run "no_nodes_yet" {
  command = plan

  variables {
    compute_nodes = []
  }

  assert {
    condition     = output.node_count == 0
    error_message = "an empty list is a plan without machines"
  }
}

run "a_node_twice" {
  command = plan

  variables {
    compute_nodes = ["node-1", "node-1"]
  }

  expect_failures = [var.compute_nodes]
}

run "not_a_host_name" {
  command = plan

  variables {
    compute_nodes = ["node 1"]
  }

  expect_failures = [var.compute_nodes]
}
