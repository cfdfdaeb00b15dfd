/* SPDX-License-Identifier: Apache-2.0 */
#include "module.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <unistd.h>

#ifndef MRP_MODULE_DIR
#error "the build defines MRP_MODULE_DIR, where modules are installed"
#endif

/* The file that this code was loaded from; yours to free, NULL when it cannot be told. The linker has no name for the
 * program itself but the first word of the command, which may be relative to a folder that was left. */
static char *own_file(void)
{
	struct link_map *map = NULL;
	char path[PATH_MAX];
	Dl_info info;

	if (dladdr1((void *)(uintptr_t)module_table, &info, (void **)&map, RTLD_DL_LINKMAP) && map && *map->l_name)
		return xstrdup(map->l_name);
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
	return n > 0 && (size_t)n < sizeof(path) ? xstrndup(path, (size_t)n) : NULL;
}

/* `folder` NULL, or no such file there: NULL. */
static char *module_in(const char *folder, const char *name)
{
	if (!folder || !*folder)
		return NULL;
	cleanup(freep) char *path = xasprintf("%s/mrprober-%s-%s.so", folder, name, MRP_VERSION);
	return access(path, R_OK) == 0 ? steal(&path) : NULL;
}

static char *find_module(const char *name)
{
	char *path = module_in(getenv("MRPROBER_MODULE_DIR"), name);
	cleanup(freep) char *own = own_file();
	char *slash = own ? strrchr(own, '/') : NULL;

	if (slash) {
		*slash = '\0';
		cleanup(freep) char *installed = xasprintf("%s/" MRP_MODULES_FROM_BIN, own);
		path = path ? path : module_in(own, name);
		path = path ? path : module_in(installed, name);
	}
	return path ? path : module_in(MRP_MODULE_DIR, name);
}

const void *module_table(const char *name, const char *symbol, struct mrp_err *err)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	cleanup(freep) char *path = find_module(name);
	const void *table = NULL;

	if (!path) {
		mrp_err_set(err, MRP_EFAILED, "module '%s' of version %s is not installed in '%s'", name, MRP_VERSION,
			MRP_MODULE_DIR);
		return NULL;
	}
	pthread_mutex_lock(&lock); /* dlerror() belongs to the last call */
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (handle)
		table = dlsym(handle, symbol);
	if (!table) {
		const char *why = dlerror();
		mrp_err_set(err, MRP_EFAILED, "cannot load module '%s': %s", path, why ? why : "unknown error");
	}
	pthread_mutex_unlock(&lock);
	return table;
}
