/* SPDX-License-Identifier: Apache-2.0 */
/* Read log_store.h first. Numbers are written as this machine has them: the files never leave it. */
#include "log_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <search.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/hash.h"

enum {
	MAGIC = 0x4c72706d, /* "mprL" */
	SEGMENTS = 16,      /* files that max_bytes is spread over */
	RECORD_MAX = 1 << 30,
	PARTS = 6,
};

struct place {
	uint32_t segment, offset; /* segment 0: nowhere */
};

/* What a record begins with; id, run id, message, stdout and stderr follow without anything between them. */
struct head {
	uint32_t magic, size; /* of all */
	uint64_t check;       /* the first bytes of the SHA-256 of all, with 0 here */
	uint32_t output_len[2];
	uint16_t id_len, run_id_len, message_len;
	uint8_t status, reason;
	uint8_t truncated[2];
	uint8_t unused[2];
	int32_t exit_code, signal_number;
	struct place before; /* of the same entry */
	int64_t started_ms, duration_us;
};

struct last {
	char *id;
	struct place place;
};

struct log_store {
	char *folder;
	int64_t segment_bytes;
	uint32_t first, newest; /* segments that are there */
	int fd;                 /* of the newest one */
	uint32_t end;           /* its size */
	pthread_mutex_t lock;   /* of the tree, and of `first` */
	void *lasts;            /* tsearch(3): struct last by id */
};

static char *segment_path(const struct log_store *store, uint32_t segment)
{
	return xasprintf("%s/%08" PRIu32 ".log", store->folder, segment);
}

static int compare_lasts(const void *a, const void *b)
{
	return strcmp(((const struct last *)a)->id, ((const struct last *)b)->id);
}

static void free_last(void *p)
{
	struct last *last = p;

	free(last->id);
	free(last);
}

static struct last *find_last(struct log_store *store, const char *id)
{
	const struct last wanted = { .id = (char *)(uintptr_t)id };
	struct last **found = tfind(&wanted, &store->lasts, compare_lasts);

	return found ? *found : NULL;
}

/* The newest record of the entry is there now. */
static void note_last(struct log_store *store, const char *id, size_t len, struct place place)
{
	cleanup(freep) char *name = xstrndup(id, len);
	struct last *last = find_last(store, name);

	if (!last) {
		last = xcalloc(1, sizeof(*last));
		last->id = steal(&name);
		if (!tsearch(last, &store->lasts, compare_lasts))
			BUG("out of memory");
	}
	last->place = place;
}

/* Takes each part in turn: a record is never copied to be hashed. */
static uint64_t check_of(const struct head *head, const struct iovec *parts, size_t n)
{
	struct head plain = *head;
	struct sha256_ctx ctx;
	uint8_t digest[SHA256_BYTES];
	uint64_t check;

	plain.check = 0;
	sha256_init(&ctx);
	sha256_update(&ctx, sizeof(plain), (const uint8_t *)&plain);
	for (size_t i = 0; i < n; i++)
		sha256_update(&ctx, parts[i].iov_len, parts[i].iov_base);
	sha256_digest(&ctx, sizeof(digest), digest);
	memcpy(&check, digest, sizeof(check));
	return check;
}

static bool head_fits(const struct head *head, uint32_t room)
{
	uint64_t size = sizeof(*head) + (uint64_t)head->id_len + head->run_id_len + head->message_len +
		head->output_len[0] + head->output_len[1];

	return head->magic == MAGIC && size == head->size && size <= room && head->id_len &&
		head->status < VERDICT_STATUSES && head->reason < VERDICT_REASONS;
}

/* Read the record at `place`: 1, 0 when there is none (any more), -1. `text` gets what follows the head. */
static int read_record(
	struct head *head, struct strbuf *text, const struct log_store *store, struct place place, struct mrp_err *err)
{
	cleanup(freep) char *path = segment_path(store, place.segment);
	cleanup(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : mrp_err_errno(err, "cannot open '%s'", path);
	ssize_t n = pread(fd, head, sizeof(*head), place.offset);
	if (n < 0)
		return mrp_err_errno(err, "cannot read '%s'", path);
	if (n < (ssize_t)sizeof(*head) || !head_fits(head, RECORD_MAX))
		return 0;
	size_t rest = head->size - sizeof(*head);
	strbuf_grow(text, rest);
	n = pread(fd, text->buf, rest, (off_t)place.offset + (off_t)sizeof(*head));
	if (n < 0)
		return mrp_err_errno(err, "cannot read '%s'", path);
	if ((size_t)n < rest)
		return 0;
	strbuf_setlen(text, rest);
	const struct iovec part = { text->buf, rest };
	return head->check == check_of(head, &part, 1);
}

/* Find the records of a segment; *end is where the next one belongs. */
static int scan_segment(uint32_t *end, struct log_store *store, uint32_t segment, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct place place = { segment, 0 };
	struct head head;
	int r;

	while ((r = read_record(&head, &text, store, place, err)) > 0) {
		note_last(store, text.buf, head.id_len, place);
		place.offset += head.size;
		strbuf_reset(&text);
	}
	*end = place.offset;
	return r;
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

VEC_DEFINE(number_vec, uint32_t)

static int list_segments(struct number_vec *out, const char *folder, struct mrp_err *err)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return mrp_err_errno(err, "cannot read folder '%s'", folder);
	while ((entry = readdir(dir))) {
		char *rest;
		unsigned long number = strtoul(entry->d_name, &rest, 10);

		if (rest == entry->d_name + 8 && streq(rest, ".log") && number && number < UINT32_MAX)
			number_vec_push(out, (uint32_t)number);
	}
	closedir(dir);
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), compare_numbers);
	return 0;
}

/* Open the newest segment for appending; what a crash has left behind its last whole record is cut off. */
static int open_newest(struct log_store *store, struct mrp_err *err)
{
	cleanup(freep) char *path = segment_path(store, store->newest);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);

	if (fd < 0)
		return mrp_err_errno(err, "cannot create '%s'", path);
	if (ftruncate(fd, store->end) < 0) {
		mrp_err_errno(err, "cannot write '%s'", path);
		close(fd);
		return -1;
	}
	if (store->fd >= 0)
		close(store->fd);
	store->fd = fd;
	return 0;
}

static void drop_oldest(struct log_store *store)
{
	while (store->newest - store->first >= SEGMENTS) {
		cleanup(freep) char *path = segment_path(store, store->first);

		unlink(path);
		pthread_mutex_lock(&store->lock);
		store->first++;
		pthread_mutex_unlock(&store->lock);
	}
}

static int find_records(struct log_store *store, struct mrp_err *err)
{
	struct number_vec segments = VEC_INIT;
	int r = list_segments(&segments, store->folder, err);

	for (size_t i = 0; r == 0 && i < segments.n; i++)
		r = scan_segment(&store->end, store, segments.v[i], err);
	store->first = segments.n ? segments.v[0] : 1;
	store->newest = segments.n ? segments.v[segments.n - 1] : 1;
	number_vec_clear(&segments);
	return r;
}

struct log_store *log_store_open(const char *folder, int64_t max_bytes, struct mrp_err *err)
{
	struct log_store *store = xcalloc(1, sizeof(*store));

	store->folder = xstrdup(folder);
	store->segment_bytes = MAX(max_bytes, 1 << 20) / SEGMENTS;
	store->fd = -1;
	pthread_mutex_init(&store->lock, NULL);
	if (make_folders(folder, 0750, err) < 0 || find_records(store, err) < 0 || open_newest(store, err) < 0) {
		log_store_close(store);
		return NULL;
	}
	drop_oldest(store);
	return store;
}

void log_store_close(struct log_store *store)
{
	if (!store)
		return;
	if (store->fd >= 0)
		close(store->fd);
	tdestroy(store->lasts, free_last);
	pthread_mutex_destroy(&store->lock);
	free(store->folder);
	free(store);
}

static int begin_segment(struct log_store *store, struct mrp_err *err)
{
	uint32_t full = store->end;

	store->newest++;
	store->end = 0;
	if (open_newest(store, err) < 0) {
		store->newest--;
		store->end = full;
		return -1;
	}
	drop_oldest(store);
	return 0;
}

static int write_record(struct log_store *store, struct iovec *parts, size_t size, struct mrp_err *err)
{
	ssize_t n = pwritev(store->fd, parts, PARTS, store->end);

	if (n == (ssize_t)size)
		return 0;
	/* a short one: the disk is full, and errno tells nothing */
	if (n >= 0)
		errno = ENOSPC;
	mrp_err_errno(err, "cannot write to '%s'", store->folder);
	if (ftruncate(store->fd, store->end) < 0)
		return -1; /* its hash is wrong: nobody will take it for a record */
	return -1;
}

static struct iovec part_of(const char *text, size_t len)
{
	return (struct iovec){ (char *)(uintptr_t)text, len };
}

int log_store_put(struct log_store *store, const struct log_record *record, struct mrp_err *err)
{
	size_t id_len = strnlen(record->id, UINT16_MAX), run_id_len = strnlen(record->run_id, UINT16_MAX),
	       message_len = strnlen(record->message, UINT16_MAX);
	struct head head = {
		.magic = MAGIC,
		.id_len = (uint16_t)id_len,
		.run_id_len = (uint16_t)run_id_len,
		.message_len = (uint16_t)message_len,
		.status = (uint8_t)record->status,
		.reason = (uint8_t)record->reason,
		.exit_code = record->exit_code,
		.signal_number = record->signal_number,
		.started_ms = record->started_ms,
		.duration_us = record->duration_us,
	};
	struct iovec parts[PARTS] = { { &head, sizeof(head) }, part_of(record->id, id_len),
		part_of(record->run_id, run_id_len), part_of(record->message, message_len) };
	size_t size = sizeof(head) + id_len + run_id_len + message_len;

	for (int i = 0; i < 2; i++) {
		/* one program that prints much must not push out everything else */
		size_t len = MIN(record->output_len[i], (size_t)store->segment_bytes / 4);

		head.output_len[i] = (uint32_t)len;
		head.truncated[i] = record->truncated[i] || len < record->output_len[i];
		parts[4 + i] = part_of(record->output[i], len);
		size += len;
	}
	head.size = (uint32_t)size;
	if (store->end && store->end + (int64_t)size > store->segment_bytes && begin_segment(store, err) < 0)
		return -1;
	pthread_mutex_lock(&store->lock);
	const struct last *last = find_last(store, record->id);
	if (last)
		head.before = last->place;
	pthread_mutex_unlock(&store->lock);
	head.check = check_of(&head, parts + 1, PARTS - 1);
	if (write_record(store, parts, size, err) < 0)
		return -1;
	pthread_mutex_lock(&store->lock);
	note_last(store, record->id, id_len, (struct place){ store->newest, store->end });
	pthread_mutex_unlock(&store->lock);
	store->end += head.size;
	return 0;
}

/* Cut the text that was read into the record's strings. */
static void take_apart(struct log_record *out, const struct head *head)
{
	struct strbuf text = out->text;
	size_t lens[3] = { head->id_len, head->run_id_len, head->message_len };
	const char **strings[3] = { &out->id, &out->run_id, &out->message };
	struct strbuf apart = STRBUF_INIT;
	size_t from = 0, starts[5];

	for (int i = 0; i < 3; i++) {
		starts[i] = apart.len;
		strbuf_add(&apart, text.buf + from, lens[i]);
		strbuf_addch(&apart, '\0');
		from += lens[i];
	}
	for (int i = 0; i < 2; i++) {
		starts[3 + i] = apart.len;
		strbuf_add(&apart, text.buf + from, head->output_len[i]);
		from += head->output_len[i];
	}
	for (int i = 0; i < 3; i++)
		*strings[i] = apart.buf + starts[i];
	for (int i = 0; i < 2; i++) {
		out->output[i] = apart.buf + starts[3 + i];
		out->output_len[i] = head->output_len[i];
		out->truncated[i] = head->truncated[i];
	}
	strbuf_release(&text);
	out->text = apart;
	out->status = head->status;
	out->reason = head->reason;
	out->exit_code = head->exit_code;
	out->signal_number = head->signal_number;
	out->started_ms = head->started_ms;
	out->duration_us = head->duration_us;
}

int log_store_get(struct log_record *out, struct log_store *store, const char *id, size_t back, struct mrp_err *err)
{
	struct head head;

	*out = (struct log_record){ .text = STRBUF_INIT };
	pthread_mutex_lock(&store->lock);
	const struct last *last = find_last(store, id);
	struct place place = last ? last->place : (struct place){ 0, 0 };
	uint32_t first = store->first;
	pthread_mutex_unlock(&store->lock);
	int r;
	for (;;) {
		strbuf_reset(&out->text);
		r = place.segment < first ? 0 : read_record(&head, &out->text, store, place, err);
		if (r <= 0 || back-- == 0)
			break;
		place = head.before;
	}
	if (r <= 0) {
		strbuf_release(&out->text);
		return r;
	}
	take_apart(out, &head);
	return 1;
}
