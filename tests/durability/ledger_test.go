//go:build linux

package durability_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/tests/program"
)

// known is a file as the server must have it.
type known struct {
	content
	id       string
	metadata []map[string]string // what it may be: the last is what was sent last, all but the first were not acknowledged
	doubtful bool                // a deletion was sent and not acknowledged
	read     bool                // its bytes were fetched and compared
}

// creation is an upload that was sent.
type creation struct {
	upload
	ids []string // of the answer; nil: there was none, so that it may have happened or not
}

// opKey is the metadata key that says which upload made a file.
const opKey = "op"

func (c creation) op() string { return c.metadata[opKey] }

// ledger is what the server has acknowledged, and what was sent to it without an answer.
type ledger struct {
	files    map[string]*known
	gone     map[string]bool
	open     []creation // sent, never answered
	repeats  []creation // sent under a key, with or without an answer
	requests int        // acknowledged changes
	refused  int        // answers that acknowledge nothing
}

func newLedger() *ledger { return &ledger{files: map[string]*known{}, gone: map[string]bool{}} }

// settle compares the server with the ledger, and takes over what it finds where the ledger leaves it open.
func (l *ledger) settle(t testing.TB, s *server) {
	t.Helper()
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	strangers := map[string][]*api.File{} // by the upload that made them
	seen := map[string]bool{}
	for _, file := range s.list(50) {
		seen[file.ID] = true
		metadata := metadataOf(t, file)
		switch k := l.files[file.ID]; {
		case k != nil:
			if err := k.meet(file, metadata); err != nil {
				fault("%v", err)
			}
		case l.gone[file.ID]:
			fault("%s is there: its deletion was acknowledged", file.ID)
		default:
			strangers[metadata[opKey]] = append(strangers[metadata[opKey]], file)
		}
	}
	for id, k := range l.files {
		if seen[id] {
			continue
		}
		if !k.doubtful {
			fault("%s (%s, %d bytes) is lost: its upload was acknowledged", id, k.name, k.size)
		}
		delete(l.files, id)
		l.gone[id] = true
	}
	for _, c := range l.open {
		found := strangers[c.op()]
		if err := l.adopt(c, found); err != nil {
			fault("%v", err)
		}
		if c.key != "" {
			l.repeats = append(l.repeats, creation{c.upload, idsOf(found)})
		}
		delete(strangers, c.op())
	}
	for op, files := range strangers {
		fault("nobody made the %d files of %q, %s the first", len(files), op, files[0].ID)
	}
	l.open = nil
	if len(faults) > 0 {
		t.Fatalf("%d faults:\n%s", len(faults), lines(faults))
	}
	l.readNew(t, s)
}

// meet compares a file with what the ledger knows of it.
func (k *known) meet(file *api.File, metadata map[string]string) error {
	k.doubtful = false
	if file.Filename != k.name || file.Bytes != k.size || file.SHA256 != k.sha256() {
		return fmt.Errorf("%s is %s, %d bytes, SHA-256 %s; want %s, %d, %s",
			k.id, file.Filename, file.Bytes, file.SHA256, k.name, k.size, k.sha256())
	}
	if !slices.ContainsFunc(k.metadata, func(m map[string]string) bool { return maps.Equal(m, metadata) }) {
		return fmt.Errorf("%s has the metadata %v; want one of %v", k.id, metadata, k.metadata)
	}
	k.metadata = []map[string]string{metadata}
	return nil
}

// adopt takes over the files of an upload that had no answer: all of them are there, or none.
func (l *ledger) adopt(c creation, found []*api.File) error {
	if len(found) == 0 {
		return nil
	}
	if len(found) != len(c.files) {
		return fmt.Errorf("%d of the %d files of %q are there: want all or none", len(found), len(c.files), c.op())
	}
	for i, file := range found { // the list is in the order in which they were sent
		k := &known{content: c.files[i], id: file.ID, metadata: []map[string]string{c.metadata}}
		if err := k.meet(file, c.metadata); err != nil {
			return err
		}
		l.files[k.id] = k
	}
	return nil
}

// readNew fetches the bytes of what was not fetched before, and asks for what is gone.
func (l *ledger) readNew(t testing.TB, s *server) {
	t.Helper()
	for _, id := range slices.Sorted(maps.Keys(l.files)) {
		if k := l.files[id]; !k.read {
			k.read = check(t, s.download(t.Context(), id, k.content))
		}
	}
	for id := range l.gone {
		if a := s.get("/files/" + id); a.status != http.StatusNotFound {
			t.Errorf("%s is deleted: %s", id, a)
		}
	}
	clear(l.gone) // settled, and an id never comes back; settle would find it among the strangers
}

// repeat sends the uploads again that were sent under a key: what they made comes back and is not made anew. What was lost on its way the
// first time is made now.
func (l *ledger) repeat(t testing.TB, s *server) {
	t.Helper()
	for _, c := range l.repeats {
		files, a, err := s.send(t.Context(), c.upload)
		program.Must(t, err)
		if len(c.ids) == 0 && a.acknowledged() {
			if err := l.adopt(c, files); err != nil {
				t.Errorf("upload %q again: %v", c.op(), err)
			}
			continue
		}
		whole := !slices.ContainsFunc(c.ids, func(id string) bool { return l.files[id] == nil })
		switch {
		case !whole && a.status == http.StatusConflict:
		case !whole || !a.acknowledged() || !slices.Equal(idsOf(files), c.ids):
			t.Errorf("upload %q again: %s; want %v (all there: %v)", c.op(), a, c.ids, whole)
		}
	}
	l.repeats = nil
}

func idsOf(files []*api.File) []string {
	ids := make([]string, len(files))
	for i, file := range files {
		ids[i] = file.ID
	}
	return ids
}

// client is one of several that use a server at once. It touches only files of its own, so that it knows what they must be.
type client struct {
	t    testing.TB
	s    *server
	rng  *rand.Rand
	name string
	tick func()            // called at every step of every request
	ok   func(answer) bool // whether an answer that acknowledges nothing is as it should be
	most int64             // size of its largest files
	calm bool              // the server lives on, though it may be of no use: reads may fail

	mine []*known
	l    *ledger // what it learnt; merged when it is over
	made int
	over bool // a request broke off: the server is gone
}

// work makes random changes until the server is gone, or n of them were made.
func (c *client) work(ctx context.Context, n int) {
	for i := 0; i < n && !c.over && ctx.Err() == nil; i++ {
		switch dice := c.rng.IntN(100); {
		case dice < 40 || len(c.mine) == 0:
			c.create(ctx, "")
		case dice < 50:
			c.createTwice(ctx)
		case dice < 75:
			c.change(ctx)
		case dice < 92:
			c.delete(ctx)
		default:
			c.read(ctx)
		}
	}
}

// newUpload makes one up.
func (c *client) newUpload(key string) upload {
	c.made++
	op := fmt.Sprintf("%s-%d", c.name, c.made)
	u := upload{
		metadata: map[string]string{opKey: op}, key: key, chunked: c.rng.IntN(3) == 0,
		watch: func(int) { c.tick() },
	}
	for i := range 1 + max(0, c.rng.IntN(8)-4) { // one mostly, at most four
		u.files = append(u.files, content{name: fmt.Sprintf("%s.%d", op, i), seed: c.rng.Uint64(), size: c.size()})
	}
	return u
}

// size is mostly small; every border of the program is hit often.
func (c *client) size() int64 {
	sizes := []int64{0, 1, 100, 4096, 4096, 32 << 10, 100_000, 256<<10 - 1, 256 << 10, 256<<10 + 1, 1 << 20, 3_000_000, 8 << 20}
	size := sizes[c.rng.IntN(len(sizes))]
	if size > 256<<10+1 && c.rng.IntN(2) == 0 {
		size = c.rng.Int64N(16 << 10)
	}
	return min(size, c.most)
}

func (c *client) create(ctx context.Context, key string) {
	u := c.newUpload(key)
	files, a, err := c.s.send(ctx, u)
	c.created(u, files, a, err)
}

// createTwice sends the same upload twice at once under one key: one set of files is made.
func (c *client) createTwice(ctx context.Context) {
	u := c.newUpload("")
	u.key = u.metadata[opKey]
	var answers [2]answer
	var files [2][]*api.File
	var errs [2]error
	var group sync.WaitGroup
	for i := range 2 {
		group.Go(func() { files[i], answers[i], errs[i] = c.s.send(ctx, u) })
	}
	group.Wait()
	first := 0
	if errs[0] != nil || !answers[0].acknowledged() {
		first = 1
	}
	c.created(u, files[first], answers[first], errs[first])
	if other := 1 - first; errs[other] != nil || !answers[other].acknowledged() {
		c.over = c.over || errs[other] != nil
		c.expect(answers[other], errs[other])
		return
	}
	if !slices.Equal(idsOf(files[0]), idsOf(files[1])) {
		c.t.Errorf("one key made two sets of files: %v and %v", idsOf(files[0]), idsOf(files[1]))
	}
	c.l.repeats = append(c.l.repeats, creation{u, idsOf(files[first])})
}

// created notes how an upload ended.
func (c *client) created(u upload, files []*api.File, a answer, err error) {
	if !c.expect(a, err) {
		c.l.open = append(c.l.open, creation{upload: u})
		return
	}
	if len(files) != len(u.files) {
		c.t.Errorf("upload %q has %d files: %s", u.metadata[opKey], len(u.files), a)
		return
	}
	for i, file := range files {
		k := &known{content: u.files[i], id: file.ID, metadata: []map[string]string{u.metadata}}
		check(c.t, k.meet(file, u.metadata))
		c.mine = append(c.mine, k)
	}
}

// expect says whether a change was acknowledged. If not, the server is gone, or has a good reason.
func (c *client) expect(a answer, err error) bool {
	c.tick()
	switch {
	case err != nil:
		c.over = true
		return false
	case a.acknowledged():
		c.l.requests++
		return true
	}
	c.l.refused++
	if !c.ok(a) {
		c.t.Errorf("unexpected answer: %s", a)
	}
	return false
}

func (c *client) pick() int { return c.rng.IntN(len(c.mine)) }

func (c *client) change(ctx context.Context) {
	k := c.mine[c.pick()]
	c.made++
	patch := map[string]string{fmt.Sprintf("key%d", c.rng.IntN(4)): fmt.Sprintf("%s-%d", c.name, c.made)}
	c.tick()
	a, err := c.s.patch(ctx, k.id, patch)
	if c.expect(a, err) {
		var now []map[string]string // every state that it may have had leads to one
		for _, m := range k.metadata {
			now = append(now, merged(m, patch))
		}
		k.metadata = now
		return
	}
	for _, m := range slices.Clone(k.metadata) {
		k.metadata = append(k.metadata, merged(m, patch))
	}
}

func merged(m, patch map[string]string) map[string]string {
	m = maps.Clone(m)
	maps.Copy(m, patch)
	return m
}

func (c *client) delete(ctx context.Context) {
	i := c.pick()
	k := c.mine[i]
	c.mine = slices.Delete(c.mine, i, i+1)
	c.tick()
	a, err := c.s.remove(ctx, k.id)
	if c.expect(a, err) {
		c.l.gone[k.id] = true
		return
	}
	k.doubtful = true
	c.l.files[k.id] = k // its own no more: whether it is there shows at the next settling
}

// read fetches a file while everything else goes on.
func (c *client) read(ctx context.Context) {
	k := c.mine[c.pick()]
	c.tick()
	if err := c.s.download(ctx, k.id, k.content); err != nil && !c.calm && !c.gone(ctx) {
		c.t.Error(err)
	}
}

// gone says whether the server does not answer any more.
func (c *client) gone(ctx context.Context) bool {
	_, err := c.s.ask(ctx, http.MethodGet, "/health", nil, nil, 0)
	c.over = c.over || err != nil
	return c.over
}

// crowd lets several clients work at once, and adds what they learnt to the ledger.
func (l *ledger) crowd(ctx context.Context, clients []*client, changes int) {
	ids := slices.Sorted(maps.Keys(l.files))
	for _, c := range clients {
		c.mine = nil
	}
	for i, id := range ids {
		c := clients[i%len(clients)]
		c.mine = append(c.mine, l.files[id])
	}
	clear(l.files)
	var group sync.WaitGroup
	for _, c := range clients {
		c.l = newLedger()
		c.over = false
		group.Go(func() { c.work(ctx, changes) })
	}
	group.Wait()
	for _, c := range clients {
		l.take(c)
	}
}

func (l *ledger) take(c *client) {
	for _, k := range c.mine {
		l.files[k.id] = k
	}
	maps.Copy(l.files, c.l.files)
	maps.Copy(l.gone, c.l.gone)
	l.open = append(l.open, c.l.open...)
	l.repeats = append(l.repeats, c.l.repeats...)
	l.requests += c.l.requests
	l.refused += c.l.refused
}
