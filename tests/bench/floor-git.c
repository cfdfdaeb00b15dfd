/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor-git REPO [REV]
 *
 * The least that loading configs from a git repository can cost: libgit2 walks the tree of a commit, reads every blob, and
 * the YAML ones become libyaml's events. Nothing is checked, kept, hashed or sorted; one thread. As git does, and mrprober,
 * objects are not hashed again when they are read.
 */
#include "common.h"

#include <git2.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct floor {
	git_repository *repo;
	long files, yaml_files, events;
	size_t bytes;
};

static void check(int result, const char *what)
{
	if (result < 0)
		die("%s: %s", what, git_error_last() ? git_error_last()->message : "unknown error");
}

static void parse_yaml(struct floor *f, const char *name, const void *text, size_t len)
{
	yaml_event_type_t type;
	yaml_parser_t parser;
	yaml_event_t event;

	if (!yaml_parser_initialize(&parser))
		die("out of memory");
	yaml_parser_set_input_string(&parser, text, len);
	do {
		if (!yaml_parser_parse(&parser, &event))
			die("%s:%zu: %s", name, parser.problem_mark.line + 1, parser.problem);
		type = event.type;
		yaml_event_delete(&event);
		f->events++;
	} while (type != YAML_STREAM_END_EVENT);
	yaml_parser_delete(&parser);
}

static int load_entry(const char *folder, const git_tree_entry *entry, void *ctx)
{
	struct floor *f = ctx;
	const char *name = git_tree_entry_name(entry), *suffix = strrchr(name, '.');
	git_blob *blob;

	(void)folder;
	if (git_tree_entry_type(entry) != GIT_OBJECT_BLOB)
		return 0;
	check(git_blob_lookup(&blob, f->repo, git_tree_entry_id(entry)), name);
	f->files++;
	f->bytes += (size_t)git_blob_rawsize(blob);
	if (suffix && !strcmp(suffix, ".yaml")) {
		f->yaml_files++;
		parse_yaml(f, name, git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
	}
	git_blob_free(blob);
	return 0;
}

int main(int argc, char **argv)
{
	struct floor f = { NULL };
	double start = now_seconds();
	git_object *named, *tree;

	if (argc < 2 || argc > 3)
		die_usage("usage: floor-git REPO [REV]");
	check(git_libgit2_init(), "libgit2");
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
	check(git_repository_open(&f.repo, argv[1]), argv[1]);
	check(git_revparse_single(&named, f.repo, argc > 2 ? argv[2] : "HEAD"), "the revision");
	check(git_object_peel(&tree, named, GIT_OBJECT_TREE), "the tree");
	check(git_tree_walk((git_tree *)tree, GIT_TREEWALK_PRE, load_entry, &f), "the walk");
	printf("sum_seconds=%.4f files=%ld yaml_files=%ld events=%ld bytes=%zu rss_kib=%ld\n", now_seconds() - start, f.files,
		f.yaml_files, f.events, f.bytes, peak_rss_kib());
	return 0;
}
