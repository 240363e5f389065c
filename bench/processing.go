//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/bench/documents"
)

// uploadersAtOnce is how many clients send documents.
const uploadersAtOnce = 4

// patience is how long documents may take, all of them.
const patience = 10 * time.Minute

// The contestants of the measures of processing.
const (
	serverMemory   = "the server"
	childrenMemory = "the processes that read documents, together"
	firstMemory    = "the same, on a new machine: also what prepares the reading of PDFs"
	readsIdle      = "idle"
	readsBusy      = "while it works"
	askedFor       = "asked for every millisecond"
	waitedFor      = "in the answer to an upload with Prefer: wait"
)

// rush is what a server does and takes while it processes many documents.
type rush struct {
	perMinute        float64 // documents
	server, children float64 // MiB at most
	idle, busy       float64 // ms, 99th percentile of reads
}

func (b *bench) rates(context.Context) ([]contestant, error) {
	return []contestant{b.figure("satchel", func(r rush) float64 { return r.perMinute })}, nil
}

func (b *bench) rushMemories(context.Context) ([]contestant, error) {
	return []contestant{
		b.figure(serverMemory, func(r rush) float64 { return r.server }), b.figure(childrenMemory, func(r rush) float64 { return r.children }),
		{name: firstMemory, run: b.firstDocuments},
	}, nil
}

func (b *bench) rushReads(context.Context) ([]contestant, error) {
	return []contestant{b.figure(readsIdle, func(r rush) float64 { return r.idle }), b.figure(readsBusy, func(r rush) float64 { return r.busy })}, nil
}

// figure gives one figure of each round's rush; the first measure that needs a round makes it.
func (b *bench) figure(name string, of func(rush) float64) contestant {
	round := 0
	return contestant{name: name, run: func(ctx context.Context) (float64, error) {
		if round == len(b.rushes) {
			r, err := b.rush(ctx)
			if err != nil {
				return 0, err
			}
			b.rushes = append(b.rushes, r)
		}
		round++
		return of(b.rushes[round-1]), nil
	}}
}

// firstDocuments starts a server on a folder in which nothing is prepared, has it process documents at once, and gives the most memory that its
// children have together, in MiB.
func (b *bench) firstDocuments(ctx context.Context) (most float64, err error) {
	s, err := b.fresh()
	if err != nil {
		return 0, err
	}
	defer func() {
		b.stopAll()
		err = errors.Join(err, b.forget(s))
	}()
	if err := b.begin(ctx, s); err != nil {
		return 0, err
	}
	looking := beside(func(quit <-chan struct{}) { most = s.process().mostOfChildren(quit) })
	_, err = b.process(ctx, s, oneOfEach(), func(*request) {})
	looking.stop()
	return most, err
}

// rush starts a server and has it process the mixture.
func (b *bench) rush(ctx context.Context) (found rush, err error) {
	s, err := b.beginWorking(ctx)
	if err != nil {
		return found, err
	}
	defer func() {
		b.stopAll()
		err = errors.Join(err, b.forget(s))
	}()
	c, err := dial(s.address(), b.pattern)
	if err != nil {
		return found, err
	}
	defer c.close()
	reads := &asker{c: c}
	first, err := b.process(ctx, s, oneOfEach(), reads.add)
	if err != nil {
		return found, err
	}
	b.say("one document of each format: %s", first.Round(time.Millisecond))
	if found.idle, err = b.readFor(reads, 2*b.window); err != nil {
		return found, err
	}
	var readErr error
	reading := beside(func(quit <-chan struct{}) { found.busy, readErr = reads.read(quit) })
	looking := beside(func(quit <-chan struct{}) { found.children = s.process().mostOfChildren(quit) })
	took, err := b.process(ctx, s, mixture(b.mixed), reads.add)
	reading.stop()
	looking.stop()
	if err := errors.Join(err, readErr); err != nil {
		return found, err
	}
	found.perMinute = float64(b.mixed) / took.Minutes()
	found.server, err = s.process().mostResident()
	return found, err
}

// beginWorking starts a server on a new data folder that processes what it stores.
func (b *bench) beginWorking(ctx context.Context) (*satchelServer, error) {
	s, err := b.working(ctx, "")
	if err != nil {
		return nil, err
	}
	return s, b.begin(ctx, s)
}

// readFor reads for a while.
func (b *bench) readFor(r *asker, d time.Duration) (p99 float64, err error) {
	reading := beside(func(quit <-chan struct{}) { p99, err = r.read(quit) })
	<-time.After(d)
	reading.stop()
	return p99, err
}

// oneOfEach gives a short document of every format.
func oneOfEach() []documents.Document {
	var all []documents.Document
	for _, format := range documents.Formats() {
		all = append(all, documents.Make(format, 1, 0))
	}
	return all
}

// process uploads documents with several clients, waits until all are processed, and says how long that took. It looks at what became of each.
// uploaded is called for each by the clients.
func (b *bench) process(ctx context.Context, s *satchelServer, all []documents.Document, uploaded func(*request)) (time.Duration, error) {
	requests, files := make([]*request, len(all)), make([]*request, len(all))
	for i, d := range all {
		requests[i] = s.send(d, "")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	crowd, err := b.crowd(s, uploadersAtOnce)
	if err != nil {
		return 0, err
	}
	defer crowd.close()
	begin := time.Now()
	_, err = crowd.each(len(all), func(c *conn, i int) error {
		a, err := c.ask(requests[i])
		if err = expect2xx(a, err); err != nil {
			return err
		}
		f, err := s.stored(a)
		files[i] = s.info(f)
		uploaded(files[i])
		return err
	})
	if err != nil {
		return 0, err
	}
	for i, file := range files {
		if err := await(ctx, crowd[0], file, all[i]); err != nil {
			return 0, fmt.Errorf("%s: %w", all[i].Name, err)
		}
	}
	return time.Since(begin), nil
}

// await asks for a file every millisecond until it is processed, and looks whether all of its pages were found.
func await(ctx context.Context, c *conn, file *request, d documents.Document) error {
	for {
		a, err := c.ask(file)
		if err = expect2xx(a, err); err != nil {
			return err
		}
		status, err := field(a.body, "status")
		switch {
		case err != nil:
			return err
		case status == "processed", status == "error":
			return right(a.body, d)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// right says what is wrong with what became of a document.
func right(body []byte, d documents.Document) error {
	var file api.File
	if err := json.Unmarshal(body, &file); err != nil {
		return err
	}
	found := file.Document
	switch {
	case file.Status != "processed":
		return fmt.Errorf("it is in %s: %s", file.Status, body)
	case found == nil || found.Characters == 0:
		return fmt.Errorf("no text was found: %s", body)
	case d.Paged && found.Pages != d.Pages:
		return fmt.Errorf("%d pages were found instead of %d", found.Pages, d.Pages)
	}
	return nil
}

// readiness uploads short texts, one after the other.
func (b *bench) readiness(ctx context.Context) ([]contestant, error) {
	s, err := b.beginWorking(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := b.process(ctx, s, oneOfEach(), func(*request) {}); err != nil {
		return nil, err
	}
	text := documents.Make("text", 1, 1)
	text.Content = text.Content[:1<<10]
	return []contestant{
		b.medianOf(askedFor, s, s.send(text, ""), func(c *conn, a answer) error {
			f, err := s.stored(a)
			if err != nil {
				return err
			}
			return await(ctx, c, s.info(f), text)
		}),
		b.medianOf(waitedFor, s, s.send(text, "Prefer: wait=10\r\n"), func(_ *conn, a answer) error { return right(a.body, text) }),
	}, nil
}

// medianOf makes the same upload again and again, each with what comes after it; its value is the median in milliseconds.
func (b *bench) medianOf(name string, s server, upload *request, after func(*conn, answer) error) contestant {
	return contestant{name: name, run: func(context.Context) (float64, error) {
		c, err := dial(s.address(), b.pattern)
		if err != nil {
			return 0, err
		}
		defer c.close()
		took := make([]float64, b.repeats)
		for i := range took {
			begin := time.Now()
			a, err := c.ask(upload)
			if err = expect2xx(a, err); err != nil {
				return 0, err
			}
			if err := after(c, a); err != nil {
				return 0, err
			}
			took[i] = milliseconds(time.Since(begin))
		}
		return median(took), nil
	}}
}

// pagesOfFormats has a server process documents of one format after the other.
func (b *bench) pagesOfFormats(ctx context.Context) ([]contestant, error) {
	s, err := b.beginWorking(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := b.process(ctx, s, oneOfEach(), func(*request) {}); err != nil {
		return nil, err
	}
	var cs []contestant
	for _, f := range []struct {
		format string
		pages  int // of a document
	}{{"pdf", 40}, {"docx", 20}, {"pptx", 40}, {"xlsx", 10}, {"html", 20}, {"text", 40}} {
		cs = append(cs, contestant{name: f.format, run: func(ctx context.Context) (float64, error) {
			all := make([]documents.Document, b.sameFormat)
			for i := range all {
				all[i] = documents.Make(f.format, f.pages, uint64(i))
			}
			took, err := b.process(ctx, s, all, func(*request) {})
			return float64(len(all)*f.pages) / took.Seconds(), err
		}})
	}
	return cs, nil
}
