/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child runs on a stack of its own in our memory while this thread, and only this one, is stopped. So it may do
 * nothing but system calls, and these raw: the C library's setuid() would change the users of our other threads. No
 * sanitizer may watch it, since exec leaves without returning from anything.
 */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	CHILD_STACK_BYTES = 16384,
	KERNEL_SIGNALS = 64, /* _NSIG of the kernel: its masks are this many bits */
	EXEC_TRIES = 20,     /* while somebody has the file open for writing */
};

#define IN_CHILD __attribute__((noinline, no_sanitize("address", "undefined", "thread")))

/* As the kernel wants it for rt_sigaction; the zeroes mean SIG_DFL. Larger than that of any processor. */
static const uint64_t default_action[8];

IN_CHILD static enum spawn_step fail(struct spawn *spawn, enum spawn_step step)
{
	spawn->error_number = errno;
	return step;
}

/* Never up: where the limit is lower already, we may not raise it, nor would it help. */
IN_CHILD static bool set_limit(int which, int64_t value)
{
	struct rlimit limit = { 0, 0 };

	if (syscall(SYS_prlimit64, 0, which, NULL, &limit) < 0)
		return false;
	limit.rlim_max = MIN((rlim_t)value, limit.rlim_max);
	limit.rlim_cur = limit.rlim_max;
	return syscall(SYS_prlimit64, 0, which, &limit, NULL) == 0;
}

/* The hard one stays: a program may want more, and say so. */
IN_CHILD static bool set_open_files(int64_t soft)
{
	struct rlimit limit = { 0, 0 };

	if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) < 0)
		return false;
	limit.rlim_cur = MIN((rlim_t)soft, limit.rlim_max);
	return syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, NULL) == 0;
}

IN_CHILD static bool close_between(unsigned first, unsigned last)
{
	return first > last || syscall(SYS_close_range, first, last, 0) == 0 || errno == ENOSYS;
}

/* After this it has nothing of ours but what it was given. What other code of this process may have left open is
 * closed, whether it is close-on-exec or not. */
IN_CHILD static bool move_descriptors(const struct spawn *spawn)
{
	int low = MIN(spawn->readers[0], spawn->readers[1]), high = MAX(spawn->readers[0], spawn->readers[1]);

	for (int fd = 0; fd < 3; fd++) {
		if (syscall(SYS_dup3, spawn->stdio[fd], fd, 0) < 0)
			return false;
	}
	if (low < 0)
		return close_between(3, ~0U);
	return syscall(SYS_fcntl, low, F_SETFD, 0) == 0 && syscall(SYS_fcntl, high, F_SETFD, 0) == 0 &&
		close_between(3, (unsigned)low - 1) && close_between((unsigned)low + 1, (unsigned)high - 1) &&
		close_between((unsigned)high + 1, ~0U);
}

IN_CHILD static bool become_user(const struct run_user *user)
{
	if (!user)
		return true;
	return syscall(SYS_setgroups, user->n_groups, user->groups) == 0 &&
		syscall(SYS_setresgid, user->gid, user->gid, user->gid) == 0 &&
		syscall(SYS_setresuid, user->uid, user->uid, user->uid) == 0;
}

IN_CHILD static bool move_to_cgroup(int folder_fd)
{
	long fd = syscall(SYS_openat, folder_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	return fd >= 0 && syscall(SYS_write, fd, "0", 1) == 1;
}

/* A change of user takes PR_SET_PDEATHSIG back, so it comes after that. */
IN_CHILD static bool die_with_parent(const struct spawn *spawn)
{
	if (spawn->spec->outlives)
		return true;
	if (syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return false;
	if (syscall(SYS_getppid) == spawn->parent)
		return true;
	errno = ESRCH;
	return false;
}

/* exec itself resets handlers, but not what is ignored; and a handler of ours must not run here once signals are let
 * through. The C library's own two signals are no exception. */
IN_CHILD static bool reset_signals(void)
{
	uint64_t none = 0;

	for (int sig = 1; sig <= KERNEL_SIGNALS; sig++) {
		if (sig != SIGKILL && sig != SIGSTOP)
			syscall(SYS_rt_sigaction, sig, default_action, NULL, KERNEL_SIGNALS / 8);
	}
	return syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, KERNEL_SIGNALS / 8) == 0;
}

/* A program that was just written may still be open for writing in a child that another thread has started meanwhile
 * and that has not reached exec yet. */
IN_CHILD static void exec_program(const struct spawn *spawn)
{
	struct timespec moment = { 0, 1000000 };

	for (int i = 0; i < EXEC_TRIES; i++) {
		syscall(SYS_execve, spawn->path, spawn->spec->argv, spawn->spec->env);
		if (errno != ETXTBSY)
			return;
		syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &moment, NULL);
	}
}

/* Returns only when it failed. */
IN_CHILD static enum spawn_step become_program(struct spawn *spawn)
{
	const struct run_spec *spec = spawn->spec;

	if (spawn->cgroup_fd >= 0 && spawn->moves && !move_to_cgroup(spawn->cgroup_fd))
		return fail(spawn, SPAWN_CGROUP);
	if (!move_descriptors(spawn))
		return fail(spawn, SPAWN_DESCRIPTORS);
	/* A session of its own would keep it from joining other groups; but where the kernel groups the processes of a
	 * session for the scheduler (autogroup, on by default), making one takes a tenth of the whole throughput. */
	if (syscall(SYS_setpgid, 0, 0) < 0)
		return fail(spawn, SPAWN_GROUP);
	if (!set_limit(RLIMIT_CORE, 0) || (spawn->open_files && !set_open_files(spawn->open_files)) ||
		(spawn->address_bytes && !set_limit(RLIMIT_AS, spawn->address_bytes)))
		return fail(spawn, SPAWN_LIMITS);
	if (!become_user(spec->user))
		return fail(spawn, SPAWN_USER);
	/* after the change of user: before it, one process too many would keep exec from working */
	if (spawn->processes && !set_limit(RLIMIT_NPROC, spawn->processes))
		return fail(spawn, SPAWN_LIMITS);
	if (!die_with_parent(spawn))
		return fail(spawn, SPAWN_PARENT);
	if (spec->folder && syscall(SYS_chdir, spec->folder) < 0)
		return fail(spawn, SPAWN_FOLDER);
	if (!reset_signals())
		return fail(spawn, SPAWN_SIGNALS);
	exec_program(spawn);
	return fail(spawn, SPAWN_EXEC);
}

IN_CHILD static int child(void *arg)
{
	struct spawn *spawn = arg;

	spawn->failed = become_program(spawn);
	syscall(SYS_exit_group, 127);
	return 127;
}

#if defined(__x86_64__)
/* As clone(), but it begins in the cgroup: to move there later stops the whole machine's forks for a moment, and costs
 * a third of the throughput. The C library has no function for clone3 that starts on another stack. */
static pid_t clone_in_cgroup(char *stack, struct spawn *spawn)
{
	struct clone_args args = { .flags = CLONE_VM | CLONE_VFORK | CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = CHILD_STACK_BYTES,
		.cgroup = (uint64_t)spawn->cgroup_fd };
	long result = SYS_clone3;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xorl %%ebp, %%ebp\n\t" /* the end of a backtrace */
			 "movq %[arg], %%rdi\n\t"
			 "callq *%[fn]\n\t" /* it does not return */
			 "ud2\n"
			 "1:"
			 : "+a"(result)
			 : "D"(&args), "S"(sizeof(args)), [fn] "r"(child), [arg] "r"(spawn)
			 : "rcx", "r11", "memory", "cc");
	if (result >= 0)
		return (pid_t)result;
	errno = (int)-result;
	return -1;
}
#else
static pid_t clone_in_cgroup(char *stack, struct spawn *spawn)
{
	(void)stack, (void)spawn;
	errno = ENOSYS;
	return -1;
}
#endif

static pid_t start_child(char *stack, struct spawn *spawn)
{
	if (spawn->cgroup_fd >= 0 && !spawn->moves)
		return clone_in_cgroup(stack, spawn);
	return clone(child, stack + CHILD_STACK_BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD, spawn);
}

pid_t spawn_process(struct spawn *spawn)
{
	_Alignas(16) char stack[CHILD_STACK_BYTES];

	spawn->failed = SPAWN_DONE;
	spawn->parent = getpid();
	pid_t pid = start_child(stack, spawn);
	if (pid < 0)
		spawn->failed = fail(spawn, SPAWN_FORK);
	else if (spawn->failed != SPAWN_DONE)
		waitpid(pid, NULL, 0);
	return spawn->failed == SPAWN_DONE ? pid : -1;
}

bool spawn_begins_in_cgroup(int cgroup_fd)
{
	static const char *const nothing[] = { NULL };
	const struct run_spec spec = { .argv = nothing, .env = nothing };
	struct spawn spawn = { .spec = &spec,
		.path = "",
		.stdio = { cgroup_fd, cgroup_fd, cgroup_fd },
		.readers = { -1, -1 },
		.cgroup_fd = cgroup_fd };
	pid_t pid = spawn_process(&spawn);

	if (pid > 0)
		waitpid(pid, NULL, 0);
	return spawn.failed == SPAWN_EXEC;
}

const char *spawn_step_name(enum spawn_step step)
{
	static const char *const names[] = {
		[SPAWN_DONE] = "nothing",
		[SPAWN_FORK] = "fork",
		[SPAWN_GROUP] = "group",
		[SPAWN_CGROUP] = "cgroup",
		[SPAWN_DESCRIPTORS] = "descriptors",
		[SPAWN_LIMITS] = "limits",
		[SPAWN_USER] = "user",
		[SPAWN_PARENT] = "parent",
		[SPAWN_FOLDER] = "folder",
		[SPAWN_SIGNALS] = "signals",
		[SPAWN_EXEC] = "exec",
	};

	return names[step];
}
