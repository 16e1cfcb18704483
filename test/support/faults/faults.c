/*
 * System calls that fail when a test wants them to: loaded before the C library (LD_PRELOAD), it looks at each
 * call of Node.js, and at those that koffi makes, and answers some of them itself. What fails is said in a
 * file that is mapped here, whose path is in IOLITE_FAULTS_FILE: see faults.ts, which has the same layout.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define RULES 16

enum mode { OFF, FAIL, SHORT, SLOW, HOLD };

struct rule {
  char call[24];
  char path[192];
  int32_t mode;
  /* An error number, bytes, or milliseconds. */
  int32_t value;
  /* Calls that are let through first, and how many are not then; -1: all. */
  int32_t skipped;
  int32_t times;
  /* Of which process; 0: of each. */
  int32_t pid;
  int32_t seen;
  int32_t hits;
  int32_t unused;
};

struct control {
  struct rule rules[RULES];
  int64_t realtime_ns;
  int64_t monotonic_ns;
};

static struct control *control;
static long (*real_syscall)(long, ...);

static long raw(long number, long a, long b, long c, long d, long e, long f) {
  if (real_syscall == NULL) real_syscall = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  return real_syscall(number, a, b, c, d, e, f);
}

#define RAW(number, a, b, c, d, e, f) \
  raw(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("IOLITE_FAULTS_FILE");
  if (path == NULL) return;
  int fd = RAW(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0, 0, 0);
  if (fd < 0) return;
  void *at = (void *)RAW(SYS_mmap, 0, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  RAW(SYS_close, fd, 0, 0, 0, 0, 0);
  if (at != MAP_FAILED) control = at;
}

/* What a descriptor stands for, as /proc says it. */
static const char *name_of(int fd, char *room, size_t size) {
  char link[32] = "/proc/self/fd/";
  char digits[12];
  int count = 0;
  unsigned value = fd < 0 ? 0 : (unsigned)fd;
  if (fd < 0) return "anonymous";
  do digits[count++] = '0' + value % 10; while ((value /= 10) > 0);
  size_t at = strlen(link);
  while (count > 0) link[at++] = digits[--count];
  link[at] = 0;
  long length = RAW(SYS_readlinkat, AT_FDCWD, link, room, size - 1, 0, 0);
  room[length < 0 ? 0 : length] = 0;
  return room;
}

static int matches(struct rule *rule, const char *call, const char *path) {
  if (rule->mode == OFF || strcmp(rule->call, call) != 0) return 0;
  if (rule->pid != 0 && rule->pid != RAW(SYS_getpid, 0, 0, 0, 0, 0, 0)) return 0;
  if (strstr(path, rule->path) == NULL || strstr(path, "iolite-faults") != NULL) return 0;
  int seen = __atomic_fetch_add(&rule->seen, 1, __ATOMIC_SEQ_CST);
  if (seen < rule->skipped) return 0;
  if (rule->times >= 0 && seen - rule->skipped >= rule->times) return 0;
  __atomic_fetch_add(&rule->hits, 1, __ATOMIC_SEQ_CST);
  return 1;
}

static void pause_ms(long milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  RAW(SYS_nanosleep, &time, 0, 0, 0, 0, 0);
}

/*
 * Whether a call fails: its error is in errno then. Whatever waits waits here. Most bytes that it may move
 * become fewer where a rule wants that.
 */
static int fails(const char *call, const char *path, int fd, size_t *bytes) {
  if (control == NULL) return 0;
  int before = errno;
  char room[512];
  for (int i = 0; i < RULES; i++) {
    struct rule *rule = &control->rules[i];
    if (rule->mode == OFF || strcmp(rule->call, call) != 0) continue;
    if (path == NULL) path = name_of(fd, room, sizeof room);
    if (!matches(rule, call, path)) continue;
    if (rule->mode == FAIL) {
      errno = rule->value;
      return 1;
    }
    if (rule->mode == SLOW) pause_ms(rule->value);
    if (rule->mode == SHORT && bytes != NULL && *bytes > (size_t)rule->value) *bytes = rule->value;
    while (rule->mode == HOLD) pause_ms(1);
  }
  errno = before;
  return 0;
}

/* Whether koffi makes the call: some that fail for V8 end the process, as they should. */
static int is_ours(void *caller) {
  Dl_info info;
  return dladdr(caller, &info) != 0 && info.dli_fname != NULL && strstr(info.dli_fname, "koffi") != NULL;
}
#define OURS is_ours(__builtin_return_address(0))

/* A list of pieces that is cut to so many bytes; the pieces themselves are the caller's. */
static int cut(const struct iovec *from, int count, size_t bytes, struct iovec *to) {
  int taken = 0;
  for (; taken < count && taken < 1024 && bytes > 0; taken++) {
    to[taken] = from[taken];
    if (to[taken].iov_len > bytes) to[taken].iov_len = bytes;
    bytes -= to[taken].iov_len;
  }
  return taken;
}

static size_t length_of(const struct iovec *list, int count) {
  size_t sum = 0;
  for (int i = 0; i < count; i++) sum += list[i].iov_len;
  return sum;
}

static int opens(int folder, const char *path, int flags, mode_t mode) {
  if (fails("open", path, -1, NULL)) return -1;
  return RAW(SYS_openat, folder, path, flags, mode, 0, 0);
}

static mode_t mode_of(int flags, va_list list) {
  return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = mode_of(flags, list);
  va_end(list);
  return opens(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = mode_of(flags, list);
  va_end(list);
  return opens(AT_FDCWD, path, flags, mode);
}

ssize_t read(int fd, void *bytes, size_t length) {
  if (fails("read", NULL, fd, &length)) return -1;
  return RAW(SYS_read, fd, bytes, length, 0, 0, 0);
}

ssize_t pread64(int fd, void *bytes, size_t length, off64_t at) {
  if (fails("read", NULL, fd, &length)) return -1;
  return RAW(SYS_pread64, fd, bytes, length, at, 0, 0);
}

static ssize_t reads(int fd, const struct iovec *list, int count, off64_t at, int flags) {
  struct iovec room[1024];
  size_t length = length_of(list, count);
  size_t most = length;
  if (fails("read", NULL, fd, &most)) return -1;
  if (most < length) {
    count = cut(list, count, most, room);
    list = room;
  }
  return RAW(SYS_preadv2, fd, list, count, at, 0, flags);
}

ssize_t readv(int fd, const struct iovec *list, int count) { return reads(fd, list, count, -1, 0); }

ssize_t preadv64(int fd, const struct iovec *list, int count, off64_t at) {
  return reads(fd, list, count, at, 0);
}

ssize_t preadv2(int fd, const struct iovec *list, int count, off_t at, int flags) {
  return reads(fd, list, count, at, flags);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  if (fails("write", NULL, fd, &length)) return -1;
  return RAW(SYS_write, fd, bytes, length, 0, 0, 0);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
  if (fails("write", NULL, fd, &length)) return -1;
  return RAW(SYS_pwrite64, fd, bytes, length, at, 0, 0);
}

static ssize_t writes(int fd, const struct iovec *list, int count, off64_t at) {
  struct iovec room[1024];
  size_t length = length_of(list, count);
  size_t most = length;
  if (fails("write", NULL, fd, &most)) return -1;
  if (most < length) {
    count = cut(list, count, most, room);
    list = room;
  }
  return RAW(SYS_pwritev2, fd, list, count, at, 0, 0);
}

ssize_t writev(int fd, const struct iovec *list, int count) { return writes(fd, list, count, -1); }

ssize_t pwritev64(int fd, const struct iovec *list, int count, off64_t at) {
  return writes(fd, list, count, at);
}

int fsync(int fd) {
  if (fails("fsync", NULL, fd, NULL)) return -1;
  return RAW(SYS_fsync, fd, 0, 0, 0, 0, 0);
}

int fdatasync(int fd) {
  if (fails("fsync", NULL, fd, NULL)) return -1;
  return RAW(SYS_fdatasync, fd, 0, 0, 0, 0, 0);
}

int ftruncate(int fd, off_t length) {
  if (fails("ftruncate", NULL, fd, NULL)) return -1;
  return RAW(SYS_ftruncate, fd, length, 0, 0, 0, 0);
}

int ftruncate64(int fd, off64_t length) {
  if (fails("ftruncate", NULL, fd, NULL)) return -1;
  return RAW(SYS_ftruncate, fd, length, 0, 0, 0, 0);
}

int fchmod(int fd, mode_t mode) {
  if (fails("fchmod", NULL, fd, NULL)) return -1;
  return RAW(SYS_fchmod, fd, mode, 0, 0, 0, 0);
}

int rename(const char *from, const char *to) {
  if (fails("rename", to, -1, NULL)) return -1;
  return RAW(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0, 0);
}

int unlink(const char *path) {
  if (fails("unlink", path, -1, NULL)) return -1;
  return RAW(SYS_unlinkat, AT_FDCWD, path, 0, 0, 0, 0);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  if (fails("link", to, -1, NULL)) return -1;
  return RAW(SYS_linkat, from_folder, from, to_folder, to, flags, 0);
}

ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t length, unsigned flags) {
  if (fails("copy_file_range", NULL, to, &length)) return -1;
  return RAW(SYS_copy_file_range, from, from_at, to, to_at, length, flags);
}

static void *maps(void *at, size_t length, int access, int flags, int fd, off64_t offset) {
  if (fails("mmap", NULL, fd, NULL)) return MAP_FAILED;
  return (void *)RAW(SYS_mmap, at, length, access, flags, fd, offset);
}

void *mmap(void *at, size_t length, int access, int flags, int fd, off_t offset) {
  if (fd < 0 && !OURS) return (void *)RAW(SYS_mmap, at, length, access, flags, fd, offset);
  return maps(at, length, access, flags, fd, offset);
}

void *mmap64(void *at, size_t length, int access, int flags, int fd, off64_t offset) {
  if (fd < 0) return (void *)RAW(SYS_mmap, at, length, access, flags, fd, offset);
  return maps(at, length, access, flags, fd, offset);
}

int mprotect(void *at, size_t length, int access) {
  if (OURS && fails("mprotect", "", -1, NULL)) return -1;
  return RAW(SYS_mprotect, at, length, access, 0, 0, 0);
}

int madvise(void *at, size_t length, int advice) {
  /* MADV_POPULATE_WRITE. */
  if (advice == 23 && fails("populate", "", -1, NULL)) return -1;
  return RAW(SYS_madvise, at, length, advice, 0, 0, 0);
}

int memfd_create(const char *name, unsigned flags) {
  if (fails("memfd_create", name, -1, NULL)) return -1;
  return RAW(SYS_memfd_create, name, flags, 0, 0, 0, 0);
}

int fcntl(int fd, int command, ...) {
  va_list list;
  va_start(list, command);
  long argument = va_arg(list, long);
  va_end(list);
  const char *call = command == F_OFD_SETLK       ? "lock"
                     : command == F_DUPFD_CLOEXEC ? "dup"
                     : command == F_ADD_SEALS     ? "seal"
                                                  : NULL;
  if (call != NULL && fails(call, NULL, fd, NULL)) return -1;
  return RAW(SYS_fcntl, fd, command, argument, 0, 0, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  const char *call = message->msg_controllen > 0 ? "sendrights" : "sendmsg";
  struct iovec room[1024];
  struct msghdr less = *message;
  size_t length = length_of(message->msg_iov, message->msg_iovlen);
  size_t most = length;
  if (fails(call, NULL, fd, &most)) return -1;
  if (most < length) {
    less.msg_iovlen = cut(message->msg_iov, message->msg_iovlen, most, room);
    less.msg_iov = room;
  }
  return RAW(SYS_sendmsg, fd, &less, flags, 0, 0, 0);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
  if (fails("sendmsg", NULL, fd, &length)) return -1;
  return RAW(SYS_sendto, fd, bytes, length, flags, 0, 0);
}

ssize_t sendfile(int to, int from, off_t *at, size_t length) {
  if (fails("sendfile", NULL, to, &length)) return -1;
  return RAW(SYS_sendfile, to, from, at, length, 0, 0);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  if (fails("recvmsg", NULL, fd, NULL)) return -1;
  return RAW(SYS_recvmsg, fd, message, flags, 0, 0, 0);
}

ssize_t recv(int fd, void *bytes, size_t length, int flags) {
  if (fails("recv", NULL, fd, &length)) return -1;
  return RAW(SYS_recvfrom, fd, bytes, length, flags, 0, 0);
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
  if (fails("accept", NULL, fd, NULL)) return -1;
  return RAW(SYS_accept4, fd, address, length, flags, 0, 0);
}

int accept(int fd, struct sockaddr *address, socklen_t *length) {
  if (fails("accept", NULL, fd, NULL)) return -1;
  return RAW(SYS_accept4, fd, address, length, 0, 0, 0);
}

int socket(int family, int type, int protocol) {
  if (fails("socket", "", -1, NULL)) return -1;
  return RAW(SYS_socket, family, type, protocol, 0, 0, 0);
}

int socketpair(int family, int type, int protocol, int fds[2]) {
  if (fails("socketpair", "", -1, NULL)) return -1;
  return RAW(SYS_socketpair, family, type, protocol, fds, 0, 0);
}

int bind(int fd, const struct sockaddr *address, socklen_t length) {
  if (fails("bind", NULL, fd, NULL)) return -1;
  return RAW(SYS_bind, fd, address, length, 0, 0, 0);
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
  if (fails("connect", NULL, fd, NULL)) return -1;
  return RAW(SYS_connect, fd, address, length, 0, 0, 0);
}

/* Some calls have no function in the C library, or Node.js makes them so. */
long syscall(long number, ...) {
  long a[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_openat2 && fails("open", (const char *)a[1], -1, NULL)) return -1;
  if (number == SYS_statx) {
    const char *path = (const char *)a[1];
    if (fails("stat", *path == 0 ? NULL : path, (int)a[0], NULL)) return -1;
  }
  return RAW(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  long result = RAW(SYS_clock_gettime, clock, time, 0, 0, 0, 0);
  if (result != 0 || control == NULL) return result;
  int is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  int64_t jump = is_wall ? control->realtime_ns : control->monotonic_ns;
  if (jump == 0) return 0;
  int64_t now = time->tv_sec * 1000000000LL + time->tv_nsec + jump;
  time->tv_sec = now / 1000000000LL;
  time->tv_nsec = now % 1000000000LL;
  return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}
