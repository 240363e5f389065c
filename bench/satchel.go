//go:build linux

package main

import (
	"context"
	"fmt"
	"net/url"
)

// token is what the bench's Satchel takes as root token.
const token = "bench-0123456789abcdef0123456789abcdef"

// satchelServer is the program that all of this is about, on its default stores and settings.
type satchelServer struct {
	base
	data string
}

// satchel gives a server on a data folder, "" for a new one.
func (b *bench) satchel(data string) (*satchelServer, error) {
	dir, err := b.folder("satchel")
	if data == "" {
		data = dir + "/data"
	}
	return &satchelServer{base: base{b: b, dir: dir}, data: data}, err
}

func (s *satchelServer) name() string { return "satchel" }

func (s *satchelServer) start(ctx context.Context) error {
	env := []string{"SATCHEL_ROOT_TOKEN=" + token}
	if s.b.pprof {
		addr, err := freeAddr()
		if err != nil {
			return err
		}
		env = append(env, "SATCHEL_PPROF_LISTEN="+addr)
		s.b.say("profiler at http://%s/debug/pprof/", addr)
	}
	return s.launch(ctx, s.list("?limit=1"), env, s.b.programs.satchel, func(addr string) []string {
		return []string{"serve", "--listen", addr, "--data", s.data}
	})
}

const satchelAuth = "Authorization: Bearer " + token + "\r\n"

func (s *satchelServer) upload(size int64) *request {
	header, prefix, suffix := form("file", "purpose", "user_data")
	return &request{method: "POST", path: "/files", header: satchelAuth + header, prefix: prefix, fill: size, suffix: suffix}
}

func (s *satchelServer) stored(a answer) (stored, error) {
	id, err := field(a.body, "id")
	return stored{info: "/files/" + id, content: "/files/" + id + "/content"}, err
}

func (s *satchelServer) info(f stored) *request    { return s.get(f.info) }
func (s *satchelServer) content(f stored) *request { return s.get(f.content) }
func (s *satchelServer) list(query string) *request {
	return s.get("/files" + query)
}

func (s *satchelServer) remove(f stored) *request {
	return &request{method: "DELETE", path: f.info, header: satchelAuth}
}

func (s *satchelServer) get(path string) *request {
	return &request{method: "GET", path: path, header: satchelAuth}
}

// pageFrom gives the request for a page of 100 behind an id; "" for the first page.
func (s *satchelServer) pageFrom(id string) *request {
	if id == "" {
		return s.list("?limit=100")
	}
	return s.list(fmt.Sprintf("?limit=100&after=%s", id))
}

// filter gives the request for the first 100 files whose metadata match.
func (s *satchelServer) filter(metadata string) *request {
	return s.list("?limit=100&metadata=" + url.QueryEscape(metadata))
}
