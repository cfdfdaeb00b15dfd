/* SPDX-License-Identifier: Apache-2.0 */
#include "scan.h"

#include <sys/stat.h>

#include "../base/file.h"
#include "scan_internal.h"

enum { MAX_FILE = 4 << 20, MAX_MODULES = 1000 };

void scan_init(struct scan *scan)
{
	*scan = (struct scan){ 0 };
	strvec_init(&scan->root_names);
	strvec_init(&scan->root_configured);
}

void scan_release(struct scan *scan)
{
	provider_use_vec_clear(&scan->providers);
	program_use_vec_clear(&scan->programs);
	scan_module_vec_clear(&scan->modules);
	scan_variable_vec_clear(&scan->variables);
	strvec_clear(&scan->root_names);
	strvec_clear(&scan->root_configured);
	arena_release(&scan->arena);
}

void scan_complain(struct module_reader *reader, uint32_t line, uint32_t col, const char *fmt, ...)
{
	va_list ap;

	if (!reader->first)
		return;
	va_start(ap, fmt);
	char *msg = xvasprintf(fmt, ap);
	va_end(ap);
	problems_add(reader->scanner->problems, (struct mrp_loc){ reader->file.name, line, col }, NULL, "%s", msg);
	free(msg);
}

const struct hcl_argument *scan_argument(struct module_reader *reader, const struct hcl_body *body, const char *name)
{
	const struct hcl_argument *first = hcl_argument(body, name);

	for (const struct hcl_argument *next = first ? first->next : NULL; next; next = next->next) {
		if (streq(next->name, name))
			scan_complain(reader, next->line, next->col, "'%s' is set twice", name);
	}
	return first;
}

void scan_complain_error(struct problems *problems, struct mrp_err *err)
{
	cleanup(freep) char *file = err->where ? xstrdup(err->where) : NULL;
	struct mrp_loc loc = { file, 0, 0 };
	uint32_t *const numbers[] = { &loc.col, &loc.line };
	char *colon;

	/* FILE[:LINE[:COL]], from behind: a name may have colons */
	for (size_t i = 0; file && i < 2 && (colon = strrchr(file, ':')); i++) {
		*numbers[i] = (uint32_t)strtoul(colon + 1, NULL, 10);
		*colon = '\0';
	}
	problems_add(problems, loc, NULL, "%s", err->msg);
	mrp_err_clear(err);
}

static bool is_ours(const char *name, bool *json)
{
	size_t len = strlen(name);

	/* names that terraform does not look at: hidden ones, backups of editors */
	if (name[0] == '.' || name[len - 1] == '~' || (name[0] == '#' && name[len - 1] == '#'))
		return false;
	*json = ends_with(name, ".tf.json");
	return *json || ends_with(name, ".tf");
}

bool scan_is_override(const char *name)
{
	size_t ending = ends_with(name, ".tf.json") ? 8 : ends_with(name, ".tf") ? 3 : 0;
	size_t len = strlen(name) - ending;

	return ending &&
		((len == 8 && strncmp(name, "override", len) == 0) ||
			(len >= 9 && strncmp(name + len - 9, "_override", 9) == 0));
}

static int parse_file(struct module_reader *reader, const char *name, bool json)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	cleanup(freep) char *path = path_join(reader->scanner->folder, name);

	if (read_file(&text, path, MAX_FILE, reader->scanner->err) < 0)
		return -1;
	if ((json ? hcl_parse_json : hcl_parse)(
		    reader->arena, &reader->file, arena_strdup(reader->arena, name), text.buf, text.len, &err) == 0)
		return 1;
	if (reader->first)
		scan_complain_error(reader->scanner->problems, &err);
	return 0;
}

static int read_file_of_module(struct module_reader *reader, const char *folder, const char *name)
{
	cleanup(freep) char *relative = *folder ? path_join(folder, name) : xstrdup(name);
	bool json;
	int rc;

	if (*folder == '\0' && streq(name, SCAN_LOCK_FILE)) {
		rc = parse_file(reader, relative, false);
		if (rc > 0)
			scan_lock_file(reader);
		return rc < 0 ? -1 : 0;
	}
	if (!is_ours(name, &json))
		return 0;
	cleanup(freep) char *path = path_join(reader->scanner->folder, relative);
	struct stat st;
	if (lstat(path, &st) < 0)
		return mrp_err_errno(reader->scanner->err, "cannot read '%s'", path);
	/* terraform passes over a folder; a link was complained about before */
	if (!S_ISREG(st.st_mode))
		return 0;
	rc = parse_file(reader, relative, json);
	reader->override = scan_is_override(name);
	if (rc > 0)
		scan_file_blocks(reader);
	return rc < 0 ? -1 : 0;
}

/* "./a/../b" from within "modules/x" -> "modules/b" in the recipe; false when it leaves the recipe. */
static bool local_folder(struct strbuf *out, const char *from, const char *source)
{
	strbuf_addstr(out, from);
	for (const char *at = source; *at;) {
		size_t len = strcspn(at, "/");

		if (len == 2 && strncmp(at, "..", 2) == 0) {
			const char *slash = strrchr(out->buf, '/');

			if (!out->len)
				return false;
			strbuf_setlen(out, slash ? (size_t)(slash - out->buf) : 0);
		} else if (len && !(len == 1 && *at == '.')) {
			strbuf_addf(out, "%s%.*s", out->len ? "/" : "", (int)len, at);
		}
		at += len;
		at += *at == '/';
	}
	return true;
}

static bool is_folder(const struct scanner *scanner, const char *relative)
{
	cleanup(freep) char *path = path_join(scanner->folder, relative);
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool calls_itself(const struct scan *scan, size_t parent, const char *folder)
{
	for (size_t i = parent;; i = scan->modules.v[i].parent) {
		if (streq(scan->modules.v[i].folder, folder))
			return true;
		if (i == 0)
			return false;
	}
}

static int read_module(struct scanner *scanner, size_t index, int depth);

static const struct scan_module *find_child(const struct scan *scan, size_t parent, const char *name)
{
	for (size_t i = parent + 1; i < scan->modules.n; i++) {
		const struct scan_module *module = &scan->modules.v[i];
		const char *dot = strrchr(module->key, '.');

		if (module->parent == parent && streq(dot ? dot + 1 : module->key, name))
			return module;
	}
	return NULL;
}

static int read_child(struct module_reader *reader, const struct child_module *child, int depth)
{
	cleanup(strbuf_release) struct strbuf folder = STRBUF_INIT;
	struct scan *scan = reader->scanner->scan;
	const struct scan_module parent = scan->modules.v[reader->index];
	const char *why = NULL;

	reader->file.name = child->loc.file;
	if (strncmp(child->source, "./", 2) != 0 && strncmp(child->source, "../", 3) != 0)
		why = "is not local; modules must be folders of the recipe (like ./modules/net)";
	else if (strchr(child->source, '\\'))
		why = "is no path of a folder";
	else if (!local_folder(&folder, parent.folder, child->source))
		why = "leaves the recipe";
	else if (!is_folder(reader->scanner, folder.buf))
		why = "is no folder of the recipe";
	else if (calls_itself(scan, reader->index, folder.buf))
		why = "is the module itself, or one that it is part of";
	else if (scan->modules.n >= MAX_MODULES || depth >= SCAN_DEPTH)
		why = "is one module too many";
	if (why) {
		scan_complain(reader, child->loc.line, child->loc.col, "module '%s': source '%s' %s", child->name,
			child->source, why);
		return 0;
	}
	const struct scan_module *other = find_child(scan, reader->index, child->name);
	if (other && !streq(other->folder, folder.buf))
		scan_complain(reader, child->loc.line, child->loc.col,
			"module '%s': source '%s' is not the one that it has in another place", child->name,
			child->source);
	if (other) /* an overriding file may name the same folder again */
		return 0;
	scan_module_vec_push(&scan->modules,
		(struct scan_module){
			arena_printf(&scan->arena, "%s%s%s", parent.key, *parent.key ? "." : "", child->name),
			child->source, arena_strdup(&scan->arena, folder.buf), reader->index });
	return read_module(reader->scanner, scan->modules.n - 1, depth + 1);
}

static int read_files_and_children(struct module_reader *reader, const char *folder, int depth)
{
	struct scanner *scanner = reader->scanner;
	cleanup(strvec_clear) struct strvec names = STRVEC_INIT;
	cleanup(freep) char *path = path_join(scanner->folder, folder);

	if (scan_list_folder(&names, path, scanner->err) < 0)
		return -1;
	/* overriding files come last, as in terraform */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < names.n; i++) {
			if (scan_is_override(names.v[i]) == (pass == 1) &&
				read_file_of_module(reader, folder, names.v[i]) < 0)
				return -1;
		}
	}
	scan_resolve_names(reader);
	for (size_t i = 0; i < reader->children.n; i++) {
		if (read_child(reader, &reader->children.v[i], depth) < 0)
			return -1;
	}
	return 0;
}

static int read_module(struct scanner *scanner, size_t index, int depth)
{
	const char *folder = scanner->scan->modules.v[index].folder;
	struct module_reader reader = { .scanner = scanner,
		.arena = &scanner->scan->arena,
		.index = index,
		.first = !strvec_contains(&scanner->seen, folder) };

	strvec_push(&scanner->seen, folder);
	int rc = read_files_and_children(&reader, folder, depth);
	declared_name_vec_clear(&reader.declared);
	name_use_vec_clear(&reader.uses);
	child_module_vec_clear(&reader.children);
	return rc;
}

int scan_recipe(struct scan *scan, const char *folder, struct problems *problems, struct mrp_err *err)
{
	struct scanner scanner = { scan, folder, problems, STRVEC_INIT, err };

	int rc = scan_walk(&scanner, "", 0);
	if (rc == 0) {
		scan_module_vec_push(&scan->modules, (struct scan_module){ "", "", "", 0 });
		rc = read_module(&scanner, 0, 0);
	}
	strvec_clear(&scanner.seen);
	problems_sort(problems);
	return rc;
}
