/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes over the duty socket: frames of a type (one byte), a length (four bytes, big-endian) and that many bytes.
 * The client sends one FRAME_REQUEST (a JSON object); the agent answers with any number of FRAME_JSON, FRAME_STDOUT and
 * FRAME_STDERR, then one FRAME_END or FRAME_ERROR, and closes. Both sides are of one version as a rule;
 * `format_version` in the request says which.
 */
#ifndef MRP_DUTY_FRAME_H
#define MRP_DUTY_FRAME_H

#include "../base/err.h"

enum frame_type {
	FRAME_REQUEST = 'R',
	FRAME_JSON = 'J',
	FRAME_STDOUT = 'O', /* what a program prints, as it comes */
	FRAME_STDERR = 'E',
	FRAME_END = 'Z',   /* JSON: how it ended; may be empty */
	FRAME_ERROR = 'X', /* JSON: {code, message} */
};

enum { DUTY_FORMAT_VERSION = 1, FRAME_MAX = 64 << 20 };

/* Send a frame on a non-blocking socket. Waits for at most `timeout_ms` without progress (MRP_EBUSY then), and not when
 * `wake_fd` (-1: none) is readable (MRP_EINTERRUPTED then). MRP_EOS when the other side is gone. */
int frame_write(int fd, enum frame_type type, const void *data, size_t len, int64_t timeout_ms, int wake_fd,
	struct mrp_err *err);
/* Receive one: its data is put in place of what was in `data`. 1, 0 when the other side has closed between two frames,
 * -1: MRP_EBUSY (nothing came for `timeout_ms`; -1: any time), MRP_EPARSE (no frame of ours), MRP_EUNREACHABLE (closed
 * within one), MRP_ETOOBIG (over max_bytes), MRP_EINTERRUPTED when `wake_fd` (-1: none) became readable first, MRP_EOS.
 */
int frame_read(enum frame_type *type, struct strbuf *data, int fd, size_t max_bytes, int64_t timeout_ms, int wake_fd,
	struct mrp_err *err);

#endif
