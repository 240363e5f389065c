//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// starts measures the time from the start of the process to the first answer to a request for files.
func (b *bench) starts(ctx context.Context) ([]contestant, error) {
	later, _, err := b.beginSatchel(ctx, b.files)
	if err != nil {
		return nil, err
	}
	large, err := b.filled(ctx, b.million)
	if err != nil {
		return nil, err
	}
	b.stopAll()
	return []contestant{
		b.startOf("empty", func(context.Context) (*satchelServer, error) { return b.fresh() }),
		b.startOf("later, "+people(b.files), func(ctx context.Context) (*satchelServer, error) { return b.working(ctx, later.data) }),
		b.startOf("later, "+people(b.million), func(ctx context.Context) (*satchelServer, error) { return b.working(ctx, large) }),
	}, nil
}

func (b *bench) startOf(name string, open func(ctx context.Context) (*satchelServer, error)) contestant {
	return contestant{name: name, run: func(ctx context.Context) (float64, error) {
		s, err := open(ctx)
		if err != nil {
			return 0, err
		}
		defer s.stop()
		begin := time.Now()
		err = s.start(ctx)
		return milliseconds(time.Since(begin)), err
	}}
}

// memories measures what a fresh process occupies, at most, in several situations. Processes that it starts to read documents are not counted:
// there is nothing to read here, and another measure has what they take when there is.
func (b *bench) memories(ctx context.Context) ([]contestant, error) {
	large, err := b.filled(ctx, b.million)
	if err != nil {
		return nil, err
	}
	ours := func(data string) func() (uploader, error) {
		return func() (uploader, error) { return b.working(ctx, data) }
	}
	peer := func() (uploader, error) { return b.pocketbase() }
	title := fmt.Sprintf("%d uploads of %s at once", b.atOnce, size(b.large))
	cs := []contestant{
		b.memoryOf("satchel, idle", ours(""), b.idle),
		b.memoryOf("satchel, "+title, ours(""), b.stampede),
		b.memoryOf("satchel, "+people(b.million)+" files: lists, filters, small uploads", ours(large), b.errands),
	}
	if b.peers {
		cs = append(cs, b.memoryOf("PocketBase, idle", peer, b.idle))
	}
	if b.peers && b.long {
		cs = append(cs, b.memoryOf("PocketBase, "+title, peer, b.stampede))
	}
	return cs, nil
}

// memoryOf starts a server, does something to it, and gives its greatest resident size in MiB.
func (b *bench) memoryOf(name string, open func() (uploader, error), do func(uploader) error) contestant {
	var s uploader
	return contestant{
		name: name,
		run: func(ctx context.Context) (float64, error) {
			var err error
			if s, err = open(); err != nil {
				return 0, err
			}
			if err := b.begin(ctx, s); err != nil {
				return 0, err
			}
			if err := do(s); err != nil {
				return 0, err
			}
			return s.process().mostResident()
		},
		tidy: func() error {
			b.stopAll()
			return b.forget(s)
		},
	}
}

// forget removes what a server left in its own folder; a shared data folder is not in it.
func (b *bench) forget(s uploader) error {
	switch s := s.(type) {
	case *satchelServer:
		return os.RemoveAll(s.dir)
	case *pocketbase:
		return os.RemoveAll(s.dir)
	}
	return nil
}

// idle uploads one small file and then leaves the server alone for a while, in which it may do what it does when it is idle.
func (b *bench) idle(s uploader) error {
	_, err := b.seed(s, 1)
	<-time.After(b.rest)
	return err
}

// stampede uploads large files, all at once.
func (b *bench) stampede(s uploader) error {
	crowd, err := b.crowd(s, b.atOnce)
	if err != nil {
		return err
	}
	defer crowd.close()
	_, err = crowd.each(b.atOnce, func(c *conn, _ int) error { return expect2xx(c.ask(s.upload(b.large))) })
	return err
}

// errands does what users of a large store do: pages, filters, and small uploads, many at once.
func (b *bench) errands(s uploader) error {
	ours := s.(*satchelServer)
	requests := []*request{ours.pageFrom(""), ours.list("?limit=100&order=asc"), ours.filter(rareFilter), ours.filter(bothFilter), ours.upload(b.small)}
	crowd, err := b.crowd(s, b.atOnce)
	if err != nil {
		return err
	}
	defer crowd.close()
	_, err = crowd.during(b.window, func(c *conn, i int) error { return expect2xx(c.ask(requests[i%len(requests)])) })
	return err
}
