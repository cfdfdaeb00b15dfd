/* SPDX-License-Identifier: Apache-2.0 */
#include "objects_sender.h"

#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/thread.h"
#include "../ev/loop.h"

enum {
	FIRST_PAUSE_MS = 1000,
	LONGEST_PAUSE_MS = 5 * 60 * 1000,
	LONGEST_ASKED_MS = 60 * 60 * 1000,
	TAKEN_PAUSE_MS = 500, /* another program sends what is there */
};

struct objects_sender {
	struct spool *spool;
	struct s3 *s3;
	struct http_patience patience;
	pthread_t thread;
	void (*count)(void *ctx, enum objects_count what, int64_t n);
	void *ctx;
	int64_t first_pause_ms;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool work;    /* there may be something to send */
	bool sending; /* somebody looks */
	bool full_said;
	size_t dropped_meanwhile;

	/* the thread's own */
	int failures; /* in a row */
	uint64_t stored;
	int64_t not_before_ms;
};

static int64_t now_ms(void)
{
	return monotonic_us() / 1000;
}

static void tell(struct objects_sender *sender, enum objects_count what)
{
	if (sender->count)
		sender->count(sender->ctx, what, 1);
}

static void remove_from_spool(struct objects_sender *sender, const char *name)
{
	spool_remove(sender->spool, name);
	if (sender->count)
		sender->count(sender->ctx, OBJECTS_WAITING, -1);
}

int64_t objects_pause_ms(int64_t first_ms, int failures, int64_t retry_after_ms, uint64_t chance)
{
	int64_t pause_ms = first_ms;

	if (retry_after_ms >= 0)
		return MIN(retry_after_ms, (int64_t)LONGEST_ASKED_MS);
	while (--failures > 0 && pause_ms < LONGEST_PAUSE_MS)
		pause_ms *= 2;
	pause_ms = MIN(pause_ms, (int64_t)LONGEST_PAUSE_MS);
	return pause_ms / 2 + (int64_t)(chance % (uint64_t)(pause_ms - pause_ms / 2 + 1));
}

static bool stop_wanted(const struct objects_sender *sender)
{
	return atomic_load(&sender->patience.until_ms) != INT64_MAX;
}

static bool time_is_over(const struct objects_sender *sender)
{
	return now_ms() >= atomic_load(&sender->patience.until_ms);
}

static void note_failure(struct objects_sender *sender, const struct mrp_err *err, int64_t retry_after_ms)
{
	uint64_t chance = 0;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = (uint64_t)now_ms();
	tell(sender, OBJECTS_FAILED);
	if (sender->failures++ == 0)
		log_warning("uploads: %s; trying again", err->msg);
	sender->not_before_ms =
		now_ms() + objects_pause_ms(sender->first_pause_ms, sender->failures, retry_after_ms, chance);
}

static void note_success(struct objects_sender *sender)
{
	tell(sender, OBJECTS_STORED);
	sender->stored++;
	if (!sender->failures)
		return;
	pthread_mutex_lock(&sender->lock);
	log_info("uploads: taken again after %d failures; %zu objects were dropped meanwhile", sender->failures,
		sender->dropped_meanwhile);
	sender->dropped_meanwhile = 0;
	sender->full_said = false;
	pthread_mutex_unlock(&sender->lock);
	sender->failures = 0;
}

static void drop(struct objects_sender *sender, const char *name, const struct mrp_err *err)
{
	log_warning("uploads: an object was dropped: %s", err->msg);
	tell(sender, OBJECTS_DROPPED);
	remove_from_spool(sender, name);
}

enum fate { DONE, LATER, REFUSED };

/* REFUSED: the server has answered, and not as one that is overloaded. */
static enum fate send_one(struct objects_sender *sender, const char *name, struct mrp_err *err)
{
	struct spool_item item;
	int64_t retry_after_ms = -1;
	int r = spool_read(&item, sender->spool, name, err);

	if (r == 0)
		return DONE;
	if (r > 0) {
		r = s3_put(sender->s3, item.key, item.data, item.len, &retry_after_ms, err);
		spool_item_release(&item);
	}
	if (r == 0) {
		remove_from_spool(sender, name);
		note_success(sender);
		return DONE;
	}
	if (err->code == MRP_EPARSE || err->code == MRP_EINVALID) {
		drop(sender, name, err);
		return DONE;
	}
	if (err->code != MRP_EINTERRUPTED)
		note_failure(sender, err, retry_after_ms);
	return err->code == MRP_EPERM || err->code == MRP_ENOTFOUND || err->code == MRP_EHTTP ? REFUSED : LATER;
}

/* Send these, in their order. One that is refused while the next one is taken would be refused for ever, and all others
 * would wait behind it: it is dropped. False when there is no use in going on now. */
static bool send_these(struct objects_sender *sender, const struct strvec *names)
{
	cleanup(mrp_err_clear) struct mrp_err why = MRP_ERR_INIT;
	const char *refused = NULL;

	for (size_t i = 0; i < names->n; i++) {
		cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
		uint64_t stored = sender->stored;

		if (time_is_over(sender))
			return false;
		enum fate fate = send_one(sender, names->v[i], &err);
		if (fate == LATER || (fate == REFUSED && refused))
			return false;
		if (fate == REFUSED) {
			refused = names->v[i];
			mrp_err_move(&why, &err);
		} else if (refused && sender->stored != stored) {
			drop(sender, refused, &why);
			refused = NULL;
		}
	}
	return !refused;
}

/* Send all that is there. True when nothing was left at the last look. */
static bool send_all(struct objects_sender *sender)
{
	for (;;) {
		cleanup(strvec_clear) struct strvec names = STRVEC_INIT;
		cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;

		if (spool_list(&names, sender->spool, &err) < 0) {
			note_failure(sender, &err, -1);
			return false;
		}
		if (!names.n)
			return true;
		if (!send_these(sender, &names))
			return false;
	}
}

/* Whether nothing is left. */
static bool try_to_send(struct objects_sender *sender)
{
	if (!spool_lock(sender->spool)) {
		sender->not_before_ms = now_ms() + TAKEN_PAUSE_MS;
		return false;
	}
	bool nothing_left = send_all(sender);
	spool_unlock(sender->spool);
	return nothing_left;
}

static void wait_until(struct objects_sender *sender, pthread_cond_t *condition, int64_t due_ms)
{
	const struct timespec until = { .tv_sec = due_ms / 1000, .tv_nsec = due_ms % 1000 * 1000000 };

	pthread_cond_timedwait(condition, &sender->lock, &until);
}

static void *run(void *arg)
{
	struct objects_sender *sender = arg;
	bool last = false; /* when it is to end, pauses are over, and one failure is enough */

	pthread_mutex_lock(&sender->lock);
	while (!last && !time_is_over(sender)) {
		last = stop_wanted(sender);
		if (!sender->work) {
			if (!last)
				pthread_cond_wait(&sender->changed, &sender->lock);
			continue;
		}
		if (!last && now_ms() < sender->not_before_ms) {
			wait_until(sender, &sender->changed, sender->not_before_ms);
			continue;
		}
		sender->work = false; /* what is put from now on is perhaps not seen */
		sender->sending = true;
		pthread_mutex_unlock(&sender->lock);
		bool nothing_left = try_to_send(sender);
		pthread_mutex_lock(&sender->lock);
		sender->sending = false;
		sender->work = sender->work || !nothing_left;
		pthread_cond_broadcast(&sender->changed);
	}
	pthread_mutex_unlock(&sender->lock);
	return NULL;
}

static void release(struct objects_sender *sender)
{
	s3_close(sender->s3);
	fd_closep(&sender->patience.wake_fd);
	pthread_cond_destroy(&sender->changed);
	pthread_mutex_destroy(&sender->lock);
	free(sender);
}

struct objects_sender *objects_sender_start(
	const struct objects_options *options, struct spool *spool, struct mrp_err *err)
{
	struct objects_sender *sender = xcalloc(1, sizeof(*sender));
	struct s3_options s3 = *options->s3;

	sender->spool = spool;
	sender->count = options->count;
	sender->ctx = options->ctx;
	sender->first_pause_ms = options->first_pause_ms ? options->first_pause_ms : FIRST_PAUSE_MS;
	sender->work = true; /* what an earlier program has left */
	pthread_mutex_init(&sender->lock, NULL);
	cond_init_monotonic(&sender->changed);
	atomic_init(&sender->patience.until_ms, INT64_MAX);
	sender->patience.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s3.patience = &sender->patience;
	if (sender->patience.wake_fd < 0)
		mrp_err_errno(err, "cannot create an eventfd");
	else if ((sender->s3 = s3_open(&s3, err)) && thread_start(&sender->thread, "uploads", run, sender, err) == 0)
		return sender;
	release(sender);
	return NULL;
}

void objects_sender_stop(struct objects_sender *sender, int64_t grace_ms)
{
	uint64_t one = 1;

	if (!sender)
		return;
	pthread_mutex_lock(&sender->lock);
	atomic_store(&sender->patience.until_ms, now_ms() + MAX(grace_ms, 0));
	if (write(sender->patience.wake_fd, &one, sizeof(one)) < 0)
		BUG("cannot wake the thread of uploads");
	pthread_cond_broadcast(&sender->changed);
	pthread_mutex_unlock(&sender->lock);
	pthread_join(sender->thread, NULL);
	if (spool_count(sender->spool))
		log_info("uploads: %zu objects wait on the disk for the next time", spool_count(sender->spool));
	release(sender);
}

void objects_sender_wake(struct objects_sender *sender, size_t dropped)
{
	pthread_mutex_lock(&sender->lock);
	if (dropped && !sender->full_said) {
		sender->full_said = true;
		log_warning("uploads: too much waits on the disk, the oldest objects are dropped");
	}
	sender->dropped_meanwhile += dropped;
	sender->work = true;
	pthread_cond_broadcast(&sender->changed);
	pthread_mutex_unlock(&sender->lock);
}

bool objects_sender_wait(struct objects_sender *sender, int64_t timeout_ms)
{
	int64_t until_ms = now_ms() + timeout_ms;

	pthread_mutex_lock(&sender->lock);
	while ((sender->work || sender->sending) && now_ms() < until_ms)
		wait_until(sender, &sender->changed, until_ms);
	bool idle = !sender->work && !sender->sending;
	pthread_mutex_unlock(&sender->lock);
	return idle;
}
