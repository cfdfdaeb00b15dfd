/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything is JSON, so nothing has to be quoted for HCL. terraform takes strings of backends, required_providers and
 * variable files as they are, without looking for ${ } in them: what an operator or a cluster says needs no escapes.
 */
#include "workdir.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../base/file.h"
#include "../value/json.h"
#include "gate.h"

/* A file that is not there yet, for us alone. */
static int write_new(const char *folder, const char *name, const char *text, size_t len, struct mrp_err *err)
{
	cleanup(freep) char *path = path_join(folder, name);
	cleanup(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return mrp_err_errno(err, "cannot create '%s'", path);
	return write_all(fd, text, len, err) < 0 ? mrp_err_wrap(err, "'%s'", path) : 0;
}

static int write_json(const char *folder, const char *name, const struct value *v, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	json_pretty(&text, v);
	return write_new(folder, name, text.buf, text.len, err);
}

/* --- providers ---------------------------------------------------------------------------------------------------- */

struct pins {
	struct arena *arena;
	const struct workdir_spec *spec;
	struct value *required; /* name -> { source, version } */
	struct value *configured;
};

static void pin(struct pins *pins, const char *name, const struct allowed_provider *allowed)
{
	struct value *entry = value_object(pins->arena);

	value_append(pins->arena, entry, "source", value_string(pins->arena, allowed->source));
	value_append(pins->arena, entry, "version", value_string(pins->arena, allowed->version));
	value_set(pins->arena, pins->required, arena_strdup(pins->arena, name), entry);
}

/* The configuration that the allow file has for a provider, unless the recipe has its own. */
static void configure(struct pins *pins, const char *name, const struct allowed_provider *allowed)
{
	const struct value *configured = pins->spec->providers->configured;
	const struct value *v = configured ? value_get(configured, allowed->name) : NULL;

	if (v && !strvec_contains(&pins->spec->scan->root_configured, name))
		value_set(pins->arena, pins->configured, arena_strdup(pins->arena, name),
			value_copy_shallow(pins->arena, v));
}

/* Does the root call the source by that name in the end? What comes later has replaced what came before. */
static bool root_calls_it(const struct scan *scan, size_t index)
{
	const struct provider_use *use = &scan->providers.v[index];

	if (use->module || use->locked || use->implied || !streq(use->what, "required_providers"))
		return false;
	for (size_t i = index + 1; i < scan->providers.n; i++) {
		const struct provider_use *later = &scan->providers.v[i];

		if (later->module == 0 && !later->locked && streq(later->what, "required_providers") &&
			streq(later->name, use->name))
			return false;
	}
	return true;
}

static void pin_source(struct pins *pins, const struct allowed_provider *allowed)
{
	const struct scan *scan = pins->spec->scan;
	cleanup(freep) char *name = NULL;
	bool called = false;

	for (size_t i = 0; i < scan->providers.n; i++) {
		if (!streq(scan->providers.v[i].source, allowed->source) || !root_calls_it(scan, i))
			continue;
		pin(pins, scan->providers.v[i].name, allowed);
		configure(pins, scan->providers.v[i].name, allowed);
		called = true;
	}
	if (called)
		return;
	name = xstrdup(allowed->name);
	for (int i = 1; strvec_contains(&scan->root_names, name); i++) {
		free(name);
		name = xasprintf("%s-%d", allowed->name, i);
	}
	pin(pins, name, allowed);
	configure(pins, name, allowed);
}

static bool declares(const struct scan *scan, const char *variable)
{
	for (size_t i = 0; i < scan->variables.n; i++) {
		if (streq(scan->variables.v[i].name, variable))
			return true;
	}
	return false;
}

/* Variables of the allow file that the recipe does not declare; only where something of that file is configured. */
static void add_variables(struct pins *pins, struct value *root)
{
	const struct value *variables = pins->spec->providers->variables;
	struct value *missing = value_object(pins->arena);

	for (uint32_t i = 0; variables && pins->configured->n && i < variables->n; i++) {
		if (!declares(pins->spec->scan, variables->members[i].key) && !streq(variables->members[i].key, "//"))
			value_append(pins->arena, missing, variables->members[i].key, variables->members[i].value);
	}
	if (missing->n)
		value_append(pins->arena, root, "variable", missing);
}

static struct value *wrap_required(struct pins *pins)
{
	struct value *terraform = value_object(pins->arena), *root = value_object(pins->arena);

	value_append(pins->arena, terraform, "required_providers", pins->required);
	value_append(pins->arena, root, "terraform", terraform);
	return root;
}

static int write_providers(const struct workdir_spec *spec, struct arena *arena, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec sources = STRVEC_INIT;
	struct pins pins = { arena, spec, value_object(arena), value_object(arena) };

	gate_sources(&sources, spec->scan, spec->providers);
	for (size_t i = 0; i < sources.n; i++) {
		const struct allowed_provider *allowed = providers_by_source(spec->providers, sources.v[i]);

		if (!allowed)
			return mrp_err_set(err, MRP_EREFUSED, "provider '%s' is not allowed", sources.v[i]);
		pin_source(&pins, allowed);
	}
	/* two such blocks in a module are an error, so a recipe with one of its own has it overridden, name by name */
	struct value *root = spec->scan->root_requires ? value_object(arena) : wrap_required(&pins);
	if (pins.configured->n)
		value_append(arena, root, "provider", pins.configured);
	add_variables(&pins, root);
	if (write_json(spec->folder, WORKDIR_PROVIDERS, root, err) < 0)
		return -1;
	return spec->scan->root_names.n ? write_json(spec->folder, WORKDIR_OVERRIDE, wrap_required(&pins), err) : 0;
}

/* --- variables ---------------------------------------------------------------------------------------------------- */

static bool wanted(const struct workdir_spec *spec, const char *name, bool *sensitive)
{
	for (size_t i = 0; i < spec->scan->variables.n; i++) {
		if (!streq(spec->scan->variables.v[i].name, name))
			continue;
		*sensitive |= spec->scan->variables.v[i].sensitive;
		return true;
	}
	return spec->providers->variables && value_get(spec->providers->variables, name);
}

static int write_variables(const struct workdir_spec *spec, struct arena *arena, struct mrp_err *err)
{
	struct value *files[] = { value_object(arena), value_object(arena) };
	static const char *const names[] = { WORKDIR_VARIABLES, WORKDIR_SENSITIVE };

	for (size_t i = 0; i < spec->n_variables; i++) {
		const struct workdir_variable *variable = &spec->variables[i];
		bool sensitive = variable->sensitive;

		if (wanted(spec, variable->name, &sensitive))
			value_append(arena, files[sensitive], variable->name, (struct value *)variable->value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (files[i]->n && write_json(spec->folder, names[i], files[i], err) < 0)
			return -1;
	}
	return 0;
}

/* --- modules ------------------------------------------------------------------------------------------------------ */

/* "../net/./sub" -> "../net/sub", "./a/../b" -> "./b": as terraform writes sources of local modules. */
static void add_clean_source(struct strbuf *out, const char *source)
{
	size_t floor = 0; /* what lies before is ".." that nothing can take back */

	strbuf_reset(out);
	for (const char *at = source; *at;) {
		size_t len = strcspn(at, "/");
		bool up = len == 2 && strncmp(at, "..", 2) == 0;

		if (up && out->len > floor) {
			while (out->len > floor && out->buf[--out->len] != '/')
				;
			strbuf_setlen(out, out->len);
		} else if (len && !(len == 1 && *at == '.')) {
			strbuf_addf(out, "%s%.*s", out->len ? "/" : "", (int)len, at);
			floor = up ? out->len : floor;
		}
		at += len;
		at += *at == '/';
	}
	if (!out->len)
		strbuf_addch(out, '.');
}

/* With this, terraform has nothing to get; and a module that we have not seen is an error to it, not a download. */
static int write_modules(const struct workdir_spec *spec, struct arena *arena, struct mrp_err *err)
{
	cleanup(freep) char *folder = path_join(spec->folder, ".terraform/modules");
	cleanup(strbuf_release) struct strbuf source = STRBUF_INIT;
	struct value *modules = value_array(arena), *root = value_object(arena);

	for (size_t i = 0; i < spec->scan->modules.n; i++) {
		const struct scan_module *module = &spec->scan->modules.v[i];
		struct value *entry = value_object(arena);

		strbuf_reset(&source);
		if (i)
			add_clean_source(&source, module->source);
		value_append(arena, entry, "Key", value_string(arena, module->key));
		value_append(arena, entry, "Source",
			value_string(arena,
				arena_printf(arena, "%s%s", i && strncmp(source.buf, "../", 3) != 0 ? "./" : "",
					source.buf)));
		value_append(arena, entry, "Dir", value_string(arena, *module->folder ? module->folder : "."));
		value_push(arena, modules, entry);
	}
	value_append(arena, root, "Modules", modules);
	return make_folders(folder, 0700, err) < 0 ? -1 : write_json(folder, "modules.json", root, err);
}

/* `terraform providers` wants everything that is locked to be installed, so the lock file waits in a folder of
 * terraform's until then. */
static int move_lock_file(const char *folder, bool away, struct mrp_err *err)
{
	cleanup(freep) char *place = path_join(folder, SCAN_LOCK_FILE);
	cleanup(freep) char *waits = path_join(folder, ".terraform/mrprober.lock.hcl");

	if (rename(away ? place : waits, away ? waits : place) < 0 && errno != ENOENT)
		return mrp_err_errno(err, "cannot move '%s'", place);
	return 0;
}

int workdir_prepare(const struct workdir_spec *spec, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;

	if (write_providers(spec, &arena, err) < 0 || write_variables(spec, &arena, err) < 0)
		return -1;
	return write_modules(spec, &arena, err) < 0 ? -1 : move_lock_file(spec->folder, true, err);
}

int workdir_backend(const char *folder, const char *backend, const struct value *settings, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct value *root = value_object(&arena), *terraform = value_object(&arena), *v = value_object(&arena);

	value_append(&arena, v, backend, (struct value *)settings);
	value_append(&arena, terraform, "backend", v);
	value_append(&arena, root, "terraform", terraform);
	if (write_json(folder, WORKDIR_BACKEND, root, err) < 0)
		return -1;
	return move_lock_file(folder, false, err);
}
