/* SPDX-License-Identifier: Apache-2.0 */
#include "module.h"

#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#ifndef MRP_MODULE_DIR
#error "the build defines MRP_MODULE_DIR, where modules are installed"
#endif

/* The folder that this library was loaded from; yours to free, NULL when it cannot be told. */
static char *own_folder(void)
{
	Dl_info info;

	if (!dladdr((void *)(uintptr_t)module_table, &info) || !info.dli_fname)
		return NULL;
	const char *slash = strrchr(info.dli_fname, '/');
	return slash ? xstrndup(info.dli_fname, (size_t)(slash - info.dli_fname)) : NULL;
}

static char *find_module(const char *name)
{
	cleanup(freep) char *own = own_folder();
	const char *folders[] = { getenv("MRPROBER_MODULE_DIR"), own, MRP_MODULE_DIR };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		if (!folders[i] || !*folders[i])
			continue;
		char *path = xasprintf("%s/mrprober-%s-%s.so", folders[i], name, MRP_VERSION);
		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
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
