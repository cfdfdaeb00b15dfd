/* SPDX-License-Identifier: Apache-2.0 */
/* Loading as a whole: manifest, layers, recipes, clusters, and then probers on several threads. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/file.h"
#include "loaded.h"
#include "loader.h"
#include "tree.h"

enum { PROBERS_PER_THREAD = 64 };

static bool has_manifest(const char *folder)
{
	cleanup(freep) char *path = path_join(folder, MANIFEST_NAME);
	struct stat st;

	return stat(path, &st) == 0;
}

/* Its configs are in commits, and somebody forgot to say in which. */
static bool is_bare_repository(const char *folder)
{
	static const char *const names[] = { "HEAD", "objects", "refs" };
	size_t found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup(freep) char *path = path_join(folder, names[i]);

		found += access(path, F_OK) == 0;
	}
	return found == ARRAY_SIZE(names);
}

char *config_find_root(const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf up = STRBUF_INIT;
	char cwd[PATH_MAX];
	int levels = 0;

	if (path) {
		if (has_manifest(path))
			return xstrdup(path);
		mrp_err_set(err, MRP_ENOTFOUND, "'%s' is no config tree: it has no " MANIFEST_NAME "%s", path,
			is_bare_repository(path) ? " (it is a git repository; --revision reads one of its commits)" : "");
		return NULL;
	}
	if (!getcwd(cwd, sizeof(cwd))) {
		mrp_err_errno(err, "cannot tell the working folder");
		return NULL;
	}
	for (const char *p = cwd; *p; p++)
		levels += *p == '/' && p[1];
	strbuf_addstr(&up, ".");
	for (int i = 0; i <= levels; i++) {
		if (has_manifest(up.buf))
			return xstrdup(up.buf);
		if (i == 0)
			strbuf_reset(&up);
		strbuf_addstr(&up, i ? "/.." : "..");
	}
	mrp_err_set(err, MRP_ENOTFOUND, "no config tree here: neither this folder nor one above has a " MANIFEST_NAME "%s",
		is_bare_repository(".") ? " (this is a git repository; --revision reads one of its commits)" : "");
	return NULL;
}

static void move_problems(struct problems *to, struct problems *from)
{
	for (size_t i = 0; i < from->list.n; i++)
		problem_vec_push(&to->list, from->list.v[i]);
	to->errors += from->errors;
	from->list.n = 0;
	from->errors = 0;
}

/* Names of the manifest's folder that are nearly those that are read. */
static void check_near_names(struct loader *loader, struct worker *worker)
{
	static const char *const near[][2] = { { "values.yml", "values.yaml" }, { "recipe", "recipes" }, { "cluster", "clusters" },
		{ "prober", "probers" }, { "environment", "environments" } };
	struct reader *reader = &worker->reader;
	struct mrp_err err = MRP_ERR_INIT;

	if (reader->source->ops->list(reader->source, &reader->entries, &loader->arena, "", &err) < 0)
		mrp_err_clear(&err);
	for (size_t i = 0; i < reader->entries.n; i++) {
		const char *name = reader->entries.v[i].name;

		loader->linked |= reader->entries.v[i].link;
		for (size_t k = 0; k < ARRAY_SIZE(near); k++) {
			if (streq(name, near[k][0]))
				problems_warn(&reader->problems, reader_place(reader, &loader->arena, name), NULL,
					"is not read; did you mean '%s'?", near[k][1]);
		}
	}
	reader->entries.n = 0;
}

/* Files in environments/ that no environment names are most likely misspelled. */
static void check_environment_files(struct loader *loader, struct worker *worker)
{
	struct reader *reader = &worker->reader;
	struct mrp_err err = MRP_ERR_INIT;

	if (!loader->manifest.n)
		return; /* a broken manifest, which has been said */
	if (reader->source->ops->list(reader->source, &reader->entries, &loader->arena, "environments", &err) < 0)
		mrp_err_clear(&err);
	for (size_t i = 0; i < reader->entries.n; i++) {
		const struct source_entry *entry = &reader->entries.v[i];
		const char *path = arena_printf(&loader->arena, "environments/%s", entry->name);
		bool yaml = ends_with(path, ".yaml") || ends_with(path, ".yml"), used = !yaml || entry->name[0] == '.';

		loader->linked |= entry->link;
		for (size_t k = 0; k < loader->manifest.n && !used; k++)
			used = streq(loader->manifest.environments[k].values, path);
		if (!used)
			problems_warn(&reader->problems, reader_place(reader, &loader->arena, path), NULL,
				"no environment of the manifest uses this file");
	}
	reader->entries.n = 0;
}

/* Probers are taken one by one from a common list; each result has its own slot. */
struct prober_run {
	const struct tree_object *probers;
	size_t n;
	atomic_size_t next;
	struct config_object *out;
};

struct prober_thread {
	pthread_t id;
	bool started;
	struct worker worker;
	struct prober_run *run;
};

static void *load_probers(void *arg)
{
	struct prober_thread *thread = arg;
	struct prober_run *run = thread->run;

	for (size_t i; (i = atomic_fetch_add_explicit(&run->next, 1, memory_order_relaxed)) < run->n;)
		prober_load(&thread->worker, run->probers[i].slug, &run->out[i]);
	return NULL;
}

static size_t choose_threads(int wanted, size_t probers)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = wanted > 0 ? (size_t)wanted : (size_t)MAX(cpus, 1L);

	if (wanted <= 0)
		n = MIN(n, probers / PROBERS_PER_THREAD + 1);
	return MIN(n, (size_t)CONFIG_MAX_THREADS);
}

static void run_probers(struct config *config, struct loader *loader, struct worker *first, struct prober_run *run, size_t n_threads)
{
	struct prober_thread *threads = xcalloc(n_threads, sizeof(*threads));

	for (size_t i = 1; i < n_threads; i++) {
		worker_init(&threads[i].worker, loader);
		threads[i].run = run;
		/* one thread fewer is slower, nothing more */
		threads[i].started = pthread_create(&threads[i].id, NULL, load_probers, &threads[i]) == 0;
	}
	threads[0].worker = *first;
	threads[0].run = run;
	load_probers(&threads[0]);
	*first = threads[0].worker;
	for (size_t i = 1; i < n_threads; i++) {
		struct worker *worker = &threads[i].worker;

		if (threads[i].started)
			pthread_join(threads[i].id, NULL);
		move_problems(&first->reader.problems, &worker->reader.problems);
		config->texts[i] = worker->results;
		worker_release(worker);
	}
	free(threads);
}

/* The objects that have no mistakes, without the gaps that the others leave. */
static void pack(struct config *config, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (config->objects[i].slug)
			config->objects[config->n++] = config->objects[i];
	}
}

static void load_objects(struct config *config, struct loader *loader, struct worker *worker, int threads)
{
	struct tree_object_vec list = VEC_INIT;
	size_t starts[KIND_COUNT + 1] = { 0 };

	worker->reader.problems.subject = NULL;
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		tree_list(&list, &worker->reader, &loader->arena, (enum kind)kind);
		starts[kind + 1] = list.n;
	}
	config->objects = xcalloc(list.n + 1, sizeof(*config->objects));
	for (size_t i = starts[KIND_RECIPE]; i < starts[KIND_RECIPE + 1]; i++)
		recipe_load(worker, loader, list.v[i].slug, &config->objects[i]);
	for (size_t i = starts[KIND_CLUSTER]; i < starts[KIND_CLUSTER + 1]; i++)
		cluster_load(worker, loader, list.v[i].slug, list.v[i].path, &config->objects[i]);
	struct prober_run run = { .probers = list.v + starts[KIND_PROBER], .n = list.n - starts[KIND_PROBER],
		.out = config->objects + starts[KIND_PROBER] };
	run_probers(config, loader, worker, &run, choose_threads(threads, run.n));
	for (size_t i = 0; i < list.n; i++)
		config->objects[i].linked |= list.v[i].link;
	pack(config, list.n);
	tree_object_vec_clear(&list);
}

static int load(struct config *config, struct loader *loader, struct worker *worker, const struct config_options *options,
	struct mrp_err *err)
{
	if (loader_prepare(loader, worker, &config->arena, options, err) < 0)
		return -1;
	config->manifest = loader->manifest;
	config->environment = loader->environment;
	check_near_names(loader, worker);
	check_environment_files(loader, worker);
	load_objects(config, loader, worker, options->threads);
	return 0;
}

int config_load(
	struct config **out, const struct config_options *options, struct problems *problems, struct mrp_err *err)
{
	cleanup(config_freep) struct config *config = xcalloc(1, sizeof(*config));
	struct worker worker;

	if (config_origin_open(&config->origin, options, err) < 0)
		return -1;
	struct loader loader = { .source = config->origin.source, .prefix = config->origin.prefix, .read_secrets = options->read_secrets,
		.note_links = options->note_links };
	worker_init(&worker, &loader);
	int result = load(config, &loader, &worker, options, err);
	config->texts[0] = worker.results;
	config->outside = worker.reader.outside;
	config->problems = worker.reader.problems.list.n;
	move_problems(problems, &worker.reader.problems);
	problems_sort(problems);
	worker_release(&worker);
	loader_release(&loader);
	if (result < 0)
		return -1;
	*out = steal(&config);
	return 0;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	config_origin_release(&config->origin);
	for (size_t i = 0; i < CONFIG_MAX_THREADS; i++)
		arena_release(&config->texts[i]);
	arena_release(&config->arena);
	repo_change_vec_clear(&config->dirty);
	free(config->objects);
	free(config);
}

void config_freep(struct config **config)
{
	config_free(*config);
	*config = NULL;
}

const struct config_object *config_objects(const struct config *config, size_t *n)
{
	*n = config->n;
	return config->objects;
}

const struct config_object *config_find(const struct config *config, enum kind kind, const char *slug)
{
	for (size_t low = 0, high = config->n; low < high;) {
		size_t middle = low + (high - low) / 2;
		const struct config_object *object = &config->objects[middle];
		int order = kind == object->kind ? strcmp(slug, object->slug) : (int)kind - (int)object->kind;

		if (order == 0)
			return object;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

size_t config_count(const struct config *config)
{
	return config->recalled ? config->n_recalled : config->n;
}

void config_root_digest(uint8_t out[SHA256_BYTES], const struct config *config)
{
	if (config->recalled) {
		memcpy(out, config->root, SHA256_BYTES);
		return;
	}
	struct digest_entry *entries = xcalloc(config->n + 1, sizeof(*entries));

	for (size_t i = 0; i < config->n; i++) {
		entries[i].kind = config->objects[i].kind;
		entries[i].slug = config->objects[i].slug;
		memcpy(entries[i].digest, config->objects[i].digest, SHA256_BYTES);
	}
	root_digest(out, entries, config->n);
	free(entries);
}

int config_read_file(struct strbuf *out, const struct config *config, const struct config_object *object, const char *path,
	const char *sha256, struct mrp_err *err)
{
	cleanup(freep) char *full = xasprintf("%s/%s/%s", kinds[object->kind].plural, object->slug, path);
	size_t start = out->len;
	char hex[SHA256_HEX + 1];

	if (!valid_relative_path(path, strlen(path)))
		return mrp_err_set(err, MRP_EINVALID, "'%s' is no path of a file", path);
	if (config->origin.source->ops->read(config->origin.source, out, NULL, full, CONFIG_FILE_MAX_BYTES, err) < 0)
		return mrp_err_wrap(err, "'%s%s'", config->origin.prefix, full);
	sha256_hex_of(hex, out->buf + start, out->len - start);
	if (!streq(hex, sha256))
		return mrp_err_set(err, MRP_EINVALID, "'%s%s' has changed since the configs were read; run again", config->origin.prefix,
			full);
	return 0;
}

const char *config_root(const struct config *config)
{
	return config->origin.root;
}

void config_add_path(struct strbuf *out, const struct config *config, const char *path)
{
	strbuf_addf(out, "%s%s", config->origin.prefix, path);
}

const char *config_environment(const struct config *config)
{
	return config->environment ? config->environment->name : NULL;
}

const char *config_api_url(const struct config *config)
{
	return config->environment ? config->environment->api : NULL;
}

const struct value *config_guard(const struct config *config, const char *name)
{
	return config->manifest.guards ? value_get(config->manifest.guards, name) : NULL;
}

int config_list_slugs(struct strvec *out, const char *root, enum kind kind, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct config_source *source = config_source_worktree(root, err);
	struct tree_object_vec list = VEC_INIT;
	struct reader reader;

	if (!source)
		return -1;
	reader_init(&reader, source, "");
	tree_list(&list, &reader, &arena, kind);
	for (size_t i = 0; i < list.n; i++)
		strvec_push(out, list.v[i].slug);
	tree_object_vec_clear(&list);
	reader_release(&reader);
	source->ops->free(source);
	return 0;
}
