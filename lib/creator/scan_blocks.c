/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of block asks for. A kind that is not known here is refused: it might ask for anything. */
#include "hcl_lex.h"
#include "scan_internal.h"

enum { MAX_VARIABLES = 1000 };

static void add_program(struct module_reader *reader, uint32_t line, uint32_t col, const char *what)
{
	if (reader->first)
		program_use_vec_push(&reader->scanner->scan->programs,
			(struct program_use){ what, { reader->file.name, line, col } });
}

/* Provisioners, in whatever they are wrapped. */
static void find_provisioners(struct module_reader *reader, const struct hcl_body *body, const char *owner)
{
	for (const struct hcl_block *block = body->blocks; block; block = block->next) {
		bool dynamic =
			streq(block->type, "dynamic") && block->n_labels && streq(block->labels[0], "provisioner");

		if (streq(block->type, "provisioner"))
			add_program(reader, block->line, block->col,
				arena_printf(reader->arena, "provisioner '%s' of %s",
					block->n_labels ? block->labels[0] : "", owner));
		else if (dynamic)
			add_program(reader, block->line, block->col,
				arena_printf(reader->arena, "dynamic provisioner of %s", owner));
		find_provisioners(reader, block->body, owner);
	}
}

/* kubernetes and helm ask a program for credentials. */
static void find_exec(struct module_reader *reader, const struct hcl_body *body, const char *owner)
{
	for (const struct hcl_block *block = body->blocks; block; block = block->next) {
		if (streq(block->type, "exec"))
			add_program(reader, block->line, block->col, arena_printf(reader->arena, "exec of %s", owner));
		find_exec(reader, block->body, owner);
	}
	/* provider "helm" { kubernetes = { exec = { ... } } } */
	for (const struct hcl_argument *item = body->arguments; item; item = item->next) {
		if (streq(item->name, "exec") && item->kind != HCL_NAME)
			add_program(reader, item->line, item->col, arena_printf(reader->arena, "exec of %s", owner));
		if (item->kind == HCL_OBJECT)
			find_exec(reader, item->object, owner);
	}
}

/* `provider = aws.west`, or "aws.west" as JSON and old recipes have it; else `type` says which. */
static void use_provider_of(
	struct module_reader *reader, const struct hcl_block *block, const char *type, const char *what, bool passed)
{
	const struct hcl_argument *provider = scan_argument(reader, block->body, "provider");

	if (!provider)
		scan_use_name(
			reader, arena_strndup(reader->arena, type, strcspn(type, "_.")), what, block->line, block->col)
			->passed = passed;
	else if (provider->kind == HCL_NAME || provider->kind == HCL_STRING)
		scan_use_name(reader, provider->text, what, provider->line, provider->col)->passed = passed;
	else
		scan_complain(reader, provider->line, provider->col, "%s: provider must be a plain name", what);
}

static void read_terraform(struct module_reader *reader, const struct hcl_block *terraform)
{
	for (const struct hcl_block *block = terraform->body->blocks; block; block = block->next) {
		if (streq(block->type, "required_providers"))
			scan_required_providers(reader, block);
		else if (streq(block->type, "provider_meta") && block->n_labels == 1)
			scan_use_name(reader, block->labels[0], "provider_meta", block->line, block->col)->passed =
				true;
		else if (streq(block->type, "backend") || streq(block->type, "cloud"))
			scan_complain(reader, block->line, block->col,
				"block '%s': where the state is kept is not for a recipe to say", block->type);
		else
			scan_complain(
				reader, block->line, block->col, "block '%s' in 'terraform' is not known", block->type);
	}
	for (const struct hcl_argument *a = terraform->body->arguments; a; a = a->next) {
		if (!streq(a->name, "required_version") && !streq(a->name, "experiments") &&
			!streq(a->name, "language"))
			scan_complain(reader, a->line, a->col, "'%s' in 'terraform' is not known", a->name);
	}
}

static void read_provider(struct module_reader *reader, const struct hcl_block *block)
{
	const char *what = arena_printf(reader->arena, "provider '%s'", block->labels[0]);
	const struct hcl_argument *version = scan_argument(reader, block->body, "version");
	struct strvec *configured = &reader->scanner->scan->root_configured;

	if (version && version->kind != HCL_STRING) {
		scan_complain(reader, version->line, version->col, "%s: version must be a plain string", what);
		version = NULL;
	}
	scan_use_name(reader, block->labels[0], what, block->line, block->col)->version =
		version ? version->text : NULL;
	find_exec(reader, block->body, what);
	if (reader->index == 0 && !hcl_argument(block->body, "alias") && !strvec_contains(configured, block->labels[0]))
		strvec_push(configured, block->labels[0]);
}

static void read_resource(struct module_reader *reader, const struct hcl_block *block)
{
	const char *what = arena_printf(reader->arena, "%s '%s.%s'", block->type, block->labels[0], block->labels[1]);

	use_provider_of(reader, block, block->labels[0], what, false);
	find_provisioners(reader, block->body, what);
	if (!streq(block->type, "resource") && streq(block->labels[0], "external"))
		add_program(reader, block->line, block->col, what);
}

static void read_module(struct module_reader *reader, const struct hcl_block *block)
{
	const struct hcl_argument *source = scan_argument(reader, block->body, "source");
	const struct hcl_argument *providers = scan_argument(reader, block->body, "providers");
	const char *what = arena_printf(reader->arena, "module '%s'", block->labels[0]);

	if (hcl_name_length(block->labels[0], block->labels[0] + strlen(block->labels[0])) != strlen(block->labels[0]))
		scan_complain(reader, block->line, block->col, "%s: not a name", what);
	else if (source && source->kind != HCL_STRING)
		scan_complain(reader, source->line, source->col, "%s: source must be a plain string", what);
	else if (source)
		child_module_vec_push(&reader->children,
			(struct child_module){
				block->labels[0], source->text, { reader->file.name, source->line, source->col } });
	else if (!reader->override) /* an overriding file may leave it as it is */
		scan_complain(reader, block->line, block->col, "%s has no source", what);
	if (providers && providers->kind != HCL_OBJECT)
		scan_complain(
			reader, providers->line, providers->col, "%s: providers must be an object of names", what);
	for (const struct hcl_argument *item = providers && providers->kind == HCL_OBJECT ? providers->object->arguments
											  : NULL;
		item; item = item->next) {
		if (item->kind == HCL_NAME || item->kind == HCL_STRING)
			scan_use_name(reader, item->text, what, item->line, item->col)->passed = true;
		else
			scan_complain(reader, item->line, item->col, "%s: a provider must be a plain name", what);
	}
}

/* Not plainly `false` or absent. */
static bool is_set(const struct hcl_body *body, const char *name)
{
	const struct hcl_argument *argument = hcl_argument(body, name);

	return argument && !(argument->kind == HCL_NAME && streq(argument->text, "false"));
}

static void read_variable(struct module_reader *reader, const struct hcl_block *block)
{
	struct scan_variable_vec *variables = &reader->scanner->scan->variables;
	struct scan_variable variable = { block->labels[0],
		is_set(block->body, "sensitive") || is_set(block->body, "ephemeral"),
		hcl_argument(block->body, "default") != NULL, { reader->file.name, block->line, block->col } };

	if (reader->index)
		return;
	for (size_t i = 0; i < variables->n; i++) {
		if (!streq(variables->v[i].name, variable.name))
			continue;
		variables->v[i].sensitive |= variable.sensitive;
		variables->v[i].has_default |= variable.has_default;
		return;
	}
	if (variables->n == MAX_VARIABLES)
		scan_complain(reader, block->line, block->col, "more than %d variables", (int)MAX_VARIABLES);
	else
		scan_variable_vec_push(variables, variable);
}

static void read_import(struct module_reader *reader, const struct hcl_block *block)
{
	const struct hcl_argument *to = scan_argument(reader, block->body, "to");

	/* what lies in a module has a provider by what is said there */
	if (hcl_argument(block->body, "provider") || (to && to->text && strncmp(to->text, "module.", 7) != 0))
		use_provider_of(reader, block, to && to->text ? to->text : "", "import", true);
}

static void read_removed(struct module_reader *reader, const struct hcl_block *block)
{
	find_provisioners(reader, block->body, "removed");
}

static void read_check(struct module_reader *reader, const struct hcl_block *block)
{
	for (const struct hcl_block *inner = block->body->blocks; inner; inner = inner->next) {
		if (streq(inner->type, "data") && inner->n_labels == 2)
			read_resource(reader, inner);
		else if (!streq(inner->type, "assert"))
			scan_complain(
				reader, inner->line, inner->col, "block '%s' in 'check' is not known", inner->type);
	}
}

static void read_nothing(struct module_reader *reader, const struct hcl_block *block)
{
	(void)reader, (void)block;
}

static const struct {
	const char *type;
	size_t labels;
	void (*read)(struct module_reader *reader, const struct hcl_block *block);
} kinds[] = {
	{ "terraform", 0, read_terraform },
	{ "provider", 1, read_provider },
	{ "resource", 2, read_resource },
	{ "data", 2, read_resource },
	{ "ephemeral", 2, read_resource },
	{ "module", 1, read_module },
	{ "variable", 1, read_variable },
	{ "output", 1, read_nothing },
	{ "locals", 0, read_nothing },
	{ "moved", 0, read_nothing },
	{ "removed", 0, read_removed },
	{ "import", 0, read_import },
	{ "check", 1, read_check },
};

static void read_block(struct module_reader *reader, const struct hcl_block *block)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!streq(kinds[i].type, block->type))
			continue;
		if (kinds[i].labels != block->n_labels)
			scan_complain(reader, block->line, block->col, "block '%s' has %zu labels, it takes %zu",
				block->type, block->n_labels, kinds[i].labels);
		else
			kinds[i].read(reader, block);
		return;
	}
	scan_complain(reader, block->line, block->col, "block '%s' is not known", block->type);
}

void scan_file_blocks(struct module_reader *reader)
{
	for (const struct hcl_argument *a = reader->file.body->arguments; a; a = a->next)
		scan_complain(reader, a->line, a->col, "'%s' stands outside of a block", a->name);
	for (const struct hcl_block *block = reader->file.body->blocks; block; block = block->next)
		read_block(reader, block);
	for (const struct hcl_call *call = reader->file.calls; call; call = call->next) {
		const char *what = arena_printf(reader->arena, "function provider::%s", call->name);

		scan_use_name(reader, call->name, what, call->line, call->col)->passed = true;
	}
}
