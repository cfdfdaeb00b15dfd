/* SPDX-License-Identifier: Apache-2.0 */
/* `api-client watch`: looks again and again, with ETags, so that a look at what has not changed costs next to nothing. */
#include "api_client.h"

#include "../lib/base/interrupt.h"
#include "../lib/client/changes.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

struct watch_args {
	int output;
	int64_t interval_ms;
};

static const struct mrp_opt watch_opts[] = {
	OPT_ENUM('o', "output", struct watch_args, output, "text|json", "lines for people, or a JSON object a line"),
	OPT_DURATION(0, "interval", struct watch_args, interval_ms, "<duration>", "time between two looks; 2s when not given",
		.min = 100, .max = 86400000),
	OPT_END,
};

struct watch {
	struct http_client *http;
	const struct target *target;
	char *etag;
	struct arena arenas[2]; /* of the last look that brought something, and of the one before */
	int now;
	struct value *items;
	bool in_trouble; /* said so already */
	bool verbose;
};

/* A look: *items is NULL when nothing changed. A single thing that is gone is an empty list. */
static int look(struct watch *watch, struct value **items, struct arena *arena, struct mrp_err *err)
{
	struct value *item;

	if (!watch->target->one)
		return fetch_list_changed(items, &watch->etag, watch->http, watch->target, NULL, arena, err);
	*items = NULL;
	if (fetch_one_changed(&item, &watch->etag, watch->http, watch->target, arena, err) < 0) {
		if (!watch->items || err->code != MRP_ENOTFOUND)
			return -1;
		mrp_err_clear(err);
		*items = value_array(arena);
	} else if (item) {
		*items = value_array(arena);
		value_push(arena, *items, item);
	}
	return 0;
}

static void print_changes(struct watch *watch, bool json, const struct value *items, struct arena *arena)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct timespec now;
	struct tm tm;
	char text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	if (json) {
		gmtime_r(&now.tv_sec, &tm);
		size_t len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(text + len, sizeof(text) - len, ".%03dZ", (int)(now.tv_nsec / 1000000));
	} else {
		localtime_r(&now.tv_sec, &tm);
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	}
	changes_format(&out, &(struct change_style){ json, text }, watch->target, watch->items, items, arena);
	fputs(out.buf, stdout);
	fflush(stdout);
}

/* One round; -1 when it makes no sense to go on. */
static int look_again(struct watch *watch, const struct watch_args *args, struct mrp_err *err)
{
	int next = !watch->now;
	struct arena *arena = &watch->arenas[next];
	struct value *items;

	arena_reset(arena);
	if (look(watch, &items, arena, err) < 0) {
		/* the first look tells whether this can work at all; later the API may restart */
		if (!watch->items || err->code == MRP_EINTERRUPTED || err->code == MRP_EPERM)
			return -1;
		if (!watch->in_trouble) {
			cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;

			mrp_err_format(&line, err);
			fprintf(stderr, "mrprober: %s; looking again until it works\n", line.buf);
		}
		watch->in_trouble = true;
		mrp_err_clear(err);
		return 0;
	}
	watch->in_trouble = false;
	if (!items)
		return 0;
	if (watch->items)
		print_changes(watch, args->output != 0, items, arena);
	else if (watch->verbose)
		fprintf(stderr, "watching %u %s\n", items->n,
			items->n == 1 ? watch->target->resource->name : watch->target->resource->plural);
	watch->items = items;
	watch->now = next;
	return 0;
}

static int run_watch(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct watch_args *args = ctx->opts;
	cleanup(http_closep) struct http_client *http = NULL;
	struct watch watch = { .arenas = { ARENA_INIT, ARENA_INIT } };
	struct target target;
	int code = -1;

	if (target_parse(&target, &ctx->arena, TARGET_EITHER, argc, argv, err) < 0)
		return -1;
	if (!target.resource->columns)
		return mrp_err_set(err, MRP_EUSAGE, "blobs never change");
	if (client_open(&http, ctx, err) < 0)
		return -1;
	watch.http = http;
	watch.target = &target;
	watch.verbose = ctx->verbose > 0;
	while (!interrupted()) {
		struct pollfd wake = { .fd = interrupt_fd(), .events = POLLIN };

		if (look_again(&watch, args, err) < 0)
			break;
		poll(&wake, 1, (int)args->interval_ms);
	}
	if (interrupted()) {
		mrp_err_clear(err);
		code = MRP_EXIT_INTERRUPTED;
	}
	free(watch.etag);
	arena_release(&watch.arenas[0]);
	arena_release(&watch.arenas[1]);
	return code;
}

const struct mrp_cmd client_watch = {
	.name = "watch",
	.summary = "print what changes, until Ctrl-C",
	.description = "What is there when it starts is not printed. Looks again and again; an API that is away for a while is waited for.",
	.args = "<kind> [<slug>|<cluster>]",
	.min_args = 1,
	.max_args = 3,
	.opts = watch_opts,
	CMD_OPTS(struct watch_args, .interval_ms = 2000),
	.needs = CLIENT_NEEDS,
	.run = run_watch,
	.complete = complete_kind_one,
};
