/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of the agent of a cluster: made so that probers can reach their files, and one agent's at a time. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/log.h"
#include "config_internal.h"

/* Probers that run as somebody else have to get there; whatever the umask was. */
static int open_to_all(const char *path, struct mrp_err *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & 0755) == 0755)
		return 0;
	return chmod(path, 0755) < 0 ? mrp_err_errno(err, "cannot set the mode of '%s'", path) : 0;
}

/* Folders that are there already are somebody's decision; what it means is said. */
static void check_way(const char *path)
{
	cleanup(freep) char *real = realpath(path, NULL);
	struct stat st;

	if (geteuid() != 0 || !real)
		return;
	for (char *slash = real; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		if (stat(real, &st) == 0 && !(st.st_mode & S_IXOTH))
			log_warning(
				"'%s' is closed to other users, so probers that run as one cannot reach their files",
				real);
		*slash = '/';
	}
}

static int take_lock(struct agent_source *source, const char *folder, const char *cluster, struct mrp_err *err)
{
	cleanup(freep) char *path = path_join(folder, "lock");

	/* not for writing: the disk may have become read-only, and the agent runs all the same */
	source->lock_fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (source->lock_fd < 0)
		return mrp_err_errno(err, "cannot open '%s'", path);
	if (flock(source->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return mrp_err_errno(err, "cannot lock '%s'", path);
	return mrp_err_set(err, MRP_ELOCKED,
		"another agent of cluster '%s' uses '%s'; a second one needs a --state-dir of its own", cluster,
		folder);
}

int source_open_folder(struct agent_source *source, const char *state_dir, struct mrp_err *err)
{
	cleanup(freep) char *top = path_join(state_dir, "agent"), *folder = path_join(top, source->options.cluster);
	bool missing = access(state_dir, F_OK) < 0;

	if (make_folders(folder, 0755, err) < 0 || (missing && open_to_all(state_dir, err) < 0) ||
		open_to_all(top, err) < 0 || open_to_all(folder, err) < 0)
		return -1;
	check_way(folder);
	source->stored_path = path_join(folder, "config.json");
	if (take_lock(source, folder, source->options.cluster, err) < 0)
		return -1;
	stored_config_sweep(source->stored_path);
	source->files = config_files_open(folder, err);
	return source->files ? 0 : -1;
}
