//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// downloads fetches one large file, from Satchel, nginx and PocketBase.
func (b *bench) downloads(ctx context.Context) ([]contestant, error) {
	servers, err := b.readers(ctx)
	if err != nil {
		return nil, err
	}
	if b.peers {
		web, err := b.nginx()
		if err == nil {
			err = b.begin(ctx, web)
		}
		if err != nil {
			return nil, err
		}
		servers = append(servers, web)
	}
	var cs []contestant
	for _, s := range servers {
		file, err := b.seedLarge(s)
		if err != nil {
			return nil, err
		}
		cs = append(cs, contestant{name: s.name(), run: func(context.Context) (float64, error) {
			return b.download(s, s.content(file))
		}})
	}
	return cs, nil
}

func (b *bench) seedLarge(s uploader) (stored, error) {
	c, err := dial(s.address(), b.pattern)
	if err != nil {
		return stored{}, err
	}
	defer c.close()
	return put(c, s, b.large)
}

// download fetches a large file four times, each on the same connection, and gives MB/s.
func (b *bench) download(s server, r *request) (float64, error) {
	const times = 4
	c, err := dial(s.address(), b.pattern)
	if err != nil {
		return 0, err
	}
	defer c.close()
	begin := time.Now()
	for range times {
		a, err := c.skim(r)
		if err == nil {
			err = a.check(r)
		}
		if err == nil && a.length != b.large {
			err = fmt.Errorf("%d bytes instead of %d", a.length, b.large)
		}
		if err != nil {
			return 0, err
		}
	}
	return megabytes(times*b.large) / time.Since(begin).Seconds(), nil
}

// infos reads the description of files at random for a while, many at once, out of a store of ordinary size.
func (b *bench) infos(ctx context.Context) ([]contestant, error) {
	ours, ids, err := b.beginSatchel(ctx, b.files)
	if err != nil {
		return nil, err
	}
	bound, err := b.limit("/rows")
	if err != nil {
		return nil, err
	}
	bound.rows = b.files
	if bound.body, err = b.call(ours, ours.get("/files/"+ids[0])); err != nil {
		return nil, err
	}
	bound.body = bytes.Clone(bound.body)
	if err := b.begin(ctx, bound); err != nil {
		return nil, err
	}
	cs := []contestant{
		b.readsOf(ours, func(i int) *request { return ours.get("/files/" + ids[i]) }),
		b.readsOf(bound, bound.row),
	}
	if b.peers {
		pocket, err := b.beginFilled(ctx, b.files)
		if err != nil {
			return nil, err
		}
		cs = append(cs, b.readsOf(pocket, func(i int) *request { return pocket.info(pocket.record(i)) }))
	}
	return cs, nil
}

// readsOf reads the rows of a store in an order that jumps about.
func (b *bench) readsOf(s server, row func(i int) *request) contestant {
	const stride = 7919 // prime to the number of rows: every row gets its turn
	requests := make([]*request, b.files)
	for i := range requests {
		requests[i] = row(i * stride % b.files)
	}
	return contestant{name: s.name(), run: func(context.Context) (float64, error) {
		crowd, err := b.crowd(s, b.atOnce)
		if err != nil {
			return 0, err
		}
		defer crowd.close()
		return crowd.during(b.window, func(c *conn, i int) error { return expect2xx(c.ask(requests[i%len(requests)])) })
	}}
}

// beginSatchel starts a Satchel with n files and gives the ids of the newest (at most ten thousand), newest first.
func (b *bench) beginSatchel(ctx context.Context, n int) (*satchelServer, []string, error) {
	data, err := b.filled(ctx, n)
	if err != nil {
		return nil, nil, err
	}
	s, err := b.satchel(data)
	if err != nil {
		return nil, nil, err
	}
	if err := b.begin(ctx, s); err != nil {
		return nil, nil, err
	}
	ids, err := b.newest(s, n)
	return s, ids, err
}

// newest gives the ids of the newest of n files, newest first.
func (b *bench) newest(s *satchelServer, n int) (ids []string, err error) {
	body, err := b.call(s, s.list("?limit=10000"))
	if err != nil {
		return nil, err
	}
	for _, part := range bytes.Split(body, []byte(`"id":"`))[1:] {
		id, _, _ := bytes.Cut(part, []byte(`"`))
		ids = append(ids, string(id))
	}
	most := min(n, 10_000)
	if len(ids) < most {
		return nil, fmt.Errorf("%d ids on a page instead of %d", len(ids), most)
	}
	return ids[:most], nil // another measure may have added some
}

// middle walks to the id in the middle of a store with n files.
func (b *bench) middle(s *satchelServer, n int) (string, error) {
	const stride = 1_000
	id := ""
	for at := 0; at < n/2; {
		limit := min(stride, n/2-at)
		query := fmt.Sprintf("?limit=%d", limit)
		if id != "" {
			query += "&after=" + id
		}
		body, err := b.call(s, s.list(query))
		if err != nil {
			return "", err
		}
		tail := body[bytes.LastIndex(body, []byte(`"last_id"`)):]
		if id, err = field(tail, "last_id"); err != nil {
			return "", err
		}
		at += limit
	}
	return id, nil
}

// pages asks for pages of 100 in a store of ordinary size and in a large one, one request after the other.
func (b *bench) pages(ctx context.Context) ([]contestant, error) {
	var cs []contestant
	for _, n := range []int{b.files, b.million} {
		s, _, err := b.beginSatchel(ctx, n)
		if err != nil {
			return nil, err
		}
		middle, err := b.middle(s, n)
		if err != nil {
			return nil, err
		}
		cs = append(cs,
			b.latency(fmt.Sprintf("satchel, first page, %s", people(n)), s, s.pageFrom("")),
			b.latency(fmt.Sprintf("satchel, middle page, %s", people(n)), s, s.pageFrom(middle)))
	}
	if !b.peers {
		return cs, nil
	}
	for _, n := range []int{b.files, b.million} {
		s, err := b.beginFilled(ctx, n)
		if err != nil {
			return nil, err
		}
		cs = append(cs,
			b.latency(fmt.Sprintf("PocketBase, first page, %s", people(n)), s, s.page(1)),
			b.latency(fmt.Sprintf("PocketBase, middle page, %s", people(n)), s, s.page(n/200)))
	}
	return cs, nil
}

// filters asks the large store for what few of its files match.
func (b *bench) filters(ctx context.Context) ([]contestant, error) {
	s, _, err := b.beginSatchel(ctx, b.million)
	if err != nil {
		return nil, err
	}

	return []contestant{
		b.latency("one key, 100 files match", s, s.filter(rareFilter)),
		b.latency("two keys, the first in half of the files, 100 match", s, s.filter(bothFilter)),
		b.latency("two keys, each in half of the files, none match", s, s.filter(hollowFilter)),
	}, nil
}

// latency makes the same request again and again; its value is the median in milliseconds.
func (b *bench) latency(name string, s server, r *request) contestant {
	return b.latencies(name, s, func() *request { return r })
}

// latencies makes one request after the other; its value is the median in milliseconds.
func (b *bench) latencies(name string, s server, next func() *request) contestant {
	return contestant{name: name, run: func(context.Context) (float64, error) {
		c, err := dial(s.address(), b.pattern)
		if err != nil {
			return 0, err
		}
		defer c.close()
		took := make([]float64, 0, b.repeats)
		end := time.Now().Add(5 * time.Second)
		for len(took) < b.repeats && (len(took) == 0 || time.Now().Before(end)) {
			r := next()
			begin := time.Now()
			a, err := c.ask(r)
			took = append(took, milliseconds(time.Since(begin)))
			if err = errors.Join(err, expect2xx(a, nil)); err != nil {
				return 0, err
			}
		}
		return median(took), nil
	}}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}
