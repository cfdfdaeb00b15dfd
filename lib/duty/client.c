/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../base/file.h"
#include "../value/json.h"
#include "errors.h"

enum { SEND_MS = 10000 };

static int connect_to(const char *path, struct mrp_err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return mrp_err_set(err, MRP_EUSAGE, "'%s' names no socket: a path of at most %zu bytes is needed", path,
			sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	cleanup(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return mrp_err_errno(err, "cannot make a socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			return mrp_err_set(err, MRP_EUNREACHABLE,
				"no agent listens at '%s' (start one: mrprober agent run, or name its --socket)", path);
		if (errno == EACCES || errno == EPERM)
			return mrp_err_set(err, MRP_EPERM,
				"you may not ask the agent at '%s' (its user, root and members of the socket's group "
				"may)",
				path);
		return mrp_err_errno(err, "cannot connect to '%s'", path);
	}
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return mrp_err_errno(err, "cannot use the socket");
	int result = fd;
	fd = -1;
	return result;
}

static int send_request(int fd, const struct value *value, int wake_fd, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf json = STRBUF_INIT;
	struct value *request = value_copy_shallow(&arena, value);

	value_set(&arena, request, "format_version", value_int(&arena, DUTY_FORMAT_VERSION));
	json_compact(&json, request);
	return frame_write(fd, FRAME_REQUEST, json.buf, json.len, SEND_MS, wake_fd, err);
}

static int take_end(struct value **end, struct arena *arena, const struct strbuf *data, struct mrp_err *err)
{
	if (!data->len) {
		*end = value_object(arena);
		return 0;
	}
	*end = json_parse(arena, data->buf, data->len, "the agent's answer", err);
	return *end ? 0 : -1;
}

/* A connection that is closed before the request was read. */
static int turned_away(const char *path, struct mrp_err *err)
{
	if (err->code != MRP_EOS)
		return -1;
	mrp_err_clear(err);
	return mrp_err_set(err, MRP_EBUSY, "the agent at '%s' answers too many others just now, or has ended", path);
}

int duty_ask(struct value **end, struct arena *arena, const struct duty_request *request, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf data = STRBUF_INIT;
	cleanup(fd_closep) int fd = connect_to(request->path, err);
	enum frame_type type;
	bool answered = false;

	if (fd < 0)
		return -1;
	if (send_request(fd, request->value, request->wake_fd, err) < 0)
		return turned_away(request->path, err);
	for (;; answered = true) {
		int r = frame_read(&type, &data, fd, FRAME_MAX, request->timeout_ms, request->wake_fd, err);

		if (r < 0 && !answered)
			return turned_away(request->path, err);
		if (r == 0)
			mrp_err_set(
				err, MRP_EUNREACHABLE, "the agent at '%s' ended before its answer did", request->path);
		if (r <= 0)
			return -1;
		if (type == FRAME_END)
			return take_end(end, arena, &data, err);
		if (type == FRAME_ERROR)
			return duty_error_parse(data.buf, data.len, err);
		if (request->frame(request->ctx, type, data.buf, data.len, err) < 0)
			return -1;
	}
}
