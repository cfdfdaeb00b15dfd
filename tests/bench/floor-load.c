/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor-load DIR
 *
 * The least that loading a configuration tree can cost: walk it, read every file, parse the
 * YAML ones into libyaml's events, hash every file with SHA-256. Nothing is checked, nothing
 * is kept, nothing is sorted; one thread, one buffer for all files.
 *
 * The stages are timed file by file rather than one after another, because keeping 10,000
 * files in memory only to time the stages apart would cost more than the stages do.
 */
#include "common.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <nettle/version.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

struct floor {
	double walk, read, yaml, sha256; /* seconds */
	double lap;                      /* when the current stage began */
	long files, yaml_files, events;
	size_t bytes;
	unsigned char *buf;
	size_t size;
	unsigned char mix; /* uses every digest, so that none can be left out */
};

static void lap(struct floor *f, double *stage)
{
	double now = now_seconds();

	*stage += now - f->lap;
	f->lap = now;
}

static size_t read_file(struct floor *f, int dir, const char *name)
{
	size_t len = 0;
	struct stat st;
	ssize_t n;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		die("cannot open '%s': %s", name, strerror(errno));
	if ((size_t)st.st_size + 1 > f->size) {
		f->size = (size_t)st.st_size * 2 + 1;
		f->buf = xreallocarray(f->buf, f->size, 1);
	}
	while ((n = read(fd, f->buf + len, f->size - len)) > 0) {
		len += (size_t)n;
		if (len >= (size_t)st.st_size)
			break;
	}
	if (n < 0)
		die("cannot read '%s': %s", name, strerror(errno));
	close(fd);
	return len;
}

static void parse_yaml(struct floor *f, const char *name, size_t len)
{
	yaml_event_type_t type;
	yaml_parser_t parser;
	yaml_event_t event;

	if (!yaml_parser_initialize(&parser))
		die("out of memory");
	yaml_parser_set_input_string(&parser, f->buf, len);
	do {
		if (!yaml_parser_parse(&parser, &event))
			die("%s:%zu: %s", name, parser.problem_mark.line + 1, parser.problem);
		type = event.type;
		yaml_event_delete(&event);
		f->events++;
	} while (type != YAML_STREAM_END_EVENT);
	yaml_parser_delete(&parser);
}

static void hash(struct floor *f, size_t len)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, len, f->buf);
#if NETTLE_VERSION_MAJOR >= 4
	sha256_digest(&ctx, digest);
#else
	sha256_digest(&ctx, sizeof(digest), digest);
#endif
	f->mix ^= digest[0];
}

static void load_file(struct floor *f, int dir, const char *name)
{
	const char *suffix = strrchr(name, '.');
	size_t len;

	lap(f, &f->walk);
	len = read_file(f, dir, name);
	f->files++;
	f->bytes += len;
	lap(f, &f->read);
	if (suffix && !strcmp(suffix, ".yaml")) {
		f->yaml_files++;
		parse_yaml(f, name, len);
		lap(f, &f->yaml);
	}
	hash(f, len);
	lap(f, &f->sha256);
}

/* Takes the file descriptor. */
static void load_dir(struct floor *f, int fd)
{
	struct dirent *entry;
	DIR *dir = fdopendir(fd);

	if (!dir)
		die("cannot read a folder: %s", strerror(errno));
	while ((errno = 0, entry = readdir(dir))) {
		struct stat st;
		bool is_dir = entry->d_type == DT_DIR;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (entry->d_type == DT_UNKNOWN) { /* some file systems do not tell */
			if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
				die("cannot look at '%s': %s", entry->d_name, strerror(errno));
			is_dir = S_ISDIR(st.st_mode);
		}
		if (is_dir) {
			int sub = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

			if (sub < 0)
				die("cannot open '%s': %s", entry->d_name, strerror(errno));
			load_dir(f, sub);
		} else {
			load_file(f, fd, entry->d_name);
		}
	}
	if (errno)
		die("cannot read a folder: %s", strerror(errno));
	closedir(dir);
}

int main(int argc, char **argv)
{
	struct floor f = { 0 };
	int fd;

	if (argc != 2)
		die_usage("usage: floor-load DIR");
	f.lap = now_seconds();
	fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		die("cannot open '%s': %s", argv[1], strerror(errno));
	load_dir(&f, fd);
	lap(&f, &f.walk);
	free(f.buf);

	printf("sum_seconds=%.4f walk_seconds=%.4f read_seconds=%.4f yaml_seconds=%.4f sha256_seconds=%.4f "
	       "files=%ld yaml_files=%ld events=%ld bytes=%zu rss_kib=%ld mix=%u\n",
		f.walk + f.read + f.yaml + f.sha256, f.walk, f.read, f.yaml, f.sha256, f.files, f.yaml_files, f.events,
		f.bytes, peak_rss_kib(), f.mix);
	return 0;
}
