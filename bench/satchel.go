//go:build linux

package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/satchel-files/satchel/bench/documents"
)

// token is what the bench's Satchel takes as root token.
const token = "bench-0123456789abcdef0123456789abcdef"

// satchelServer is the program that all of this is about, on its default stores and settings.
type satchelServer struct {
	base
	data    string
	workers bool     // it processes what it stores, which is the default
	env     []string // further variables, such as where its rows and bytes are

	database string // the URL of the PostgreSQL database; empty: SQLite
}

// fresh gives a server as it is by default, on a new data folder. When it is started, it first makes what it needs to read PDFs, for some seconds.
func (b *bench) fresh() (*satchelServer, error) {
	s, err := b.satchel("")
	if err == nil {
		s.workers = true
	}
	return s, err
}

// working gives a server as it is by default, on a data folder, "" for a new one, in which that has been made.
func (b *bench) working(ctx context.Context, data string) (*satchelServer, error) {
	s, err := b.satchel(data)
	if err != nil {
		return nil, err
	}
	s.workers = true
	return s, b.prepare(ctx, s.data)
}

// prepare puts what the processes that read documents need into a data folder, unless it is there. It is kept for later runs.
func (b *bench) prepare(ctx context.Context, data string) error {
	cache := filepath.Join(data, "cache")
	if made, err := filepath.Glob(filepath.Join(cache, "*", "*")); len(made) > 0 || err != nil {
		return err
	}
	hash, err := b.sourceHash("internal/extract/pdf", "go.mod")
	if err != nil {
		return err
	}
	kept := filepath.Join(b.cache, "prepared-"+hash)
	if _, err := os.Stat(kept); err != nil {
		b.removeOld("prepared-*")
		dir, err := b.folder("prepared")
		if err != nil {
			return err
		}
		b.say("preparing what reads PDFs")
		if err := b.command(ctx, dir, nil, b.programs.satchel, "extract", "--prepare", "--cache", dir); err != nil {
			return err
		}
		if err := os.Rename(dir, kept); err != nil {
			return err
		}
	}
	return os.CopyFS(cache, os.DirFS(kept))
}

// satchel gives a server that stores and does not process, for what is about storage, on a data folder, "" for a new one.
func (b *bench) satchel(data string) (*satchelServer, error) {
	dir, err := b.folder("satchel")
	if data == "" {
		data = dir + "/data"
	}
	return &satchelServer{base: base{b: b, dir: dir}, data: data}, err
}

func (s *satchelServer) name() string { return "satchel" }

func (s *satchelServer) start(ctx context.Context) error {
	env := append([]string{"SATCHEL_ROOT_TOKEN=" + token}, s.env...)
	if s.b.pprof {
		addr, err := freeAddr()
		if err != nil {
			return err
		}
		env = append(env, "SATCHEL_PPROF_LISTEN="+addr)
		s.b.say("profiler at http://%s/debug/pprof/", addr)
	}
	return s.launch(ctx, s.list("?limit=1"), env, s.b.programs.satchel, func(addr string) []string {
		args := []string{"serve", "--listen", addr, "--data", s.data}
		if !s.workers {
			args = append(args, "--workers", "0")
		}
		return args
	})
}

const satchelAuth = "Authorization: Bearer " + token + "\r\n"

func (s *satchelServer) upload(size int64) *request { return s.uploadFor("user_data", size) }

// uploadAsData is upload for data of machines, which is not processed.
func (s *satchelServer) uploadAsData(size int64) *request { return s.uploadFor("evals", size) }

func (s *satchelServer) uploadFor(purpose string, size int64) *request {
	header, prefix, suffix := form("file", "purpose", purpose)
	return &request{method: "POST", path: "/files", header: satchelAuth + header, prefix: prefix, fill: size, suffix: suffix}
}

// send gives the request that uploads a document; header lines may be added.
func (s *satchelServer) send(d documents.Document, more string) *request {
	header, prefix, suffix := formOf("file", d.Name, d.Type, "purpose", "user_data")
	return &request{method: "POST", path: "/files", header: satchelAuth + more + header, prefix: prefix + string(d.Content), suffix: suffix}
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
