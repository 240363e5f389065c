package extract

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// forbidden are the system calls that a child does not need any more when it meets the first document, and that would let it reach beyond itself:
// files by name, connections, programs, other processes, the kernel's inner parts. The document comes as an open descriptor.
func forbidden() []uint32 {
	return []uint32{
		unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_MKDIRAT, unix.SYS_MKNODAT, unix.SYS_UNLINKAT, unix.SYS_RENAMEAT,
		unix.SYS_RENAMEAT2, unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_TRUNCATE, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE, unix.SYS_FCHMOD,
		unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_UTIMENSAT, unix.SYS_SETXATTR, unix.SYS_FSETXATTR,
		unix.SYS_LSETXATTR, unix.SYS_MEMFD_CREATE, unix.SYS_SWAPON,

		unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4,

		unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO, unix.SYS_PIDFD_OPEN,
		unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PRLIMIT64,
		unix.SYS_SETRLIMIT, unix.SYS_SETPRIORITY, unix.SYS_SETPGID, unix.SYS_SETSID, unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_MSGGET, unix.SYS_MQ_OPEN,

		unix.SYS_IO_URING_SETUP, unix.SYS_BPF, unix.SYS_USERFAULTFD, unix.SYS_PERF_EVENT_OPEN, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
		unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_INIT_MODULE,
		unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT,
	}
}

// architecture gives the kernel's name for the processor, and the forbidden calls that only it has: the elder forms of those above.
func architecture() (name uint32, more []uint32, ok bool) {
	switch runtime.GOARCH {
	case "amd64":
		return unix.AUDIT_ARCH_X86_64, []uint32{
			2, 85, 83, 84, 133, 87, 82, 86, 88, 90, 92, 94, 132, 235, // open creat mkdir rmdir mknod unlink rename link symlink chmod chown lchown utime utimes
			57, 58, // fork vfork
		}, true
	case "arm64":
		return unix.AUDIT_ARCH_AARCH64, nil, true
	}
	return 0, nil, false
}

// Where the parts of a call are for a filter: struct seccomp_data. Both processors have the low half of an argument first.
const (
	callNumber       = 0
	callArchitecture = 4
	firstArgument    = 16
	foreignCalls     = 0x4000_0000 // from here on amd64 has the calls of another ABI
)

// filter is a program that the kernel runs for every system call.
type filter []unix.SockFilter

func (f *filter) load(offset uint32) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset})
}

// test goes on behind the next yes or no instructions.
func (f *filter) test(compare uint16, k uint32, yes, no uint8) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_JMP | compare | unix.BPF_K, K: k, Jt: yes, Jf: no})
}

func (f *filter) answer(action uint32) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action})
}

// when answers if the test holds.
func (f *filter) when(compare uint16, k, action uint32) {
	f.test(compare, k, 0, 1)
	f.answer(action)
}

// only lets a call through whose first argument passes the test, and refuses it otherwise.
func (f *filter) only(call uint32, compare uint16, k uint32) {
	f.test(unix.BPF_JEQ, call, 0, 4)
	f.load(firstArgument)
	f.test(compare, k, 1, 0)
	f.answer(refuse)
	f.answer(unix.SECCOMP_RET_ALLOW)
}

const refuse = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)

// doors gives the filter for a process; nil if nobody knows the processor.
func doors(pid int) filter {
	name, elder, ok := architecture()
	if !ok {
		return nil
	}
	var f filter
	f.load(callArchitecture)
	f.test(unix.BPF_JEQ, name, 1, 0)
	f.answer(unix.SECCOMP_RET_KILL_PROCESS)
	f.load(callNumber)
	f.when(unix.BPF_JGE, foreignCalls, refuse)
	for _, call := range append(forbidden(), elder...) {
		f.when(unix.BPF_JEQ, call, refuse)
	}
	f.when(unix.BPF_JEQ, unix.SYS_CLONE3, unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS)) // whoever wants a thread then takes clone
	f.only(unix.SYS_CLONE, unix.BPF_JSET, unix.CLONE_THREAD)
	f.only(unix.SYS_TGKILL, unix.BPF_JEQ, uint32(pid)) //nolint:gosec // a process's id is not negative
	f.answer(unix.SECCOMP_RET_ALLOW)
	return f
}

// shutDoors has the kernel refuse what is forbidden, in all threads. A kernel that cannot do so is no reason to read no documents.
func shutDoors() error {
	program := doors(unix.Getpid())
	if program == nil {
		return nil
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	shape := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]} //nolint:gosec // some hundred
	_, _, err := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&shape))) //nolint:gosec // the kernel takes it so
	if err != 0 && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("filter system calls: %w", err)
	}
	return nil
}
