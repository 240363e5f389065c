package contract

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
)

// seed is a flag: the model test repeats a run that failed.
var seed = flag.Uint64("seed", 0, "seed of the model test; 0: a new one") //nolint:gochecknoglobals // a flag

const (
	modelClients = 6
	modelSteps   = 60
)

// modelFile is all that a client knows of a file that it made.
type modelFile struct {
	id, name, purpose, content string
	metadata                   map[string]any
	expires                    int64 // seconds from creation, 0: never
}

// modelClient does random things with its own files, in a workspace that all clients share, and knows what must come of it.
type modelClient struct {
	*server
	t       *testing.T
	random  *rand.Rand
	number  int
	token   string
	files   []*modelFile // by creation
	deleted []string
}

// Clients who do random things at the same time each see their own files exactly as a simple model has them; and when all are done, the
// whole is the sum of the models.
func TestModel(t *testing.T) {
	t.Parallel()
	seed := *seed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("go test ./tests/contract -run TestModel -seed %d", seed)
	s := newServer(t)
	clients := make([]*modelClient, modelClients)
	var group sync.WaitGroup
	for i := range clients {
		clients[i] = &modelClient{
			server: s, t: t, number: i, random: rand.New(rand.NewPCG(seed, uint64(i))), token: s.token(t, fmt.Sprintf("acme user-%d admin", i)),
		}
		group.Go(func() {
			for step := 0; step < modelSteps && !t.Failed(); step++ {
				clients[i].step()
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	compareWhole(t, s, clients)
}

// compareWhole compares everything that there is with what all models have together.
func compareWhole(t *testing.T, s *server, clients []*modelClient) {
	t.Helper()
	var all []*modelFile
	for _, c := range clients {
		all = append(all, c.files...)
	}
	slices.SortFunc(all, func(a, b *modelFile) int { return strings.Compare(a.id, b.id) })
	list := s.do(t, clients[0].request("GET", "/files?order=asc")).list(t)
	if len(list.Data) != len(all) {
		t.Fatalf("%d files, the models have %d", len(list.Data), len(all))
	}
	for i, file := range list.Data {
		all[i].compare(t, *file)
	}
	if files := s.metric(t, "satchel_files"); files != strconv.Itoa(len(all)) {
		t.Errorf("the metric says %s files, the models have %d", files, len(all))
	}
}

func (c *modelClient) request(method, target string) request {
	u, _ := url.Parse(target) // our own
	query := u.Query()
	query.Set("workspace", "shared")
	u.RawQuery = query.Encode()
	return as(c.token, method, u.String())
}

// step does one random thing; things that need a file upload one where there is none.
func (c *modelClient) step() {
	steps := []func(*modelFile){
		c.read, c.readContent, c.patch, c.replace, c.rename, c.expire, c.delete, c.lookElsewhere, c.retry,
	}
	switch n := c.random.IntN(len(steps) + 6); {
	case n < len(steps) && len(c.files) > 0:
		steps[n](c.files[c.random.IntN(len(c.files))])
	case n == len(steps):
		c.list()
	case n == len(steps)+1:
		c.find()
	case n == len(steps)+2:
		c.readDeleted()
	default:
		c.upload()
	}
}

// value makes a random JSON value, as encoding/json would decode it.
func (c *modelClient) value(depth int) any {
	switch n := c.random.IntN(7); {
	case n == 0:
		return nil
	case n == 1:
		return c.random.IntN(2) == 0
	case n == 2:
		return float64(c.random.IntN(5))
	case n == 3 && depth > 0:
		return c.object(depth - 1)
	case n == 4 && depth > 0:
		return []any{c.value(depth - 1), c.value(depth - 1)}
	}
	return string(rune('a' + c.random.IntN(5)))
}

func (c *modelClient) object(depth int) map[string]any {
	object := map[string]any{}
	for range c.random.IntN(4) {
		object[fmt.Sprintf("k%d", c.random.IntN(4))] = c.value(depth)
	}
	return object
}

func (c *modelClient) upload() {
	purposes := []string{"user_data", "batch", "assistants"}
	metadata := c.object(2)
	text, _ := json.Marshal(metadata) // of a kind that marshals
	purpose := purposes[c.random.IntN(len(purposes))]
	parts := []part{field("purpose", purpose), field("metadata", string(text))}
	var made []*modelFile
	for range 1 + c.random.IntN(3) {
		f := &modelFile{
			name: fmt.Sprintf("%d-%d.txt", c.number, c.random.IntN(10)), purpose: purpose,
			content: fmt.Sprint(c.random.Uint64()), metadata: clone(metadata),
		}
		made, parts = append(made, f), append(parts, file(f.name, f.content))
	}
	c.random.Shuffle(len(parts[:2]), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	a := c.do(c.t, c.request("POST", "/files").form(parts...))
	answered := []*api.File{}
	if len(made) == 1 {
		one := a.file(c.t)
		answered = append(answered, &one)
	} else {
		answered = a.list(c.t).Data
	}
	for i, f := range answered {
		made[i].id = f.ID
		made[i].compare(c.t, *f)
	}
	c.files = append(c.files, made...)
}

func clone(object map[string]any) map[string]any {
	text, _ := json.Marshal(object) // of a kind that marshals
	var same map[string]any
	_ = json.Unmarshal(text, &same)
	return same
}

// compare fails the test when the server's file is not the model's.
func (f *modelFile) compare(t *testing.T, got api.File) {
	t.Helper()
	var metadata map[string]any
	if err := json.Unmarshal(got.Metadata, &metadata); err != nil {
		t.Error(err)
	}
	var expires int64
	if got.ExpiresAt != nil {
		expires = *got.ExpiresAt - got.CreatedAt
	}
	want := modelFile{got.ID, got.Filename, got.Purpose, f.content, metadata, expires}
	if !reflect.DeepEqual(*f, want) || got.Bytes != int64(len(f.content)) {
		t.Errorf("the model has %+v\nthe server %+v", *f, want)
	}
}

func (c *modelClient) read(f *modelFile) {
	f.compare(c.t, c.do(c.t, c.request("GET", "/files/"+f.id)).file(c.t))
}

func (c *modelClient) readContent(f *modelFile) {
	if a := c.do(c.t, c.request("GET", "/files/"+f.id+"/content")); string(a.body) != f.content {
		c.t.Errorf("content of %s: %d %q, want %q", f.id, a.status, a.body, f.content)
	}
}

func (c *modelClient) patch(f *modelFile) {
	change := c.object(2)
	f.metadata, _ = mergePatch(f.metadata, clone(change)).(map[string]any)
	methods := []string{"PATCH", "PUT", "POST"}
	f.compare(c.t, c.do(c.t, c.request(methods[c.random.IntN(3)], "/files/"+f.id+"/metadata").json(c.t, change)).file(c.t))
}

// mergePatch is the algorithm as RFC 7396 writes it.
func mergePatch(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	object, ok := target.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	for name, value := range changes {
		if value == nil {
			delete(object, name)
		} else {
			object[name] = mergePatch(object[name], value)
		}
	}
	return object
}

func (c *modelClient) replace(f *modelFile) {
	f.metadata = c.object(2)
	f.compare(c.t, c.do(c.t, c.request("PUT", "/files/"+f.id+"/metadata?replace=true").json(c.t, f.metadata)).file(c.t))
}

func (c *modelClient) rename(f *modelFile) {
	f.name = fmt.Sprintf("%d-renamed-%d.txt", c.number, c.random.IntN(10))
	f.compare(c.t, c.do(c.t, c.request("POST", "/files/"+f.id).json(c.t, map[string]string{"filename": f.name})).file(c.t))
}

func (c *modelClient) expire(f *modelFile) {
	change := map[string]any{"expires_after": nil}
	f.expires = 0
	if c.random.IntN(3) > 0 {
		f.expires = 3600 + int64(c.random.IntN(1000))
		change["expires_after"] = map[string]any{"anchor": "created_at", "seconds": f.expires}
	}
	f.compare(c.t, c.do(c.t, c.request("POST", "/files/"+f.id).json(c.t, change)).file(c.t))
}

func (c *modelClient) delete(f *modelFile) {
	c.do(c.t, c.request("DELETE", "/files/"+f.id)).want(c.t, 200)
	c.files = slices.DeleteFunc(c.files, func(other *modelFile) bool { return other == f })
	c.deleted = append(c.deleted, f.id)
}

func (c *modelClient) readDeleted() {
	if len(c.deleted) == 0 {
		return
	}
	id := c.deleted[c.random.IntN(len(c.deleted))]
	for _, r := range []request{c.request("GET", "/files/"+id), c.request("GET", "/files/"+id+"/content"), c.request("DELETE", "/files/"+id)} {
		c.do(c.t, r).want(c.t, 404)
	}
}

// lookElsewhere asks for a file where it is not.
func (c *modelClient) lookElsewhere(f *modelFile) {
	c.do(c.t, as(c.token, "GET", "/files/"+f.id)).want(c.t, 404)
	c.do(c.t, as(rootToken, "GET", "/files/"+f.id+"?workspace=shared")).want(c.t, 404)
}

// retry sends an upload twice under one key.
func (c *modelClient) retry(*modelFile) {
	f := &modelFile{name: "retried.txt", purpose: "user_data", content: fmt.Sprint(c.random.Uint64()), metadata: map[string]any{}}
	r := c.request("POST", "/files").with("Idempotency-Key", f.content).form(file(f.name, f.content))
	f.id = c.do(c.t, r).file(c.t).ID
	f.compare(c.t, c.do(c.t, r).file(c.t))
	c.files = append(c.files, f)
}

// list walks all pages while the others write, and finds its own files in their order and as they are.
func (c *modelClient) list() {
	own := map[string]*modelFile{}
	for _, f := range c.files {
		own[f.id] = f
	}
	after, seen := "", 0
	for more := true; more; {
		page := c.do(c.t, c.request("GET", fmt.Sprintf("/files?limit=%d&order=asc&after=%s", 1+c.random.IntN(20), after))).list(c.t)
		for _, file := range page.Data {
			if file.ID <= after {
				c.t.Errorf("%s comes behind %s", file.ID, after)
			}
			after = file.ID
			if f := own[file.ID]; f != nil {
				f.compare(c.t, *file)
				seen++
			}
		}
		more = page.HasMore
	}
	if seen != len(own) {
		c.t.Errorf("client %d has %d files and saw %d", c.number, len(own), seen)
	}
}

// find asks for the files whose metadata have a text under a key, and compares with a look through the model.
func (c *modelClient) find() {
	key, text := fmt.Sprintf("k%d", c.random.IntN(4)), string(rune('a'+c.random.IntN(5)))
	filter, _ := json.Marshal(map[string]string{key: text}) // strings marshal
	var want, got []string
	for _, f := range c.files {
		if holds(f.metadata[key], text) {
			want = append(want, f.id)
		}
	}
	own := map[string]bool{}
	for _, f := range c.files {
		own[f.id] = true
	}
	for _, file := range c.do(c.t, c.request("GET", "/files?order=asc&metadata="+url.QueryEscape(string(filter)))).list(c.t).Data {
		if own[file.ID] {
			got = append(got, file.ID)
		}
	}
	if !slices.Equal(got, want) {
		c.t.Errorf("%s finds %v, want %v of %v", filter, got, want, slices.Sorted(maps.Keys(own)))
	}
}

// holds reports whether a value is the text, or an array that has it.
func holds(value any, text string) bool {
	items, isArray := value.([]any)
	return value == text || isArray && slices.Contains(items, any(text))
}
