/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes that must be refused, with the words and the place of it, and recipes that must not. */
#include "../../lib/creator/gate.h"
#include "../../lib/creator/version.h"
#include "../../lib/value/json.h"
#include "recipes.h"

static const char allow_text[] = "{\"terraform\": {\"required_providers\": {"
				 "\"aws\": {\"source\": \"hashicorp/aws\", \"version\": \"5.100.0\"},"
				 "\"yandex\": {\"source\": \"yandex-cloud/yandex\", \"version\": \"= 0.90.0\"},"
				 "\"corp\": {\"source\": \"tf.example.com/cloud/corp\", \"version\": \"1.2.3\"}}}}";

/* The problems of a recipe as lines. */
static void judge(struct strbuf *out, const char *recipe, bool allow_programs)
{
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	cleanup(problems_clear) struct problems problems = PROBLEMS_INIT;
	cleanup(scan_release) struct scan scan;
	cleanup(providers_release) struct providers providers;
	cleanup(freep) char *folder = recipe_write(recipe);
	struct gate_policy policy = { &providers, allow_programs, false };

	scan_init(&scan);
	assert_int_equal(providers_parse(&providers, allow_text, strlen(allow_text), "allow", &err), 0);
	if (scan_recipe(&scan, folder, &problems, &err) < 0)
		fail_msg("%s\n%s", err.msg, recipe);
	gate_judge(&scan, &policy, &problems);
	for (size_t i = 0; i < problems.list.n; i++) {
		problem_format(out, &problems.list.v[i]);
		strbuf_addch(out, '\n');
	}
}

/* Each recipe is refused with a line that has this in it. */
static const struct {
	const char *recipe, *line;
} refused[] = {
	/* providers that nobody has declared */
	{ "resource \"null_resource\" \"a\" {}\n",
		"main.tf:1:1: resource 'null_resource.a': provider 'hashicorp/null' is not allowed" },
	{ "\n\ndata \"http\" \"a\" {}\n", "main.tf:3:1: data 'http.a': provider 'hashicorp/http' is not allowed" },
	{ "ephemeral \"random_password\" \"a\" {}\n",
		"main.tf:1:1: ephemeral 'random_password.a': provider "
		"'hashicorp/random' is not allowed" },
	{ "provider \"google\" {}\n", "main.tf:1:1: provider 'google': provider 'hashicorp/google' is not allowed" },
	{ "resource \"aws_x\" \"a\" {\n  provider = evil.west\n}\n",
		"main.tf:2:3: resource 'aws_x.a': provider 'hashicorp/evil' is not allowed" },
	{ "resource \"aws_x\" \"a\" {\n  provider = \"evil.west\"\n}\n", "main.tf:2:3: resource 'aws_x.a': provider" },
	{ "resource \"aws_x\" \"a\" {\n  provider = true ? aws : evil\n}\n",
		"main.tf:2:3: resource 'aws_x.a': provider must "
		"be a plain name" },
	{ "check \"a\" {\n  data \"http\" \"b\" {}\n}\n", "main.tf:2:3: data 'http.b': provider 'hashicorp/http'" },
	{ "import {\n  to = null_resource.a\n  id = 1\n}\n", "main.tf:1:1: import: provider 'hashicorp/null'" },
	{ "import {\n  to = null_resource.a[0]\n  id = 1\n}\n", "main.tf:1:1: import: provider 'hashicorp/null'" },
	{ "import {\n  to = aws_x.a\n  provider = evil\n  id = 1\n}\n",
		"main.tf:3:3: import: provider 'hashicorp/evil'" },
	{ "output \"a\" {\n  value = [for x in y : { z = \"${ provider::evil::run(x) }\" }]\n}\n",
		"main.tf:2:45: function provider::evil: provider 'hashicorp/evil' is not allowed" },
	{ "locals {\n  a = <<-E\n    ${provider /* x */ :: evil\n::run()}\n  E\n}\n",
		"main.tf:3:27: function provider::evil: provider" },
	{ "terraform {\n  provider_meta \"evil\" {}\n}\n", "main.tf:2:3: provider_meta: provider 'hashicorp/evil'" },
	{ "module \"m\" {\n  source = \"./m\"\n  providers = {\n    aws.x = evil.y\n  }\n}\n== m/a.tf\n\n",
		"main.tf:4:5: module 'm': provider 'hashicorp/evil' is not allowed" },
	/* sources */
	{ "terraform {\n  required_providers {\n    aws = { source = \"evil/aws\" }\n  }\n}\n",
		"main.tf:3:5: required_providers: provider 'evil/aws' is not allowed" },
	{ "terraform {\n  required_providers {\n    aws = { source = \"evil.com/hashicorp/aws\" }\n  }\n}\n",
		"main.tf:3:5: required_providers: provider 'evil.com/hashicorp/aws' is not allowed" },
	{ "terraform {\n  required_providers {\n    aws = { source = \"EVIL/AWS\" }\n  }\n}\n",
		"provider 'evil/aws' is" },
	{ "terraform {\n  required_providers {\n    yandex = \"0.90.0\"\n  }\n}\n",
		"main.tf:3:5: required_providers: provider 'hashicorp/yandex' is not allowed" },
	{ "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/${\"aws\"}\" }\n  }\n}\n",
		"main.tf:3:13: provider 'aws': source must be a plain string" },
	{ "terraform {\n  required_providers {\n    aws = { source = true ? \"evil/aws\" : \"hashicorp/aws\" }\n  "
	  "}\n}\n",
		"source must be a plain string" },
	{ "terraform {\n  required_providers {\n    aws = { (\"source\") = \"evil/aws\" }\n  }\n}\n",
		"provider 'aws': required_providers has no ''" },
	{ "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\", source = \"evil/aws\" }\n  "
	  "}\n}\n",
		"main.tf:3:39: 'source' is set twice" },
	{ "terraform {\n  required_providers {\n    aws = { source = \"a/b/c/d\" }\n  }\n}\n",
		"'a/b/c/d' is not the source" },
	{ "terraform {\n  required_providers {\n    aws = { source = \"\" }\n  }\n}\n", "'' is not the source" },
	{ "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/\xd0\xb0ws\" }\n  }\n}\n",
		"is not the source" },
	{ "terraform {\n  required_providers {\n    aws = var.x\n  }\n}\n",
		"main.tf:3:5: provider 'aws': an object with" },
	{ "terraform {\n  required_providers {\n    aws {\n      source = \"evil/aws\"\n    }\n  }\n}\n",
		"main.tf:3:5: a block in required_providers" },
	{ "terraform {\n  required_providers = {\n    aws = { source = \"evil/aws\" }\n  }\n}\n",
		"main.tf:2:3: 'required_providers' in 'terraform' is not known" },
	{ "terraform {\n  required_providers {\n  }\n}\nterraform {\n  required_providers {\n  }\n}\n",
		"main.tf:6:3: a second required_providers block; the first is in main.tf, line 2" },
	{ "terraform {\n  required_providers {\n  }\n}\n== z.tf.json\n{\"terraform\": [{\"required_providers\": "
	  "{}}]}\n",
		"z.tf.json:1:39: a second required_providers block; the first is in main.tf, line 2" },
	{ "== z.tf.json\n{\"terraform\": {\"required_providers\": [{}, {}]}}\n", "z.tf.json:1:43: a second required_" },
	{ "== x_override.tf\nterraform {\n  required_providers {\n    aws = { source = \"evil/aws\" }\n  }\n}\n",
		"x_override.tf:3:5: required_providers: provider 'evil/aws' is not allowed" },
	{ "terraform {\n  required_providers {\n    AWS = { source = \"hashicorp/aws\" }\n  }\n}\n",
		"main.tf:3:5: provider 'AWS': its name must be in lower case" },
	/* versions that exclude the one that is allowed */
	{ "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\", version = \"~> 4.0\" }\n  "
	  "}\n}\n",
		"main.tf:3:5: required_providers: provider 'hashicorp/aws': version '~> 4.0' excludes 5.100.0" },
	{ "terraform {\n  required_providers {\n    aws = \">= 5.0, != 5.100.0\"\n  }\n}\n", "excludes 5.100.0" },
	{ "terraform {\n  required_providers {\n    aws = \"latest\"\n  }\n}\n",
		"'latest' is not a version constraint" },
	{ "terraform {\n  required_providers {\n    aws = { version = [\"5.100.0\"] }\n  }\n}\n",
		"version must be a plain string" },
	{ "provider \"aws\" {\n  version = \"< 5\"\n}\n",
		"main.tf:1:1: provider 'aws': provider 'hashicorp/aws': version" },
	{ "== .terraform.lock.hcl\nprovider \"registry.terraform.io/hashicorp/aws\" {\n  version = \"5.99.0\"\n}\n",
		".terraform.lock.hcl:1:1: provider 'hashicorp/aws' is locked to version 5.99.0, allowed is 5.100.0" },
	{ "== .terraform.lock.hcl\nprovider \"registry.terraform.io/evil/aws\" {\n  version = \"5.99.0\"\n}\n",
		".terraform.lock.hcl:1:1: lock file: provider 'evil/aws' is not allowed" },
	/* modules */
	{ "module \"m\" {\n  source = \"hashicorp/consul/aws\"\n}\n",
		"main.tf:2:3: module 'm': source 'hashicorp/consul/aws' is not local" },
	{ "module \"m\" {\n  source = \"git::https://example.com/x.git\"\n}\n", "is not local" },
	{ "module \"m\" {\n  source = \"github.com/a/b\"\n}\n", "is not local" },
	{ "module \"m\" {\n  source = \"https://example.com/x.zip\"\n}\n", "is not local" },
	{ "module \"m\" {\n  source = \"s3::https://example.com/x.zip\"\n}\n", "is not local" },
	{ "module \"m\" {\n  source = \"/etc\"\n}\n", "is not local" },
	{ "module \"m\" {\n  source = \"m\"\n}\n== m/a.tf\n\n", "is not local" },
	{ "module \"m\" {\n  source = \"../m\"\n}\n", "main.tf:2:3: module 'm': source '../m' leaves the recipe" },
	{ "module \"m\" {\n  source = \"./m/../../x\"\n}\n", "leaves the recipe" },
	{ "module \"m\" {\n  source = \"./m\"\n}\n", "source './m' is no folder of the recipe" },
	{ "module \"m\" {\n  source = \".\\\\m\"\n}\n", "is not local" },
	{ "module \"m\" {\n  source = \"./m\\\\..\\\\..\\\\x\"\n}\n", "is no path of a folder" },
	{ "module \"m\" {\n  source = \"./${var.x}\"\n}\n", "main.tf:2:3: module 'm': source must be a plain string" },
	{ "module \"m\" {\n  source = <<E\n./m\nE\n}\n", "source must be a plain string" },
	{ "module \"m\" {\n  source = \"./m\"\n  source = \"git::x\"\n}\n== m/a.tf\n\n",
		"main.tf:3:3: 'source' is set twice" },
	{ "module \"m\" {\n}\n", "main.tf:1:1: module 'm' has no source" },
	{ "module \"a.b\" {\n  source = \"./m\"\n}\n", "module 'a.b': not a name" },
	{ "module \"m\" {\n  source = \"./\"\n}\n", "is the module itself" },
	{ "module \"m\" {\n  source = \"./m\"\n}\n== m/a.tf\nmodule \"n\" {\n  source = \"../n\"\n}\n== n/a.tf\nmodule "
	  "\"m\" {\n  "
	  "source = \"../m\"\n}\n",
		"n/a.tf:2:3: module 'm': source '../m' is the module itself, or one that" },
	{ "module \"m\" {\n  source = \"./m\"\n}\n== m/a.tf\n\n== o_override.tf\nmodule \"m\" {\n  source = "
	  "\"git::x\"\n}\n",
		"o_override.tf:2:3: module 'm': source 'git::x' is not local" },
	{ "module \"m\" {\n  source = \"./m\"\n}\n== m/a.tf\nmodule \"n\" {\n  source = \"./n\"\n}\n== m/n/x.tf.json\n"
	  "{\"resource\": {\"null_resource\": {\"a\": {}}}}\n",
		"m/n/x.tf.json:1:33: resource 'null_resource.a': provider 'hashicorp/null' is not allowed" },
	/* what the root may leave out, a module may not: nobody declares it there */
	{ "module \"m\" {\n  source = \"./m\"\n}\n== m/a.tf\nresource \"corp_vm\" \"a\" {}\n",
		"m/a.tf:1:1: resource 'corp_vm.a': provider 'hashicorp/corp' is not allowed (the module does not "
		"declare" },
	{ "module \"m\" {\n  source = \"./m\"\n}\n== o_override.tf\nmodule \"m\" {\n  source = \"./n\"\n}\n== "
	  "m/a.tf\n\n== n/a.tf\n\n",
		"o_override.tf:2:3: module 'm': source './n' is not the one that it has in another place" },
	/* programs */
	{ "resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" {\n    command = \"id\"\n  }\n}\n",
		"main.tf:2:3: provisioner 'local-exec' of resource 'terraform_data.a': programs of recipes are not "
		"allowed" },
	{ "resource \"aws_x\" \"a\" {\n  b {\n    dynamic \"provisioner\" {\n      content {}\n    }\n  }\n}\n",
		"main.tf:3:5: dynamic provisioner of resource 'aws_x.a'" },
	{ "resource \"aws_x\" \"a\" {\n  dynamic \"b\" {\n    content {\n      provisioner \"remote-exec\" {}\n    }\n "
	  " }\n}\n",
		"main.tf:4:7: provisioner 'remote-exec' of resource 'aws_x.a'" },
	{ "resource \"aws_x\" \"a\" { /*\n*/ provisioner \"file\" {}\n}\n", "main.tf:2:4: provisioner 'file'" },
	{ "resource \"aws_x\" \"a\" {\n  provisioner \"local-e\\u0078ec\" {}\n}\n", "provisioner 'local-exec'" },
	{ "removed {\n  from = aws_x.a\n  provisioner \"local-exec\" {\n  }\n}\n",
		"main.tf:3:3: provisioner 'local-exec' of removed" },
	{ "data \"external\" \"a\" {\n  program = [\"id\"]\n}\n",
		"main.tf:1:1: data 'external.a': programs of recipes" },
	{ "data \"exter\\u006eal\" \"a\" {\n  provider = aws\n}\n",
		"main.tf:1:1: data 'external.a': programs of recipes" },
	{ "check \"a\" {\n  data \"external\" \"b\" {\n    provider = aws\n  }\n}\n",
		"main.tf:2:3: data 'external.b': programs" },
	{ "provider \"aws\" {\n  exec {\n    command = \"id\"\n  }\n}\n", "main.tf:2:3: exec of provider 'aws'" },
	{ "provider \"aws\" {\n  kubernetes = {\n    exec = {\n      command = \"id\"\n    }\n  }\n}\n",
		"main.tf:3:5: exec of" },
	{ "== a.tf.json\n{\"resource\": {\"terraform_data\": {\"a\": [{\"provisioner\": [{\"local-exec\": "
	  "{\"command\": \"id\"}}]}]}}}\n",
		"a.tf.json:1:58: provisioner 'local-exec' of resource 'terraform_data.a'" },
	{ "== a.tf.json\n{\"data\": [{\"external\": {\"a\": {\"program\": [\"id\"]}}}]}\n",
		"a.tf.json:1:25: data 'external.a'" },
	{ "== hooks/before-plan/10-a x\n#!/bin/sh\n",
		"hooks/before-plan/10-a: hook 'hooks/before-plan/10-a': programs" },
	{ "== hooks/after-apply/b x\n#!/bin/sh\n", "hooks/after-apply/b: hook 'hooks/after-apply/b': programs" },
	/* the state */
	{ "terraform {\n  backend \"s3\" {}\n}\n", "main.tf:2:3: block 'backend': where the state is kept is not for" },
	{ "terraform {\n  cloud {}\n}\n", "main.tf:2:3: block 'cloud': where the state" },
	{ "== zzz_override.tf\nterraform {\n  backend \"s3\" {}\n}\n", "zzz_override.tf: it would override what" },
	{ "== a.tf.json\n{\"terraform\": {\"backend\": {\"local\": {}}}}\n", "a.tf.json:1:28: block 'backend': where" },
	{ "== terraform.tfstate\n{}\n", "terraform.tfstate: a recipe must not bring a state" },
	{ "== terraform.tfstate.d/x/terraform.tfstate\n{}\n", "terraform.tfstate.d: terraform keeps its own" },
	{ "== .terraform/modules/modules.json\n{}\n", ".terraform: terraform keeps its own state there" },
	{ "== terraform.d/plugins/x\n\n", "terraform.d: terraform keeps its own state there" },
	{ "== zz_mrprober_sensitive.auto.tfvars\na = 1\n",
		"zz_mrprober_sensitive.auto.tfvars: its variables would replace" },
	{ "== terraform_providers.tf.json\n{}\n", "terraform_providers.tf.json: the creator writes this file" },
	/* files that are none */
	{ "== a.tf -> b\n\n", "a.tf: not a regular file" },
	{ "module \"m\" {\n  source = \"./m\"\n}\n== m -> /etc\n\n",
		"main.tf:2:3: module 'm': source './m' is no folder" },
	{ "== a.tofu\n\n", "a.tofu: what only OpenTofu reads" },
	{ "== tests/a.tftest.hcl\nrun \"a\" {\n}\n", "tests/a.tftest.hcl: a test in a work folder" },
	/* syntax that could hide something */
	{ "resource \"aws_x\" \"a\" {\n", "main.tf:2:1: a block is not closed" },
	{ "locals {\n  a = \"x\n}\n", "main.tf:2:9: a quoted string ends with its line" },
	{ "locals {\n  a = <<E\n  }\n", "main.tf:2:7: a heredoc does not end" },
	{ "locals {\n  a = <<E x\n  E\n}\n", "main.tf:2:7: a heredoc begins with" },
	{ "locals {\n  a = <<E\n\xc2\xa0"
	  "E\n}\n",
		"main.tf:3:1: odd characters beside the word" },
	{ "/* a\nlocals {}\n", "a comment does not end" },
	{ "locals {\n  a = \"$$${x}\"\n}\n", "main.tf:2:8: more than two '$'" },
	{ "locals {\n  a = (1]\n}\n", "main.tf:2:9: a bracket of another kind is open" },
	{ "locals {}\rlocals {}\n", "main.tf:1:10: a character that has no meaning here" },
	{ "locals {\n  a = 1 }\n  b = 1\n", "main.tf:3:3: 'b' stands outside" },
	{ "locals {\n  a = '1'\n}\n", "main.tf:2:7: a character that has no meaning" },
	{ "locals {\n  a = \"\xff\"\n}\n", "main.tf:2:8: not valid UTF-8" },
	{ "locals {\n  a = \"\\q\"\n}\n", "main.tf:2:9: no such escape" },
	{ "a = 1\n", "main.tf:1:1: 'a' stands outside of a block" },
	{ "action \"x\" \"y\" {}\n", "main.tf:1:1: block 'action' is not known" },
	{ "resource \"aws_x\" {}\n", "main.tf:1:1: block 'resource' has 1 labels, it takes 2" },
	{ "resource \"aws_${\"x\"}\" \"a\" {}\n", "main.tf:1:10: a label of a block is a plain string" },
	{ "== a.tf.json\n{\"resource\": {\"aws_x\": {}, \"aws_x\": {}}}\n", "a.tf.json is not valid JSON: line 1" },
	{ "== a.tf.json\n{\"resource\": {\"aws_x\": \"a\"}}\n", "a.tf.json:1:24: 'resource' is text" },
	{ "== a.tf.json\n[{\"x\": 1}]\n", "a.tf.json:1:3: 'x' stands outside of a block" },
	{ "== a.tf.json\n{\"locals\": {\"a\": \"${provider::evil::f()}\"}}\n",
		"a.tf.json:1:18: function provider::evil" },
	{ "== a.tf.json\n{\"locals\": {\"a\": \"${provider::aws::f(\"}}\n",
		"a.tf.json:1:18: in a string: a bracket is not" },
	{ "== a.tf.json\n{\"locals\": {\"a\": \"${provider::aws::f( }\"}}\n",
		"a.tf.json:1:18: in a string: a bracket of" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		cleanup(strbuf_release) struct strbuf lines = STRBUF_INIT;

		judge(&lines, refused[i].recipe, false);
		if (!strstr(lines.buf, refused[i].line))
			fail_msg("row %zu:\n%s\nexpected: %s\nsaid: %s", i, refused[i].recipe, refused[i].line,
				lines.buf);
	}
}

static const char *const accepted[] = {
	"",
	"\xef\xbb\xbf"
	"# a mark at the start\r\nlocals {}\r\n",
	"resource \"terraform_data\" \"a\" {\n  input = 1\n}\n",
	"data \"terraform_remote_state\" \"a\" {\n}\n",
	"output \"a\" {\n  value = provider::terraform::encode_expr(1)\n}\n",
	/* the root may leave out what terraform_providers.tf.json says */
	"resource \"aws_x\" \"a\" {}\nresource \"yandex_x\" \"a\" {}\nresource \"corp_vm\" \"a\" {}\n",
	"provider \"aws\" {}\nprovider \"aws\" {\n  alias = \"west\"\n}\nresource \"aws_x\" \"a\" {\n  provider = "
	"aws.west\n}\n",
	"terraform {\n  required_version = \">= 1.5\"\n  required_providers {\n    aws = {\n      source  = "
	"\"HashiCorp/AWS\"\n"
	"      version = \">= 5.0.0, < 6\"\n    }\n    yc = { source = \"registry.terraform.io/yandex-cloud/YANDEX\" "
	"}\n"
	"    foo = { \"source\" : \"TF.example.com/cloud/corp\" }\n  }\n}\nresource \"yc_x\" \"a\" {}\n",
	"module \"m\" {\n  source = \"./m/../m/./\"\n  providers = {\n    aws   = aws\n    aws.b = aws.west\n  "
	"}\n}\n== m/v.tf\n"
	"terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n"
	"      configuration_aliases = [aws.b]\n    }\n  }\n}\nresource \"aws_x\" \"a\" {\n  provider = aws.b\n}\n"
	"module \"n\" {\n  source = \"../n\"\n}\n== n/x.tf\n\n",
	/* what looks like blocks, and is none */
	"# resource \"evil_x\" \"a\" {\n// data \"external\" \"a\" {}\n/* module \"m\" {\n source = \"git::x\" } */\n",
	"locals {\n  a = <<-EOT\n    resource \"evil_x\" \"a\" {\n      provisioner \"local-exec\" {}\n    }\n    "
	"$${x} %%{if}\n"
	"    ${ { a = \"}\" }[\"a\"] }EOT\n    EOT x\n    EOT\n}\n",
	"locals {\n  a = \"resource \\\"evil_x\\\" \\\"a\\\" {\"\n  b = \"${\"${\"}\"}\"}\" # {\n  c = \"%{ if true "
	"}x%{ endif }\"\n"
	"  d = \"100% $5 $\"\n}\n",
	"locals {\n  provider = { x = provider, y = \"a::b\" }\n  a = [for k, v in { for x in [] : x => x... } : k if "
	"v != 0]\n}\n",
	"locals { a = 1 }\nvariable \"b\" {}\n",
	"locals {\n  a = (1 +\n    2)\n  b = x ? 1e5 : -1.5\n  c = y.*.z[0].0.w\n  d = a >= 1 && !(b <= 2) || c % 2 == "
	"0\n}\n",
	"resource \"aws_x\" \"a\" {\n  tags = { provisioner = \"x\", exec = true }\n}\n",
	"== a.tf.json\n{\"//\": \"x\", \"resource\": [{\"aws_x\": [{\"a\": {\"tags\": {\"provisioner\": "
	"{\"local-exec\": 1}}}}]}],\n"
	" \"provider\": {\"aws\": [{\"region\": \"x\"}, {\"alias\": \"b\"}]}, \"variable\": {\"v\": {\"default\": "
	"\"${x\"}},\n"
	" \"terraform\": {\"required_providers\": {\"aws\": {\"source\": \"hashicorp/aws\", \"version\": "
	"\"5.100.0\"}}}}\n",
	"== x_override.tf\nmodule \"m\" {\n  a = 1\n}\n== main.tf\nmodule \"m\" {\n  source = \"./m\"\n}\n== "
	"m/a.tf\n\n",
	"== .terraform.lock.hcl\n# comment\nprovider \"registry.terraform.io/hashicorp/aws\" {\n  version     = "
	"\"5.100.0\"\n"
	"  constraints = \"5.100.0\"\n  hashes = [\n    \"h1:x=\",\n  ]\n}\n",
	"== .x.tf\nresource \"evil_x\" \"a\" {}\n== b.tf~\n{{{\n== notes.txt\nmodule\n== unused/a.tf\nresource "
	"\"evil_x\" \"a\" {}\n",
	"moved {\n  from = a.b\n  to = a.c\n}\nremoved {\n  from = a.b\n  lifecycle {\n    destroy = false\n  }\n}\n"
	"import {\n  to = module.m.evil_x.a\n  id = \"1\"\n}\ncheck \"a\" {\n  assert {\n    condition = true\n  "
	"}\n}\n",
	"== hooks/before-plan/README\nnot executable\n== hooks/x x\n#!/bin/sh\n== a.auto.tfvars\nx = 1\n",
};

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++) {
		cleanup(strbuf_release) struct strbuf lines = STRBUF_INIT;

		judge(&lines, accepted[i], false);
		if (lines.len)
			fail_msg("row %zu:\n%s\nsaid: %s", i, accepted[i], lines.buf);
	}
}

static void test_programs_allowed(void **state)
{
	cleanup(strbuf_release) struct strbuf lines = STRBUF_INIT;

	(void)state;
	judge(&lines,
		"resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" {}\n}\n== hooks/before-plan/a "
		"x\n#!/bin/sh\n",
		true);
	assert_string_equal(lines.buf, "");
}

static void test_module_used_twice(void **state)
{
	cleanup(strbuf_release) struct strbuf lines = STRBUF_INIT;

	(void)state;
	judge(&lines,
		"module \"a\" {\n  source = \"./m\"\n}\nmodule \"b\" {\n  source = \"./m\"\n}\n== m/a.tf\n"
		"resource \"null_resource\" \"x\" {\n  provisioner \"file\" {}\n}\nwhat {}\n",
		false);
	assert_string_equal(lines.buf,
		"m/a.tf:1:1: resource 'null_resource.x': provider 'hashicorp/null' is not allowed (the module does not "
		"declare 'null' in required_providers)\n"
		"m/a.tf:2:3: provisioner 'file' of resource 'null_resource.x': programs of recipes are not allowed\n"
		"m/a.tf:4:1: block 'what' is not known\n");
}

static const struct {
	const char *constraint, *version;
	int admits; /* -1: no constraint */
} constraints[] = {
	{ "", "1.2.3", -1 },
	{ "x", "1.2.3", -1 },
	{ "1.2.3.4", "1.2.3", -1 },
	{ "v1.2.3", "1.2.3", -1 },
	{ "1.*", "1.2.3", -1 },
	{ ">", "1.2.3", -1 },
	{ "=> 1", "1.2.3", -1 },
	{ "1.2.3,", "1.2.3", -1 },
	{ ",1", "1.2.3", -1 },
	{ "01.2", "1.2.3", -1 },
	{ "1..2", "1.2.3", -1 },
	{ "~>", "1.2.3", -1 },
	{ "1 2", "1.2.3", -1 },
	{ "99999999999999999999", "1.2.3", -1 },
	{ "1-beta", "1.2.3", -1 },
	{ "=== 1", "1.2.3", -1 },
	{ "1.2.3-", "1.2.3", -1 },
	{ "1.2.3", "1.2", 0 },
	{ "1.2.3", "1.2.3", 1 },
	{ "=1.2.3", "1.2.3", 1 },
	{ "= 1.2.3", "1.2.3", 1 },
	{ "1.2.4", "1.2.3", 0 },
	{ "1.2", "1.2.0", 1 },
	{ "1.2", "1.2.3", 0 },
	{ "!= 1.2.3", "1.2.3", 0 },
	{ "!= 1.2.4", "1.2.3", 1 },
	{ "> 1.2.3", "1.2.3", 0 },
	{ "> 1.2.2", "1.2.3", 1 },
	{ ">= 1.2.3", "1.2.3", 1 },
	{ ">= 1.10", "1.9.0", 0 },
	{ "< 1.2.3", "1.2.3", 0 },
	{ "< 1.10", "1.9.0", 1 },
	{ "<= 1.2.3", "1.2.3", 1 },
	{ "<= 1.2.2", "1.2.3", 0 },
	{ "~> 1.2.3", "1.2.9", 1 },
	{ "~> 1.2.3", "1.3.0", 0 },
	{ "~> 1.2.3", "1.2.2", 0 },
	{ "~> 1.2", "1.9.0", 1 },
	{ "~> 1.2", "2.0.0", 0 },
	{ "~> 1", "1.9.0", 1 },
	{ "~> 1", "2.0.0", 0 },
	{ "~>1.2", "1.2.0", 1 },
	{ " >= 1.0 , < 2 , != 1.5.0", "1.4.0", 1 },
	{ ">= 1.0, < 2, != 1.5.0", "1.5.0", 0 },
	{ ">= 1.0", "1.5.0-beta1", 0 },
	{ "1.5.0-beta1", "1.5.0-beta1", 1 },
	{ "1.5.0", "1.5.0-beta1", 0 },
	{ "< 1.5.0-beta1", "1.5.0", 0 },
	{ "> 1.5.0-beta1", "1.5.0", 1 },
	{ "1.5.0+x", "1.5.0+y", 1 },
};

static void test_constraints(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(constraints); i++) {
		cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
		bool admits = false;
		int rc = constraint_admits(&admits, constraints[i].constraint, constraints[i].version, &err);

		if ((rc < 0 ? -1 : admits) != constraints[i].admits)
			fail_msg("row %zu: '%s' and '%s': %d", i, constraints[i].constraint, constraints[i].version,
				rc < 0 ? -1 : admits);
	}
}

static const struct {
	const char *text, *error; /* NULL: fine */
} allow_files[] = {
	{ "", "not valid JSON" },
	{ "[]", "f:1:1: an object is expected, not" },
	{ "{\"resource\": {}}", "f:1:2: 'resource' has no place in a list of allowed providers" },
	{ "{\"terraform\": {\"backend\": {}}}", "f:1:16: 'backend' has no place" },
	{ "{\"terraform\": 1}", "'terraform': an object is expected" },
	{ "{\"terraform\": {\"required_providers\": {\"a\": \"1.2.3\"}}}",
		"provider 'a': an object with 'source' and" },
	{ "{\"terraform\": {\"required_providers\": {\"a\": {}}}}",
		"provider 'a': 'version' must be an exact version" },
	{ "{\"terraform\": {\"required_providers\": {\"a\": {\"version\": \"~> 1.2\"}}}}", "must be an exact version" },
	{ "{\"terraform\": {\"required_providers\": {\"a\": {\"version\": \"1.2\"}}}}", "must be an exact version" },
	{ "{\"terraform\": {\"required_providers\": {\"a\": {\"version\": \"1.2.3\", \"x\": 1}}}}",
		"provider 'a': 'x' is not" },
	{ "{\"terraform\": {\"required_providers\": {\"a\": {\"source\": \"x y\", \"version\": \"1.2.3\"}}}}",
		"provider 'a': 'x y' is not the source of a provider" },
	{ "{\"terraform\": {\"required_providers\": {\"a\": {\"version\": \"1.2.3\"}, \"b\": {\"source\": "
	  "\"HashiCorp/A\","
	  " \"version\": \"1.2.3\"}}}}",
		"provider 'b': 'registry.terraform.io/hashicorp/a' is listed twice" },
	{ "{\"provider\": {\"a\": {}}}", "provider 'a' is configured, but not in 'required_providers'" },
	{ "{}", NULL },
	{ "{\"//\": \"x\", \"terraform\": {\"required_version\": \">= 1\", \"required_providers\": {\"//\": \"y\", "
	  "\"a\": {\"version\": "
	  "\"= 1.2.3\"}}}, \"provider\": {\"a\": {\"x\": \"${var.y}\"}}, \"variable\": {\"y\": {}}}",
		NULL },
};

static void test_allow_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(allow_files); i++) {
		cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
		cleanup(strbuf_release) struct strbuf said = STRBUF_INIT;
		cleanup(providers_release) struct providers providers;
		const char *text = allow_files[i].text, *error = allow_files[i].error;
		int rc = providers_parse(&providers, text, strlen(text), "f", &err);

		if (rc < 0)
			mrp_err_format(&said, &err);
		if ((rc < 0) != (error != NULL) || (error && !strstr(said.buf, error)))
			fail_msg("row %zu: %s: %s", i, text, said.buf);
	}
}

static const struct {
	const char *recipe, *list, *error; /* NULL: they agree */
} lists[] = {
	{ "", "", "terraform has listed no providers" },
	{ "", "Providers required by configuration:\n.\n└── provider[registry.terraform.io/hashicorp/null]\n",
		"provider 'registry.terraform.io/hashicorp/null' of the root module is seen by terraform only" },
	{ "resource \"aws_x\" \"a\" {}\n", "Providers required by configuration:\n.\n",
		"provider 'registry.terraform.io/hashicorp/aws' of the root module is seen by mrprober only" },
	{ "", "Providers required by configuration:\n.\n└── module.m\n", "module 'm' is known to terraform only" },
	{ "module \"m\" {\n  source = \"./m\"\n}\n== m/a.tf\n\n", "Providers required by configuration:\n.\n",
		"module 'm' is known to mrprober only" },
	{ "", "Providers required by configuration:\n.\n└── what\n", "a line that is not known: 'what'" },
	{ "", "Providers required by configuration:\n.\n        └── module.m\n", "a line that is not known" },
	{ "", "Providers required by configuration:\n.\n\nProviders required by state:\n\n    provider[x.com/evil/x]\n",
		"the state needs provider 'x.com/evil/x', which is not allowed" },
	{ "", "Providers required by configuration:\n.\n\nProviders required by state:\n    provider[x.com/evil/x]\n",
		"a line that is not known" },
	{ "",
		"\nWarning: x\n\nProviders required by configuration:\n.\n\nProviders required by state:\n\n    "
		"provider[terraform.io/builtin/terraform]\n\nWarning: y\n\n  on main.tf\n",
		NULL },
	{ "module \"m\" {\n  source = \"./m\"\n  providers = { aws = aws }\n}\n== m/a.tf\nresource \"aws_x\" \"a\" "
	  "{}\nmodule \"n\" {\n"
	  "  source = \"../n\"\n}\n== n/a.tf\nresource \"terraform_data\" \"a\" {}\n",
		"\nProviders required by configuration:\n.\n├── provider[registry.terraform.io/hashicorp/aws] 5.100.0\n"
		"└── module.m\n    ├── provider[registry.terraform.io/hashicorp/aws]\n    └── module.n\n"
		"        └── provider[terraform.io/builtin/terraform]\n\nProviders required by state:\n\n"
		"    provider[registry.terraform.io/hashicorp/aws]\n\n",
		NULL },
};

static void test_compare(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
		cleanup(problems_clear) struct problems problems = PROBLEMS_INIT;
		cleanup(scan_release) struct scan scan;
		cleanup(providers_release) struct providers providers;
		cleanup(freep) char *folder = recipe_write(lists[i].recipe);

		scan_init(&scan);
		assert_int_equal(providers_parse(&providers, allow_text, strlen(allow_text), "allow", &err), 0);
		assert_int_equal(scan_recipe(&scan, folder, &problems, &err), 0);
		assert_int_equal(problems.list.n, 0);
		int rc = gate_compare(&scan, &providers, lists[i].list, strlen(lists[i].list), &err);
		if ((rc < 0) != (lists[i].error != NULL) || (rc < 0 && !strstr(err.msg, lists[i].error)))
			fail_msg("row %zu: %s", i, rc < 0 ? err.msg : "accepted");
	}
}

static const struct {
	const char *configuration, *error;
} plans[] = {
	{ "{}", "the plan says nothing about its configuration" },
	{ "{\"configuration\": {\"root_module\": {\"resources\": [{}]}}}", "a resource of the plan has no mode" },
	{ "{\"configuration\": {\"root_module\": {\"resources\": [{\"mode\": \"managed\", \"type\": \"t\", \"name\": "
	  "\"n\", "
	  "\"provisioners\": [{\"type\": \"file\"}]}]}}}",
		"provisioner 'file' of resource 't.n' is seen by terraform only" },
	{ "{\"configuration\": {\"root_module\": {\"module_calls\": {\"m\": {\"module\": {\"resources\": [{\"mode\": "
	  "\"data\", "
	  "\"type\": \"external\", \"name\": \"n\"}]}}}}}}",
		"data 'external.n' is seen by terraform only" },
	{ "{\"configuration\": {\"root_module\": {\"resources\": [{\"mode\": \"managed\", \"type\": \"aws_x\", "
	  "\"name\": \"a\", "
	  "\"provisioners\": [{\"type\": \"local-exec\"}]}, {\"mode\": \"data\", \"type\": \"external\", \"name\": "
	  "\"e\"}]}}}",
		NULL },
};

static void test_plan(void **state)
{
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	cleanup(problems_clear) struct problems problems = PROBLEMS_INIT;
	cleanup(scan_release) struct scan scan;
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(freep) char *folder = recipe_write("resource \"aws_x\" \"a\" {\n  provisioner \"local-exec\" {}\n}\n"
						   "data \"external\" \"e\" {}\n");

	(void)state;
	scan_init(&scan);
	assert_int_equal(scan_recipe(&scan, folder, &problems, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		const char *text = plans[i].configuration;
		struct value *plan = json_parse(&arena, text, strlen(text), "plan", &err);
		int rc = plan ? gate_judge_plan(&scan, plan, &err) : 0;

		if (!plan || (rc < 0) != (plans[i].error != NULL) || (rc < 0 && !strstr(err.msg, plans[i].error)))
			fail_msg("row %zu: %s", i, err.msg ? err.msg : "accepted");
	}
}

static void test_missing_environment(void **state)
{
	static const char *const sources[] = { "registry.terraform.io/yandex-cloud/yandex", "x.com/y/ycp",
		"x.com/y/ytr", "registry.terraform.io/hashicorp/aws" };
	static const char *const env[] = { "YC_TOKEN=", "YC_TOKENS=x", "CONDUCTOR_TOKEN=x", NULL };
	cleanup(strvec_clear) struct strvec missing = STRVEC_INIT;

	(void)state;
	providers_missing_environment(&missing, sources, ARRAY_SIZE(sources), env, false);
	assert_int_equal(missing.n, 2);
	assert_string_equal(missing.v[0], "YC_TOKEN, for provider 'yandex' (or a service account of the machine)");
	assert_string_equal(missing.v[1], "MR_PROBER_SA_AUTHORIZED_KEY, for provider 'ycp'");
	strvec_clear(&missing);
	providers_missing_environment(&missing, sources, 1, env, true);
	assert_int_equal(missing.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_programs_allowed),
		cmocka_unit_test(test_module_used_twice),
		cmocka_unit_test(test_constraints),
		cmocka_unit_test(test_allow_files),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_missing_environment),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
