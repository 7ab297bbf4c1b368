/* with_fault FAULT ERRNO PROGRAM ARGUMENT... - runs a program in which calls of the system fail: "lock" flock, "sync"
 * fsync, "map" every mapping of a file as data, "share" the shared ones of these alone, "thread" the start of a thread.
 * Exit status 77 where the system takes no filter of calls. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARGUMENT(i) (offsetof(struct seccomp_data, args) + 8 * (i)) /* its low half, on little-endian machines */
#define LOAD(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (at))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define NUMBER LOAD(offsetof(struct seccomp_data, nr))
#define FAIL(code) ANSWER(SECCOMP_RET_ERRNO | ((unsigned)(code)&SECCOMP_RET_DATA))
#define ALLOW ANSWER(SECCOMP_RET_ALLOW)

static int install(struct sock_filter *filter, size_t count)
{
    const struct sock_fprog program = { .len = (unsigned short)count, .filter = filter };

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}
#define INSTALL(filter) install(filter, sizeof filter / sizeof *filter)

static int fail_call(unsigned number, int code)
{
    struct sock_filter filter[] = { NUMBER, UNLESS(number, 1), FAIL(code), ALLOW };

    return INSTALL(filter);
}

/* Those that the program makes: the loader's of libraries have other flags. */
static int fail_mappings(unsigned flags, int code)
{
    struct sock_filter filter[] = { NUMBER,
                                    UNLESS(SYS_mmap, 5),
                                    LOAD(ARGUMENT(2)),
                                    UNLESS(PROT_READ, 3),
                                    LOAD(ARGUMENT(3)),
                                    UNLESS(flags, 1),
                                    FAIL(code),
                                    ALLOW };

    return INSTALL(filter);
}

static int fail_threads(int code)
{
    /* its flags stand in memory */
    struct sock_filter newer[] = { NUMBER, UNLESS(SYS_clone3, 1), FAIL(ENOSYS), ALLOW };
    struct sock_filter older[] = { NUMBER,
                                   UNLESS(SYS_clone, 3),
                                   LOAD(ARGUMENT(0)),
                                   BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
                                   FAIL(code),
                                   ALLOW };

    return INSTALL(newer) && INSTALL(older);
}

int main(int argc, char **argv)
{
    const char *fault = argc > 3 ? argv[1] : "";
    const int code = argc > 3 ? atoi(argv[2]) : 0;
    int done = 0;

    if (strcmp(fault, "lock") == 0)
        done = fail_call(SYS_flock, code);
    else if (strcmp(fault, "sync") == 0)
        done = fail_call(SYS_fsync, code);
    else if (strcmp(fault, "share") == 0)
        done = fail_mappings(MAP_SHARED, code);
    else if (strcmp(fault, "map") == 0)
        done = fail_mappings(MAP_PRIVATE, code) && fail_mappings(MAP_SHARED, code);
    else if (strcmp(fault, "thread") == 0)
        done = fail_threads(code);
    else
        fprintf(stderr, "usage: with_fault lock|sync|map|share|thread ERRNO PROGRAM ARGUMENT...\n");
    if (!done)
        return 77;
    execv(argv[3], argv + 3);
    perror(argv[3]);
    return 1;
}
