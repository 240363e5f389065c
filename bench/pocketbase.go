//go:build linux

package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

const (
	pocketUser     = "bench@example.com"
	pocketPassword = "bench-0123456789"
	pocketRecords  = "/api/collections/files/records"
)

// pocketCollection is a table of files like Satchel's: any size, a purpose, metadata, and an index on the order of the list.
const pocketCollection = `{"name":"files","type":"base","fields":[
 {"name":"content","type":"file","maxSelect":1,"maxSize":8589934592},
 {"name":"purpose","type":"text"},
 {"name":"metadata","type":"json"},
 {"name":"created","type":"autodate","onCreate":true}],
 "indexes":["CREATE INDEX files_created ON files (created)"]}`

// pocketbase is PocketBase with its default settings and one collection. It neither hashes content nor syncs it.
type pocketbase struct {
	base
	auth string
}

func (b *bench) pocketbase() (*pocketbase, error) {
	dir, err := b.folder("pocketbase")
	return &pocketbase{base: base{b: b, dir: dir}}, err
}

func (s *pocketbase) name() string { return "PocketBase" }

func (s *pocketbase) data() string { return s.dir + "/pb_data" }

func (s *pocketbase) start(ctx context.Context) error {
	if s.auth == "" {
		cmd := exec.CommandContext(ctx, s.b.programs.pocketbase, "superuser", "upsert", pocketUser, pocketPassword, "--dir", s.data())
		cmd.Dir = s.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("make its superuser: %w: %s", err, out)
		}
	}
	err := s.launch(ctx, &request{method: "GET", path: "/api/health"}, nil, s.b.programs.pocketbase, func(addr string) []string {
		return []string{"serve", "--http", addr, "--dir", s.data(), "--automigrate=false", "--hooksWatch=false"}
	})
	if err != nil || s.auth != "" {
		return err
	}
	return s.prepare()
}

// prepare logs in and makes the collection.
func (s *pocketbase) prepare() error {
	body, err := s.b.call(s, s.json("/api/collections/_superusers/auth-with-password",
		fmt.Sprintf(`{"identity":%q,"password":%q}`, pocketUser, pocketPassword)))
	if err != nil {
		return err
	}
	auth, err := field(body, "token")
	if err != nil {
		return err
	}
	s.auth = "Authorization: " + auth + "\r\n"
	_, err = s.b.call(s, s.json("/api/collections", pocketCollection))
	return err
}

func (s *pocketbase) json(path, body string) *request {
	return &request{method: "POST", path: path, header: s.auth + "Content-Type: application/json\r\n", prefix: body}
}

func (s *pocketbase) upload(size int64) *request {
	header, prefix, suffix := form("content", "purpose", "user_data")
	return &request{method: "POST", path: pocketRecords, header: s.auth + header, prefix: prefix, fill: size, suffix: suffix}
}

func (s *pocketbase) stored(a answer) (stored, error) {
	id, err := field(a.body, "id")
	if err != nil {
		return stored{}, err
	}
	name, err := field(a.body, "content")
	return stored{info: pocketRecords + "/" + id, content: strings.Join([]string{"/api/files/files", id, name}, "/")}, err
}

func (s *pocketbase) info(f stored) *request    { return s.get(f.info) }
func (s *pocketbase) content(f stored) *request { return s.get(f.content) }
func (s *pocketbase) remove(f stored) *request {
	return &request{method: "DELETE", path: f.info, header: s.auth}
}

func (s *pocketbase) get(path string) *request {
	return &request{method: "GET", path: path, header: s.auth}
}

// page gives the request for a page of 100, newest first, without the count that would make it slower.
func (s *pocketbase) page(n int) *request {
	return s.get(fmt.Sprintf("%s?perPage=100&page=%d&sort=-created&skipTotal=1", pocketRecords, n))
}
