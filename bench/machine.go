//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// machine says in words what the run was made on: nothing that names it.
func (b *bench) machine() string {
	return fmt.Sprintf("%d cores (%s), %d GiB of memory, Linux %s, %s, data on %s", runtime.NumCPU(), processor(), memory(), kernel(),
		runtime.GOARCH, disk(b.dir))
}

func processor() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func memory() uint64 {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return 0
	}
	return (info.Totalram*uint64(info.Unit) + 1<<29) >> 30
}

// kernel gives the version's first two numbers; the rest may name where it was built.
func kernel() string {
	data, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	parts := strings.SplitN(string(data), ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// disk tells the kind of the file system and of the disk under it.
func disk(dir string) string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return "an unknown file system"
	}
	kind, ok := map[int64]string{0xEF53: "ext4", 0x58465342: "XFS", 0x9123683E: "Btrfs", 0x01021994: "tmpfs", 0x794C7630: "overlayfs"}[int64(fs.Type)]
	if !ok {
		kind = fmt.Sprintf("a file system of type %#x", fs.Type)
	}
	return kind + diskUnder(dir)
}

func diskUnder(dir string) string {
	var st syscall.Stat_t
	if err := syscall.Stat(dir, &st); err != nil {
		return ""
	}
	major, minor := st.Dev>>8&0xfff, st.Dev&0xff
	target, err := filepath.EvalSymlinks(fmt.Sprintf("/sys/dev/block/%d:%d", major, minor))
	if err != nil {
		return ""
	}
	name := filepath.Base(target)
	switch {
	case strings.HasPrefix(name, "vd"):
		return " on a virtual disk (virtio)"
	case strings.HasPrefix(name, "nvme"):
		return " on NVMe"
	}
	return " on " + name
}

// versions names what was compared.
func (b *bench) versions(ctx context.Context) string {
	ours := "satchel (" + b.revision(ctx) + ")"
	all := []string{ours, runtime.Version()}
	if b.peers {
		all = append(all, "nginx "+b.programs.nginxVersion, "PocketBase "+pocketbaseVersion, "versitygw "+versitygwVersion, "tusd "+tusdVersion)
	}
	if b.database != nil {
		all = append(all, "PostgreSQL "+b.database.version(ctx))
	}
	return strings.Join(all, ", ")
}

func (b *bench) revision(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "-C", b.root, "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown revision"
	}
	return strings.TrimSpace(string(out))
}
