package contract

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/satchel-files/satchel/api"
)

// walk collects the ids of all files, page by page; between is called after each page.
func (s *server) walk(t *testing.T, token, query string, between func(api.FileList)) []string {
	t.Helper()
	var ids []string
	after := ""
	for {
		list := s.do(t, as(token, "GET", "/files?"+query+"&after="+after)).list(t)
		for _, file := range list.Data {
			ids = append(ids, file.ID)
		}
		if len(list.Data) > 0 && (*list.FirstID != list.Data[0].ID || *list.LastID != list.Data[len(list.Data)-1].ID) {
			t.Error("first_id and last_id are not those of the page")
		}
		if between != nil {
			between(list)
		}
		if !list.HasMore {
			return ids
		}
		after = *list.LastID
	}
}

// uploadAtOnce uploads files from several clients at the same time and gives their ids.
func (s *server) uploadAtOnce(t *testing.T, token string, clients, each int) []string {
	t.Helper()
	var group sync.WaitGroup
	made := make([][]string, clients)
	for client := range clients {
		group.Go(func() {
			for i := range each {
				a := s.do(t, as(token, "POST", "/files").form(file(fmt.Sprintf("%d-%d.txt", client, i), "x")))
				made[client] = append(made[client], a.file(t).ID)
			}
		})
	}
	group.Wait()
	return slices.Concat(made...)
}

// Files of the same second are neither skipped nor repeated, whatever the size of the pages, in both orders.
func TestPagesOfTheSameSecond(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	made := s.uploadAtOnce(t, rootToken, 8, 5)
	slices.Sort(made)
	for _, limit := range []int{1, 3, 7, 39, 40, 41, 10000} {
		upwards := s.walk(t, rootToken, fmt.Sprintf("order=asc&limit=%d", limit), nil)
		if !slices.Equal(upwards, made) {
			t.Errorf("pages of %d, upwards: %v, want %v", limit, upwards, made)
		}
		downwards := s.walk(t, rootToken, fmt.Sprintf("limit=%d", limit), nil)
		slices.Reverse(downwards)
		if !slices.Equal(downwards, made) {
			t.Errorf("pages of %d, downwards: %v, want %v", limit, downwards, made)
		}
	}
}

// Who walks while others upload and delete sees every file that stays exactly once, also when the file at which a page ended is gone.
func TestPagesWhileOthersWrite(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	made := s.uploadAtOnce(t, rootToken, 4, 10)
	slices.Sort(made)
	gone := map[string]bool{}
	var newer []string
	seen := s.walk(t, rootToken, "order=asc&limit=4", func(page api.FileList) {
		last := *page.LastID
		if slices.Contains(newer, last) {
			return
		}
		s.do(t, as(rootToken, "DELETE", "/files/"+last)).want(t, 200)
		gone[last] = true
		newer = append(newer, s.do(t, as(rootToken, "POST", "/files").form(file("late.txt", "x"))).file(t).ID)
	})
	if want := slices.Concat(made, newer); !slices.Equal(seen[:len(made)], made) || !slices.Equal(seen, want[:len(seen)]) {
		t.Errorf("seen %v\nwant %v", seen, want)
	}
	for _, id := range seen {
		status := s.do(t, as(rootToken, "GET", "/files/"+id)).status
		if (status == 404) != gone[id] {
			t.Errorf("%s: %d", id, status)
		}
	}
}

// A page ends after 8 MiB of rows, and says that there is more.
func TestPagesOfEightMebibytes(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	metadata := field("metadata", `{"text": "`+strings.Repeat("x", 65000)+`"}`)
	parts := []part{metadata}
	for i := range 75 {
		parts = append(parts, file(fmt.Sprint(i), ""))
	}
	for range 2 {
		s.do(t, as(rootToken, "POST", "/files").form(parts...)).want(t, 200)
	}
	var sizes []int
	ids := s.walk(t, rootToken, "limit=10000", func(page api.FileList) { sizes = append(sizes, len(page.Data)) })
	if len(ids) != 150 || len(sizes) < 2 {
		t.Fatalf("%d files on pages of %v", len(ids), sizes)
	}
	if bytes := sizes[0] * 65000; bytes < 7*mebi || bytes > 9*mebi {
		t.Errorf("the first page has %d files, that is %d bytes", sizes[0], bytes)
	}
}

// A hundred files are the most for one request, and they rise in the order sent.
func TestAHundredFiles(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var parts []part
	for i := range 100 {
		parts = append(parts, file(fmt.Sprint(i), fmt.Sprint(i)))
	}
	tooMany := s.do(t, as(rootToken, "POST", "/files").form(append(parts[:100:100], file("one more", "x"))...))
	if got := tooMany.code(t); got != "422 too_many" {
		t.Error(got)
	}
	s.isEmpty(t, rootToken)
	list := s.do(t, as(rootToken, "POST", "/files").form(parts...)).list(t)
	for i, f := range list.Data {
		if f.Filename != fmt.Sprint(i) || i > 0 && f.ID <= list.Data[i-1].ID {
			t.Errorf("file %d is %s, %s", i, f.Filename, f.ID)
		}
	}
	if len(list.Data) != 100 || list.HasMore {
		t.Errorf("%d files, has_more %t", len(list.Data), list.HasMore)
	}
}

// A file is found by every one of the filters that fit it, with every kind of character in them.
func TestFiltersWithOddCharacters(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, text := range []string{`a"b`, `a'b; DROP TABLE files; --`, "%", "_", `\`, "ä€😀", "a b+c&d=e", "[x]", strings.Repeat("long", 100)} {
		metadata := fmt.Sprintf(`{%q: %q}`, text[:min(len(text), 40)], text)
		id := s.do(t, as(rootToken, "POST", "/files").form(field("metadata", metadata), file("f", text))).file(t).ID
		list := s.do(t, as(rootToken, "GET", "/files?metadata="+url.QueryEscape(metadata))).list(t)
		if len(list.Data) != 1 || list.Data[0].ID != id {
			t.Errorf("%s finds %d files", metadata, len(list.Data))
		}
	}
}
