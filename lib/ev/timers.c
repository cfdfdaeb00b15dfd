/* SPDX-License-Identifier: Apache-2.0 */
#include "timers.h"

enum { CHILDREN = 4, FIRST = 1 };

static size_t parent_of(size_t place)
{
	return (place - FIRST - 1) / CHILDREN + FIRST;
}

static size_t first_child_of(size_t place)
{
	return (place - FIRST) * CHILDREN + FIRST + 1;
}

static void put(struct timers *timers, size_t place, struct timer_place what)
{
	timers->heap.v[place] = what;
	what.timer->place = place;
}

/* Find the place of `what` between `place`, which is free, and the root. */
static void sift_up(struct timers *timers, size_t place, struct timer_place what)
{
	while (place > FIRST) {
		size_t parent = parent_of(place);

		if (timers->heap.v[parent].due_us <= what.due_us)
			break;
		put(timers, place, timers->heap.v[parent]);
		place = parent;
	}
	put(timers, place, what);
}

static size_t least_child_of(const struct timers *timers, size_t place)
{
	size_t least = first_child_of(place), end = MIN(least + CHILDREN, timers->heap.n);

	for (size_t child = least + 1; child < end; child++) {
		if (timers->heap.v[child].due_us < timers->heap.v[least].due_us)
			least = child;
	}
	return least;
}

/* As sift_up, towards the leaves. */
static void sift_down(struct timers *timers, size_t place, struct timer_place what)
{
	while (first_child_of(place) < timers->heap.n) {
		size_t child = least_child_of(timers, place);

		if (timers->heap.v[child].due_us >= what.due_us)
			break;
		put(timers, place, timers->heap.v[child]);
		place = child;
	}
	put(timers, place, what);
}

static void settle(struct timers *timers, size_t place, struct timer_place what)
{
	if (place > FIRST && timers->heap.v[parent_of(place)].due_us > what.due_us)
		sift_up(timers, place, what);
	else
		sift_down(timers, place, what);
}

void timers_set(struct timers *timers, struct loop_timer *timer, int64_t due_us)
{
	struct timer_place what = { due_us, timer };

	timer->due_us = due_us;
	if (timer->place) {
		settle(timers, timer->place, what);
		return;
	}
	if (timers->heap.n == 0)
		timer_vec_push(&timers->heap, (struct timer_place){ INT64_MIN, NULL });
	timer_vec_push(&timers->heap, what);
	sift_up(timers, timers->heap.n - 1, what);
}

void timers_clear(struct timers *timers, struct loop_timer *timer)
{
	size_t place = timer->place;

	if (!place)
		return;
	timer->place = 0;
	struct timer_place last = timers->heap.v[--timers->heap.n];
	if (last.timer != timer)
		settle(timers, place, last);
}

size_t timers_count(const struct timers *timers)
{
	return timers->heap.n ? timers->heap.n - FIRST : 0;
}

struct loop_timer *timers_first(const struct timers *timers)
{
	return timers_count(timers) ? timers->heap.v[FIRST].timer : NULL;
}

void timers_release(struct timers *timers)
{
	for (size_t place = FIRST; place < timers->heap.n; place++)
		timers->heap.v[place].timer->place = 0;
	timer_vec_clear(&timers->heap);
}
