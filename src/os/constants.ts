/** Numbers of the Linux ABI, the same on x86-64 and arm64 unless said otherwise. */

/** fcntl(2), memfd_create(2), open(2) */
export const F_SETFD = 2;
export const F_GETFL = 3;
export const FD_CLOEXEC = 1;
export const F_DUPFD_CLOEXEC = 1030;
export const F_OFD_SETLK = 37;
export const F_OFD_GETLK = 36;
export const F_GETPIPE_SZ = 1032;
export const F_ADD_SEALS = 1033;
export const F_GET_SEALS = 1034;
export const F_RDLCK = 0;
export const F_WRLCK = 1;
export const F_UNLCK = 2;
export const MFD_CLOEXEC = 1;
export const MFD_ALLOW_SEALING = 2;
export const O_RDONLY = 0;
export const O_ACCMODE = 3;
export const O_CLOEXEC = 0o2000000;
export const O_NONBLOCK = 0o4000;
/** Together with O_DIRECTORY, whose number depends on the processor, it is O_TMPFILE. */
export const O_TMPFILE_ALONE = 0o20000000;
/** O_PATH: a descriptor that names a file and opens nothing. */
export const O_PATH = 0o10000000;
export const AT_FDCWD = -100;
export const AT_SYMLINK_FOLLOW = 0x400;

/** landlock(7), whose numbers are the same on all processors */
export const SYS_LANDLOCK_CREATE_RULESET = 444;
export const SYS_LANDLOCK_ADD_RULE = 445;
export const SYS_LANDLOCK_RESTRICT_SELF = 446;
export const LANDLOCK_CREATE_RULESET_VERSION = 1;
export const LANDLOCK_RULE_PATH_BENEATH = 1;
/** prctl(2) */
export const PR_SET_PDEATHSIG = 1;
export const PR_SET_NO_NEW_PRIVS = 38;

/** openat2(2), whose number is the same on all processors */
export const SYS_OPENAT2 = 437;
export const RESOLVE_NO_SYMLINKS = 4;
export const RESOLVE_CACHED = 0x20;

/** getdents64(2) */
export const SYS_GETDENTS64 = process.arch === 'arm64' ? 61 : 217;

/** preadv2(2) */
export const RWF_NOWAIT = 8;

/** lseek(2) */
export const SEEK_SET = 0;
export const SEEK_CUR = 1;

/** mmap(2), madvise(2) */
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 1;
export const MAP_PRIVATE = 2;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_NORESERVE = 0x4000;
export const MAP_POPULATE = 0x8000;
export const MADV_DONTNEED = 4;
export const MADV_HUGEPAGE = 14;
/** Linux 5.14 */
export const MADV_POPULATE_WRITE = 23;

/** poll(2) */
export const POLLIN = 1;
export const POLLOUT = 4;
export const POLLRDHUP = 0x2000;

/** posix_fadvise(2) */
export const POSIX_FADV_WILLNEED = 3;
export const POSIX_FADV_DONTNEED = 4;

/** socket(7), unix(7), ip(7), ipv6(7), tcp(7) */
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_SEQPACKET = 5;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_TYPE = 3;
export const SO_REUSEPORT = 15;
export const SO_PEERCRED = 17;
export const SO_ACCEPTCONN = 30;
/** Linux 6.16: whether descriptors may be sent to a Unix socket. */
export const SO_PASSRIGHTS = 83;
export const SCM_RIGHTS = 1;
/** A descriptor of the sender's process, where SO_PASSPIDFD asks for it. */
export const SCM_PIDFD = 4;
/** shutdown(2): no more is received; nor sent; neither. */
export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;
export const IPPROTO_TCP = 6;
export const TCP_NOTSENT_LOWAT = 25;
export const SIOCOUTQ = 0x5411;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;
export const MSG_PEEK = 2;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_MORE = 0x8000;
export const MSG_CMSG_CLOEXEC = 0x40000000;
export const MSG_CTRUNC = 8;
export const MSG_TRUNC = 0x20;

/** getrlimit(2) */
export const RLIMIT_NOFILE = 7;

/** flock(2) */
export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const LOCK_UN = 8;

/** errno(3) */
export const ENOENT = 2;
export const EINTR = 4;
export const EBADFD = 77;
export const E2BIG = 7;
export const EBADF = 9;
export const EAGAIN = 11;
export const EACCES = 13;
export const EMFILE = 24;
export const EPIPE = 32;
export const EEXIST = 17;
export const EINVAL = 22;
export const ENOSYS = 38;
export const EPERM = 1;
export const EADDRINUSE = 98;
export const ECONNRESET = 104;
export const ETOOMANYREFS = 109;
export const ENAMETOOLONG = 36;

/** statfs(2): files whose pages come from the reserve of huge pages. */
export const HUGETLBFS_MAGIC = 0x9584_58f6;
