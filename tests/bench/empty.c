/* SPDX-License-Identifier: Apache-2.0 */
/* The least a dynamic program can do: the floor of every start-up time. */
int main(void)
{
	return 0;
}
