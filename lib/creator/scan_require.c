/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include "providers.h"
#include "scan_internal.h"

enum { MAX_NAMES = 1000 };

static struct mrp_loc place(const struct module_reader *reader, uint32_t line, uint32_t col)
{
	return (struct mrp_loc){ reader->file.name, line, col };
}

static const char *source_or_complain(struct module_reader *reader, const char *text, uint32_t line, uint32_t col)
{
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	const char *source = provider_source(reader->arena, text, &err);

	if (!source)
		scan_complain(reader, line, col, "%s", err.msg);
	return source;
}

static void declare(
	struct module_reader *reader, const struct hcl_argument *entry, const char *source_text, const char *version)
{
	const char *source = source_or_complain(reader, source_text, entry->line, entry->col);

	for (const char *c = entry->name; *c; c++) {
		if (isupper((unsigned char)*c)) {
			scan_complain(reader, entry->line, entry->col, "provider '%s': its name must be in lower case",
				entry->name);
			break;
		}
	}
	struct provider_use use = { source, entry->name, version, "required_providers", reader->index,
		.loc = place(reader, entry->line, entry->col), .again = !reader->first };

	for (size_t i = 0; i < reader->declared.n; i++) {
		if (!streq(reader->declared.v[i].name, entry->name))
			continue;
		/* overriding files replace what they name, in the order of their names */
		reader->declared.v[i].source = source;
		goto known;
	}
	if (reader->declared.n == MAX_NAMES) {
		scan_complain(reader, entry->line, entry->col, "more than %d providers in a module", (int)MAX_NAMES);
		return;
	}
	declared_name_vec_push(&reader->declared, (struct declared_name){ entry->name, source });
	if (reader->index == 0)
		strvec_push(&reader->scanner->scan->root_names, entry->name);
known:
	if (source)
		provider_use_vec_push(&reader->scanner->scan->providers, use);
}

/* { source = "...", version = "...", configuration_aliases = [...] } */
static void read_entry(struct module_reader *reader, const struct hcl_argument *entry)
{
	const char *source = entry->name, *version = NULL;
	const char *const names[] = { "source", "version", "configuration_aliases" };

	for (const struct hcl_argument *item = entry->object->arguments; item; item = item->next) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			known |= streq(item->name, names[i]);
		if (!known)
			scan_complain(reader, item->line, item->col,
				"provider '%s': required_providers has no '%s'; it may have source, version and "
				"configuration_aliases",
				entry->name, item->name);
	}
	for (size_t i = 0; i < 2; i++) {
		const struct hcl_argument *item = scan_argument(reader, entry->object, names[i]);

		if (!item)
			continue;
		if (item->kind != HCL_STRING)
			scan_complain(reader, item->line, item->col, "provider '%s': %s must be a plain string",
				entry->name, names[i]);
		else
			*(i == 0 ? &source : &version) = item->text;
	}
	declare(reader, entry, source, version);
}

void scan_required_providers(struct module_reader *reader, const struct hcl_block *block)
{
	if (!reader->override && reader->requires.file) {
		scan_complain(reader, block->line, block->col,
			"a second required_providers block; the first is in %s, line %u", reader->requires.file,
			(unsigned)reader->requires.line);
	}
	if (!reader->override) {
		reader->requires = place(reader, block->line, block->col);
		if (reader->index == 0)
			reader->scanner->scan->root_requires = true;
	}
	if (block->body->blocks)
		scan_complain(reader, block->body->blocks->line, block->body->blocks->col,
			"a block in required_providers: '=' is missing after '%s'", block->body->blocks->type);
	for (const struct hcl_argument *entry = block->body->arguments; entry; entry = entry->next) {
		if (entry->kind == HCL_OBJECT)
			read_entry(reader, entry);
		else if (entry->kind == HCL_STRING) /* as before terraform 0.13: the version */
			declare(reader, entry, entry->name, entry->text);
		else
			scan_complain(reader, entry->line, entry->col,
				"provider '%s': an object with source and version is expected", entry->name);
	}
}

struct name_use *scan_use_name(
	struct module_reader *reader, const char *name, const char *what, uint32_t line, uint32_t col)
{
	const char *local = arena_strndup(reader->arena, name, strcspn(name, "."));

	return name_use_vec_push(
		&reader->uses, (struct name_use){ local, NULL, what, place(reader, line, col), false });
}

void scan_resolve_names(struct module_reader *reader)
{
	for (size_t i = 0; i < reader->uses.n; i++) {
		const struct name_use *used = &reader->uses.v[i];
		const struct declared_name *declared = NULL;
		struct provider_use use = { NULL, used->name, used->version, used->what, reader->index, used->loc,
			.again = !reader->first, .passed = used->passed };

		for (size_t k = 0; k < reader->declared.n; k++) {
			if (streq(reader->declared.v[k].name, used->name))
				declared = &reader->declared.v[k];
		}
		use.implied = !declared;
		reader->file.name = used->loc.file;
		use.source = declared ? declared->source
				      : source_or_complain(reader, used->name, used->loc.line, used->loc.col);
		if (use.source)
			provider_use_vec_push(&reader->scanner->scan->providers, use);
	}
}

void scan_lock_file(struct module_reader *root)
{
	for (const struct hcl_block *block = root->file.body->blocks; block; block = block->next) {
		const struct hcl_argument *version = scan_argument(root, block->body, "version");
		const char *source;

		if (!streq(block->type, "provider") || block->n_labels != 1) {
			scan_complain(
				root, block->line, block->col, "block '%s' is not known in a lock file", block->type);
			continue;
		}
		source = source_or_complain(root, block->labels[0], block->line, block->col);
		if (!version || version->kind != HCL_STRING)
			scan_complain(root, block->line, block->col, "provider '%s' is locked to no version",
				block->labels[0]);
		else if (source)
			provider_use_vec_push(&root->scanner->scan->providers,
				(struct provider_use){ source, block->labels[0], version->text, "lock file",
					.loc = place(root, block->line, block->col), .locked = true });
	}
}
