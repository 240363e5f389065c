//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// uploaders starts Satchel, the limit, and the peers that take uploads.
func (b *bench) uploaders(ctx context.Context, limitPath string) ([]uploader, error) {
	ours, err1 := b.satchel("")
	bound, err2 := b.limit(limitPath)
	all := []uploader{ours, bound}
	err := errors.Join(err1, err2)
	if b.peers {
		pocket, err1 := b.pocketbase()
		gateway, err2 := b.versitygw()
		tus, err3 := b.tusd()
		web, err4 := b.nginx()
		all = append(all, pocket, gateway, tus, web)
		err = errors.Join(err, err1, err2, err3, err4)
	}
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if err := b.begin(ctx, s); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// largeUploads sends one large file in a turn, and deletes it afterwards so that the next writes to used blocks of the disk too.
func (b *bench) largeUploads(ctx context.Context) ([]contestant, error) {
	servers, err := b.uploaders(ctx, "/large")
	if err != nil {
		return nil, err
	}
	var cs []contestant
	for _, s := range servers {
		var last stored
		cs = append(cs, contestant{
			name: s.name(),
			run: func(context.Context) (value float64, err error) {
				c, err := dial(s.address(), b.pattern)
				if err != nil {
					return 0, err
				}
				defer c.close()
				begin := time.Now()
				if last, err = put(c, s, b.large); err != nil {
					return 0, err
				}
				return megabytes(b.large) / time.Since(begin).Seconds(), nil
			},
			tidy: func() error {
				_, err := b.call(s, s.remove(last))
				return err
			},
		})
	}
	return cs, nil
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }

// smallUploads sends small files for a while, many at once.
func (b *bench) smallUploads(ctx context.Context) ([]contestant, error) {
	servers, err := b.uploaders(ctx, "/small")
	if err != nil {
		return nil, err
	}
	var cs []contestant
	for _, s := range servers {
		cs = append(cs, b.uploadsOf(s.name(), s, s.upload))
		if ours, ok := s.(*satchelServer); ok {
			cs = append(cs, b.uploadsOf("satchel, stored alone", s, ours.uploadAsData))
		}
	}
	return cs, nil
}

func (b *bench) uploadsOf(name string, s server, upload func(size int64) *request) contestant {
	return contestant{name: name, run: func(context.Context) (float64, error) {
		crowd, err := b.crowd(s, b.atOnce)
		if err != nil {
			return 0, err
		}
		defer crowd.close()
		return crowd.during(b.window, func(c *conn, _ int) error { return expect2xx(c.ask(upload(b.small))) })
	}}
}

func expect2xx(a answer, err error) error {
	if err == nil && a.status/100 != 2 {
		err = fmt.Errorf("status %d: %.300s", a.status, a.body)
	}
	return err
}

// deletes removes small files that were uploaded before, many at once.
func (b *bench) deletes(ctx context.Context) ([]contestant, error) {
	servers, err := b.readers(ctx)
	if err != nil {
		return nil, err
	}
	var cs []contestant
	for _, s := range servers {
		cs = append(cs, contestant{name: s.name(), run: func(context.Context) (float64, error) {
			files, err := b.seed(s, b.deleted)
			if err != nil {
				return 0, err
			}
			syscall.Sync()
			requests := make([]*request, len(files))
			for i, f := range files {
				requests[i] = s.remove(f)
			}
			crowd, err := b.crowd(s, b.atOnce)
			if err != nil {
				return 0, err
			}
			defer crowd.close()
			d, err := crowd.each(len(files), func(c *conn, i int) error { return expect2xx(c.ask(requests[i])) })
			return float64(len(files)) / d.Seconds(), err
		}})
	}
	return cs, nil
}

// seed uploads n small files, many at once.
func (b *bench) seed(s uploader, n int) ([]stored, error) {
	crowd, err := b.crowd(s, b.atOnce)
	if err != nil {
		return nil, err
	}
	defer crowd.close()
	files := make([]stored, n)
	_, err = crowd.each(n, func(c *conn, i int) (err error) {
		files[i], err = put(c, s, b.small)
		return err
	})
	return files, err
}

// readers starts Satchel and PocketBase.
func (b *bench) readers(ctx context.Context) ([]reader, error) {
	ours, err := b.satchel("")
	all := []reader{ours}
	if err == nil && b.peers {
		var pocket *pocketbase
		pocket, err = b.pocketbase()
		all = append(all, pocket)
	}
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if err := b.begin(ctx, s); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// contents reads the bytes of small files for a while, many at once. What comes back is compared with what was sent.
func (b *bench) contents(ctx context.Context) ([]contestant, error) {
	servers, err := b.readers(ctx)
	if err != nil {
		return nil, err
	}
	var cs []contestant
	for _, s := range servers {
		files, err := b.seed(s, b.contentFiles)
		if err != nil {
			return nil, err
		}
		requests := make([]*request, len(files))
		for i, f := range files {
			requests[i] = s.content(f)
		}
		cs = append(cs, contestant{name: s.name(), run: func(context.Context) (float64, error) {
			crowd, err := b.crowd(s, b.atOnce)
			if err != nil {
				return 0, err
			}
			defer crowd.close()
			return crowd.during(b.window, func(c *conn, i int) error {
				a, err := c.ask(requests[i%len(requests)])
				if err == nil && !bytes.Equal(a.body, b.pattern.head[:b.small]) {
					err = errors.New("not the bytes that were sent")
				}
				return errors.Join(err, expect2xx(a, nil))
			})
		}})
	}
	return cs, nil
}
