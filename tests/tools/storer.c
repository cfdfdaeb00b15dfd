/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores and reads objects, for tests of lib/cloud without a service around it:
 *
 *	storer [--folder DIR | --spool DIR] [--spool-bytes N] [--pause MS] [--wait MS] [--grace MS] [--token-url URL]
 *		[--key-file FILE] [--metadata-url URL] (put KEY TEXT | put-file KEY FILE | get KEY)...
 *
 * S3 is what the environment says. The wait (10 s) comes before the last `get`s and the end: "waiting N" on standard
 * output says how many objects are left.
 */
#include <inttypes.h>
#include <stdatomic.h>

#include "../../lib/base/parse.h"
#include "../../lib/cloud/objects.h"

static _Atomic int64_t counts[4];

static void count(void *ctx, enum objects_count what, int64_t n)
{
	(void)ctx;
	atomic_fetch_add(&counts[what], n);
}

NORETURN static void stop(const char *what, const struct mrp_err *err)
{
	fprintf(stderr, "storer: %s%s%s\n", what, err ? ": " : "", err ? err->msg : "");
	exit(1);
}

struct wish {
	struct objects_options options;
	struct s3_options s3;
	struct iam_options iam;
	int64_t wait_ms, grace_ms;
};

static void set_number(int64_t *out, const char *value)
{
	struct mrp_err err = MRP_ERR_INIT;

	if (parse_int(out, value, 0, INT64_MAX, &err) < 0)
		stop("a number is wrong", &err);
}

static void set_option(struct wish *wish, const char *name, const char *value)
{
	const struct {
		const char *name, **value;
	} texts[] = { { "--folder", &wish->options.folder }, { "--spool", &wish->options.spool },
		{ "--token-url", &wish->iam.token_url }, { "--key-file", &wish->iam.key_file },
		{ "--metadata-url", &wish->iam.metadata_url } };
	const struct {
		const char *name;
		int64_t *value;
	} numbers[] = { { "--spool-bytes", &wish->options.spool_bytes }, { "--pause", &wish->options.first_pause_ms },
		{ "--wait", &wish->wait_ms }, { "--grace", &wish->grace_ms } };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (streq(name, texts[i].name)) {
			*texts[i].value = value;
			return;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (streq(name, numbers[i].name)) {
			set_number(numbers[i].value, value);
			return;
		}
	}
	stop(name, NULL);
}

/* Returns how many words it took. */
static int act(struct objects *objects, const struct wish *wish, char **words)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct strbuf out = STRBUF_INIT;

	if (streq(words[0], "get")) {
		objects_wait(objects, wish->wait_ms);
		if (objects_get(&out, objects, words[1], 32 << 20, &err) < 0)
			stop("get", &err);
		fwrite(out.buf, 1, out.len, stdout);
		strbuf_release(&out);
		return 2;
	}
	int r = streq(words[0], "put-file") ? objects_put_file(objects, words[1], words[2], &err)
					    : objects_put(objects, words[1], words[2], strlen(words[2]), &err);
	if (r < 0)
		stop("put", &err);
	return 3;
}

int main(int argc, char **argv)
{
	struct wish wish = { .options = { .count = count }, .wait_ms = 10000 };
	struct mrp_err err = MRP_ERR_INIT;
	int i = 1;

	for (; i + 1 < argc && argv[i][0] == '-'; i += 2)
		set_option(&wish, argv[i], argv[i + 1]);
	wish.s3.iam = &wish.iam;
	int r = s3_options_from_environment(&wish.s3, &err);
	if (r < 0)
		stop("environment", &err);
	wish.options.s3 = r ? &wish.s3 : NULL;
	struct objects *objects = objects_open(&wish.options, &err);
	if (!objects)
		stop("open", &err);
	while (i < argc)
		i += act(objects, &wish, argv + i);
	objects_wait(objects, wish.wait_ms);
	printf("waiting %zu stored %" PRId64 " failed %" PRId64 " dropped %" PRId64 "\n", objects_waiting(objects),
		atomic_load(&counts[OBJECTS_STORED]), atomic_load(&counts[OBJECTS_FAILED]),
		atomic_load(&counts[OBJECTS_DROPPED]));
	objects_close(objects, wish.grace_ms);
	return 0;
}
