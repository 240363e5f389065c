package cluster_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/satchel-files/satchel/internal/meta/postgrestest"
	"github.com/satchel-files/satchel/tests/program"
)

// volume is a file system of its own.
type volume struct {
	t    testing.TB
	path string
	size int64
}

// mount makes a file system of so many bytes on a folder. It goes when the test ends.
func mount(t testing.TB, path string, size int64) *volume {
	t.Helper()
	v := &volume{t, path, size}
	program.Must(t, unix.Mount("satchel", path, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0755", size)))
	t.Cleanup(func() { program.Must(t, unix.Unmount(path, unix.MNT_DETACH)) })
	return v
}

// resize makes it smaller, but not than what is in it, or larger.
func (v *volume) resize(size int64) error {
	return unix.Mount("satchel", v.path, "tmpfs", unix.MS_REMOUNT, fmt.Sprintf("size=%d", size))
}

// fill takes all room that is free: the file system is made as small as what is in it.
func (v *volume) fill() {
	v.t.Helper()
	program.Within(v.t, "nobody has written more meanwhile", func() bool {
		var stat unix.Statfs_t
		program.Must(v.t, unix.Statfs(v.path, &stat))
		return v.resize(int64(stat.Blocks-stat.Bfree)*stat.Bsize) == nil
	})
}

// release gives the room back.
func (v *volume) release() {
	v.t.Helper()
	program.Must(v.t, v.resize(v.size))
}

// fullDatabase leaves PostgreSQL no room, until somebody is refused for it or PostgreSQL crashes, which it does without room for its log.
func (b *breaker) fullDatabase() {
	b.t.Helper()
	before := b.tally.full(true)
	b.rows.fill()
	program.Within(b.t, "somebody is told that there is no room", func() bool {
		return b.tally.refusals() > before || !b.Postgres.Running()
	})
	b.peace(b.some(500 * time.Millisecond))
	b.lasts(b.moreLog)
	b.rows.release()
	b.tally.full(false)
	if !b.Postgres.Running() {
		program.Must(b.t, b.Postgres.Start())
	}
	program.Must(b.t, b.WaitPostgres(b.t.Context()))
}

// moreLog has PostgreSQL need room for its log, again and again. Where it has none it ends.
func (b *breaker) moreLog() {
	const segments = 6
	for range segments {
		_ = postgrestest.Do(b.t.Context(), b.Database, "SELECT pg_switch_wal()") // it may have ended
		b.peace(200 * time.Millisecond)
	}
	b.t.Logf("without room for its log PostgreSQL runs: %v", b.Postgres.Running())
}

// fullBucket leaves the S3 server no room.
func (b *breaker) fullBucket() {
	b.t.Helper()
	b.tally.full(true)
	b.objects.fill()
	for _, size := range []int{100_000, largeSize} {
		b.failsSoon("an upload to a bucket that is full", size, http.StatusInsufficientStorage)
	}
	b.objects.release()
	b.tally.full(false)
}
