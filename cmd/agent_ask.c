/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the running agent, as `status`, `once` and the others do. */
#include "agent.h"

#include <unistd.h>

#include "../lib/base/file.h"
#include "../lib/base/interrupt.h"
#include "../lib/cli/complete.h"
#include "../lib/value/json.h"

enum { COMPLETE_MS = 250 };

struct value *agent_request(struct mrp_ctx *ctx, const char *command, int argc, char **argv)
{
	struct value *request = value_object(&ctx->arena), *words = value_array(&ctx->arena);

	for (int i = 0; i < argc; i++)
		value_push(&ctx->arena, words, value_string(&ctx->arena, argv[i]));
	value_append(&ctx->arena, request, "command", value_string(&ctx->arena, command));
	value_append(&ctx->arena, request, "probers", words);
	return request;
}

struct asking {
	struct arena *arena;
	int (*json)(void *ctx, struct value *v, struct mrp_err *err);
	void *ctx;
};

static int take_frame(void *ctx, enum frame_type type, const char *data, size_t len, struct mrp_err *err)
{
	struct asking *asking = ctx;

	if (type == FRAME_JSON) {
		struct value *v = asking->json ? json_parse(asking->arena, data, len, "the agent's answer", err) : NULL;

		return asking->json ? v ? asking->json(asking->ctx, v, err) : -1 : 0;
	}
	/* at once, as somebody watches; and past stdio, which would try to write again what could not be written */
	return write_all(type == FRAME_STDERR ? STDERR_FILENO : STDOUT_FILENO, data, len, err);
}

int agent_ask(struct mrp_ctx *ctx, struct value **end, const char *socket, const struct value *request,
	int (*json)(void *ctx, struct value *v, struct mrp_err *err), void *json_ctx, struct mrp_err *err)
{
	struct asking asking = { &ctx->arena, json, json_ctx };

	if (interrupt_catch(err) < 0)
		return -1;
	const struct duty_request duty = {
		.path = socket,
		.value = request,
		.frame = take_frame,
		.ctx = &asking,
		.timeout_ms = -1,
		.wake_fd = interrupt_fd(),
	};
	return duty_ask(end, &ctx->arena, &duty, err);
}

static int add_candidates(void *ctx, enum frame_type type, const char *data, size_t len, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	const struct value *rows = type == FRAME_JSON ? json_parse(&arena, data, len, "the agent's answer", err) : NULL;

	for (uint32_t i = 0; rows && rows->type == V_ARRAY && i < rows->n; i++) {
		const char *id = value_get_string(rows->items[i], "id"),
			   *status = value_get_string(rows->items[i], "status");

		if (id)
			mrp_complete_add(ctx, id, status);
	}
	return 0;
}

/* From the socket that MRPROBER_SOCKET names, or the usual one. */
void complete_agent_probers(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct mrp_err ignored = MRP_ERR_INIT;
	struct value *request = value_object(&arena), *end;
	const char *socket = getenv("MRPROBER_SOCKET");

	(void)argc, (void)argv, (void)word;
	value_append(&arena, request, "command", value_string(&arena, "status"));
	const struct duty_request duty = { .path = socket && *socket ? socket : DUTY_SOCKET,
		.value = request,
		.frame = add_candidates,
		.ctx = c,
		.timeout_ms = COMPLETE_MS,
		.wake_fd = -1 };
	duty_ask(&end, &arena, &duty, &ignored);
	mrp_err_clear(&ignored);
}
