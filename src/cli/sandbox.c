#include "sandbox.h"

#include "output.h"
#include "say.h"

#include "base/pattern.h"

#include <cogvideo/video.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/* The rights by the version of Landlock that introduced them; a kernel cannot restrict a right that it does not
 * know. */
#define RIGHTS_1 ((1ull << 13) - 1)
#define RIGHT_REFER (1ull << 13)    /* version 2: moves between folders */
#define RIGHT_TRUNCATE (1ull << 14) /* version 3 */
#define READ_FOLDER (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define CHANGE_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE)

/* --- files: Landlock ------------------------------------------------------------------------------------------ */

static uint64_t known_rights(long version)
{
    return RIGHTS_1 | (version >= 2 ? RIGHT_REFER : 0) | (version >= 3 ? RIGHT_TRUNCATE : 0);
}

/* Grants `rights` to a file, or to a folder and everything in it. A missing path needs no rights; the command will
 * report it. */
static int allow(int rules, const char *path, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = { .allowed_access = rights, .parent_fd = open(path, O_PATH | O_CLOEXEC) };
    struct stat info;
    long status = 0;

    if (rule.parent_fd < 0)
        return CLI_OK;
    if (fstat(rule.parent_fd, &info) == 0 && !S_ISDIR(info.st_mode))
        rule.allowed_access &= CHANGE_FILE;
    status = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
    return status == 0 ? CLI_OK : cli_error("--sandbox: access to %s cannot be allowed: %s", path, strerror(errno));
}

/* Grants access to an input; for numbered pictures to their folder. */
static int allow_input(int rules, const char *input)
{
    char *folder = cli_folder(input);
    int status = allow(rules, cv_pattern_is(input) && access(input, F_OK) != 0 ? folder : input, READ_FOLDER);

    free(folder);
    return status;
}

static int allow_all(int rules, const char *const *inputs, size_t count, const char *output, uint64_t known)
{
    static const char *const system_folders[] = { "/usr", "/lib", "/lib64", "/etc", "/proc", "/sys", "/dev" };
    char *folder = cli_folder(output);
    int status =
        strcmp(output, "-") == 0 ? CLI_OK : allow(rules, folder, known & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE);

    for (size_t i = 0; i < sizeof system_folders / sizeof *system_folders && status == CLI_OK; i++)
        status = allow(rules, system_folders[i], READ_FOLDER);
    for (size_t i = 0; i < count && status == CLI_OK; i++)
        if (inputs[i])
            status = allow_input(rules, inputs[i]);
    free(folder);
    return status;
}

static int restrict_files(const char *const *inputs, size_t count, const char *output)
{
    const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct landlock_ruleset_attr handled = { .handled_access_fs = known_rights(version) };
    int rules, status;

    if (version < 1)
        return cli_error(
            "--sandbox: this system does not support Landlock (Linux 5.13 and later do, unless it is disabled): run "
            "without --sandbox, or in a container");
    rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled.handled_access_fs, 0);
    if (rules < 0)
        return cli_error("--sandbox: Landlock rules cannot be created: %s", strerror(errno));
    status = allow_all(rules, inputs, count, output, handled.handled_access_fs);
    if (status == CLI_OK && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        status = cli_error("--sandbox: Landlock cannot be enabled: %s", strerror(errno));
    close(rules);
    return status;
}

/* --- everything else: seccomp --------------------------------------------------------------------------------- */

/* System calls that lead to the network, to other programs and around Landlock: each fails with EACCES. */
static const unsigned denied[] = { SYS_socket, SYS_io_uring_setup, SYS_execve, SYS_execveat, SYS_truncate };
#define DENIED (sizeof denied / sizeof *denied)
#define REFUSE (DENIED + 5) /* index of the instruction that denies a call */

static void add(struct sock_fprog *program, struct sock_filter instruction)
{
    program->filter[program->len++] = instruction;
}

/* Returns the jump distance of the next instruction to REFUSE, which is counted from the instruction after it. */
static unsigned char to_refuse(const struct sock_fprog *program)
{
    return (unsigned char)(REFUSE - program->len - 1);
}

static int restrict_calls(void)
{
    struct sock_filter filter[REFUSE + 1];
    struct sock_fprog program = { .filter = filter };

    add(&program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
    add(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 0, to_refuse(&program)));
    add(&program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
    /* the numbers of x32 for the same calls */
    add(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, to_refuse(&program), 0));
    for (size_t i = 0; i < DENIED; i++)
        add(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, denied[i], to_refuse(&program), 0));
    add(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    add(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES));
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
        return cli_error("--sandbox: the filter of system calls (seccomp) cannot be installed: %s", strerror(errno));
    return CLI_OK;
}

/* Returns how many threads this process has; 0 if the system does not say. */
static int count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;

    for (struct dirent *task; tasks && (task = readdir(tasks));)
        count += task->d_name[0] != '.';
    if (tasks)
        closedir(tasks);
    return count;
}

int cli_sandbox(const char *const *inputs, size_t count, const char *output)
{
    const int threads = count_threads();
    int status;

    if (threads == 0)
        return cli_error("--sandbox: /proc is not mounted, so other threads, which would stay unrestricted, cannot be "
                         "ruled out: mount it, or run without --sandbox");
    if (threads > 1)
        return cli_error("--sandbox: a library has already started threads, which cannot be restricted (OpenBLAS does "
                         "so unless it is built with OpenMP): run without --sandbox, or in a container");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return cli_error("--sandbox: privileges cannot be dropped: %s", strerror(errno));
    status = restrict_files(inputs, count, output);
    return status == CLI_OK ? restrict_calls() : status;
}

int cli_sandbox_video(const char *const *inputs, size_t count, const char *output)
{
    (void)cogvideo_video_load(NULL);
    return cli_sandbox(inputs, count, output);
}
