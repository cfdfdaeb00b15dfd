/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

enum { HEAD = 5 };

/* 1 when it is ready, 0 when the time is over, -1. */
static int wait_for(int fd, short events, int64_t timeout_ms, int wake_fd, struct mrp_err *err)
{
	struct pollfd fds[2] = { { .fd = fd, .events = events }, { .fd = wake_fd, .events = POLLIN } };
	int n;

	do {
		n = poll(fds, 2, timeout_ms < 0 ? -1 : (int)MIN(timeout_ms, INT32_MAX));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return mrp_err_errno(err, "cannot wait for the socket");
	if (n > 0 && fds[1].revents)
		return mrp_err_set(err, MRP_EINTERRUPTED, "interrupted");
	return n > 0;
}

static int send_all(int fd, const char *data, size_t len, int64_t timeout_ms, int wake_fd, struct mrp_err *err)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n > 0) {
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
			return mrp_err_errno(err, "cannot send to the socket");
		int ready = wait_for(fd, POLLOUT, timeout_ms, wake_fd, err);
		if (ready <= 0)
			return ready < 0 ? -1 : mrp_err_set(err, MRP_EBUSY, "the other side does not read");
	}
	return 0;
}

int frame_write(int fd, enum frame_type type, const void *data, size_t len, int64_t timeout_ms, int wake_fd,
	struct mrp_err *err)
{
	const uint8_t head[HEAD] = { (uint8_t)type, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
		(uint8_t)len };

	if (len > FRAME_MAX)
		return mrp_err_set(err, MRP_ETOOBIG, "an answer of %zu bytes is too large", len);
	if (send_all(fd, (const char *)head, sizeof(head), timeout_ms, wake_fd, err) < 0)
		return -1;
	return send_all(fd, data, len, timeout_ms, wake_fd, err);
}

/* Receive `len` bytes: 1, 0 when the other side closed before the first of them, -1. */
static int receive(int fd, char *data, size_t len, int64_t timeout_ms, int wake_fd, struct mrp_err *err)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = recv(fd, data + got, len - got, 0);

		if (n > 0) {
			got += (size_t)n;
			continue;
		}
		if (n == 0)
			return got ? mrp_err_set(err, MRP_EUNREACHABLE, "the other side closed within a message") : 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return mrp_err_errno(err, "cannot receive from the socket");
		int ready = wait_for(fd, POLLIN, timeout_ms, wake_fd, err);
		if (ready <= 0)
			return ready < 0 ? -1 : mrp_err_set(err, MRP_EBUSY, "the other side does not answer");
	}
	return 1;
}

int frame_read(enum frame_type *type, struct strbuf *data, int fd, size_t max_bytes, int64_t timeout_ms, int wake_fd,
	struct mrp_err *err)
{
	uint8_t head[HEAD];
	int r = receive(fd, (char *)head, sizeof(head), timeout_ms, wake_fd, err);

	if (r <= 0)
		return r;
	size_t len = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
	if (!head[0] || !strchr("RJOEZX", head[0]))
		return mrp_err_set(err, MRP_EPARSE, "the other side speaks another language");
	if (len > max_bytes)
		return mrp_err_set(err, MRP_ETOOBIG, "a message of %zu bytes is too large", len);
	*type = head[0];
	strbuf_reset(data);
	strbuf_grow(data, len);
	r = len ? receive(fd, data->buf, len, timeout_ms, wake_fd, err) : 1;
	if (r < 0)
		return -1;
	if (r == 0)
		return mrp_err_set(err, MRP_EUNREACHABLE, "the other side closed within a message");
	strbuf_setlen(data, len);
	return 1;
}
