/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does nothing, but is linked to every library that mrprober uses (the build file asks the
 * linker to keep the unused ones): what start-up would cost if they were all loaded at once.
 */
int main(void)
{
	return 0;
}
