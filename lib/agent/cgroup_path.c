/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup_path.h"

#include <fcntl.h>
#include <unistd.h>

#include "../base/file.h"

enum { CGROUP_MAX_BYTES = 64 * 1024 };

static int own_cgroup(struct strbuf *out, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	cleanup(fd_closep) int fd = -1;

	fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return mrp_err_errno(err, "cannot open '/proc/self/cgroup'");
	if (read_fd(&text, fd, CGROUP_MAX_BYTES, "/proc/self/cgroup", err) < 0)
		return -1;
	/* "0::/system.slice/x.service": the line of version 2 */
	const char *line = text.buf, *path;
	while (line && !skip_prefix(line, "0::", &path)) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (!line)
		return mrp_err_set(err, MRP_EINVALID, "--cgroup auto: this system has no cgroups of version 2");
	strbuf_addf(out, "/sys/fs/cgroup%.*s", (int)strcspn(path, "\n"), path);
	return 0;
}

int cgroup_path(struct strbuf *out, const char *wanted, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf procs = STRBUF_INIT;

	if (!streq(wanted, "auto"))
		strbuf_addstr(out, wanted);
	else if (own_cgroup(out, err) < 0)
		return -1;
	strbuf_addf(&procs, "%s/cgroup.procs", out->buf);
	if (access(procs.buf, W_OK) < 0)
		return mrp_err_set(err, MRP_EINVALID, "--cgroup: '%s' is no cgroup that is delegated to us", out->buf);
	return 0;
}
